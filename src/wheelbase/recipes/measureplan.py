"""How `measure` is to build and to look at what it has built. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wheelbase.measuring.values import SCENARIOS, BuilderName, Installer, Scenario

BUILDERS: tuple[BuilderName, ...] = ("docker", "buildkit", "podman", "buildah", "wheelbase")
INSTALLERS: tuple[Installer, ...] = ("pip", "uv")
DEFAULT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure: `repeat` rounds of the scenarios, each build within `seconds`.

    `environment` are variables of the build stage, `tools` packages of Python that it has at hand, and `files` what its
    installing steps see, by the path in the container. `port` is where the application answers HTTP, and `push` a name
    in a registry, `HOST/NAME`, that images are pushed to. With `fresh`, what was measured before is measured again.
    """

    builders: tuple[BuilderName, ...] = BUILDERS
    installers: tuple[Installer, ...] = INSTALLERS
    scenarios: tuple[Scenario, ...] = SCENARIOS
    repeat: int = 3
    seconds: float = DEFAULT_SECONDS
    no_binary: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    port: int | None = None
    push: str | None = None
    fresh: bool = False

    def options(self) -> list[str]:
        """Return the options of the command line that change how things are built."""
        words = [word for name in self.no_binary for word in ("--no-binary", name)]
        words += [word for name in self.tools for word in ("--build-tool", name)]
        words += [word for name, value in self.environment.items() for word in ("--build-env", f"{name}={value}")]
        return words + [word for path, file in self.files.items() for word in ("--build-file", f"{file}:{path}")]

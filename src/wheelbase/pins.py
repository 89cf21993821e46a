"""One run of uv: requirements in, pinned packages out, for one Python version and every Linux. Runs uv."""

from __future__ import annotations

import re
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from subprocess import CompletedProcess
from typing import TYPE_CHECKING, Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.errors import ResolutionError
from wheelbase.index.indexes import ask_indexes
from wheelbase.index.settings import IndexSettings, uv_environment, uv_project
from wheelbase.project.values import Package, Requirements
from wheelbase.uv import refusal, run_uv

if TYPE_CHECKING:
    from wheelbase.source.archive import SourceFacts


# What uv says of a package that has wheels nowhere, and of a version that has them for other systems alone.
_NO_WHEELS = (r"Wheels are required for `([^`]+)`", r"([\w.-]+)[<>=!~][^ ]* has no `[^`]*`-compatible wheels")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Everything that a resolution depends on. `narrowed` are further constraints, for one base.

    `machine` as in `platform_machine`; None: all.
    """

    requirements: Requirements
    settings: IndexSettings
    python: tuple[int, int]
    as_of: date | None = None
    allow_build: frozenset[str] = frozenset()
    narrowed: tuple[str, ...] = ()
    machine: str | None = None

    @property
    def not_after(self) -> datetime | None:
        """Return the last moment of the date asked for."""
        return datetime.combine(self.as_of, time.max, tzinfo=UTC) if self.as_of else None


class NeedsSource(Exception):
    """Packages that have no wheel in any version that is allowed."""

    def __init__(self, names: frozenset[str]) -> None:
        """Name them."""
        super().__init__(names)
        self.names = names


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A release that is taken from its source archive, with the dependencies that it states."""

    version: Version
    facts: SourceFacts
    forced: bool


def pin(asked: Asked, sources: Mapping[str, tuple[Source, ...]]) -> tuple[Package, ...]:
    """Run uv once and read the pylock.toml that it writes."""
    import tomli_w
    from packaging.pylock import Pylock

    with tempfile.TemporaryDirectory(prefix="wheelbase-") as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(tomli_w.dumps(_uv_input(asked, sources)), encoding="utf-8")
        constraints = [*map(str, asked.requirements.constraints), *asked.narrowed]
        (folder / "constraints.txt").write_text("\n".join(constraints), encoding="utf-8")
        command = "pip compile --quiet --universal --format pylock.toml --output-file pylock.toml".split()
        command += [
            "--python-version",
            dotted(asked.python),
            *"--constraints constraints.txt --only-binary :all:".split(),
        ]
        command += [word for package in sorted(sources) for word in ("--no-binary", package)]
        command += (
            ["--exclude-newer", (asked.not_after + timedelta(microseconds=1)).isoformat()] if asked.not_after else []
        )
        command += ["--no-deps"] if asked.requirements.complete else []
        result = run_uv(
            *command,
            "-",
            directory=folder,
            stdin="\n".join(map(str, asked.requirements.requirements)),
            environment=uv_environment(asked.settings),
        )
        if result.returncode:
            raise _judged(asked, result)
        lock = Pylock.from_dict(tomllib.loads((folder / "pylock.toml").read_text(encoding="utf-8")))
    return tuple(
        Package(name=canonicalize_name(package.name), version=package.version, marker=package.marker)
        for package in lock.packages
        if package.version
    )


def _uv_input(asked: Asked, sources: Mapping[str, tuple[Source, ...]]) -> dict[str, Any]:
    table = uv_project(asked.settings)
    # What other systems and interpreters need must not hold back what this one gets.
    machine = f" and platform_machine == '{asked.machine}'" if asked.machine else ""
    table["environments"] = [
        f"sys_platform == 'linux' and platform_system == 'Linux' and os_name == 'posix' and "
        f"platform_python_implementation == 'CPython' and implementation_name == 'cpython' and "
        f"python_version == '{dotted(asked.python)}'{machine}"
    ]
    table.setdefault("dependency-metadata", [])
    for name, known in sources.items():
        # The entry without a version holds for all that were not read, so that uv never builds one to ask it.
        for source, version in [*((source, str(source.version)) for source in known), (known[0], None)]:
            if source.facts.requires_dist is not None:
                entry: dict[str, Any] = {"name": name, "requires-dist": list(source.facts.requires_dist)}
                table["dependency-metadata"].append(entry | ({"version": version} if version else {}))
    return {
        "project": {"name": "wheelbase-asks", "version": "0", "requires-python": f">={dotted(asked.python)}"},
        "tool": {"uv": table},
    }


def _judged(asked: Asked, result: CompletedProcess[str]) -> Exception:
    """Return the error that uv's refusal amounts to."""
    needed = frozenset(
        canonicalize_name(name)
        for pattern in _NO_WHEELS
        for name in re.findall(pattern, " ".join(result.stderr.split()))
    )
    if needed:
        return NeedsSource(needed)
    message, _ = refusal(result)  # uv's hints speak of settings and options that are not ours
    # The split is the one environment that was asked for.
    message = re.sub(
        r"^No solution found when resolving dependencies (for split \(.*?\) )?(cause: )?", "", " ".join(message.split())
    )
    if missing := re.search(r"Because (\S+) was not found in the package registry", message):
        ask_indexes(asked.settings, missing[1])
        return ResolutionError(
            f"{missing[1]} is not on the package index",
            hint="check its spelling, and the index settings if it is a private package",
        )
    if missing := re.search(r"Because there (?:is no version|are no versions) of (\S+) ", message):
        when = f" as of {asked.as_of}" if asked.as_of else ""
        return ResolutionError(
            f"there is no {missing[1]} on the package index{when}",
            hint="loosen the version; `wheelbase explain` lists what there is",
        )
    if re.search(r"Failed to fetch|error sending request|Could not connect|dns error", message):
        return ResolutionError(
            f"the package index cannot be reached: {message}",
            hint="check the network, the proxy and the index settings",
        )
    return ResolutionError(
        f"no set of versions satisfies {asked.requirements.source}: {message}",
        hint="loosen one of the requirements named, or choose another --python",
    )


def dotted(python: tuple[int, int]) -> str:
    """Return (3, 13) as `3.13`."""
    return f"{python[0]}.{python[1]}"

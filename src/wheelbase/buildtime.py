"""How long `pip install` in a container build takes, as a range. Reads `buildtime.toml`.

The model is a sum of terms, each a measured constant times a count. Pulling the base image is left out: it is done
once for many builds.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What a build has to do: counts, and bytes; and with what Python. `stdlib_bytecode` None is as True."""

    packages: int
    download_bytes: int
    files: int
    file_bytes: int
    source_bytes: int
    bytecode_bytes: int
    package_manager: str | None
    compile_seconds: tuple[float, float] = (0.0, 0.0)
    musl: bool = False
    stdlib_bytecode: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Seconds:
    """A range of seconds."""

    low: float
    high: float


def build_seconds(work: Work, *, megabits: float) -> Seconds:
    """Return how long the build takes with a download speed in megabits a second."""
    low, high = (sum(term) for term in zip(*_terms(work, megabits), strict=True))
    return Seconds(low=round(low, 1), high=round(high, 1))


def _terms(work: Work, megabits: float) -> Iterable[tuple[float, float]]:
    constants = _constants()
    pip = constants["pip"]
    download = work.download_bytes * 8 / (megabits * 1e6)
    yield download, download * 1.15
    slower = pip["musl"] if work.musl else 1.0
    for count, name in (
        (1, "start"),
        (work.stdlib_bytecode is False, "first_start"),
        (work.packages, "resolve_package"),
        (work.files, "install_file"),
        (work.file_bytes / 1e6, "install_megabyte"),
        (work.source_bytes / 1e6, "bytecode_megabyte"),
        ((work.file_bytes + work.bytecode_bytes) / 1e6, "layer_megabyte"),
    ):
        yield count * slower * pip[name][0], count * slower * pip[name][1]
    if work.package_manager:
        manager = "dnf" if work.package_manager in ("dnf", "microdnf", "yum") else work.package_manager
        low, high = constants["system"].get(manager, (0.0, 0.0))
        yield low, high
    yield work.compile_seconds


@cache
def _constants() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("buildtime.toml").read_text(encoding="utf-8"))

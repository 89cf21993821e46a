"""Which hazards concern an application: the signs in its files, with their places. Reads files.

Read are Python's, and those that describe containers. Not read are tests, documentation, virtual environments, what is
for another system, and the packages that it needs.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from wheelbase.errors import SourceError
from wheelbase.probes.containerfiles import describes_containers, signs_in_containerfile
from wheelbase.probes.signs import LOOKED_FOR, Sign, signs_of
from wheelbase.probes.threads import has_large_stacks, parsed_in_threads
from wheelbase.source.syntax import parse_quietly

_SKIPPED = {"tests", "test", "testing", "docs", "venv", "env", "build", "dist", "node_modules", "site-packages"}
_ELSEWHERE = re.compile(r"_(macos|darwin|osx|windows|win32)\.py$")
_LARGEST = 1 << 20
_MOST_FILES = 20_000
_TZDATA = re.compile(r"""(?m)^\s*["']?tzdata\b""")
Concern = Literal["bites here", "may bite", "not found", "not looked for"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A line of the application, or of a `package` that it needs: `file` is relative to the folder that it is in.

    A file that is meant as a whole has line 0.
    """

    file: str
    line: int
    what: str
    sure: bool
    package: str = ""

    @property
    def where(self) -> str:
        """Return the place as people read it."""
        where = f"{self.file}:{self.line}" if self.line else self.file
        return f"({self.package}) {where}".rstrip() if self.package else where


@dataclass(frozen=True, slots=True, kw_only=True)
class Relevance:
    """Whether a hazard concerns the application, and where: the sure places first."""

    verdict: Concern
    places: tuple[Place, ...] = ()


def relevance_of(places: Mapping[str, tuple[Place, ...]], hazard: str) -> Relevance:
    """Return what the places in an application say of a hazard."""
    if hazard not in LOOKED_FOR:
        return Relevance(verdict="not looked for")
    found = tuple(sorted(places.get(hazard, ()), key=lambda one: (not one.sure, one.package, one.file, one.line)))
    if not found:
        return Relevance(verdict="not found")
    return Relevance(verdict="bites here" if found[0].sure else "may bite", places=found)


def places_in(folder: Path) -> Mapping[str, tuple[Place, ...]]:
    """Return the places of an application's folder by hazard; SourceError where there is no folder."""
    if not folder.is_dir():
        raise SourceError(f"{folder} is no folder", hint="name the folder that has the application's code")
    found: dict[str, list[Place]] = {}
    large_stacks, has_tzdata = False, _brings_tzdata(folder)
    for path in _files(folder):
        try:
            signs: list[Sign]
            if path.suffix == ".py":
                module = parse_quietly(path.read_bytes())
                signs = [*signs_of(module), *parsed_in_threads(module)]
                large_stacks = large_stacks or has_large_stacks(module)
            else:
                signs = [*signs_in_containerfile(path.name, path.read_text(encoding="utf-8", errors="replace"))]
        except (SyntaxError, ValueError, RecursionError, MemoryError, OSError):
            continue
        for sign in signs:
            # PyPI's package is what zoneinfo takes, and nothing else.
            if not (sign.what.startswith("ZoneInfo(") and has_tzdata):
                place = Place(file=str(path.relative_to(folder)), line=sign.line, what=sign.what, sure=sign.sure)
                found.setdefault(sign.hazard, []).append(place)
    if large_stacks:
        found.pop("thread-stack", None)
    return {hazard: tuple(dict.fromkeys(places)) for hazard, places in found.items()}


def _files(folder: Path) -> Iterator[Path]:
    count = 0
    for where, folders, names in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _SKIPPED and not name.startswith(".") and not Path(where, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            path = Path(where, name)
            module = name.endswith(".py") and not name.startswith("test_") and not _ELSEWHERE.search(name)
            if not module and not describes_containers(name):
                continue
            if path.is_file():
                count += 1
                if count > _MOST_FILES:
                    return
                if path.stat().st_size <= _LARGEST:
                    yield path


def _brings_tzdata(folder: Path) -> bool:
    listed = [*folder.glob("requirements*.txt"), *folder.glob("pyproject.toml")]
    return any(_TZDATA.search(path.read_text(encoding="utf-8", errors="replace")) for path in listed if path.is_file())

"""What a project tells wheelbase: its image, system packages that it asks for, what it knows better than the analysis.

Read from `wheelbase.toml`, else from `[tool.wheelbase]` of pyproject.toml. Reads files.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from wheelbase.project.files import load_toml
from wheelbase.system.names import Manager

# Names end in a command that is printed to be run: none is an option, and none is two words.
# Checked by hand, as with `msgspec.Meta` an interpreter may crash at its exit.
_NAME = re.compile(r"[^\s-]\S*")
_MOST_SECONDS = 1e6

PerManager = str | dict[Manager, str | list[str]]
"""A package that is named alike everywhere, "pc:libpq" for the one with that pkg-config module, or a name (or names)
for each package manager: `{ apt = "libpq5", apk = "libpq" }`."""


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user knows of one package's source archive. A group that is None is left to the analysis."""

    build: list[PerManager] | None = None
    optional: list[PerManager] | None = None
    tools: list[PerManager] | None = None
    run: list[PerManager] | None = None
    cpu_seconds: float | None = None

    def __post_init__(self) -> None:
        """Check the names of all groups, and the time. Raises ValueError, which msgspec tells with the place."""
        for group in (self.build, self.optional, self.tools, self.run):
            _check(group or ())
        if self.cpu_seconds is not None and not 0 <= self.cpu_seconds <= _MOST_SECONDS:
            raise ValueError(f"cpu_seconds = {self.cpu_seconds} is no time")


class ImageSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="kebab"):
    """How the project's image runs. None is left to the base, and to what wheelbase does by itself."""

    platforms: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str | None = None
    workdir: str | None = None
    stop_signal: str | None = None
    env: dict[str, str] = {}
    labels: dict[str, str] = {}
    ports: list[str] = []


class _Written(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands in a file: the image that is built, and what it is built on.

    `deb` are packages to add to a base of Debian's; `system` are those of the project's image, on whatever base, and
    `sysdeps` is what overrules the analysis.
    """

    base: str | None = None
    deb: list[str] = []
    image: ImageSettings = ImageSettings()
    system: list[PerManager] = []
    sysdeps: dict[str, Override] = {}

    def __post_init__(self) -> None:
        """Check the names of packages. Raises ValueError, which msgspec tells with the place."""
        _check(self.system)


def _check(entries: Iterable[PerManager]) -> None:
    for entry in entries:
        for given in (entry,) if isinstance(entry, str) else entry.values():
            for name in (given,) if isinstance(given, str) else given:
                if not _NAME.fullmatch(name):
                    raise ValueError(f"{name!r} is no name of a package")


class Settings(_Written, frozen=True, kw_only=True):
    """The settings of a project, and the name of the file that they stand in; empty where there is none."""

    source: str = ""

    def override_of(self, name: str) -> Override | None:
        """Return what overrules the analysis of a project, however its name is written."""
        return {canonicalize_name(key): value for key, value in self.sysdeps.items()}.get(canonicalize_name(name))


class _Tool(msgspec.Struct, frozen=True):
    wheelbase: _Written | None = None


class _Pyproject(msgspec.Struct, frozen=True):
    tool: _Tool = _Tool()


def read_settings(folder: Path = Path()) -> Settings:
    """Return a folder's settings; none are none. Raises RequirementsError where they have not the form expected."""
    own, pyproject = folder / "wheelbase.toml", folder / "pyproject.toml"
    if own.is_file():
        return _named(load_toml(own, _Written), own)
    if pyproject.is_file() and (found := load_toml(pyproject, _Pyproject).tool.wheelbase):
        return _named(found, pyproject)
    return Settings()


def _named(written: _Written, path: Path) -> Settings:
    return Settings(**msgspec.structs.asdict(written), source=path.name)


def names_for(entry: PerManager, manager: Manager) -> tuple[str, ...]:
    """Return the names of an entry for a package manager: none where it names others alone."""
    if isinstance(entry, str):
        return (entry,)
    found: Any = entry.get(manager, ())
    return (found,) if isinstance(found, str) else tuple(found)

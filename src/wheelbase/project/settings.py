"""What a project tells wheelbase: system packages that it asks for itself, and what it knows better than the analysis.

Read from `wheelbase.toml`, else from `[tool.wheelbase]` of pyproject.toml. Reads files.
"""

from pathlib import Path
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from wheelbase.project.files import load_toml

PerManager = str | dict[str, str | list[str]]
"""A package that is named alike everywhere, "pc:libpq" for the one with that pkg-config module, or a name (or names)
for each package manager: `{ apt = "libpq5", apk = "libpq" }`."""


class Override(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user knows of one package's source archive. A group that is None is left to the analysis."""

    build: list[PerManager] | None = None
    optional: list[PerManager] | None = None
    tools: list[PerManager] | None = None
    run: list[PerManager] | None = None
    cpu_seconds: float | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings of a project: `system` are packages of its image, `sysdeps` what overrules the analysis."""

    system: list[PerManager] = []
    sysdeps: dict[str, Override] = {}
    source: str = ""

    def override_of(self, name: str) -> Override | None:
        """Return what overrules the analysis of a project, however its name is written."""
        return {canonicalize_name(key): value for key, value in self.sysdeps.items()}.get(canonicalize_name(name))


class _Tool(msgspec.Struct, frozen=True):
    wheelbase: Settings | None = None


class _Pyproject(msgspec.Struct, frozen=True):
    tool: _Tool = _Tool()


def read_settings(folder: Path = Path()) -> Settings:
    """Return a folder's settings; none are none. Raises RequirementsError where they have not the form expected."""
    own, pyproject = folder / "wheelbase.toml", folder / "pyproject.toml"
    if own.is_file():
        return msgspec.structs.replace(load_toml(own, Settings), source="wheelbase.toml")
    if pyproject.is_file() and (found := load_toml(pyproject, _Pyproject).tool.wheelbase):
        return msgspec.structs.replace(found, source="pyproject.toml")
    return Settings()


def names_for(entry: PerManager, manager: str) -> tuple[str, ...]:
    """Return the names of an entry for a package manager: none where it names others alone."""
    if isinstance(entry, str):
        return (entry,)
    found: Any = entry.get(manager, ())
    return (found,) if isinstance(found, str) else tuple(found)

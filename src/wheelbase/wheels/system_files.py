"""Packages that read files of the system which they do not bring. Reads `system_files.toml`."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

import msgspec
from packaging.version import Version

Kind = Literal["time zones", "certificates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Files of the system; `owners` are the system's packages that have them, `packages` those to install."""

    kind: Kind
    named: str
    owners: tuple[str, ...]
    packages: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """A package that reads such files from version `since` on, unless one of `instead` is installed."""

    package: str
    kind: Kind
    since: str
    instead: tuple[str, ...]
    why: str
    source: str


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    files: tuple[Files, ...]
    use: tuple[Use, ...]


def uses_of(package: str, version: Version) -> tuple[tuple[Use, Files], ...]:
    """Return what a version of a package, named in its normalised form, reads."""
    files = {one.kind: one for one in load_table().files}
    uses = (use for use in load_table().use if use.package == package and version >= Version(use.since))
    return tuple((use, files[use.kind]) for use in uses)


@cache
def load_table() -> _Table:
    """Return the bundled table."""
    raw = Path(__file__).with_name("system_files.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(raw), _Table)

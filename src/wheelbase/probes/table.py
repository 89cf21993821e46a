"""What is known of each hazard: who it bites, how much, and the way out. Reads `hazards.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec
from packaging.specifiers import SpecifierSet

_PACKAGE = files("wheelbase.probes")
Severity = Literal["high", "medium", "low"]
DecidedBy = Literal["libc", "libc and python", "image"]


class ImageCure(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a build does to an image against a hazard; `does` says it in words.

    `module` is the script in cures/ that each interpreter runs when it starts, `files` and `links` are paths in the
    image with the names of files in cures/ and with what is linked to, `libraries` says that the system's packages are
    those which have what the application's wheels lack. `python` is a specifier, "" for all.
    """

    does: str
    module: str = ""
    env: dict[str, str] = {}
    requirements: tuple[str, ...] = ()
    files: dict[str, str] = {}
    links: dict[str, str] = {}
    debs: tuple[str, ...] = ()
    libraries: bool = False
    python: str = ""


class KnownHazard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row. `fixed` names versions that are free of it, "" where there are none; `source` says how it is known.

    `image` is None where nothing in an image cures it. `decided_by` is what has to be the same in another image.
    """

    id: str
    script: str
    title: str
    bites: str
    severity: Severity
    fixed: str
    cure: str
    decided_by: DecidedBy
    source: str
    argument: str = ""
    image: ImageCure | None = None

    def program(self) -> str:
        """Return the text of the probe."""
        return script_text(self.script)


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    hazard: list[KnownHazard]


@cache
def known_hazards() -> Mapping[str, KnownHazard]:
    """Return the rows by their ids, the most harmful first."""
    return parse_table(_PACKAGE.joinpath("hazards.toml").read_text(encoding="utf-8"))


def parse_table(text: str) -> Mapping[str, KnownHazard]:
    """Return the rows of a table; ValueError where one says too little, or two have the same id."""
    table = msgspec.convert(tomllib.loads(text), _Table)
    rows = {row.id: row for row in table.hazard}
    if len(rows) != len(table.hazard):
        raise ValueError("two hazards have the same id")
    for row in table.hazard:
        if not all((row.id, row.title, row.bites, row.cure, row.source)):
            raise ValueError(f"{row.id}: something is not said")
        if not _PACKAGE.joinpath("scripts", f"{row.script}.py").is_file():
            raise ValueError(f"{row.id}: there is no script {row.script}")
        if row.image:
            _check(row.id, row.image)
    return rows


def _check(name: str, cure: ImageCure) -> None:
    SpecifierSet(cure.python)
    needed = [*cure.files.values(), *([f"{cure.module}.py"] if cure.module else [])]
    for file in needed:
        if not _PACKAGE.joinpath("cures", file).is_file():
            raise ValueError(f"{name}: there is no cure {file}")
    if not any((needed, cure.env, cure.requirements, cure.links, cure.debs, cure.libraries)):
        raise ValueError(f"{name}: its cure does nothing")


def cure_bytes(name: str) -> bytes:
    """Return a file of cures/."""
    return _PACKAGE.joinpath("cures", name).read_bytes()


def script_text(name: str) -> str:
    """Return the text of a script."""
    return _PACKAGE.joinpath("scripts", f"{name}.py").read_text(encoding="utf-8")

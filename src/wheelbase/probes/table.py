"""What is known of each hazard: who it bites, how much, and the way out. Reads `hazards.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

_PACKAGE = files("wheelbase.probes")
Severity = Literal["high", "medium", "low"]


class KnownHazard(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row. `fixed` names versions that are free of it, "" where there are none; `source` says how it is known."""

    id: str
    script: str
    title: str
    bites: str
    severity: Severity
    fixed: str
    cure: str
    source: str
    argument: str = ""

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
    return rows


def script_text(name: str) -> str:
    """Return the text of a script."""
    return _PACKAGE.joinpath("scripts", f"{name}.py").read_text(encoding="utf-8")

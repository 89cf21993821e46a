"""What failed builds write: the patterns of `errors.toml`, checked when they are read."""

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

import msgspec

Curable = Literal["header", "pkg-config", "library", "cmake", "program", "language", "word"]
Incurable = Literal["api", "version", "module", "python", "download", "memory", "disk", "package", "failed"]
Kind = Curable | Incurable
CURABLE: frozenset[str] = frozenset(get_args(Curable))


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """One row; the keys are explained at the head of `errors.toml`."""

    id: str
    kind: Kind
    rank: int
    has: tuple[str, ...]
    regex: re.Pattern[str]
    name: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """The table. `probes` matches lines that tell of a file which is compiled to see whether it can be."""

    probes: re.Pattern[str]
    rows: tuple[Pattern, ...]


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: str
    kind: Curable | Incurable
    rank: int
    has: tuple[str, ...]
    regex: str
    says: str
    name: str = ""


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    probes: str
    pattern: tuple[_Row, ...]


@cache
def load_patterns() -> Patterns:
    """Return the bundled table."""
    return parse_patterns(files("wheelbase.research").joinpath("errors.toml").read_text(encoding="utf-8"))


def parse_patterns(text: str) -> Patterns:
    """Return the rows of a table; ValueError, which names the row, where one cannot be what is meant."""
    table = msgspec.convert(tomllib.loads(text), _Table)
    rows = tuple(_checked(row) for row in table.pattern)
    if len({row.id for row in rows}) != len(rows):
        raise ValueError("two patterns have the same id")
    return Patterns(probes=_compiled("probes", table.probes), rows=rows)


def _checked(row: _Row) -> Pattern:
    regex = _compiled(row.id, row.regex)
    if row.rank not in range(1, 6):
        raise ValueError(f"{row.id}: the rank is 1 to 5, not {row.rank}")
    if not row.has or not all(row.has):
        raise ValueError(f"{row.id}: has must name the texts that a line has")
    if row.name and regex.groups:
        raise ValueError(f"{row.id}: a name is given and matched too")
    if row.kind in CURABLE and not (row.name or regex.groups):
        raise ValueError(f"{row.id}: nothing names the {row.kind}")
    if not row.says:
        raise ValueError(f"{row.id}: nothing is said to people")
    return Pattern(id=row.id, kind=row.kind, rank=row.rank, has=row.has, regex=regex, name=row.name, says=row.says)


def _compiled(name: str, regex: str) -> re.Pattern[str]:
    try:
        return re.compile(regex)
    except re.error as error:
        raise ValueError(f"{name}: the regular expression is wrong: {error}") from error

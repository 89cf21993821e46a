"""Versions of Debian's packages, and the relations that name them. Pure.

Sources: Debian Policy 5.6.12 (versions) and 7.1 (relations); deb-version(7).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, total_ordering
from itertools import zip_longest

_RELATION = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]*)(?::[a-z0-9-]+)?\s*(?:\(\s*(?P<how><<|<=|=|>=|>>|<|>)\s*(?P<version>[^\s)]+)\s*\))?"
)


@total_ordering
class Version:
    """`epoch:upstream-revision`, ordered as dpkg orders them."""

    __slots__ = ("_key", "text")

    def __init__(self, text: str) -> None:
        """Take any text: what is odd in it is compared all the same."""
        self.text = text
        epoch, colon, rest = text.partition(":")
        if not colon:
            epoch, rest = "0", text
        upstream, _, revision = rest.rpartition("-") if "-" in rest else (rest, "", "")
        self._key = (int(epoch) if epoch.isdecimal() else 0, _parts(upstream), _parts(revision))

    def __eq__(self, other: object) -> bool:
        """Say whether both are the same to dpkg: `1.0` and `1.00` are."""
        return isinstance(other, Version) and not self < other and not other < self

    def __lt__(self, other: Version) -> bool:
        """Say whether this one is earlier."""
        if self._key[0] != other._key[0]:
            return self._key[0] < other._key[0]
        for own, its in zip(self._key[1:], other._key[1:], strict=True):
            if order := _order(own, its):
                return order < 0
        return False

    __hash__ = None  # type: ignore[assignment]  # versions that are equal may be written in several ways

    def __repr__(self) -> str:
        """Return it as it was written."""
        return self.text


def _parts(text: str) -> list[tuple[list[int], int]]:
    """Return what is no number, as weights, and the number after it, alternately."""
    return [
        (list(map(_weight, letters)), int(digits or "0")) for letters, digits in re.findall(r"(\D*)(\d*)", text)[:-1]
    ]


def _weight(letter: str) -> int:
    """A tilde comes before the end, letters before all other signs."""
    if letter == "~":
        return -1
    return ord(letter) if letter.isalpha() else ord(letter) + 256


def _order(own: list[tuple[list[int], int]], its: list[tuple[list[int], int]]) -> int:
    nothing: tuple[list[int], int] = ([], 0)
    for (letters, number), (other_letters, other_number) in zip_longest(own, its, fillvalue=nothing):
        for weight, other_weight in zip_longest(letters, other_letters, fillvalue=0):
            if weight != other_weight:
                return weight - other_weight
        if number != other_number:
            return number - other_number
    return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """One package that a field names: `how` is one of `<< <= = >= >>`, empty where any version will do."""

    name: str
    how: str = ""
    version: str = ""

    def __str__(self) -> str:
        """Return it as fields have it."""
        return f"{self.name} ({self.how} {self.version})" if self.how else self.name

    def accepts(self, version: str) -> bool:
        """Say whether a version of the package will do."""
        if not self.how:
            return True
        own, wanted = Version(version), Version(self.version)
        match self.how:
            case "<<":
                return own < wanted
            case "<=" | "<":
                return own <= wanted
            case "=":
                return own == wanted
            case ">=" | ">":
                return own >= wanted
        return own > wanted


@cache
def relations(text: str) -> tuple[tuple[Relation, ...], ...]:
    """Return the groups of a Depends, Provides or Conflicts field; of each group one is enough."""
    groups = (tuple(_RELATION.finditer(group)) for group in text.split(","))
    return tuple(
        tuple(Relation(name=one["name"], how=one["how"] or "", version=one["version"] or "") for one in group)
        for group in groups
        if group
    )

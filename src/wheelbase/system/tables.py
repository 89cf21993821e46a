"""What a snapshot holds: tables that compress well and are quick to read, as the sections of its file. Pure values."""

import msgspec

from wheelbase.system.debian import Relations

OPTIONAL = 3
"""The priority of nearly every package; 0 is required, 1 important, 2 standard."""


class PackageTable(msgspec.Struct, frozen=True, kw_only=True):
    """The packages, sorted by name, a column for each field: lines of text, which compress well together.

    Relations are written `a|b,c`. `priorities` names the few packages that are not optional, `essential` those that
    every system has, `libraries` those that have a shared library that others link with.
    """

    names: str
    versions: str
    depends: str
    recommends: str
    provides: str
    download_bytes: list[int]
    installed_kib: list[int]
    priorities: dict[str, int]
    essential: list[str]
    libraries: list[str]


class OwnerTable(msgspec.Struct, frozen=True, kw_only=True):
    """Who owns files that are looked for by name: (owners, names) by kind; owners with commas, names one a line.

    `toolchain` are the packages that any compile has. `stands_for` are packages with no headers of their own, and
    those that each brings along for them.
    """

    kinds: dict[str, list[tuple[str, str]]]
    toolchain: list[str]
    stands_for: dict[str, list[str]]


HeaderTable = list[tuple[str, str, str]]
"""(owners, folder, names): owners with commas, names one a line."""

Popularity = dict[str, int]
"""By how many source packages each package is build-depended on, by its own name."""


def written(groups: Relations) -> str:
    """Return relations as a table has them."""
    return ",".join("|".join(group) for group in groups)


def read_relations(text: str) -> Relations:
    """Return the relations that `written` wrote."""
    return tuple(tuple(group.split("|")) for group in text.split(",")) if text else ()

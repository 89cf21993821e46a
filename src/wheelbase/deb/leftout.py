"""What a container has no use for, out of data/left-out.toml. Reads that file."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutPackage:
    """A package that others need and that is left out: where `by` is not empty, only of what those need."""

    name: str
    by: frozenset[str]
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOutFiles:
    """Files that are left out, by a pattern of their whole path; with a pattern of packages only of those."""

    pattern: re.Pattern[str]
    package: re.Pattern[str] | None
    why: str


@cache
def left_out_packages() -> tuple[LeftOutPackage, ...]:
    """Return the packages that are left out."""
    return tuple(
        LeftOutPackage(name=row["name"], by=frozenset(row.get("by", ())), why=row["why"]) for row in _rows("package")
    )


@cache
def left_out_files() -> tuple[LeftOutFiles, ...]:
    """Return the files that are left out."""
    return tuple(
        LeftOutFiles(
            pattern=re.compile(row["pattern"]),
            package=re.compile(row["package"]) if "package" in row else None,
            why=row["why"],
        )
        for row in _rows("file")
    )


def is_left_out(by: str, name: str) -> bool:
    """Say whether what a package needs is left out."""
    return any(one.name == name and (not one.by or by in one.by) for one in left_out_packages())


def is_dropped(package: str, path: str, asked: Collection[str]) -> bool:
    """Say whether a file of a package is left out; of the packages that the user asked for, only documentation is."""
    return any(
        one.pattern.fullmatch(path)
        for one in left_out_files()
        if one.package is None or (package not in asked and one.package.fullmatch(package))
    )


def _rows(kind: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(_text())[kind]
    return rows


def _text() -> str:
    return (files("wheelbase.deb") / "data" / "left-out.toml").read_text(encoding="utf-8")


@cache
def left_out_digest() -> str:
    """Return what changes whenever something else is left out."""
    return hashlib.sha256(_text().encode()).hexdigest()

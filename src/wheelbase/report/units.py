"""Sizes and times as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wheelbase.buildtime import Seconds


def megabytes(size: int | None, *, about: bool = False) -> str:
    """Return a size in MB (10^6 bytes, as `docker image ls` counts them) without the unit; `?` for not known."""
    if size is None:
        return "?"
    number = f"{size / 1e6:.1f}" if size < 9_950_000 else f"{size / 1e6:.0f}"
    return f"~{number}" if about else number


def duration(seconds: Seconds | None, *, about: bool = False) -> str:
    """Return a range of time in one unit, as coarse as the model is; `~` before a rough guess."""
    if seconds is None:
        return "?"
    mark = "~" if about else ""
    if seconds.high < 120:
        return f"{mark}{seconds.low:.0f}-{seconds.high:.0f} s"
    low = f"{seconds.low:.0f} s" if seconds.low < 60 else f"{seconds.low / 60:.0f}"
    return f"{mark}{low}-{seconds.high / 60:.0f} min"


def clock(seconds: float) -> str:
    """Return a time in the unit that people would use: `8 s`, `3 min`, `1.5 h`."""
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def few(words: list[str], most: int = 8) -> list[str]:
    """Return the first of the words, and how many more there are."""
    return words if len(words) <= most + 1 else [*words[:most], f"{len(words) - most} more"]


def names(words: tuple[str, ...] | list[str], last: str = "and") -> str:
    """Return `a, b and c`."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)


def count(number: int, what: str) -> str:
    """Return `1 package`, `2 packages`."""
    return f"{number} {what}{'s' if number != 1 else ''}"


def fitted(start: str, items: Sequence[str], columns: int = 77) -> str:
    """Return one line of as many of the items as there is room for, and how many more there are; at least one."""
    for shown in range(len(items), 0, -1):
        line = start + ", ".join([*items[:shown], *([f"{len(items) - shown} more"] if shown < len(items) else [])])
        if len(line) <= columns:
            break
    return line

"""How long builds took on this machine beside what was predicted, and the factor that makes. Reads, writes a file.

The file is in the user's cache and is sent nowhere.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Sequence

import msgspec

from wheelbase.measuring.lines import append_lines, kept, read_lines
from wheelbase.measuring.values import BuilderName, Installer

_FILE = "times.jsonl"
_FEWEST = 3
# What was measured longer ago may have been on another network.
_NEWEST = 60
# Past that something else than the speed of the machine is measured.
_MOST = 10.0


class Timed(msgspec.Struct, frozen=True, kw_only=True):
    """A cold build: seconds, and the range that the model predicts where nothing was measured."""

    at: str
    builder: BuilderName
    installer: Installer | None
    compiled: bool
    seconds: float
    low: float
    high: float


class Fitted(msgspec.Struct, frozen=True, kw_only=True):
    """By what predicted times are multiplied, and after how many builds."""

    factor: float
    builds: int


def fit(builds: Iterable[Timed], *, compiled: bool) -> Fitted | None:
    """Return the factor for builds that compile or do not, None after too few; the model is one of pip."""
    known = [one for one in builds if one.installer == "pip" and one.compiled == compiled and one.low > 0]
    known = known[-_NEWEST:]
    if len(known) < _FEWEST:
        return None
    factor = statistics.median(one.seconds / math.sqrt(one.low * one.high) for one in known)
    return Fitted(factor=min(max(factor, 1 / _MOST), _MOST), builds=len(known))


def remember(builds: Sequence[Timed]) -> None:
    """Add builds to the file."""
    append_lines(kept(_FILE), builds)


def remembered() -> list[Timed]:
    """Return the builds of the file, the oldest first."""
    return list(read_lines(kept(_FILE), Timed))

"""Horizontal bars on one axis: where each begins and ends, in percent of the axis, and what fits into it. Pure."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# A digit of the labels in bars is about 6 px wide; the axis is at least so wide on a screen, and on a telephone.
_CHARACTER = 6.6
_PADDING = 10
_WIDE = 520
_NARROW = 300
_LEAST = 1e-9  # of a unit: what is less is nothing
_MOST_STEPS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A piece of a bar. `fits` says where there is room for its label: always, on wide screens alone, or nowhere."""

    key: str
    start: float
    width: float
    label: str
    fits: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A row of a chart: a bar in pieces, a range (`span`), or a mark on a range. `told` says all of it in words."""

    name: str
    beside: str = ""
    total: str
    told: str
    strong: bool = False
    segments: tuple[Segment, ...] = ()
    span: tuple[float, float] | None = None
    whisker: tuple[float, float] | None = None
    mark: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Bars on one axis, with its ticks (where, what they say) and the kinds of pieces in them, in order."""

    id: str
    title: str
    about: str
    unit: str
    ticks: tuple[tuple[float, str], ...]
    bars: tuple[Bar, ...]
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What the numbers on an axis are in, and how much one of it is."""

    name: str
    size: float


MEGABYTES = Unit(name="MB", size=1e6)


def unit_of_time(top: float) -> Unit:
    """Return what to write times up to this one in."""
    if top <= 150:
        return Unit(name="s", size=1)
    return Unit(name="min", size=60) if top <= 9000 else Unit(name="h", size=3600)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a bar shows, in the unit of its values. `low` and `high` are a range, `mark` a single value."""

    name: str
    beside: str = ""
    total: str
    parts: Mapping[Any, float] = field(default_factory=dict)
    low: float | None = None
    high: float | None = None
    mark: float | None = None
    strong: bool = False

    @property
    def top(self) -> float:
        """Return the largest value in it."""
        return max(sum(self.parts.values()), self.high or 0, self.mark or 0)


def chart(
    id: str,
    title: str,
    about: str,
    rows: Sequence[Row],
    *,
    order: Sequence[str] = (),
    show: Callable[[float], str],
    unit: Unit,
) -> Chart | None:
    """Return the rows on one axis from 0 to the largest value; None where there is nothing to show.

    `order` is that of the pieces in each bar; `show` writes a value.
    """
    top = max((row.top for row in rows), default=0)
    if top / unit.size < _LEAST:
        return None
    steps, step = axis(top / unit.size)
    end = steps * step * unit.size
    used = {key for row in rows for key, value in row.parts.items() if value > 0}
    return Chart(
        id=id,
        title=title,
        about=about,
        ticks=tuple((round(100 * number / steps, 3), f"{number * step:g}") for number in range(steps + 1)),
        unit=unit.name,
        bars=tuple(_bar(row, end, order, show) for row in rows),
        keys=tuple(key for key in order if key in used),
    )


def axis(top: float) -> tuple[int, float]:
    """Return how many steps an axis for values up to this one has, and how long each is: a round number."""
    power = 10 ** math.floor(math.log10(top / _MOST_STEPS))
    step = next(nice * power for nice in (1, 2, 2.5, 5, 10) if nice * power * _MOST_STEPS >= top * (1 - 1e-9))
    return math.ceil(top / step * (1 - 1e-9)), step


def _bar(row: Row, end: float, order: Sequence[str], show: Callable[[float], str]) -> Bar:
    parts = [(key, row.parts[key]) for key in order if row.parts.get(key, 0) > 0]
    ranged = row.low is not None and row.high is not None
    said = ", ".join(f"{key} {show(value)}" for key, value in parts)
    whose = f"{row.name}, {row.beside}" if row.beside else row.name
    return Bar(
        name=row.name,
        beside=row.beside,
        total=row.total,
        told=f"{whose}: {row.total}{f' ({said})' if said else ''}",
        strong=row.strong,
        segments=tuple(_segments(parts, end, show)),
        span=_range(row, end) if ranged and not parts else None,
        whisker=_range(row, end) if ranged and parts and row.high != row.low else None,
        mark=None if row.mark is None else _percent(row.mark, end),
    )


def _range(row: Row, end: float) -> tuple[float, float]:
    assert row.low is not None and row.high is not None
    return _percent(row.low, end), _percent(row.high, end)


def _segments(parts: Iterable[tuple[str, float]], end: float, show: Callable[[float], str]) -> Iterable[Segment]:
    start = 0.0
    for key, value in parts:
        width = 100 * value / end
        yield Segment(
            key=key, start=round(start, 3), width=round(width, 3), label=show(value), fits=_room(show(value), width)
        )
        start += width


def _room(label: str, percent: float) -> str:
    """Return `always`, `wide` or `never`: where a label is no wider than its piece."""
    needed = len(label) * _CHARACTER + _PADDING
    return "always" if percent * _NARROW / 100 >= needed else "wide" if percent * _WIDE / 100 >= needed else "never"


def _percent(value: float, end: float) -> float:
    return round(100 * value / end, 3)

"""Measured times: medians, how they are written, and charts of them. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from wheelbase.measuring.statistics import Spread, spread_of
from wheelbase.measuring.values import Combination, Outcome, PhaseName, Sample, Scenario
from wheelbase.report.html.charts import Chart, Row, Unit, chart, unit_of_time
from wheelbase.report.html.tables import Cell

#: The order of the pieces in a bar.
PHASES: tuple[str, ...] = get_args(PhaseName)
# Bars shorter than this share of the longest get an axis of their own.
_TOO_SHORT = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """The builds of one combination in one scenario that ended well: the spread of their seconds, the median build."""

    spread: Spread
    sample: Sample

    @property
    def median(self) -> float:
        """Return the median of seconds."""
        return self.spread.median


def times_of(outcome: Outcome, scenario: Scenario) -> Times | None:
    """Return the times of the builds that ended well, None without one."""
    found = spread_of(outcome.samples, scenario, lambda sample: sample.seconds)
    if not found:
        return None
    built = sorted(
        (one for one in outcome.samples if one.scenario == scenario and not one.failure), key=lambda one: one.seconds
    )
    return Times(spread=found, sample=built[(len(built) - 1) // 2])


def clocked(seconds: float) -> str:
    """Return a measured time: `31.2 s`, `25 min 57 s`."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def how(combination: Combination) -> str:
    """Return what builds and installs: `docker, pip`."""
    return ", ".join(filter(None, (combination.builder, combination.installer)))


def named(outcome: Outcome) -> Cell:
    """Return the cell that names a row."""
    return Cell(text=outcome.combination.base, below=how(outcome.combination))


def on_axes(id: str, title: str, about: str, rows: Sequence[Row]) -> Iterator[Chart]:
    """Yield a chart of times, and one of the short ones alone where the long ones leave nothing to see of them."""
    top = max((row.top for row in rows), default=0)
    short = [row for row in rows if row.top < top / _TOO_SHORT]
    for suffix, more, shown in (("", "", rows), ("-short", ": the short ones, on an axis of their own", short)):
        unit = unit_of_time(max((row.top for row in shown), default=0))
        drawn = chart(
            id + suffix, title + more, "" if suffix else about, shown, order=PHASES, show=_number(unit), unit=unit
        )
        if drawn:
            yield drawn


def _number(unit: Unit) -> Callable[[float], str]:
    """Return what writes a time without its unit, as exact as there is room for."""
    return lambda seconds: f"{seconds / unit.size:.1f}" if seconds < 10 * unit.size else f"{seconds / unit.size:.0f}"

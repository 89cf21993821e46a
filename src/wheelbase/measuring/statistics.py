"""Medians and ranges of samples. Pure."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from wheelbase.measuring.values import PhaseName, Sample, Scenario


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The middle of some numbers, and their range."""

    median: float
    low: float
    high: float
    count: int


def spread(numbers: Iterable[float | None]) -> Spread | None:
    """Return the median and range of the numbers that are known; None where none is."""
    known = sorted(number for number in numbers if number is not None)
    if not known:
        return None
    return Spread(median=statistics.median(known), low=known[0], high=known[-1], count=len(known))


def spread_of(samples: Sequence[Sample], scenario: Scenario, read: Callable[[Sample], float | None]) -> Spread | None:
    """Return the spread of what is read of the samples of a scenario that were built."""
    return spread(read(one) for one in samples if one.scenario == scenario and one.failure is None)


def phase_medians(samples: Sequence[Sample], scenario: Scenario) -> dict[PhaseName, float]:
    """Return the median of each phase of a scenario, a phase that one of the builds lacks being 0 there."""
    built = [one for one in samples if one.scenario == scenario and one.failure is None]
    names = dict.fromkeys(name for one in built for name in one.phases)
    return {name: statistics.median(one.phases.get(name, 0.0) for one in built) for name in names}

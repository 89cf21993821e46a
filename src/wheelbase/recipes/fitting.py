"""Predicted times, fitted to the builds that were measured on this machine. Reads the user's cache."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from wheelbase.buildtime import Seconds
from wheelbase.measuring.calibration import fit, remembered
from wheelbase.recipes.values import BaseCost


def factor_of(cost: BaseCost) -> float:
    """Return by what the time of a base is multiplied here: 1 where too little was measured."""
    found = fit(remembered(), compiled=bool(cost.compiles))
    return found.factor if found else 1.0


def fitted(costs: Sequence[BaseCost]) -> tuple[tuple[BaseCost, ...], tuple[str, ...]]:
    """Return the costs with times as this machine has them, and notes that say so."""
    builds = remembered()
    factors = {compiled: fit(builds, compiled=compiled) for compiled in (False, True)} if builds else {}
    notes: dict[str, None] = {}
    found = []
    for cost in costs:
        factor, predicted = factors.get(bool(cost.compiles)), cost.build_seconds
        if factor and predicted:
            low, high = round(predicted.low * factor.factor, 1), round(predicted.high * factor.factor, 1)
            cost = replace(cost, build_seconds=Seconds(low=low, high=high))
            what = "builds from source" if cost.compiles else "builds from wheels"
            notes[f"Times of {what} are fitted to {factor.builds} measured on this machine."] = None
        found.append(cost)
    return tuple(found), tuple(notes)

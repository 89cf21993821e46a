"""`wheelbase compare --hazards`: what bites on bases, as found before. Reads an application, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelbase.probes.application import Relevance, places_in, relevance_of
from wheelbase.probes.known import Known, known_of
from wheelbase.probes.table import known_hazards
from wheelbase.project.read import is_folder
from wheelbase.recipes.values import Comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownHazards:
    """What is known of each base of a comparison, by hazard; `relevance` is that of a project's code, None without one.

    A hazard that a base has no entry for was never probed on such a one.
    """

    comparison: Comparison
    bases: tuple[Mapping[str, Known], ...]
    relevance: Mapping[str, Relevance] | None


def with_known_hazards(comparison: Comparison, requirements: Sequence[str]) -> KnownHazards:
    """Return what is known of the bases of a comparison of these requirements."""
    folder = Path() if not requirements else next((Path(one) for one in requirements if is_folder(one)), None)
    places = places_in(folder) if folder else None
    return KnownHazards(
        comparison=comparison,
        bases=tuple(known_of(cost.facts) for cost in comparison.bases),
        relevance=None if places is None else {name: relevance_of(places, name) for name in known_hazards()},
    )

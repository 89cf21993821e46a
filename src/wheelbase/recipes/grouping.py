"""Which wheels share a layer where there are more of them than layers. Pure.

Small ones do, by their names alone: which others there are, and in which order they come, changes nothing, so an image
has the layers of the last one but for those that hold what was changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from wheelbase.wheels.layer import WheelLayer

# Past some number engines, and tools of registries, fail; the base's own layers are among these.
MOST_LAYERS = 64
_SMALL = 64 << 10
_BUCKETS = 8


def grouped(layers: Iterable[WheelLayer], budget: int) -> list[tuple[WheelLayer, ...]]:
    """Return wheels by the layer that they are in, at most `budget` of them, by name; those that share come last.

    Where two wheels bring the same file the last one has it.
    """
    ordered = sorted(layers, key=lambda one: one.package)
    threshold = 0
    while True:
        groups = _at(ordered, threshold, min(_BUCKETS, max(budget, 1)))
        if len(groups) <= max(budget, 1):
            return groups
        # Doubling keeps the border where it is while the application grows by a few packages.
        threshold = max(_SMALL, 2 * threshold)


def _at(ordered: Sequence[WheelLayer], threshold: int, buckets: int) -> list[tuple[WheelLayer, ...]]:
    alone = [(one,) for one in ordered if one.layer.descriptor.size >= threshold]
    shared: dict[int, list[WheelLayer]] = {}
    for one in ordered:
        if one.layer.descriptor.size < threshold:
            shared.setdefault(hashlib.sha256(one.package.encode()).digest()[0] % buckets, []).append(one)
    return [*alone, *(tuple(shared[bucket]) for bucket in sorted(shared))]

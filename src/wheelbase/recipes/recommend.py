"""Which base to take, by one plain rule. Pure.

Of the bases with the Python asked for, if one was: those where everything comes as a wheel, and of these the one with
the smallest image. Where nothing comes as wheels alone, the one that compiles least. No base is liked for its name.
"""

from collections.abc import Mapping, Sequence

from wheelbase.recipes.values import BaseCost, Recommendation


def recommend(costs: Sequence[BaseCost], python: tuple[int, int] | None) -> Recommendation:
    """Return the base to take and the reason in one sentence; without a Python, one of any Python."""
    fitting = [
        cost for cost in costs if cost.verdict in ("wheels", "compiles") and python in (None, cost.facts.python_minor)
    ]
    fitting = fitting or [cost for cost in costs if cost.verdict in ("wheels", "compiles")]
    if not fitting:
        return Recommendation(base=None, reason="none of these bases can install the application")
    ready = [cost for cost in fitting if cost.verdict == "wheels"]
    if not ready:
        best = min(fitting, key=lambda cost: (len(cost.compiles), cost.image_bytes or 1 << 60))
        compiled = ", ".join(best.compiles)
        least = f"every base here compiles something, and this one least: {compiled}"
        return Recommendation(base=best.base, reason=least if len(fitting) > 1 else f"it compiles {compiled}")
    images = {cost.base: cost.image_bytes for cost in ready if cost.image_bytes is not None}
    pulled = {cost.base: cost.image_compressed_bytes for cost in ready if cost.image_compressed_bytes is not None}
    # What is pulled tells the order as well, and of arm64 it is known of more images than the size on the disk.
    what, sized = ("download", pulled) if len(pulled) > len(images) else ("image", images)
    if sized:
        return _smallest(what, sized, costs, ready)
    return Recommendation(base=ready[0].base, reason=f"{_all_wheels(ready[0])} (no size is known to choose by)")


def _smallest(
    what: str, sized: Mapping[str, int], costs: Sequence[BaseCost], ready: Sequence[BaseCost]
) -> Recommendation:
    """Return the smallest of the bases that compile nothing, by sizes of their image or their download."""
    first, *others = sorted(sized, key=lambda base: sized[base])
    best = next(cost for cost in ready if cost.base == first)
    parts = [_all_wheels(best)]
    compiling = [cost for cost in costs if cost.verdict == "compiles"]
    if others:
        parts.append(
            f"its {what} is the smallest, {(sized[others[0]] - sized[first]) / 1e6:.0f} MB less than {others[0]}"
        )
    elif compiling:
        parts.append(f"{compiling[0].base} compiles {', '.join(compiling[0].compiles)}")
    remarks = []
    if best.facts.libc == "musl" and any(cost.facts.libc == "glibc" for cost in ready):
        remarks.append("what musl does otherwise at run time is not weighed")
    if unknown := [cost.base for cost in ready if cost.base not in sized]:
        remarks.append(f"size not known: {', '.join(unknown)}")
    text = ", and ".join(parts)
    return Recommendation(base=first, reason=f"{text} ({'; '.join(remarks)})" if remarks else text)


def _all_wheels(cost: BaseCost) -> str:
    if not cost.files:
        return "there is nothing to install"
    built = len(cost.files) - cost.wheels
    if not built:
        every = f"all {cost.wheels} packages come as wheels" if cost.wheels > 1 else "its one package comes as a wheel"
        return f"{every}, so nothing is compiled"
    counts = ((cost.wheels, "wheel"), (built, "pure source archive"))
    listed = ", ".join(f"{count} {what}{'s' if count > 1 else ''}" for count, what in counts if count)
    return f"nothing is compiled ({listed})"

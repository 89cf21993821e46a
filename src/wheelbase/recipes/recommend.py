"""Which base to take, by one plain rule. Pure.

Of the bases with the Python asked for, if one was: those where everything comes as a wheel, and of these the one with
the smallest image. Where nothing comes as wheels alone, the one that compiles least. No base is liked for its name.
"""

from collections.abc import Sequence

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
        return Recommendation(
            base=best.base, reason=f"every base here compiles something, and this one least: {', '.join(best.compiles)}"
        )
    sized = [cost for cost in ready if cost.image_bytes is not None]
    if not sized:
        return Recommendation(
            base=ready[0].base, reason=f"{_all_wheels(ready[0])} (no image size is known to choose by)"
        )
    best = min(sized, key=lambda cost: cost.image_bytes or 0)
    return Recommendation(base=best.base, reason=_reason(best, costs, ready, sized))


def _reason(best: BaseCost, costs: Sequence[BaseCost], ready: Sequence[BaseCost], sized: Sequence[BaseCost]) -> str:
    parts = [_all_wheels(best)]
    compiling = [cost for cost in costs if cost.verdict == "compiles"]
    if len(sized) > 1:
        second = min((cost for cost in sized if cost is not best), key=lambda cost: cost.image_bytes or 0)
        more = ((second.image_bytes or 0) - (best.image_bytes or 0)) / 1e6
        parts.append(f"its image is the smallest, {more:.0f} MB less than {second.base}")
    elif compiling:
        parts.append(f"{compiling[0].base} compiles {', '.join(compiling[0].compiles)}")
    remarks = []
    if best.facts.libc == "musl" and any(cost.facts.libc == "glibc" for cost in ready):
        remarks.append("what musl does otherwise at run time is not weighed")
    if unknown := [cost.base for cost in ready if cost.image_bytes is None]:
        remarks.append(f"size not known: {', '.join(unknown)}")
    text = ", and ".join(parts)
    return f"{text} ({'; '.join(remarks)})" if remarks else text


def _all_wheels(cost: BaseCost) -> str:
    built = len(cost.files) - cost.wheels
    if not built:
        every = f"all {cost.wheels} packages come as wheels" if cost.wheels > 1 else "its one package comes as a wheel"
        return f"{every}, so nothing is compiled"
    return f"nothing is compiled ({cost.wheels} wheels, {built} pure source archives)"

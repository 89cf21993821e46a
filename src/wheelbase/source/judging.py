"""How sure it is that a build needs a package, and whether it fails without: from all that asks for it. Pure."""

from collections.abc import Sequence

from wheelbase.source.candidates import Meant
from wheelbase.source.findings import OTHERWISE

REQUIRED = 0.5
"""The least confidence of what a build fails without."""
CERTAIN = 0.98
_OPTIONAL_SHARE = 0.45  # how much a conditional place counts of what an unconditional one does
_CONFIRMED = 0.9
_CONFIRMABLE = 0.45  # of a place: what is below needs another place that has no condition


def judge(places: Sequence[Meant], recipe: frozenset[str]) -> tuple[float, bool]:
    """Return (confidence, whether a build fails without). Places of different kinds add up, those of one do not."""
    required = [one for one in places if one.evidence.need == "required" and not one.evidence.bundled]
    required += _in_either_branch(places)
    scripts = [one for one in places if one.evidence.kind != "header"]
    if scripts and all(one.evidence.bundled for one in scripts):
        required = []  # sources then include what the archive brings
    by_kind: dict[str, float] = {}
    for one in places:
        share = 1.0 if one in required else _OPTIONAL_SHARE
        by_kind[one.evidence.kind] = max(by_kind.get(one.evidence.kind, 0.0), one.weight * share)
    doubt = 1.0
    for weight in by_kind.values():
        doubt *= 1 - weight
    confidence = min(1 - doubt, CERTAIN)
    if recipe:
        if any(one.is_confirmed_by(recipe) for one in places):
            # A recipe names what is optional too: it says little of headers that what is compiled may not include.
            if scripts or confidence >= _CONFIRMABLE:
                confidence = max(confidence, _CONFIRMED)
        elif confidence < _CONFIRMED and all(one.evidence.kind == "header" for one in required):
            return confidence * _OPTIONAL_SHARE if required else confidence, False
    sure = any(one.weight >= _CONFIRMABLE for one in required)
    return round(confidence, 2), sure and confidence >= REQUIRED


def _in_either_branch(places: Sequence[Meant]) -> list[Meant]:
    """Return the headers that a file includes on a condition, where it includes another one of them otherwise."""
    asked = [(one, one.evidence.where.rpartition(":")[0]) for one in places if one.evidence.kind == "header"]
    otherwise = {
        (path, one.evidence.condition.removeprefix(OTHERWISE))
        for one, path in asked
        if one.evidence.condition.startswith(OTHERWISE)
    }
    return [one for one, path in asked if (path, one.evidence.condition) in otherwise]


def is_tool(places: Sequence[Meant], package: str) -> bool:
    """Say whether a package is asked for as a program, and only that."""
    return all(one.evidence.kind == "program" for one in places) and not package.endswith("-dev")

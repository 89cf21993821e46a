"""What bites on bases and in images, as a table: found by probes, or known from before. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from wheelbase.probes.application import Relevance
from wheelbase.probes.table import KnownHazard, known_hazards
from wheelbase.recipes.knownhazards import KnownHazards
from wheelbase.recipes.probe import Probes
from wheelbase.report.html.tables import Cell, Table, table
from wheelbase.report.units import few, names

_SEVERITIES = ("high", "medium", "low")
_MOST_PLACES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazards:
    """The table, and how what is in it was come by."""

    about: str
    table: Table | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Row:
    """A hazard with the verdict of each image and what was seen; `relevance` is None without an application."""

    hazard: KnownHazard
    verdicts: Mapping[str, str]
    seen: Sequence[str] = ()
    relevance: Relevance | None


def found_by_probes(probes: Probes) -> Hazards:
    """Return what was found in images, the most harmful first."""
    rows = []
    for number, hazard in enumerate(probes.hazards):
        results = {one.image: one.results[number] for one in probes.images}
        rows.append(
            _Row(
                hazard=hazard,
                verdicts={image: one.verdict for image, one in results.items()},
                seen=[one.evidence for one in results.values() if one.verdict == "bites"],
                relevance=probes.relevance[number] if probes.relevance is not None else None,
            )
        )
    return Hazards(about="Found by running a probe of each in the images.", table=_table(rows))


def known_before(known: KnownHazards) -> Hazards | None:
    """Return what is known of bases without running anything; None where nothing is known to bite."""
    bases = {cost.base: found for cost, found in zip(known.comparison.bases, known.bases, strict=True)}
    probed = {base: found for base, found in bases.items() if found}
    rows = [
        _Row(
            hazard=hazard,
            verdicts={base: found[name].verdict if name in found else "unknown" for base, found in probed.items()},
            relevance=known.relevance[name] if known.relevance is not None else None,
        )
        for name, hazard in known_hazards().items()
    ]
    rows = [row for row in rows if "bites" in row.verdicts.values()]
    days = sorted({one.of.probed.isoformat() for found in probed.values() for one in found.values()})
    about = f"Found on {', '.join(days)} in images with the same C library; wheelbase probe looks in the image itself."
    if never := [base for base in bases if base not in probed]:
        about += f" Nothing is known of {names(never)}."
    return Hazards(about=about, table=_table(rows)) if rows else None


def _table(rows: Sequence[_Row]) -> Table | None:
    with_code = any(row.relevance is not None for row in rows)
    heads = ["Hazard", "Severity", "Bites on", *(["Your code"] if with_code else []), "Cure"]
    ordered = sorted(rows, key=lambda row: _SEVERITIES.index(row.hazard.severity))
    return table("What bites where", heads, [tuple(_cells(row)) for row in ordered])


def _cells(row: _Row) -> Iterator[Cell | str]:
    bitten, unknown = (
        [image for image, verdict in row.verdicts.items() if verdict == wanted] for wanted in ("bites", "unknown")
    )
    yield Cell(text=row.hazard.title, below=row.hazard.bites)
    yield row.hazard.severity
    beside = [*dict.fromkeys(row.seen), *([f"not known of {', '.join(unknown)}"] if unknown else [])]
    yield Cell(text=", ".join(bitten) or "none", below="; ".join(beside), tone="bad" if bitten else "")
    if row.relevance is not None:
        places = [f"{place.where} {place.what}" for place in row.relevance.places] if bitten else []
        yield Cell(text=row.relevance.verdict if bitten else "-", below="; ".join(few(places, _MOST_PLACES)))
    yield row.hazard.cure

"""What real builds took, beside what was predicted of them: tables and charts. Pure."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from wheelbase.measuring.statistics import spread_of
from wheelbase.measuring.values import (
    SCENARIOS,
    BuiltImage,
    Measurement,
    Outcome,
    Scenario,
)
from wheelbase.report.html import against
from wheelbase.report.html.charts import MEGABYTES, Chart, Row, chart
from wheelbase.report.html.compared import PARTS, megabytes_of
from wheelbase.report.html.tables import Cell, Table, table
from wheelbase.report.html.times import Times, clocked, how, named, on_axes, times_of
from wheelbase.report.units import count, megabytes, names

_TITLES: dict[Scenario, str] = {
    "cold": "Build time by phase, nothing cached",
    "edited": "Build time after an edit of the application",
    "added": "Build time after adding a dependency",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """The sections of a measurement. `facts` are pairs of what was measured with, on and when."""

    sentence: str
    table: Table | None
    more: Table | None
    times: tuple[Chart, ...]
    sizes: Chart | None
    against: tuple[Chart, ...]
    errors: tuple[Table, ...]
    lost: tuple[str, ...]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


def measured(measurement: Measurement, recommended: str | None) -> Measured:
    """Return what a measurement says; what is of the recommended base stands out."""
    outcomes = sorted(measurement.outcomes, key=_by_base(measurement.outcomes))
    strong = [number for number, one in enumerate(outcomes) if one.combination.base == recommended]
    predictions = {one.base: one for one in measurement.predictions}
    pairs = [(one, predictions[one.combination.base]) for one in outcomes if one.combination.base in predictions]
    return Measured(
        sentence=_sentence(outcomes),
        table=_table(outcomes, strong),
        more=_more(outcomes),
        times=tuple(one for scenario in SCENARIOS for one in _time_charts(scenario, outcomes, recommended)),
        sizes=_sizes_chart(outcomes, recommended),
        against=tuple(against.charts(pairs, recommended)),
        errors=against.errors(pairs),
        lost=tuple(_lost(outcomes)),
        skipped=tuple(f"{one.builder}: {one.reason}" for one in measurement.skipped),
        notes=measurement.notes,
        facts=(
            ("Measured", f"{measurement.measured_at}, Python {measurement.python} on {measurement.arch}"),
            ("Machine", ", ".join(f"{name} {value}" for name, value in measurement.machine.items())),
            ("Versions", ", ".join(f"{name} {value}" for name, value in measurement.versions.items())),
            *measurement.bases.items(),
        ),
    )


def _by_base(outcomes: Sequence[Outcome]) -> Callable[[Outcome], tuple[float, str, float]]:
    """Return the order: the base that is built fastest first, and of each base the fastest way first."""

    def own(outcome: Outcome) -> float:
        times = times_of(outcome, "cold")
        return times.median if times else float("inf")

    best: dict[str, float] = {}
    for outcome in outcomes:
        base = outcome.combination.base
        best[base] = min(best.get(base, float("inf")), own(outcome))
    return lambda outcome: (best[outcome.combination.base], outcome.combination.base, own(outcome))


def _sentence(outcomes: Sequence[Outcome]) -> str:
    """Return the fastest and the slowest base, of those that are built the same way."""
    ways: dict[str, list[tuple[float, str]]] = {}
    for outcome in outcomes:
        if times := times_of(outcome, "cold"):
            ways.setdefault(how(outcome.combination), []).append((times.median, outcome.combination.base))
    if not ways:
        return "No build ended well."
    way, built = max(ways.items(), key=lambda one: len(one[1]))
    (fast, fastest), (slow, slowest) = min(built), max(built)
    start = f"Measured with {way.replace(', ', ' and ')}: {fastest} is built in {clocked(fast)}"
    if len(built) == 1:
        return f"{start}."
    ratio = slow / fast
    return f"{start}, {slowest} in {clocked(slow)}: {ratio:.{0 if ratio >= 10 else 1}f} times as long."


def _table(outcomes: Sequence[Outcome], strong: Sequence[int]) -> Table | None:
    """Return the article's table: what a base costs, and what had to be found out for it."""
    rows = [
        (
            named(outcome),
            _time_cell(outcome, "cold"),
            megabytes(outcome.image.image_bytes) if outcome.image else "-",
            ", ".join(outcome.image.compiled) or "nothing" if outcome.image else "-",
            _research_cell(outcome),
        )
        for outcome in outcomes
    ]
    heads = ("Base", ">Build time", ">Image MB", "Compiled", "Research required")
    return table("What each base costs", heads, rows, strong=strong)


def _more(outcomes: Sequence[Outcome]) -> Table | None:
    rows = [(named(one), *_figures(one, one.image)) for one in outcomes if one.image]
    told = {place for row in rows for place, cell in enumerate(row) if cell not in ("-", Cell(text="-"))}
    heads: tuple[str, ...] = (
        "Base",
        ">After an edit",
        ">One more package",
        ">Pulled MB",
        ">Layers",
        ">Start",
        ">First answer",
        ">Push",
        ">CPU time",
        ">Peak memory MB",
    )
    # What was not asked for has no column.
    heads = tuple(head for place, head in enumerate(heads) if place in told)
    shown = [[cell for place, cell in enumerate(row) if place in told] for row in rows]
    return table("What else was measured", heads, shown)


def _figures(outcome: Outcome, image: BuiltImage) -> Iterator[Cell | str]:
    yield _time_cell(outcome, "edited")
    yield _time_cell(outcome, "added")
    yield megabytes(image.compressed_bytes)
    yield str(image.layers)
    for seconds in (image.start_seconds, image.answer_seconds, image.push_seconds):
        yield "-" if seconds is None else clocked(seconds)
    spent = spread_of(outcome.samples, "cold", lambda sample: sample.cpu_seconds)
    yield clocked(spent.median) if spent else "-"
    peak = spread_of(outcome.samples, "cold", lambda sample: sample.peak_bytes)
    yield megabytes(round(peak.median)) if peak else "-"


def _time_cell(outcome: Outcome, scenario: Scenario) -> Cell:
    """Return the median with the range of all, and how many builds failed."""
    samples = [one for one in outcome.samples if one.scenario == scenario]
    failed = [one.failure for one in samples if one.failure]
    times = times_of(outcome, scenario)
    if not times:
        return Cell(text="failed", below=failed[0].cause, tone="bad") if failed else Cell(text="-")
    low, high = (clocked(seconds).replace(" ", "\u00a0") for seconds in (times.spread.low, times.spread.high))
    beside = [f"{low} to {high}"] if low != high else []
    beside += [f"{len(failed)} of {len(samples)} failed: {failed[0].cause}"] if failed else []
    return Cell(text=clocked(times.median), below="; ".join(beside), tone="warn" if failed else "")


def _research_cell(outcome: Outcome) -> Cell:
    found = outcome.research
    if found is None or (not found.rounds and found.outcome == "built"):
        return Cell(text="none")
    rounds = [count(len(found.rounds), "round")] if found.rounds else []
    if found.outcome == "built":
        return Cell(text=rounds[0], below=", ".join(found.packages), tone="warn")
    return Cell(text=", ".join([*rounds, found.outcome]), below=found.cause or "", tone="bad")


def _time_charts(scenario: Scenario, outcomes: Sequence[Outcome], recommended: str | None) -> Iterator[Chart]:
    found = [(outcome, times_of(outcome, scenario)) for outcome in outcomes]
    rows = [_time_row(outcome, times, recommended) for outcome, times in found if times]
    failed = [f"{one.combination.base} ({how(one.combination)})" for one, times in found if not times]
    about = f" Not built: {names(failed)}." if failed and scenario == "cold" else ""
    yield from on_axes(
        f"time-{scenario}", _TITLES[scenario], f"The median build; the line is the range of all.{about}", rows
    )


def _time_row(outcome: Outcome, times: Times, recommended: str | None) -> Row:
    phases = {str(name): seconds for name, seconds in times.sample.phases.items()}
    phases["other"] = phases.get("other", 0) + max(times.sample.seconds - sum(phases.values()), 0)
    return Row(
        name=outcome.combination.base,
        beside=how(outcome.combination),
        total=clocked(times.median),
        parts=phases,
        low=times.spread.low,
        high=times.spread.high,
        strong=outcome.combination.base == recommended,
    )


def _sizes_chart(outcomes: Sequence[Outcome], recommended: str | None) -> Chart | None:
    images = [(outcome, outcome.image) for outcome in outcomes if outcome.image]
    rows = [
        Row(
            name=outcome.combination.base,
            beside=how(outcome.combination),
            total=f"{megabytes(image.image_bytes)} MB",
            parts=image.parts,
            strong=outcome.combination.base == recommended,
        )
        for outcome, image in sorted(images, key=lambda one: one[1].image_bytes)
    ]
    return chart("image-sizes", "Image size by part", "", rows, order=PARTS, show=megabytes_of, unit=MEGABYTES)


def _lost(outcomes: Sequence[Outcome]) -> Iterator[str]:
    for outcome in outcomes:
        for one in outcome.research.lost if outcome.research else ():
            yield f"{outcome.combination.base} ({how(outcome.combination)}): {one}"

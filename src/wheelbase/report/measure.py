"""What `wheelbase measure` has measured, as text, JSON and Markdown: medians, ranges, and the prediction's error."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheelbase.measuring.statistics import Spread, phase_medians, spread_of
from wheelbase.measuring.values import SCENARIOS, Measurement, Outcome, Predicted, Research
from wheelbase.recipes.measure import Measured
from wheelbase.report.units import count, megabytes, names

_HEADS = ("Builder", ">Cold", ">Edited", ">Added", ">CPU", ">Peak MB", ">Image MB", ">Pulled MB", ">Start")
_SERVED = ("Builder", ">First answer", ">Push")
_SHOWN = 3


def measured_json(measured: Measured) -> str:
    """Return `wheelbase.measure/1`: the measurement, with every sample."""
    import json

    import msgspec

    return json.dumps({"schema": "wheelbase.measure/1", **msgspec.to_builtins(measured.measurement)}, indent=2)


def measured_text(measured: Measured) -> RenderableType:
    """Return a table for each base, with the prediction as its last row, and below it where the time went."""
    measurement = measured.measurement
    parts: list[RenderableType] = [Text(_heading(measurement))]
    for base, outcomes in _by_base(measurement):
        parts += ["", Text(base, style="bold")]
        for number, (heads, rows) in enumerate(_tables(outcomes, _prediction(measurement, base))):
            table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
            for head in heads:
                numeric = head.startswith(">")
                table.add_column(head.lstrip(">").replace(" MB", "\nMB"), justify="right" if numeric else "left")
            for row in rows:
                table.add_row(*row)
            parts += ["", table] if number else [table]
        parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _sentences(outcomes, _prediction(measurement, base))]
    if said := list(_notes(measurement)):
        parts += ["", *(Padding(Text(f"- {line}"), (0, 0, 0, 1)) for line in said)]
    return Group(*parts)


def measured_markdown(measured: Measured) -> str:
    """Return the same as Markdown, for a pull request."""
    measurement = measured.measurement
    lines = [_heading(measurement)]
    for base, outcomes in _by_base(measurement):
        lines += ["", f"`{base}`"]
        for heads, rows in _tables(outcomes, _prediction(measurement, base)):
            lines += ["", f"| {' | '.join(head.lstrip('>') for head in heads)} |"]
            lines.append("|" + "".join(" ---: |" if head.startswith(">") else " --- |" for head in heads))
            lines += [f"| {' | '.join(row)} |".replace("\n", " ") for row in rows]
        said = list(_sentences(outcomes, _prediction(measurement, base)))
        lines += ["", *(f"- {line}" for line in said)] if said else []
    if said := list(_notes(measurement)):
        lines += ["", *(f"- {line}" for line in said)]
    return "\n".join([*lines, ""])


def _heading(measurement: Measurement) -> str:
    rounds = max((sample.round for one in measurement.outcomes for sample in one.samples), default=0)
    times = "once" if rounds == 1 else f"{rounds} times, medians"
    facts = measurement.machine
    return (
        f"{measurement.source}: Python {measurement.python}, {measurement.arch}; built {times},"
        f" on {facts.get('cores', '?')} cores, {facts.get('memory', '?')}"
    )


def _by_base(measurement: Measurement) -> Iterator[tuple[str, list[Outcome]]]:
    for base in measurement.bases:
        yield base, [one for one in measurement.outcomes if one.combination.base == base]


def _prediction(measurement: Measurement, base: str) -> Predicted | None:
    return next((one for one in measurement.predictions if one.base == base), None)


def _tables(
    outcomes: Sequence[Outcome], predicted: Predicted | None
) -> Iterator[tuple[Sequence[str], Sequence[Sequence[str]]]]:
    """Yield heads, those of numbers with a > before them, and rows: of the builds, of what was asked beside them."""
    yield _HEADS, list(_rows(outcomes, predicted))
    images = [(_name(one), one.image) for one in outcomes if one.image]
    if any(image.answer_seconds is not None or image.push_seconds is not None for _, image in images):
        yield _SERVED, [(name, _exact(image.answer_seconds), _exact(image.push_seconds)) for name, image in images]


def _rows(outcomes: Sequence[Outcome], predicted: Predicted | None) -> Iterator[tuple[str, ...]]:
    for one in outcomes:
        image = one.image
        times = [seconds(spread_of(one.samples, name, lambda sample: sample.seconds)) for name in SCENARIOS]
        if any(sample.failure for sample in one.samples):
            failed = next(sample.scenario for sample in one.samples if sample.failure)
            times[SCENARIOS.index(failed)] = "failed"
        cpu = spread_of(one.samples, "cold", lambda sample: sample.cpu_seconds)
        peak = spread_of(one.samples, "cold", lambda sample: sample.peak_bytes)
        yield (
            _name(one),
            *times,
            f"{cpu.median:.1f} s" if cpu else "-",
            megabytes(int(peak.median)) if peak else "-",
            megabytes(image.image_bytes) if image else "-",
            megabytes(image.compressed_bytes) if image else "-",
            _exact(image.start_seconds if image else None),
        )
    if predicted:
        time = "?"
        if predicted.low_seconds is not None and predicted.high_seconds is not None:
            time = f"{predicted.low_seconds:.0f}-{predicted.high_seconds:.0f} s"
        sizes = megabytes(predicted.image_bytes), megabytes(predicted.compressed_bytes)
        yield ("predicted", time, "", "", "", "", *sizes, "")


def _exact(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _name(outcome: Outcome) -> str:
    combination = outcome.combination
    return f"{combination.builder} {combination.installer}" if combination.installer else combination.builder


def seconds(spread: Spread | None) -> str:
    """Return a median, with its range where there are several samples."""
    if spread is None:
        return "-"
    digits = 1 if spread.median < 100 else 0
    if spread.count == 1:
        return f"{spread.median:.{digits}f} s"
    return f"{spread.median:.{digits}f} s\n({spread.low:.{digits}f}-{spread.high:.{digits}f})"


def _sentences(outcomes: Sequence[Outcome], predicted: Predicted | None) -> Iterator[str]:
    for one in outcomes:
        phases = phase_medians(one.samples, "cold")
        if phases:
            longest = sorted(phases.items(), key=lambda item: -item[1])[: _SHOWN + 1]
            yield f"{_name(one)}: {', '.join(f'{name} {value:.1f} s' for name, value in longest)}"
        if one.image and predicted and (plain := sorted(set(predicted.compiles) - set(one.image.compiled))):
            yield f"{_name(one)}: nothing was compiled of {names(plain)}"
        for sample in one.samples:
            if sample.failure:
                yield f"{_name(one)} failed ({sample.scenario}): {sample.failure.cause}"
    if researched := next((one.research for one in outcomes if one.research), None):
        yield from _research(researched)
    if predicted:
        yield from _errors(outcomes, predicted)


def _research(research: Research) -> Iterator[str]:
    found = names(research.packages) or "no package"
    rounds = count(len(research.rounds), "round")
    yield f"{rounds} of research: {research.outcome}, with {found}"
    if research.cause:
        yield f"  {research.cause}"
    yield from (f"lost: {line}" for line in research.lost)


def _errors(outcomes: Sequence[Outcome], predicted: Predicted) -> Iterator[str]:
    """Yield how far the prediction is from what was measured, at the worst."""
    # Our own builder leaves the bytecode of tests out, which the prediction has.
    images = [one.image for one in outcomes if one.image and one.combination.builder != "wheelbase"]
    for what, expected, real in (
        ("image size", predicted.image_bytes, [image.image_bytes for image in images]),
        ("size to pull", predicted.compressed_bytes, [image.compressed_bytes for image in images]),
    ):
        known = [one for one in real if one]
        if expected and known:
            errors = [(expected - one) / one for one in known]
            worst = max(errors, key=abs)
            yield f"predicted {what}: {worst:+.1%} at the worst of {len(known)}"
    listed = [one for one in outcomes if one.image and one.image.files]
    differing = [one for one in listed if different(predicted, one)]
    if listed:
        yield f"files predicted: the same in {len(listed) - len(differing)} of {len(listed)}"
    for one in differing[:1]:
        yield f"  {_name(one)}: {', '.join(different(predicted, one)[:_SHOWN])}"


def different(predicted: Predicted, outcome: Outcome) -> list[str]:
    """Return what was installed as another wheel than predicted; what is built from source has no name beforehand."""
    assert outcome.image
    expected = {_key(name) for name in predicted.files if name.endswith(".whl")}
    archives = {
        name.partition("-")[0].lower().replace(".", "_") for name in predicted.files if not name.endswith(".whl")
    }
    found = {_key(name): name for name in outcome.image.files}
    return [name for key, name in found.items() if key not in expected and key[0].replace(".", "_") not in archives]


def _key(filename: str) -> tuple[str, str, frozenset[str]]:
    """Return (name, version, tags): the order of tags within a name differs."""
    name, version, *tags = filename.removesuffix(".whl").split("-")
    return name.lower(), version, frozenset(part for tag in tags[-3:] for part in tag.split("."))


def _notes(measurement: Measurement) -> Iterator[str]:
    for one in measurement.skipped:
        yield f"{one.builder} is left out: {one.reason}"
    yield from measurement.notes
    if measurement.versions:
        yield "with " + ", ".join(f"{name} {version}" for name, version in measurement.versions.items())

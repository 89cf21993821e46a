"""Predictions beside what was measured, with the error. Pure."""

from collections.abc import Iterator, Sequence

from wheelbase.buildtime import Seconds
from wheelbase.measuring.values import Outcome, Predicted
from wheelbase.report.html.charts import Chart, Row
from wheelbase.report.html.tables import Cell, Table, table
from wheelbase.report.html.times import clocked, how, named, on_axes, times_of
from wheelbase.report.measure import different
from wheelbase.report.units import count, duration, megabytes

Pairs = Sequence[tuple[Outcome, Predicted]]
"""What was measured, each with what was said before of its base."""


def charts(pairs: Pairs, recommended: str | None) -> Iterator[Chart]:
    """Yield charts of the ranges that were predicted, with the medians that were measured by what the model is of."""
    found = [(outcome, predicted, times_of(outcome, "cold")) for outcome, predicted in pairs]
    rows = [
        Row(
            name=outcome.combination.base,
            beside=how(outcome.combination),
            total=clocked(times.median),
            low=predicted.low_seconds,
            high=predicted.high_seconds,
            mark=times.median,
            strong=outcome.combination.base == recommended,
        )
        for outcome, predicted, times in found
        if predicted.low_seconds is not None and times and _times_are_predicted(outcome)
    ]
    about = "The band is the range that was predicted, the mark the median that was measured: of builds with pip."
    yield from on_axes("against", "Build time, predicted and measured", about, rows)


def errors(pairs: Pairs) -> tuple[Table, ...]:
    """Return the tables of errors, of times and of sizes."""
    return tuple(filter(None, (_time_errors(pairs), _size_errors(pairs))))


def _times_are_predicted(outcome: Outcome) -> bool:
    """Say whether the model is of such a build: it is one of pip."""
    return outcome.combination.installer == "pip"


def _time_errors(pairs: Pairs) -> Table | None:
    rows = []
    for outcome, predicted in pairs:
        low, high, times = predicted.low_seconds, predicted.high_seconds, times_of(outcome, "cold")
        unknown = "?"
        if not _times_are_predicted(outcome):
            low = high = None
            unknown = "-"
        rows.append(
            (
                named(outcome),
                duration(Seconds(low=low, high=high)) if low is not None and high is not None else unknown,
                clocked(times.median) if times else "-",
                time_error(low, high, times.median) if low is not None and high is not None and times else "-",
                _files(predicted, outcome),
            )
        )
    heads = ("Base", ">Time predicted", ">Time measured", ">Off the range", "Files taken")
    return table("Time, predicted for pip, and measured", heads, rows)


def _size_errors(pairs: Pairs) -> Table | None:
    rows = []
    for outcome, predicted in pairs:
        # Our own builder leaves the bytecode of tests out, which the prediction has.
        if (image := outcome.image) and outcome.combination.builder != "wheelbase":
            rows.append(
                (
                    named(outcome),
                    *_sizes(predicted.image_bytes, image.image_bytes),
                    *_sizes(predicted.compressed_bytes, image.compressed_bytes),
                )
            )
    heads = [f">{what} {which}" for what in ("Image MB", "Pulled MB") for which in ("predicted", "measured", "error")]
    return table("Size, predicted and measured", ["Base", *heads], rows)


def _sizes(predicted: int | None, found: int | None) -> tuple[str, str, str]:
    return megabytes(predicted), megabytes(found), size_error(predicted, found) if predicted and found else "-"


def _files(predicted: Predicted, outcome: Outcome) -> Cell:
    if not outcome.image or not outcome.image.files:
        return Cell(text="-")
    taken = len(outcome.image.files)
    if other := different(predicted, outcome):
        return Cell(text=f"{len(other)} of {taken} not as predicted", below=", ".join(sorted(other)), tone="warn")
    return Cell(text=f"{count(taken, 'file')}, as predicted")


def time_error(low: float, high: float, found: float) -> str:
    """Return how far a time is out of the range that was predicted."""
    if low <= found <= high:
        return "within"
    return f"{found / high:.1f} × longer" if found > high else f"{low / found:.1f} × shorter"


def size_error(said: int, found: int) -> str:
    """Return how far a predicted size is off, in percent of what was measured."""
    percent = round(100 * (said - found) / found, 1)
    return f"{percent:+.1f} %" if percent else "0.0 %"

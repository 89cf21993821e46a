"""Bases side by side, as predicted: the table, sizes by part, ranges of time. Pure."""

from collections.abc import Mapping
from typing import get_args

from wheelbase.measuring.values import PartName
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.report.details import packages
from wheelbase.report.html.charts import MEGABYTES, Chart, Row, chart, unit_of_time
from wheelbase.report.html.tables import Cell, Table, table
from wheelbase.report.units import count, duration, megabytes, names

#: The order of the pieces in a bar.
PARTS: tuple[PartName, ...] = get_args(PartName)
_TONES = {"wheels": "good", "compiles": "warn", "impossible": "bad", "no-python": "bad"}


def compared(comparison: Comparison) -> Table | None:
    """Return the table of bases."""
    rows = [
        (
            Cell(text=cost.base, below=_below(cost, comparison.recommendation.base)),
            Cell(text=packages(cost), tone=_TONES[cost.verdict]),
            _research(cost),
            duration(cost.build_seconds, about=bool(cost.compiles)),
            megabytes(cost.image_bytes, about=cost.estimated),
            megabytes(cost.image_compressed_bytes, about=cost.estimated),
            megabytes(cost.download_bytes),
        )
        for cost in comparison.bases
    ]
    heads = ("Base", "Packages", "Research required", ">Build time", ">Image MB", ">Pulled MB", ">Fetch MB")
    best = [n for n, cost in enumerate(comparison.bases) if cost.base == comparison.recommendation.base]
    return table("What is predicted for each base", heads, rows, strong=best)


def _below(cost: BaseCost, recommended: str | None) -> str:
    libc = f"{cost.facts.libc} {cost.facts.libc_version}"
    return f"{libc}, recommended" if cost.base == recommended else libc


def _research(cost: BaseCost) -> Cell:
    """Return what somebody would have to find out before it builds: the packages that compiling needs."""
    if cost.verdict in ("impossible", "no-python"):
        return Cell(text="cannot be built", tone="bad")
    if not cost.compiles:
        return Cell(text="none")
    if not cost.build_packages:
        return Cell(text="none", below="the base has all that compiling needs")
    return Cell(text=count(len(cost.build_packages), "package"), below=", ".join(cost.build_packages))


def predicted_parts(cost: BaseCost) -> Mapping[PartName, int]:
    """Return the image's parts in bytes; empty where its size is not known."""
    base, files = cost.facts.uncompressed_bytes, cost.added_files
    if cost.image_bytes is None or base is None or files is None:
        return {}
    compiled = sum(file.installed_bytes or 0 for file in cost.files if file.name in cost.compiles)
    bytecode = (cost.added_bytecode.value if cost.added_bytecode else 0) + cost.left_by_pip
    parts: dict[PartName, int] = {
        "base": base,
        "system packages": cost.image_bytes - base - files - bytecode,
        "wheels": files - compiled,
        "compiled": compiled,
        "bytecode": bytecode,
    }
    return {name: size for name, size in parts.items() if size}


def predicted_sizes(comparison: Comparison) -> Chart | None:
    """Return the sizes of the images by part, the smallest first."""
    known = sorted((cost for cost in comparison.bases if cost.image_bytes), key=lambda cost: cost.image_bytes or 0)
    rows = [
        Row(
            name=cost.base,
            total=f"{megabytes(cost.image_bytes, about=cost.estimated)} MB",
            parts=predicted_parts(cost),
            strong=cost.base == comparison.recommendation.base,
        )
        for cost in known
    ]
    about = _unknown([cost.base for cost in comparison.bases if not cost.image_bytes])
    return chart("sizes", "Image size by part, predicted", about, rows, order=PARTS, show=megabytes_of, unit=MEGABYTES)


def predicted_times(comparison: Comparison) -> Chart | None:
    """Return the ranges of time for a build, the fastest first."""
    known = [(cost, cost.build_seconds) for cost in comparison.bases if cost.build_seconds]
    rows = [
        Row(
            name=cost.base,
            total=duration(seconds, about=bool(cost.compiles)),
            low=seconds.low,
            high=seconds.high,
            strong=cost.base == comparison.recommendation.base,
        )
        for cost, seconds in sorted(known, key=lambda one: one[1].low + one[1].high)
    ]
    about = _unknown([cost.base for cost in comparison.bases if not cost.build_seconds])
    unit = unit_of_time(max((row.top for row in rows), default=0))
    return chart("times", "Build time, predicted range", about, rows, show=str, unit=unit)


def megabytes_of(size: float) -> str:
    """Return a size in MB without the unit."""
    return megabytes(round(size))


def _unknown(bases: list[str]) -> str:
    return f"Not known: {names(bases)}." if bases else ""

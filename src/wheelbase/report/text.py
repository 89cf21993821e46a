"""Comparisons, explanations and the catalogue for a terminal, as rich renderables."""

from collections.abc import Iterable, Iterator

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheelbase.bases.facts import BaseFacts
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.explain import Explanation
from wheelbase.recipes.hazards import hazard_notes
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.recipes.values import Comparison
from wheelbase.report import needs
from wheelbase.report.details import details, footnote, heading, packages, verdict
from wheelbase.report.units import duration, megabytes

_FILE = 44
_STYLES = {"wheels": "green", "compiles": "yellow", "impossible": "red", "no-python": "red"}


def comparison_text(comparison: Comparison) -> RenderableType:
    """Return the table of bases, what has to be said of each, and the recommendation."""
    table = _table("Base", "C library", "Packages", ">Fetch MB", ">Image MB", ">Pulled MB", ">Build")
    for cost in comparison.bases:
        name = Text(cost.base, style="bold" if cost.base == comparison.recommendation.base else "", overflow="fold")
        table.add_row(
            name,
            f"{cost.facts.libc} {cost.facts.libc_version}",
            Text(packages(cost).replace(", ", ",\n"), style=_STYLES[cost.verdict]),
            megabytes(cost.download_bytes),
            megabytes(cost.image_bytes, about=cost.estimated),
            megabytes(cost.image_compressed_bytes, about=cost.estimated),
            duration(cost.build_seconds, about=bool(cost.compiles)),
        )
    parts: list[RenderableType] = [Text(heading(comparison)), "", table]
    for cost in comparison.bases:
        if lines := list(details(cost)):
            parts += ["", Text(cost.base, style="bold"), _bullets(lines)]
    if comparison.notes:
        parts += ["", _bullets(comparison.notes)]
    return Group(*parts, "", Text(verdict(comparison), style="bold"), Text(footnote(comparison), style="dim"))


def explanation_text(explanation: Explanation) -> RenderableType:
    """Return every file of a package with the reason for or against it."""
    facts = explanation.facts
    pip = f", pip {facts.pip}" if facts.pip else ""
    base = f"{facts.libc} {facts.libc_version}, Python {explanation.python}{pip}, {facts.arch}"
    title = f"{explanation.name} {explanation.version} on {explanation.base} ({base})"
    table = _table("", "File", ">MB", "Why")
    # Reasons can be broken better than names, as long as there is room for both.
    table.columns[1].no_wrap = all(len(one.filename) <= _FILE for one in explanation.candidates)
    for one in explanation.candidates:
        style = "green" if one.taken else "" if one.fits else "dim"
        table.add_row(
            "*" if one.taken else "",
            Text(one.filename, style=style, overflow="fold"),
            megabytes(one.bytes),
            Text(one.reason, style=style),
        )
    parts: list[RenderableType] = [Text(title, style="bold"), "", table, ""]
    answer = f"pip takes {explanation.taken}." if explanation.taken else "There is no file that pip could take."
    parts.append(Text(answer, style="bold"))
    if said := [*hazard_notes(explanation.hazards), *explanation.advice]:
        parts.append(_bullets(said))
    if building := explanation.building:
        parts += ["", Text(f"To build it there ({building.system.title}):", style="bold"), "", *_building(building)]
    return Group(*parts)


def bases_text(rows: Iterable[BaseFacts]) -> RenderableType:
    """Return the catalogue: what is known of each base, and from when."""
    table = _table("Base", "C library", "Python", "pip", ">Image MB", ">Pulled MB", "As of")
    for row in rows:
        python = row.python or (f"{row.system_python.version} ({row.package_manager})" if row.system_python else "none")
        table.add_row(
            Text(row.image, overflow="fold"),
            f"{row.libc} {row.libc_version}",
            python,
            row.pip or ("none" if row.has_pip is False else "?"),
            megabytes(row.uncompressed_bytes, about="uncompressed_bytes" in row.estimated),
            megabytes(row.compressed_bytes, about="compressed_bytes" in row.estimated),
            row.date.isoformat(),
        )
    return Group(table, Text("?: not known. ~: estimated. Sources: --format json", style="dim"))


def sysdeps_text(answer: SystemNeeds) -> RenderableType:
    """Return what source archives need, each package with the place that says so."""
    return Group(Text(needs.title(answer), style="bold"), "", *_building(answer.building))


def _building(building: BuildNeeds) -> Iterator[RenderableType]:
    """Yield tables of what a build needs and of what it can use, the commands that install it, time and doubts."""
    table = _table("For", "Package", ">Sure", "Found in")
    for group, package, sure, place in needs.rows(building):
        table.add_row(group, Text(package, overflow="fold"), sure, Text(place, style="dim"))
    optional = _table("Optional", ">Sure", "Lost without it", "Found in")
    for package, sure, lost, place in needs.optional_rows(building):
        optional.add_row(Text(package, overflow="fold"), sure, lost, Text(place, style="dim"))
    for one in (table, optional):
        if one.row_count:
            yield from (one, "")
    for sentence, command in needs.stages(building):
        yield sentence
        if command:
            yield Padding(Text(command, style="green"), (0, 0, 0, 2))
    yield from ("", _bullets(needs.sentences(building)), "")
    said = list(needs.doubts(building))
    status = building.needs.status
    style = {"likely complete": "green", "maybe incomplete": "yellow"}.get(status, "red")
    yield Text(f"{status.capitalize()}{':' if said else '.'}", style=style)
    if said:
        yield _bullets(said)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for title in headings:
        numeric = title.startswith(">")
        text = title.removeprefix(">")
        table.add_column(
            text.replace(" MB", "\nMB"),
            justify="right" if numeric else "left",
            no_wrap=numeric or text in ("C library", "As of"),
            overflow="fold",
        )
    return table


def _bullets(lines: Iterable[str]) -> Table:
    """Return lines with a hanging indent."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    for line in lines:
        grid.add_row(" -", Text(line))
    return grid

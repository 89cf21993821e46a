"""Comparisons, explanations and the catalogue for a terminal, as rich renderables."""

from collections.abc import Iterable

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wheelbase.bases.facts import BaseFacts
from wheelbase.recipes.explain import Explanation
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.recipes.values import Comparison
from wheelbase.report import needs
from wheelbase.report.details import details, footnote, heading, packages, verdict
from wheelbase.report.units import duration, megabytes

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
    return Group(*parts, *([_bullets(explanation.advice)] if explanation.advice else []))


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
    """Return what source archives need, group by group with the places that say so."""
    table = _table("For", "Package", ">Sure", "Found in")
    building = answer.building
    for group, listed in needs.groups(building.needs):
        for number, need in enumerate(listed):
            sure = f"{need.confidence:.0%}"
            style = "dim" if group in ("optional", "run") else ""
            name = Text(need.package, style=style, overflow="fold")
            table.add_row("" if number else group, name, sure, Text(needs.places(need), style="dim"))
    parts: list[RenderableType] = [Text(needs.title(answer), style="bold"), ""]
    if table.row_count:
        parts += [table, ""]
    if building.needs.build_packages:
        parts += [Text(needs.install_line(building.system.manager, building.needs.build_packages), style="green"), ""]
    parts.append(_bullets([*needs.sentences(building), *building.system.notes]))
    if said := list(needs.warnings(building.needs)):
        parts += ["", _bullets(said)]
    status = building.needs.status
    style = {"likely complete": "green", "maybe incomplete": "yellow"}.get(status, "red")
    return Group(*parts, "", Text(f"{status.capitalize()}.", style=style))


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

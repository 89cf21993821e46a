"""Comparisons and explanations as Markdown, for a pull request or an issue."""

import textwrap
from collections.abc import Iterator, Sequence

from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.explain import Explanation
from wheelbase.recipes.hazards import hazard_notes
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.recipes.values import Comparison
from wheelbase.report import needs
from wheelbase.report.details import details, footnote, heading, packages, verdict
from wheelbase.report.units import duration, megabytes


def comparison_markdown(comparison: Comparison) -> str:
    """Return a table, the recommendation and the details."""
    rows = [
        (
            f"`{cost.base}`",
            f"{cost.facts.libc} {cost.facts.libc_version}",
            cost.python or "none",
            packages(cost),
            megabytes(cost.download_bytes),
            megabytes(cost.image_bytes, about=cost.estimated),
            megabytes(cost.image_compressed_bytes, about=cost.estimated),
            duration(cost.build_seconds, about=bool(cost.compiles)),
        )
        for cost in comparison.bases
    ]
    head = ("Base", "C library", "Python", "Packages", "Download MB", "Image MB", "Pulled MB", "Build")
    lines = [heading(comparison), "", *_table(head, rows), "", f"**{verdict(comparison)}**"]
    for cost in comparison.bases:
        if said := list(details(cost)):
            lines += ["", f"`{cost.base}`", "", *(f"- {line}" for line in said)]
    lines += [
        "",
        *(f"- {note}" for note in comparison.notes),
        *([""] if comparison.notes else []),
        footnote(comparison),
    ]
    return "\n".join(lines) + "\n"


def explanation_markdown(explanation: Explanation) -> str:
    """Return a table of every file with the reason for or against it."""
    rows = [
        ("**taken**" if one.taken else "", f"`{one.filename}`", megabytes(one.bytes), one.reason)
        for one in explanation.candidates
    ]
    title = f"{explanation.name} {explanation.version} on `{explanation.base}`"
    said = [*hazard_notes(explanation.hazards), *explanation.advice]
    lines = [title, "", *_table(("", "File", "MB", "Why"), rows), "", *(f"- {line}" for line in said)]
    if building := explanation.building:
        lines += ["", f"To build it there ({building.system.title}):", "", *_building(building)]
    return "\n".join([*lines, ""])


def sysdeps_markdown(answer: SystemNeeds) -> str:
    """Return what source archives need, with the commands that install it."""
    return "\n".join([needs.title(answer), "", *_building(answer.building), ""])


def _building(building: BuildNeeds) -> Iterator[str]:
    """Yield tables of what a build needs and of what it can use, the commands that install it, time and doubts."""
    tables = (
        (
            ("For", "Package", "Sure", "Found in"),
            [(group, f"`{package}`", *more) for group, package, *more in needs.rows(building)],
        ),
        (
            ("Optional", "Sure", "Lost without it", "Found in"),
            [(f"`{package}`", *more) for package, *more in needs.optional_rows(building)],
        ),
    )
    for head, rows in tables:
        if rows:
            yield from (*_table(head, rows), "")
    for sentence, command in needs.stages(building):
        yield from (sentence, "")
        if command:
            yield from (textwrap.indent(command, "    "), "")
    yield from (*(f"- {line}" for line in needs.sentences(building)), "")
    said = list(needs.doubts(building))
    yield f"**{building.needs.status.capitalize()}{':' if said else '.'}**"
    if said:
        yield from ("", *(f"- {line}" for line in said))


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)

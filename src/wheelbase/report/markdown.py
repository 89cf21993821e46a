"""Comparisons and explanations as Markdown, for a pull request or an issue."""

from collections.abc import Iterator, Sequence

from wheelbase.recipes.explain import Explanation
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
    return (
        "\n".join(
            [title, "", *_table(("", "File", "MB", "Why"), rows), "", *(f"- {line}" for line in explanation.advice)]
        )
        + "\n"
    )


def sysdeps_markdown(answer: SystemNeeds) -> str:
    """Return what source archives need, with the command that installs it."""
    building = answer.building
    rows = [
        (group, f"`{need.package}`", f"{need.confidence:.0%}", needs.places(need))
        for group, listed in needs.groups(building.needs)
        for need in listed
    ]
    lines = [needs.title(answer), "", *_table(("For", "Package", "Sure", "Found in"), rows), ""]
    if building.needs.build_packages:
        lines += [f"    {needs.install_line(building.system.manager, building.needs.build_packages)}", ""]
    said = [*needs.sentences(building), *building.system.notes, *needs.warnings(building.needs)]
    return "\n".join([*lines, *(f"- {line}" for line in said), "", f"**{building.needs.status.capitalize()}.**", ""])


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows)

"""What `wheelbase probe` has found, as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from wheelbase.probes.application import Relevance
from wheelbase.probes.run import Result
from wheelbase.probes.table import KnownHazard
from wheelbase.recipes.probe import Probed, Probes

_STYLES = {"bites": "red", "fine": "green", "unknown": "yellow"}
_MOST_PLACES = 5


def probes_text(probes: Probes) -> RenderableType:
    """Return the table, and below it the reason and the cure of each hazard that one of the images has.

    With an application, only hazards that concern it have reasons, with the places in its code.
    """
    parts: list[RenderableType] = [_legend(probes), "", _table(probes)]
    for number, hazard in enumerate(probes.hazards):
        relevance = probes.relevance[number] if probes.relevance is not None else None
        results = [image.results[number] for image in probes.images]
        if any(one.verdict != "fine" for one in results) and _concerns(relevance):
            parts += ["", Text(f"{hazard.id}: {hazard.title}", style="bold")]
            parts += [Padding(Text(line), (0, 0, 0, 2)) for line in _reasons(hazard, results, relevance)]
    return Group(*parts)


def _legend(probes: Probes) -> RenderableType:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column(overflow="fold")
    for number, image in enumerate(probes.images, 1):
        grid.add_row(Text(f"[{number}]", style="bold"), Text(f"{image.image}\n{_identity(image)}"))
    return grid


def _identity(image: Probed) -> str:
    identity = image.identity
    return ", ".join(filter(None, (identity.system, identity.libc, f"Python {identity.python}", identity.machine)))


def _table(probes: Probes) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("Hazard", no_wrap=True)
    table.add_column("Severity", no_wrap=True)
    for number in range(1, len(probes.images) + 1):
        table.add_column(f"[{number}]".replace("[", r"\["), no_wrap=True)
    if probes.relevance is not None:
        table.add_column("Your code", no_wrap=True)
    for number, hazard in enumerate(probes.hazards):
        verdicts = [image.results[number].verdict for image in probes.images]
        cells = [Text(verdict, style=_STYLES[verdict]) for verdict in verdicts]
        if probes.relevance is not None:
            cells.append(Text(_your_code(probes.relevance[number], "bites" in verdicts)))
        table.add_row(hazard.id, hazard.severity, *cells)
    return table


def _your_code(relevance: Relevance, bitten: bool) -> str:
    return relevance.verdict if bitten else "-"


def _concerns(relevance: Relevance | None) -> bool:
    return relevance is None or relevance.verdict in ("bites here", "may bite")


def _reasons(hazard: KnownHazard, results: list[Result], relevance: Relevance | None) -> Iterator[str]:
    for number, result in enumerate(results, 1):
        if result.verdict != "fine":
            yield f"[{number}] {result.evidence}"
    if relevance is None:
        yield f"bites: {hazard.bites}"
    else:
        for place in relevance.places[:_MOST_PLACES]:
            yield f"{'here' if place.sure else 'maybe'}: {place.where} {place.what}"
        if more := len(relevance.places) - _MOST_PLACES:
            yield from [f"and {more} more places"] if more > 0 else []
    if hazard.fixed:
        yield f"fixed: {hazard.fixed}"
    yield f"cure: {hazard.cure}"
    if hazard.image:
        yield f"or in the image: wheelbase build --cure {hazard.id} {hazard.image.does}"


def probes_json(probes: Probes) -> str:
    """Return `wheelbase.probe/1`."""
    images = [
        {
            "image": image.image,
            **{name: getattr(image.identity, name) for name in ("system", "libc", "python", "machine")},
            "probes": [_result_content(probes, number, result) for number, result in enumerate(image.results)],
        }
        for image in probes.images
    ]
    hazards = [
        {name: getattr(one, name) for name in ("id", "title", "bites", "severity", "fixed", "cure", "source")}
        | {"build_cure": one.image.does if one.image else None}
        for one in probes.hazards
    ]
    content = {"schema": "wheelbase.probe/1", "engine": probes.engine, "images": images, "hazards": hazards}
    return json.dumps(content, indent=2, ensure_ascii=False)


def _result_content(probes: Probes, number: int, result: Result) -> dict[str, Any]:
    content = asdict(result)
    content["relevance"] = None if probes.relevance is None else asdict(probes.relevance[number])
    return content


def probes_markdown(probes: Probes) -> str:
    """Return the table, then what was seen of each hazard that one of the images has."""
    heads = ["Hazard", "Severity", *(f"`{image.image}`" for image in probes.images)]
    heads += ["Your code"] if probes.relevance is not None else []
    lines = [f"| {' | '.join(map(_cell, heads))} |", f"|{'---|' * len(heads)}"]
    notes: list[str] = []
    for number, hazard in enumerate(probes.hazards):
        results = [image.results[number] for image in probes.images]
        verdicts = [one.verdict for one in results]
        relevance = probes.relevance[number] if probes.relevance is not None else None
        yours = [] if relevance is None else [_your_code(relevance, "bites" in verdicts)]
        lines.append(f"| {' | '.join(map(_cell, [hazard.title, hazard.severity, *verdicts, *yours]))} |")
        if any(one.verdict != "fine" for one in results) and _concerns(relevance):
            notes += [
                "",
                f"**{hazard.title}**",
                "",
                *(f"- {_cell(one)}" for one in _reasons(hazard, results, relevance)),
            ]
    return "\n".join([*lines, *notes])


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")

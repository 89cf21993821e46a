"""A comparison with the hazards that are known of its bases, as text, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wheelbase.probes.known import Known
from wheelbase.probes.table import known_hazards
from wheelbase.recipes.knownhazards import KnownHazards
from wheelbase.report.json import comparison_json
from wheelbase.report.markdown import comparison_markdown
from wheelbase.report.text import comparison_text

_HEADS = ("Base", "Bites", "Not probed")
_CONCERNING = ("bites here", "may bite")


def compared_text(known: KnownHazards) -> RenderableType:
    """Return the comparison, then the hazards of each base, then what they are, with the places in the code."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for head in _HEADS:
        table.add_column(head, overflow="fold")
    for row in _rows(known):
        table.add_row(*map(Text, row))
    return Group(comparison_text(known.comparison), "", table, "", *(Text(line) for line in _lines(known)))


def compared_markdown(known: KnownHazards) -> str:
    """Return the same as a table and a list."""
    rows = [_HEADS, tuple("---" for _ in _HEADS), *_rows(known)]
    table = [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
    lines = [comparison_markdown(known.comparison), *table, "", *(f"- {line}" for line in _lines(known))]
    return "\n".join(lines) + "\n"


def compared_json(known: KnownHazards) -> str:
    """Return `wheelbase.compare/1`; each base has `probe` too, with what is known of each hazard."""
    content = json.loads(comparison_json(known.comparison))
    for base, found in zip(content["bases"], known.bases, strict=True):
        base["probe"] = [_entry(known, name, found.get(name)) for name in known_hazards()]
    return json.dumps(content, indent=2, ensure_ascii=False)


def _entry(known: KnownHazards, name: str, found: Known | None) -> dict[str, object]:
    of = f"{found.of.system}, {found.of.libc} {found.of.libc_version}, Python {found.of.python}" if found else None
    return {
        "id": name,
        "verdict": found.verdict if found else "not probed",
        "probed": found.of.probed.isoformat() if found else None,
        "on": of,
        "relevance": asdict(known.relevance[name]) if known.relevance else None,
    }


def _rows(known: KnownHazards) -> Iterator[tuple[str, str, str]]:
    for cost, found in zip(known.comparison.bases, known.bases, strict=True):
        missing = len(known_hazards()) - len(found)
        not_probed = f"{missing} of {len(known_hazards())}" if missing else ""
        yield cost.base, ", ".join(_bites(found)) if found else "not probed", not_probed


def _bites(found: Mapping[str, Known]) -> Iterator[str]:
    yield from (name for name in known_hazards() if name in found and found[name].verdict == "bites")


def _lines(known: KnownHazards) -> Iterator[str]:
    """Yield what the hazards are: with an application those that concern it, with the first place."""
    for name in dict.fromkeys(name for found in known.bases for name in _bites(found)):
        hazard = known_hazards()[name]
        if known.relevance is None:
            yield f"{name} ({hazard.severity}): {hazard.title}"
        elif (one := known.relevance[name]).verdict in _CONCERNING:
            place = one.places[0]
            yield f"{name} ({hazard.severity}) {one.verdict}: {place.file}:{place.line} {place.what}"
    days = sorted({one.of.probed.isoformat() for found in known.bases for one in found.values()})
    since = f"Found on {', '.join(days)} in images with the same C library. " if days else ""
    yield f"{since}`wheelbase probe IMAGE` measures all, in the image itself."

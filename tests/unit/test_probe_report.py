"""What `wheelbase probe` shows."""

from __future__ import annotations

import json
from io import StringIO

import pytest
from rich.console import Console

from wheelbase.cli.probe import command
from wheelbase.errors import RequirementsError
from wheelbase.probes.application import Place, Relevance
from wheelbase.probes.run import Identity, Result
from wheelbase.probes.table import known_hazards
from wheelbase.recipes.probe import Probed, Probes
from wheelbase.report.probe import probes_json, probes_markdown, probes_text

IDENTITY = Identity(python="3.13.2", libc="musl 1.2.5", system="Alpine Linux v3.23", machine="x86_64")
HAZARDS = tuple(known_hazards()[name] for name in ("strftime", "tzdata", "ca-store"))
PLACE = Place(file="app/main.py", line=7, what="strftime with %P", sure=True)


def probed(image: str, *verdicts: str) -> Probed:
    results = tuple(
        Result(id=hazard.id, verdict=verdict, evidence=f"{hazard.id} [red]was[/red] seen | here")  # type: ignore[arg-type]
        for hazard, verdict in zip(HAZARDS, verdicts, strict=True)
    )
    return Probed(image=image, identity=IDENTITY, results=results)


PROBES = Probes(
    engine="bubblewrap",
    hazards=HAZARDS,
    images=(
        probed("registry.example/" + "long/" * 20, "bites", "fine", "unknown"),
        probed("b", "fine", "fine", "fine"),
    ),
)
CONCERNING = Probes(
    engine="bubblewrap",
    hazards=HAZARDS,
    images=PROBES.images,
    relevance=(
        Relevance(verdict="bites here", places=(PLACE,) * 8),
        Relevance(verdict="may bite"),
        Relevance(verdict="not found"),
    ),
)


def text(probes: Probes) -> str:
    console = Console(file=StringIO(), width=80)
    with console.capture() as capture:
        console.print(probes_text(probes))
    return capture.get()


def test_images_are_side_by_side_in_80_columns() -> None:
    shown = text(PROBES)
    assert max(map(len, shown.splitlines())) <= 80
    rows = [line.split() for line in shown.splitlines()]
    assert ["Hazard", "Severity", "[1]", "[2]"] in rows
    assert ["strftime", "high", "bites", "fine"] in rows
    assert ["ca-store", "medium", "unknown", "fine"] in rows
    # What an image says is text, and no markup.
    assert "[1] strftime [red]was[/red] seen | here" in shown
    assert "tzdata:" not in shown


def test_only_what_concerns_the_application_is_explained() -> None:
    shown = text(CONCERNING)
    assert "here: app/main.py:7 strftime with %P" in shown
    assert "or in the image: wheelbase build --cure strftime" in shown
    assert "and 3 more places" in shown
    assert "ca-store:" not in shown
    rows = [line.split() for line in shown.splitlines()]
    assert ["strftime", "high", "bites", "fine", "bites", "here"] in rows
    assert ["tzdata", "high", "fine", "fine", "-"] in rows


def test_json_has_its_schema() -> None:
    content = json.loads(probes_json(CONCERNING))
    assert content["schema"] == "wheelbase.probe/1"
    first = content["images"][0]
    assert (first["libc"], first["probes"][0]["id"], first["probes"][0]["verdict"]) == (
        "musl 1.2.5",
        "strftime",
        "bites",
    )
    assert content["hazards"][0]["build_cure"].startswith("gives time.strftime")
    relevance = first["probes"][0]["relevance"]
    assert relevance["verdict"] == "bites here"
    assert relevance["places"][0] == {
        "file": "app/main.py",
        "line": 7,
        "what": "strftime with %P",
        "sure": True,
        "package": "",
    }
    assert json.loads(probes_json(PROBES))["images"][0]["probes"][0]["relevance"] is None


def test_markdown_is_a_table() -> None:
    lines = probes_markdown(CONCERNING).splitlines()
    assert lines[0].endswith("| `b` | Your code |")
    assert lines[2].startswith("| A directive of strftime costs the whole text | high | bites | fine | bites here |")
    assert "- [1] strftime [red]was[/red] seen \\| here" in lines


def test_a_hazard_that_is_not_known_is_refused_before_anything_runs() -> None:
    with pytest.raises(RequirementsError, match="no hazard nonsense") as caught:
        command.main(["oci:nowhere", "--only", "nonsense"], standalone_mode=False)
    assert caught.value.hint and "thread-stack" in caught.value.hint

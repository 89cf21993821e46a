"""What was found before holds for bases that are alike in what decides it, and for no others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from tests.unit.test_report import ALPINE, COMPARISON, SLIM

from wheelbase.probes.known import ProbedBase, known_of, probed_bases
from wheelbase.probes.table import known_hazards
from wheelbase.recipes.knownhazards import with_known_hazards
from wheelbase.report.known import compared_json, compared_markdown, compared_text

MUSL = ProbedBase(
    probed=date(2026, 11, 25),
    image="",
    system="Alpine Linux v3.23",
    arch="amd64",
    libc="musl",
    libc_version="1.2.5",
    python="3.13.2",
    bites=("thread-stack", "strftime", "tzdata"),
    fine=("dns-dead", "services"),
)
LIKE = replace(ALPINE, libc_version="1.2.5", python="3.13.9", arch="amd64")


def test_the_c_library_decides() -> None:
    found = known_of(LIKE, (MUSL,))
    assert {name: one.verdict for name, one in found.items()} == {
        "thread-stack": "bites",
        "strftime": "bites",
        "dns-dead": "fine",
    }
    assert known_of(replace(LIKE, libc_version="1.2.4"), (MUSL,)) == {}
    assert known_of(replace(LIKE, libc="glibc"), (MUSL,)) == {}
    assert known_of(replace(LIKE, arch="arm64"), (MUSL,)) == {}


def test_python_decides_where_it_does() -> None:
    assert known_of(replace(LIKE, python="3.12.9"), (MUSL,)).keys() == {"strftime", "dns-dead"}
    assert known_of(replace(LIKE, python=None), (MUSL,)).keys() == {"strftime", "dns-dead"}


def test_what_the_image_decides_is_known_of_that_one_alone() -> None:
    values = {field: getattr(MUSL, field) for field in MUSL.__struct_fields__}
    own = ProbedBase(**values | {"image": "deb:trixie"})
    assert known_of(replace(LIKE, image="deb:trixie"), (own,))["tzdata"].verdict == "bites"
    assert "tzdata" not in known_of(replace(LIKE, image="deb:bookworm"), (own,))
    # Elsewhere this name may be another image's.
    local = ProbedBase(**values | {"image": "oci:here"})
    assert "tzdata" not in known_of(replace(LIKE, image="oci:here"), (local,))


@pytest.mark.parametrize("changes", [{"bites": ("nonsense",)}, {"fine": ("strftime",)}])
def test_results_are_checked(changes: dict[str, tuple[str, ...]]) -> None:
    values = {field: getattr(MUSL, field) for field in MUSL.__struct_fields__}
    with pytest.raises(ValueError, match=r"nonsense|strftime"):
        ProbedBase(**values | changes)


def test_the_results_that_are_there() -> None:
    assert {(one.libc, one.libc_version) for one in probed_bases()} >= {("glibc", "2.41"), ("musl", "1.2.5")}
    for one in probed_bases():
        assert ("thread-stack" in one.bites) is (one.libc == "musl")


def test_a_comparison_names_them(tmp_path: Path) -> None:
    (tmp_path / "app.py").write_text("now.strftime('%P')\n")
    musl = replace(COMPARISON.bases[0], base="a", facts=LIKE)
    old = replace(COMPARISON.bases[0], base="b", facts=replace(SLIM, libc_version="2.5"))
    known = with_known_hazards(replace(COMPARISON, bases=(musl, old)), [str(tmp_path)])
    console = Console(file=StringIO(), width=80)
    with console.capture() as capture:
        console.print(compared_text(known))
    text = " ".join(capture.get().split())
    assert f"b not probed {len(known_hazards())} of {len(known_hazards())}" in text
    assert "strftime (high) bites here: app.py:1 strftime with %P" in text
    assert "thread-stack (high)" not in text  # it does not concern the application
    bases = json.loads(compared_json(known))["bases"]
    first = {one["id"]: one for one in bases[0]["probe"]}
    assert (first["strftime"]["verdict"], first["tzdata"]["verdict"]) == ("bites", "not probed")
    assert first["strftime"]["relevance"]["places"][0]["line"] == 1
    assert {one["verdict"] for one in bases[1]["probe"]} == {"not probed"}
    assert "| b | not probed |" in compared_markdown(known)


def test_without_a_project_it_is_said_what_they_are() -> None:
    known = with_known_hazards(replace(COMPARISON, bases=(replace(COMPARISON.bases[0], facts=LIKE),)), ["requests"])
    assert known.relevance is None
    assert "strftime (high): A directive of strftime costs the whole text" in compared_markdown(known)

"""The report in HTML: what stands in it, and that nothing in it is taken for anything else.

`WHEELBASE_REGENERATE=1 ./check tests/unit/test_html_report.py` rewrites tests/golden/report.html.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import replace
from importlib.resources import files
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.unit.html_values import FAILED, MEASUREMENT
from tests.unit.reading_html import Read
from tests.unit.test_probe_report import CONCERNING, PROBES
from tests.unit.test_report import COMPARISON

from wheelbase.cli.reports import command_line, subject, write_report
from wheelbase.errors import RequirementsError
from wheelbase.measuring.values import Failure, PartName, PhaseName, Research
from wheelbase.probes.table import known_hazards
from wheelbase.recipes.hazards import Hazard
from wheelbase.recipes.knownhazards import with_known_hazards
from wheelbase.recipes.values import Comparison, PickedFile, Recommendation
from wheelbase.report.html import render
from wheelbase.report.html.against import size_error, time_error
from wheelbase.report.html.charts import MEGABYTES, Row, axis, chart, unit_of_time
from wheelbase.report.html.compared import predicted_parts, predicted_sizes
from wheelbase.report.html.times import clocked
from wheelbase.report.json import comparison_json
from wheelbase.report.units import megabytes

GOLDEN = Path(__file__).parent.parent / "golden" / "report.html"
STYLE = files("wheelbase.report.html").joinpath("report.css").read_text()
NOTHING = Comparison(
    source="pyproject.toml",
    index="default",
    python="3.13",
    arch="amd64",
    as_of=None,
    bases=(),
    recommendation=Recommendation(base=None, reason="there is no base"),
)


def test_a_report_is_as_recorded() -> None:
    page = render(COMPARISON, subject="numpy psycopg2", command="wheelbase compare numpy psycopg2")
    body = re.sub(r"<(style|script)[^>]*>.*?</\1>\n", "", page, flags=re.DOTALL)
    body = re.sub(r"sha256-[^']+|(?<=wheelbase )\d+\.\d+\.\d+", "...", body)
    if os.environ.get("WHEELBASE_REGENERATE"):
        GOLDEN.write_text(body, encoding="utf-8")
    assert body == GOLDEN.read_text(encoding="utf-8")


def test_it_holds_its_data() -> None:
    copied = replace(COMPARISON, source="/tmp/wheelbase-measure/requirements.txt")
    page = Read(render(copied, MEASUREMENT, PROBES))
    assert page.data("compare") == json.loads(comparison_json(COMPARISON))
    assert "/tmp/" not in page.text
    assert page.data("measure")["schema"] == "wheelbase.measure/1"
    kept = {name: value for name, value in page.data("measure").items() if name != "schema"}
    assert msgspec.convert(kept, type(MEASUREMENT)) == MEASUREMENT
    assert page.data("probe")["schema"] == "wheelbase.probe/1"
    assert Read(render(COMPARISON)).raw.keys() == {"compare-json"}


def test_the_numbers_of_the_table_are_those_of_the_data() -> None:
    page = Read(render(COMPARISON))
    bases = {base["base"]: base for base in page.data("compare")["bases"]}
    rows = page.rows("What is predicted for each base")
    assert [row[0] for row in rows] == list(bases)
    for name, _, research, _, image, pulled, fetch in rows:
        base = bases[name]
        assert image == megabytes(base["image_bytes"], about=base["estimated"])
        assert pulled == megabytes(base["image_compressed_bytes"], about=base["estimated"])
        assert fetch == megabytes(base["download_bytes"])
        needed = len(base["system_packages"]["build"])
        assert (
            research in {"wheels": "none", "compiles": f"{needed} packages", "impossible": "cannot be built"}.values()
        )
    assert [row[2] for row in rows] == ["none", "3 packages", "cannot be built"]


def test_the_parts_of_an_image_are_the_whole_of_it() -> None:
    page = Read(render(COMPARISON))
    head, *rows = page.tables["Image size by part, predicted, in MB"]
    found = {row[0]: dict(zip(head[1:], row[1:], strict=True)) for row in rows}
    assert list(found) == ["python:3.8-alpine", "python:3.8-slim"]  # the smallest first
    assert found["python:3.8-alpine"] == {
        "base": "110",
        "wheels": "-",
        "compiled": "60",
        "bytecode": "6.0",
        "in all": "~176 MB",
    }
    for cost in COMPARISON.bases[:2]:
        assert sum(predicted_parts(cost).values()) == cost.image_bytes
        base = next(one for one in page.data("compare")["bases"] if one["base"] == cost.base)
        assert found[cost.base]["base"] == megabytes(base["base_bytes"])
    drawn = predicted_sizes(COMPARISON)
    assert drawn and drawn.about == "Not known: registry.example/team/ubuntu-with-a-long-name:18.04."


def test_the_numbers_of_a_measurement_are_those_of_its_samples() -> None:
    page = Read(render(COMPARISON, MEASUREMENT))
    rows = page.rows("What each base costs")
    assert [row[:3] for row in rows] == [
        ["python:3.8-slim", "5.9 s", "366"],
        ["python:3.8-slim", "21.3 s", "366"],
        ["python:3.8-slim", "29.8 s", "366"],
        ["python:3.8-alpine", "25 min 50 s", "351"],
        [FAILED.combination.base, "failed", "-"],
    ]
    assert [row[3:] for row in rows[2:]] == [
        ["nothing", "none"],
        ["numpy", "2 rounds"],
        ["-", "no package cures it"],
    ]
    head, *by_phase = page.tables["Build time by phase, nothing cached: the short ones, on an axis of their own, in s"]
    docker = dict(zip(head[1:], by_phase[2][1:], strict=True))
    median = next(one for one in page.data("measure")["outcomes"][1]["samples"] if one["round"] == 2)
    assert {name: float(text) for name, text in docker.items() if name not in ("other", "in all")} == {
        name: round(seconds, 0 if seconds >= 10 else 1) for name, seconds in median["phases"].items()
    }
    assert "python:3.8-slim is built in 29.8 s, python:3.8-alpine in 25 min 50 s: 52 times as long." in page.text
    times = [(row[1], row[3]) for row in page.rows("Time, predicted for pip, and measured")]
    # The model is one of pip: what our own builder and uv take is not off it.
    assert times == [("-", "-"), ("-", "-"), ("9-22 s", "1.4 × longer"), ("12-42 min", "within")]
    # Our own builder leaves out what the prediction has.
    assert len(page.rows("Size, predicted and measured")) == 3
    assert page.rows("Size, predicted and measured")[2][1:4] == ["347", "351", "-1.3 %"]


def test_first_answers_and_pushes_have_columns_where_they_were_measured() -> None:
    slim = MEASUREMENT.outcomes[1]
    assert slim.image
    served = replace(slim, image=replace(slim.image, answer_seconds=1.25, push_seconds=3.4))
    table = "What else was measured"
    heads = Read(render(COMPARISON, replace(MEASUREMENT, outcomes=(slim,)))).tables[table][0]
    head, row = Read(render(COMPARISON, replace(MEASUREMENT, outcomes=(served,)))).tables[table]
    told = dict(zip(head, row, strict=True))
    assert (told["Start"], told["First answer"], told["Push"]) == ("0.8 s", "1.2 s", "3.4 s")
    assert set(head) - set(heads) == {"First answer", "Push"}


def test_what_was_lost_left_out_and_noted_is_said() -> None:
    text = Read(render(COMPARISON, MEASUREMENT)).text
    for said in ("does not load libopenblas", "buildah: it is not installed", "did nothing else", "sha256:" + "5" * 64):
        assert said in text


def test_research_that_ended_without_a_build_says_why() -> None:
    given_up = Research(rounds=(("gcc",),), packages=("gcc",), outcome="given up", cause="five rounds were not enough")
    page = Read(render(COMPARISON, replace(MEASUREMENT, outcomes=(replace(FAILED, research=given_up),))))
    assert page.rows("What each base costs")[0][4] == "1 round, given up"
    assert "five rounds were not enough" in page.text
    assert "No build ended well." in page.text


def test_builds_that_failed_beside_others_are_counted() -> None:
    slim = MEASUREMENT.outcomes[1]
    failed = replace(slim.samples[2], failure=Failure(cause="no space left on device", log=""))
    page = Read(
        render(COMPARISON, replace(MEASUREMENT, outcomes=(replace(slim, samples=(*slim.samples[:2], failed)),)))
    )
    assert page.rows("What each base costs")[0][1] == "28.9 s"
    assert "1 of 3 failed: no space left on device" in page.text


def test_each_base_says_what_is_compiled_and_why() -> None:
    page = Read(render(COMPARISON))
    assert page.rows("Compiled there") == [["numpy 1.18.1", "no wheel fits", "about 3 min (2 min to 7 min)"]]
    assert ["postgresql-dev", "to build", "98%", "psycopg2: setup.py:166"] in page.rows(
        "System packages that this needs"
    )
    assert "numpy needs libgomp.so.1 (numpy/core/_fast.so), which this base lacks: install libgomp" in page.text


def test_probes_have_a_section() -> None:
    page = Read(render(COMPARISON, probes=CONCERNING))
    strftime, tzdata, store = CONCERNING.hazards
    assert {row[0]: row[1:] for row in page.rows("What bites where")} == {
        strftime.title: ["high", CONCERNING.images[0].image, "bites here", strftime.cure],
        tzdata.title: [tzdata.severity, "none", "-", tzdata.cure],
        store.title: [store.severity, "none", "-", store.cure],
    }
    for said in (strftime.bites, "app/main.py:7", "strftime [red]was[/red] seen", "not known of registry.example/"):
        assert said in page.text
    assert "Your code" not in Read(render(COMPARISON, probes=PROBES)).text


def test_what_is_known_of_bases_has_a_section() -> None:
    musl = replace(COMPARISON.bases[1].facts, libc_version="1.2.5")
    comparison = replace(COMPARISON, bases=(COMPARISON.bases[0], replace(COMPARISON.bases[1], facts=musl)))
    page = Read(render(comparison, known=with_known_hazards(comparison, ("numpy",))))
    rows = {row[0]: row[1:] for row in page.rows("What bites where")}
    strftime = known_hazards()["strftime"]
    assert rows[strftime.title] == [strftime.severity, "python:3.8-alpine", strftime.cure]
    severities = [row[0] for row in rows.values()]
    assert severities == sorted(severities, key=["high", "medium", "low"].index)
    assert "Nothing is known of python:3.8-slim." in page.text
    nothing = replace(comparison, bases=comparison.bases[:1])
    assert "What bites" not in Read(render(nothing, known=with_known_hazards(nothing, ("numpy",)))).text


def test_dockerfiles_stand_with_their_bases() -> None:
    text = "FROM scratch\nCOPY a b\n"
    made = {"Dockerfile": text, "requirements.txt": "numpy==1.18.1"}
    page = Read(render(COMPARISON, dockerfiles={"python:3.8-slim": made}))
    assert text in page.text and "numpy==1.18.1" in page.text


def test_nothing_to_compare_is_said() -> None:
    page = Read(render(NOTHING))
    assert "There is no base to compare." in page.text
    assert not page.tables


def test_nothing_is_fetched() -> None:
    page = Read(render(COMPARISON, MEASUREMENT, PROBES))
    fetching = [value for _, name, value in page.attributes if name in ("src", "href", "srcset", "action", "data")]
    assert fetching == ["data:,"]
    assert "url(" not in STYLE and "@import" not in STYLE


HOSTILE = st.one_of(
    st.text(min_size=1),
    st.sampled_from(
        [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "\u2028</style><img src=x onerror=alert(1)>",
            "\"' onload=alert(1) x='",
            "{{ 7 * 7 }}{% raw %}",
            "\ud800",
            "javascript:alert(1)",
            "a/b/../<wbr>",
        ]
    ),
)


def described(text: str) -> tuple[str, list[str]]:
    """Return a report in which a text stands wherever others write, and the names in its data."""
    slim, alpine, _ = COMPARISON.bases
    file = PickedFile(
        name=text, version=text, filename=text, kind="sdist", bytes=1, installed_bytes=None, reason=text, estimated=True
    )
    hazard = Hazard(kind="library", package=text, lacks=text, why=text, install=None)
    bases = (
        replace(slim, base=text, notes=(text,), advice=(text,)),
        replace(alpine, base=f"{text}2", files=(file,), compiles=(text,), hazards=(hazard,), image_bytes=None),
    )
    outcome = MEASUREMENT.outcomes[0]
    measurement = replace(
        MEASUREMENT,
        notes=(text,),
        machine={text: text},
        outcomes=(
            replace(
                outcome,
                combination=replace(outcome.combination, base=text),
                dockerfile=text,
                commands=(text,),
                research=Research(rounds=((text,),), packages=(text,), outcome="built", lost=(text,)),
            ),
        ),
    )
    comparison = replace(COMPARISON, source=text, bases=bases, notes=(text,))
    return render(comparison, measurement, subject=text, command=text), [base.base for base in bases]


TAME = Read(described("tame")[0])


@settings(max_examples=50, deadline=None)
@given(HOSTILE)
def test_no_name_is_taken_for_markup(text: str) -> None:
    page, names = described(text)
    read = Read(page)
    assert read.shape == TAME.shape
    shown = text.encode("utf-8", "replace").decode()
    assert [base["base"] for base in read.data("compare")["bases"]] == [
        name.encode("utf-8", "replace").decode() for name in names
    ]
    if shown.isprintable():
        assert read.text.count(shown) >= TAME.text.count("tame")


@given(st.floats(1e-3, 1e9))
def test_an_axis_is_round_and_no_longer_than_it_has_to_be(top: float) -> None:
    steps, step = axis(top)
    assert 1 <= steps <= 5
    assert (steps - 1) * step < top <= steps * step * (1 + 1e-6)
    assert f"{step:.1e}"[0] in "125"


@given(st.lists(st.lists(st.floats(0, 1e9), min_size=3, max_size=3), min_size=1, max_size=8))
@example([[0.0, 0.0, 5e-324]])
def test_bars_are_as_long_as_what_they_show(values: list[list[float]]) -> None:
    order = ("base", "wheels", "bytecode")
    rows = [Row(name=str(n), total="", parts=dict(zip(order, parts, strict=True))) for n, parts in enumerate(values)]
    drawn = chart("c", "", "", rows, order=order, show=str, unit=MEGABYTES)
    if drawn is None:
        assert max(map(sum, values)) < 1e-3  # bytes
        return
    end = float(drawn.ticks[-1][1]) * 1e6
    for bar, parts in zip(drawn.bars, values, strict=True):
        assert sum(piece.width for piece in bar.segments) == pytest.approx(100 * sum(parts) / end, abs=0.01)
        ends = [piece.start + piece.width for piece in bar.segments]
        assert all(a == pytest.approx(b.start, abs=0.01) for a, b in zip(ends, bar.segments[1:], strict=False))


def test_a_label_stands_where_there_is_room() -> None:
    rows = [Row(name="a", total="", parts={"base": 80e6, "wheels": 4e6, "bytecode": 1e6, "application": 5e6})]
    drawn = chart("c", "", "", rows, order=get_args(PartName), show=lambda size: f"{size / 1e6:.0f}", unit=MEGABYTES)
    assert drawn
    assert [piece.fits for piece in drawn.bars[0].segments] == ["always", "wide", "never", "wide"]


@pytest.mark.parametrize(
    ("low", "high", "found", "said"),
    [(9, 22, 9, "within"), (9, 22, 44, "2.0 × longer"), (9, 22, 6, "1.5 × shorter")],
)
def test_errors_of_time(low: float, high: float, found: float, said: str) -> None:
    assert time_error(low, high, found) == said


def test_errors_of_size() -> None:
    assert (size_error(98, 100), size_error(102, 100), size_error(9999, 10_000)) == ("-2.0 %", "+2.0 %", "0.0 %")


def test_times_are_written_as_exactly_as_they_matter() -> None:
    assert [clocked(seconds) for seconds in (0.84, 31.24, 1557, 9000)] == [
        "0.8 s",
        "31.2 s",
        "25 min 57 s",
        "2 h 30 min",
    ]
    assert [unit_of_time(seconds).name for seconds in (30, 1557, 10_000)] == ["s", "min", "h"]


def _colours() -> list[dict[str, str]]:
    """Return the colours by day, and by night."""
    blocks = re.findall(r":root \{\n(.*?)\}", STYLE, re.DOTALL)
    return [dict(re.findall(r"--([\w-]+): (#\w{6});", block)) for block in blocks[:2]]


def _contrast(one: str, other: str) -> float:
    """Return the contrast of two colours (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", _colours(), ids=["light", "dark"])
def test_colours_can_be_told_from_what_is_behind_them(colours: dict[str, str]) -> None:
    for name in ("ink", "muted", "accent", "good", "warn", "bad"):
        assert _contrast(colours[name], colours["paper"]) >= 4.5, name
    pieces = [name.removeprefix("on-") for name in colours if name.startswith("on-")]
    for name in pieces:
        assert _contrast(colours[name], colours["paper"]) >= 3, name
        assert _contrast(colours[f"on-{name}"], colours[name]) >= 4.5, name


def test_each_part_and_phase_has_one_colour() -> None:
    for name in (*get_args(PartName), *get_args(PhaseName)):
        key = name.split(" ")[0]
        assert len(re.findall(rf"\.k-{key}\b(?=[^{{]*\{{ fill)", STYLE)) == 1, name
        assert len(re.findall(rf"\.on-k-{key}\b(?=[^{{]*\{{ fill)", STYLE)) == 1, name


def test_a_report_replaces_another_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(path, "new é")
    assert path.read_text(encoding="utf-8") == "new é"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(RequirementsError, match="cannot be written"):
        write_report(tmp_path / ("x" * 255), "too long a name")
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_report_is_called(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert subject((), ()) == "shop"
    assert subject((".",), ()) == "shop"
    assert subject(("matplotlib", "pandas"), (Path("more.txt"),)) == "matplotlib pandas more.txt"
    monkeypatch.setattr("sys.argv", ["/bin/wheelbase", "compare", "app @ https://me:secret@example.org/a.whl"])
    assert command_line() == "wheelbase compare 'app @ https://example.org/a.whl'"

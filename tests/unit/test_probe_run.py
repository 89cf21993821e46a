"""Each probe speaks for itself: what one says wrongly, or does not say, is its own and no verdict."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

import wheelbase.probes
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Limits, Ran
from wheelbase.probes.run import identify, result_of, run_probes
from wheelbase.probes.table import known_hazards, parse_table, script_text

SCRIPTS = sorted(Path(wheelbase.probes.__file__).parent.glob("scripts/*.py"))
CURES = sorted(Path(wheelbase.probes.__file__).parent.glob("cures/*.py"))
SAID = Ran(
    end="exited", status=0, stdout=b'{"verdict": "fine", "evidence": "all is well", "observed": {}}\n', stderr=b""
)
ROW = """
[[hazard]]
id = "x"
script = "strftime"
title = "t"
bites = "b"
severity = "low"
fixed = ""
cure = "c"
decided_by = "libc"
source = "s"

[hazard.image]
does = "d"
env = { A = "b" }
"""


@dataclass(frozen=True)
class FakeContainer:
    """What answers by the name of the program, whatever it is given."""

    answers: Sequence[Ran | EngineError]
    engine: str = "fake"

    def run(self, arguments: Sequence[str], limits: Limits) -> Ran:
        answer = self.answers[len(seen)]
        seen.append(arguments)
        if isinstance(answer, EngineError):
            raise answer
        return answer


seen: list[Sequence[str]] = []


@pytest.fixture(autouse=True)
def forget() -> None:
    seen.clear()


def test_what_a_probe_says_is_taken() -> None:
    result = result_of("x", replace(SAID, stdout=b"rubbish\n" + SAID.stdout))
    assert (result.verdict, result.evidence) == ("fine", "all is well")


@pytest.mark.parametrize(
    ("ran", "evidence"),
    [
        (replace(SAID, end="too slow", status=9), "it did not end in time"),
        (replace(SAID, end="too much output"), "it wrote without end"),
        (replace(SAID, end="killed", status=11), "signal 11 ended it"),
        (replace(SAID, status=1, stderr=b"Traceback\nOSError: no\n"), "it ended with 1: OSError: no"),
        (replace(SAID, stdout=b"hello"), "it ended with 0"),
        (replace(SAID, stdout=b""), "it ended with 0"),
        (replace(SAID, stdout=b"\xff\xfe"), "it ended with 0"),
        (replace(SAID, stdout=b'{"verdict": "lovely", "evidence": "", "observed": {}}'), "it ended with 0"),
        (replace(SAID, stdout=b'{"verdict": "fine", "evidence": 3, "observed": {}}'), "it ended with 0"),
        (replace(SAID, stdout=b"[" * 100_000), "it ended with 0"),
    ],
)
def test_what_it_does_not_say_is_unknown(ran: Ran, evidence: str) -> None:
    result = result_of("x", ran)
    assert (result.verdict, result.evidence) == ("unknown", f"the probe did not answer: {evidence}")


def test_a_terminal_is_not_commanded() -> None:
    said = json.dumps({"verdict": "bites", "evidence": "\x1b[2J" + "x" * 9000, "observed": {}}).encode()
    result = result_of("x", replace(SAID, stdout=said))
    assert "\x1b" not in result.evidence and len(result.evidence) < 400


def test_one_that_fails_does_not_stop_the_others() -> None:
    hazards = list(known_hazards().values())[:3]
    container = FakeContainer([EngineError("it broke"), replace(SAID, stdout=b"?"), SAID])
    assert [one.verdict for one in run_probes(container, "python3", hazards)] == ["unknown", "unknown", "fine"]
    assert [arguments[3:] for arguments in seen] == [[], ["aaaa"], ["search"]]


def test_what_is_no_python_is_refused() -> None:
    with pytest.raises(EngineError, match="does not answer as Python does: it ended with 0"):
        identify(FakeContainer([replace(SAID, stdout=b"I am a shell script\n")]), "python3")


def test_who_answers_says_its_name() -> None:
    done = subprocess.run([sys.executable, "-c", script_text("identity")], capture_output=True, check=True)
    identity = identify(FakeContainer([replace(SAID, stdout=done.stdout)]), "python3")
    assert identity.python == sys.version.split()[0]
    assert identity.libc.split()[0] in ("glibc", "musl")


@pytest.mark.parametrize("path", [*SCRIPTS, *CURES], ids=lambda path: path.stem)
def test_probes_run_on_any_python(path: Path) -> None:
    text = path.read_text()
    module = ast.parse(text, feature_version=(3, 8))
    imported = {alias.name for node in ast.walk(module) if isinstance(node, ast.Import) for alias in node.names}
    imported |= {node.module or "" for node in ast.walk(module) if isinstance(node, ast.ImportFrom)}
    assert {name.split(".")[0] for name in imported} <= sys.stdlib_module_names
    # One argument of a program may have no more.
    assert len(text) < 128 << 10


@pytest.mark.parametrize("name", ["allocation", "cpu_count", "libm", "mime_types", "services", "setlocale", "strftime"])
def test_probes_answer(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", script_text(name)], capture_output=True, check=True)
    result = result_of(name, replace(SAID, stdout=done.stdout))
    assert not result.evidence.startswith("the probe did not answer")


def test_every_script_is_of_a_hazard() -> None:
    used = {hazard.script for hazard in known_hazards().values()}
    assert {path.stem for path in SCRIPTS} - used == {"identity"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "t"\n', ""),
        ('title = "t"', 'title = ""'),
        ('"low"', '"dreadful"'),
        ('"strftime"', '"nothing"'),
        ('fixed = ""', 'fixed = ""\ncolour = "red"'),
        (ROW, ROW + ROW),
        ('env = { A = "b" }', ""),
        ('env = { A = "b" }', 'module = "nothing"'),
        ('env = { A = "b" }', 'env = { A = "b" }\npython = "three"'),
    ],
)
def test_the_table_is_checked(old: str, new: str) -> None:
    assert parse_table(ROW)["x"].cure == "c"
    with pytest.raises(ValueError):
        parse_table(ROW.replace(old, new))

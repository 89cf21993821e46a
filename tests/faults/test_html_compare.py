"""`wheelbase compare --report` as a program."""

import json
from pathlib import Path

from tests.conftest import Cli
from tests.fake_index import FakeIndex, wheel
from tests.unit.reading_html import Read

BASE = ("--base", "python:3.13-alpine3.23", "--format", "json")


def test_a_report_says_what_the_command_does(fake_index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    fake_index.require("bob:p@ss-w0rd")
    fake_index.add("app", {"app-1.0-py3-none-any.whl": wheel("app")})
    env = {"PIP_INDEX_URL": fake_index.simple_as("bob:p%40ss-w0rd")}
    done = cli("compare", "app", *BASE, "--report", str(tmp_path / "report.html"), env=env)
    assert (done.returncode, done.stderr) == (0, "")
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    page = Read(text)
    assert page.data("compare") == json.loads(done.stdout)
    assert "w0rd" not in text and "bob" not in text
    assert f"wheelbase compare app {' '.join(BASE)} --report {tmp_path}/report.html" in page.text
    assert "FROM python:3.13-alpine3.23" in page.text and "app==1.0" in page.text
    assert "A directive of strftime costs the whole text" in page.text


def test_a_folder_that_is_not_there_is_said_before_the_work(fake_index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    done = cli("compare", "app", "--report", str(tmp_path / "no" / "r.html"), env={"PIP_INDEX_URL": fake_index.simple})
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.splitlines() == [
        f"error: --report {tmp_path}/no/r.html: there is no folder {tmp_path}/no",
        f"hint: make it first: mkdir -p {tmp_path}/no",
    ]
    assert fake_index.seen == []
    done = cli("compare", "app", "--report", str(tmp_path))
    assert (done.returncode, done.stdout) == (1, "") and "is a folder" in done.stderr

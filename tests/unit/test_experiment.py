"""What `wheelbase measure` copies of an application: never the user's own files, and what is kept of earlier runs."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from wheelbase.errors import RequirementsError
from wheelbase.measuring.phases import phases_of
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.values import SCENARIOS, Combination, Failure, Research, Sample
from wheelbase.recipes.experiment import Experiment, prepare

COMBINATION = Combination(base="b", builder="podman", installer="pip")


@pytest.fixture(autouse=True)
def alone(nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings of whoever runs the tests, and a cache of its own."""
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))


def prepared(tmp_path: Path, *requirements: str, **changes: Any) -> Experiment:
    options: dict[str, Any] = {"files": (), "extras": (), "groups": (), "no_binary": (), "scenarios": SCENARIOS}
    return prepare(requirements, scratch=tmp_path / "scratch", **(options | changes))


def test_what_a_link_leads_to_is_not_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("attrs\n")
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").symlink_to(mine)
    made = prepared(tmp_path, str(project), no_binary=["attrs"])
    assert mine.read_text() == "attrs\n"
    assert (made.folders["added"] / "requirements.txt").read_text() == "--no-binary attrs\nattrs\nsix\n"


def test_sockets_and_pipes_are_left_where_they_are(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("attrs\n")
    os.mkfifo(project / "pipe")
    (project / "dangling").symlink_to("nowhere")
    made = prepared(tmp_path, str(project), scenarios=["cold"])
    assert sorted(path.name for path in made.folders["cold"].iterdir()) == ["dangling", "requirements.txt"]


def test_history_is_copied_and_looking_at_it_makes_no_other_experiment(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("attrs\n")
    subprocess.run(["git", "init", "--quiet", str(project)], check=True)
    made = prepared(tmp_path, str(project), scenarios=["cold"])
    key = made.key
    (made.folders["cold"] / ".git" / "index").write_bytes(b"another")
    assert made.key == key
    (made.folders["cold"] / "requirements.txt").write_text("attrs>1\n")
    assert made.key != key


def test_a_file_that_names_itself_and_a_lock_are_refused(tmp_path: Path) -> None:
    loop = tmp_path / "loop.txt"
    loop.write_text("-r loop.txt\n")
    with pytest.raises(RequirementsError, match="loop"):
        prepared(tmp_path, files=[loop])
    lock = tmp_path / "uv.lock"
    lock.write_text("version = 1\n")
    with pytest.raises(RequirementsError, match="is a project's"):
        prepared(tmp_path, files=[lock])


def test_what_failed_is_tried_again(tmp_path: Path) -> None:
    def sample(number: int, scenario: Any, failure: Failure | None = None) -> Sample:
        return Sample(combination=COMBINATION, scenario=scenario, round=number, seconds=1.0, phases={}, failure=failure)

    first = Samples(["key"])
    for one in (sample(1, "cold"), sample(2, "cold"), sample(2, "edited", Failure(cause="", log=""))):
        first.add(COMBINATION, sample=one)
    first.add(COMBINATION, research=Research(rounds=(), packages=(), outcome="not found"))
    assert len(first.of(COMBINATION)) == 3
    again = Samples(["key"])
    assert [(one.round, one.scenario) for one in again.of(COMBINATION)] == [(1, "cold")]
    assert again.research("b") is None
    again.add(COMBINATION, sample=sample(2, "cold"))
    assert len(Samples(["key"]).of(COMBINATION)) == 2, "what is built again after that is kept"


def test_a_build_that_says_nothing_has_no_phases_but_the_whole() -> None:
    assert phases_of((), 1.0, "wheelbase") == {"other": 1.0}

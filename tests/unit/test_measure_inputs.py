"""What `wheelbase measure` is given: files that name others, too little room, options that cannot be meant, secrets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Cli
from tests.unit.test_report import COMPARISON

from wheelbase.cli.reports import command_line
from wheelbase.engines.errors import EngineError
from wheelbase.errors import RequirementsError, hide_secrets
from wheelbase.measuring.values import SCENARIOS
from wheelbase.recipes import measureplaces
from wheelbase.recipes.experiment import Experiment, prepare
from wheelbase.recipes.measureplaces import check_room

Room = Callable[[dict[str, float]], None]


@pytest.fixture(autouse=True)
def alone(nobody: Path) -> None:
    """No settings of whoever runs the tests."""


def prepared(tmp_path: Path, *requirements: str, **changes: Any) -> Experiment:
    options: dict[str, Any] = {"files": (), "extras": (), "groups": (), "no_binary": (), "scenarios": ["cold"]}
    return prepare(requirements, scratch=tmp_path / "scratch", **(options | changes))


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    """Return what says how much room there is, by the beginning of a path."""

    def tell(free: dict[str, float]) -> None:
        def usage(path: Path) -> Any:
            found = next(left for begin, left in free.items() if str(path).startswith(begin))
            return shutil._ntuple_diskusage(10**12, 0, int(found))

        monkeypatch.setattr(shutil, "disk_usage", usage)

    return tell


def test_files_may_name_others_in_every_way_that_pip_reads(tmp_path: Path) -> None:
    folder = tmp_path / "my"
    (folder / "sub").mkdir(parents=True)
    (folder / "wheels").mkdir()
    (folder / "lib").mkdir()
    (folder / "lib" / "pyproject.toml").write_text('[project]\nname = "lib"\nversion = "1"\n')
    (folder / "all.txt").write_text("-rsub/base.txt  # more\n--find-links wheels\n-e ./lib\nattrs\n")
    (folder / "sub" / "base.txt").write_text("-c c.txt\n--constraint=../d.txt\nsix\n")
    (folder / "sub" / "c.txt").write_text("-c e.txt\nsix<2\n")
    (folder / "sub" / "e.txt").write_text("attrs<99\n")
    (folder / "d.txt").write_text("six>1\n")
    made = prepared(tmp_path, files=[folder / "all.txt"])
    requirements = made.subjects["cold"].requirements
    assert sorted(map(str, requirements.constraints)) == ["attrs<99", "six<2", "six>1"]
    assert {one.name for one in requirements.requirements} == {"six", "attrs"}
    text = (made.folders["cold"] / "requirements.txt").read_text()
    assert f"--find-links {folder / 'wheels'}\n-e {folder / 'lib'}\nattrs\n" in text
    assert "sub" not in text.replace(str(folder), "")


@pytest.mark.parametrize("linked", [False, True])
def test_files_out_of_the_project_are_brought_in(tmp_path: Path, linked: bool) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / "c.txt").write_text("six<2\n")
    (tmp_path / "all.txt").write_text("-c c.txt\nsix\n")
    if linked:
        (project / "requirements.txt").symlink_to("../all.txt")
        (project / "c.txt").symlink_to("../c.txt")
    else:
        (project / "requirements.txt").write_text("-r ../all.txt\n")
    made = prepared(tmp_path, str(project))
    assert list(map(str, made.subjects["cold"].requirements.constraints)) == ["six<2"]
    assert list(map(str, made.subjects["cold"].requirements.requirements)) == ["six"]


def test_errors_name_the_user_s_own_files(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_bytes(b"\xff")
    with pytest.raises(RequirementsError, match=str(project / "pyproject.toml")):
        prepared(tmp_path, str(project))
    (tmp_path / "b.txt").write_text("-c gone.txt\n")
    with pytest.raises(RequirementsError, match=f"{tmp_path}/gone.txt does not exist"):
        prepared(tmp_path, files=[tmp_path / "b.txt"])
    assert not (tmp_path / "scratch").exists()


def test_an_empty_requirement_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError):
        prepared(tmp_path, "")


def test_a_project_that_does_not_fit_is_not_copied(tmp_path: Path, room: Room) -> None:
    project = tmp_path / "project"
    (project / ".venv").mkdir(parents=True)
    (project / ".venv" / "big").write_bytes(b"x" * 100_000)
    (project / "requirements.txt").write_text("six\n")
    (project / "data").write_bytes(b"x" * 1000)
    room({"/": 3000})
    with pytest.raises(EngineError, match="left; measuring this takes"):
        prepared(tmp_path, str(project), scenarios=SCENARIOS)
    assert list((tmp_path / "scratch").iterdir()) == []
    room({"/": 5000})
    assert prepared(tmp_path, str(project), scenarios=SCENARIOS).folders.keys() >= {"cold", "added"}


def test_the_daemon_s_own_disk_may_be_full(tmp_path: Path, room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measureplaces, "docker_folder", lambda: Path("/var/lib/docker"))
    room({"/var/lib/docker": 10**9, "/": 10**12})
    check_room(tmp_path, COMPARISON, ["podman", "wheelbase"])
    with pytest.raises(EngineError, match=r"/var/lib/docker has 1\.0 GB left"):
        check_room(tmp_path, COMPARISON, ["buildkit"])


@pytest.mark.parametrize("seconds", ["nan", "inf", "0", "604801"])
def test_time_limits_that_are_none_are_refused(cli: Cli, seconds: str) -> None:
    done = cli("measure", "six", "--time-limit", seconds)
    assert done.returncode == 1
    assert "is not between 1 s and 7 days" in done.stderr


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--build-env TOKEN=hunter2 --report r.html", "--build-env TOKEN=*** --report r.html"),
        ("--build-env 'TOKEN=two words' -x", "--build-env TOKEN=*** -x"),
        ("""'MY_PASSWD=it'"'"'s me' -x""", "MY_PASSWD=*** -x"),
        ('export api_key="a b" next', "export api_key=*** next"),
        ("AWS_SECRET_ACCESS='a b'c next", "AWS_SECRET_ACCESS=*** next"),
        ("X_CREDENTIALS=don't next", "X_CREDENTIALS=*** next"),
        ('--build-env "password=a b" -x', "--build-env password=*** -x"),
        ("https://bob:hunter2@index.example/simple", "https://index.example/simple"),
        ("keyring==25.1 tokenizers>=0.15 CC=clang", "keyring==25.1 tokenizers>=0.15 CC=clang"),
    ],
)
def test_secrets_are_hidden(text: str, shown: str) -> None:
    assert hide_secrets(text) == shown


def test_a_command_that_is_passed_on_has_no_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["x", "measure", "six", "--build-env", "TOKEN=a b", "--build-env", "CC=clang"])
    assert command_line() == "wheelbase measure six --build-env TOKEN=*** --build-env CC=clang"

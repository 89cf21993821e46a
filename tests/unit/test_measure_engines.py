"""What builders leave, and that nothing of others is taken away: with programs that only say what they are told to."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest

from wheelbase.engines import scratch as scratches
from wheelbase.engines.builders import Job, build_options, marked
from wheelbase.engines.builders_docker import (
    DockerBuilder,
    Record,
    docker_folder,
    forget_run,
    made_alone,
    own_records,
)
from wheelbase.engines.builders_own import OwnBuilder
from wheelbase.engines.errors import EngineError
from wheelbase.engines.interruptions import undisturbed
from wheelbase.engines.scratch import held_scratch
from wheelbase.engines.timed import watch_lines
from wheelbase.recipes.measureplaces import usable_builders

MARKER = "wheelbase-measure-ab12-1-0-pip"
Fake = Callable[[dict[str, str]], Path]


def records(**told: tuple[str, str]) -> dict[str, Record]:
    return {
        name: Record(description=said, parents=frozenset(parents.split())) for name, (said, parents) in told.items()
    }


def job(context: Path, **changes: object) -> Job:
    options = {"marker": MARKER, "image": f"{MARKER}/app:cold", "context": context, "dockerfile": "FROM x\n"}
    return Job(**(options | {"seconds": 20.0} | changes))  # type: ignore[arg-type]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Return what makes a `docker` that answers what begins with some words, and writes down what it was asked for."""

    def make(answers: dict[str, str]) -> Path:
        asked = tmp_path / "asked"
        asked.touch()
        (tmp_path / "bin").mkdir()
        program = tmp_path / "bin" / "docker"
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            "said = ' '.join(sys.argv[1:])\n"
            f"open({str(asked)!r}, 'a').write(said + '\\n')\n"
            f"answers = {answers!r}\n"
            "found = [text for words, text in answers.items() if said.startswith(words)]\n"
            "print(found[0] if found else '')\n"
            "raise SystemExit(bool(found and found[0] == 'no'))\n"
        )
        program.chmod(0o755)
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
        return asked

    return make


def test_records_of_a_build_are_those_that_name_it_and_what_is_made_of_them() -> None:
    kept = records(
        step=(f"[{MARKER}-build 2/9] RUN : {MARKER} && pip install six", "workdir"),
        copied=("fileop target: /app", "step"),
        later=("mount / from exec /bin/sh -c true", "copied"),
        workdir=("[build 1/9] WORKDIR /app", "base"),
        base=("pulled from example", ""),
        theirs=("[build 4/9] RUN pip install flask", "base"),
        context=("local source for context", ""),
        other=(f"RUN : {MARKER}2 && pip install", ""),
    )
    assert own_records(kept, MARKER) == {"step", "copied", "later"}
    assert own_records(kept, "wheelbase-measure-ab1") == set()


def test_records_that_say_nothing_are_ours_only_where_nobody_else_was_building() -> None:
    old = Record(description="local source for context", source=True, used="1")
    ours = {
        "context": Record(description="local source for context", source=True),
        "ignored": Record(description="local source for context", source=True),
        "dockerfile": Record(description="local source for dockerfile", source=True),
        "copied": Record(description="fileop target"),
    }
    assert made_alone({"old": old}, {"old": old, **ours}) == ours.keys()
    # Another build has begun meanwhile, and has read a context that it had read before.
    again = Record(description="local source for context", source=True, used="2")
    assert made_alone({"old": old}, {"old": again, **ours}) == set()
    # Or it had begun before, and may have copied something now.
    busy = Record(description="local source for context", source=True, used="1", busy=True)
    assert made_alone({"old": busy}, {"old": busy, **ours}) == set()
    assert made_alone({}, {"new": Record(description="fileop target", busy=True), **ours}) == set()


def test_what_a_build_leaves_is_pruned_by_its_number_alone(tmp_path: Path, fake: Fake) -> None:
    cache = [
        {"ID": "ours*", "Description": f"RUN : {MARKER} && true", "Parent": "base, more"},
        {"ID": "child", "Description": "fileop target: /app", "Parents": ["ours"]},
        {"ID": "theirs", "Description": "[build 4/9] RUN pip install flask", "Parent": "base"},
    ]
    asked = fake({"system df": json.dumps(cache)})
    builder = DockerBuilder(scratch=tmp_path, run="ab12", buildkit=True)
    builder.build(job(tmp_path))
    builder.forget(job(tmp_path))
    (pruned,) = [line for line in asked.read_text().splitlines() if "prune" in line]
    names = pruned.partition("id=^(")[2].removesuffix(")$").split("|")
    assert sorted(names) == ["child", "ours"]


def test_what_is_cleaned_has_the_name_of_the_run(fake: Fake) -> None:
    asked = fake(
        {
            "ps": "c1 wheelbase-measure-ab12-1-0-pip\nc2 wheelbase-measure-ab123-1-0-pip",
            "image ls --format": "wheelbase-measure-ab12/docker/base-0:1 wheelbase-measure-ab12/docker/base-0\nmy:1 my",
            "image ls": "i1\ni2",
            "image inspect": "i1 wheelbase-measure-ab12-research0-0-pip\ni2 wheelbase-measure-cd34-1-0-pip",
        }
    )
    forget_run("ab12")
    removed = [line for line in asked.read_text().splitlines() if "--force" in line]
    assert removed == ["rm --force c1", "image rm --force wheelbase-measure-ab12/docker/base-0:1 i1"]


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ({"--version": "podman version 4.3.1"}, "this docker is podman, which is measured by its own name"),
        ({"--version": "Docker version dev", "version": "dev", "buildx": "no"}, "this docker needs its plugin buildx"),
        ({"--version": "Docker version 20.10", "version": "20.10.24", "buildx": "no"}, None),
        ({"--version": "Docker version dev", "version": "dev"}, None),
    ],
)
def test_a_docker_that_is_another_or_has_no_number(
    tmp_path: Path, fake: Fake, answers: dict[str, str], why: str | None
) -> None:
    fake(answers)
    lacks = DockerBuilder(scratch=tmp_path, run="0", buildkit=True).lacks()
    assert (lacks or "").startswith(why or "\0" * bool(lacks))


def test_a_daemon_that_says_no_version_or_does_not_end(
    tmp_path: Path, fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake({"version": '{"Client": {"Version": "dev"}, "Server": null}', "info": str(tmp_path)})
    builder = DockerBuilder(scratch=tmp_path, run="0", buildkit=False)
    assert builder.versions() == {"docker": "dev, daemon unknown"}
    assert docker_folder() == tmp_path
    (tmp_path / "bin" / "docker").write_text("#!/bin/sh\nexec /bin/sleep 20\n")
    monkeypatch.setattr("wheelbase.engines.builders_docker._QUICK", 0.2)
    with pytest.raises(EngineError, match=r"docker save --output failed: it took more than 0 s"):
        builder.save("x", tmp_path / "saved")


def test_stages_have_the_marker_in_their_names() -> None:
    text = marked(
        "FROM python:3 AS base\nFROM base AS build\nRUN --mount=type=bind,from=base,target=/x true\n"
        "FROM base AS run\nCOPY --from=build /opt /opt\nCOPY --from=builder /a /b\n",
        MARKER,
    )
    assert [line for line in text.splitlines() if not line.startswith("LABEL")] == [
        f"FROM python:3 AS {MARKER}-base",
        f"FROM {MARKER}-base AS {MARKER}-build",
        f"RUN --mount=type=bind,from={MARKER}-base,target=/x : {MARKER} && true",
        f"FROM {MARKER}-base AS {MARKER}-run",
        f"COPY --from={MARKER}-build /opt /opt",
        "COPY --from=builder /a /b",
    ]


def test_a_secret_may_have_a_comma_in_its_path(tmp_path: Path) -> None:
    secret = tmp_path / "a,b.conf"
    secret.write_text("x")
    place = tmp_path / "b0"
    place.mkdir()
    for _ in range(2):
        options = build_options(job(tmp_path, secrets={"file0": secret}), place)
    (said,) = [word for word in options if word.startswith("id=")]
    assert said.count(",") == 1
    assert Path(said.partition("src=")[2]).read_text() == "x"


def test_our_own_builder_has_its_temporary_files_where_they_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "program"
    program.write_text('#!/bin/sh\ntouch "$TMPDIR/left"\n')
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    builder = OwnBuilder(scratch=tmp_path / "b0")
    assert builder.build(job(tmp_path)).ok
    assert [path.name for path in (tmp_path / "b0").rglob("left")] == ["left"]
    builder.forget(job(tmp_path))
    assert list((tmp_path / "b0").rglob("left")) == []


WAITING = """
import sys, time
sys.argv = ["wheelbase", "cache"]
from wheelbase import cli
def wait(**_):
    try:
        print("ready", flush=True)
        time.sleep(30)
    finally:
        print("in order", flush=True)
cli.cli.main = wait
cli.main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_every_command_puts_things_in_order_when_it_is_told_to_end(number: int) -> None:
    command = ["env", "--default-signal=HUP", sys.executable, "-c", WAITING]  # nohup has it ignored
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
        process.send_signal(number)
        assert process.stdout.read() == "in order\n"
    assert process.returncode == 130


def test_work_that_is_not_disturbed_is_done_and_signals_count_again() -> None:
    def interrupt() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)

    before = signal.getsignal(signal.SIGTERM)
    with undisturbed():
        interrupt()
    assert signal.getsignal(signal.SIGTERM) == before
    with pytest.raises(KeyboardInterrupt):
        interrupt()


ENDING = """
import pathlib, signal, sys, time
def end(*_):
    time.sleep(1.0)
    pathlib.Path(sys.argv[1]).touch()
    sys.exit()
signal.signal(signal.SIGTERM, end)
pathlib.Path(sys.argv[2]).touch()
time.sleep(30)
"""


def test_a_second_interruption_does_not_leave_a_build_at_work(tmp_path: Path) -> None:
    told, ready = tmp_path / "told", tmp_path / "ready"

    def interrupt() -> None:
        while not ready.exists():
            time.sleep(0.02)
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.4)

    thread = threading.Thread(target=interrupt, daemon=True)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            watch_lines([sys.executable, "-c", ENDING, str(told), str(ready)], seconds=20)
        assert told.exists(), "it was waited for"
    finally:
        thread.join(10)


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    place = tmp_path / "tmp"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setenv("PATH", str(tmp_path / "nowhere"))
    return place


def test_only_what_nobody_holds_is_swept(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead, held, unknown = (temporary / f"wheelbase-measure-{name}" for name in ("dead", "held", "unknown"))
    for folder in (dead, held, unknown):
        (folder / "b0").mkdir(parents=True)
        (folder / "b0" / "file").touch()
    (dead / "lock").touch()
    (temporary / "wheelbase-measure-link").symlink_to(dead)
    forgotten: list[str] = []
    monkeypatch.setattr(scratches, "forget_run", forgotten.append)
    with (held / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with held_scratch("new") as folder:
            there = {path.name.rpartition("-")[2] for path in temporary.iterdir() if not path.is_symlink()}
            assert there == {"held", "unknown", "new"}
            assert folder.stat().st_mode & 0o077 == 0
            with held_scratch("second"):
                assert folder.is_dir(), "it is held"
    assert forgotten == ["dead"]
    assert not folder.exists()
    assert (held / "b0" / "file").exists()


def test_what_cannot_be_removed_is_found_again(temporary: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dead = temporary / "wheelbase-measure-dead"
    (dead / "b0").mkdir(parents=True)
    (dead / "lock").touch()
    monkeypatch.setattr(scratches, "remove_storage", lambda folder: None)
    with held_scratch("one"):
        assert (dead / "lock").exists()
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with held_scratch("two"):
        assert not dead.exists()


def test_a_builder_that_was_never_used_has_nothing_to_clean(tmp_path: Path, fake: Fake) -> None:
    asked = fake({"--version": "podman version 4.3.1"})
    with ExitStack() as stack:
        builders, skipped = usable_builders(stack, ["docker", "wheelbase"], tmp_path / "s", "0")
        assert list(builders) == ["wheelbase"]
        assert [one.builder for one in skipped] == ["docker"]
    assert "--force" not in asked.read_text()

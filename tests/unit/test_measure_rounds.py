"""Rounds of `wheelbase measure` with a builder that only writes down what it was asked for."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from tests.unit.test_report import COMPARISON

from wheelbase.engines.builders import Builder, Job
from wheelbase.engines.timed import Line, Watched
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.values import SCENARIOS, BuilderName, BuiltImage, Combination
from wheelbase.oci.digest import Digest
from wheelbase.recipes import measurebuilds
from wheelbase.recipes.experiment import prepare
from wheelbase.recipes.measurebuilds import BaseLayout, Bench, measure_round
from wheelbase.recipes.measureplan import Plan
from wheelbase.recipes.values import BaseCost

JOB = measurebuilds._job
COST = next(cost for cost in COMPARISON.bases if cost.compiles)
PODMAN = Combination(base=COST.base, builder="podman", installer="pip")
NO_COMPILER = "error: command 'gcc' failed: No such file or directory"


class Recording:
    """A builder whose builds fail as often as it is told to; it knows what was built and what is still there."""

    dialect = "steps"
    name = "podman"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.built: list[str] = []
        self.left: set[str] = set()

    def take_base(self, layout: Path, name: str) -> str:
        return f"localhost/{name}:1"

    def build(self, job: Job) -> Watched:
        self.built.append(job.marker)
        self.left.add(job.marker)
        failed = len(self.built) <= self.failures
        lines = (Line(at=0.5, text=NO_COMPILER if failed else "built"),)
        return Watched(
            ended=True, status=int(failed), seconds=len(self.built), lines=lines, cpu_seconds=1, peak_bytes=1
        )

    def forget(self, job: Job) -> None:
        self.left.discard(job.marker)


@pytest.fixture
def made(nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    def job(bench: Bench, combination: Combination, cost: object, scenario: str, marker: str, packages: Any) -> Any:
        place = bench.experiment.context
        return Job(marker=marker, image="app", context=place, dockerfile="", seconds=1), f"RUN install {packages}"

    def image(*_: object, **__: object) -> tuple[BuiltImage, Mapping[str, frozenset[str]]]:
        return BuiltImage(image_bytes=1, compressed_bytes=1, layers=1, files=(), compiled=(), parts={}), {}

    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(measurebuilds, "_job", job)
    monkeypatch.setattr(measurebuilds, "built_image", image)
    experiment = prepare(
        ["numpy"], files=(), extras=(), groups=(), no_binary=(), scenarios=SCENARIOS, scratch=tmp_path / "application"
    )
    layout = BaseLayout(path=tmp_path, name="base", digest=Digest.of(b""), layers=())
    return Bench(
        plan=Plan(seconds=1),
        experiment=experiment,
        builders={},
        layouts={COST.base: layout},
        scratch=tmp_path,
        run="1",
        samples=Samples(["key"]),
    )


def rounds(bench: Bench, builder: Recording, count: int = 1) -> Sequence[tuple[str, float]]:
    bench.builders = cast("Mapping[BuilderName, Builder]", {"podman": builder})
    samples = [one for number in range(count) for one in measure_round(bench, PODMAN, COST, number + 1)]
    assert not builder.left, "what a build has left is taken away"
    return [(sample.scenario, sample.seconds) for sample in samples]


def test_the_last_build_of_research_is_the_first_that_is_measured(made: Bench) -> None:
    builder = Recording(failures=1)
    assert rounds(made, builder) == [("cold", 2), ("edited", 3), ("added", 4)]
    assert len(set(builder.built)) == 2, "the second attempt has nothing of the first, and what follows builds on it"
    found = made.samples.research(COST.base)
    assert found
    assert (len(found.rounds), found.outcome) == (1, "built")


def test_later_rounds_build_all(made: Bench) -> None:
    builder = Recording(failures=0)
    assert [scenario for scenario, _ in rounds(made, builder, 2)] == list(SCENARIOS) * 2
    assert [builder.built.count(marker) for marker in dict.fromkeys(builder.built)] == [3, 3]


def test_a_research_that_finds_nothing_is_a_build_that_failed(made: Bench) -> None:
    builder = Recording(failures=99)
    assert [scenario for scenario, _ in rounds(made, builder, 2)] == ["cold"]
    assert len(builder.built) == len(set(builder.built))


def test_a_research_that_is_interrupted_leaves_nothing(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    class Interrupted(Recording):
        def build(self, job: Job) -> Watched:
            done = super().build(job)
            if len(self.built) == 2:
                raise KeyboardInterrupt
            return done

    builder = Interrupted(failures=5)
    with pytest.raises(KeyboardInterrupt):
        rounds(made, builder)
    assert not builder.left


def test_what_was_done_before_an_interruption_is_kept(made: Bench) -> None:
    class Killed(Recording):
        def build(self, job: Job) -> Watched:
            done = super().build(job)
            if len(self.built) == 2:
                raise KeyboardInterrupt
            return done

    with pytest.raises(KeyboardInterrupt):
        rounds(made, Killed(failures=0))
    made.samples = Samples(["key"])
    assert [one.scenario for one in made.samples.of(PODMAN)] == ["cold"]
    assert made.samples.image(PODMAN)
    again = Recording(failures=0)
    assert [scenario for scenario, _ in rounds(made, again)] == ["edited", "added"]
    assert len(again.built) == 3, "what follows builds on a cold build"
    assert [one.scenario for one in made.samples.of(PODMAN)] == list(SCENARIOS)
    assert rounds(made, again) == []


def test_our_own_builds_are_kept_too(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measurebuilds, "_job", lambda *of: (JOB(*of)[0], None))
    made.builders = cast("Mapping[BuilderName, Builder]", {"wheelbase": Recording(failures=0)})
    combination = Combination(base=COST.base, builder="wheelbase")
    assert len(measure_round(made, combination, COST, 1)) == 3
    made.samples = Samples(["key"])
    assert [one.scenario for one in made.samples.of(combination)] == list(SCENARIOS)
    assert made.samples.image(combination)


def test_what_a_build_writes_of_secrets_is_not_kept(made: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[__name__], "NO_COMPILER", "ERROR: https://me:secret@index.example/ is not there")
    rounds(made, Recording(failures=99))
    (sample,) = made.samples.of(PODMAN)
    assert sample.failure
    assert "secret" not in repr(sample.failure)


@pytest.fixture
def plain(made: Bench) -> tuple[Bench, BaseCost]:
    """A base that a registry has, on which nothing is compiled."""
    base = "registry.example/python:1"
    cost = replace(next(cost for cost in COMPARISON.bases if not cost.compiles), base=base)
    made.layouts = {base: made.layouts[COST.base]}
    return made, cost


def test_the_dockerfile_that_is_shown_can_be_built_by_others(plain: tuple[Bench, BaseCost]) -> None:
    bench, cost = plain
    bench.builders = cast("Mapping[BuilderName, Builder]", {"podman": Recording(0)})
    bench.experiment.lay("cold")
    job, shown = JOB(bench, replace(PODMAN, base=cost.base), cost, "cold", "m", None)
    assert "FROM localhost/base:1 AS base\n" in job.dockerfile
    assert f"FROM {cost.base}@{Digest.of(b'')} AS base\n" in str(shown)
    assert "localhost" not in str(shown)
    bench.layouts = {"oci:/srv/Base": bench.layouts[cost.base]}
    job, shown = JOB(
        bench, replace(PODMAN, base="oci:/srv/Base"), replace(cost, base="oci:/srv/Base"), "cold", "m", None
    )
    assert shown == job.dockerfile, "podman knows no such name"


def test_commands_write_the_dockerfile_and_build_from_it(plain: tuple[Bench, BaseCost]) -> None:
    bench, cost = plain
    own = bench.experiment.subjects["cold"]
    bench.experiment.subjects["cold"] = replace(own, extras=("gui",), groups=("dev",))
    bench.place = "a b"
    write, build = bench.commands(replace(PODMAN, base=cost.base))
    words = ["--base", cost.base, "--extra", "gui", "--group", "dev", "--builder", "podman", "--installer", "pip"]
    assert shlex.split(write) == ["wheelbase", "dockerfile", "numpy", *words, "-o", "a b/Dockerfile"]
    assert build.startswith(f"podman build -t {own.name} ")
    assert shlex.split(build)[-1] == "a b", "the Dockerfile is there"
    (command,) = bench.commands(Combination(base=cost.base, builder="wheelbase"))
    assert shlex.split(command) == ["wheelbase", "build", "numpy", *words[:6], "-o", "app.tar"]


def test_what_no_dockerfile_command_writes_is_measured_once_more(made: Bench) -> None:
    rounds(made, Recording(failures=1))
    (command,) = made.commands(PODMAN)
    assert command.startswith("wheelbase measure numpy --base"), "its packages were found by building"
    made.layouts = {"oci:/srv/base": made.layouts[COST.base]}
    (command,) = made.commands(Combination(base="oci:/srv/base", builder="buildkit", installer="uv"))
    assert command.startswith("wheelbase measure numpy --base oci:/srv/base"), "Docker starts from no file"


def test_options_that_no_dockerfile_takes_are_in_the_command(made: Bench) -> None:
    made = replace(made, plan=Plan(environment={"CC": "zig cc"}))
    (command,) = made.commands(PODMAN)
    assert command.startswith("wheelbase measure numpy --base")
    assert "--build-env 'CC=zig cc'" in command

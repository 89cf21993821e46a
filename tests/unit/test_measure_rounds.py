"""Rounds of `wheelbase measure` with a builder that only writes down what it was asked for."""

from __future__ import annotations

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

COST = next(cost for cost in COMPARISON.bases if cost.compiles)
NO_COMPILER = "error: command 'gcc' failed: No such file or directory"


class Recording:
    """A builder whose builds fail as often as it is told to; it knows what was built and what is still there."""

    dialect = "steps"
    name = "podman"

    def __init__(self, failures: int) -> None:
        self.failures = failures
        self.built: list[str] = []
        self.left: set[str] = set()

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
        experiment=experiment,
        builders={},
        layouts={COST.base: layout},
        scratch=tmp_path,
        run="1",
        samples=Samples(["key"]),
        seconds=1,
        environment={},
        tools=(),
        files={},
    )


def rounds(bench: Bench, builder: Recording, count: int = 1) -> Sequence[tuple[str, float]]:
    bench.builders = cast("Mapping[BuilderName, Builder]", {"podman": builder})
    combination = Combination(base=COST.base, builder="podman", installer="pip")
    samples = [one for number in range(count) for one in measure_round(bench, combination, COST, number + 1)]
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


def test_options_that_no_dockerfile_takes_are_in_the_command(made: Bench) -> None:
    made = replace(made, options=["--build-env", "CC=zig cc"])
    (command,) = made.commands(Combination(base=COST.base, builder="podman", installer="pip"))
    assert command.startswith("wheelbase measure numpy --base")
    assert "--build-env 'CC=zig cc'" in command

"""Medians, calibration, samples: what is made of many builds, and what is kept of them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.test_report import COMPARISON

from wheelbase.measuring.calibration import Timed, fit, remember, remembered
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.statistics import phase_medians, spread, spread_of
from wheelbase.measuring.values import BuiltImage, Combination, Failure, Sample
from wheelbase.recipes.fitting import factor_of, fitted

COMBINATION = Combination(base="b", builder="buildkit", installer="pip")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path))


def sample(seconds: float, number: int = 1, **more: object) -> Sample:
    return Sample(combination=COMBINATION, scenario="cold", round=number, seconds=seconds, **more)  # type: ignore[arg-type]


def timed(seconds: float, *, installer: str = "pip", compiled: bool = False) -> Timed:
    return Timed(
        at="2026-01-01T00:00:00+00:00",
        builder="buildkit",
        installer=installer,  # type: ignore[arg-type]
        compiled=compiled,
        seconds=seconds,
        low=4.0,
        high=16.0,
    )


def test_a_spread_is_the_median_and_the_range_of_what_is_known() -> None:
    found = spread([3.0, None, 1.0, 2.0])
    assert found
    assert (found.median, found.low, found.high, found.count) == (2.0, 1.0, 3.0, 3)
    assert spread([None]) is None


def test_builds_that_failed_count_in_no_median() -> None:
    samples = [sample(10.0), sample(1.0, failure=Failure(cause="no compiler", log=""))]
    found = spread_of(samples, "cold", lambda one: one.seconds)
    assert found
    assert (found.median, found.count) == (10.0, 1)
    assert spread_of(samples, "edited", lambda one: one.seconds) is None


def test_a_phase_that_one_build_lacks_took_no_time_there() -> None:
    samples = [sample(2.0, phases={"resolve": 2.0}), sample(4.0, phases={"resolve": 1.0, "compile": 3.0})]
    assert phase_medians(samples, "cold") == {"resolve": 1.5, "compile": 1.5}


def test_the_factor_is_the_median_over_the_middle_of_the_prediction() -> None:
    assert fit([timed(8.0), timed(16.0)], compiled=False) is None, "two builds are too few"
    found = fit([timed(8.0), timed(16.0), timed(80.0)], compiled=False)
    assert found
    assert (found.factor, found.builds) == (2.0, 3)


def test_only_what_the_model_is_of_is_fitted() -> None:
    others = [timed(100.0, installer="uv")] * 5 + [timed(100.0, compiled=True)] * 5
    assert fit(others, compiled=False) is None
    found = fit(others, compiled=True)
    assert found
    assert found.factor == 10.0, "no more than tenfold"


def test_compare_shows_times_of_this_machine_and_says_so() -> None:
    (cost, *_) = [one for one in COMPARISON.bases if one.build_seconds and not one.compiles]
    assert fitted([cost]) == ((cost,), ())
    assert factor_of(cost) == 1
    remember([timed(24.0)] * 3)
    (other,), (said,) = fitted([cost])
    assert factor_of(cost) == 3
    assert cost.build_seconds
    assert other.build_seconds
    assert other.build_seconds.high == pytest.approx(3 * cost.build_seconds.high)
    assert said == "Times of builds from wheels are fitted to 3 measured on this machine."


def test_what_is_remembered_is_read_again_but_for_a_line_cut_off(tmp_path: Path) -> None:
    remember([timed(8.0)])
    remember([timed(9.0)])
    (file,) = tmp_path.rglob("times.jsonl")
    with file.open("ab") as stream:
        stream.write(b'{"at": "2026')
    assert [one.seconds for one in remembered()] == [8.0, 9.0]


def test_a_run_goes_on_from_the_samples_that_it_has(tmp_path: Path) -> None:
    image = BuiltImage(image_bytes=1, compressed_bytes=None, layers=2, files=("six-1-py3-none-any.whl",))
    first = Samples(["application", "base"])
    first.add(COMBINATION, sample=sample(1.0, 1, phases={"pull": 0.5}), image=image, dockerfile="FROM scratch")
    with first.path.open("ab") as stream:
        stream.write(b'{"combination": {"base"')  # killed while it wrote
    again = Samples(["application", "base"])
    assert again.of(COMBINATION) == (sample(1.0, 1, phases={"pull": 0.5}),)
    assert again.image(COMBINATION) == image
    assert again.dockerfile(COMBINATION) == "FROM scratch"
    assert again.of(Combination(base="b", builder="wheelbase")) == ()
    again.add(COMBINATION, sample=sample(2.0, 2))
    assert len(Samples(["application", "base"]).of(COMBINATION)) == 2, "a line that was cut off swallows no other"


def test_another_experiment_has_other_samples_and_a_fresh_one_none() -> None:
    other = Combination(base="b", builder="wheelbase")
    first = Samples(["application"])
    first.add(COMBINATION, sample=sample(1.0))
    first.add(other, sample=replace(sample(1.0), combination=other))
    assert Samples(["another"]).of(COMBINATION) == ()
    fresh = Samples(["application"], fresh=[COMBINATION])
    assert (fresh.of(COMBINATION), len(fresh.of(other))) == ((), 1), "those of others stay"
    fresh.add(COMBINATION, sample=sample(3.0))
    assert Samples(["application"]).of(COMBINATION) == (sample(3.0),)


def test_what_other_versions_have_built_is_built_again(tmp_path: Path) -> None:
    old = Samples(["application"], versions={COMBINATION.builder: "1"})
    old.add(COMBINATION, sample=sample(1.0))
    assert old.newest([COMBINATION])
    new = Samples(["application"], versions={COMBINATION.builder: "2"})
    assert (new.of(COMBINATION), new.newest([COMBINATION])) == ((), None)
    assert len(Samples(["application"], versions={COMBINATION.builder: "1"}).of(COMBINATION)) == 1

"""The model of compile time, and its constants."""

import tomllib
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.source import compiletime
from wheelbase.source.compiletime import Estimate, cpu_seconds, debug_factor

CONSTANTS = tomllib.loads(Path(compiletime.__file__).with_suffix(".toml").read_text(encoding="utf-8"))
MEASURED = {(name, known["version"]): known for name, listed in CONSTANTS["measured"].items() for known in listed}


def test_the_file_has_what_is_read() -> None:
    assert set(CONSTANTS) == {"base", "seconds", "spread", "debug", "measured"}
    assert set(CONSTANTS["spread"]) == {"modelled", "scaled", "measured"}
    assert all(factor > 1 for factor in CONSTANTS["spread"].values())
    assert all(value > 0 for value in (CONSTANTS["base"], *CONSTANTS["seconds"].values()))
    assert len(CONSTANTS["measured"]) >= 40


@pytest.mark.parametrize(("name", "version"), MEASURED)
def test_what_was_measured(name: str, version: str) -> None:
    known = MEASURED[name, version]
    assert name == canonicalize_name(name)
    assert known["counts"]
    assert set(known["counts"]) <= set(CONSTANTS["seconds"])
    found = cpu_seconds(known["counts"], name=name, version=Version(version))
    assert found.value == pytest.approx(known["cpu_seconds"])
    assert found.high == pytest.approx(found.value * CONSTANTS["spread"]["measured"])


def test_nothing_to_compile_takes_no_time() -> None:
    assert cpu_seconds({}, name="pandas", version=Version("3.1.1")) == Estimate(low=0.0, value=0.0, high=0.0)


def test_the_sum_of_constants_times_counts() -> None:
    found = cpu_seconds({"c_code": 10, "c_files": 3})
    seconds = CONSTANTS["seconds"]
    assert found.value == pytest.approx(CONSTANTS["base"] + 10 * seconds["c_code"] + 3 * seconds["c_files"])
    assert found.low < found.value < found.high
    assert found.high / found.value == pytest.approx(CONSTANTS["spread"]["modelled"])


def test_another_version_is_scaled() -> None:
    [known] = CONSTANTS["measured"]["lxml"]
    twice = {name: 2 * count for name, count in known["counts"].items()}
    found = cpu_seconds(twice, name="lxml", version=Version("9999"))
    assert known["cpu_seconds"] * 1.8 < found.value < known["cpu_seconds"] * 2
    assert found.high / found.value == pytest.approx(CONSTANTS["spread"]["scaled"])


def test_the_version_most_alike_is_scaled() -> None:
    old = MEASURED["pandas", "0.25.3"]
    found = cpu_seconds(old["counts"] | {"c_files": 11}, name="pandas", version=Version("0.25.2"))
    assert found.value == pytest.approx(old["cpu_seconds"], rel=0.01)


def test_a_total() -> None:
    one = Estimate(low=1.0, value=2.0, high=3.0)
    assert Estimate.total([one, one]) == Estimate(low=2.0, value=4.0, high=6.0)


def test_debug_information_is_left_by_setuptools_alone() -> None:
    files = [("a/_x.so", 1000, 500), ("a/__init__.py", 10, 5)]
    assert debug_factor(files, "setuptools.build_meta", {}) == debug_factor(files, "", {}) > 2
    assert debug_factor(files, "mesonpy", {}) == 1


def test_debug_information_by_language() -> None:
    files = [("a/_x.so", 1000, 500)]
    c, cpp, cython = ({"c_code": 1.0}, {"cpp_code": 1.0, "std_headers": 9.0}, {"cython_made_mb": 1.0})
    plain, larger, others = (debug_factor(files, "", counts) for counts in (c, cython, cpp))
    assert plain == debug_factor(files, "", {}) < min(larger, others)
    assert plain < debug_factor(files, "", c | cython) < larger


def test_a_wheel_that_has_debug_information_already() -> None:
    files = [("numpy/core/_multiarray_umath.so", 1000, 241)]
    assert debug_factor(files, "", {}, dwarf=4) == 1
    assert debug_factor(files, "", {}) == 0.7
    assert debug_factor([("a/_x.so", 1000, 241), ("b/_y.so", 3000, 1200)], "", {}) > 1

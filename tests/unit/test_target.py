"""What a base's facts make of wheel tags and markers; held to the order of this machine's own `packaging` and pip."""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from datetime import date
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.tags import Tag, sys_tags
from packaging.version import Version

from wheelbase.bases.facts import BaseFacts, SystemPython
from wheelbase.bases.target import Target, pip_knows, target_of


def make(**changes: Any) -> Target:
    values: dict[str, Any] = {"python": "3.13.5", "libc": "glibc", "libc_version": (2, 41), "machine": "x86_64"}
    return Target(**(values | changes))


def platforms(**changes: Any) -> list[str]:
    return list(make(**changes).platforms())


def accepts(target: Target, tag: str) -> bool:
    return Tag(*tag.split("-")) in target.tags


def test_glibc_platforms_go_down_to_manylinux1_with_the_old_names_after_the_new() -> None:
    found = platforms(libc_version=(2, 18))
    assert found[:5] == [
        "linux_x86_64",
        "manylinux_2_18_x86_64",
        "manylinux_2_17_x86_64",
        "manylinux2014_x86_64",
        "manylinux_2_16_x86_64",
    ]
    assert found[-2:] == ["manylinux_2_5_x86_64", "manylinux1_x86_64"]


def test_other_machines_begin_at_manylinux2014() -> None:
    found = platforms(libc_version=(2, 18), machine="aarch64")
    assert found == ["linux_aarch64", "manylinux_2_18_aarch64", "manylinux_2_17_aarch64", "manylinux2014_aarch64"]


def test_musl_platforms_are_those_of_its_minor_version_and_older() -> None:
    expected = ["linux_x86_64", "musllinux_1_2_x86_64", "musllinux_1_1_x86_64", "musllinux_1_0_x86_64"]
    assert platforms(libc="musl", libc_version=(1, 2, 5)) == expected


@pytest.mark.parametrize(("pip", "first"), [("26.2.1", False), ("26.3", True)])
def test_from_pip_26_3_on_the_plain_platform_goes_first(pip: str, first: bool) -> None:
    assert platforms(pip=Version(pip)).index("linux_x86_64") == (0 if first else len(platforms()) - 1)


@pytest.mark.parametrize(
    ("tag", "last_without", "first_with"),
    [
        ("manylinux1_x86_64", "8.0.3", "8.1.0"),
        ("manylinux2010_x86_64", "18.1", "19.0"),
        ("manylinux2014_x86_64", "19.2.3", "19.3"),
        ("manylinux_2_17_x86_64", "20.2.4", "20.3"),
        ("musllinux_1_1_x86_64", "21.1.3", "21.2"),
    ],
)
def test_the_first_pip_that_knows_a_platform(tag: str, last_without: str, first_with: str) -> None:
    libc: dict[str, Any] = {"libc": "musl", "libc_version": (1, 2, 2)} if tag.startswith("musl") else {}
    wheel = f"cp313-cp313-{tag}"
    assert not pip_knows(tag, Version(last_without)) and not accepts(make(pip=Version(last_without), **libc), wheel)
    assert pip_knows(tag, Version(first_with)) and accepts(make(pip=Version(first_with), **libc), wheel)
    assert pip_knows("linux_x86_64", Version("1.0"))


@pytest.mark.parametrize(
    ("tag", "fits"),
    [
        ("cp313-cp313-manylinux_2_28_x86_64", True),
        ("cp313-cp313-manylinux_2_42_x86_64", False),
        ("cp313-cp313-musllinux_1_2_x86_64", False),
        ("cp313-cp313t-manylinux_2_28_x86_64", False),
        ("cp38-abi3-manylinux1_x86_64", True),
        ("cp314-abi3-manylinux1_x86_64", False),
        ("cp38-cp38-manylinux1_x86_64", False),
        ("cp38-none-any", False),
        ("cp313-none-any", True),
        ("py3-none-any", True),
        ("py38-none-any", True),
        ("py314-none-any", False),
        ("py2-none-any", False),
        ("py3-none-manylinux2014_x86_64", True),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", False),
    ],
)
def test_what_a_cpython_accepts(tag: str, fits: bool) -> None:
    assert accepts(make(), tag) is fits


def test_a_free_threaded_cpython_has_an_abi_of_its_own_and_not_the_stable_one() -> None:
    target = make(free_threaded=True)
    assert accepts(target, "cp313-cp313t-manylinux_2_28_x86_64")
    assert accepts(target, "py3-none-any")
    assert not accepts(target, "cp313-cp313-manylinux_2_28_x86_64")
    assert not accepts(target, "cp38-abi3-manylinux_2_28_x86_64")


def test_cpython_before_3_8_has_the_m_in_its_abi() -> None:
    assert accepts(make(python="3.7.16"), "cp37-cp37m-manylinux1_x86_64")


def test_pypy() -> None:
    target = make(python="3.10.14", implementation="pypy", implementation_version="7.3.17")
    assert accepts(target, "pp310-pypy310_pp73-manylinux2014_x86_64")
    assert accepts(target, "py3-none-any")
    assert not accepts(target, "cp310-cp310-manylinux2014_x86_64")
    variables = target.marker_variables()
    assert variables["platform_python_implementation"] == "PyPy"
    assert variables["implementation_version"] == "7.3.17"


@pytest.mark.parametrize(("python", "full"), [("3.13.5", "3.13.5"), ("3.9", "3.9.99"), ("3.15.0rc1", "3.15.0rc1")])
def test_an_unknown_patch_release_counts_as_a_late_one(python: str, full: str) -> None:
    target = make(python=python)
    assert target.marker_variables()["python_full_version"] == full
    assert target.marker_variables()["python_version"] == ".".join(full.split(".")[:2])


def test_markers_are_those_of_the_base_and_not_of_this_machine() -> None:
    variables = make(machine="aarch64", libc="musl", libc_version=(1, 2, 5)).marker_variables()
    marker = "platform_machine == 'aarch64' and sys_platform == 'linux' and implementation_name == 'cpython'"
    assert Marker(marker).evaluate(variables)
    assert not Marker("platform_system == 'Darwin' or python_version < '3.13'").evaluate(variables)


def facts(libc: Literal["glibc", "musl"] = "musl", libc_version: str = "1.2.5", **changes: Any) -> BaseFacts:
    return BaseFacts(
        image="x", arch="arm64", date=date(2026, 1, 1), libc=libc, libc_version=libc_version, source="", **changes
    )


def test_a_base_makes_a_target() -> None:
    target = target_of(facts(python="3.13.2", pip="24.3.1"))
    assert target is not None
    assert (target.python, target.machine, target.pip) == ("3.13.2", "aarch64", Version("24.3.1"))
    assert target.libc_name == "musl 1.2.5"


def test_a_base_without_python_takes_the_one_of_its_package_manager_or_makes_no_target() -> None:
    installed = SystemPython(version="3.12", packages=("python3",), source="")
    target = target_of(facts(system_python=installed))
    assert target is not None and target.python_minor == (3, 12)
    assert target_of(facts()) is None


@pytest.mark.skipif(sys.platform != "linux", reason="about Linux alone")
def test_this_machine_described_by_its_facts_has_its_own_tags_in_the_same_order() -> None:
    libc, version = platform.libc_ver()
    if libc != "glibc" or platform.python_implementation() != "CPython":
        pytest.skip("needs CPython with glibc")
    glibc = tuple(map(int, version.split(".")))
    target = make(python=platform.python_version(), libc_version=glibc, machine=platform.machine())
    plain = f"linux_{platform.machine()}"
    # Where the plain platform stands depends on the version of `packaging`: test_from_pip_26_3_on.
    ours = [tag for tag in target.tags if tag.platform != plain]
    assert ours == [tag for tag in sys_tags() if tag.platform != plain]
    assert set(target.tags) == set(sys_tags())


PIP_ORDER = """
import json, sys
from pip._internal.utils import compatibility_tags
compatibility_tags._expand_allowed_platforms = lambda platforms: platforms  # pip adds to manylinux2014 what is there
for line in sys.stdin:
    number, abi, platforms = json.loads(line)
    supported = compatibility_tags.get_supported(number, platforms, "cp", [abi])
    print(json.dumps(list(map(str, supported))), flush=True)
"""


@pytest.fixture(scope="module")
def pip_order() -> Any:
    """Ask the pip beside this interpreter for the tags it supports, in its order; skip where there is none."""
    process = subprocess.Popen(
        [sys.executable, "-c", PIP_ORDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )

    def ask(number: str, abi: str, names: list[str]) -> list[str]:
        assert process.stdin and process.stdout
        try:
            process.stdin.write(json.dumps([number, abi, names]) + "\n")
            process.stdin.flush()
            answer: list[str] = json.loads(process.stdout.readline())
        except (BrokenPipeError, json.JSONDecodeError):
            pytest.skip("needs pip in this environment")
        return answer

    yield ask
    process.communicate()


@settings(max_examples=25, deadline=None)
@given(
    minor=st.integers(8, 14),
    libc=st.one_of(
        st.tuples(st.just("glibc"), st.tuples(st.just(2), st.integers(17, 45))),
        st.tuples(st.just("musl"), st.tuples(st.just(1), st.integers(1, 2))),
    ),
    machine=st.sampled_from(["x86_64", "aarch64"]),
)
def test_the_order_is_pip_s(pip_order: Any, minor: int, libc: Any, machine: str) -> None:
    target = make(python=f"3.{minor}.1", libc=libc[0], libc_version=libc[1], machine=machine)
    asked_for = pip_order(f"3{minor}", f"cp3{minor}", list(target.platforms()))
    assert list(map(str, target.tags)) == list(dict.fromkeys(asked_for))


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_platforms_are_those_of_packaging(monkeypatch: pytest.MonkeyPatch, machine: str) -> None:
    from packaging import _manylinux

    monkeypatch.setattr(_manylinux, "_get_glibc_version", lambda: (2, 36))
    monkeypatch.setattr(_manylinux, "_have_compatible_abi", lambda *_: True)
    monkeypatch.setattr(_manylinux, "_is_compatible", lambda *_: True)
    ours = [one for one in platforms(libc_version=(2, 36), machine=machine) if not one.startswith("linux_")]
    assert ours == list(_manylinux.platform_tags([machine]))

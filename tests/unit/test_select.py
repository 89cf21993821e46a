"""Which file pip takes of those that there are, and the exact words about the others."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from packaging.version import Version

from wheelbase.bases.target import Target
from wheelbase.index.settings import FormatControl
from wheelbase.index.simple import Candidate, split_filename
from wheelbase.wheels.select import Policy, choose, usable

SLIM = Target(python="3.13.5", libc="glibc", libc_version=(2, 41), machine="x86_64", pip=Version("26.2.1"))
ALPINE = Target(python="3.13.5", libc="musl", libc_version=(1, 2, 5), machine="x86_64")
THREADED = Target(python="3.13.5", libc="glibc", libc_version=(2, 41), machine="x86_64", free_threaded=True)
OLD = Target(python="3.8.1", libc="glibc", libc_version=(2, 28), machine="x86_64", pip=Version("19.3.1"))
ANY = Policy()


def file(name: str, **changes: Any) -> Candidate:
    found = split_filename(name, "x")
    assert found, f"{name} is no file of x"
    return Candidate(filename=name, url=f"https://files.example/{name}", kind=found[0], version=found[1], **changes)


def wheel(tags: str, **changes: Any) -> Candidate:
    return file(f"x-1.0-{tags}.whl", **changes)


SOURCE = file("x-1.0.tar.gz")


def taken(candidates: list[Candidate], target: Target = SLIM, policy: Policy = ANY) -> str | None:
    found = choose("x", candidates, target, policy).taken
    return found.filename if found else None


def against(candidate: Candidate, target: Target = SLIM, policy: Policy = ANY) -> str | None:
    return choose("x", [candidate], target, policy).judged[0].against


@pytest.mark.parametrize(
    ("tags", "target", "reason"),
    [
        ("py3-none-any", SLIM, None),
        ("py2.py3-none-any", SLIM, None),
        ("cp38-abi3-manylinux_2_28_x86_64", SLIM, None),
        ("cp313-cp313-linux_x86_64", SLIM, None),
        ("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64", SLIM, None),
        ("cp313-cp313-manylinux_2_42_x86_64", SLIM, "needs glibc 2.42; this base has glibc 2.41"),
        ("cp313-cp313-manylinux_2_28_x86_64", ALPINE, "needs glibc 2.28; this base has musl 1.2.5"),
        ("cp38-abi3-manylinux2014_x86_64", ALPINE, "needs glibc 2.17; this base has musl 1.2.5"),
        ("cp313-cp313-manylinux1_x86_64", ALPINE, "needs glibc 2.5; this base has musl 1.2.5"),
        (
            "cp313-cp313-manylinux_2_17_x86_64.manylinux_2_5_x86_64",
            ALPINE,
            "needs glibc 2.5; this base has musl 1.2.5",
        ),
        ("cp313-cp313-musllinux_1_2_x86_64", SLIM, "needs musl 1.2; this base has glibc 2.41"),
        ("cp313-cp313-musllinux_1_0_x86_64", ALPINE, None),
        ("cp313-cp313-musllinux_1_3_x86_64", ALPINE, "needs musl 1.3; this base has musl 1.2.5"),
        ("cp313-cp313-manylinux_2_28_aarch64", SLIM, "for aarch64 machines; this base is x86_64"),
        ("cp313-cp313-manylinux2014_i686", SLIM, "for i686 machines; this base is x86_64"),
        ("cp313-cp313-linux_armv7l", SLIM, "for armv7l machines; this base is x86_64"),
        ("cp313-cp313-win_amd64", SLIM, "for Windows"),
        ("cp313-cp313-macosx_11_0_arm64", SLIM, "for macOS"),
        ("cp312-cp312-macosx_11_0_universal2", SLIM, "for macOS"),
        ("cp313-cp313-pyodide_2025_0_wasm32", SLIM, "for WebAssembly"),
        ("cp312-cp312-manylinux_2_28_x86_64", SLIM, "built for CPython 3.12"),
        ("cp27-cp27mu-manylinux1_x86_64", SLIM, "built for CPython 2.7"),
        ("cp314-abi3-manylinux_2_28_x86_64", SLIM, "needs CPython 3.14 or later"),
        ("cp313-cp313t-manylinux_2_28_x86_64", SLIM, "built for free-threaded CPython 3.13"),
        ("cp315-abi3t-manylinux_2_28_x86_64", SLIM, "built for free-threaded CPython 3.15 or later"),
        ("cp313-cp313-manylinux_2_28_x86_64", THREADED, "built for CPython 3.13 with the GIL"),
        ("cp38-abi3-manylinux_2_28_x86_64", THREADED, "uses the stable ABI of CPython with the GIL"),
        ("cp313-cp313t-manylinux_2_28_x86_64", THREADED, None),
        ("pp310-pypy310_pp73-manylinux_2_17_x86_64", SLIM, "built for PyPy 3.10"),
        ("py2-none-any", SLIM, "built for Python 2"),
        ("py27-none-any", SLIM, "built for Python 2.7"),
        ("py314-none-any", SLIM, "built for Python 3.14 or later"),
        ("cp38-cp38-manylinux_2_28_x86_64", OLD, "this base's pip 19.3.1 does not know manylinux_2_28"),
        ("cp38-cp38-manylinux_2_17_x86_64", OLD, "this base's pip 19.3.1 does not know manylinux_2_17"),
        ("cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64", OLD, None),
    ],
)
def test_tags(tags: str, target: Target, reason: str | None) -> None:
    assert against(wheel(tags), target) == reason
    assert usable("x", wheel(tags), target, ANY) is (reason is None)


def test_of_tags_that_an_old_pip_does_not_know_the_oldest_is_named() -> None:
    both = wheel("cp38-cp38-manylinux_2_17_x86_64.manylinux2014_x86_64")
    older = Target(python="3.8.1", libc="glibc", libc_version=(2, 28), machine="x86_64", pip=Version("19.2"))
    assert against(both, older) == "this base's pip 19.2 does not know manylinux2014"
    musl = Target(python="3.9.1", libc="musl", libc_version=(1, 2, 2), machine="x86_64", pip=Version("21.1"))
    assert against(wheel("cp39-cp39-musllinux_1_1_x86_64"), musl) == (
        "this base's pip 21.1 does not know musllinux_1_1"
    )


def test_the_more_exact_wheel_goes_first() -> None:
    exact = wheel("cp313-cp313-manylinux_2_28_x86_64")
    older = wheel("cp313-cp313-manylinux_2_17_x86_64.manylinux2014_x86_64")
    stable = wheel("cp38-abi3-manylinux_2_28_x86_64")
    pure = wheel("py3-none-any")
    order = [exact, older, stable, pure, SOURCE]
    for first in range(len(order)):
        assert taken(order[: first - 1 if first else None : -1] or order[::-1]) == order[first].filename
    assert [one.candidate for one in choose("x", order[::-1], SLIM, ANY).judged] == order


def test_a_musl_base_takes_the_newest_musl_that_it_has() -> None:
    files = [wheel(f"cp313-cp313-musllinux_1_{minor}_x86_64") for minor in (0, 3, 1, 2)]
    assert taken(files, ALPINE) == "x-1.0-cp313-cp313-musllinux_1_2_x86_64.whl"


@pytest.mark.parametrize(("pip", "which"), [("26.2.1", "manylinux_2_17"), ("26.3", "linux")])
def test_a_wheel_for_plain_linux_and_the_pip(pip: str, which: str) -> None:
    target = Target(python="3.13.5", libc="glibc", libc_version=(2, 41), machine="x86_64", pip=Version(pip))
    files = [wheel("cp313-cp313-linux_x86_64"), wheel("cp313-cp313-manylinux_2_17_x86_64")]
    assert taken(files, target) == f"x-1.0-cp313-cp313-{which}_x86_64.whl"


def test_the_build_tag_decides_between_the_same_tags_and_no_others() -> None:
    plain, second, tenth = (file(f"x-1.0{build}-py3-none-any.whl") for build in ("", "-2", "-10"))
    assert taken([tenth, plain, second]) == tenth.filename
    assert taken([file("x-1.0-1a-py3-none-any.whl"), file("x-1.0-1b-py3-none-any.whl")]) == "x-1.0-1b-py3-none-any.whl"
    exact = wheel("cp313-cp313-manylinux_2_17_x86_64")
    assert taken([tenth, exact]) == exact.filename


def test_of_two_source_archives_the_last_on_the_page() -> None:
    packed = file("x-1.0.zip")
    assert taken([SOURCE, packed]) == "x-1.0.zip"
    assert taken([packed, SOURCE]) == "x-1.0.tar.gz"


def test_a_source_archive_where_no_wheel_fits_and_nothing_without_one() -> None:
    windows = wheel("cp313-cp313-win_amd64")
    assert taken([windows, SOURCE]) == "x-1.0.tar.gz"
    assert taken([windows]) is None
    assert taken([]) is None


def test_near_misses_come_before_other_pythons_and_other_systems() -> None:
    files = [
        wheel("cp313-cp313-win_amd64"),
        wheel("cp312-cp312-musllinux_1_2_x86_64"),
        wheel("cp313-cp313-manylinux_2_28_x86_64"),
    ]
    reasons = [one.against for one in choose("x", files, ALPINE, ANY).judged]
    assert reasons == ["needs glibc 2.28; this base has musl 1.2.5", "built for CPython 3.12", "for Windows"]


@pytest.mark.parametrize(
    ("requires", "fits"),
    [(">=3.9", True), (">=3.13.5", True), (">=3.13.6", False), ("<3.13", False), ("~=3.13.0", True), ("?", True)],
)
def test_requires_python(requires: str, fits: bool) -> None:
    reason = None if fits else f"requires Python {requires}; this base has 3.13.5"
    assert against(wheel("py3-none-any", requires_python=requires)) == reason


def test_requires_python_where_the_patch_release_is_not_known() -> None:
    target = Target(python="3.9", libc="glibc", libc_version=(2, 34), machine="x86_64")
    assert usable("x", wheel("py3-none-any", requires_python=">=3.9.2"), target, ANY)
    assert against(wheel("py3-none-any", requires_python=">=3.10"), target) == (
        "requires Python >=3.10; this base has 3.9"
    )


def test_yanked_files_need_a_pin_and_that_all_that_fit_are_yanked() -> None:
    yanked = wheel("py3-none-any", yanked=True)
    assert against(yanked) == "yanked"
    pinned = Policy(yanked=True)
    assert taken([yanked], policy=pinned) == yanked.filename
    assert taken([yanked, SOURCE], policy=pinned) == SOURCE.filename
    assert [one.against for one in choose("x", [yanked, SOURCE], SLIM, pinned).judged] == [None, "yanked"]
    windows = wheel("cp313-cp313-win_amd64")
    assert taken([yanked, windows], policy=pinned) == yanked.filename


def test_hashes_are_asked_for_where_the_index_states_them() -> None:
    policy = Policy(hashes=frozenset(["aa"]))
    assert against(wheel("py3-none-any", sha256="bb"), policy=policy) == (
        "its hash is not among those that the requirements allow"
    )
    assert against(wheel("py3-none-any", sha256="aa"), policy=policy) is None
    assert against(wheel("py3-none-any"), policy=policy) is None


def test_dates() -> None:
    policy = Policy(not_after=datetime(2020, 1, 29, 23, 59, 59, tzinfo=UTC))
    assert against(wheel("py3-none-any", upload_time=datetime(2020, 1, 29, tzinfo=UTC)), policy=policy) is None
    later = wheel("py3-none-any", upload_time=datetime(2020, 1, 30, tzinfo=UTC))
    assert against(later, policy=policy) == "newer than the date"
    assert against(wheel("py3-none-any"), policy=policy) == "its upload date is not known"


def test_formats() -> None:
    no_wheels = Policy(format_control=FormatControl(no_binary=frozenset([":all:"])))
    no_sources = Policy(format_control=FormatControl(only_binary=frozenset(["x"])))
    assert against(wheel("py3-none-any"), policy=no_wheels) == "excluded by --no-binary"
    assert taken([wheel("py3-none-any"), SOURCE], policy=no_wheels) == SOURCE.filename
    assert against(SOURCE, policy=no_sources) == "excluded by --only-binary"
    both = FormatControl(no_binary=frozenset([":all:"]), only_binary=frozenset(["x"]))
    assert against(wheel("py3-none-any"), policy=Policy(format_control=both)) is None


def test_a_name_that_is_no_wheel_s_is_no_candidate() -> None:
    odd = Candidate(filename="x-1.0-1.whl", url="u", version=Version("1.0"), kind="wheel")
    assert against(odd) == "not a valid wheel name"

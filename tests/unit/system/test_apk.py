"""Sizes on Alpine: the bundled table, and an index of the user's, whatever it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.system.apk import ApkTable, closure_on_alpine, read_apkindex, table_of

MIB = 1 << 20
BASE = frozenset("musl zlib busybox ssl_client libssl3 libcrypto3 libssl1.1 libcrypto1.1 apk-tools scanelf".split())

INDEX = """C:Q1abc=
P:zlib-dev
V:1.3.1-r2
A:x86_64
S:100
I:300
D:zlib=1.3.1-r2 pkgconfig !zlib-ng-dev
p:pc:zlib=1.3.1

P:zlib
V:1.3.1-r2
S:40
I:100
p:so:libz.so.1=1.3.1

P:broken
V:1
S:x
I:1

P:user
V:2
S:1
I:2
D:so:libz.so.1 /bin/sh pc:zlib>=1.2
"""


@pytest.mark.parametrize(
    ("names", "release", "mib"),
    [
        # 97 MiB in 44 packages on python:3.8-alpine3.10 by `apk add gcc`, then 163 MiB in 47 by `apk add g++`.
        (("g++",), "3.10", 153),
        # The growth of alpine:latest by `apk add gcc` in January 2020, from 5.59 to 105 MB.
        (("gcc",), "3.11", 94.8),
        # 183 MiB in 33 packages, of which 16 were there before.
        (("build-base", "linux-headers"), "alpine-3.11", 177.5),
        # 247 MiB in 40 packages on rust:alpine3.22, which has gcc already.
        (("build-base", "openssl-dev"), "alpine-3.22", 239),
        # Nothing estimated: the listing of rust:1-alpine3.23.
        (("gcc", "musl-dev"), "3.23", 190),
    ],
)
def test_sums_that_the_estimates_were_made_from(names: tuple[str, ...], release: str, mib: float) -> None:
    found = closure_on_alpine(names, release, installed=BASE)
    assert found.missing == ()
    assert found.installed_bytes / MIB == pytest.approx(mib, rel=0.03)


def test_the_reference_application_of_2020() -> None:
    asked = ("gcc", "build-base", "freetype-dev", "libpng-dev", "openblas-dev")
    found = closure_on_alpine(asked, "3.10", installed=BASE)
    assert found.missing == ()
    assert {"gfortran", "openblas", "zlib-dev", "musl-dev"} <= {package.name for package in found.packages}
    assert 330e6 < found.installed_bytes < 410e6  # a quarter of it static libraries of OpenBLAS
    assert found.download_bytes < found.installed_bytes / 2


def test_what_is_estimated_is_said() -> None:
    assert closure_on_alpine(["gcc", "musl-dev"], "3.23", installed=BASE).estimated == ()
    assert "gfortran" in closure_on_alpine(["gfortran"], "3.23").estimated
    assert "gcc" in closure_on_alpine(["gcc"], "3.20").estimated


def test_packages_come_and_go_with_releases() -> None:
    def has(release: str) -> set[str]:
        return {package.name for package in closure_on_alpine(["g++"], release).packages}

    assert "mpfr3" in has("3.10")
    assert "mpfr3" not in has("3.11")
    assert "libstdc++-dev" in has("edge")
    assert "libstdc++-dev" not in has("3.16")


def test_installed_and_unknown_packages() -> None:
    found = closure_on_alpine(["zlib-dev", "no-such-thing", "pc:unknown"], "edge", installed=frozenset(("zlib",)))
    assert found.missing == ("no-such-thing", "pc:unknown")
    assert {package.name for package in found.packages} == {"zlib-dev", "pkgconf"}
    assert closure_on_alpine(["zlib-dev"], "edge", installed=frozenset(("zlib-dev",))).packages == ()
    assert [package.name for package in closure_on_alpine(["jpeg-dev", "libjpeg-turbo-dev"], "edge").packages].count(
        "libjpeg-turbo-dev"
    ) == 1


def test_the_table_is_whole() -> None:
    table, _ = table_of("3.23")
    assert len(table.packages) > 500
    assert all(package.installed_bytes >= 0 and package.download_bytes >= 0 for package in table.packages.values())
    assert {need for name in ("gcc", "g++", "make", "gfortran") for need in table.packages[name].needs if need} - {
        *table.packages,
        "isl",
        "isl22",
        "mpfr3",
        "libc-dev",
    } == set()


def test_an_index_goes_before_the_table() -> None:
    found = closure_on_alpine(["user", "libffi-dev"], "3.23", index=read_apkindex(INDEX))
    sizes = {package.name: package.installed_bytes for package in found.packages}
    assert sizes["user"] == 2
    assert sizes["zlib"] == 100
    assert sizes["zlib-dev"] == 300
    assert "libffi-dev" in sizes
    assert "zlib" not in found.estimated
    assert "broken" not in read_apkindex(INDEX).packages


def test_index_reading() -> None:
    table = read_apkindex(INDEX)
    assert table.packages["zlib-dev"].needs == ("zlib", "pkgconfig")
    assert table.find("pc:zlib") == table.packages["zlib-dev"]
    assert table.find("so:libz.so.1") == table.packages["zlib"]
    assert table.find("cmd:gcc") is None
    assert read_apkindex("") == ApkTable(packages={})


LETTER = st.sampled_from("PVSIDpAx")
LINE = st.builds("{}:{}".format, LETTER, st.text(max_size=30)) | st.text(max_size=40) | st.just("")


@given(st.lists(LINE, max_size=40).map("\n".join))
def test_any_index_can_be_read(text: str) -> None:
    table = read_apkindex(text)
    found = closure_on_alpine(["gcc", *list(table.packages)[:5]], "3.23", index=table)
    assert found.installed_bytes >= 0


@given(st.text(max_size=12))
def test_any_release_has_an_answer(release: str) -> None:
    assert closure_on_alpine(["gcc"], release, installed=BASE).installed_bytes > 50e6


def test_packages_that_need_each_other() -> None:
    index = read_apkindex("P:a\nS:1\nI:1\nD:b\n\nP:b\nS:1\nI:1\nD:a\n")
    assert closure_on_alpine(["a"], "edge", index=index).installed_bytes == 2

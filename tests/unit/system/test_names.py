"""The table of names agrees with itself and answers for every kind of name."""

from collections import Counter
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.system.names import Kind, Manager, Names, Row, load_names, provided

NAMES = load_names()
MANAGERS = get_args(Manager)


def test_no_name_stands_in_two_rows() -> None:
    kinds = ("pkg_config", "libraries", "headers", "cmake", "crates", "programs", "generic", "virtual")
    counts = Counter((kind, name) for row in NAMES.rows for kind in kinds for name in getattr(row, kind))
    counts.update(("pkg_config", name) for row in NAMES.rows for name in row.also)
    counts.update(("name", row.name) for row in NAMES.rows)
    assert [name for name, count in counts.items() if count > 1] == []


def test_every_row_has_a_package_or_says_why_not() -> None:
    unnamed = [row.name for row in NAMES.rows if not (row.deb or row.apk or row.dnf or row.absent)]
    assert unnamed == []
    assert [row.name for row in NAMES.rows for key in row.unverified if not getattr(row, key)] == []


@pytest.mark.parametrize(
    ("kind", "name", "row"),
    [
        ("pkg-config", "libxml-2.0", "libxml2"),
        ("pkg-config", "mysqlclient", "mariadb"),
        ("library", "xml2", "libxml2"),
        ("library", "jpeg", "jpeg"),
        ("header", "libxml/parser.h", "libxml2"),
        ("header", "libpq-fe.h", "libpq"),
        ("header", "X11/extensions/XTest.h", "xtst"),
        ("header", "X11/Xatom.h", "x11"),
        ("header", "linux/if_packet.h", "linux-headers"),
        ("cmake", "OpenSSL", "openssl"),
        ("cmake", "OPENSSL", "openssl"),
        ("program", "pg_config", "libpq"),
        ("program", "llvm-config-18", "llvm"),
        ("program", "swig4.0", "swig"),
        ("crate", "openssl-sys", "openssl"),
        ("language", "fortran", "fortran"),
        ("virtual", "interface/blas", "blas"),
        ("virtual", "dep:virtual/compiler/rust", "rust"),
        ("virtual", "dep:generic/libjpeg", "jpeg"),
        ("header", "boost/asio.hpp", "boost"),
        ("header", "boost/python/numpy.hpp", "boost-numpy"),
        ("library", "boost_python313", "boost-python"),
        ("library", "boost_filesystem", "boost-filesystem"),
        ("cmake", "SDL_mixer", "sdl-mixer"),
        ("cmake", "osgViewer", "openscenegraph"),
        ("program", "wx-config", "wxwidgets"),
    ],
)
def test_each_kind_of_name_leads_to_its_row(kind: Kind, name: str, row: str) -> None:
    found = NAMES.row_for(kind, name)
    assert found is not None
    assert found.name == row


@pytest.mark.parametrize("kind", get_args(Kind))
def test_unknown_names_have_no_row(kind: Kind) -> None:
    assert NAMES.row_for(kind, "no-such-thing") is None
    assert NAMES.row_for(kind, "") is None


def test_a_kind_does_not_answer_for_another() -> None:
    assert NAMES.row_for("library", "libxml-2.0") is None
    assert NAMES.row_for("pkg-config", "xml2") is None


def test_names_change_with_the_release() -> None:
    assert NAMES.package_on("freetype2", "apt", "debian-12") == "libfreetype-dev"
    assert NAMES.package_on("freetype2", "apt", "debian-10") == "libfreetype6-dev"
    assert NAMES.package_on("libjpeg", "apt", "debian-13") == "libjpeg62-turbo-dev"
    assert NAMES.package_on("libjpeg", "apt", "ubuntu-24.04") == "libjpeg-turbo8-dev"
    assert NAMES.package_on("libpq", "apk", "3.11") == "postgresql-dev"
    assert NAMES.package_on("libpq", "apk", "alpine-3.22") == NAMES.package_on("libpq", "apk", "edge") == "libpq-dev"


def test_what_the_table_lacks_is_named_by_what_it_provides() -> None:
    assert NAMES.package_on("no-such-module", "apk") == "pc:no-such-module"
    assert NAMES.package_on("no-such-module", "dnf") == "pkgconfig(no-such-module)"
    assert NAMES.package_on("no-such-module", "apt") == ""
    assert NAMES.package_on(Row(name="x", pkg_config=("x-2",)), "apk") == "pc:x-2"
    assert NAMES.package_on(Row(name="x"), "apk") == ""
    assert provided("program", "swig", "apk") == "cmd:swig"
    assert provided("cmake", "Arrow", "dnf") == "cmake(Arrow)"
    assert provided("crate", "x-sys", "dnf") == ""


def test_what_a_distribution_does_not_have_is_not_named() -> None:
    assert NAMES.package_on("libsystemd", "apt") == "libsystemd-dev"
    assert NAMES.package_on("libsystemd", "apk") == ""


def test_toolchains() -> None:
    assert NAMES.toolchain("apt", "c") == ("gcc", "libc6-dev")
    assert NAMES.toolchain("apk", "cython") == ("gcc", "musl-dev")
    assert NAMES.toolchain("dnf", "c++") == ("gcc-c++", "gcc")
    assert NAMES.toolchain("dnf", "fortran") == ("gcc-gfortran", "gcc")
    assert NAMES.toolchain("apt", "rust") == ("cargo", "rustc", "gcc", "libc6-dev")
    assert NAMES.toolchain("dnf", "python") == ("python3-devel",)
    assert NAMES.toolchain("apk", "pkg-config") == ("pkgconf",)
    assert NAMES.toolchain("apk", "cobol") == ()


@given(st.sampled_from(get_args(Kind)), st.text())
def test_any_name_has_an_answer(kind: Kind, name: str) -> None:
    row = NAMES.row_for(kind, name)
    assert row is None or row in NAMES.rows
    assert all(isinstance(NAMES.package_on(name, manager, name), str) for manager in MANAGERS)


def test_of_two_rows_the_first_is_meant() -> None:
    names = Names((Row(name="one", libraries=("a",)), Row(name="two", libraries=("a", "A"))))
    assert names.row_for("library", "a") == names.rows[0]
    assert names.row_for("library", "A") == names.rows[1]

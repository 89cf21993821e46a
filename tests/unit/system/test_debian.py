"""The formats of a Debian archive's indices."""

import pytest

from wheelbase.system.debian import contents, file_digests, relations, release_fields, stanzas
from wheelbase.system.owned_files import WANTED, OwnedFile, classified, is_development, is_foreign


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ()),
        ("libc6 (>= 2.36)", (("libc6",),)),
        ("a:any (>= 1) [amd64] <!nocheck>, b | c (<< 2) , a", (("a",), ("b", "c"))),
        (", ,|, UPPER, ${misc:Depends}", ()),
        ("libstdc++-14-dev,g++", (("libstdc++-14-dev",), ("g++",))),
    ],
)
def test_relations(text: str, expected: object) -> None:
    assert relations(text) == expected


def test_stanzas_take_wanted_fields_and_join_continued_lines() -> None:
    lines = "A: 1\nB: x,\n y\nC: no\n more of C\n\n\n \nnonsense\nA: 2".splitlines(keepends=True)
    assert list(stanzas(lines, frozenset("AB"))) == [{"A": "1", "B": "x, y"}, {"A": "2"}]


def test_contents_drop_sections_and_keep_names_with_spaces() -> None:
    lines = [
        b"usr/include/a b.h  \t universe/libdevel/x,devel/y\n",
        b"etc/x  a/b\n",
        b"usr/include/nothing\n",
        b"\xff\n",
    ]
    assert list(contents(lines, WANTED)) == [("usr/include/a b.h", ("x", "y")), ("", ("nothing",))]


@pytest.mark.parametrize("text", ["", "<html>not found</html>", "-----BEGIN PGP SIGNED MESSAGE-----"])
def test_what_is_no_release_file(text: str) -> None:
    assert file_digests(release_fields(text)) == {}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("usr/include/zlib.h", ("header", "usr/include", "zlib.h")),
        ("usr/include/x86_64-linux-gnu/ffi.h", ("header", "usr/include/x86_64-linux-gnu", "ffi.h")),
        ("usr/include/aarch64-linux-gnu/ffi.h", None),
        ("usr/include/x86_64-linux-musl/stdio.h", None),
        ("usr/include/boost/mpl/aux_/x.hpp", None),
        ("usr/include/eigen3/Eigen/Dense", ("header", "usr/include/eigen3/Eigen", "Dense")),
        (
            "usr/lib/x86_64-linux-gnu/openmpi/include/mpi.h",
            ("header", "usr/lib/x86_64-linux-gnu/openmpi/include", "mpi.h"),
        ),
        ("usr/lib/x86_64-linux-gnu/libz.so", ("library", "", "z")),
        ("usr/lib/x86_64-linux-gnu/libz.a", ("library", "", "z")),
        ("usr/lib/gcc/x86_64-linux-gnu/14/libgomp.so", ("library", "", "gomp")),
        (
            "usr/lib/x86_64-linux-gnu/hdf5/serial/libhdf5.so",
            ("library", "usr/lib/x86_64-linux-gnu/hdf5/serial", "hdf5"),
        ),
        ("lib/x86_64-linux-gnu/libz.so.1", ("shared", "", "libz.so.1")),
        ("usr/lib/gcc-cross/x86_64-linux-gnu/libgomp.so", None),
        ("usr/lib/python3/dist-packages/libx.so", None),
        ("usr/lib/x86_64-linux-gnu/pkgconfig/libxml-2.0.pc", ("pkg-config", "", "libxml-2.0")),
        ("usr/share/pkgconfig/xproto.pc", ("pkg-config", "", "xproto")),
        ("usr/lib/x86_64-linux-gnu/cmake/OpenSSL/OpenSSLConfig.cmake", ("cmake", "", "openssl")),
        ("usr/lib/cmake/qt/qt5-config.cmake", ("cmake", "", "qt5")),
        ("usr/lib/cmake/qt/qt5ConfigVersion.cmake", None),
        ("usr/share/x/FindZLIB.cmake", ("cmake", "Modules", "zlib")),
        ("usr/bin/pg_config", ("program", "", "pg_config")),
        ("usr/lib/jvm/java-21-openjdk-amd64/bin/javac", ("program", "", "javac")),
        ("usr/include/", None),
    ],
)
def test_what_a_path_is(path: str, expected: tuple[str, str, str] | None) -> None:
    assert classified(path) == (expected and OwnedFile(*expected))  # type: ignore[arg-type]


def test_packages_for_other_systems() -> None:
    assert all(
        map(is_foreign, ["libc6-dev-arm64-cross", "mingw-w64-x86-64-dev", "musl-dev", "librust-libc-dev", "lib32z1"])
    )
    assert not any(map(is_foreign, ["libc6-dev", "zlib1g-dev", "libwin-hivex-perl", "acrossword-dev", "libx11-dev"]))


def test_packages_that_programs_are_built_with() -> None:
    assert (
        is_development("gcc", "devel")
        and is_development("x11proto-dev", "x11")
        and is_development("a", "universe/libdevel")
    )
    assert not is_development("libfoo1", "libs") and not is_development("devscripts", "utils")

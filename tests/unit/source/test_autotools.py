"""What configure scripts look for that a Python build runs."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.source.autotools import find_in_autotools
from wheelbase.source.findings import Evidence
from wheelbase.source.tree import SourceTree

RUNS = "subprocess.check_call(['./configure', '--disable-shared'])"


def found(files: dict[str, str]) -> list[Evidence]:
    contents = {path: text.encode("utf-8", "replace") for path, text in files.items()}
    return list(find_in_autotools(SourceTree({path: len(data) for path, data in contents.items()}, contents)))


def named(text: str) -> list[tuple[str, str]]:
    return [(one.kind, one.name) for one in found({"setup.py": RUNS, "configure.ac": text})]


def test_a_library() -> None:
    assert found({"setup.py": RUNS, "configure.ac": "AC_INIT\n\nAC_CHECK_LIB([ev], [ev_run])\n"}) == [
        Evidence(kind="library", name="ev", where="configure.ac:3", need="optional", weight=0.4, condition="configure")
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "AC_CHECK_LIB(m, sin)\nAC_CHECK_LIB(z, inflate, [AC_CHECK_LIB([x], [y])])",
            [("library", "z"), ("library", "x")],
        ),
        ("AC_SEARCH_LIBS([socket], [socket nsl foo])", [("library", "foo")]),
        (
            "AC_CHECK_HEADERS([zlib.h sys/time.h])\nAC_CHECK_HEADER([a/b.h],,)",
            [("header", "zlib.h"), ("header", "a/b.h")],
        ),
        ("AC_CHECK_HEADERS([a.h b.h c.h d.h e.h f.h g.h])", []),
        (
            "PKG_CHECK_MODULES([X], [glib-2.0 >= 2.1, libpng>=1 cairo], [yes], [no])",
            [("pkg-config", "glib-2.0"), ("pkg-config", "libpng"), ("pkg-config", "cairo")],
        ),
        ("PKG_CHECK_EXISTS([libffi])", [("pkg-config", "libffi")]),
        ("AC_PATH_PROG([SWIG], [swig])\nAC_CHECK_PROG(AWK, awk, yes)", [("program", "swig")]),
        ("dnl AC_CHECK_LIB(a, b)\n# AC_CHECK_LIB(c, d)\nAC_CHECK_LIB(e, f) dnl AC_CHECK_LIB(g, h)", [("library", "e")]),
        ("AC_CHECK_LIB($lib, f)\nAC_CHECK_LIB(", []),
    ],
)
def test_macros(text: str, expected: list[tuple[str, str]]) -> None:
    assert named(text) == expected


def test_scripts_that_no_build_runs() -> None:
    macro = "AC_CHECK_LIB(z, inflate)"
    assert found({"setup.py": "configure_something()", "configure.ac": macro}) == []
    assert found({"configure.ac": macro}) == []
    assert found({"setup.py": RUNS, "tests/configure.ac": macro}) == []


def test_a_vendored_script_weighs_less() -> None:
    assert [one.weight for one in found({"_setupx.py": RUNS, "deps/x/configure.ac": "AC_CHECK_LIB(z, f)"})] == [
        pytest.approx(0.16)
    ]


def test_a_generated_script_where_its_source_is_not_there() -> None:
    text = "echo checking for inflate in -lz... \n"
    text += 'echo checking for library containing f in -lfoo\n$PKG --exists --print-errors \\"a >= 1 b\\"\n'
    files = {"setup.py": RUNS, "configure": text}
    assert [(one.kind, one.name, one.where) for one in found(files)] == [
        ("library", "z", "configure:1"),
        ("library", "foo", "configure:2"),
        ("pkg-config", "a", "configure:3"),
        ("pkg-config", "b", "configure:3"),
    ]
    assert found(files | {"configure.ac": ""}) == []


@pytest.mark.parametrize(
    "text",
    [
        "AC_CHECK_LIB(" * 70_000,
        "if test $a = b; then\n" * 40_000,
        "a=b\n" * 100_000,
        " dnl" * 200_000,
        " " * 900_000,
        "checking for " * 70_000,
        "[" * 500_000,
    ],
)
def test_huge_scripts_take_linear_time(text: str) -> None:
    start = time.process_time()
    named(text)
    found({"setup.py": RUNS, "configure": text})
    assert time.process_time() - start < 5


@given(
    st.lists(
        st.sampled_from(
            ["AC_CHECK_LIB(", "PKG_CHECK_MODULES(", "[", "]", ")", ",", "a", "a.h", ">=", "\n", "dnl ", "in -lz"]
        )
    )
)
def test_junk(parts: list[str]) -> None:
    for one in found({"setup.py": RUNS, "configure.ac": "".join(parts), "x/configure": " ".join(parts)}):
        assert one.where.partition(":")[0] in ("configure.ac", "x/configure")


def demanded(
    script: str, setup: str = "subprocess.check_call('./configure', cwd='own')", folder: str = "own"
) -> set[str]:
    told = found({"setup.py": setup, f"{folder}/configure.ac": script})
    return {one.name for one in told if one.need == "required"}


@pytest.mark.parametrize(
    ("script", "names"),
    [
        ("AC_CHECK_LIB([z], [inflate], [], [AC_MSG_ERROR([no zlib])])", {"z"}),
        ("AC_CHECK_LIB([z], [inflate], [], [z=missing])\nif test $z = missing; then\n  MSG_ERROR([no])\nfi", {"z"}),
        ("AC_CHECK_LIB([z], [inflate], [], [z=missing])\nif test $z = missing; then\n  AC_DEFINE([X])\nfi", set()),
        ("AC_CHECK_HEADER([lzma.h], [], [AC_MSG_ERROR([no])])", {"lzma.h"}),
        ("PKG_CHECK_MODULES([X], [libx >= 2])", {"libx"}),
        ("PKG_CHECK_MODULES([X], [libx >= 2], [], [have_x=no])", set()),
        ('if test "$enable_z" != no; then\nPKG_CHECK_MODULES([Z], [zlib])\nfi', {"zlib"}),
        ('if test "$enable_z" = yes; then\nPKG_CHECK_MODULES([Z], [zlib])\nfi', set()),
        ('if test "$a" = yes; then\n  :\nfi\nPKG_CHECK_MODULES([Z], [zlib])', {"zlib"}),
        ('AS_IF([test "x$with_z" = xyes], [PKG_CHECK_MODULES([Z], [zlib])])', set()),
        ('AS_IF([test "x$with_z" = xyes], [:])\nPKG_CHECK_MODULES([Z], [zlib])', {"zlib"}),
        ("case $host in\n*) PKG_CHECK_MODULES([Z], [zlib])\nesac", set()),
        ("AC_SEARCH_LIBS([f], [a b], [], [AC_MSG_ERROR([no])])", {"a"}),
        ("have=no\nAC_CHECK_LIB([z], [f], [have=yes])\nif test x$have != xyes; then\nexit 1\nfi", {"z"}),
        ("AC_CHECK_LIB([z], [f])\nAS_IF([test $ac_cv_lib_z_f = no], [AC_MSG_ERROR([no])])", {"z"}),
        ('AC_PATH_PROG([SWIG], [swig])\nif test -z "$SWIG"; then\nAC_MSG_ERROR([no])\nfi', {"swig"}),
        (
            "AC_CHECK_LIB([a], [f], [], [a=no])\nAC_CHECK_LIB([b], [f], [], [b=no])\n"
            "if test $a = no && test $b = no; then\nAC_MSG_ERROR([neither])\nfi",
            {"a"},
        ),
        (
            "AC_CHECK_LIB([a], [f], [], [a=no])\nif test $a != no; then\n:\nelse\nAC_MSG_ERROR([no])\nfi",
            {"a"},
        ),
        ("AC_CHECK_LIB([a], [f], [], [a=no])\na=yes\nif test $a = no; then\nAC_MSG_ERROR([no])\nfi", set()),
    ],
)
def test_what_a_script_ends_without_is_required(script: str, names: set[str]) -> None:
    assert demanded(script) == names


BZ2 = """
AC_ARG_ENABLE([bz2], [AS_HELP_STRING([--disable-bz2], [without])], [], [enable_bz2={default}])
if test "$enable_bz2" != no; then
  bz2_devel=ok
  AC_CHECK_HEADER([bzlib.h], [], [bz2_devel=missing])
  AC_CHECK_LIB([bz2], [f], [], [bz2_devel=missing])
  if test $bz2_devel != ok; then
    AC_MSG_ERROR([not found])
  fi
fi
"""


@pytest.mark.parametrize(
    ("default", "given", "expected"),
    [
        ("yes", "", {"bzlib.h", "bz2"}),
        ("no", "", set()),
        ("yes", "--disable-bz2", set()),
        ("no", "--enable-bz2", {"bzlib.h", "bz2"}),
        ("yes", "--enable-bz2 --disable-bz2", set()),
    ],
)
def test_options_of_a_script(default: str, given: str, expected: set[str]) -> None:
    assert demanded(BZ2.format(default=default), f"call('cd own && ./configure {given}')") == expected
    special = f"call('cd own && ./configure')\nif special:\n    call('./configure {given}')"
    assert bool(demanded(BZ2.format(default=default), special)) is (default == "yes")


@pytest.mark.parametrize(
    ("setup", "folder"), [("call('./configure')", "other"), ("call('./configure deps')", "deps/own")]
)
def test_scripts_that_may_not_be_run_require_nothing(setup: str, folder: str) -> None:
    assert demanded("PKG_CHECK_MODULES([Z], [zlib])", setup, folder) == set()


def test_what_another_script_of_the_archive_makes_is_not_needed() -> None:
    needs = "PKG_CHECK_MODULES([SHARP], [libsharp], , [AC_MSG_ERROR([no])])\nAC_CHECK_LIB([z], [f], , [AC_MSG_ERROR])"
    files = {"setup.py": f"{RUNS}  # in a and b", "a/configure.ac": needs}
    assert [one.need for one in found(files)] == ["required", "required"]
    own = found(files | {"b/configure.ac": "AC_INIT([libsharp], [1.0])"})
    assert [(one.name, one.need) for one in own] == [("libsharp", "optional"), ("z", "required")]

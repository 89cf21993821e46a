"""Which includes are live on Linux. The compiler itself is asked too, where there is one."""

import re
import shutil
import subprocess
import time
from collections.abc import Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.source.conditions import ANY, Interval
from wheelbase.source.preprocessor import live_includes, live_text


def states(text: str, cpp: bool | None = False, defined: Mapping[str, Interval] | None = None) -> dict[str, str]:
    return {include.name: include.state for include in live_includes(text, cpp=cpp, defined=defined or {})}


@pytest.mark.parametrize(
    ("condition", "first", "second"),
    [
        ("#ifdef _WIN32", None, "live"),
        ("#ifndef _MSC_VER", "live", None),
        ("#if defined(__APPLE__) || defined(__FreeBSD__)", None, "live"),
        ("#if defined __linux__ && !defined(__ANDROID__)", "live", None),
        ("#if defined(_WIN32) && HAVE_X", None, "live"),
        ("#if defined(__unix__) || HAVE_X", "live", None),
        ("#ifdef HAVE_ZLIB_H", "unknown", "unknown"),
        ("#if HAVE_ZLIB_H && defined(__linux__)", "unknown", "unknown"),
        ("#if 0", None, "live"),
        ("#if PY_MAJOR_VERSION >= 3", "live", None),
        ("#if PY_VERSION_HEX < 0x03000000", None, "live"),
        ("#if PY_VERSION_HEX >= 0x030d0000", "unknown", "unknown"),
        ("#if __GNUC__ * 100 + __GNUC_MINOR__ >= 405", "live", None),
        ("#if defined(PYPY_VERSION)", None, "live"),
        ("#if __has_include(<zlib.h>)", "unknown", "unknown"),
        ("#if (1 + 2) * 3 == 9 && 7 / 2 == 3 && 1 << 4 == 0x10 && !(5 % 2 - 1)", "live", None),
        ("#if 1 / 0", "unknown", "unknown"),
        ("#if 1 +", "unknown", "unknown"),
        ("#if __x86_64__", "unknown", "unknown"),
        ("#ifdef __cplusplus", None, "live"),
    ],
)
def test_conditions(condition: str, first: str | None, second: str | None) -> None:
    found = states(f"{condition}\n#include <a.h>\n#else\n#include <b.h>\n#endif\n")
    assert (found.get("a.h"), found.get("b.h")) == (first, second)


def test_branches_exclude_each_other() -> None:
    text = "#ifdef HAVE_A\n#include <a.h>\n#elif defined(__linux__)\n#include <l.h>\n#else\n#include <o.h>\n#endif\n"
    assert states(text) == {"a.h": "unknown", "l.h": "unknown"}
    text = text.replace("HAVE_A", "__linux__").replace("defined(__linux__)", "HAVE_B")
    assert states(text) == {"a.h": "live"}


def test_the_condition_is_told() -> None:
    text = (
        "#ifdef __linux__\n# ifdef HAVE_X\n#  if 1\n#include <x.h>\n#  endif\n# else\n#include <y.h>\n# endif\n#endif"
    )
    assert [(one.line, one.name, one.condition) for one in live_includes(text)] == [
        (4, "x.h", "#ifdef HAVE_X"),
        (7, "y.h", "else of #ifdef HAVE_X"),
    ]


def test_own_macros_are_followed() -> None:
    text = (
        "#define USE_IT 1\n#if USE_IT\n#include <a.h>\n#endif\n#undef USE_IT\n#ifdef USE_IT\n#include <b.h>\n#endif\n"
        "#ifdef HAVE_X\n#define MAYBE\n#endif\n#ifdef MAYBE\n#include <c.h>\n#endif\n"
        "#ifdef _WIN32\n#define NEVER 1\n#endif\n#define HEADER <d.h>\n#include HEADER\n"
    )
    assert states(text) == {"a.h": "live", "c.h": "unknown", "d.h": "live"}
    text = "#ifdef GIVEN\n#include <a.h>\n#endif\n#if GIVEN\n#include <b.h>\n#endif"
    assert states(text, defined={"GIVEN": Interval(1, 1)}) == {"a.h": "live", "b.h": "live"}
    assert states(text, defined={"GIVEN": Interval(0, 0)}) == {"a.h": "live"}
    assert states(text, defined={"GIVEN": ANY}) == {"a.h": "live", "b.h": "unknown"}


def test_guards_and_defaults_hold() -> None:
    guarded = "/* licence */\n#ifndef MY_H_\n#define MY_H_\n#include <a.h>\n#endif\n"
    default = "#ifndef WITH_B\n#define WITH_B 1\n#endif\n#if WITH_B\n#include <b.h>\n#endif\n"
    assert states(guarded + default) == {"a.h": "live", "b.h": "live"}


def test_a_header_may_be_of_either_language() -> None:
    text = "#ifdef __cplusplus\n#include <a.h>\n#endif\n"
    assert [states(text, cpp) for cpp in (True, False, None)] == [{"a.h": "live"}, {}, {"a.h": "unknown"}]


def test_comments_strings_and_joined_lines() -> None:
    text = (
        "/* multi\n#include <no1.h>\n*/ #include <yes1.h> // why\n// joined \\\n#include <no2.h>\n"
        'const char *a = "/*", b = \'"\';\n#include "yes2.h" /* said\n twice */\n'
        'auto r = R"x(\n#include <no3.h>\n)" )x";\n#if defined(__linux__) \\\n  && !defined(_WIN32)\n'
        "#  include\t<yes3.h>\n#endif\nint big = 1'000;\n#inc\\\nlude <odd.h>\n#include <yes4.h>"
    )
    found = list(live_includes(text, cpp=True))
    assert [one.name for one in found] == ["yes1.h", "yes2.h", "yes3.h", "yes4.h"]
    assert all(f"{one.name}" in text.split("\n")[one.line - 1] for one in found)
    assert [one.line for one in live_includes(text.replace("\n", "\r\n"), cpp=True)] == [one.line for one in found]


LINES = st.sampled_from(
    "#if 0|#if 1|#ifdef _WIN32|#ifndef __linux__|#if defined(A) && B > 1|#if A == 2 \\\n || defined B|#elif A|#elif 1"
    '|#else|#endif|#define A 2|#define B (A + 1)|#undef A|/* a|*/|// b|char c[] = "/*";|#include <h.h>|#ifdef A'.split(
        "|"
    )
)


@pytest.mark.skipif(not shutil.which("gcc"), reason="no C compiler")
@settings(max_examples=25, deadline=None)
@given(st.lists(LINES, max_size=40))
def test_the_compiler_agrees(lines: list[str]) -> None:
    marked = ["#undef A", "#undef B", *lines]
    source = "\n".join(f"#include <h{number}.h>" if "include" in line else line for number, line in enumerate(marked))
    asked = re.sub(r"#include <(h\d+\.h)>", r"mark \1", source)
    done = subprocess.run(["gcc", "-E", "-P", "-x", "c", "-"], input=asked, capture_output=True, text=True, check=False)
    if done.returncode or ("/*" in asked.replace('"/*"', "") and "*/" not in asked):
        return  # the compiler refuses it
    real = re.findall(r"mark (h\d+ ?\. ?h)", done.stdout)
    found = list(live_includes(source, cpp=False))
    assert [one.name for one in found if one.state == "live"] == real
    assert all(one.state == "live" for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "#if X\n" * 100_000 + "#include <a>\n" * 30_000,
        "#if X\n#else\n" * 60_000 + "#include <a>",
        "/*" * 500_000 + "\n#include <a>",
        '"\\' * 500_000 + "\n#include <a>",
        'R"x(' * 250_000 + "\n#include <a>",
        "'" * 1_000_000 + "\n#include <a>",
        "#if " + "(" * 900_000 + "\n#include <a>",
        "#if " + "!" * 900_000 + "\n#include <a>",
        "#if " + "1||" * 300_000 + "1\n#include <a>",
        "#include <" * 100_000,
        "# " * 500_000 + "include",
        "\\\n" * 500_000 + "#include <a>",
        "#define A A\n" * 80_000 + "#include A",
        "\0" * 1_000_000 + "\n#include <a>",
    ],
    ids=lambda text: repr(text[:12]),
)
def test_time_stays_linear(text: str) -> None:
    start = time.process_time()
    list(live_includes(text))
    assert time.process_time() - start < 5


@settings(max_examples=150, deadline=None)
@given(
    st.text(max_size=300)
    | st.text("#\n \\\"'/*()<>!&|=+-0x1Rif defnduclws_AH.", max_size=300)
    | st.lists(LINES | st.text(max_size=20), max_size=30).map("\n".join)
)
def test_junk_never_raises(text: str) -> None:
    for include in live_includes(text + "\n#include <end.h>\n"):
        assert include.name
        assert 1 <= include.line <= text.count("\n") + text.count("\r") + 3


def test_the_text_that_is_compiled() -> None:
    text = "a\n#if 0\nb\n#elif 1 /* c */\nd\n#else\ne\n#endif\nf // g\n#ifdef UNKNOWN\nh\n#endif\n"
    live = live_text(text)
    assert live.count("\n") == text.count("\n")
    assert re.findall(r"^\w", live, re.MULTILINE) == ["a", "d", "f", "h"]

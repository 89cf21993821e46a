"""What a Makefile that the build runs asks for."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wheelbase.source.findings import Evidence
from wheelbase.source.makefile import find_in_makefile, find_in_makefiles
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree

TEXT = """\
CFLAGS += $(shell pkg-config glib-2.0 --cflags)  # pkg-config nothing --libs
LDLIBS = -L. -lm -lreadline
ifeq ($(KIND),Other)
LDLIBS += -lother
endif
VERSION = $(shell pkg-config --modversion told)
INCLUDES = $(shell xml2-config --cflags)
tool: tool.o
\tcc -o tool tool.o `pkg-config --libs zlib`
"""


def test_variables_are_needed_and_what_stands_on_conditions_is_optional() -> None:
    found = [(one.kind, one.name, one.need, one.where) for one in find_in_makefile(TEXT, "src/Makefile")]
    assert found == [
        ("pkg-config", "glib-2.0", "required", "src/Makefile:1"),
        ("library", "readline", "required", "src/Makefile:2"),
        ("library", "other", "optional", "src/Makefile:4"),
        ("program", "xml2-config", "required", "src/Makefile:7"),
        ("pkg-config", "zlib", "required", "src/Makefile:9"),
    ]


def test_it_is_read_where_the_build_runs_make() -> None:
    for command, expected in (("make", {"glib-2.0"}), ("true", set())):
        script = f"import subprocess\nfrom setuptools import setup\nsubprocess.check_call(['{command}'])\nsetup()\n"
        for name in ("Makefile", "makefile"):
            files = {"setup.py": script.encode(), name: TEXT.encode(), "tool.c": b""}
            tree = SourceTree({path: len(data) for path, data in files.items()}, files)
            found = list(find_in_python(tree))
            modules = {one.name for one in found if isinstance(one, Evidence) and one.kind == "pkg-config"}
            assert modules & {"glib-2.0"} == expected


UNKNOWN = (
    "ifeq ($(shell uname -m),x86_64)",
    "ifeq ($(shell uname -sm),Linux x86_64)",
    "ifeq ($(shell uname | grep Darwin),)",
    "ifeq ($(shell uname -s | cut -c1),L)",
    "ifeq ($(WITH_ONE),1)",
    "ifeq (,a(",
    "ifdef ONE",
)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("ifeq ($(UNAME), Darwin)", {"two": "required"}),
        ("ifeq (Linux,${UNAME})", {"one": "required"}),
        ("ifneq ($(shell uname),Darwin)", {"one": "required"}),
        ('ifeq "$(shell uname -s | tr A-Z a-z)" "linux"', {"one": "required"}),
        ("ifeq ($(OS),Windows_NT)", {"two": "required"}),
        ("ifneq (,$(findstring MINGW,$(UNAME)))", {"two": "required"}),
        ("ifneq ($(findstring Linux,$(UNAME)),)", {"one": "required"}),
        ("ifeq ($(shell uname -s 2>/dev/null || echo not),Linux)", {"one": "required"}),
        ("ifeq ($(shell sh -c 'uname -s'), Linux)", {"one": "required"}),
        *((test, {"one": "optional", "two": "optional"}) for test in UNKNOWN),
    ],
)
def test_conditions_about_the_system(condition: str, expected: dict[str, str]) -> None:
    text = f"UNAME := $(shell uname -s)\n{condition}\nLIBS = -lone\nelse\nLIBS = -ltwo\nendif\nLIBS += -lthree\n"
    assert {one.name: one.need for one in find_in_makefile(text, "Makefile")} == {**expected, "three": "required"}


@pytest.mark.parametrize(
    ("before", "known"),
    [
        ("OS != uname -s", False),
        ("override OS := $(KIND)", False),
        ("include platform.mk", False),
        ("define OS", False),
        ("ifeq ($(OS),Windows_NT)\nOS := other\nendif", True),
        ("include platform.mk\noverride OS := $(shell uname)", True),
    ],
)
def test_variables_that_tell_the_system_no_more(before: str, known: bool) -> None:
    text = f"{before}\nifneq ($(OS),Darwin)\nLIBS = -lone\nendif\n"
    assert {one.need for one in find_in_makefile(text, "Makefile")} == {"required" if known else "optional"}


@pytest.mark.parametrize(
    "line", ['ifeq "$(findstring' + " " * 990 + "," + " " * 980 + '" "a"', "ifeq (" + "," * 1980 + "))", "ifeq (" * 300]
)
def test_hostile_conditions_take_no_time(line: str) -> None:
    start = time.process_time()
    assert list(find_in_makefile(f"{line}\n" * 500, "Makefile")) == []  # a MiB, which is the most that is read
    assert time.process_time() - start < 3


def test_chains_of_conditions_about_the_system() -> None:
    text = """
UNAME ?= $(shell uname)
ifeq ($(UNAME), Darwin)
LIBS = -lone
else ifeq ($(UNAME), Linux)
LIBS = -ltwo
ifdef MORE
LIBS += -lthree
endif
else
LIBS = -lfour
endif
ifdef A
else ifeq ($(UNAME), Linux)
LIBS = -lfive
else
LIBS = -lsix
endif
else
"""
    found = {one.name: one.need for one in find_in_makefile(text, "Makefile")}
    assert found == {"two": "required", "three": "optional", "five": "optional"}


def test_one_that_configure_writes_again_is_not_read() -> None:
    files = {"a/Makefile": b"LIBS = -lreadline\n", "b/Makefile": b"LIBS = -lz\n", "a/Makefile.in": b"LIBS = @LIBS@\n"}
    for more, names in (({"a/configure": b""}, ["z"]), ({"configure": b""}, ["z"]), ({"b/x": b""}, ["readline", "z"])):
        found = find_in_makefiles(SourceTree(dict.fromkeys([*files, *more], 1), files | more))
        assert [one.name for one in found] == names


def test_recipes_that_the_first_target_leads_to_are_needed_and_others_optional() -> None:
    text = (
        "FORT = gfortran\nOUT := $(DIST)/libown.so\n.PHONY: all\nall: $(OUT)\n"
        "$(OUT): first.o | $(DIST)\n\t@$(CXX) -shared $^ -lsent $(LIBS) \\\n\t  -lown -lpthread\n"
        "%.o: %.f90\n\t$(FORT) -c $< -o $@\n"
        "bench: bench.c\n\t$(CC) $< -o $@ -lbench\n"
        "%.1: %.adoc\n\tmakeinfo $<\n"
        "OTHER = other\n"
    )
    found = {(one.kind, one.name, one.need) for one in find_in_makefile(text, "Makefile")}
    assert found == {
        ("library", "sent", "required"),
        ("program", "gfortran", "required"),
        ("library", "bench", "optional"),
        ("program", "makeinfo", "optional"),
    }


def test_a_recipe_that_runs_make_again_leads_on() -> None:
    text = "all:\n\t+$(MAKE) --silent lib\nlib:\n\tbison -o a.c a.y\ndocs:\n\tmakeinfo a.texi\n"
    found = {(one.name, one.need) for one in find_in_makefile(text, "Makefile")}
    assert found == {("bison", "required"), ("makeinfo", "optional")}


def test_a_variable_of_one_target_is_optional() -> None:
    text = "all: lib\nbench tests: LDLIBS += -lother\nLDLIBS := -lsent\n"
    found = {(one.name, one.need) for one in find_in_makefile(text, "Makefile")}
    assert found == {("other", "optional"), ("sent", "required")}


@pytest.mark.parametrize(
    "text",
    [
        "a" + " " * 500_000 + "b\n",
        "a: " * 200_000,
        "A = " + "$(A)" * 100_000 + "\nall:\n" + "\t$(A)" * 50_000 + "\n",
        "A = " + "x" * 100_000 + "\nall:\n" + ("\t$(A) -lfoo " + "$(A)" * 400 + "\n") * 20_000,
        "".join(f"t{n}: t{n + 1} all\n\t$(MAKE) t{n + 2}\n" for n in range(20_000)),
        "all: " + " ".join(f"t{n}" for n in range(20_000)) + "\n" + "t%: all\n\tcc -lfoo\n" * 5_000,
        "\\\n" * 300_000,
        "$(" * 200_000 + ": x\n\t" + "$(" * 200_000,
    ],
)
def test_makefiles_that_would_never_end_do(text: str) -> None:
    started = time.process_time()
    list(find_in_makefile(text, "Makefile"))
    assert time.process_time() - started < 5  # seconds


@given(st.text(alphabet="$(){}AB:=+\t\n\\#% .lib-", max_size=300))
def test_any_makefile_is_read(text: str) -> None:
    list(find_in_makefile(text, "Makefile"))

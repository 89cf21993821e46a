"""What shell scripts ask for that build scripts run."""

import time

import pytest
from tests.unit.source.test_counts import tree_of
from tests.unit.source.test_python_scripts import START, find_in

from wheelbase.source.analysis import analyse
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.shell import commands_of

RUNS = f"{START}subprocess.check_call(['./own/make_it.sh', '1'])\n"


def found(script: str, setup: str = RUNS) -> set[tuple[str, str]]:
    items = find_in({"setup.py": setup.encode(), "own/make_it.sh": script.encode()})
    asked = {(one.name, f"{one.where} {one.need}") for one in items if isinstance(one, Evidence)}
    return asked | {(one.text, one.where) for one in items if isinstance(one, Flag)}


def test_what_a_script_runs() -> None:
    assert found("#!/bin/sh\nset -e\ncmake -S . -B b && \\\n  ninja -C b\n") == {
        ("cmake", "own/make_it.sh:3 required"),
        ("ninja", "own/make_it.sh:3 required"),
    }
    assert found("wget https://e.org/a.tar.gz\n") == {("wget fetches https://e.org/a.tar.gz", "own/make_it.sh:1")}


def test_a_script_that_is_run_on_a_condition_or_is_not_there() -> None:
    on_condition = RUNS.replace("subprocess.check", "if os.path.isdir('/opt/a'):\n    subprocess.check")
    assert found("cmake .\n", on_condition) == {("cmake", "own/make_it.sh:1 optional")}
    assert found("cmake .\n", RUNS.replace("make_it", "other")) == set()


@pytest.mark.parametrize(
    "script",
    [
        "# cmake .\n",
        "if true; then\n  cmake .\nfi\n",
        "if true\nthen\n  if false; then cmake .; fi\n  cmake .\nfi\n",
        "case $1 in\n  a) cmake . ;;\nesac\n",
        "build() {\n  cmake .\n}\n",
        "cat >a <<END\ncmake .\nEND\n",
        "",
    ],
)
def test_what_is_not_run_whatever_is_found(script: str) -> None:
    assert found(script) == set()
    assert found(f"{script}cmake .\n") == {("cmake", f"own/make_it.sh:{script.count(chr(10)) + 1} required")}


def test_a_script_of_any_length_comes_to_an_end() -> None:
    assert len(list(commands_of("make\n" * 10_000))) <= 2_000


def test_a_script_that_is_run_again_and_again_is_read_once() -> None:
    start = time.perf_counter()
    assert found("cmake .\n" * 2_000, RUNS + "subprocess.call(['./own/make_it.sh'])\n" * 1_000)
    assert time.perf_counter() - start < 10


def test_a_script_counts_where_it_is_run_on_the_fewest_conditions() -> None:
    on_condition = "if os.path.isdir('/opt/a'):\n    subprocess.check_call(['./own/make_it.sh'])\n"
    for setup in (f"{RUNS}{on_condition}", f"{START}{on_condition}{RUNS}"):
        assert found("cmake .\n", setup) == {("cmake", "own/make_it.sh:1 required")}


def test_a_script_that_runs_cmake_is_told_to_what_reads_its_project() -> None:
    setup = "import subprocess\nfrom setuptools import setup\nsubprocess.check_call(['sh', 'build.sh'])\nsetup()\n"
    files = {"setup.py": setup, "build.sh": "cmake .\n", "CMakeLists.txt": "find_package(ZLIB REQUIRED)\n", "a.c": ""}
    (one,) = (one for one in analyse(tree_of(files)).evidence if one.name == "ZLIB")
    assert one.need == "required"

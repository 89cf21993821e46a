"""Compilers that a build script chooses, and what it has them link."""

import pytest

from wheelbase.source.findings import Evidence
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree

START = "import os, subprocess\nfrom setuptools import setup, Extension\n"
START += "from setuptools.command.build_ext import build_ext\n"
SETUP = "setup(ext_modules=[Extension('a', ['a.c'])])\n"
COMMAND = (
    "class Build(build_ext):\n  def build_extensions(self):\n    {line}\n    build_ext.build_extensions(self)\n"
    "setup(cmdclass={{'build_ext': Build}}, ext_modules=[Extension('a', ['a.c'])])\n"
)


def asked(script: str) -> set[tuple[str, str, str]]:
    files = {"setup.py": (START + script).encode(), "a.c": b"", "PKG-INFO": b""}
    found = find_in_python(SourceTree({path: len(data) for path, data in files.items()}, files))
    return {(one.kind, one.name, one.need) for one in found if isinstance(one, Evidence) and one.kind != "language"}


@pytest.mark.parametrize(
    "line",
    [
        "os.environ['CC'] = 'mpicc'",
        "os.environ['CC'] = os.environ.get('MPICC', 'mpicc')",
        "os.environ.setdefault('CXX', 'ccache mpicc')",
        "os.environ.update(CC='mpicc', OTHER='gfortran')",
        "os.environ.update({'CC': 'mpicc'})",
        "os.putenv('CC', 'mpicc')",
        "subprocess.check_call(['make'], env=dict(os.environ, CC='mpicc'))",
    ],
)
def test_compilers_in_the_environment(line: str) -> None:
    assert ("program", "mpicc", "required") in asked(f"{line}\n{SETUP}")
    assert not {name for _, name, _ in asked(f"{line}\n{SETUP}")} & {"gfortran", "gcc"}


@pytest.mark.parametrize(
    "line",
    [
        "self.compiler.set_executable('compiler_so', 'mpicc')",
        "self.compiler.set_executables(compiler_so='mpicc -O2', linker_so='gcc')",
        "self.compiler.compiler_so[0] = 'mpicc'",
    ],
)
def test_commands_of_the_compiler_that_setuptools_made(line: str) -> None:
    assert asked(COMMAND.format(line=line)) == {("program", "mpicc", "required")}


def test_compilers_that_are_there_are_nothing_to_ask_for() -> None:
    assert (
        asked(f"os.environ['CC'] = 'gcc'\nos.environ['OTHER'] = 'mpicc'\noptions = dict(CC='mpicc')\n{SETUP}") == set()
    )
    assert asked(COMMAND.format(line="self.compiler.compiler_so[1] = 'mpicc'")) == set()


def test_clang_is_not_there() -> None:
    assert asked(f"subprocess.check_call(['clang', '-c', 'a.c'])\n{SETUP}") == {("program", "clang", "required")}
    assert asked(f"subprocess.check_call(['cc', '-c', 'a.c'])\n{SETUP}") == set()


def test_what_a_script_links_itself() -> None:
    assert asked(f"os.environ['LDFLAGS'] = '-lyaml -O2'\n{SETUP}") == {("library", "yaml", "required")}
    link = "from distutils.ccompiler import new_compiler\nmade = new_compiler()\n"
    linked = "made.link_shared_lib(['a.o'], 'a', libraries=['yaml'], extra_postargs=['-lsent'])\n"
    assert asked(f"{link}{linked}setup()\n") == {("library", "yaml", "required"), ("library", "sent", "required")}


def test_a_link_that_may_fail_is_a_trial() -> None:
    link = "from distutils.ccompiler import new_compiler\nmade = new_compiler()\n"
    tried = "try:\n  made.link_executable(['a.o'], 'a', libraries=['yaml'])\nexcept Exception:\n  pass\n"
    assert asked(f"{link}{tried}setup()\n") == {("library", "yaml", "optional")}


def test_calls_that_set_nothing() -> None:
    calls = "__setitem__()\nfoo.compiler_so.__setitem__()\nos.environ.__setitem__('CC')\nfoo.set_executable()\n"
    assert asked(f"{calls}{SETUP}") == set()

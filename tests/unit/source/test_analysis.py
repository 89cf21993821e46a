"""What all detectors together find in an archive."""

import pytest

from wheelbase.source.analysis import analyse
from wheelbase.source.findings import Findings
from wheelbase.source.tree import SourceTree


def findings(files: dict[str, str]) -> Findings:
    contents = {path: text.encode() for path, text in files.items()}
    return analyse(SourceTree({path: len(content) for path, content in contents.items()}, contents))


SETUP = """
from setuptools import Extension, setup
import subprocess
subprocess.check_call(["cmake", "."])
setup(ext_modules=[Extension("a", ["a.i"])])
"""


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, {"cmake", "swig"}),
        ({"pyproject.toml": "[build-system]\nrequires = ['setuptools', 'SWIG>4', 'cmake']\n"}, set()),
        ({"pyproject.toml": "[build-system]\nrequires = ['swig; sys_platform == \"win32\"']\n"}, {"cmake", "swig"}),
        ({"setup.cfg": "[options]\nsetup_requires =\n  cmake>=3\n"}, {"swig"}),
    ],
)
def test_programs_that_pip_installs_are_no_needs(files: dict[str, str], expected: set[str]) -> None:
    found = findings({"setup.py": SETUP, "a.i": "%module a\n", **files})
    assert {one.name for one in found.evidence if one.kind == "program"} == expected


@pytest.mark.parametrize(
    ("line", "programs", "flags"),
    [
        ("subprocess.check_call(['git', 'describe'])", {"git"}, set()),
        ("subprocess.check_call(['cmake', '.'])", {"cmake"}, {"unreadable"}),
        ("urllib.request.urlretrieve('https://example.org/a.tar.gz')", set(), {"download"}),
        ("if 'X' in os.environ:\n  subprocess.check_call(['cmake', '.'])", set(), set()),
    ],
)
def test_pure_archives_whose_scripts_run_programs(line: str, programs: set[str], flags: set[str]) -> None:
    start = "import os, subprocess, urllib.request\nfrom setuptools import setup\n"
    found = findings({"setup.py": f"{start}{line}\nsetup(name='x')\n", "x/__init__.py": ""})
    assert ({one.name for one in found.evidence}, {flag.kind for flag in found.flags}) == (programs, flags)


def test_pure_archives_with_a_makefile_build_something() -> None:
    script = "import subprocess\nfrom setuptools import setup\nsubprocess.check_call(['make', '-C', 'po'])\nsetup()\n"
    found = findings({"setup.py": script, "po/Makefile": "all:\n\tmsgfmt x.po\n"})
    assert ({one.name for one in found.evidence} >= {"make"}, found.flags) == (True, ())


def test_libraries_of_wheels_of_cmeel_are_no_needs() -> None:
    files = {"CMakeLists.txt": "project(x)\nfind_package(assimp REQUIRED)\n", "a.cpp": "#include <boost/any.hpp>\n"}
    requires = "[build-system]\nbuild-backend = 'cmeel'\nrequires = ['cmeel[build]'%s]\n"
    for more, need in (("", "required"), (", 'cmeel-boost'", "optional")):
        found = findings({"pyproject.toml": requires % more, **files})
        assert {one.need for one in found.evidence if one.name == "assimp"} == {need}


def test_an_archive_that_was_read_in_part_says_so() -> None:
    content = b"int x;"
    found = analyse(SourceTree({"a.c": len(content)}, {"a.c": content}, whole=False))
    assert [flag.kind for flag in found.flags] == ["unreadable"]


def test_sources_that_a_program_of_the_archive_compiles() -> None:
    setup = "from setuptools import setup\nimport mybuild\nmybuild.run()\nsetup()\n"
    found = findings(
        {"setup.py": setup, "mybuild.py": "import subprocess\ndef run():\n    x()\n", "a.c": "#include <z.h>\n"}
    )
    assert [(one.name, one.need) for one in found.evidence if one.kind == "header"] == [("z.h", "optional")]
    assert [flag.kind for flag in found.flags] == ["dynamic"] and found.counts["c_files"] == 1


def test_options_that_code_for_linux_gives_to_cmake() -> None:
    script = (
        "import subprocess, sys\nfrom setuptools import Extension, setup\n"
        "from setuptools.command.build_ext import build_ext\n"
        "def more():\n    return ['-DONE=ON']\n"
        "class Build(build_ext):\n    def build_extension(self, ext):\n        given = ['-DTWO=ON']\n"
        "        if sys.platform == 'win32':\n            given += more() + ['-DTHREE=ON']\n"
        "        subprocess.check_call(['cmake', '.', *given])\n"
        "setup(ext_modules=[Extension('a', [])], cmdclass={'build_ext': Build})\n"
    )
    tests = "".join(f"if({name})\nfind_package({name}_ REQUIRED)\nendif()\n" for name in ("ONE", "TWO", "THREE"))
    options = 'option(ONE "" OFF)\noption(TWO "" OFF)\noption(THREE "" OFF)\n'
    files = {"setup.py": script, "CMakeLists.txt": f"project(a C)\n{options}{tests}", "a.c": ""}
    contents = {path: text.encode() for path, text in files.items()}
    found = analyse(SourceTree({path: len(data) for path, data in contents.items()}, contents))
    assert {one.name: one.need for one in found.evidence if one.kind == "cmake"} == {
        "ONE_": "optional",
        "TWO_": "required",
    }

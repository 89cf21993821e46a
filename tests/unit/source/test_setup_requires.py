"""What a setup.py or setup.cfg has installed before it can build."""

import pytest

from wheelbase.source.findings import Evidence
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree


def requirements(**files: str) -> list[Evidence]:
    data = {name.replace("_", "."): text.encode() for name, text in files.items()}
    found = find_in_python(SourceTree({path: len(text) for path, text in data.items()}, data))
    return [one for one in found if isinstance(one, Evidence) and one.kind == "requirement"]


@pytest.mark.parametrize(
    "script",
    [
        "setup(setup_requires=['numpy>=1.13.3'])",
        "more = {'setup_requires': ['numpy>={}'.format('1.13.3')]}\nsetup(**more)",
        "needed = []\nneeded.extend(['numpy>=1.13.3'])\nsetup(setup_requires=needed)",
        "setup(setup_requires='''\n  numpy>=1.13.3\n''')",
        "setup(setup_requires='numpy>=1.13.3')",
    ],
)
def test_ways_to_ask(script: str) -> None:
    (one,) = requirements(setup_py=f"from setuptools import setup\n{script}\n")
    assert (one.name, one.need, one.where.partition(":")[0]) == ("numpy>=1.13.3", "required", "setup.py")


def test_a_condition_is_told() -> None:
    script = "import sys\nfrom setuptools import setup\nsetup(setup_requires=['nose'] if tested(sys.argv) else [])\n"
    assert [(one.name, one.need, "argv" in one.condition) for one in requirements(setup_py=script)] == [
        ("nose", "optional", True)
    ]


def test_setup_cfg() -> None:
    text = "[options]\ninstall_requires = six\nsetup_requires =\n    cffi\n    numpy; python_version>='3'\n"
    found = requirements(setup_py="from setuptools import setup\nsetup()\n", setup_cfg=text)
    assert [(one.name, one.where) for one in found] == [
        ("cffi", "setup.cfg:4"),
        ("numpy; python_version>='3'", "setup.cfg:5"),
    ]

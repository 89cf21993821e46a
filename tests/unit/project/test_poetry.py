"""Poetry's version constraints and tables, against the examples of its documentation."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelbase.errors import RequirementsError
from wheelbase.project.poetry import poetry_specifier, python_marker
from wheelbase.project.pyproject import read_pyproject


@pytest.mark.parametrize(
    ("constraint", "expected"),
    [
        # Poetry's documentation, "Dependency specification", its tables in their order
        ("^1.2.3", ">=1.2.3,<2.0.0"),
        ("^1.2", ">=1.2.0,<2.0.0"),
        ("^1", ">=1.0.0,<2.0.0"),
        ("^0.2.3", ">=0.2.3,<0.3.0"),
        ("^0.0.3", ">=0.0.3,<0.0.4"),
        ("^0.0", ">=0.0.0,<0.1.0"),
        ("^0", ">=0.0.0,<1.0.0"),
        ("~1.2.3", ">=1.2.3,<1.3.0"),
        ("~1.2", ">=1.2.0,<1.3.0"),
        ("~1", ">=1.0.0,<2.0.0"),
        ("*", ""),
        ("1.*", ">=1.0.0,<2.0.0"),
        ("1.2.*", ">=1.2.0,<1.3.0"),
        (">= 1.2.0", ">=1.2.0"),
        ("> 1", ">1"),
        ("!= 1.2.3", "!=1.2.3"),
        (">= 1.2, < 1.5", ">=1.2,<1.5"),
        (">=1.2 <1.5", ">=1.2,<1.5"),
        ("1.2.3", "==1.2.3"),
        ("==1.2.3", "==1.2.3"),
        ("=1.2.3", "==1.2.3"),
        ("~=1.2", ">=1.2,<2"),
        ("^1.2.3, !=1.2.5", ">=1.2.3,<2,!=1.2.5"),
        ("^2022.1", ">=2022.1,<2023"),
        # alternatives: their span
        ("^1.0 || ^2.0", ">=1.0,<3"),
        ("^1.0 | ^2.0", ">=1.0,<3"),
        ("<2 || >=1.9", ""),
        ("~1.2 || >=1.3", ">=1.2"),
    ],
)
def test_constraints_allow_what_poetry_allows(constraint: str, expected: str) -> None:
    numbers = [0, 1, 2, 3, 4, 5, 9]
    versions = [f"{a}.{b}.{c}" for a in (0, 1, 2, 3, 2022, 2023) for b in numbers for c in numbers]
    ours, theirs = poetry_specifier(constraint), SpecifierSet(expected)
    assert [v for v in versions if ours.contains(v)] == [v for v in versions if theirs.contains(v)]


@pytest.mark.parametrize("constraint", ["^", "^x", "latest", ">=", "1.2.3.", "^1.*", "~" + "9" * 5000, "^1 || nope"])
def test_what_is_no_constraint_is_refused(constraint: str) -> None:
    with pytest.raises(RequirementsError, match="is not a version constraint of Poetry") as caught:
        poetry_specifier(constraint)
    assert caught.value.hint


@given(st.lists(st.integers(0, 50), min_size=1, max_size=4), st.sampled_from("^~"))
def test_caret_and_tilde_begin_at_their_version_and_end_at_the_next_one(release: list[int], operator: str) -> None:
    text = ".".join(map(str, release))
    specifier = poetry_specifier(operator + text)
    low, high = sorted(Version(each.version) for each in specifier)
    assert low == Version(text)
    assert specifier.contains(low)
    assert specifier.contains(f"{text}.1") or len(release) == 3 or operator == "^"
    assert not specifier.contains(high)
    changed = [i for i, (a, b) in enumerate(zip(low.release, high.release, strict=False)) if a != b]
    assert len(high.release) == changed[0] + 1
    assert high.release[-1] == low.release[changed[0]] + 1


@pytest.mark.parametrize(
    ("constraint", "yes", "no"),
    [
        ("<3.11", ["3.10.4"], ["3.11.0"]),
        ("^3.8", ["3.8.0", "3.13.1"], ["3.7.9", "4.0.0"]),
        ("3.9", ["3.9.7"], ["3.10.0"]),
        ("3.9.*", ["3.9.7"], ["3.10.0"]),
        ("<3.9 || >=3.12", ["3.8.1", "3.12.0"], ["3.10.0"]),
        ("~3.9 || ~3.11", ["3.9.1", "3.11.1"], ["3.10.0"]),
    ],
)
def test_a_constraint_on_python_becomes_a_marker(constraint: str, yes: list[str], no: list[str]) -> None:
    marker = Marker(python_marker(constraint))
    for version in (*yes, *no):
        environment = {"python_full_version": version, "python_version": version.rpartition(".")[0]}
        assert marker.evaluate(environment) == (version in yes), version


def test_a_constraint_that_allows_any_python_is_no_marker() -> None:
    assert python_marker("*") == python_marker("* || >=3.8") == ""


TABLES = """
[tool.poetry]
name = "shop"
[tool.poetry.dependencies]
python = "^3.10"
click = "^8.1"
Tomli = { version = "~2.0", python = "<3.11" }
colorama = { version = "*", platform = "win32" }
idna = [{ version = "<3.8", python = "<3.13" }, { version = "^3.8", markers = "python_version >= '3.13'" }]
httpx = { version = "^0.27", optional = true, extras = ["http2"] }
psycopg = { version = "*", optional = true }
[tool.poetry.extras]
web = ["HTTPX"]
[tool.poetry.dev-dependencies]
mypy = "*"
[tool.poetry.group.test]
optional = true
include-groups = ["lint"]
[tool.poetry.group.test.dependencies]
pytest = "^8"
[tool.poetry.group.lint.dependencies]
ruff = ">0.5"
"""


def test_poetry_s_own_tables(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(TABLES)
    found = read_pyproject(path)
    plain = [
        "click<9,>=8.1",
        'Tomli<2.1,>=2.0; python_full_version < "3.11"',
        'colorama; sys_platform == "win32"',
        'idna<3.8; python_full_version < "3.13"',
        'idna<4,>=3.8; python_version >= "3.13"',
    ]
    assert [str(each) for each in found.requirements] == plain
    assert found.requires_python == SpecifierSet(">=3.10,<4")
    more = read_pyproject(path, extras=["Web"], groups=["test", "dev"])
    assert [str(each) for each in more.requirements][len(plain) :] == [
        "httpx[http2]<0.28,>=0.27",
        "pytest<9,>=8",
        "ruff>0.5",
        "mypy",
    ]


@pytest.mark.parametrize("source", ["git = 'https://git.example/x'", "path = 'x'", "url = 'https://x'", "file = 'x'"])
def test_a_dependency_from_elsewhere_is_refused(tmp_path: Path, source: str) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(f"[tool.poetry.dependencies]\nlib = {{ {source} }}\n")
    with pytest.raises(RequirementsError, match=r"lib comes from .*, not from an index") as caught:
        read_pyproject(path)
    assert caught.value.hint


def test_an_extra_or_group_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(TABLES)
    with pytest.raises(RequirementsError, match="has no extra 'nope'") as caught:
        read_pyproject(path, extras=["nope"])
    assert caught.value.hint == "it has web"
    with pytest.raises(RequirementsError, match="has no dependency group 'nope'") as caught:
        read_pyproject(path, groups=["nope"])
    assert caught.value.hint == "it has dev, test, lint"


def test_groups_that_include_each_other(tmp_path: Path) -> None:
    path = tmp_path / "pyproject.toml"
    groups = [f"[tool.poetry.group.{a}]\ninclude-groups = ['{b}']\n" for a, b in pairwise("aba")]
    path.write_text("[project]\nname = 'x'\n" + "".join(groups))
    with pytest.raises(RequirementsError, match="includes itself"):
        read_pyproject(path, groups=["a"])

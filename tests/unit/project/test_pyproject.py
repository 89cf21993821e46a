"""pyproject.toml: PEP 621, extras, dependency groups, uv's sources."""

from pathlib import Path

import pytest

from wheelbase.errors import RequirementsError
from wheelbase.project.pyproject import read_pyproject
from wheelbase.project.values import Requirements


def read(folder: Path, text: str, extras: list[str] | None = None, groups: list[str] | None = None) -> Requirements:
    (folder / "pyproject.toml").write_text(text)
    return read_pyproject(folder / "pyproject.toml", extras=extras or [], groups=groups or [])


def lines(requirements: Requirements) -> list[str]:
    return [str(requirement) for requirement in requirements.requirements]


PROJECT = """
[project]
name = "Shop.App"
requires-python = ">=3.12"
dependencies = ["click>=8", "shop-app[cli]; sys_platform == 'linux'"]
[project.optional-dependencies]
Web_UI = ["httpx[http2]", "colorama; os_name == 'nt'"]
cli = ["rich; python_version < '3.14'"]
all = ["shop-app[web-ui,cli]", "shop-app[all]"]
[dependency-groups]
Test = ["pytest>=8", { include-group = "cov" }]
cov = ["coverage"]
dev = ["ruff"]
"""


def test_dependencies_alone(tmp_path: Path) -> None:
    found = read(tmp_path, PROJECT)
    assert lines(found) == ["click>=8", 'rich; python_version < "3.14" and sys_platform == "linux"']
    assert str(found.requires_python) == ">=3.12"
    assert found.source == "pyproject.toml"


def test_extras_and_groups_by_any_spelling(tmp_path: Path) -> None:
    assert lines(read(tmp_path, PROJECT, ["web-ui"], ["test"]))[2:] == [
        "httpx[http2]",
        'colorama; os_name == "nt"',
        "pytest>=8",
        "coverage",
    ]


def test_an_extra_made_of_extras(tmp_path: Path) -> None:
    names = [line.partition(";")[0] for line in lines(read(tmp_path, PROJECT, ["all"]))]
    assert sorted(set(names)) == ["click>=8", "colorama", "httpx[http2]", "rich"]


def test_a_project_without_dependencies_needs_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "[project]\nname = 'x'\n").requirements == ()


def test_groups_without_a_project(tmp_path: Path) -> None:
    assert lines(read(tmp_path, "[dependency-groups]\nops = ['h11']\n", groups=["ops"])) == ["h11"]


def test_setuptools_names_the_file_of_dynamic_dependencies(tmp_path: Path) -> None:
    (tmp_path / "reqs.txt").write_text("six\n")
    text = "[project]\nname='x'\ndynamic=['dependencies']\n[tool.setuptools.dynamic]\ndependencies={file=%s}\n"
    assert lines(read(tmp_path, text % "['reqs.txt']")) == lines(read(tmp_path, text % "'reqs.txt'")) == ["six"]


def test_the_project_table_with_poetry_s_dependencies_and_groups(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[project]\nname='x'\nrequires-python='>=3.11'\ndynamic=['dependencies']\n"
        "[dependency-groups]\ndev=['six']\n"
        "[tool.poetry.dependencies]\nclick='^8'\n[tool.poetry.group.dev.dependencies]\npytest='^8'\n",
        groups=["dev"],
    )
    assert lines(found) == ["click<9,>=8", "six", "pytest<9,>=8"]
    assert str(found.requires_python) == ">=3.11"


def test_what_uv_takes_from_elsewhere_is_not_looked_up_on_an_index(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[project]\nname='x'\ndependencies=['click', 'My_Lib>1', 'torch', 'other']\n"
        "[tool.uv.sources]\nmy-lib={workspace=true}\ntorch=[{index='cpu'}]\nother=[{git='https://git.example/o'}]\n",
    )
    assert lines(found) == ["click", "torch"]
    assert found.skipped == (
        "My_Lib: from workspace (tool.uv.sources), not from an index",
        "other: from git (tool.uv.sources), not from an index",
    )


def test_paths_in_uv_s_settings_hold_from_anywhere(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "[project]\nname='x'\n[tool.uv]\nfind-links=['wheels', 'https://l.example']\n"
        "index=[{name='a', url='mirror'}, {url='https://i.example'}]\n",
    )
    assert found.tool_uv == {
        "find-links": [str(tmp_path / "wheels"), "https://l.example"],
        "index": [{"name": "a", "url": str(tmp_path / "mirror")}, {"url": "https://i.example"}],
    }
    (tmp_path / "uv.toml").write_text("no-index = true\n")
    assert read(tmp_path, "[project]\nname='x'\n[tool.uv]\nfind-links=['wheels']\n").tool_uv == {"no-index": True}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"has no \[project\] table"),
        ("[tool.ruff]\nline-length = 100\n", r"has no \[project\] table"),
        ("[project\n", "is not valid TOML"),
        ("[project]\nname = 'x'\ndependencies = ['click'", "is not valid TOML"),
        ("x = " + "[" * 5000, "is not valid TOML"),
        ("x = " + "9" * 5000, "is not valid TOML"),
        ("project = 3\n", "Expected `object`, got `int` at `project`"),
        ("[[project]]\n", "Expected `object`, got `array` at `project`"),
        ("[project]\ndependencies = 'click'\n", "Expected `array.*at `project.dependencies`"),
        ("[project]\ndependencies = [1]\n", r"at `project.dependencies\[0\]`"),
        ("[project]\ndependencies = ['click=>8']\n", "project.dependencies: 'click=>8' is not a requirement"),
        ("[project]\ndependencies = ['x @ git+https://git.example/x']\n", "x comes from git"),
        ("[project]\nrequires-python = '3.x'\n", "requires-python is '3.x'"),
        ("[project]\nrequires-python = 3.12\n", "at `project.requires-python`"),
        ("[project]\nname = 'x'\ndynamic = ['dependencies']\n", "leaves its dependencies to its build backend"),
        ("tool = 1\n[project]\nname='x'\n", "at `tool`"),
        ("[project]\nname='x'\n[tool.uv]\nindex = 'https://i.example'\n", "at `index`"),
        ("[project]\nname='x'\n[tool.uv]\nsources = 3\n", "at `sources`"),
        ("[tool.poetry.dependencies]\nclick = 8\n", "at `tool.poetry.dependencies"),
        ("[tool.poetry.dependencies]\nclick = 'eight'\n", "'eight' is not a version constraint"),
        ("[tool.poetry.dependencies]\npython = 'three'\n", "'three' is not a version constraint"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_way_out(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(RequirementsError, match=message) as caught:
        read(tmp_path, text)
    assert "pyproject.toml" in str(caught.value) or "Poetry" in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("['click=>8']", "Expected"),
        ("[{include-group='g'}]", "includes itself"),
        ("[{include-group='none'}]", "'none' not found"),
        ("[{set='x'}]", "Invalid dependency group item"),
        ("[3]", "Invalid dependency group item"),
        ("['./x']", "group"),
        ("['x @ https://files.example/x']", "x comes from"),
    ],
)
def test_a_group_that_cannot_be_read(tmp_path: Path, group: str, message: str) -> None:
    with pytest.raises(RequirementsError, match=message) as caught:
        read(tmp_path, f"[dependency-groups]\ng = {group}\n", groups=["g"])
    assert caught.value.hint
    assert read(tmp_path, f"[dependency-groups]\ng = {group}\n").requirements == ()

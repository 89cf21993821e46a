"""Labels of what a project says of itself."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wheelbase.project.labels import PREFIX, project_labels

ALL = {
    "title": "shop",
    "version": "1.2",
    "description": "sells",
    "licenses": "MIT",
    "source": "https://code.example/shop",
    "url": "https://shop.example",
}
TEXTS = "name = 'shop'\nversion = '1.2'\ndescription = 'sells'\nlicense = 'MIT'\n"
PROJECT = f"[project]\n{TEXTS}urls = {{Homepage = 'https://shop.example', Repository = 'https://code.example/shop'}}\n"
POETRY = f"[tool.poetry]\n{TEXTS}homepage = 'https://shop.example'\nrepository = 'https://code.example/shop'\n"


def labels(folder: Path, text: str) -> Mapping[str, str]:
    (folder / "pyproject.toml").write_text(text)
    found = project_labels(folder)
    assert all(name.startswith(f"{PREFIX}.") for name in found)
    return {name.removeprefix(f"{PREFIX}."): text for name, text in found.items()}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PROJECT, ALL),
        (POETRY, ALL),
        ("[project]\nname = 'a'\n" + POETRY, {"title": "a"}),
        ("[project]\nname = 'a'\nlicense = {text = 'MIT'}\n", {"title": "a"}),
        (
            "[tool.poetry]\nname = 'a'\n[tool.poetry.urls]\n'Source Code' = 'https://code.example'\n",
            {"title": "a", "source": "https://code.example"},
        ),
        ("[tool.poetry]\npackage-mode = false\n", {}),
        ("[tool.ruff]\n", {}),
    ],
)
def test_labels(tmp_path: Path, text: str, expected: Mapping[str, str]) -> None:
    assert labels(tmp_path, text) == expected


def test_a_folder_without_pyproject_has_none(tmp_path: Path) -> None:
    assert project_labels(tmp_path) == {}

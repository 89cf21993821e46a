"""The case that the product answers, against what was published of it on 2020-01-29."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from wheelbase.cli import cli

pytestmark = pytest.mark.network
ARTICLE_SLIM_BYTES = 363_000_000


def compared(*arguments: str) -> dict[str, dict[str, Any]]:
    result = CliRunner().invoke(cli, ["compare", "matplotlib", "pandas", *arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    return {base["base"]: base for base in json.loads(result.stdout)["bases"]}


def test_january_2020() -> None:
    bases = compared(
        *("--python", "3.8", "--as-of", "2020-01-29", "--base", "python:3.8-slim", "--base", "python:3.8-alpine")
    )
    slim, alpine = bases["python:3.8-slim"], bases["python:3.8-alpine"]
    taken = {file["name"]: file for file in slim["files"]}
    assert taken["matplotlib"]["filename"] == "matplotlib-3.1.2-cp38-cp38-manylinux1_x86_64.whl"
    assert taken["pandas"]["filename"] == "pandas-0.25.3-cp38-cp38-manylinux1_x86_64.whl"
    assert slim["compiles"] == []
    assert slim["image_bytes"] == pytest.approx(ARTICLE_SLIM_BYTES, rel=0.02)
    assert alpine["compiles"] == ["kiwisolver", "matplotlib", "numpy", "pandas"]
    archive = next(file for file in alpine["files"] if file["name"] == "matplotlib")
    assert (archive["filename"], archive["kind"]) == ("matplotlib-3.1.2.tar.gz", "sdist")
    assert archive["bytes"] == pytest.approx(40_900_000, rel=0.01)


def test_november_2026() -> None:
    bases = compared("--python", "3.13", "--as-of", "2026-11-24", "--base", "python:3.13-alpine3.23")
    alpine = bases["python:3.13-alpine3.23"]
    assert (alpine["compiles"], alpine["verdict"], alpine["wheels"]) == ([], "wheels", 12)

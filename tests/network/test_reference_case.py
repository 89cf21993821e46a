"""The case that the product answers, against what was published of it on 2020-01-29."""

import json
from typing import Any

import pytest
from click.testing import CliRunner

from wheelbase.cli import cli

pytestmark = pytest.mark.network
PUBLISHED_SLIM_BYTES = 363_000_000
PUBLISHED_ALPINE_BYTES = 851_000_000  # with the compilers left in
PUBLISHED_ALPINE_SECONDS = 1557  # for the whole image, on a machine that is not known


def answer(*arguments: str) -> dict[str, Any]:
    result = CliRunner().invoke(cli, [*arguments, "--format", "json"])
    assert result.exit_code == 0, result.output
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def compared(*arguments: str) -> dict[str, dict[str, Any]]:
    return {base["base"]: base for base in answer("compare", "matplotlib", "pandas", *arguments)["bases"]}


def named(needs: dict[str, Any], *groups: str) -> dict[str, dict[str, Any]]:
    return {need["package"]: need for group in groups for need in needs[group]}


def test_january_2020() -> None:
    bases = compared(
        *("--python", "3.8", "--as-of", "2020-01-29", "--base", "python:3.8-slim", "--base", "python:3.8-alpine")
    )
    slim, alpine = bases["python:3.8-slim"], bases["python:3.8-alpine"]
    taken = {file["name"]: file for file in slim["files"]}
    assert taken["matplotlib"]["filename"] == "matplotlib-3.1.2-cp38-cp38-manylinux1_x86_64.whl"
    assert taken["pandas"]["filename"] == "pandas-0.25.3-cp38-cp38-manylinux1_x86_64.whl"
    assert slim["compiles"] == []
    assert slim["image_bytes"] == pytest.approx(PUBLISHED_SLIM_BYTES, rel=0.02)
    assert alpine["compiles"] == ["kiwisolver", "matplotlib", "numpy", "pandas"]
    archive = next(file for file in alpine["files"] if file["name"] == "matplotlib")
    assert (archive["filename"], archive["kind"]) == ("matplotlib-3.1.2.tar.gz", "sdist")
    assert archive["bytes"] == pytest.approx(40_900_000, rel=0.01)
    needed = named(alpine["building"], "build")
    assert {"freetype-dev", "libpng-dev"} <= needed.keys()
    assert all(need["evidence"] for need in needed.values())
    assert named(alpine["building"], "build", "optional")["openblas-dev"]["lost"] == "fast linear algebra"
    seconds = alpine["compile_cpu_seconds"]
    assert PUBLISHED_ALPINE_SECONDS / 2.5 < seconds["value"] < PUBLISHED_ALPINE_SECONDS * 2.5
    assert seconds["low"] < PUBLISHED_ALPINE_SECONDS < alpine["build_seconds"]["high"]
    assert alpine["image_with_compilers_bytes"] == pytest.approx(PUBLISHED_ALPINE_BYTES, rel=0.25)


def test_numpy_is_built_again_for_what_asks_for_it_by_setup_py() -> None:
    arguments = ("pandas==0.25.3", "matplotlib==3.1.2", "--base", "python:3.8-alpine", "--as-of")
    # The pip of the first date keeps nothing of it; that of the second builds it once.
    for day, times in (("2020-01-29", 2), ("2020-03-15", 1)):
        found = answer("sysdeps", *arguments, day)
        first = [built for one in found["archives"] for built in one["compiled_first"] if built["name"] == "numpy"]
        assert [built["needed_by"] for built in first] == ["pandas", "matplotlib"]
        alone = first[0]["cpu_seconds"]["value"]
        own = sum(one["cpu_seconds"]["value"] for one in found["archives"])
        assert times - 0.1 < (found["cpu_seconds"]["value"] - own) / alone < times + 0.7  # and Cython


def test_blas_is_named_with_its_evidence() -> None:
    found = answer("sysdeps", "numpy==1.18.1", "--base", "python:3.8-alpine")
    blas = named(found, "build", "optional")["openblas-dev"]
    assert any(place.startswith("numpy/linalg/setup.py:") for place in blas["evidence"])


def test_november_2026() -> None:
    bases = compared("--python", "3.13", "--as-of", "2026-11-24", "--base", "python:3.13-alpine3.23")
    alpine = bases["python:3.13-alpine3.23"]
    assert (alpine["compiles"], alpine["verdict"], alpine["wheels"]) == ([], "wheels", 12)

"""`wheelbase compare` against the truth: pip itself, in a real engine, on a real Debian 13 and a real Alpine 3.23.

No image registry is asked: our own Debian and Alpine stand for the official images that `compare` is told of. They
have the same C library, Python's minor version and paths; see pip_truth for what else is made equal.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from tests.real.engine import Engine
from tests.real.pip_truth import TakenFile, files_taken, install

pytestmark = [pytest.mark.real, pytest.mark.network]

APPLICATIONS = {
    "plots": ["matplotlib", "pandas"],
    "web": ["fastapi[standard]", "sqlalchemy", "psycopg[binary]", "cryptography", "httpx"],
    "cloud": ["boto3", "pyarrow", "statsmodels", "grpcio"],
}
# Of today's releases the first has a wheel for glibc alone and the second has none, so pip takes one source archive on
# Debian and two on Alpine. pip can tell without a compiler, for their metadata needs none.
COMPILED = ["sentencepiece", "python-ldap"]
STANDS_FOR = {
    "debian13-py313": "python:3.13-slim-trixie",
    "alpine323-py313": "python:3.13-alpine3.23",
}
TOLERANCE = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """What `compare` says of one base; sizes in bytes."""

    filenames: frozenset[str]
    sdists: frozenset[str]
    files_bytes: int
    bytecode_bytes: int


def compare(requirements: list[str]) -> dict[str, Prediction]:
    """Ask the command line about both bases at once; base reference -> prediction."""
    bases = [word for reference in STANDS_FOR.values() for word in ("--base", reference)]
    command = [sys.executable, "-m", "wheelbase", "compare", *requirements, "--format", "json", *bases]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert answer["schema"] == "wheelbase.compare/1"
    return {
        row["base"]: Prediction(
            filenames=frozenset(file["filename"] for file in row["files"]),
            sdists=frozenset(file["filename"] for file in row["files"] if file["kind"] == "sdist"),
            files_bytes=row["added_bytes"]["files"],
            bytecode_bytes=row["added_bytes"]["bytecode"],
        )
        for row in answer["bases"]
    }


@pytest.fixture(scope="module", params=APPLICATIONS)
def application(request: pytest.FixtureRequest) -> list[str]:
    return APPLICATIONS[request.param]


@pytest.fixture(scope="module")
def predictions(application: list[str]) -> dict[str, Prediction]:
    return compare(application)


def assert_same_files(predicted: Prediction, taken: tuple[TakenFile, ...]) -> None:
    assert predicted.filenames == {file.filename for file in taken}
    assert predicted.sdists == {file.filename for file in taken if file.is_sdist}


@pytest.mark.parametrize("base", STANDS_FOR)
def test_files_and_bytes_are_those_of_a_real_installation(
    base: str,
    application: list[str],
    predictions: dict[str, Prediction],
    engine: Engine,
    base_image: Callable[[str], str],
) -> None:
    predicted = predictions[STANDS_FOR[base]]
    truth = install(engine, base_image(base), application)

    assert_same_files(predicted, truth.taken)
    if engine.sizes_are_unpacked():
        assert truth.image_growth == truth.other_bytes + truth.bytecode_bytes, "the engine counts something else"
    growth = truth.other_bytes + truth.bytecode_bytes
    off = predicted.files_bytes + predicted.bytecode_bytes - growth
    assert abs(off) <= TOLERANCE * growth, (
        f"{off / growth:+.1%}: files {predicted.files_bytes:,} predicted, {truth.other_bytes:,} true; "
        f"bytecode {predicted.bytecode_bytes:,} predicted, {truth.bytecode_bytes:,} true"
    )


@pytest.mark.parametrize("base", STANDS_FOR)
def test_what_compiles_is_what_pip_takes_as_source(base: str, engine: Engine, base_image: Callable[[str], str]) -> None:
    truth = files_taken(engine, base_image(base), COMPILED)

    assert any(file.is_sdist for file in truth), "the example has got wheels for every base: choose another"
    assert_same_files(compare(COMPILED)[STANDS_FOR[base]], truth)

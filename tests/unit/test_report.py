"""What a comparison and an explanation look like.

`WHEELBASE_REGENERATE=1 ./check tests/unit/test_report.py` rewrites the files in tests/golden.
"""

import io
import json
import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from wheelbase.bases.facts import BaseFacts, SystemPython
from wheelbase.buildtime import Seconds
from wheelbase.recipes.explain import Explained, Explanation
from wheelbase.recipes.values import BaseCost, Comparison, PickedFile, Recommendation
from wheelbase.report.json import bases_json, comparison_json, explanation_json
from wheelbase.report.markdown import comparison_markdown, explanation_markdown
from wheelbase.report.text import bases_text, comparison_text, explanation_text
from wheelbase.wheels.bytecode import Bytecode

GOLDEN = Path(__file__).parent.parent / "golden"

SLIM = BaseFacts(
    image="python:3.8-slim-buster",
    arch="amd64",
    date=date(2019, 11, 23),
    libc="glibc",
    libc_version="2.28",
    source="https://example.org/slim",
    python="3.8.0",
    pip="19.3.1",
    package_manager="apt",
    uncompressed_bytes=193_130_000,
    compressed_bytes=69_000_000,
)
ALPINE = BaseFacts(
    image="python:3.8-alpine3.10",
    arch="amd64",
    date=date(2019, 11, 15),
    libc="musl",
    libc_version="1.1.22",
    source="https://example.org/alpine",
    python="3.8.0",
    pip="19.3.1",
    package_manager="apk",
    uncompressed_bytes=110_490_000,
)
UBUNTU = BaseFacts(
    image="registry.example/team/ubuntu-with-a-long-name:18.04",
    arch="amd64",
    date=date(2020, 1, 29),
    libc="glibc",
    libc_version="2.27",
    source="https://example.org/ubuntu",
    package_manager="apt",
    uncompressed_bytes=64_200_000,
    estimated=("uncompressed_bytes",),
    system_python=SystemPython(version="3.6", packages=("python3", "python3-pip"), source="https://example.org"),
)
WHEEL = PickedFile(
    name="numpy",
    version="1.18.1",
    filename="numpy-1.18.1-cp38-cp38-manylinux1_x86_64.whl",
    kind="wheel",
    bytes=20_147_000,
    installed_bytes=88_000_000,
    reason="the best of 1 wheels that fit, of 20",
)
SDIST = PickedFile(
    name="numpy",
    version="1.18.1",
    filename="numpy-1.18.1.zip",
    kind="sdist",
    bytes=5_400_000,
    installed_bytes=60_000_000,
    reason="no wheel fits",
    estimated=True,
)
COMPARISON = Comparison(
    source="arguments",
    index="default",
    python="3.8",
    arch="amd64",
    as_of=date(2020, 1, 29),
    bases=(
        BaseCost(
            base="python:3.8-slim",
            facts=SLIM,
            verdict="wheels",
            python="3.8.0",
            files=(WHEEL,),
            download_bytes=20_147_000,
            added_files=88_000_000,
            added_bytecode=Bytecode(value=6_000_000, low=5_000_000, high=7_000_000, compressed=2_000_000),
            image_bytes=287_130_000,
            image_compressed_bytes=91_000_000,
            build_seconds=Seconds(low=4, high=17.4),
        ),
        BaseCost(
            base="python:3.8-alpine",
            facts=ALPINE,
            verdict="compiles",
            python="3.8.0",
            files=(SDIST,),
            compiles=("numpy",),
            download_bytes=5_400_000,
            added_files=60_000_000,
            added_bytecode=Bytecode(value=6_000_000, low=5_000_000, high=7_000_000, compressed=2_000_000),
            image_bytes=176_490_000,
            build_seconds=Seconds(low=5, high=400),
            advice=("no version of numpy has a wheel for musl 1.1.22 on x86_64 as of 2020-01-29",),
        ),
        BaseCost(
            base="registry.example/team/ubuntu-with-a-long-name:18.04",
            facts=UBUNTU,
            verdict="impossible",
            python="3.6",
            missing=(("numpy", "1.18.1: it has no source archive, and no wheel fits"),),
            run_packages=("python3", "python3-pip"),
            notes=("its Python is 3.6",),
        ),
    ),
    recommendation=Recommendation(
        base="python:3.8-slim", reason="all 1 packages come as wheels, so nothing is compiled"
    ),
    notes=("something to know",),
)
EXPLANATION = Explanation(
    name="numpy",
    version="1.18.1",
    base="python:3.8-alpine",
    facts=ALPINE,
    python="3.8.0",
    taken="numpy-1.18.1.zip",
    candidates=(
        Explained(
            filename="numpy-1.18.1.zip",
            version="1.18.1",
            kind="sdist",
            bytes=5_400_000,
            taken=True,
            fits=True,
            reason="taken: no wheel fits",
        ),
        Explained(
            filename="numpy-1.18.1-cp38-cp38-manylinux1_x86_64.whl",
            version="1.18.1",
            kind="wheel",
            bytes=20_147_000,
            taken=False,
            fits=False,
            reason="needs glibc 2.5; this base has musl 1.1.22",
        ),
    ),
    advice=("no version of numpy has a wheel for musl 1.1.22 on x86_64 as of 2020-01-29",),
)


def rendered(renderable: Any, width: int) -> str:
    console = Console(width=width, file=io.StringIO(), highlight=False)
    console.print(renderable)
    assert isinstance(console.file, io.StringIO)
    return "\n".join(line.rstrip() for line in console.file.getvalue().splitlines()) + "\n"


OUTPUTS = {
    "compare-80.txt": lambda: rendered(comparison_text(COMPARISON), 80),
    "compare-140.txt": lambda: rendered(comparison_text(COMPARISON), 140),
    "compare.md": lambda: comparison_markdown(COMPARISON),
    "compare.json": lambda: comparison_json(COMPARISON) + "\n",
    "explain-80.txt": lambda: rendered(explanation_text(EXPLANATION), 80),
    "explain.md": lambda: explanation_markdown(EXPLANATION),
    "explain.json": lambda: explanation_json(EXPLANATION) + "\n",
    "bases-80.txt": lambda: rendered(bases_text((SLIM, ALPINE, UBUNTU)), 80),
    "bases.json": lambda: bases_json((SLIM,)) + "\n",
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_output_is_as_recorded(name: str) -> None:
    path, output = GOLDEN / name, OUTPUTS[name]()
    if os.environ.get("WHEELBASE_REGENERATE"):
        path.write_text(output, encoding="utf-8")
    assert output == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", [name for name in OUTPUTS if "80" in name])
def test_text_fits_80_columns(name: str) -> None:
    assert max(map(len, OUTPUTS[name]().splitlines())) <= 80


def test_the_schema_of_compare_has_the_documented_keys() -> None:
    data = json.loads(comparison_json(COMPARISON))
    assert data["schema"] == "wheelbase.compare/1"
    assert data["recommendation"].keys() == {"base", "reason"}
    slim, alpine, ubuntu = data["bases"]
    assert (slim["base"], slim["libc"], slim["python"], slim["wheels"], slim["compiles"]) == (
        "python:3.8-slim",
        "glibc 2.28",
        "3.8.0",
        1,
        [],
    )
    assert slim["added_bytes"]["files"] == 88_000_000 and slim["added_bytes"]["bytecode"] == 6_000_000
    assert slim["build_seconds"] == {"low": 4, "high": 17.4}
    assert alpine["compiles"] == ["numpy"]
    assert alpine["system_packages"] == {"build": [], "run": []}
    assert alpine["files"][0].keys() == {"name", "version", "filename", "kind", "bytes", "installed_bytes", "reason"}
    assert ubuntu["image_bytes"] is None and ubuntu["build_seconds"] is None

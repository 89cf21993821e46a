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
from wheelbase.recipes.buildneeds import Archive, ArchiveNeeds, BuildNeeds
from wheelbase.recipes.buildrequires import Built
from wheelbase.recipes.explain import Explained, Explanation
from wheelbase.recipes.hazards import Hazard
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.recipes.values import BaseCost, Comparison, PickedFile, Recommendation
from wheelbase.report.json import bases_json, comparison_json, explanation_json, sysdeps_json
from wheelbase.report.markdown import comparison_markdown, explanation_markdown, sysdeps_markdown
from wheelbase.report.text import bases_text, comparison_text, explanation_text, sysdeps_text
from wheelbase.report.units import fitted
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Findings, Flag
from wheelbase.source.needs import Need, Needs, merged
from wheelbase.system.packages import Closure, SystemPackage
from wheelbase.system.platform import system_of
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


def need(package: str, *evidence: str, confidence: float = 0.9, lost: str = "") -> Need:
    return Need(package=package, confidence=confidence, evidence=evidence, lost=lost)


def building(facts: BaseFacts, *archives: ArchiveNeeds, sizes: bool = True, **changes: Any) -> BuildNeeds:
    system = system_of(facts)
    assert system
    needs = merged([one.needs for one in archives])
    first = tuple(built for one in archives for built in one.first)
    more = tuple(one for one in needs.optional if one.lost)

    def closure(names: tuple[str, ...]) -> Closure:
        found = tuple(
            SystemPackage(name=n, version="1", download_bytes=4_000_000, installed_bytes=9_000_000) for n in names
        )
        total = {"download_bytes": 4_000_000 * len(found), "installed_bytes": 9_000_000 * len(found)}
        return (
            Closure(packages=found, missing=(), **total)
            if sizes
            else Closure(packages=(), missing=names, download_bytes=0, installed_bytes=0)
        )

    values: dict[str, Any] = {
        "first": first,
        "advised": more,
        "cpu_seconds": Estimate.total([*(one.cpu_seconds for one in archives), *(one.cpu_seconds for one in first)]),
        "build": closure(needs.build_packages),
        "left_in": closure((*needs.build_packages, *(one.package for one in more))),
        "run": closure(needs.run_packages),
    }
    return BuildNeeds(system=system, archives=archives, needs=needs, **(values | changes))


CYTHON = Built(
    name="cython",
    version="0.29.14",
    needed_by="numpy",
    findings=Findings(backend="setuptools.build_meta:__legacy__"),
    cpu_seconds=Estimate(low=60, value=90, high=140),
)
NUMPY = ArchiveNeeds(
    archive=Archive(
        name="numpy",
        version="1.18.1",
        source="numpy-1.18.1.zip",
        findings=Findings(backend="setuptools.build_meta:__legacy__", build_requires=("setuptools", "cython")),
    ),
    needs=Needs(
        tools=(
            need("gcc", "numpy/core/src/common/array_assign.c:1", "numpy/a.c:1", "numpy/b.c:1", confidence=0.98),
            need("musl-dev", "numpy/core/src/common/array_assign.c:1", confidence=0.98),
        ),
        optional=(need("openblas-dev", "numpy/distutils/system_info.py:1604", lost="fast linear algebra"),),
        flags=(Flag(kind="unreadable", text="a file that cannot be parsed", where="numpy/broken.py:7"),),
        status="maybe incomplete",
    ),
    cpu_seconds=Estimate(low=120, value=200, high=400),
    first=(CYTHON,),
)
PSYCOPG2 = ArchiveNeeds(
    archive=Archive(name="psycopg2", version="2.8.4", source="psycopg2-2.8.4.tar.gz", findings=Findings(backend="x")),
    needs=Needs(
        # What is lost is said of optional packages: without a required one nothing is built.
        build=(need("postgresql-dev", "setup.py:166", "psycopg/psycopg.h:30", lost="PostgreSQL", confidence=0.98),),
        tools=(need("gcc", "psycopg/adapter_asis.c:1", confidence=0.98),),
        optional=(need("make", "Makefile:3", confidence=0.36),),
        run=(need("libpq", "setup.py:166", "psycopg/psycopg.h:30", confidence=0.98),),
    ),
    cpu_seconds=Estimate(low=3, value=5, high=8),
)
IMPOSSIBLE = ArchiveNeeds(
    archive=Archive(name="old", version=None, source="./old", findings=Findings(backend="x")),
    needs=Needs(
        missing=("libold-2.0",),
        flags=(
            Flag(kind="download", text="a file is downloaded", where="setup.py:80"),
            *(Flag(kind="dynamic", text=f"name {n} is not known", where=f"setup.py:{n}") for n in range(9)),
            Flag(kind="version", text="pkg-config libold-2.0 is in no package of this release", where="setup.py:7"),
        ),
        status="cannot build here",
    ),
    cpu_seconds=Estimate(low=3, value=5, high=8),
)
SYSTEM_NEEDS = SystemNeeds(base="python:3.8-alpine", facts=ALPINE, building=building(ALPINE, NUMPY, PSYCOPG2))
HAZARDS = (
    Hazard(kind="library", package="numpy", lacks="libgomp.so.1", why="numpy/core/_fast.so", install="libgomp"),
    Hazard(kind="time zones", package="django", lacks="the system's time zones", why="for TIME_ZONE", install=None),
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
            image_with_compilers_bytes=370_000_000,
            building=building(ALPINE, NUMPY, PSYCOPG2),
            run_packages=("libpq",),
            hazards=HAZARDS,
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
    building=building(ALPINE, NUMPY),
    hazards=HAZARDS[:1],
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
    "sysdeps-80.txt": lambda: rendered(sysdeps_text(SYSTEM_NEEDS), 80),
    "sysdeps.md": lambda: sysdeps_markdown(SYSTEM_NEEDS),
    "sysdeps.json": lambda: sysdeps_json(SYSTEM_NEEDS) + "\n",
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
    assert alpine["system_packages"] == {"build": ["gcc", "musl-dev", "postgresql-dev"], "run": ["libpq"]}
    assert alpine["building"] == {
        key: value for key, value in json.loads(sysdeps_json(SYSTEM_NEEDS)).items() if key not in ("schema", "base")
    }
    assert slim["building"] is None
    assert alpine["files"][0].keys() == {"name", "version", "filename", "kind", "bytes", "installed_bytes", "reason"}
    assert ubuntu["image_bytes"] is None and ubuntu["build_seconds"] is None


def text_of(one: ArchiveNeeds, **changes: Any) -> str:
    return rendered(sysdeps_text(SystemNeeds(base="b", facts=ALPINE, building=building(ALPINE, one, **changes))), 80)


def test_what_is_missing_is_told_once_and_before_other_doubts() -> None:
    text = text_of(IMPOSSIBLE)
    assert text.count("libold-2.0") == 1
    cannot, *said = text[text.index("Cannot build here:") :].splitlines()
    assert cannot and "libold-2.0" in said[0] and "downloaded" in said[1]
    assert said[-1] == " - 3 more of the kind: see --format json"


def test_one_archive_is_not_named_with_every_place() -> None:
    assert "libpq           98% setup.py:166, psycopg/psycopg.h:30" in text_of(PSYCOPG2)


def test_what_is_lost_is_said_of_optional_packages_alone() -> None:
    assert "PostgreSQL" not in text_of(PSYCOPG2) and "fast linear algebra" in text_of(NUMPY)


def test_sizes_that_are_not_known_are_not_called_zero() -> None:
    text = text_of(PSYCOPG2, sizes=False)
    assert "To build: 2 packages and what they bring along; sizes are not known." in text and " 0 " not in text


def test_a_base_that_has_everything() -> None:
    nothing = Closure(packages=(), missing=(), download_bytes=0, installed_bytes=0)
    text = text_of(PSYCOPG2, build=nothing, run=nothing)
    assert "To build: all that is needed is in the base." in text and "apk add" not in text


def test_a_pure_archive_needs_nothing() -> None:
    pure = ArchiveNeeds(archive=PSYCOPG2.archive, needs=Needs(), cpu_seconds=Estimate(low=0, value=0, high=0))
    text = text_of(pure)
    assert "There is nothing to compile." in text and "To build" not in text and "Likely complete." in text


def test_names_that_a_shell_would_read_are_quoted() -> None:
    odd = ArchiveNeeds(
        archive=PSYCOPG2.archive,
        needs=Needs(build=(need("pkgconfig(odd)", "a:1"), need("pc:odd", "a:1"))),
        cpu_seconds=Estimate(low=1, value=1, high=1),
    )
    assert "apk add --no-cache pc:odd 'pkgconfig(odd)'" in text_of(odd)


def test_a_line_holds_as_many_as_fit() -> None:
    assert fitted("with ", ["one", "two", "three"], 20) == "with one, two, three"
    assert fitted("with ", ["one", "two", "three"], 19) == "with one, 2 more"
    assert fitted("with ", ["longer than the line"], 5) == "with longer than the line"

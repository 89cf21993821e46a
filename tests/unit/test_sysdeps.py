"""What small made-up archives need, as sysdeps and explain say it: from a private index, a file, a folder."""

from datetime import date
from pathlib import Path

import pytest
from tests.fake_index import FakeIndex, sdist, wheel

from wheelbase.errors import RequirementsError, SourceError, WheelbaseError
from wheelbase.recipes.explain import explain
from wheelbase.recipes.sysdeps import SystemNeeds, sysdeps

SLIM, ALPINE = "python:3.13-slim-trixie", "python:3.13-alpine3.22"
SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('{0}', ['{0}.c'], libraries=['pq'])])\n"
SOURCE = "#include <Python.h>\n#include <libpq-fe.h>\n"


def archive(name: str, version: str = "1.0", **files: str) -> bytes:
    contents = {
        "PKG-INFO": f"Metadata-Version: 2.2\nName: {name}\nVersion: {version}\n",
        "setup.py": SETUP.format(name),
        f"{name}.c": SOURCE,
    }
    return sdist(contents | files, folder=f"{name}-{version}/")


@pytest.fixture
def index(fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeIndex:
    monkeypatch.setenv("UV_DEFAULT_INDEX", fake_index.simple)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path / "empty")
    fake_index.add("setuptools", {"setuptools-80.0-py3-none-any.whl": wheel("setuptools", "80.0")})
    fake_index.add("app", {"app-1.0.tar.gz": archive("app"), "app-2.0rc1.tar.gz": archive("app", "2.0rc1")})
    return fake_index


def packages(answer: SystemNeeds) -> tuple[list[str], list[str]]:
    needs = answer.building.needs
    return sorted(needs.build_packages), sorted(needs.run_packages)


def test_each_base_names_its_own_packages(index: FakeIndex) -> None:
    slim, alpine = (sysdeps(["app"], base=base) for base in (SLIM, ALPINE))
    assert packages(slim) == (["gcc", "libc6-dev", "libpq-dev"], ["libpq5"])
    assert packages(alpine) == (["gcc", "libpq-dev", "musl-dev"], ["libpq"])
    (library,) = slim.building.needs.build
    assert library.evidence[0] == "setup.py:2" and library.pkg_config == "libpq"
    assert slim.building.needs.status == "likely complete"
    assert {one.name for one in slim.building.run.packages} >= {"libpq5"}


def test_a_file_and_a_folder(index: FakeIndex) -> None:
    Path("app-1.0.tar.gz").write_bytes(archive("app"))
    Path("project").mkdir()
    Path("project/setup.py").write_text(SETUP.format("app"))
    Path("project/app.c").write_text(SOURCE)
    answer = sysdeps(["app-1.0.tar.gz", "./project", "app"], base=SLIM)
    named = [(one.archive.name, one.archive.version, one.archive.source) for one in answer.building.archives]
    assert named == [
        ("app", "1.0", "app-1.0.tar.gz"),
        ("project", None, "project"),
        ("app", "1.0", "app-1.0.tar.gz"),
    ]
    assert packages(answer) == packages(sysdeps(["app"], base=SLIM))


def test_the_newest_archive_that_pip_would_build(index: FakeIndex) -> None:
    def version(item: str) -> str | None:
        return sysdeps([item], base=SLIM).building.archives[0].archive.version

    assert (version("app"), version("app==2.0rc1"), version("app>=2.0rc1")) == ("1.0", "2.0rc1", "2.0rc1")
    page = index.routes["/simple/app/"][0]
    body = page.body.replace(
        b'"filename": "app-1.0.tar.gz"', b'"requires-python": ">=3.99", "filename": "app-1.0.tar.gz"'
    )
    assert body != page.body
    index.route("/simple/app/", type(page)(body=body, headers=page.headers))
    with pytest.raises(RequirementsError, match=r"no source archive of app==1\.0 is for Python 3\.13"):
        sysdeps(["app==1.0"], base=SLIM, refresh=True)


@pytest.mark.parametrize(
    ("item", "as_of", "word"),
    [
        ("absent", None, "absent is not on the package index"),
        ("app==9", None, "there is no app==9 on the package index"),
        ("setuptools", None, "setuptools has wheels only"),
        ("app", date(2020, 1, 1), "as of 2020-01-01"),
        ("absent.tar.gz", None, "absent.tar.gz does not exist"),
        ("./absent", None, "absent does not exist"),
        (".", None, "neither pyproject.toml nor setup.py"),
        ("torn.zip", None, "torn.zip cannot be read as a source archive"),
        ("app @ https://h.invalid/app.tar.gz", None, "comes from"),
        ("app >=< 1", None, "is not a requirement"),
    ],
)
def test_what_cannot_be_had(index: FakeIndex, item: str, as_of: date | None, word: str) -> None:
    Path("torn.zip").write_bytes(b"PK\3\4")
    with pytest.raises((RequirementsError, SourceError)) as refused:
        sysdeps([item], base=SLIM, as_of=as_of)
    assert word in str(refused.value) and refused.value.hint


def test_a_base_without_a_package_manager(index: FakeIndex) -> None:
    with pytest.raises(WheelbaseError, match="no package manager"):
        sysdeps(["app"], base="gcr.io/distroless/python3-debian12")


def test_the_users_own_file_goes_first(index: FakeIndex) -> None:
    Path("wheelbase.toml").write_text('[sysdeps.app]\nbuild = ["pc:libxml-2.0"]\ncpu_seconds = 90\n')
    answer = sysdeps(["app"], base=SLIM)
    assert packages(answer) == (["gcc", "libc6-dev", "libxml2-dev"], ["libxml2"])
    assert answer.building.cpu_seconds.value == 90
    assert [need.evidence for need in answer.building.needs.build] == [("wheelbase.toml",)]


def test_explain_says_what_a_build_needs(index: FakeIndex) -> None:
    found = explain("app", base=SLIM)
    assert found.taken == "app-1.0.tar.gz" and found.building
    assert found.building.needs == sysdeps(["app"], base=SLIM).building.needs
    assert not any("sysdeps" in line for line in found.advice)


def test_explain_says_how_to_see_a_build_where_a_wheel_is_taken(index: FakeIndex) -> None:
    name = "app-1.0-cp313-cp313-manylinux_2_17_x86_64.whl"
    index.add("app", {name: wheel("app"), "app-1.0.tar.gz": archive("app")})
    found = explain("app", base=SLIM, as_of=date(2026, 1, 1))
    assert (found.taken, found.building) == (name, None)
    command = f"wheelbase sysdeps app==1.0 --base {SLIM} --as-of 2026-01-01"
    assert found.advice == (f"what a build from source would need: {command}",)
    index.add("pure", {"pure-1.0-py3-none-any.whl": wheel("pure"), "pure-1.0.tar.gz": archive("pure")})
    assert explain("pure", base=SLIM).advice == ()


def test_an_archive_that_cannot_be_read_is_not_called_complete(index: FakeIndex) -> None:
    files = {"torn-1.0-cp313-cp313-musllinux_1_2_x86_64.whl": wheel("torn"), "torn-1.0.tar.gz": b"no archive"}
    index.add("torn", files)
    found = explain("torn", base=SLIM)
    assert found.taken == "torn-1.0.tar.gz" and found.building
    needs = found.building.needs
    assert (needs.status, [flag.kind for flag in needs.flags]) == ("maybe incomplete", ["unreadable"])

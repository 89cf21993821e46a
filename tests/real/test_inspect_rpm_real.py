"""rpm's database as rpm and Berkeley DB write it, against what rpm lists of it."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path

import pytest
from tests.unit.images_with_python import image
from tests.unit.oci.small_images import What

from wheelbase.bases.inspect import inspect_image
from wheelbase.bases.inspected import Package
from wheelbase.oci.image import read_image

NEEDED = [name for name in ("rpm", "rpmbuild", "db5.3_load") if not shutil.which(name)]
pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(bool(NEEDED), reason=f"needs {', '.join(NEEDED)}: apt-get install rpm db5.3-util"),
]
# The first has a header of some hundred pages, the last is a fraction of one.
SPEC = """
Name: {name}
{epoch}
Version: {version}
Release: 4.el9
Summary: Of a test
License: MIT
BuildArch: noarch
%description
Of a test.
%install
mkdir -p %{{buildroot}}/opt/{name}
for i in $(seq {files}); do echo >%{{buildroot}}/opt/{name}/a-name-of-a-file-$i; done
%files
/opt/{name}
"""
PACKAGES = (("large", "Epoch: 2", "1.2.3", 3000), ("middle", "", "0~rc1", 200), ("small", "Epoch: 0", "7", 0))


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a database in which three packages are installed."""
    folder = tmp_path_factory.mktemp("rpm")
    specs = []
    for name, epoch, version, files in PACKAGES:
        specs.append(folder / f"{name}.spec")
        specs[-1].write_text(SPEC.format(name=name, epoch=epoch, version=version, files=files))
    run("rpmbuild", "-bb", "--define", f"_topdir {folder}/top", *specs)
    rpms = sorted((folder / "top").rglob("*.rpm"))
    assert len(rpms) == 3
    run("rpm", "--dbpath", folder / "db", "--initdb")
    run("rpm", "--dbpath", folder / "db", "--install", "--justdb", "--nodeps", "--force-debian", *rpms)
    return folder / "db"


def listed_by_rpm(folder: Path, backend: str) -> tuple[Package, ...]:
    query = ("--query", "--all", "--queryformat", r"%{NAME} %{EVR}\n")
    lines = run("rpm", "--dbpath", folder, "--define", f"_db_backend {backend}", *query).splitlines()
    return tuple(sorted((Package(name=n, version=v) for n, v in map(str.split, lines)), key=lambda one: one.name))


def found_in(folder: Path) -> tuple[Package, ...] | None:
    files: dict[str, What] = {f"var/lib/rpm/{path.name}": path.read_bytes() for path in folder.iterdir()}
    source = image({"bin/sh": b""}, files)
    return inspect_image(source, read_image(source)).packages


def test_sqlite(database: Path) -> None:
    listed = listed_by_rpm(database, "sqlite")
    assert len(listed) == 3 and found_in(database) == listed


def test_berkeley(database: Path, tmp_path: Path) -> None:
    """rpm writes no such database any more, but Berkeley DB does, and rpm reads it."""
    with closing(sqlite3.connect(database / "rpmdb.sqlite")) as there:
        rows = there.execute("SELECT hnum, blob FROM Packages").fetchall()
    pairs = [(0, len(rows).to_bytes(4, "little")), *rows]
    words = [word for number, value in pairs for word in (number.to_bytes(4, "little"), value)]
    lines = ["VERSION=3", "format=bytevalue", "type=hash", "HEADER=END", *(f" {word.hex()}" for word in words)]
    (tmp_path / "dump").write_text("\n".join([*lines, "DATA=END", ""]))
    (tmp_path / "db").mkdir()
    run("db5.3_load", "-f", tmp_path / "dump", tmp_path / "db" / "Packages")
    listed = listed_by_rpm(tmp_path / "db", "bdb_ro")
    assert listed == listed_by_rpm(database, "sqlite") and found_in(tmp_path / "db") == listed

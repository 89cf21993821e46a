"""The catalogue against real images: what its rows state of those that the testbed's stand for, and its refresh."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.real.test_registry_real import PROGRAM, running

from wheelbase.bases.catalogue import bundled_catalogue
from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.bases.inspected import Inspection
from wheelbase.oci.copying import copy_image
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.reference import parse_reference
from wheelbase.recipes.inspect import inspect

pytestmark = pytest.mark.real

# Of each base of the testbed, what images of the same release share with it: all fields but sizes, which are of other
# packages, and patch versions, which are of another day. Debian's own Python is that of its distroless image, and that
# of its package manager; the official images have another.
OF_THE_RELEASE = ("libc", "libc_version", "package_manager", "shell", "compiler", "user")
OF_ITS_PYTHON = ("python_path", "site_packages", "stdlib_bytecode", "has_pip", "setuptools")
SAME = [
    ("debian13-py313", "debian:trixie-slim", OF_THE_RELEASE),
    ("debian13-py313", "debian:trixie", OF_THE_RELEASE),
    ("debian13-py313", "python:3.13-slim-trixie", OF_THE_RELEASE),
    ("debian13-py313", "gcr.io/distroless/python3-debian13", ("libc", "libc_version", "compiler", "python_path")),
    ("debian12-py311", "debian:bookworm-slim", OF_THE_RELEASE),
    ("debian12-py311", "python:3.11-slim-bookworm", OF_THE_RELEASE),
    ("debian12-py311", "gcr.io/distroless/python3-debian12", ("libc", "libc_version", "compiler", "python_path")),
    ("alpine323-py313", "alpine:3.23", OF_THE_RELEASE),
    ("alpine323-py313", "python:3.13-alpine3.23", (*OF_THE_RELEASE, *OF_ITS_PYTHON)),
]
TODAY = datetime.now(UTC).date()


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))


@pytest.mark.usefixtures("own_cache")
@pytest.mark.parametrize(("base", "image", "fields"), SAME, ids=[f"{base} {image}" for base, image, _ in SAME])
def test_rows_state_what_is_found(
    base: str, image: str, fields: tuple[str, ...], real_base: Callable[[str], Path]
) -> None:
    row = bundled_catalogue().find(image, arch="amd64", on=TODAY)
    found = inspect(f"oci:{real_base(base)}").inspection
    facts = facts_of(image, found, arch="amd64", as_of=None, today=TODAY)
    stated = {name: getattr(row, name) for name in fields if getattr(row, name) is not None}
    assert stated == {name: getattr(facts, name) for name in stated}
    assert {"libc", "libc_version"} <= stated.keys()
    if not image.startswith("alpine:"):  # whose package manager has another Python than the official image
        assert facts.python_minor == row.python_minor
    if row.system_python and found.os_release["ID"] == "debian":
        assert set(row.system_python.packages) <= {package.name for package in found.packages or ()}
    release = image_release(found)
    assert facts.userland and facts.userland.release == release
    like = bundled_catalogue().of_release(release, arch="amd64", on=TODAY)
    assert like and (like.libc_version, like.package_manager) == (row.libc_version, facts.package_manager)


def image_release(found: Inspection) -> str:
    number = ".".join(found.os_release["VERSION_ID"].split(".")[:2])
    return f"{found.os_release['ID']}:{number}"


@pytest.fixture
def registry(tmp_path: Path, real_base: Callable[[str], Path]) -> Iterator[dict[str, str]]:
    """A registry with the testbed's bases under official names; the environment that makes it a mirror."""
    if PROGRAM is None:
        pytest.skip("needs a registry: apt-get install docker-registry")
    with ExitStack() as stack:
        host = stack.enter_context(running(tmp_path))
        for base, image in (
            ("debian13-py313", "python:3.13-slim-trixie"),
            ("debian12-py311", "debian:bookworm-slim"),
            ("alpine323-py313", "python:3.13-alpine3.23"),
        ):
            source = stack.enter_context(open_source(parse_reference(f"oci:{real_base(base)}")))
            with open_sink(parse_reference(f"{host}/library/{image}")) as sink:
                copy_image(source, sink)
        yield {"WHEELBASE_REGISTRY_MIRRORS": f"docker.io={host}", "WHEELBASE_CACHE_DIR": str(tmp_path / "cache")}


def wheelbase(environment: dict[str, str], *arguments: str) -> Any:
    command = [sys.executable, "-m", "wheelbase", *arguments, "--format", "json"]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_refresh(registry: dict[str, str], real_base: Callable[[str], Path]) -> None:
    """Names of docker.io lead to a mirror; what is read there is what inspect says, and the catalogue has it."""
    read = wheelbase(
        registry, "bases", "--refresh", "python:3.13-slim", "debian:bookworm-slim", "python:3.13-alpine3.23"
    )
    rows = {row["image"]: row for row in read["bases"]}
    assert list(rows) == ["python:3.13-slim-trixie", "debian:bookworm-slim", "python:3.13-alpine3.23"]
    assert read["failed"] == []
    for base, image in (("debian13-py313", "python:3.13-slim-trixie"), ("alpine323-py313", "python:3.13-alpine3.23")):
        found = wheelbase(registry, "inspect", f"oci:{real_base(base)}")
        row, python = rows[image], found["pythons"][0]
        assert row["date"] == TODAY.isoformat() and row["source"] == f"inspected: {found['digest']}"
        assert (row["libc"], row["libc_version"]) == (found["libc"]["family"], found["libc"]["version"])
        assert (row["python"], row["python_path"], row["pip"]) == (python["version"], python["path"], python["pip"])
        sizes = ("compressed_bytes", "uncompressed_bytes")
        assert [row[size] for size in sizes] == [found[size] for size in sizes]
        assert wheelbase(registry, "bases", image)["bases"] == [row]
    older: BaseFacts = bundled_catalogue().find("python:3.13-slim-trixie", arch="amd64", on=TODAY)
    assert rows["python:3.13-slim-trixie"]["python"] != older.python

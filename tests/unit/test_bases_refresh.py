"""`wheelbase bases --refresh`: the catalogue's images as a registry has them."""

from __future__ import annotations

import json
import os
import time
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from tests.conftest import Cli
from tests.faulty_registry import Fault, FaultServer, Reply
from tests.memory_registry import MemoryRegistry
from tests.unit.images_with_python import Files, glibc, image, python, with_config
from tests.unit.oci.small_images import AMD64, ARM64, MemorySource, image_of, tar

from wheelbase.bases import refreshed as refreshed_module
from wheelbase.bases.catalogue import bundled_catalogue, load_catalogue
from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.refreshed import keep_rows, parse_rows, refreshed_path
from wheelbase.errors import BaseError, WheelbaseError
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.platform import Platform
from wheelbase.recipes.bases import refresh_bases

TODAY = datetime.now(UTC).date()
SLIM, DEBIAN = "python:3.13-slim-trixie", "debian:trixie-slim"
SYSTEM: Files = {
    "usr/lib/os-release": b'ID=debian\nVERSION_ID="13"\n',
    "usr/bin/apt-get": b"",
    "usr/bin/sh": b"x",
    **glibc("2.41"),
    **{name.replace("x86_64", "aarch64"): what for name, what in glibc("2.41").items()},
}


def index_of(images: Mapping[Platform, Files]) -> MemorySource:
    source = MemorySource()
    source.add_index({one: source.add_image([tar(SYSTEM), tar(files)], one) for one, files in images.items()})
    return source


class Mirror:
    """A registry that stands for docker.io, and what was asked of it."""

    def __init__(self, server: FaultServer, registry: MemoryRegistry, home: Path) -> None:
        self.server, self._registry = server, registry
        settings = home / "registries.conf"
        # Nothing is asked of anybody else: docker.io itself is here, and so are all others.
        domains = ("docker.io", "gcr.io", "registry.access.redhat.com")
        tables = [f'[[registry]]\nprefix = "{name}"\nlocation = "{server.host}"\n' for name in domains]
        settings.write_text("\n".join(tables))
        self.env = {"CONTAINERS_REGISTRIES_CONF": str(settings)}

    def serve(self, name: str, source: MemorySource) -> None:
        repository, _, tag = name.partition(":")
        repository = repository if "/" in repository else f"library/{repository}"
        repository = repository.partition("/")[2] if "." in repository.partition("/")[0] else repository
        for body in source.blobs.values():
            self._registry.add_blob(repository, body)
        for raw in source.manifests.values():
            self._registry.add_manifest(repository, str(raw.digest), raw.body, raw.media_type)
        assert source.root
        self._registry.add_manifest(repository, tag or "latest", source.root.body, source.root.media_type)

    def asked(self, part: str) -> int:
        return len(self.server.asked("GET", part))


@pytest.fixture
def mirror(nobody: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirror]:
    registry = MemoryRegistry()
    with FaultServer(registry) as server:
        found = Mirror(server, registry, nobody)
        for name, value in found.env.items():
            monkeypatch.setenv(name, value)
        load_catalogue.cache_clear()
        yield found
    load_catalogue.cache_clear()


def find(name: str, arch: str = "amd64", on: date = TODAY) -> BaseFacts:
    return load_catalogue().find(name, arch=arch, on=on)  # type: ignore[arg-type]


def test_images_are_read_for_each_architecture(mirror: Mirror) -> None:
    before, source = find(SLIM), index_of({AMD64: python("3.13.90"), ARM64: python("3.13.91", pip="26.9")})
    mirror.serve(SLIM, source)
    refreshed = refresh_bases(["python:3.13-slim"])
    assert [(row.image, row.arch, row.python) for row in refreshed.rows] == [
        (SLIM, "amd64", "3.13.90"),
        (SLIM, "arm64", "3.13.91"),
    ]
    assert refreshed.failed == () and refreshed.path == str(refreshed_path())
    row = find("python:3.13-slim")
    assert row == refreshed.rows[0] and row.date == TODAY and row.source.startswith("inspected: sha256:")
    assert (row.libc_version, row.package_manager, row.pip, row.user) == ("2.41", "apt", "25.1", "root")
    sizes = [len(body) for body in source.blobs.values() if body.startswith(b"\x1f\x8b")]
    assert row.compressed_bytes and row.compressed_bytes < sum(sizes)
    assert row.uncompressed_bytes == sum(
        len(what) for files in (SYSTEM, python("3.13.90")) for what in files.values() if isinstance(what, bytes)
    )
    assert find(SLIM, on=before.date) == before  # what was then is as it was
    assert tomllib.loads(refreshed_path().read_text())["base"][0]["python"] == "3.13.90"


def test_what_is_kept_is_read_again(mirror: Mirror) -> None:
    """An image that has not changed is asked for its index alone, and one does not replace another."""
    mirror.serve(SLIM, index_of({AMD64: python("3.13.90"), ARM64: python("3.13.90")}))
    mirror.serve(DEBIAN, image(SYSTEM))
    first = refresh_bases([SLIM]).rows
    asked = mirror.asked("/manifests/"), mirror.asked("/blobs/")
    assert asked == (3, 4)  # an index and two images; two configurations and the two layers that both have
    assert refresh_bases([SLIM]).rows == first
    assert (mirror.asked("/manifests/"), mirror.asked("/blobs/")) == (asked[0] + 1, asked[1])
    assert [row.image for row in refresh_bases([DEBIAN]).rows] == [DEBIAN]
    assert find(SLIM) == first[0] and find(DEBIAN).date == TODAY
    assert len(parse_rows(refreshed_path().read_bytes())) == 3


def test_what_no_image_says_is_as_it_was(mirror: Mirror) -> None:
    """What the package manager installs for Python; a Python of its own without pip is not for applications."""
    known = find(DEBIAN).system_python, find("almalinux:9").system_python
    mirror.serve(DEBIAN, index_of({AMD64: {}, ARM64: {}}))
    mirror.serve("almalinux:9", index_of({AMD64: python("3.9.18", "usr", pip=None)}))
    refresh_bases([DEBIAN, "almalinux:9"])
    assert (find(DEBIAN).system_python, find("almalinux:9").system_python) == known and all(known)
    alma = find("almalinux:9")
    assert (alma.python, alma.python_path, alma.pip, alma.python_version) == (None, None, None, "3.9")


@pytest.mark.parametrize("created", ["1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "2019-01-01T00:00:00Z", ""])
def test_a_row_is_of_the_day_it_was_read(mirror: Mirror, created: str) -> None:
    config = ImageConfig(platform=AMD64, diff_ids=(), created=created)
    mirror.serve(SLIM, with_config(image_of(SYSTEM, python("3.13.90")), config))
    [row] = refresh_bases([SLIM]).rows
    assert find(SLIM) == row and row.date == TODAY


def test_some_that_cannot_be_read(mirror: Mirror, cli: Cli) -> None:
    mirror.serve(SLIM, index_of({AMD64: python("3.13.90"), ARM64: {"usr/lib/aarch64-linux-gnu/.wh.libc.so.6": b""}}))
    named = (SLIM, "alpine:3.23", "debian:trixie-slim")
    mirror.serve(DEBIAN, index_of({replace(AMD64, architecture="s390x"): {}}))
    done = cli("bases", "--refresh", *named, env=mirror.env | {"COLUMNS": "200"})
    assert (done.returncode, done.stderr) == (1, "")
    assert "3.13.90" in done.stdout and "1 row in " in done.stdout
    for part in (f"{SLIM} (arm64): ", "alpine:3.23: ", f"{DEBIAN}: {DEBIAN} is not made for amd64 or arm64"):
        assert f" - {part}" in done.stdout
    assert done.stdout.count("hint: ") == 3
    answer = json.loads(cli("bases", "--refresh", *named, "--format", "json", env=mirror.env).stdout)
    assert answer["schema"] == "wheelbase.bases/1" and [row["image"] for row in answer["bases"]] == [SLIM]
    assert [(one["image"], one["arch"]) for one in answer["failed"]] == [
        (SLIM, "arm64"),
        ("alpine:3.23", None),
        (DEBIAN, None),
    ]
    assert tomllib.loads(Path(answer["path"]).read_text())["base"]
    listed = cli("bases", SLIM, "--format", "json", env=mirror.env)
    assert [row["python"] for row in json.loads(listed.stdout)["bases"]] == ["3.13.90"]


def test_a_registry_that_fails_is_not_asked_for_ever(mirror: Mirror, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    mirror.server.faults.append(Fault(method="GET", path="/v2/library/", reply=Reply(503), times=1000))
    mirror.serve("gcr.io/distroless/python3-debian13", image(SYSTEM, python("3.13.90", "usr", pip=None)))
    names = [f"python:3.13-{kind}" for kind in ("slim-trixie", "trixie", "bookworm", "slim-bookworm", "alpine3.23")]
    refreshed = refresh_bases([*names, "gcr.io/distroless/python3-debian13"])
    assert [row.image for row in refreshed.rows] == ["gcr.io/distroless/python3-debian13"]
    assert [one.image for one in refreshed.failed] == names
    assert ["503" in one.reason for one in refreshed.failed] == [True, False, False, False, False]
    assert refreshed.failed[-1].reason == "not asked, since docker.io failed before"


def test_images_that_are_gone_are_no_silence(mirror: Mirror) -> None:
    mirror.serve(SLIM, image(SYSTEM, python("3.13.90")))
    names = [f"python:3.13-{kind}" for kind in ("trixie", "bookworm", "slim-bookworm", "slim-trixie")]
    assert [row.image for row in refresh_bases(names).rows] == [SLIM]


def unreachable(folder: Path) -> dict[str, str]:
    domains = ("docker.io", "gcr.io", "ghcr.io", "cgr.dev", "public.ecr.aws", "registry.access.redhat.com")
    settings = folder / "registries.conf"
    settings.write_text("".join(f'[[registry]]\nprefix = "{name}"\nlocation = "127.0.0.1:1"\n' for name in domains))
    return {"CONTAINERS_REGISTRIES_CONF": str(settings)}


def test_no_registry_can_be_reached(cli: Cli, tmp_path: Path) -> None:
    """One error with a way out, in a bounded time, and nothing is written."""
    began = time.monotonic()
    done = cli("bases", "--refresh", "python:3.13-slim", "python:3.13-alpine", env=unreachable(tmp_path))
    assert (done.returncode, done.stdout) == (1, "") and time.monotonic() - began < 30
    error, hint = done.stderr.splitlines()
    assert error.startswith(f"error: no base image could be refreshed; {SLIM}: ") and "(1 more failed)" in error
    assert hint.startswith("hint: ") and "WHEELBASE_REGISTRY_MIRRORS" in hint
    assert not (tmp_path / "cli-home" / "cache" / "bases.toml").exists()


def test_no_registry_at_all(nobody: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is asked for one image, of all that are current."""
    waits: list[float] = []
    monkeypatch.setattr("time.sleep", waits.append)
    for name, value in unreachable(tmp_path).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BaseError, match="more failed"):
        refresh_bases()
    assert 0 < len(waits) < 40


def test_names_that_are_not_in_the_catalogue(cli: Cli) -> None:
    for name, hint in (("python:3.13-slm", "did you mean python:3.13-slim"), ("oci:x", "`wheelbase bases` lists")):
        done = cli("bases", "--refresh", name)
        assert (done.returncode, done.stdout) == (1, "") and "is not in the catalogue" in done.stderr
        assert hint in done.stderr


ROW = '[[base]]\nimage = "debian:13"\narch = "amd64"\ndate = 2026-12-01\nlibc = "glibc"\nsource = "x"\n'


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"[[base",
        ROW.encode(),
        (ROW + 'libc_version = "new"').encode(),
        (ROW + 'libc_version = "2.41"\npython = "three"').encode(),
        (ROW + 'libc_version = "2.41"\npip = "three"').encode(),
        b"other = 1",
    ],
)
def test_a_broken_file_is_told_and_ignored(cli: Cli, tmp_path: Path, content: bytes) -> None:
    asked = ("bases", "python:3.13", "--format", "json")
    before = cli(*asked)
    assert before.stderr == ""
    path = tmp_path / "cli-home" / "cache" / "bases.toml"
    path.write_bytes(content)
    done = cli(*asked)
    assert (done.returncode, done.stdout) == (0, before.stdout)
    [told] = done.stderr.splitlines()
    assert told.startswith(f"warning: {path} is ignored, since it is broken: ")


@pytest.fixture
def kept(nobody: Path) -> tuple[BaseFacts, ...]:
    rows = tuple(row for row in bundled_catalogue().base if row.image in (SLIM, DEBIAN))
    keep_rows(rows)
    return rows


def test_rows_round_trip(kept: tuple[BaseFacts, ...]) -> None:
    latest = {(row.image, row.arch): row for row in kept}
    assert set(parse_rows(refreshed_path().read_bytes())) == set(latest.values())
    keep_rows([replace(kept[0], python="3.99.0")])
    found = parse_rows(refreshed_path().read_bytes())
    assert [row for row in found if row.python == "3.99.0"] == [replace(kept[0], python="3.99.0")]
    assert len(found) == len(latest)


def test_a_write_that_fails_changes_nothing(kept: tuple[BaseFacts, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    before = refreshed_path().read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WheelbaseError, match="No space left"):
        keep_rows([replace(kept[0], python="3.99.0")])
    assert refreshed_path().read_bytes() == before
    assert not list(refreshed_path().parent.glob(".new-*"))


def test_a_broken_file_is_written_anew(kept: tuple[BaseFacts, ...]) -> None:
    refreshed_path().write_bytes(b"broken")
    keep_rows(kept[:1])
    assert parse_rows(refreshed_path().read_bytes()) == kept[:1]
    assert refreshed_module.refreshed_bytes().startswith(b"# Base images")

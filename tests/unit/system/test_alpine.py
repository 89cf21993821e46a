"""Snapshots of Alpine: made from a mirror's indices, shipped, refreshed; and that a broken mirror leaves none."""

import gzip
from datetime import date
from pathlib import Path

import pytest
from tests.fake_index import Answer, FakeIndex
from tests.unit.system.small_alpine import MAIN, index_file, mirror

from wheelbase.bases.facts import BaseFacts
from wheelbase.errors import MirrorError
from wheelbase.system.alpine import load_alpine
from wheelbase.system.apk import ApkTable, closure_on_alpine, read_apkindex
from wheelbase.system.apk_repositories import alpine_mirrors
from wheelbase.system.platform import system_of
from wheelbase.system.refresh import made, refreshed
from wheelbase.system.releases import refreshed_snapshot
from wheelbase.system.snapshot_file import Snapshot

LATER = 2_700_000_000  # 2055
COMMUNITY_PATH = "/v3.22/community/x86_64/APKINDEX.tar.gz"

pytestmark = pytest.mark.usefixtures("nobody")


def serve(index: FakeIndex, files: dict[str, bytes]) -> str:
    for path, body in files.items():
        index.route(f"/alpine{path}", Answer(body=body))
    return f"{index.url}/alpine"


def table_of(raw: bytes) -> ApkTable:
    return Snapshot(raw, "small").section("apk", ApkTable)


def test_what_builds_ask_for_is_kept_with_what_it_needs(fake_index: FakeIndex) -> None:
    raw = made(serve(fake_index, mirror()), "alpine-3.22")
    header, table = Snapshot(raw, "small").header, table_of(raw)
    assert (header.release, header.suite, header.date) == ("alpine-3.22", "v3.22", "2026-03-30")
    assert list(table.packages) == ["bar-dev", "libfoo", "libfoo-dev", "musl", "swig"]
    assert table.provider["pc:foo-1.0"] == table.provider["cmd:foo-config"] == "libfoo-dev"
    assert "so:libfoo.so.1" not in table.provider  # only the game needs it
    found = closure_on_alpine(["pc:foo-1.0"], "3.22", installed=frozenset({"musl"}), index=table)
    assert [package.name for package in found.packages] == ["bar-dev", "libfoo", "libfoo-dev"]
    assert (found.download_bytes, found.installed_bytes, found.missing, found.estimated) == (140, 290, (), ())


def test_a_mirror_may_be_a_folder_and_gives_the_same_bytes(tmp_path: Path, fake_index: FakeIndex) -> None:
    for path, body in mirror().items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    assert made(tmp_path.as_uri(), "alpine-3.22") == made(serve(fake_index, mirror()), "alpine-3.22")


def test_a_server_may_unpack_gzip_on_the_way(fake_index: FakeIndex) -> None:
    whole = made(serve(fake_index, mirror()), "alpine-3.22")
    serve(fake_index, {path: gzip.decompress(body) for path, body in mirror().items()})
    assert made(f"{fake_index.url}/alpine", "alpine-3.22") == whole


def test_a_refreshed_release_is_used_from_then_on(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_ALPINE_MIRROR", serve(fake_index, mirror(when=LATER)) + "/")
    shipped = load_alpine("alpine-3.22")
    assert shipped and "openssl-dev" in shipped.packages
    assert refreshed("alpine-3.22").date == "2055-07-24"
    found = load_alpine("alpine-3.22")
    assert found and "openssl-dev" not in found.packages and found.packages["bar-dev"].installed_bytes == 70


def test_edge_has_no_number(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_alpine("alpine-edge") == load_alpine("alpine-3.24")
    monkeypatch.setenv("WHEELBASE_ALPINE_MIRROR", serve(fake_index, mirror("edge")))
    assert refreshed("alpine-edge").suite == "edge"
    found = load_alpine("alpine-edge")
    assert found and "bar-dev" in found.packages


@pytest.mark.parametrize(("release", "nearest"), [("alpine-3.99", "alpine-3.24"), ("alpine-3.20", "alpine-3.20")])
def test_the_newest_that_is_not_newer_is_taken(release: str, nearest: str) -> None:
    assert load_alpine(release) is load_alpine(nearest) is not None


@pytest.mark.parametrize("release", ["alpine-3.9", "alpine-3.17"])
def test_of_older_releases_nothing_is_shipped(release: str) -> None:
    assert load_alpine(release) is None


BROKEN = {
    "not there": (Answer(status=404), r"APKINDEX.tar.gz is not there \(404\)"),
    "forbidden": (Answer(status=403), "answers 403"),
    "cut off": (Answer(body=index_file(MAIN)[:-12]), "not received whole"),
    "cut off early": (Answer(body=index_file(MAIN)[:150]), "not received whole"),
    "a line breaks": (Answer(body=index_file(MAIN), drop_after=50), "cannot be read"),
    "a page": (Answer(body=b"<html>log in</html>"), "damaged"),
    "empty": (Answer(body=b""), "damaged"),
    "no index in it": (Answer(body=gzip.compress(bytes(10240))), "it has no index"),
    "no packages in it": (Answer(body=index_file("hello\n")), "lists no packages"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_mirror_is_one_clear_error(
    case: str, fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer, message = BROKEN[case]
    monkeypatch.setenv("WHEELBASE_ALPINE_MIRROR", serve(fake_index, mirror(when=LATER)))
    fake_index.route(f"/alpine{COMMUNITY_PATH}", answer)
    with pytest.raises(MirrorError, match=message) as caught:
        refreshed("alpine-3.22")
    assert "WHEELBASE_ALPINE_MIRROR" in str(caught.value.hint)
    assert refreshed_snapshot("alpine-3.22") is None
    assert not [file for file in (nobody / "cache").rglob("*") if file.is_file()]


def test_a_date_that_is_none(fake_index: FakeIndex) -> None:
    raw = made(serve(fake_index, mirror(when=2**62)), "alpine-3.22")
    assert Snapshot(raw, "small").header.date == "0001-01-01"


def test_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "repositories").write_text(
        "# https://commented/alpine/v3.22/main\n"
        "https://first/alpine/v3.22/main\n"
        "https://first/alpine/v3.22/community # again\n"
        "@edge http://second//edge/main/\n"
        "/media/cdrom/apks\n"
        "/srv/mirror/latest-stable/main\n"
        "https://elsewhere/packages\n"
    )
    (tmp_path / "repositories.d").mkdir()
    (tmp_path / "repositories.d" / "own.list").write_text("http://third/v3.1/community\n")
    assert alpine_mirrors(tmp_path) == ("https://first/alpine", "http://second", "file:///srv/mirror", "http://third")
    monkeypatch.setenv("WHEELBASE_ALPINE_MIRROR", "http://mine/alpine/")
    assert alpine_mirrors(tmp_path) == ("http://mine/alpine",)


def test_a_machine_without_apk(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="no mirror of Alpine is set up") as caught:
        alpine_mirrors(tmp_path)
    assert "WHEELBASE_ALPINE_MIRROR" in str(caught.value.hint)


def test_an_image_that_does_not_name_its_release_is_of_the_newest_with_its_c_library() -> None:
    for release in range(20, 25):
        index = load_alpine(f"alpine-3.{release}")
        assert index
        musl = index.packages["musl"].version.partition("-")[0]
        facts = BaseFacts(
            image="me/app",
            arch="amd64",
            date=date(2026, 1, 1),
            libc="musl",
            libc_version=musl,
            package_manager="apk",
            source="",
        )
        system = system_of(facts)
        assert system and system.own == ("alpine-3.24" if release == 24 else "alpine-3.23")


def test_what_is_shipped_brings_along_what_apk_does() -> None:
    index = load_alpine("alpine-3.22")
    assert index
    found = closure_on_alpine(["libpq-dev"], "3.22", installed=frozenset({"musl"}), index=index)
    assert {"libpq", "openssl-dev", "libssl3", "libcrypto3", "pkgconf"} <= {package.name for package in found.packages}
    assert found.missing == found.estimated == ()


def test_all_that_the_index_names_is_what_the_reader_of_indices_finds() -> None:
    assert read_apkindex(MAIN).packages.keys() == {"musl", "libfoo", "libfoo-dev", "game"}

"""A snapshot from a mirror: what makes one, and that nothing is kept of a mirror that is broken."""

import gzip
import lzma
from datetime import date
from pathlib import Path

import pytest
from tests.fake_index import Answer, FakeIndex
from tests.unit.system import small_alpine
from tests.unit.system.small_archive import CONTENTS, archive

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.errors import MirrorError, WheelbaseError
from wheelbase.system.apt_sources import Source, deb822_sources, mirrors, one_line_sources
from wheelbase.system.contents import load_contents
from wheelbase.system.packages import load_packages
from wheelbase.system.platform import System, system_of
from wheelbase.system.refresh import made, newest, refresh_packages, refreshed
from wheelbase.system.releases import load_snapshot, nearest_release, refreshed_snapshot
from wheelbase.system.snapshot_file import Snapshot

CONTENTS_PATH = "/dists/trixie/main/Contents-amd64.gz"
PACKAGES_PATH = "/dists/trixie/main/binary-amd64/Packages.xz"
LATER = "Sat, 01 Jan 2056 00:00:00 UTC"

pytestmark = pytest.mark.usefixtures("nobody")


def serve(index: FakeIndex, files: dict[str, bytes]) -> str:
    for path, body in files.items():
        index.route(f"/debian{path}", Answer(body=body))
    return f"{index.url}/debian"


def base(name: str) -> System:
    facts = load_catalogue().find(name, arch="amd64", on=date(2026, 11, 25))
    system = system_of(facts)
    assert system is not None
    return system


def test_what_is_refreshed_is_the_release_of_the_base(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = serve(fake_index, archive(date=LATER))
    serve(fake_index, archive(date=LATER, origin="Ubuntu", codename="focal"))
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", mirror)
    trixie, focal = base("debian:trixie-slim"), base("ubuntu:20.04")
    assert not any("2056" in note for system in (trixie, focal) for note in system.notes)
    assert (focal.release, focal.exact) == ("debian-11", False)
    for system in (trixie, focal):
        refresh_packages(system)
    trixie, focal = base("debian:trixie-slim"), base("ubuntu:20.04")
    assert trixie.notes == ("packages are those of debian-13 as of 2056-01-01",)
    assert trixie.contents.pkg_config("foo-1.0") == {"libfoo-dev"}
    assert (focal.release, focal.exact) == ("ubuntu-20.04", True)
    assert "packages are those of ubuntu-20.04 as of 2056-01-01" in focal.notes
    assert not any("2056" in note for note in base("debian:bookworm-slim").notes)


def test_an_older_mirror_changes_nothing_and_the_note_says_so(
    fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive(date="Sat, 01 Jan 2000 00:00:00 UTC")))
    refresh_packages(base("debian:trixie-slim"))
    shipped = load_snapshot("debian-13").header.date
    assert base("debian:trixie-slim").notes == (f"packages are those of debian-13 as of {shipped}",)


def test_alpine_is_refreshed_from_its_own_mirror(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    for path, body in small_alpine.mirror(when=2_700_000_000).items():
        fake_index.route(path, Answer(body=body))
    monkeypatch.setenv("WHEELBASE_ALPINE_MIRROR", fake_index.url)
    refresh_packages(base("alpine:3.22"))
    system = base("alpine:3.22")
    assert system.notes == ("packages are those of alpine-3.22 as of 2055-07-24",)
    assert system.closure(["pc:bar"]).installed_bytes == 70


def test_of_dnf_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", "http://127.0.0.1:1")
    refresh_packages(base("fedora:44"))


def test_a_newer_snapshot_is_preferred(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_contents("debian-13").pkg_config("zlib")
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive(date=LATER)) + "/")
    header = refreshed("debian-13")
    assert (header.release, header.suite, header.date) == ("debian-13", "trixie", "2056-01-01")
    assert not load_contents("debian-13").pkg_config("zlib")
    assert load_contents("debian-13").pkg_config("foo-1.0") == {"libfoo-dev"}
    assert load_packages("debian-13").get("zlib1g-dev") is None
    assert load_packages("debian-12").get("zlib1g-dev")


def test_an_older_snapshot_is_not(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive(date="Sat, 01 Jan 2000 00:00:00 UTC")))
    assert refreshed("debian-13").date == "2000-01-01"
    assert load_contents("debian-13").pkg_config("zlib")


def test_a_release_that_is_not_shipped(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive(origin="Ubuntu", codename="focal")))
    assert nearest_release("ubuntu", "20.04") == ("debian-11", False)
    refreshed("ubuntu-20.04")
    assert nearest_release("ubuntu", "20.04") == ("ubuntu-20.04", True)
    assert load_contents("ubuntu-20.04").library("foo") == {"libfoo-dev"}


def test_a_mirror_may_be_a_folder_and_gives_the_same_bytes(tmp_path: Path, fake_index: FakeIndex) -> None:
    for path, body in archive().items():
        file = tmp_path / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(body)
    assert made(tmp_path.as_uri(), "debian-13") == made(serve(fake_index, archive()), "debian-13")


def test_files_may_be_kept_by_their_digest(fake_index: FakeIndex) -> None:
    files = archive()
    listed = files["/dists/trixie/InRelease"].decode().splitlines()
    digest = next(line.split()[0] for line in listed if line.endswith("Packages.xz"))
    files[f"/dists/trixie/main/binary-amd64/by-hash/SHA256/{digest}"] = files[PACKAGES_PATH]
    files[PACKAGES_PATH] = lzma.compress(b"Package: from-another-day\n")
    assert made(serve(fake_index, files), "debian-13")


def test_contents_of_another_day_are_taken_and_told(fake_index: FakeIndex) -> None:
    mirror = serve(fake_index, archive())
    assert Snapshot(made(mirror, "debian-13"), "").header.verified
    fake_index.route(f"/debian{CONTENTS_PATH}", Answer(body=gzip.compress(f"{CONTENTS}usr/bin/x a/b\n".encode())))
    assert not Snapshot(made(mirror, "debian-13"), "").header.verified


def test_a_server_may_unpack_gzip_on_the_way(fake_index: FakeIndex) -> None:
    mirror = serve(fake_index, archive())
    packed = Answer(body=gzip.compress(CONTENTS.encode()), headers={"Content-Encoding": "gzip"})
    fake_index.route(f"/debian{CONTENTS_PATH}", packed)
    assert Snapshot(made(mirror, "debian-13"), "").header.verified


BROKEN = {
    "contents cut off": (CONTENTS_PATH, Answer(body=archive()[CONTENTS_PATH][:-20]), "not received whole"),
    "contents are a page": (CONTENTS_PATH, Answer(body=b"<html>log in</html>"), "lists no headers"),
    "contents are not there": (CONTENTS_PATH, Answer(status=404), r"Contents-amd64.gz is not there \(404\)"),
    "contents are empty": (CONTENTS_PATH, Answer(body=b""), r"Contents-amd64.gz is not there"),
    "packages cut off": (PACKAGES_PATH, Answer(body=archive()[PACKAGES_PATH][:-30]), "not received whole"),
    "packages damaged": (PACKAGES_PATH, Answer(body=b"\xfd7zXZ\0" + bytes(99)), "damaged"),
    "packages of another day": (PACKAGES_PATH, Answer(body=lzma.compress(b"Package: x\n")), "Release file describes"),
    "packages are a page": (PACKAGES_PATH, Answer(body=b"<html>log in</html>"), "Release file describes"),
    "a line breaks": (PACKAGES_PATH, Answer(body=archive()[PACKAGES_PATH], drop_after=50), "cannot be read"),
    "forbidden": (PACKAGES_PATH, Answer(status=403), "answers 403"),
    "no Release file": ("/dists/trixie/InRelease", Answer(status=404), r"InRelease is not there \(404\)"),
    "Release is a page": ("/dists/trixie/InRelease", Answer(body=b"<html>log in</html>"), "not debian's trixie"),
    "another archive": (
        "/dists/trixie/InRelease",
        Answer(body=archive(origin="Docker")["/dists/trixie/InRelease"]),
        "not debian's trixie",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_mirror_is_one_clear_error(
    case: str, fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, answer, message = BROKEN[case]
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive(date=LATER)))
    fake_index.route(f"/debian{path}", answer)
    with pytest.raises(MirrorError, match=message) as caught:
        refreshed("debian-13")
    assert "WHEELBASE_DEBIAN_MIRROR" in str(caught.value.hint)
    assert refreshed_snapshot("debian-13") is None
    assert not [file for file in (nobody / "cache").rglob("*") if file.is_file()]
    assert load_snapshot("debian-13").header.date < "2056"


def test_no_server_at_all(fake_index: FakeIndex) -> None:
    with pytest.raises(MirrorError, match="cannot be read"):
        made("file:///nowhere/%00", "debian-13")
    with pytest.raises(MirrorError, match="not a valid URL"):
        made("http://user:pa#ss@host", "debian-13")


def test_the_next_mirror_is_asked(fake_index: FakeIndex, other_index: FakeIndex) -> None:
    mirror = serve(fake_index, archive())
    assert newest((other_index.url, mirror), "debian-13") == made(mirror, "debian-13")


def test_a_release_that_nobody_knows() -> None:
    with pytest.raises(WheelbaseError, match="debian-99 is not a release"):
        made("http://127.0.0.1:1", "debian-99")


def test_a_cache_that_cannot_be_written(fake_index: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "file"))
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", serve(fake_index, archive()))
    with pytest.raises(WheelbaseError, match="cannot be written to the cache"):
        refreshed("debian-13")


def test_sources_of_one_line() -> None:
    lines = [
        "# deb http://a/ trixie main",
        "deb [arch=amd64 signed-by=/k.gpg] http://a/debian/ trixie main contrib # comment",
        "deb-src http://a/debian trixie main",
        "deb copy:/x trixie main",
        "deb",
        "deb http://flat ./",
    ]
    assert list(one_line_sources(lines)) == [
        Source("http://a/debian/", ("trixie",), ("main", "contrib")),
        Source("/x", ("trixie",), ("main",)),
        Source("http://flat", ("./",), ()),
    ]


def test_sources_in_deb822() -> None:
    text = """
# a comment
Types: deb deb-src
URIs: http://a/debian http://b/debian
Suites: trixie trixie-updates
# in between
Components: main
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----

Types: deb
URIs: http://off
Suites: trixie
Components: main
Enabled: no

Types: deb-src
URIs: http://sources
Suites: trixie
Components: main
"""
    suites = ("trixie", "trixie-updates")
    found = list(deb822_sources(text.splitlines()))
    assert found == [Source(f"http://{host}/debian", suites, ("main",)) for host in "ab"]


def test_mirrors_of_a_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    (tmp_path / "sources.list").write_text("deb http://first/debian/ bookworm main\ndeb cdrom:[x]/ bookworm main\n")
    (parts / "docker.list").write_text("deb http://other/linux/debian bookworm stable\ndeb http://node nodistro main\n")
    (parts / "debian.sources").write_text(
        "Types: deb\nURIs: http://second http://first/debian\nSuites: stable\nComponents: main\n\n"
        "Types: deb\nURIs: http://security\nSuites: bookworm-security\nComponents: main\n"
    )
    assert mirrors(tmp_path) == ("http://first/debian", "http://second")
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", "http://mine/debian/")
    assert mirrors(tmp_path) == ("http://mine/debian",)


def test_a_machine_without_apt(tmp_path: Path) -> None:
    with pytest.raises(MirrorError, match="no archive of Debian or Ubuntu is set up") as caught:
        mirrors(tmp_path)
    assert "WHEELBASE_DEBIAN_MIRROR" in str(caught.value.hint)

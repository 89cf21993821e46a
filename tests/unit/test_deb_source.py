"""A base out of a Debian archive: what is in it, that it is the same each time, and what is refused."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from tests.unit.fake_debian import FakeDebian, library, other_key, some_key, with_python

from wheelbase.bases.inspect import inspect_image
from wheelbase.deb.chosen import Chosen
from wheelbase.deb.errors import DebError
from wheelbase.deb.leftout import left_out_files, left_out_packages
from wheelbase.deb.mirrors import Mirror, find_mirror
from wheelbase.deb.signing import archive_keys, signed_text
from wheelbase.deb.source import DebImage, deb_source
from wheelbase.oci.digest import Digest
from wheelbase.oci.image import read_image
from wheelbase.oci.places import Blob
from wheelbase.oci.store import Store

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "explanation" / "deb-base.md"
YESTERDAY = f"{datetime.now(UTC) - timedelta(days=1):%a, %d %b %Y %H:%M:%S} UTC"
NEXT_YEAR = f"{datetime.now(UTC) + timedelta(days=365):%a, %d %b %Y %H:%M:%S} UTC"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.delenv("WHEELBASE_DEBIAN_MIRROR", raising=False)


@pytest.fixture
def archive(tmp_path: Path) -> FakeDebian:
    return with_python(tmp_path / "mirror")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def made(
    archive: FakeDebian, store: Store, *packages: str, locked: Chosen | None = None, bytecode: bool = False
) -> DebImage:
    return deb_source(
        "deb:trixie",
        arch="amd64",
        packages=packages,
        mirror=archive.url,
        locked=locked,
        bytecode=bytecode,
        keys=[some_key().extract_certificate()],
        store=store,
        report=lambda step, done, total: None,
    )


def files_of(image: DebImage) -> dict[str, tarfile.TarInfo]:
    return {member.name: member for member, _ in _entries(image)}


def content(image: DebImage, path: str) -> bytes:
    return next(data for member, data in _entries(image) if member.name == path)


def _entries(image: DebImage) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    for layer in read_image(image).layers:
        raw = gzip.decompress(Blob(descriptor=layer.descriptor, source=image).read(1 << 20))
        assert Digest.of(raw) == layer.diff_id
        with tarfile.open(fileobj=io.BytesIO(raw)) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isreg() else None
                yield member, file.read() if file else b""


def test_what_packages_bring_is_there_but_for_what_is_left_out(archive: FakeDebian, store: Store) -> None:
    files = files_of(made(archive, store))
    for path in ("usr/bin/python3.13", "usr/share/doc/libc6/copyright", "usr/lib/locale/C.utf8/LC_CTYPE"):
        assert path in files
    for path in (
        "usr/share/doc/libc6/changelog.gz",
        "usr/lib/x86_64-linux-gnu/gconv/UTF-7.so",
        "usr/bin/iconv",
        "usr/bin/py3compile",
        "usr/lib/python3.13/test/test_os.py",
        "usr/share/ca-certificates/mozilla/A.crt",
    ):
        assert path not in files


def test_a_package_that_is_asked_for_is_whole_but_for_documentation(archive: FakeDebian, store: Store) -> None:
    files = files_of(made(archive, store, "libc-bin", "libc6"))
    assert "usr/bin/iconv" in files
    assert "usr/share/doc/libc6/changelog.gz" not in files


def test_folders_outside_of_usr_are_links_into_it(archive: FakeDebian, store: Store) -> None:
    files = files_of(made(archive, store))
    assert {name: files[name].linkname for name in ("bin", "sbin", "lib", "lib64")} == {
        "bin": "usr/bin",
        "sbin": "usr/sbin",
        "lib": "usr/lib",
        "lib64": "usr/lib64",
    }
    assert files["usr/lib64/ld-linux-x86-64.so.2"].linkname == "/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"
    assert "usr/lib/x86_64-linux-gnu/libc.so.6" in files


def test_what_scripts_would_have_made_is_there(archive: FakeDebian, store: Store) -> None:
    image = made(archive, store)
    files = files_of(image)
    begin, end = b"-----BEGIN CERTIFICATE-----\n", b"\n-----END CERTIFICATE-----\n"
    assert content(image, "etc/ssl/certs/ca-certificates.crt") == begin + b"a" + end + begin + b"b" + end
    assert b"nonroot:x:65532:65532" in content(image, "etc/passwd")
    assert (files["home/nonroot"].uid, files["home/nonroot"].gid) == (65532, 65532)
    assert files["tmp"].mode == 0o1777
    assert files["usr/bin/python"].linkname == "python3"
    cache = content(image, "etc/ld.so.cache")
    assert b"libc.so.6\0/usr/lib/x86_64-linux-gnu/libc.so.6\0" in cache
    assert b"libstdc++.so.6\0" in cache


def test_the_cache_of_libraries_knows_those_that_were_added(archive: FakeDebian, store: Store) -> None:
    archive.add(
        "libfoo1",
        {
            "etc/ld.so.conf.d/foo.conf": "# here\n/opt/foo/lib\n",
            "opt/foo/lib/libfoo.so.1": library("libfoo.so.1"),
            "opt/elsewhere/libbar.so.1": library("libbar.so.1"),
        },
    )
    cache = content(made(archive, store, "libfoo1"), "etc/ld.so.cache")
    assert b"libfoo.so.1\0/opt/foo/lib/libfoo.so.1\0" in cache
    assert b"libbar" not in cache


def test_hard_links_become_symbolic_ones(archive: FakeDebian, store: Store) -> None:
    link = tarfile.TarInfo("./bin/gunzip")
    link.type, link.linkname = tarfile.LNKTYPE, "./bin/gzip"
    archive.add("gzip", {"bin/gzip": "a program", "bin/gunzip": link})
    files = files_of(made(archive, store, "gzip"))
    assert (files["usr/bin/gunzip"].type, files["usr/bin/gunzip"].linkname) == (tarfile.SYMTYPE, "/usr/bin/gzip")


def test_an_added_package_changes_the_layers_above_alone(archive: FakeDebian, store: Store) -> None:
    plain = made(archive, store)
    archive.add("tool", {"usr/bin/tool": "1"}, Depends="libc6, needed")
    archive.add("needed", {"usr/bin/needed": "1"})
    more = made(archive, store, "tool")
    assert [layer.name for layer in more.layers] == ["libc", "data", "python", "added", "system"]
    assert [layer.written for layer in more.layers[:3]] == [layer.written for layer in plain.layers[:3]]
    assert sorted(more.layers[3].written.packages) == ["needed", "tool"]


def test_a_security_update_is_taken_and_changes_one_layer(archive: FakeDebian, store: Store) -> None:
    before = made(archive, store)
    archive.add("tzdata", {"usr/share/tzdata/data": "new"}, version="1.0+deb13u1", suite="-security")
    after = made(archive, store)
    assert content(after, "usr/share/tzdata/data") == b"new"
    changed = [new.name for old, new in zip(before.layers, after.layers, strict=True) if old != new]
    assert changed == ["data"]
    assert [one.archive for one in after.chosen.packages if one.name == "tzdata"] == ["security"]


def test_scanners_and_inspect_see_the_packages(archive: FakeDebian, store: Store) -> None:
    image = made(archive, store)
    seen = inspect_image(image, read_image(image))
    assert {(package.name, package.version) for package in seen.packages or ()} == {
        (package.name, package.version) for package in image.chosen.packages
    }
    assert seen.user == "65532:65532"
    assert seen.ca_store == "/etc/ssl/certs/ca-certificates.crt"
    sums = content(image, "var/lib/dpkg/status.d/libc6.md5sums").decode()
    assert [line.partition("  ")[2] for line in sums.splitlines()] == [
        "lib/x86_64-linux-gnu/libc.so.6",
        "lib64/ld-linux-x86-64.so.2",
        "usr/share/doc/libc6/copyright",
    ]


def test_the_image_says_how_it_runs(archive: FakeDebian, store: Store) -> None:
    config = read_image(made(archive, store)).config
    assert (config.cmd, config.user, config.env_var("LANG")) == (("python3",), "65532:65532", "C.UTF-8")
    assert (config.platform.os, config.platform.architecture) == ("linux", "amd64")
    assert "usr" not in (config.env_var("PATH") or "").split(":")


def test_the_same_packages_are_the_same_image_anywhere(
    archive: FakeDebian, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = made(archive, store).manifest.digest
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "other"))
    assert made(archive, Store(tmp_path / "other store")).manifest.digest == first


def test_bytecode_is_a_layer_of_its_own(archive: FakeDebian, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    class Compiler:
        key = "a compiler"

        def compile(self, sources: list[tuple[str, bytes]]) -> list[bytes | None]:
            return [path.encode() + source for path, source in sources]

    monkeypatch.setattr("wheelbase.deb.source._compiler", lambda version: (Compiler(), ()))
    image = made(archive, store, bytecode=True)
    assert [layer.name for layer in image.layers] == ["libc", "data", "python", "bytecode", "system"]
    compiled = content(image, "usr/lib/python3.13/__pycache__/os.cpython-313.pyc")
    assert compiled == b"/usr/lib/python3.13/os.pyname = 'posix'\n"
    assert [name for name in files_of(image) if name.endswith(".pyc")] == [
        "usr/lib/python3.13/__pycache__/os.cpython-313.pyc"
    ]
    assert image.compiler == "a compiler"


def test_what_was_locked_is_made_again_after_an_update(archive: FakeDebian, store: Store, tmp_path: Path) -> None:
    archive.add("tool", {"usr/bin/tool": "1"})
    first = made(archive, store, "tool")
    archive.add("tzdata", {"usr/share/tzdata/data": "new"}, version="2.0")
    kept = msgspec.json.decode(msgspec.json.encode(first.chosen), type=Chosen)
    again = made(archive, Store(tmp_path / "empty"), locked=kept)
    assert again.manifest.digest == first.manifest.digest
    assert made(archive, store, "tool").manifest.digest != first.manifest.digest


def test_a_locked_package_that_is_gone_is_named(archive: FakeDebian, store: Store, tmp_path: Path) -> None:
    kept = made(archive, store).chosen
    (archive.root / "debian" / "pool" / "tzdata_1.0.deb").unlink()
    with pytest.raises(DebError, match=r"tzdata 1\.0 cannot be had from the mirror: .*404"):
        made(archive, Store(tmp_path / "empty"), locked=kept)


def test_a_corrupted_package_is_refused(archive: FakeDebian, store: Store) -> None:
    path = archive.root / "debian" / "pool" / "tzdata_1.0.deb"
    raw = bytearray(path.read_bytes())
    raw[-20] ^= 1
    path.write_bytes(raw)
    with pytest.raises(DebError, match=r"tzdata 1\.0 from file:.* is not what the archive's index says"):
        made(archive, store)


def test_a_package_that_the_cache_damaged_is_fetched_again(archive: FakeDebian, store: Store, tmp_path: Path) -> None:
    package = next(one for one in made(archive, store).chosen.packages if one.name == "tzdata")
    store = Store(tmp_path / "another")
    store.put_bytes(Digest("sha256", package.sha256), b"!<arch>\nnothing")
    with pytest.raises(DebError, match=r"tzdata 1\.0 is no sound .deb"):
        made(archive, store)
    assert content(made(archive, store), "usr/share/tzdata/data") == b"tzdata"


def test_a_corrupted_index_is_refused(archive: FakeDebian, store: Store) -> None:
    path = archive.root / "debian" / "dists" / "trixie" / "main" / "binary-amd64" / "Packages.xz"
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DebError, match=r"the index of trixie from .* is not what the archive's index says"):
        made(archive, store)


@pytest.mark.parametrize("suite", ["trixie", "trixie-updates", "trixie-security"])
def test_a_changed_release_file_is_refused(archive: FakeDebian, store: Store, suite: str) -> None:
    folder = "debian-security" if suite.endswith("-security") else "debian"
    path = archive.root / folder / "dists" / suite / "InRelease"
    path.write_bytes(path.read_bytes().replace(b"Origin: Debian", b"Origin: debian"))
    with pytest.raises(DebError, match=rf"{suite}/InRelease is not signed by Debian's archive"):
        made(archive, store)


def test_what_somebody_else_signed_is_refused(archive: FakeDebian, store: Store) -> None:
    archive.key = other_key()
    archive.publish()
    with pytest.raises(DebError, match="is not signed by Debian's archive"):
        made(archive, store)


def test_what_is_not_signed_at_all_is_refused(archive: FakeDebian, store: Store) -> None:
    path = archive.root / "debian" / "dists" / "trixie" / "InRelease"
    lines = path.read_bytes().split(b"\n\n", 1)[1].split(b"-----BEGIN PGP SIGNATURE")[0]
    path.write_bytes(lines)
    with pytest.raises(DebError, match="is not signed by Debian's archive"):
        made(archive, store)


def test_only_what_is_signed_counts(archive: FakeDebian, store: Store) -> None:
    path = archive.root / "debian" / "dists" / "trixie" / "InRelease"
    text = signed_text(b"Codename: sid\n\n" + path.read_bytes(), "there", [some_key().extract_certificate()])
    assert text.startswith("Origin: Debian\nCodename: trixie\n")
    assert "sid" not in text


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"Valid_Until": YESTERDAY}, "is out of date: it was valid until"),
        ({"Date": NEXT_YEAR}, "which is yet to come"),
        ({"Date": "long ago"}, "has 'long ago' for Date"),
        ({"Codename": "bookworm"}, "is of another release than Debian's trixie"),
        ({"Origin": "Elsewhere"}, "is of another release than Debian's trixie"),
    ],
)
@pytest.mark.parametrize("suite", ["", "-security"])
def test_a_release_file_of_another_day_or_release_is_refused(
    archive: FakeDebian, store: Store, suite: str, fields: dict[str, str], message: str
) -> None:
    archive.publish(suites=[suite], **fields)
    with pytest.raises(DebError, match=message):
        made(archive, store)


def test_a_mirror_that_has_nothing_is_told_of(tmp_path: Path, store: Store) -> None:
    empty = FakeDebian(tmp_path / "empty", release="bookworm")
    with pytest.raises(DebError, match=r"the Release file of trixie cannot be had from the mirror: .* answers 404"):
        made(empty, store)


def test_an_architecture_that_the_mirror_lacks_is_told_of(archive: FakeDebian, store: Store) -> None:
    with pytest.raises(DebError, match=r"InRelease lists no main/binary-arm64/Packages\.xz"):
        deb_source(
            "deb:trixie",
            arch="arm64",
            mirror=archive.url,
            keys=[some_key().extract_certificate()],
            store=store,
            report=lambda step, done, total: None,
        )


@pytest.mark.parametrize("name", ["deb:sid", "trixie", "deb:"])
def test_other_releases_are_not_known(name: str, store: Store) -> None:
    with pytest.raises(DebError, match="is no base that is made of Debian's packages") as caught:
        deb_source(name, arch="amd64", store=store, report=lambda step, done, total: None)
    assert caught.value.hint == "there are deb:bookworm and deb:trixie"


def test_the_mirror_is_the_users_then_the_environments_then_the_hosts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = tmp_path / "sources.list.d"
    parts.mkdir()
    with pytest.raises(DebError, match="no mirror of Debian is known") as caught:
        find_mirror(None, tmp_path)
    assert "WHEELBASE_DEBIAN_MIRROR" in (caught.value.hint or "")
    stanza = "Types: deb\nURIs: {}\nSuites: {}\nComponents: main\n"
    (parts / "another.sources").write_text(stanza.format("http://host/ubuntu/", "noble noble-security"))
    (parts / "free.list").write_text("deb http://host/non-free bookworm non-free\n")
    with pytest.raises(DebError, match="no mirror of Debian is known"):
        find_mirror(None, tmp_path)
    (parts / "debian.sources").write_text(stanza.format("http://host/debian/", "bookworm bookworm-updates"))
    assert find_mirror(None, tmp_path) == Mirror("http://host/debian", "http://host/debian-security")
    (tmp_path / "sources.list").write_text("deb http://safe/updates bookworm-security main\n")
    assert find_mirror(None, tmp_path) == Mirror("http://host/debian", "http://safe/updates")
    monkeypatch.setenv("WHEELBASE_DEBIAN_MIRROR", "https://env/debian https://env/s")
    assert find_mirror(None, tmp_path) == Mirror("https://env/debian", "https://env/s")
    assert find_mirror("file:///own", tmp_path) == Mirror("file:///own", "file:///own-security")


@pytest.mark.parametrize("name", ["ftp://host/debian", "host", "http://a http://b http://c"])
def test_what_is_no_mirror_is_refused(name: str) -> None:
    with pytest.raises(DebError, match="is no mirror"):
        find_mirror(name)


def test_the_documentation_lists_the_keys_and_what_is_left_out() -> None:
    text = DOCUMENTATION.read_text()
    for key in archive_keys():
        assert key.fingerprint.upper() in text
    for package in left_out_packages():
        assert f"`{package.name}`" in text
        assert package.why in text
    for files in left_out_files():
        assert files.why in text

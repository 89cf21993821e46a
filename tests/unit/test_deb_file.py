"""What is in a .deb, and what is refused in one."""

import gzip
import io
import lzma
import sys
import tarfile
from importlib import import_module

import pytest
from tests.unit.fake_debian import Content, ar_of, deb_of, tar_of

from wheelbase.deb.debfile import DebEntry, DebFile
from wheelbase.deb.errors import DebError

FILES: dict[str, Content] = {"usr/": "", "usr/lib/": "700", "usr/lib/a": b"\0" * 300_000, "usr/lib/b": "-> a"}
zstd = import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")


def entries(raw: bytes) -> list[DebEntry]:
    return list(DebFile(io.BytesIO(raw), "a package").entries())


def with_data(name: str, data: bytes) -> bytes:
    return ar_of({"debian-binary": b"2.0\n", "control.tar": tar_of({"control": "Package: a\n"}), name: data})


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("data.tar.xz", lzma.compress(tar_of(FILES))),
        ("data.tar.gz", gzip.compress(tar_of(FILES))),
        ("data.tar.zst", zstd.compress(tar_of(FILES))),
        ("data.tar", tar_of(FILES)),
    ],
)
def test_all_compressions_are_read(name: str, data: bytes) -> None:
    found = entries(with_data(name, data))
    assert [(entry.path, entry.kind, entry.mode, entry.link, len(entry.data)) for entry in found] == [
        ("usr", "directory", 0o755, "", 0),
        ("usr/lib", "directory", 0o700, "", 0),
        ("usr/lib/a", "file", 0o644, "", 300_000),
        ("usr/lib/b", "symlink", 0o644, "a", 0),
    ]


def test_the_control_files_are_found_by_name() -> None:
    control = DebFile(io.BytesIO(deb_of("a", {"x": "1"})), "a").control()
    assert control["control"].startswith(b"Package: a\n")
    assert control["md5sums"] == b"c4ca4238a0b923820dcc509a6f75849b  x\n"


def test_nothing_runs_as_its_owner() -> None:
    member = tarfile.TarInfo("su")
    member.mode = 0o6755
    assert [entry.mode for entry in entries(deb_of("a", {"su": member}))] == [0o755]


def hostile(kind: bytes, name: str, link: str = "") -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member


@pytest.mark.parametrize(
    "member",
    [
        hostile(tarfile.REGTYPE, "../etc/passwd"),
        hostile(tarfile.REGTYPE, "usr/../../etc/passwd"),
        hostile(tarfile.CHRTYPE, "dev/null"),
        hostile(tarfile.FIFOTYPE, "pipe"),
        hostile(tarfile.LNKTYPE, "a", "../../etc/shadow"),
    ],
    ids=lambda member: member.name,
)
def test_names_and_kinds_that_have_no_place_are_refused(member: tarfile.TarInfo) -> None:
    with pytest.raises(DebError, match="a package is no sound"):
        entries(deb_of("a", {member.name: member}))


GOOD = deb_of("a", FILES)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"<html>404</html>", "no ar archive"),
        (GOOD[:-40], "ends too early"),
        (GOOD[:8], "not of the format 2"),
        (GOOD.replace(b"2.0\n", b"3.0\n", 1), "not of the format 2"),
        (GOOD.replace(b"data.tar.xz", b"data.tar.7z"), "has no data.tar"),
        (GOOD[:-30] + bytes(30), "no sound .deb"),
        (with_data("data.tar.xz", lzma.compress(tar_of(FILES)[:200_000])), "no sound .deb"),
        (with_data("data.tar.xz", b"not xz"), "no sound .deb"),
    ],
)
def test_damage_is_told(raw: bytes, message: str) -> None:
    with pytest.raises(DebError, match=message):
        entries(raw)


def test_what_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.deb.debfile.most_unpacked", lambda size: 100_000)
    with pytest.raises(DebError, match="unpacks to more than 100000 bytes"):
        entries(GOOD)

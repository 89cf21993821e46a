"""Layers as they are written: what other programs read in them, and what they are made of."""

from __future__ import annotations

import gzip
import hashlib
import io
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.oci.digest import Digest, VerifyingReader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.layers import LayerReader
from wheelbase.oci.layerwriter import LayerWriter, WrittenLayer, joined
from wheelbase.oci.tarheader import header

TEXT = b"line of text\n" * 9000
LONG = "/".join(["long" * 10] * 5)


def deflate(data: bytes) -> bytes:
    compressor = zlib.compressobj(9, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def chunks(data: bytes, size: int) -> Iterator[bytes]:
    return (data[place : place + size] for place in range(0, len(data), size))


def some_layer(file: io.BytesIO) -> WrittenLayer:
    writer = LayerWriter(file)
    writer.file("opt/a/small", b"1")
    writer.file("opt/a/tool", b"#!/bin/sh\n", mode=0o755)
    writer.deflated("opt/a/text", chunks(deflate(TEXT), 100), size=len(TEXT), crc=zlib.crc32(TEXT))
    writer.directory("opt/b", mode=0o1777, uid=65532, gid=65533)
    writer.symlink("opt/b/link", "../a/small")
    writer.file(f"opt/{LONG}", b"long")
    writer.file("opt/grün", b"umlaut")
    writer.symlink("opt/far", f"/{LONG}")
    writer.streamed("opt/large", chunks(TEXT * 7, 1000), size=len(TEXT) * 7)
    writer.file("opt/empty", b"")
    return writer.finish()


def whole(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


EXPECTED = {
    "opt": (b"5", 0o755, 0),
    "opt/a": (b"5", 0o755, 0),
    "opt/a/small": (b"0", 0o644, 0),
    "opt/a/tool": (b"0", 0o755, 0),
    "opt/a/text": (b"0", 0o644, 0),
    "opt/b": (b"5", 0o1777, 65532),
    "opt/b/link": (b"2", 0o777, 0),
    **{f"opt/{'/'.join(LONG.split('/')[:depth])}": (b"5", 0o755, 0) for depth in range(1, 5)},
    f"opt/{LONG}": (b"0", 0o644, 0),
    "opt/grün": (b"0", 0o644, 0),
    "opt/far": (b"2", 0o777, 0),
    "opt/large": (b"0", 0o644, 0),
    "opt/empty": (b"0", 0o644, 0),
}
# Of the tar: another one would mean other layers for every wheel.
GOLDEN = "sha256:e23b4e491872886ac784cbdcd7fa95a7c3e789a002a9c7dc33ea624cc86d762f"
GOLDEN_BLOB = "sha256:4b5501783bc5248d86011f66ec10e22923b36aaa66a049e25faaa8fba593c5b7"


def test_what_is_in_it() -> None:
    file = io.BytesIO()
    written = some_layer(file)
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as tar:
        found = {one.name: (one.type, one.mode, one.uid) for one in tar}
        assert list(found.items()) == list(EXPECTED.items())
        assert all(one.mtime == 0 and not one.uname for one in tar)
        assert tar.getmember("opt/b").gid == 65533
        assert tar.getmember("opt/b/link").linkname == "../a/small"
        assert tar.getmember("opt/far").linkname == f"/{LONG}"
        content = {one.name: read.read() for one in tar if one.isfile() and (read := tar.extractfile(one))}
    assert content["opt/a/text"] == TEXT and content["opt/large"] == TEXT * 7 and content[f"opt/{LONG}"] == b"long"
    unpacked = gzip.decompress(file.getvalue())
    assert written == WrittenLayer(
        digest=Digest.of(file.getvalue()),
        size=len(file.getvalue()),
        diff_id=Digest.of(unpacked),
        tar_bytes=len(unpacked),
    )
    assert str(written.diff_id) == GOLDEN


def test_what_is_compressed_has_the_same_bytes_everywhere() -> None:
    """On every processor and system; another version of libdeflate may make other ones."""
    file = io.BytesIO()
    writer = LayerWriter(file)
    for number in range(200):
        writer.file(f"opt/{number}", hashlib.shake_256(bytes([number])).digest(5 * number).hex().encode() * 9)
    assert str(writer.finish().digest) == GOLDEN_BLOB


def test_our_own_reader_is_content() -> None:
    file = io.BytesIO()
    written = some_layer(file)
    file.seek(0)
    entries = list(LayerReader(file, written.diff_id, 1 << 30, "it"))
    assert [entry.path for entry in entries] == list(EXPECTED) and not any(entry.flag for entry in entries)


@pytest.mark.parametrize("command", [["tar", "-tvzf"], ["gzip", "-t"], ["bsdtar", "-tf"]])
def test_other_programs_read_it(command: list[str], tmp_path: Path) -> None:
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    with (tmp_path / "layer.tar.gz").open("wb") as file:
        file.write(whole(some_layer))
    done = subprocess.run([*command, tmp_path / "layer.tar.gz"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    if command[0] != "gzip":
        assert len(done.stdout.splitlines()) == len(EXPECTED)


def test_a_deflate_stream_is_copied() -> None:
    stream = deflate(TEXT)
    seen: list[bytes] = []
    file = io.BytesIO()
    writer = LayerWriter(file)
    writer.deflated("x", iter([stream]), size=len(TEXT), crc=zlib.crc32(TEXT), watch=seen.append)
    writer.finish()
    assert stream in file.getvalue() and b"".join(seen) == TEXT


def test_time_is_the_caller_s() -> None:
    file = io.BytesIO()
    writer = LayerWriter(file, mtime=1_700_000_000)
    writer.file(f"a/{'ö' * 80}", b"")
    writer.finish()
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as tar:
        assert [one.mtime for one in tar] == [1_700_000_000] * 2


def test_numbers_that_no_plain_header_holds() -> None:
    large = 9 << 30
    block = header("large", b"0", 0o644, large, 0, 3_000_000, 4_000_000)
    with tarfile.open(fileobj=io.BytesIO(block + bytes(1024))) as tar:
        member = tar.next()
    assert member and (member.size, member.uid, member.gid) == (large, 3_000_000, 4_000_000)


@settings(max_examples=50, deadline=None)
@given(data=st.binary(max_size=300).map(lambda part: part * 3000), size=st.integers(1, 700_000))
def test_how_the_parts_come_does_not_matter(data: bytes, size: int) -> None:
    at_once, parts = io.BytesIO(), io.BytesIO()
    for file, pieces in ((at_once, [data]), (parts, list(chunks(data, size)))):
        writer = LayerWriter(file)
        writer.streamed("a", pieces, size=len(data))
        if data:
            stream = deflate(data)
            step = max(1, size // 100)
            writer.deflated("b", chunks(stream, step), size=len(data), crc=zlib.crc32(data))
        writer.finish()
    assert at_once.getvalue() == parts.getvalue()
    with tarfile.open(fileobj=io.BytesIO(parts.getvalue())) as tar:
        assert [read.read() for one in tar if (read := tar.extractfile(one))] == [data] * (2 if data else 1)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30)


@settings(max_examples=100, deadline=None)
@given(files=st.dictionaries(NAMES, st.binary(max_size=2000), max_size=5))
def test_any_names_and_contents(files: dict[str, bytes]) -> None:
    files = {f"x{name}": data for name, data in files.items()}
    file = io.BytesIO()
    writer = LayerWriter(file)
    for name, data in files.items():
        writer.file(name, data)
    writer.finish()
    with tarfile.open(fileobj=io.BytesIO(file.getvalue())) as tar:
        assert {one.name: read.read() for one in tar if (read := tar.extractfile(one))} == files


@pytest.mark.parametrize(
    ("stream", "size", "crc"),
    [
        (deflate(TEXT), len(TEXT), 1),
        (deflate(TEXT), len(TEXT) - 1, zlib.crc32(TEXT)),
        (deflate(TEXT), len(TEXT) + 1, zlib.crc32(TEXT)),
        (deflate(TEXT)[:-1], len(TEXT), zlib.crc32(TEXT)),
        (deflate(TEXT) + b"x", len(TEXT), zlib.crc32(TEXT)),
        (deflate(TEXT) + deflate(b"x"), len(TEXT), zlib.crc32(TEXT)),
        (b"\xff" * 10, len(TEXT), zlib.crc32(TEXT)),
        (b"", len(TEXT), zlib.crc32(TEXT)),
        (deflate(bytes(50 << 20)), 100, 5),
    ],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_what_is_not_as_stated(stream: bytes, size: int, crc: int, step: int) -> None:
    writer = LayerWriter(io.BytesIO())
    with pytest.raises(DamagedError, match=r"^a/b "):
        writer.deflated("a/b", chunks(stream, step), size=size, crc=crc)


@pytest.mark.parametrize(("size", "crc"), [(2, None), (4, None), (3, 5)])
def test_a_file_that_is_not_as_stated(size: int, crc: int | None) -> None:
    with pytest.raises(DamagedError, match=r"^a/b "):
        LayerWriter(io.BytesIO()).streamed("a/b", [b"1", b"23"], size=size, crc=crc)


BAD = ["", "/a", "a/", "a//b", "./a", "a/..", "../a", "a\0", "a/.wh.b", ".wh..wh..opq", "x" * 256, "a/" * 201 + "b"]


@pytest.mark.parametrize("path", BAD)
def test_paths_that_cannot_be(path: str) -> None:
    with pytest.raises(ImageError):
        LayerWriter(io.BytesIO()).file(path, b"")


def test_nothing_comes_twice() -> None:
    writer = LayerWriter(io.BytesIO())
    writer.file("a/b", b"")
    for path in ("a/b", "a", "a/b/c"):
        with pytest.raises(ImageError):
            writer.file(path, b"")
    with pytest.raises(ImageError):
        writer.directory("a")


def test_layers_joined() -> None:
    """As if one writer had written all, the last first; what comes twice is the last's, and folders too come once."""

    def write(writer: LayerWriter, number: int) -> None:
        writer.deflated(f"opt/{number}", iter([deflate(TEXT)]), size=len(TEXT), crc=zlib.crc32(TEXT))
        writer.symlink(f"opt/link{number}", "x")
        writer.directory(f"opt/grün{number}", mode=0o700, uid=5, gid=6)
        writer.file(f"opt/{LONG}{number}", b"%d" % number, mode=0o755)

    parts, one, twice, many = [], io.BytesIO(), io.BytesIO(), io.BytesIO()
    together = LayerWriter(one)
    for number in range(3):
        file = io.BytesIO()
        writer = LayerWriter(file)
        write(writer, number)
        if number:
            writer.file("opt/same", b"%d" % number)
        writer.finish()
        parts.append(file.getvalue())
    for number in (2, 1, 0):
        write(together, number)
        if number == 2:
            together.file("opt/same", b"2")
    expected = together.finish()
    written = joined([io.BytesIO(part) for part in parts], many)
    assert (written.diff_id, written.tar_bytes) == (expected.diff_id, expected.tar_bytes)
    assert written.digest == Digest.of(many.getvalue()) and written.size == len(many.getvalue())
    assert joined([io.BytesIO(many.getvalue())], twice) == written


def test_what_is_joined_is_read_to_its_end() -> None:
    file = io.BytesIO()
    written = some_layer(file)
    file.seek(0)
    reader = VerifyingReader(file, written.digest, written.size)
    assert joined([reader], io.BytesIO()).diff_id == written.diff_id
    damaged = VerifyingReader(io.BytesIO(file.getvalue() + b"\0"), written.digest, written.size)
    with pytest.raises(DamagedError):
        joined([damaged], io.BytesIO())


# Named, as a compressed file has the time in it, and processes that share the tests have to know them by one name.
@pytest.mark.parametrize(
    "wrong",
    [b"x" * 600, gzip.compress(b"x" * 600), whole(some_layer)[:-20], b""],
    ids=["no gzip", "no tar", "cut off", "nothing"],
)
def test_what_cannot_be_joined(wrong: bytes) -> None:
    with pytest.raises(ImageError):
        joined([io.BytesIO(whole(some_layer)), io.BytesIO(wrong)], io.BytesIO())

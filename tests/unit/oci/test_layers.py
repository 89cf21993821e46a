"""Layers: entries as they stream by, whatever a tar holds."""

from __future__ import annotations

import gzip
import io
import tarfile
import tracemalloc
import zlib
from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.oci.small_images import CHAR, FIFO, FOLDER, HARDLINK, SYMLINK, What, tar, zipped

from wheelbase.oci.compression import Unpacked, most_unpacked
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.layers import Entry, LayerReader, clean, keep_nothing
from wheelbase.oci.places import chunks

LIMIT = 32 << 20


def read(stored: bytes, plain: bytes | None = None, keep: int = 0, limit: int = LIMIT) -> list[Entry]:
    digest = Digest.of(stored if plain is None else plain)
    return list(LayerReader(io.BytesIO(stored), digest, limit, "a layer", lambda entry: keep))


def one(name: str, what: What = b"") -> Entry:
    (entry,) = read(tar({name: what}))
    return entry


def test_kinds() -> None:
    data = tar(
        {
            "bin": (FOLDER, ""),
            "bin/sh": b"#!",
            "bin/ash": (HARDLINK, "bin/sh"),
            "lib": (SYMLINK, "usr/lib"),
            "dev/null": (CHAR, ""),
            "run/pipe": (FIFO, ""),
        }
    )
    found = [(entry.path, entry.kind, entry.size, entry.link, entry.flag) for entry in read(data)]
    assert found == [
        ("bin", "folder", 0, "", None),
        ("bin/sh", "file", 2, "", None),
        ("bin/ash", "hardlink", 0, "bin/sh", None),
        ("lib", "symlink", 0, "usr/lib", None),
        ("dev/null", "device", 0, "", "device"),
        ("run/pipe", "fifo", 0, "", None),
    ]


@pytest.mark.parametrize(
    ("name", "path", "flag"),
    [
        ("./a/b", "a/b", None),
        ("/a/b", "a/b", None),
        ("a//b/./c/", "a/b/c", None),
        ("a/../b", "b", None),
        ("../a", "a", "path"),
        ("a/../../b", "b", "path"),
        ("/../a", "a", "path"),
        ("..", "", "path"),
        ("a" * 255 + "/b", "a" * 255 + "/b", None),
        ("x/" * 2000 + "y", "x/" * 2000 + "y", "path"),
        ("é/\udcff", "é/\udcff", None),
    ],
)
def test_paths(name: str, path: str, flag: str | None) -> None:
    entry = one(name)
    assert (entry.path, entry.flag) == (path, flag)


def test_a_nul_in_a_path() -> None:
    # A pax header can say what a plain one cannot.
    data = tar({"a" * 200: b""}).replace(b"a" * 10 + b"\n", b"a" * 9 + b"\0\n")
    assert [entry.flag for entry in read(data)] == ["path"]


@pytest.mark.parametrize(
    ("name", "what", "flag"),
    [
        ("a/b", (SYMLINK, "../../etc"), "link"),
        ("a/b", (SYMLINK, "../etc"), None),
        ("a/b", (SYMLINK, "/etc"), None),
        ("a/b", (SYMLINK, "/../etc"), "link"),
        ("a/b", (SYMLINK, "c/../../../etc"), "link"),
        ("a/b", (HARDLINK, "../etc/passwd"), "link"),
        ("a/b", (HARDLINK, "/etc/passwd"), None),
    ],
)
def test_links(name: str, what: What, flag: str | None) -> None:
    assert one(name, what).flag == flag


def test_contents_are_kept_on_request() -> None:
    data = tar({"a": b"12345", "b": b"", "c": (SYMLINK, "a"), "d": bytes(1024), "e": b"end"})
    assert [entry.content for entry in read(data)] == [None] * 5
    assert [entry.content for entry in read(data, keep=3)] == [b"123", b"", None, bytes(3), b"end"]
    assert [entry.content for entry in read(data, keep=1 << 30)] == [b"12345", b"", None, bytes(1024), b"end"]


@pytest.mark.parametrize("pack", [lambda data: data, zipped, lambda data: zipped(data[:700]) + zipped(data[700:])])
def test_compressions(pack: object) -> None:
    data = tar({"a": b"12345", "b": b"6" * 5000})
    stored = pack(data)  # type: ignore[operator]
    assert [entry.content for entry in read(stored, data, keep=5)] == [b"12345", b"66666"]


def test_zstd() -> None:
    zstd = pytest.importorskip("backports.zstd", reason="needs backports.zstd: pip install it")
    data = tar({"a": b"12345"})
    for stored in (zstd.compress(data), zstd.compress(data[:600]) + zstd.compress(data[600:])):
        assert [entry.content for entry in read(stored, data, keep=5)] == [b"12345"]
        for broken in (stored[:-4], stored[:12] + b"\xff\xff\xff" + stored[15:]):
            with pytest.raises(ImageError, match="a layer"):
                read(broken, data)
    bomb = zstd.compress(bytes(40 << 20))
    with pytest.raises(ImageError, match="unpacks to more"):
        read(bomb, b"", limit=1 << 20)


def test_an_empty_layer() -> None:
    assert read(bytes(1024)) == []
    assert read(bytes(512)) == []
    assert read(zipped(bytes(1024)), bytes(1024)) == []


def test_the_padding_at_the_end_may_lack() -> None:
    data = tar({"a": b"12345", "b": b"123"})
    assert data[1536:1539] == b"123"
    for end in (1539, 1540, 2047, 2048, 2049, 2560):
        assert [entry.content for entry in read(data[:end], keep=9)] == [b"12345", b"123"]
    for end in (1537, 1538):
        with pytest.raises(ImageError, match="no sound tar"):
            read(data[:end])


def test_another_diff_id() -> None:
    data = tar({"a": b"12345"})
    with pytest.raises(ImageError, match="another diff_id than the configuration says"):
        read(data, b"other")


def test_what_follows_the_end_counts_for_the_diff_id() -> None:
    data = tar({"a": b"12345"}) + b"tail" * 1000
    assert [entry.path for entry in read(data)] == ["a"]
    with pytest.raises(ImageError, match="another diff_id"):
        read(data, data[:-1])


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        b"x",
        b"no tar at all" * 100,
        tar({"a": b"1" * 5000})[:3000],
        tar({"a": b"1" * 512, "b": b""})[:1024] + b"\1" * 1024,
        zipped(tar({"a": b"1"}))[:-4],
        zipped(tar({"a": b"1" * 5000}))[:50],
        zipped(tar({"a": b"1"})) + b"garbage",
        zipped(tar({"a": b"1"}))[:-8] + bytes(8),
    ],
)
def test_broken_layers(stored: bytes) -> None:
    with pytest.raises(ImageError, match="a layer") as caught:
        read(stored, keep=1 << 20)
    assert caught.value.hint and "diff_id" not in str(caught.value)


def test_a_header_that_grows_without_end() -> None:
    header = tarfile.TarInfo("././@PaxHeader")
    header.type, header.size = tarfile.XHDTYPE, 2 << 30
    with pytest.raises(ImageError, match="header has more than"):
        read(header.tobuf() + bytes(4096))
    header.size = 0
    with pytest.raises(ImageError, match="no sound tar"):
        read(header.tobuf() * 3000 + tar({"a": b""}))
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 2 << 30
    with pytest.raises(ImageError, match="header has more than"):
        read(header.tobuf(tarfile.GNU_FORMAT) + bytes(4096))


def test_global_headers_that_grow_without_end() -> None:
    def headers(count: int) -> bytes:
        buffer, keys = io.BytesIO(), [{f"k{number}-{inner}": "v" for inner in range(10)} for number in range(count)]
        for pairs in keys:
            buffer.write(tarfile.TarInfo.create_pax_global_header(pairs) + tarfile.TarInfo("f").tobuf())
        return buffer.getvalue()

    assert len(read(headers(9))) == 9
    with pytest.raises(ImageError, match="global headers"):
        read(headers(12))


def test_long_links() -> None:
    for kind in (SYMLINK, HARDLINK):
        entry = one("a", (kind, "x" * 5000))
        assert (entry.link, entry.flag) == ("", "link")
    entry = one("x" * 5000)
    assert len(entry.path) <= 4096 and entry.flag == "path"


def test_sizes_that_cannot_be() -> None:
    header = bytearray(tarfile.TarInfo("a").tobuf(tarfile.GNU_FORMAT))
    for size in (b"\xff" * 12, b"\x80" + b"\x7f" * 11, b"7" * 11 + b"\0"):
        header[124:136] = size
        header[148:156] = b" " * 8
        header[148:156] = b"%06o\0 " % sum(header)
        with pytest.raises(ImageError, match="a layer"):
            read(bytes(header) + bytes(2048))


class Endless:
    """A gzip file that unpacks to zeros without end, in a few bytes a megabyte."""

    def __init__(self, head: bytes = b"") -> None:
        packer = zlib.compressobj(9, zlib.DEFLATED, 31)
        self._data = self._produce(packer, head)
        self._buffer = b""

    @staticmethod
    def _produce(packer: zlib._Compress, head: bytes) -> Iterator[bytes]:
        yield packer.compress(head)
        while True:
            yield packer.compress(bytes(1 << 20))

    def read(self, size: int, /) -> bytes:
        while not self._buffer:
            self._buffer += next(self._data)
        data, self._buffer = self._buffer[:size], self._buffer[size:]
        return data


def test_a_bomb_is_bounded_in_time_and_memory() -> None:
    header = tarfile.TarInfo("a")
    header.size = 1 << 50
    tracemalloc.start()
    for bomb in (Endless(), Endless(header.tobuf(tarfile.GNU_FORMAT))):
        with pytest.raises(ImageError, match="unpacks to more than"):
            for _ in LayerReader(bomb, Digest.of(b""), LIMIT, "a layer", keep_nothing):
                pass
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_memory_does_not_grow_with_entries() -> None:
    data = zipped(tar([(f"f{number}", b"") for number in range(5_000)]))
    digest = Digest.of(gzip.decompress(data))
    tracemalloc.start()
    assert sum(1 for _ in LayerReader(io.BytesIO(data), digest, LIMIT, "a layer")) == 5_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


def test_how_much_may_come_of_how_little() -> None:
    assert most_unpacked(0) == 4 << 30
    assert most_unpacked(1 << 30) == 100 << 30


@settings(deadline=None)
@given(st.text())
def test_a_clean_path_stays_within(name: str) -> None:
    path, _ = clean(name)
    assert clean(path)[0] == path
    assert not path.startswith("/") and ".." not in path.split("/")


@settings(deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_are_a_layer_or_an_error(data: bytes) -> None:
    for stored in (data, zipped(data), data[:600] + bytes(1024)):
        try:
            read(stored)
        except ImageError:
            continue


@settings(deadline=None)
@given(st.binary(max_size=5000), st.lists(st.integers(0, 5000), max_size=4), st.integers(1, 5000))
def test_members_of_gzip_are_one_stream(data: bytes, cuts: list[int], size: int) -> None:
    places = [0, *sorted(cuts), len(data)]
    stored = b"".join(zipped(data[start:end]) for start, end in pairwise(places))
    reader = Unpacked(io.BytesIO(stored), LIMIT, "it")
    assert b"".join(iter(lambda: reader.read(size), b"")) == data
    assert reader.seen == len(data)


@settings(deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}", fullmatch=True), st.binary(max_size=2000)))
def test_what_was_packed_is_read(files: dict[str, bytes]) -> None:
    data = tar({**files})
    reader = LayerReader(io.BytesIO(zipped(data)), Digest.of(data), LIMIT, "a layer", lambda entry: 1 << 20)
    assert {entry.path: entry.content for entry in reader} == files
    assert reader.uncompressed_bytes == len(data)


def test_chunks_end() -> None:
    assert b"".join(chunks(io.BytesIO(b"x" * 700_000))) == b"x" * 700_000

"""Write layers: tars, each compressed as a chain of gzip members, the same bytes for the same input. Writes to a file.

A gzip file may be a chain of members, and a member a deflate stream that was made elsewhere: what lies deflated in a
zip is copied and not compressed again. It is inflated all the same, to hash the tar and to prove what the zip says.
All else is compressed by ISA-L, whose bytes do not depend on the processor. The end of the archive is a member of its
own, so that layers can be joined without it.
Sources: RFC 1952 (gzip), POSIX.1-2001 (ustar, pax); OCI image specification 1.1, layer.md.
"""

from __future__ import annotations

import hashlib
import io
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import BinaryIO

import isal
from isal import igzip, igzip_lib, isal_zlib

from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import DamagedError, ImageError

_LEVEL = 2
#: What the compressed bytes of a layer depend on beside what is in it.
CODEC = f"isal-{isal.ISAL_VERSION}-{_LEVEL}"
_MEMBER = b"\x1f\x8b\x08\0\0\0\0\0\0\xff"
_MEMBER_END = struct.Struct("<2L")
_MEMBER_BYTES = 256 << 10
_CHUNK = 256 << 10
_BLOCK = 512
# 1024 zero bytes.
_END = _MEMBER + b"c`\x18\x05\xa3`\x14\x8cT\0\0" + b".\xaf\xb5\xef\0\x04\0\0"
_MOST_NAME = 100
_MOST_SIZE = 0o77777777777
_MOST_ID = 0o7777777
_WHITEOUT = ".wh."
_LONGEST_PATH = 4000
_LONGEST_PART = 255
_DEEPEST_PATH = 200
_HINT = "it is damaged, or was changed meanwhile"
# What an inflated part of a file is given to besides.
Watch = Callable[[bytes], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenLayer:
    """What was written: `digest` and `size` in bytes of the blob, `diff_id` and `tar_bytes` of the tar in it."""

    digest: Digest
    size: int
    diff_id: Digest
    tar_bytes: int


class LayerWriter:
    """A layer that is written entry by entry, in the order they are given.

    A path has no slash before it. The folders above an entry are written before it, once, if they were not given. All
    entries have one time, `mtime` in seconds since 1970.
    """

    def __init__(self, file: BinaryIO, *, mtime: int = 0) -> None:
        """Write to a file from where it stands; it is not closed."""
        self._out, self._mtime = _Output(file), mtime
        self._pending = bytearray()
        self._folders: set[str] = set()
        self._others: set[str] = set()

    def directory(self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Write a folder."""
        self._place(path)
        self._folders.add(path)
        self._plain(_header(f"{path}/", b"5", mode, 0, self._mtime, uid, gid))

    def symlink(self, path: str, target: str) -> None:
        """Write a symbolic link, whose text is `target`."""
        self._begin(path, b"2", 0o777, 0, 0, 0, target)

    def file(self, path: str, data: bytes, *, mode: int = 0o644, uid: int = 0, gid: int = 0) -> None:
        """Write a file that is in memory."""
        self.streamed(path, (data,), size=len(data), mode=mode, uid=uid, gid=gid)

    def streamed(
        self,
        path: str,
        chunks: Iterable[bytes],
        *,
        size: int,
        crc: int | None = None,
        mode: int = 0o644,
        uid: int = 0,
        gid: int = 0,
    ) -> None:
        """Write a file whose bytes come in parts; DamagedError unless they have the size and the CRC-32 stated."""
        self._begin(path, b"0", mode, size, uid, gid)
        seen = real = 0
        for chunk in chunks:
            seen, real = seen + len(chunk), isal_zlib.crc32(chunk, real)
            if seen > size:
                break
            self._plain(chunk)
        if seen != size or crc not in (None, real):
            raise _broken(path, seen, real, size, crc)
        self._plain(bytes(-size % _BLOCK))

    def deflated(
        self, path: str, chunks: Iterable[bytes], *, size: int, crc: int, mode: int = 0o644, watch: Watch | None = None
    ) -> None:
        """Write a file of `size` bytes, not 0, that comes deflated: the parts of one deflate stream and nothing else.

        DamagedError unless it has that size and that CRC-32.
        """
        self._begin(path, b"0", mode, size, 0, 0)
        self._flush()
        self._out.stored(_MEMBER)
        seen = real = 0
        for part in self._inflated(path, chunks):
            seen, real = seen + len(part), isal_zlib.crc32(part, real)
            if seen > size:
                break
            self._out.unpacked(part)
            if watch:
                watch(part)
        if (seen, real) != (size, crc):
            raise _broken(path, seen, real, size, crc)
        self._out.stored(_MEMBER_END.pack(crc, size & 0xFFFFFFFF))
        self._plain(bytes(-size % _BLOCK))

    def _inflated(self, path: str, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Write the parts of a deflate stream, and yield what they inflate to, at most _CHUNK bytes at a time."""
        inflater = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
        for chunk in chunks:
            if inflater.eof:
                raise DamagedError(f"{path} has bytes after its deflate stream", hint=_HINT)
            self._out.stored(chunk)
            try:
                yield inflater.decompress(chunk, _CHUNK)
                while not inflater.eof and not inflater.needs_input:
                    yield inflater.decompress(b"", _CHUNK)
            except igzip_lib.error as error:
                raise DamagedError(f"{path} cannot be inflated: {error}", hint=_HINT) from error
        if not inflater.eof or inflater.unused_data:
            how = "has bytes after its deflate stream" if inflater.eof else "ends within its deflate stream"
            raise DamagedError(f"{path} {how}", hint=_HINT)

    def finish(self) -> WrittenLayer:
        """End the archive; nothing can be written after that."""
        self._flush()
        return self._out.end()

    def _begin(self, path: str, kind: bytes, mode: int, size: int, uid: int, gid: int, link: str = "") -> None:
        self._place(path)
        self._others.add(path)
        self._plain(_header(path, kind, mode, size, self._mtime, uid, gid, link))

    def _place(self, path: str) -> None:
        """Write the folders above a path; ImageError where it cannot be one, or where something is there already."""
        if path in self._folders or path in self._others:
            raise ImageError(f"{path!r} comes twice in one layer", hint="leave one of them out")
        parent = path.rpartition("/")[0]
        if parent in self._others:
            raise ImageError(f"{parent!r} in one layer is a folder and something else", hint="leave one of them out")
        if parent and parent not in self._folders:
            self.directory(parent)
        check_path(path)

    def _plain(self, data: bytes) -> None:
        """Add bytes of the tar that are to be compressed."""
        self._pending += data
        while len(self._pending) >= _MEMBER_BYTES:
            self._member(bytes(self._pending[:_MEMBER_BYTES]))
            del self._pending[:_MEMBER_BYTES]

    def _flush(self) -> None:
        if self._pending:
            self._member(bytes(self._pending))
            self._pending.clear()

    def _member(self, data: bytes) -> None:
        self._out.unpacked(data)
        deflated = igzip_lib.compress(data, _LEVEL, igzip_lib.COMP_DEFLATE)
        self._out.stored(_MEMBER + deflated + _MEMBER_END.pack(isal_zlib.crc32(data), len(data)))


class _Output:
    """A file that a layer goes to, and the hashes of both its forms."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._blob, self._tar = hashlib.sha256(), hashlib.sha256()
        self._size = self._tar_bytes = 0

    def stored(self, data: bytes) -> None:
        """Write bytes of the blob."""
        self._file.write(data)
        self._blob.update(data)
        self._size += len(data)

    def unpacked(self, data: bytes) -> None:
        """Count bytes of the tar."""
        self._tar.update(data)
        self._tar_bytes += len(data)

    def end(self) -> WrittenLayer:
        """Write the end of the archive."""
        self.stored(_END)
        self.unpacked(bytes(2 * _BLOCK))
        return WrittenLayer(
            digest=Digest("sha256", self._blob.hexdigest()),
            size=self._size,
            diff_id=Digest("sha256", self._tar.hexdigest()),
            tar_bytes=self._tar_bytes,
        )


def joined(parts: Sequence[Reader], file: BinaryIO) -> WrittenLayer:
    """Write one layer that has the entries of several, each made by a LayerWriter, in their order.

    A part is read to its end; ImageError where one was made otherwise.
    """
    output = _Output(file)
    for part in parts:
        with igzip.GzipFile(fileobj=_WithoutEnd(part, output)) as tar:
            try:
                while data := tar.read(_CHUNK):
                    output.unpacked(data)
            except (OSError, EOFError, isal_zlib.error) as error:
                raise ImageError(f"a layer to be joined cannot be unpacked: {error}", hint="make it anew") from error
    return output.end()


class _WithoutEnd(io.RawIOBase):
    """A layer without the member that ends its archive; what is read goes to the output too."""

    def __init__(self, reader: Reader, output: _Output) -> None:
        self._reader, self._output, self._held = reader, output, b""

    def readinto(self, buffer: memoryview, /) -> int:
        while data := self._reader.read(len(buffer)):
            data = self._held + data
            data, self._held = data[: -len(_END)], data[-len(_END) :]
            if data:
                self._output.stored(data)
                buffer[: len(data)] = data
                return len(data)
        if self._held != _END:
            raise ImageError("a layer to be joined does not end as wheelbase ends layers", hint="make it anew")
        return 0


def check_path(path: str) -> None:
    """Raise ImageError where a path cannot be one in a layer; each of its parents must have been checked."""
    part = path.rpartition("/")[2]
    if part in ("", ".", "..") or "\0" in path:
        why = "it is no path that stays in the layer's root"
    elif part.startswith(_WHITEOUT):
        why = f"a name that begins with {_WHITEOUT} removes files of other layers"
    elif len(part.encode("utf-8", "replace")) > _LONGEST_PART or len(path) > _LONGEST_PATH:
        why = "it is too long"
    elif path.count("/") >= _DEEPEST_PATH:
        why = "it is too deep"
    else:
        return
    raise ImageError(f"{path[:1000]!r} cannot be in a layer: {why}", hint="rename it, or leave it out")


def _header(path: str, kind: bytes, mode: int, size: int, mtime: int, uid: int, gid: int, link: str = "") -> bytes:
    """Return the header of an entry; before it comes one of pax with whatever does not fit."""
    name, target = path.encode("utf-8", "surrogateescape"), link.encode("utf-8", "surrogateescape")
    pax = b""
    if len(name) > _MOST_NAME or not path.isascii():
        pax += _record(b"path", name)
    if len(target) > _MOST_NAME or not link.isascii():
        pax += _record(b"linkpath", target)
    for key, number, most in ((b"size", size, _MOST_SIZE), (b"uid", uid, _MOST_ID), (b"gid", gid, _MOST_ID)):
        if number > most:
            pax += _record(key, b"%d" % number)
    extended = b""
    if pax:
        extended = _block(b"././@PaxHeader", b"x", 0o644, len(pax), mtime, 0, 0, b"")
        extended += pax + bytes(-len(pax) % _BLOCK)
    fitting = (value if value <= most else 0 for value, most in ((size, _MOST_SIZE), (uid, _MOST_ID), (gid, _MOST_ID)))
    size, uid, gid = fitting
    return extended + _block(name[:_MOST_NAME], kind, mode, size, mtime, uid, gid, target[:_MOST_NAME])


def _record(key: bytes, value: bytes) -> bytes:
    """Return a line of a pax header, which begins with its own length."""
    rest = b" %b=%b\n" % (key, value)
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d%b" % (length, rest)


def _block(name: bytes, kind: bytes, mode: int, size: int, mtime: int, uid: int, gid: int, link: bytes) -> bytes:
    start = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, uid, gid, size, mtime)
    end, end_sum = _end_of_block(kind, link)
    return b"%b%06o\0 %b" % (start, sum(start) + end_sum, end)


@lru_cache(maxsize=64)
def _end_of_block(kind: bytes, link: bytes) -> tuple[bytes, int]:
    """Return what comes after the checksum, and what it and the blanks in the checksum's place add to that."""
    end = b"%b%b%b%b%b" % (kind, link.ljust(100, b"\0"), b"ustar\x0000".ljust(72, b"\0"), b"0000000\0" * 2, bytes(167))
    return end, sum(end) + 8 * ord(" ")


def _broken(path: str, seen: int, real: int, size: int, crc: int | None) -> DamagedError:
    stated = "" if crc is None else f" with the CRC {crc:08x}"
    more = "or more " if seen > size else ""
    return DamagedError(f"{path} has {seen} bytes {more}with the CRC {real:08x}, not {size}{stated}", hint=_HINT)

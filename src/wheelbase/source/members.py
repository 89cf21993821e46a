"""The files in a source archive, read forwards and within bounds. Pure: from bytes, nothing is unpacked to a disk.

The tar format is read here, with `tarfile` for single headers only: it would take sparse files, extended headers and
the streams of a compressed file without end.
"""

import bz2
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Protocol

MAX_UNPACKED = 512 << 20
MAX_MEMBERS = 50_000
_MAX_HEADER = 4 << 20
_MAX_HEADERS_EACH = 3  # of a member, on average: its own, and extended ones for attributes or for long names
_MAX_RECORDS_EACH = 20  # of a member, in its extended header
_MAX_STREAMS = 10_000  # in one compressed file: programs that compress in parallel write one for each part
_MAX_DICTIONARY = 256 << 20  # of xz, in bytes of memory: its highest level takes 65 MiB
_CHUNK = 64 << 10
_BLOCK = tarfile.BLOCKSIZE
_REGULAR = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_ATTRIBUTES = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_EXTENDED = (*_ATTRIBUTES, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_WITHOUT_CONTENT = (
    tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE,
)  # fmt: skip
_RECORD = re.compile(rb"(\d{1,9}) ([^=\n]{1,200})=")
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

Wanted = Callable[[PurePosixPath, int], int]
"""How many bytes of the start of a file of this path and size to read; 0: none."""


def members(data: bytes, filename: str, wanted: Wanted) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    """Yield (path, size, content as far as it is wanted) of an archive's regular files.

    What is broken raises the error of `tarfile`, `zipfile` or the decompressor; more files or bytes than an honest
    archive has, ValueError.
    """
    total = count = 0
    entries = _zipped if filename.endswith(".zip") or data.startswith(b"PK\x03\x04") else _tarred
    for path, size, content in entries(data, wanted):
        total, count = total + size, count + 1
        if total > MAX_UNPACKED or count > MAX_MEMBERS:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED} bytes or {MAX_MEMBERS} files")
        yield path, size, content


def _zipped(data: bytes, wanted: Wanted) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    if data.count(b"PK\x01\x02") > MAX_MEMBERS:
        raise ValueError(f"it holds more than {MAX_MEMBERS} files")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for entry in archive.infolist():
            if not entry.is_dir():
                path = PurePosixPath(entry.filename)
                limit = wanted(path, entry.file_size)
                yield path, entry.file_size, _unzipped(archive, entry, limit) if limit else None


def _unzipped(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limit: int) -> bytes:
    """Return the start of a file; read in parts, since `read` inflates all there is, whatever size is stated."""
    if entry.compress_type not in _COMPRESSIONS:  # of the others, `zipfile` inflates parts of any size at once
        raise ValueError(f"it is compressed by method {entry.compress_type}, which no source archive is")
    parts, left = [], limit
    with archive.open(entry) as file:
        while left > 0 and (part := file.read(min(_CHUNK, left))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def _tarred(data: bytes, wanted: Wanted) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    stream = _Stream(data)
    name, size = "", None  # as an extended header states them for the next member
    records = 0
    for number in range(MAX_MEMBERS * _MAX_HEADERS_EACH):
        block = stream.read(_BLOCK)
        if len(block) < _BLOCK and (block or not number):
            raise tarfile.ReadError("it ends within a header" if block else "it is empty")
        if not block.strip(b"\0"):
            return
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
        if header.type in _EXTENDED:
            payload = _payload(stream, header.size)
            if header.type == tarfile.GNUTYPE_LONGNAME:
                name = _decoded(payload.split(b"\0", 1)[0])
            elif header.type in _ATTRIBUTES:
                records += payload.count(b"\n")
                if records > MAX_MEMBERS * _MAX_RECORDS_EACH:
                    raise ValueError(f"it has more records in its headers than {MAX_MEMBERS} files need")
                name, size = _attributes(payload, name, size)
            continue
        path, length = PurePosixPath(name or header.name), header.size if size is None else size
        name, size = "", None
        if header.type in _REGULAR:
            yield path, length, _content(stream, length, wanted(path, length))
        elif header.type not in _WITHOUT_CONTENT:
            _skip_sparse_map(stream, header.type, block)
            stream.skip(_padded(length))
    raise ValueError(f"it has more headers than {MAX_MEMBERS} files need")


def _content(stream: "_Stream", size: int, limit: int) -> bytes | None:
    content = stream.read(min(limit, size)) if limit else None
    if stream.skip(_padded(size) - len(content or b"")):
        raise tarfile.ReadError("it ends within a file")
    return content


def _payload(stream: "_Stream", size: int) -> bytes:
    if size > _MAX_HEADER:
        raise ValueError(f"it has a header of {size} bytes")
    payload = stream.read(_padded(size))
    if len(payload) < size:
        raise tarfile.ReadError("it ends within a header")
    return payload[:size]


def _attributes(payload: bytes, name: str, size: int | None) -> tuple[str, int | None]:
    """Return the name and the size that an extended header of POSIX.1-2001 states, else those given."""
    at = 0
    while record := _RECORD.match(payload, at):
        end = at + int(record[1])
        if end <= record.end() or payload[end - 1 : end] != b"\n":
            break
        value = payload[record.end() : end - 1]
        if record[2] == b"path":
            name = _decoded(value)
        elif record[2] == b"size" and re.fullmatch(rb"\d{1,18}", value):
            size = int(value)
        at = end
    return name, size


def _skip_sparse_map(stream: "_Stream", kind: bytes, block: bytes) -> None:
    """Skip the blocks that go on with the map of a sparse file, which is no source."""
    more = kind == tarfile.GNUTYPE_SPARSE and block[482]
    while more:
        following = stream.read(_BLOCK)
        more = len(following) == _BLOCK and following[504]


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK


def _decoded(name: bytes) -> str:
    return name.decode("utf-8", "surrogateescape")


class _Stream:
    """What a compressed archive unpacks to, read forwards, and no further than an honest one goes."""

    def __init__(self, data: bytes) -> None:
        self._chunks = _unpacked(data)
        self._chunk = b""
        self._at = 0
        self._position = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes: fewer than `size` at the end only."""
        return b"".join(self._chunk[start:stop] for start, stop in self._spans(size))

    def skip(self, size: int) -> int:
        """Go on without looking; return how many bytes are missing at the end."""
        return size - sum(stop - start for start, stop in self._spans(size))

    def _spans(self, size: int) -> Iterator[tuple[int, int]]:
        """Yield the parts of the chunks that make up the next bytes, each while it is the present one."""
        self._position += size
        if self._position > MAX_UNPACKED:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED} bytes")
        while size > 0:
            if self._at >= len(self._chunk):
                self._chunk, self._at = next(self._chunks, b""), 0
                if not self._chunk:
                    return
            start, self._at = self._at, min(self._at + size, len(self._chunk))
            size -= self._at - start
            yield start, self._at


class _Decompressor(Protocol):
    """What `bz2` and `lzma` have."""

    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /, max_length: int) -> bytes: ...


class _Inflate:
    """The same of gzip; its checksum and length are verified."""

    def __init__(self) -> None:
        self._inner = zlib.decompressobj(16 + zlib.MAX_WBITS)
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data

    def decompress(self, data: bytes, /, max_length: int) -> bytes:
        out = self._inner.decompress(self._inner.unconsumed_tail + data, max_length)
        self.needs_input = len(out) < max_length
        return out


def _xz() -> _Decompressor:
    return lzma.LZMADecompressor(memlimit=_MAX_DICTIONARY)


_MAGIC: tuple[tuple[bytes, Callable[[], _Decompressor]], ...] = (
    (b"\x1f\x8b", _Inflate),
    (b"BZh", bz2.BZ2Decompressor),
    (b"\xfd7zXZ", _xz),
)


def _unpacked(data: bytes) -> Iterator[bytes]:
    """Yield what a file unpacks to in parts, none of them empty. What follows its last stream is left out."""
    magic, make = next((one for one in _MAGIC if data.startswith(one[0])), (b"", None))
    if make is None:
        yield from (data[at : at + _CHUNK] for at in range(0, len(data), _CHUNK))
        return
    at = 0
    for _ in range(_MAX_STREAMS):
        decompressor = make()
        while not decompressor.eof:
            part = data[at : at + _CHUNK] if decompressor.needs_input else b""
            if decompressor.needs_input and not part:
                raise EOFError("it ends before its compressed data does")
            at += len(part)
            if out := decompressor.decompress(part, _CHUNK):
                yield out
        at -= len(decompressor.unused_data)
        if not data.startswith(magic, at):
            return
    raise ValueError(f"it is made of more than {_MAX_STREAMS} compressed streams")

"""The files in a source archive, read forwards and within bounds. Pure: from bytes, nothing is unpacked to a disk."""

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

MAX_UNPACKED = 512 << 20
MAX_MEMBERS = 50_000
_MAX_HEADER = 4 << 20
_CHUNK = 64 << 10

Wanted = Callable[[PurePosixPath, int], int]
"""How many bytes of the start of a file of this path and size to read; 0: none."""


def members(data: bytes, filename: str, wanted: Wanted) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    """Yield (path, size, content as far as it is wanted) of an archive's regular files.

    What is broken raises the error of `tarfile`, `zipfile` or the decompressor; more files or bytes than an honest
    archive has, ValueError.
    """
    total = count = 0
    entries = _zipped if filename.endswith(".zip") else _tarred
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
    parts, left = [], limit
    with archive.open(entry) as file:
        while left > 0 and (part := file.read(min(_CHUNK, left))):
            parts.append(part)
            left -= len(part)
    return b"".join(parts)


def _tarred(data: bytes, wanted: Wanted) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    with tarfile.open(fileobj=_Unpacked(data), mode="r:", bufsize=1) as tar:
        for member in tar:
            if member.isfile():
                path = PurePosixPath(member.name)
                limit = wanted(path, member.size)
                file = tar.extractfile(member) if limit else None
                yield path, member.size, file.read(min(limit, member.size)) if file else None
            tar.members.clear()  # type: ignore[attr-defined]  # tarfile keeps all that it has read


class _Unpacked(io.RawIOBase):
    """A compressed archive as a file that is read forwards, and no further than an honest one goes."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        raw = io.BytesIO(data)
        self._inner: io.BufferedIOBase = raw
        if data.startswith(b"\x1f\x8b"):
            self._inner = gzip.GzipFile(fileobj=raw)
        elif data.startswith(b"BZ"):
            self._inner = bz2.BZ2File(raw)
        elif data.startswith(b"\xfd7"):
            self._inner = lzma.LZMAFile(raw)  # noqa: SIM115 - it closes nothing but memory

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._inner.tell()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._check(offset)
        return self._inner.seek(offset, whence)

    def read(self, size: int = -1) -> bytes:
        # Names and attributes of a member may be as long as their header says: tarfile reads them at once.
        if not 0 <= size <= _MAX_HEADER + tarfile.RECORDSIZE:
            raise ValueError(f"it has a header of {size} bytes")
        self._check(self._inner.tell() + size)
        return self._inner.read(size)

    def _check(self, position: int) -> None:
        if position > MAX_UNPACKED:
            raise ValueError(f"it unpacks to more than {MAX_UNPACKED} bytes")

"""A wheel's file, opened with suspicion: nothing in it is believed that can be checked. Reads files.

The central directory has the last word, as for pip; every entry's own header must agree with it, and no two entries may
share a byte. Source: PKWARE's APPNOTE 6.3.
"""

from __future__ import annotations

import hashlib
import stat
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import BinaryIO

from isal import igzip_lib, isal_zlib

from wheelbase.errors import WheelError
from wheelbase.oci.compression import most_unpacked
from wheelbase.wheels.paths import is_fit

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_CENTRAL = struct.Struct("<4s4B4HL2L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_LONGEST_COMMENT = 0xFFFF
_LARGEST_DIRECTORY = 64 << 20
_MOST_ENTRIES = 200_000
_LARGEST_READ = 32 << 20
_CHUNK = 256 << 10
_MOST_DEFLATED = 1032  # deflate's best ratio
_STORED, _DEFLATED = 0, 8
_DESCRIPTOR, _UTF_8 = 0x8, 0x800
# Beside these two, those that say how hard the deflater tried.
_KNOWN_FLAGS = _DESCRIPTOR | _UTF_8 | 0x6


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A file in a wheel: its bytes, and those it is stored as, which lie at `start` in the wheel."""

    path: str
    size: int
    stored_size: int
    crc: int
    deflated: bool
    executable: bool
    start: int


class WheelArchive:
    """An open wheel; `name` is what errors call it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        """Read nothing yet."""
        self.name, self._file = name, file
        self._size = file.seek(0, 2)

    @cached_property
    def entries(self) -> Mapping[str, Entry]:
        """The files by path, sorted; WheelError where the directory or the header of an entry is wrong."""
        return self._checked()

    def raw(self, entry: Entry) -> Iterator[bytes]:
        """Yield the bytes that an entry is stored as."""
        place, end = entry.start, entry.start + entry.stored_size
        while place < end:
            yield self._read(place, min(_CHUNK, end - place), entry.path)
            place += _CHUNK

    def head(self, entry: Entry, count: int) -> bytes:
        """Return the first bytes of an entry, which are not proved yet; fewer where it has no more."""
        for chunk in self.raw(entry):
            if not entry.deflated:
                return chunk[:count]
            try:
                return igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE).decompress(chunk, count)
            except igzip_lib.error as error:  # type: ignore[misc]  # its stub says it is none
                raise self.error(f"cannot be inflated: {error}", entry.path) from error
        return b""

    def read(self, entry: Entry) -> bytes:
        """Return the content of an entry, which is as long as is stated and has the CRC that is; not of a large one."""
        if entry.size > _LARGEST_READ:
            raise self.error(f"has {entry.size} bytes, more than wheelbase reads of such a file", entry.path)
        data = self._read(entry.start, entry.stored_size, entry.path)
        if entry.deflated:
            inflater = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE)
            try:
                data = inflater.decompress(data, entry.size + 1)
            except igzip_lib.error as error:  # type: ignore[misc]  # its stub says it is none
                raise self.error(f"cannot be inflated: {error}", entry.path) from error
            if not inflater.eof or inflater.unused_data:
                raise self.error("has other than its one deflate stream", entry.path)
        if len(data) != entry.size or isal_zlib.crc32(data) != entry.crc:
            raise self.error("has another size or CRC than is stated", entry.path)
        return data

    def text(self, path: str) -> str:
        """Return the text of a file that there is."""
        try:
            return self.read(self.entries[path]).decode()
        except UnicodeDecodeError as error:
            raise self.error("is not UTF-8", path) from error

    def sha256(self) -> str:
        """Return the SHA-256 of the wheel, in hexadecimal."""
        hasher = hashlib.sha256()
        for place in range(0, self._size, _CHUNK):
            hasher.update(self._read(place, min(_CHUNK, self._size - place)))
        return hasher.hexdigest()

    def error(self, why: str, path: str | None = None) -> WheelError:
        """Return the error for the wheel, or for a file in it."""
        what = f"{path[:1000]!r} in {self.name}" if path is not None else self.name
        return WheelError(f"{what} {why}", hint="wheelbase does not install such a wheel; tell its authors")

    def _read(self, start: int, length: int, path: str | None = None) -> bytes:
        if not length:
            return b""
        try:
            self._file.seek(start)
            data = self._file.read(length)
        except OSError as error:
            raise self.error(f"cannot be read: {error.strerror}", path) from error
        if len(data) != length:
            raise self.error("ends too early", path)
        return data

    def _checked(self) -> dict[str, Entry]:
        start, count, directory = self._directory()
        entries: dict[str, Entry] = {}
        spans: list[tuple[int, int, str]] = []
        for entry, is_folder, header in self._listed(directory):
            spans.append((header, entry.start + entry.stored_size, entry.path))
            if is_folder:
                continue
            if entry.path in entries:
                raise self.error("comes twice", entry.path)
            entries[entry.path] = entry
        if len(spans) != count:
            raise self.error(f"has {len(spans)} entries, where {count} are stated")
        end, before = 0, ""
        for begin, stop, path in sorted(spans):
            if begin < end or stop > start:
                raise self.error(f"shares bytes with {before!r}" if begin < end else "leads into the directory", path)
            end, before = stop, path
        total = sum(entry.size for entry in entries.values())
        if total > most_unpacked(self._size):
            raise self.error(f"would be {total} bytes when unpacked, from {self._size}")
        return dict(sorted(entries.items()))

    def _directory(self) -> tuple[int, int, bytes]:
        """Return where the central directory begins, how many entries it has, and its bytes."""
        tail_start = max(0, self._size - _END.size - _LONGEST_COMMENT)
        tail = self._read(tail_start, self._size - tail_start)
        place = tail.rfind(b"PK\5\6")
        if place < 0 or len(tail) - place < _END.size:
            raise self.error("is no zip file, or not a whole one")
        _, disk, first, here, count, size, start, comment = _END.unpack_from(tail, place)
        end = tail_start + place
        if end + _END.size + comment != self._size:
            raise self.error("has something after its end")
        locator = end - _LOCATOR.size
        if locator >= 0 and (data := self._read(locator, _LOCATOR.size)).startswith(b"PK\6\7"):
            _, _, end, disks = _LOCATOR.unpack(data)
            if end + _END_64.size != locator or disks != 1:
                raise self.error("has an end that is not in its place")
            magic, _, _, _, disk, first, here, count, size, start = _END_64.unpack(self._read(end, _END_64.size))
            if magic != b"PK\6\6":
                raise self.error("has an end that is none")
        if disk or first or here != count:
            raise self.error("is one part of several")
        if start + size != end or size > _LARGEST_DIRECTORY or count > _MOST_ENTRIES:
            raise self.error("has a directory that is not in its place, or too large")
        return start, count, self._read(start, size)

    def _listed(self, directory: bytes) -> Iterator[tuple[Entry, bool, int]]:
        """Yield each entry, whether it is a folder, and where its own header is."""
        place = 0
        while place < len(directory):
            if len(directory) - place < _CENTRAL.size or not directory.startswith(b"PK\1\2", place):
                raise self.error("has a directory that is broken")
            fields = _CENTRAL.unpack_from(directory, place)
            flags, method, crc, stored_size, size, name_size, extra_size, comment_size = (*fields[5:7], *fields[9:15])
            disk, attributes, header = fields[15], fields[17], fields[18]
            place += _CENTRAL.size
            raw = directory[place : place + name_size]
            extra = directory[place + name_size : place + name_size + extra_size]
            place += name_size + extra_size + comment_size
            if place > len(directory):
                raise self.error("has a directory that is broken")
            path = self._path(raw, flags)
            try:
                size, stored_size, header = _wide(extra, size, stored_size, header)
            except (ValueError, struct.error) as error:
                raise self.error("has a directory entry that is broken", path) from error
            self._check_kind(path, flags, method, disk, size, stored_size)
            if mode := attributes >> 16:
                self._check_mode(path, mode)
            start = self._check_header(path, raw, header, flags, method, (crc, stored_size, size))
            entry = Entry(
                path=path.rstrip("/"),
                size=size,
                stored_size=stored_size,
                crc=crc,
                deflated=method == _DEFLATED,
                executable=stat.S_ISREG(mode) and bool(mode & 0o111),
                start=start,
            )
            yield entry, path.endswith("/"), header

    def _path(self, raw: bytes, flags: int) -> str:
        try:
            path = raw.decode("utf-8" if flags & _UTF_8 or raw.isascii() else "cp437")
        except UnicodeDecodeError as error:
            raise self.error("has a name that is not the UTF-8 it says it is", raw.decode("latin-1")) from error
        if not is_fit(path.removesuffix("/")):
            raise self.error("has a name that no file of an image may have", path)
        return path

    def _check_kind(self, path: str, flags: int, method: int, disk: int, size: int, stored_size: int) -> None:
        if flags & ~_KNOWN_FLAGS:
            raise self.error("is encrypted, or something else that wheels are not", path)
        if method not in (_STORED, _DEFLATED):
            raise self.error(f"is compressed by method {method}, which wheels are not", path)
        if disk:
            raise self.error("is in another part of the archive", path)
        fits = size == stored_size if method == _STORED else size <= _MOST_DEFLATED * stored_size
        if not fits or (path.endswith("/") and size):
            raise self.error(f"cannot be {size} bytes stored as {stored_size}", path)

    def _check_mode(self, path: str, mode: int) -> None:
        kind = stat.S_IFMT(mode)
        if kind == stat.S_IFLNK:
            raise self.error("is a link", path)
        if kind not in (0, stat.S_IFDIR if path.endswith("/") else stat.S_IFREG):
            raise self.error("is not a file", path)

    def _check_header(
        self, path: str, raw: bytes, place: int, flags: int, method: int, sizes: tuple[int, int, int]
    ) -> int:
        """Check an entry's own header, and return where the bytes of the file begin. `sizes`: CRC, stored, plain."""
        data = self._read(place, _LOCAL.size + len(raw), path)
        magic, _, own_flags, own_method, _, _, *own_sizes, name_size, extra_size = _LOCAL.unpack_from(data)
        own_name = name_size == len(raw) and data.endswith(raw)
        if magic != b"PK\3\4" or (own_flags ^ flags) & ~0x6 or own_method != method or not own_name:
            raise self.error("is called otherwise, or stored otherwise, in its own header", path)
        start = place + len(data)
        crc, stored_size, size = own_sizes
        try:
            size, stored_size, _ = _wide(self._read(start, extra_size, path), size, stored_size, 0)
        except (ValueError, struct.error) as error:
            raise self.error("has a header that is broken", path) from error
        for own, central in zip((crc, stored_size, size), sizes, strict=True):
            if own != central and not (own == 0 and flags & _DESCRIPTOR):
                raise self.error("has another size or CRC in its own header", path)
        data_start: int = start + extra_size
        return data_start


@contextmanager
def open_wheel(path: Path, name: str) -> Iterator[WheelArchive]:
    """Open a wheel's file; WheelError where it cannot be read."""
    try:
        file = path.open("rb", buffering=0)
    except OSError as error:
        raise WheelError(f"{name} cannot be read: {error.strerror}", hint=f"check {path}") from error
    with file:
        yield WheelArchive(file, name)


def _wide(extra: bytes, size: int, stored_size: int, header: int) -> tuple[int, int, int]:
    """Return the numbers of an entry, those that 32 bits are too few for from its extra fields (zip64)."""
    if 0xFFFFFFFF not in (size, stored_size, header):
        return size, stored_size, header
    numbers = [size, stored_size, header]
    missing = [place for place, number in enumerate(numbers) if number == 0xFFFFFFFF]
    place = 0
    while place + 4 <= len(extra):
        kind, length = struct.unpack_from("<2H", extra, place)
        if kind == 1:
            for offset, which in enumerate(missing):
                if 8 * offset + 8 > length:
                    raise ValueError("too short")
                (numbers[which],) = struct.unpack_from("<Q", extra, place + 4 + 8 * offset)
            return numbers[0], numbers[1], numbers[2]
        place += 4 + length
    raise ValueError("no zip64 field")

"""What is in a .deb: an ar archive of two tars, read as a stream; names and kinds that have no place are refused.

Reads files. Sources: deb(5), deb-control(5).
"""

from __future__ import annotations

import io
import lzma
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

from wheelbase.deb.errors import DebError
from wheelbase.oci.blobfolder import Part
from wheelbase.oci.compression import Unpacked, most_unpacked
from wheelbase.oci.digest import Reader
from wheelbase.oci.errors import ImageError
from wheelbase.oci.layers import clean

_MAGIC = b"!<arch>\n"
_HEADER = 60
_HEADER_END = b"`\n"
_COMPRESSED = (".xz", ".zst", ".gz", "")
_MOST_CONTROL = 4 << 20
_MOST_MEMBERS = 16
_DAMAGED = (ImageError, OSError, EOFError, ValueError, lzma.LZMAError, tarfile.TarError)
Kind = Literal["file", "directory", "symlink", "hardlink"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DebEntry:
    """What a package brings: a path from the root on, without a slash before it. `link` is a link's text or target."""

    path: str
    kind: Kind
    mode: int
    link: str = ""
    data: bytes = b""


class DebFile:
    """A .deb that is open for reading; DebError, which names it, where it is damaged or hostile."""

    def __init__(self, file: BinaryIO, what: str) -> None:
        """Read its table; `what` is what errors call it."""
        self._file, self._what = file, what
        self._members = self._table()

    def control(self) -> Mapping[str, bytes]:
        """Return the files that tell of the package, by name: `control`, `md5sums`."""
        found = {}
        for entry in self._entries("control.tar"):
            if entry.kind == "file":
                found[entry.path] = entry.data
        return found

    def entries(self) -> Iterator[DebEntry]:
        """Yield what the package brings, in its order: one file at a time is in memory."""
        return self._entries("data.tar")

    def _table(self) -> dict[str, tuple[int, int]]:
        """Return where the members begin, and how long they are."""
        if self._file.read(len(_MAGIC)) != _MAGIC:
            raise self._error("it is no ar archive")
        members: dict[str, tuple[int, int]] = {}
        end = self._file.seek(0, io.SEEK_END)
        position = len(_MAGIC)
        while position < end:
            self._file.seek(position)
            header = self._file.read(_HEADER)
            digits = header[48:58].strip()
            if len(header) != _HEADER or header[58:] != _HEADER_END or not digits.isdigit():
                raise self._error("a header of a member is none")
            size, position = int(digits), position + _HEADER
            if position + size > end or len(members) == _MOST_MEMBERS:
                raise self._error("it ends too early, or has too many members")
            members[header[:16].decode("ascii", "replace").strip().rstrip("/")] = (position, size)
            position += size + size % 2
        start, size = members.get("debian-binary", (0, 0))
        self._file.seek(start)
        if next(iter(members), "") != "debian-binary" or self._file.read(min(size, 4))[:2] != b"2.":
            raise self._error("it is not of the format 2")
        return members

    def _entries(self, tar: str) -> Iterator[DebEntry]:
        name = next((tar + suffix for suffix in _COMPRESSED if tar + suffix in self._members), None)
        if name is None:
            raise self._error(f"it has no {tar} that is compressed with xz, zstd or gzip")
        start, size = self._members[name]
        self._file.seek(start)
        limit = _MOST_CONTROL if tar == "control.tar" else most_unpacked(size)
        part: Reader = Part(self._file, size)
        try:
            if name.endswith(".xz"):
                part = lzma.LZMAFile(part)  # type: ignore[arg-type]  # noqa: SIM115  # it only reads
            stream = Unpacked(part, limit, name)
            with tarfile.open(fileobj=stream, mode="r|") as archive:  # type: ignore[call-overload]  # it only reads
                for member in archive:
                    if (entry := self._entry(archive, member)) is not None:
                        yield entry
        except _DAMAGED as error:
            raise self._error(str(error) or "it is damaged") from error

    def _entry(self, archive: tarfile.TarFile, member: tarfile.TarInfo) -> DebEntry | None:
        path, unfit = clean(member.name)
        if unfit:
            raise self._error(f"{member.name[:200]!r} leads out of the root")
        if not path:
            return None
        mode = member.mode & 0o1777  # nothing is set to run as its owner: see docs/explanation/deb-base.md
        if member.isreg():
            content = archive.extractfile(member)
            assert content is not None  # it is a file
            return DebEntry(path=path, kind="file", mode=mode, data=content.read())
        if member.isdir():
            return DebEntry(path=path, kind="directory", mode=mode)
        if member.issym():
            return DebEntry(path=path, kind="symlink", mode=mode, link=member.linkname)
        if member.islnk():
            target, unfit = clean(member.linkname)
            if not unfit:
                return DebEntry(path=path, kind="hardlink", mode=mode, link=target)
        raise self._error(f"{path!r} is no file, folder or link that may be in a package")

    def _error(self, why: str) -> DebError:
        return DebError(f"{self._what} is no sound .deb: {why}", hint="the mirror or the cache is damaged: try again")


@contextmanager
def open_deb(path: Path, what: str) -> Iterator[DebFile]:
    """Open the file of a package; `what` is what errors call it."""
    try:
        with path.open("rb") as file:
            yield DebFile(file, what)
    except OSError as error:
        raise DebError(f"{path} cannot be read: {error.strerror}", hint="check who may read it") from error

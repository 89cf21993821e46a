"""Write layers: tars, each compressed as a chain of gzip members, the same bytes for the same input. Writes to a file.

A gzip file may be a chain of members, and a member a deflate stream that was made elsewhere: what lies deflated in a
zip is copied and not compressed again. It is inflated all the same, to hash the tar and to prove what the zip says.
All else is compressed by libdeflate, whose bytes are the same on every processor; those of zlib depend on its build,
and those of ISA-L, which inflates fastest, are others on ARM.
Sources: RFC 1952 (gzip); OCI image specification 1.1, layer.md.
"""

from __future__ import annotations

import hashlib
import struct
import tarfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import deflate
from isal import igzip_lib, isal_zlib

from wheelbase.oci.compression import Unpacked
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.places import chunks
from wheelbase.oci.tarheader import BLOCK, check_path, header

_LEVEL = 6
#: What the compressed bytes of a layer depend on beside what is in it.
CODEC = f"deflate-{deflate.__version__}-{_LEVEL}"
#: The level that is smallest and slowest, which gzip's header tells of.
SMALLEST = 12
_MEMBER, _SMALLEST_MEMBER = (b"\x1f\x8b\x08\0\0\0\0\0%b\xff" % flag for flag in (b"\0", b"\2"))
_MEMBER_END = struct.Struct("<2L")
_MEMBER_BYTES = 256 << 10
_CHUNK = 256 << 10
_MOST_UNPACKED = 1 << 40
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
    entries have one time, `mtime` in seconds since 1970. What is compressed is so at a `level` of libdeflate, by
    `member_bytes` of the tar: more at a time is a little smaller.
    """

    def __init__(
        self, file: BinaryIO, *, mtime: int = 0, level: int = _LEVEL, member_bytes: int = _MEMBER_BYTES
    ) -> None:
        """Write to a file from where it stands; it is not closed."""
        self._out, self._mtime = _Output(file), mtime
        self._level, self._member_bytes = level, member_bytes
        self._pending = bytearray()
        self._folders: set[str] = set()
        self._others: set[str] = set()

    def directory(self, path: str, *, mode: int = 0o755, uid: int = 0, gid: int = 0) -> None:
        """Write a folder."""
        self._place(path)
        self._folders.add(path)
        self._plain(header(f"{path}/", b"5", mode, 0, self._mtime, uid, gid))

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
        self._plain(bytes(-size % BLOCK))

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
        self._plain(bytes(-size % BLOCK))

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
            except igzip_lib.error as error:  # type: ignore[misc]  # its stub says it is none
                raise DamagedError(f"{path} cannot be inflated: {error}", hint=_HINT) from error
        if not inflater.eof or inflater.unused_data:
            how = "has bytes after its deflate stream" if inflater.eof else "ends within its deflate stream"
            raise DamagedError(f"{path} {how}", hint=_HINT)

    def finish(self) -> WrittenLayer:
        """End the archive; nothing can be written after that."""
        self._plain(bytes(2 * BLOCK))
        self._flush()
        return self._out.end()

    def _begin(self, path: str, kind: bytes, mode: int, size: int, uid: int, gid: int, link: str = "") -> None:
        self._place(path)
        self._others.add(path)
        self._plain(header(path, kind, mode, size, self._mtime, uid, gid, link))

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
        while len(self._pending) >= self._member_bytes:
            self._member(bytes(self._pending[: self._member_bytes]))
            del self._pending[: self._member_bytes]

    def _flush(self) -> None:
        if self._pending:
            self._member(bytes(self._pending))
            self._pending.clear()

    def _member(self, data: bytes) -> None:
        self._out.unpacked(data)
        deflated = deflate.deflate_compress(data, self._level)
        begin = _SMALLEST_MEMBER if self._level == SMALLEST else _MEMBER
        self._out.stored(begin + deflated + _MEMBER_END.pack(isal_zlib.crc32(data), len(data)))


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
        """Return what was written."""
        return WrittenLayer(
            digest=Digest("sha256", self._blob.hexdigest()),
            size=self._size,
            diff_id=Digest("sha256", self._tar.hexdigest()),
            tar_bytes=self._tar_bytes,
        )


def joined(parts: Sequence[Reader], file: BinaryIO) -> WrittenLayer:
    """Write one layer that has the entries of several, each made by a LayerWriter: those of the last one come first.

    What comes twice is taken from the last that has it, as if each were a layer above the one before; Docker loads no
    layer in which a path comes twice. All of it is compressed anew. A part is read to its end; ImageError
    where one cannot be unpacked.
    """
    writer = LayerWriter(file)
    seen: set[str] = set()
    for part in reversed(parts):
        unpacked = Unpacked(part, _MOST_UNPACKED, "a layer to be joined")
        try:
            with tarfile.open(fileobj=unpacked, mode="r|") as tar:  # type: ignore[call-overload]  # it only reads
                for entry in tar:
                    if entry.name not in seen:
                        _copy(tar, entry, writer)
                        seen.add(entry.name)
        except tarfile.TarError as error:
            raise ImageError(f"a layer to be joined cannot be unpacked: {error}", hint="make it anew") from error
        while unpacked.read(_CHUNK):
            pass
    return writer.finish()


def _copy(tar: tarfile.TarFile, entry: tarfile.TarInfo, writer: LayerWriter) -> None:
    owner = {"uid": entry.uid, "gid": entry.gid}
    if entry.isdir():
        writer.directory(entry.name, mode=entry.mode, **owner)
    elif entry.issym():
        writer.symlink(entry.name, entry.linkname)
    elif content := tar.extractfile(entry):
        writer.streamed(entry.name, chunks(content), size=entry.size, mode=entry.mode, **owner)


def _broken(path: str, seen: int, real: int, size: int, crc: int | None) -> DamagedError:
    stated = "" if crc is None else f" with the CRC {crc:08x}"
    more = "or more " if seen > size else ""
    return DamagedError(f"{path} has {seen} bytes {more}with the CRC {real:08x}, not {size}{stated}", hint=_HINT)

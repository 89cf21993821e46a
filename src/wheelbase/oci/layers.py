"""What is in a layer: its entries as they stream by, checked, in bounded memory. Pure, but for the reader it is given.

Sources: OCI image specification 1.1, layer.md (layers, whiteouts); POSIX.1-2001 pax and GNU tar by way of `tarfile`.
"""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from wheelbase.oci.compression import Unpacked
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import ImageError

Kind = Literal["file", "folder", "symlink", "hardlink", "device", "fifo"]
# What is wrong with an entry: its path or its link leads out of the root or cannot be one, or it is a device.
Flag = Literal["path", "link", "device"]
_MOST_HEADER = 1 << 20
_MOST_GLOBAL_HEADERS = 100
_LONGEST_PATH = 4096
_DEEPEST_PATH = 256
_CHUNK = 256 << 10
_KINDS: dict[bytes, Kind] = {
    tarfile.DIRTYPE: "folder",
    tarfile.SYMTYPE: "symlink",
    tarfile.LNKTYPE: "hardlink",
    tarfile.CHRTYPE: "device",
    tarfile.BLKTYPE: "device",
    tarfile.FIFOTYPE: "fifo",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a layer. `path` has no slash before it; the root is "". `link` is a symlink's text, or the path
    within the layer's root that a hard link is another name of. `content` is what was kept of a file.
    """

    path: str
    kind: Kind
    mode: int
    size: int = 0
    link: str = ""
    flag: Flag | None = None
    content: bytes | None = None


Keep = Callable[[Entry], int]


def keep_nothing(entry: Entry) -> int:
    """Keep no content."""
    return 0


class LayerReader:
    """Iterate over the entries of a layer; at the end the diff_id and the number of bytes are known to be right.

    `keep` says for a file how many bytes of its content are wanted, from its start on.
    """

    def __init__(self, stored: Reader, diff_id: Digest, limit: int, what: str, keep: Keep = keep_nothing) -> None:
        """`stored` are the bytes of the blob, which may unpack to `limit` bytes; `what` is what errors call it."""
        self._unpacked = Unpacked(stored, limit, what)
        self._forward = _Forward(self._unpacked, diff_id)
        self._limit, self._stored, self._diff_id, self._what, self._keep = limit, stored, diff_id, what, keep

    @property
    def uncompressed_bytes(self) -> int:
        """The bytes of the tar, as far as it was read."""
        return self._unpacked.seen

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in their order; ImageError at the end unless the tar has its diff_id."""
        try:
            yield from self._entries()
            self._forward.drain()
        except ImageError:
            # That the blob is damaged, which shows at its end, explains what is wrong with the tar in it.
            if self._unpacked.seen <= self._limit:
                self._drain_stored()
            raise
        self._drain_stored()
        if self._forward.digest() != self._diff_id.hex:
            raise ImageError(
                f"{self._what} has another diff_id than the configuration says: "
                f"{self._diff_id.algorithm}:{self._forward.digest()}, not {self._diff_id}",
                hint="ask whoever made the image",
            )

    def _drain_stored(self) -> None:
        """Read what comes after the compressed data: it counts for the digest of the blob."""
        while self._stored.read(_CHUNK):
            pass

    def _entries(self) -> Iterator[Entry]:
        archive, end = None, 0
        while True:
            self._forward.begin_header()
            try:
                archive = archive or tarfile.TarFile(fileobj=self._forward)  # type: ignore[arg-type]  # it only reads
                member = archive.next()
            except (tarfile.TarError, EOFError, ValueError, OverflowError, RecursionError) as error:
                # umoci leaves out what pads the last file, and all others read that.
                if archive and end <= self._forward.tell() < archive.offset:
                    break
                raise self._unsound(str(error)) from error
            if member is None:
                break
            if member.size < 0:
                raise self._unsound(f"{member.name[:200]!r} has {member.size} bytes")
            if len(archive.pax_headers) > _MOST_GLOBAL_HEADERS:
                raise self._unsound("its global headers grow without end")
            end = member.offset_data + member.size
            archive.members.clear()  # type: ignore[attr-defined]  # it would grow without end
            yield self._entry(member)
        # `tarfile` takes a header that it cannot read for the end.
        if any(self._forward.last):
            raise self._unsound("a header is none")

    def _entry(self, member: tarfile.TarInfo) -> Entry:
        kind = _KINDS.get(member.type, "file")
        entry = entry_of(member.name, kind, member.mode, member.size, member.linkname)
        wanted = self._keep(entry) if kind == "file" and not member.issparse() else 0
        return replace(entry, content=self._content(member, wanted)) if wanted else entry

    def _content(self, member: tarfile.TarInfo, wanted: int) -> bytes:
        wanted = min(wanted, member.size)
        self._forward.seek(member.offset_data)
        content = self._forward.content(wanted)
        if len(content) != wanted:
            raise self._unsound(f"it ends within {member.name[:200]!r}")
        return content

    def _unsound(self, why: str) -> ImageError:
        return ImageError(f"{self._what} is no sound tar: {why}", hint="ask whoever made the image")


class _Forward:
    """A file for `tarfile` that can only go forward, hashes what goes by, and reads headers of a sane size alone."""

    def __init__(self, reader: Reader, digest: Digest) -> None:
        self._reader, self._hasher = reader, digest.hasher()
        self._position, self._header = 0, 0
        self.last = b""

    def begin_header(self) -> None:
        """Allow another header."""
        self._header = 0

    def tell(self) -> int:
        return self._position

    def seek(self, position: int) -> None:
        if position < self._position:
            raise ValueError("an entry begins before the last one ends")
        while self._position < position and self._next(min(position - self._position, _CHUNK)):
            pass

    def read(self, size: int) -> bytes:
        """Return a part of a header, which `tarfile` reads in blocks."""
        self._header += size
        if size < 0 or self._header > _MOST_HEADER:
            raise ValueError(f"a header has more than {_MOST_HEADER} bytes")
        self.last = self.content(size)
        return self.last

    def content(self, size: int) -> bytes:
        """Return the next bytes, fewer only at the end."""
        parts = []
        while size and (data := self._next(min(size, _CHUNK))):
            parts.append(data)
            size -= len(data)
        return b"".join(parts)

    def drain(self) -> None:
        """Read to the end."""
        while self._next(_CHUNK):
            pass

    def digest(self) -> str:
        """Return the hexadecimal digest of what went by."""
        return self._hasher.hexdigest()

    def _next(self, size: int) -> bytes:
        data = self._reader.read(size)
        self._hasher.update(data)
        self._position += len(data)
        return data


def entry_of(name: str, kind: Kind, mode: int, size: int, link: str) -> Entry:
    """Return an entry as a layer states it, with its path and its link clean, and a flag if they are unfit for use."""
    path, unfit = clean(name)
    link, unfit_link = _link(path, kind, link)
    flag: Flag | None = "device" if kind == "device" else None
    return Entry(
        path=path,
        kind=kind,
        mode=mode & 0o7777,
        size=size if kind == "file" else 0,
        link=link,
        flag="path" if unfit else "link" if unfit_link else flag,
    )


def clean(name: str) -> tuple[str, bool]:
    """Return a path from the root on, and whether it is unfit for use: it leads out, is too long, or has a NUL.

    A slash before it is taken off, as Docker does; many archives have one.
    """
    parts: list[str] = []
    unfit = "\0" in name or len(name) > _LONGEST_PATH
    for part in name[:_LONGEST_PATH].split("/"):
        if part == "..":
            unfit = unfit or not parts
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts), unfit or len(parts) > _DEEPEST_PATH


def _link(path: str, kind: Kind, text: str) -> tuple[str, bool]:
    """Return what a link says, and whether it is unfit for use.

    One that climbs over the root is, though a container's kernel takes the root's own `..` for the root.
    """
    if len(text) > _LONGEST_PATH:
        return "", True
    if kind == "hardlink":
        return clean(text)
    if kind == "symlink":
        return text, clean(text if text.startswith("/") else f"{posixpath.dirname(path)}/{text}")[1]
    return "", False

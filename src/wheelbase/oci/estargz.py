"""Layers with an index of their files: what is wanted is read by ranges, the rest not at all. Reads from sources.

Such a layer is a gzip layer like others, and is read like others unless the manifest has the digest of its index, which
has those of the files' contents. That the tar holds what the index says is then the word of whoever made the image,
as is all that its files say; a runtime that runs the image by its index takes it too.

Source: eStargz, docs/estargz.md and docs/smaller-estargz.md of stargz-snapshotter.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Annotated

import msgspec

from wheelbase.oci.compression import Unpacked
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.layers import Entry, Keep, Kind, entry_of
from wheelbase.oci.places import CHUNK, Blob, chunks

INDEX_DIGEST = "containerd.io/snapshot/stargz/toc.digest"
TAR_BYTES = "io.containers.estargz.uncompressed-size"
INDEX_NAME = "stargz.index.json"
_FOOTER = re.compile(rb"\x1f\x8b\x08\x04.{6}\x1a\0SG\x16\0([0-9a-f]{16})STARGZ\x01\0\0\xff\xff\0{8}", re.DOTALL)
_FOOTER_BYTES = 51
_MOST_INDEX = 64 << 20
_MOST_KEPT = 256 << 20
_HEADER_BYTES = 512
_AT_ONCE = 6
_KINDS: dict[str, Kind] = {
    "reg": "file",
    "dir": "folder",
    "symlink": "symlink",
    "hardlink": "hardlink",
    "char": "device",
    "block": "device",
    "fifo": "fifo",
}
_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 62)]


class _Item(msgspec.Struct, rename="camel"):
    """An entry of the tar, or a further chunk of the file before it."""

    name: str
    type: str
    mode: int = 0
    size: _Count = 0
    link_name: str = ""
    offset: _Count = 0
    inner_offset: _Count = 0
    chunk_offset: _Count = 0
    chunk_size: _Count = 0
    chunk_digest: str = ""


class _Index(msgspec.Struct):
    version: int
    entries: list[_Item]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chunk:
    """`size` bytes of a file, from `start` on; in what is packed at `offset` of the blob, `before` bytes come first."""

    offset: int
    before: int
    start: int
    size: int
    digest: Digest


_Listed = list[tuple[Entry, list[_Chunk]]]


class IndexedLayer:
    """Iterate over the entries of a layer, as a LayerReader does; what is kept of the files is verified."""

    def __init__(self, blob: Blob, listed: _Listed, tar_bytes: int, what: str, keep: Keep) -> None:
        """`listed` is the index; `what` is what errors call the layer."""
        self.uncompressed_bytes = tar_bytes
        self._blob, self._listed, self._what, self._keep = blob, listed, what, keep
        offsets = sorted({chunk.offset for _, of_file in listed for chunk in of_file})
        self._ends = dict(pairwise([*offsets, blob.descriptor.size - _FOOTER_BYTES]))

    def __iter__(self) -> Iterator[Entry]:
        """Yield the entries in their order, when all that is wanted of them was read."""
        wanted = [self._keep(entry) if entry.kind == "file" else 0 for entry, _ in self._listed]
        if sum(min(size, entry.size) for size, (entry, _) in zip(wanted, self._listed, strict=True)) > _MOST_KEPT:
            raise ImageError(
                f"more than {_MOST_KEPT} bytes of {self._what} are of interest",
                hint="wheelbase does not read such an image",
            )
        found = self._contents(wanted)
        for size, (entry, of_file) in zip(wanted, self._listed, strict=True):
            if size:
                content = b"".join(found.pop(chunk) for chunk in of_file if chunk.start < size)
                yield replace(entry, content=content)
            else:
                yield entry

    def _contents(self, wanted: Sequence[int]) -> dict[_Chunk, bytes]:
        """Return what is wanted of the chunks, those that are packed together being read at once."""
        packs: dict[int, list[tuple[_Chunk, int]]] = {}
        for size, (_, of_file) in zip(wanted, self._listed, strict=True):
            for chunk in of_file:
                if chunk.start < size:
                    packs.setdefault(chunk.offset, []).append((chunk, size - chunk.start))
        found: dict[_Chunk, bytes] = {}
        with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="layer") as pool:
            try:
                for contents in pool.map(self._unpacked, packs.values()):
                    found |= contents
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return found

    def _unpacked(self, pack: list[tuple[_Chunk, int]]) -> dict[_Chunk, bytes]:
        """Return what is wanted of chunks that are packed together, each verified to its end."""
        pack = sorted(pack, key=lambda pair: pair[0].before)
        offset, last = pack[0][0].offset, pack[-1][0]
        found, position = {}, 0
        with self._blob.open_range(offset, self._ends[offset] - offset) as packed:
            reader = Unpacked(packed, last.before + last.size, self._what)
            for chunk, wanted in pack:
                for _ in _next(reader, chunk.before - position):
                    pass
                kept, hasher = bytearray(), chunk.digest.hasher()
                for data in _next(reader, chunk.size):
                    kept += data[: max(wanted - len(kept), 0)]
                    hasher.update(data)
                if hasher.hexdigest() != chunk.digest.hex:
                    raise DamagedError(
                        f"{self._what} has other bytes than its index says, whose digest is {chunk.digest}",
                        hint="the place it was read from is damaged, or whoever made the image was wrong",
                    )
                found[chunk], position = bytes(kept), chunk.before + chunk.size
        return found


def indexed_layer(blob: Blob, limit: int, what: str, keep: Keep) -> IndexedLayer | None:
    """Return a layer that is read by its index; None where it has none to be relied on, and is to be read as others.

    `limit` is how many bytes it may unpack to.
    """
    stated = blob.descriptor.annotations
    tar_bytes = stated.get(TAR_BYTES, "")
    if INDEX_DIGEST not in stated or not re.fullmatch("[0-9]{1,18}", tar_bytes) or int(tar_bytes) > limit:
        return None
    try:
        listed = _listed(blob, Digest.parse(stated[INDEX_DIGEST]), what)
        return IndexedLayer(blob, listed, int(tar_bytes), what, keep) if _fits(listed, int(tar_bytes)) else None
    except (ImageError, tarfile.TarError, msgspec.MsgspecError, ValueError, KeyError, RecursionError):
        return None


def _listed(blob: Blob, digest: Digest, what: str) -> _Listed:
    """Return what the index lists, and the index itself, which is the last file of the tar."""
    end = blob.descriptor.size - _FOOTER_BYTES
    with blob.open_range(max(end, 0), _FOOTER_BYTES) as reader:
        footer = _FOOTER.fullmatch(b"".join(chunks(reader)))
    if not footer or (offset := int(footer[1], 16)) >= end:
        raise ValueError("no footer")
    with blob.open_range(offset, end - offset) as reader:
        tar = b"".join(chunks(Unpacked(reader, _MOST_INDEX, what)))
    member = tarfile.TarInfo.frombuf(tar[:_HEADER_BYTES], "utf-8", "surrogateescape")
    body = tar[_HEADER_BYTES:][: member.size]
    if member.name != INDEX_NAME or Digest.of(body, digest.algorithm) != digest:
        raise ValueError("another index")
    index = msgspec.json.decode(body, type=_Index)
    if index.version != 1:
        raise ValueError("another version")
    own = _Chunk(offset=offset, before=_HEADER_BYTES, start=0, size=len(body), digest=digest)
    return [*_files(index.entries), (entry_of(INDEX_NAME, "file", member.mode, len(body), ""), [own])]


def _files(items: list[_Item]) -> _Listed:
    """Return the entries, each with its chunks in their order."""
    found: _Listed = []
    name, entry, of_file, position = "", entry_of("", "folder", 0, 0, ""), list[_Chunk](), 0
    for item in items:
        if item.type != "chunk":
            entry = entry_of(item.name, _KINDS[item.type], item.mode, item.size, item.link_name)
            name, of_file, position = item.name, [], 0
            found.append((entry, of_file))
            if not entry.size:
                continue
        if (item.name, item.chunk_offset) != (name, position):
            raise ValueError("chunks out of order")
        size = item.chunk_size or entry.size - position
        digest = Digest.parse(item.chunk_digest)
        of_file.append(_Chunk(offset=item.offset, before=item.inner_offset, start=position, size=size, digest=digest))
        position += size
    return found


def _fits(listed: _Listed, tar_bytes: int) -> bool:
    """Say whether all files are there as a whole, next to each other and before the index, and fit into the tar."""
    all_chunks = sorted((chunk for _, of_file in listed for chunk in of_file), key=lambda one: (one.offset, one.before))
    packs = {chunk.offset: chunk.before + chunk.size for chunk in all_chunks}
    return (
        all(sum(chunk.size for chunk in of_file) == entry.size for entry, of_file in listed)
        and all(chunk.size > 0 for chunk in all_chunks)
        and all(one.offset < two.offset or one.before + one.size <= two.before for one, two in pairwise(all_chunks))
        and all_chunks[-1] is listed[-1][1][-1]
        and sum(entry.size for entry, _ in listed) <= tar_bytes
        and sum(packs.values()) <= tar_bytes
    )


def _next(reader: Reader, size: int) -> Iterator[bytes]:
    """Yield the next bytes, fewer only at the end."""
    while size and (data := reader.read(min(size, CHUNK))):
        size -= len(data)
        yield data

"""The file system of an image: its layers laid one over another, as a container sees it. Reads from sources.

Nothing is unpacked, no link is followed anywhere but within the tree. Sources: OCI image specification 1.1, layer.md
(whiteouts); path_resolution(7); containerd's archive package for what an entry replaces.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from wheelbase.oci.compression import most_unpacked
from wheelbase.oci.errors import ImageError
from wheelbase.oci.estargz import IndexedLayer, indexed_layer
from wheelbase.oci.image import Image, Layer
from wheelbase.oci.layers import Entry, Keep, LayerReader, keep_nothing
from wheelbase.oci.places import Blob, Source

_WHITEOUT = ".wh."
_OPAQUE = ".wh..wh..opq"
_MOST_ENTRIES = 2_000_000
_MOST_NODES = 1_000_000
# Steps from folder to folder, of which a real image of half a million files takes some four million.
_MOST_STEPS = 100_000_000
_MOST_KEPT = 256 << 20
_MOST_FLAGGED = 100
_MOST_LINKS = 40
_MOST_PARTS = 1000


@dataclass(slots=True, eq=False)
class _Node:
    """A name in the tree, `layer` the number of the layer that wrote it last, `origin` where its content is."""

    entry: Entry
    layer: int
    origin: tuple[int, str]
    children: dict[str, _Node] = field(default_factory=dict)


class Tree:
    """What is where. Paths are from the root on, with or without a slash before them."""

    def __init__(self) -> None:
        """Begin with an empty root."""
        self._root = _Node(entry=Entry(path="", kind="folder", mode=0o755), layer=-1, origin=(-1, ""))
        self._nodes = self._entries = self._steps = self._kept = 0
        self.flagged: list[Entry] = []
        self.layer_bytes: list[int] = []

    def entry(self, path: str) -> Entry | None:
        """Return what is at a path, a symlink as such; None where nothing is."""
        found = self._find_unfollowed(path)
        return found.entry if found else None

    def resolve(self, path: str) -> Entry | None:
        """Return what is at a path when links are followed, with its own path; None where nothing is."""
        found = self._find(path)
        return found.entry if found else None

    def names(self, path: str) -> list[str]:
        """Return the names in a folder, sorted; none where there is no folder."""
        found = self._find(path)
        return sorted(found.children) if found else []

    def walk(self, path: str = "") -> Iterator[Entry]:
        """Yield what is in a folder at any depth, each folder before what is in it, sorted; links are not followed."""
        found = self._find(path)
        pending = [found] if found else []
        while pending:
            node = pending.pop()
            if node is not found:
                yield node.entry
            pending += [node.children[name] for name in sorted(node.children, reverse=True)]

    def origin(self, path: str) -> tuple[int, str] | None:
        """Return (number of the layer, path in it) of the file that a path leads to, None where there is none."""
        found = self._find(path)
        return found.origin if found and found.entry.kind in ("file", "hardlink") else None

    def add(self, entry: Entry, layer: int) -> None:
        """Lay an entry of a layer over what is there; layers come in their order, the lowest first."""
        self._entries += 1
        if self._entries > _MOST_ENTRIES:
            raise _too_large(f"{_MOST_ENTRIES} entries")
        if entry.flag:
            self._flag(entry)
        folder, name = _split(entry.path)
        if entry.flag == "path" or (entry.flag == "link" and entry.kind == "hardlink"):
            return
        if name.startswith(_WHITEOUT):
            self._white_out(folder, name, layer)
        elif not name:
            self._root.entry = entry
        elif parent := self._find(folder, create=layer):
            self._place(parent, name, entry, layer)
        else:
            self._flag(replace(entry, flag="path"))

    def _place(self, parent: _Node, name: str, entry: Entry, layer: int) -> None:
        origin = layer, entry.path
        if entry.kind == "hardlink":
            target = self._find_unfollowed(entry.link)
            if target is None or target.entry.kind == "folder":
                self._flag(replace(entry, flag="link"))
                return
            origin = target.origin
            entry = replace(entry, size=target.entry.size, content=target.entry.content)
            if target.entry.kind not in ("file", "hardlink"):
                entry = replace(entry, kind=target.entry.kind, link=target.entry.link)
        there = parent.children.get(name)
        node = self._new_node(replace(entry, path=_join(parent.entry.path, name)), layer, origin)
        if there and there.entry.kind == entry.kind == "folder":
            node.children = there.children
        parent.children[name] = node

    def _new_node(self, entry: Entry, layer: int, origin: tuple[int, str]) -> _Node:
        self._nodes += 1
        if self._nodes > _MOST_NODES:
            raise _too_large(f"{_MOST_NODES} files")
        # What a hard link has is the content of another name.
        content = entry.content if entry.kind == "file" else None
        self._kept += len(entry.path) + len(entry.link) + len(content or b"")
        if self._kept > _MOST_KEPT:
            raise _too_large(f"{_MOST_KEPT} bytes of names and of files that are of interest")
        return _Node(entry=entry, layer=layer, origin=origin)

    def _white_out(self, folder: str, name: str, layer: int) -> None:
        """Remove what lower layers have at a name, or in a whole folder; what the same layer has stays."""
        parent = self._find(folder)
        if parent is None:
            return
        if name == _OPAQUE:
            for child in list(parent.children):
                self._remove(parent, child, layer)
        else:
            self._remove(parent, name.removeprefix(_WHITEOUT), layer)

    def _remove(self, parent: _Node, name: str, layer: int) -> None:
        if name not in parent.children:
            return
        below = [(parent, name, parent.children[name])]
        for _, _, node in below:  # which grows
            below += [(node, inner, child) for inner, child in node.children.items()]
        self._step(len(below))
        for folder, inner, node in reversed(below):
            if node.layer < layer and not node.children:
                del folder.children[inner]

    def _find(self, path: str, create: int | None = None) -> _Node | None:
        """Follow a path and the links in it, as within the root; make the folders that lack for a layer."""
        pending, stack, links = _parts(path), [self._root], 0
        for _ in range(_MOST_PARTS):
            if not pending:
                return stack[-1]
            self._step(1)
            part = pending.pop()
            if part == "..":
                stack = stack[:-1] or stack
                continue
            child = self._child(stack[-1], part, create)
            if child is None:
                return None
            if child.entry.kind == "symlink":
                links += 1
                if links > _MOST_LINKS:
                    return None
                stack = [self._root] if child.entry.link.startswith("/") else stack
                pending += _parts(child.entry.link)
            else:
                stack.append(child)
        return None

    def _child(self, folder: _Node, name: str, create: int | None) -> _Node | None:
        child = folder.children.get(name)
        if create is None or (child and child.entry.kind in ("folder", "symlink")):
            return child
        implied = Entry(path=_join(folder.entry.path, name), kind="folder", mode=0o755)
        folder.children[name] = self._new_node(implied, create, (create, implied.path))
        return folder.children[name]

    def _find_unfollowed(self, path: str) -> _Node | None:
        """Follow the folders of a path, and not what it leads to."""
        folder, name = _split(path)
        parent = self._find(folder)
        return (parent.children.get(name) if name else self._root) if parent else None

    def _step(self, steps: int) -> None:
        self._steps += steps
        if self._steps > _MOST_STEPS:
            raise _too_large(f"{_MOST_STEPS} steps through its folders")

    def _flag(self, entry: Entry) -> None:
        if len(self.flagged) < _MOST_FLAGGED:
            self.flagged.append(entry)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLayer:
    """What a layer has, with what was kept of its files; `tar_bytes` is its size unpacked."""

    entries: list[Entry]
    tar_bytes: int


class KnownLayers(Protocol):
    """Layers that were read before, by what they are and what was to be kept of them."""

    def get(self, layer: Layer, /) -> ReadLayer | None:
        """Return a layer that is known."""

    def put(self, layer: Layer, read: ReadLayer, /) -> None:
        """Note a layer that has been read to its end."""


def read_tree(source: Source, image: Image, keep: Keep = keep_nothing, known: KnownLayers | None = None) -> Tree:
    """Read all layers of an image, once each, and return its file system.

    `keep` says for a file how many bytes of its content are wanted, from its start on: they are its entry's `content`.
    Every layer is verified: its blob's digest and its diff_id, or its index and what is kept, where it has one. Those
    that are `known` are not read.
    """
    tree, left = Tree(), most_unpacked(sum(layer.descriptor.size for layer in image.layers))
    for number, layer in enumerate(image.layers):
        read = known.get(layer) if known else None
        if read is None:
            read = _read_layer(source, image, number, left, keep, tree)
            if known:
                known.put(layer, read)
        else:
            for entry in read.entries:
                tree.add(entry, number)
        tree.layer_bytes.append(read.tar_bytes)
        left -= read.tar_bytes
    return tree


def _read_layer(source: Source, image: Image, number: int, limit: int, keep: Keep, tree: Tree) -> ReadLayer:
    """Read a layer, and lay it over those below, which refuses one that has too much before that is in memory."""
    entries = []
    with _opened(source, image, number, limit, keep) as reader:
        for entry in reader:
            tree.add(entry, number)
            entries.append(entry)
    return ReadLayer(entries=entries, tar_bytes=reader.uncompressed_bytes)


def read_files(source: Source, image: Image, tree: Tree, paths: Collection[str], limit: int) -> dict[str, bytes]:
    """Return what the files at some paths begin with, at most `limit` bytes of each; paths without a file are left out.

    Only the layers that have them are read. Ask for all that is wanted at once.
    """
    origins = {path: origin for path in paths if (origin := tree.origin(path))}
    found: dict[tuple[int, str], bytes] = {}
    for number in sorted({layer for layer, _ in origins.values()}):
        wanted = {path for layer, path in origins.values() if layer == number}
        left = most_unpacked(image.layers[number].descriptor.size)
        with _opened(source, image, number, left, partial(_keep_named, wanted, limit)) as reader:
            for entry in reader:
                if entry.content is not None:
                    found[number, entry.path] = entry.content
    return {path: found[origin] for path, origin in origins.items() if origin in found}


@contextmanager
def _opened(source: Source, image: Image, number: int, limit: int, keep: Keep) -> Iterator[LayerReader | IndexedLayer]:
    layer = image.layers[number]
    what = f"layer {number + 1} of {source.where} ({layer.descriptor.digest})"
    blob = Blob(descriptor=layer.descriptor, source=source)
    if indexed := indexed_layer(blob, limit, what, keep):
        yield indexed
        return
    with blob.open() as stored:
        yield LayerReader(stored, layer.diff_id, limit, what, keep)


def _keep_named(paths: Collection[str], limit: int, entry: Entry) -> int:
    return limit if entry.path in paths else 0


def _parts(path: str) -> list[str]:
    """Return the parts of a path, the last one first."""
    return [part for part in reversed(path.split("/")) if part not in ("", ".")]


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.strip("/").rpartition("/")
    return folder, name


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _too_large(what: str) -> ImageError:
    return ImageError(f"the image's file system has more than {what}", hint="wheelbase does not read such an image")

"""From an image's layers to the facts of it, with nothing run and nothing unpacked. Reads from a source.

Each layer is read once, but for the one that has rpm's database. As every layer that installs something has a copy of
that, and the last one counts, it is read when it is known which that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace

import msgspec

from wheelbase.bases.inspect_python import is_of_python, pythons_in
from wheelbase.bases.inspect_rpm import LARGEST, database_in, rpm_packages
from wheelbase.bases.inspect_system import (
    ca_store_in,
    compilers_in,
    is_of_system,
    libc_in,
    libraries_in,
    os_release_in,
    package_manager_in,
    packages_in,
    shell_in,
    sonames_in,
    timezones_in,
)
from wheelbase.bases.inspected import InspectedLayer, Inspection, Package
from wheelbase.cache import Cache
from wheelbase.oci.image import Image, Layer
from wheelbase.oci.layers import Entry
from wheelbase.oci.places import Source
from wheelbase.oci.tree import ReadLayer, Tree, read_files, read_tree

# What is kept of one file, and of all: past that, an interpreter's version is read from its headers, or not at all.
_MOST_OF_A_FILE = 64 << 20
_MOST_OF_ALL = 128 << 20
# Of one layer: as it is stored it is in memory once more.
_MOST_REMEMBERED = 32 << 20
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def inspect_image(source: Source, image: Image, cache: Cache | None = None) -> Inspection:
    """Return what the layers of an image say. ImageError where they cannot be read.

    What a layer has is kept in the cache: a base that was rebuilt shares most layers with the one before.
    """
    kept = _Kept()
    tree = read_tree(source, image, kept, _Known(cache, kept) if cache else None)
    path = [folder for folder in (image.config.env_var("PATH") or _USUAL_PATH).split(":") if folder.startswith("/")]
    pythons = pythons_in(tree, path)
    database, packages = packages_in(tree)
    layers = tuple(_layers(image, tree))
    stored_as_they_are = any(layer.bytes == layer.tar_bytes for layer in layers)
    architecture = image.config.platform.architecture
    return Inspection(
        digest=str(image.raw_manifest.digest),
        platform=str(image.config.platform),
        created=image.config.created,
        os_release=os_release_in(tree),
        libc=libc_in(tree, architecture, pythons[0].path if pythons else None),
        pythons=pythons,
        package_manager=package_manager_in(tree, path),
        package_database=database,
        packages=_of_rpm(source, image, tree) if database == "rpm" else packages,
        compilers=compilers_in(tree, path),
        shell=shell_in(tree),
        user=image.config.user or "root",
        ca_store=ca_store_in(tree),
        tzdata=timezones_in(tree),
        libraries=libraries_in(tree, architecture),
        compressed_bytes=None if stored_as_they_are else sum(layer.bytes for layer in layers),
        uncompressed_bytes=kept.seen,
        layers=layers,
        sonames=sonames_in(tree),
    )


def _of_rpm(source: Source, image: Image, tree: Tree) -> tuple[Package, ...] | None:
    path = database_in(tree)
    content = read_files(source, image, tree, [path], LARGEST) if path else {}
    return rpm_packages(content[path]) if path and path in content else None


@dataclass(slots=True)
class _Kept:
    """Says what to keep, and adds up what it is asked of: `seen` are the bytes of all files of all layers.

    `refused` says that something was to be kept for which there was no room left.
    """

    seen: int = 0
    kept: int = 0
    refused: bool = False

    def __call__(self, entry: Entry) -> int:
        """Return how much of a file is wanted."""
        self.seen += entry.size
        wanted = min(entry.size, _MOST_OF_A_FILE) if is_of_python(entry.path) or is_of_system(entry.path) else 0
        if self.kept + wanted > _MOST_OF_ALL:
            self.refused = True
            return 0
        self.kept += wanted
        return wanted


@dataclass(frozen=True, slots=True, kw_only=True)
class _Remembered:
    """A layer as it was read, and what that added to the bytes seen and kept."""

    read: ReadLayer
    seen: int
    kept: int


class _Known:
    """Layers that were read before, for this image or another one."""

    def __init__(self, cache: Cache, kept: _Kept) -> None:
        self._cache, self._kept = cache, kept
        self._before = replace(kept)

    def get(self, layer: Layer, /) -> ReadLayer | None:
        """Return what is remembered, where there is room for what was kept of it."""
        self._before = replace(self._kept)
        if (raw := self._cache.get(_key(layer))) is None:
            return None
        found = msgspec.msgpack.decode(raw, type=_Remembered)
        if self._kept.kept + found.kept > _MOST_OF_ALL:
            return None
        self._kept.seen += found.seen
        self._kept.kept += found.kept
        return found.read

    def put(self, layer: Layer, read: ReadLayer, /) -> None:
        """Remember a layer of which all is kept that was wanted, and that is not much."""
        seen, kept = self._kept.seen - self._before.seen, self._kept.kept - self._before.kept
        if not self._kept.refused and kept <= _MOST_REMEMBERED:
            # A name may have bytes that are no UTF-8.
            with suppress(UnicodeEncodeError):
                self._cache.put(_key(layer), msgspec.msgpack.encode(_Remembered(read=read, seen=seen, kept=kept)))


def _key(layer: Layer) -> str:
    # Where a layer has an index, an annotation alone vouches for that.
    stored = layer.descriptor
    return f"{stored.digest} {stored.size} {sorted(stored.annotations.items())} {layer.diff_id}"


def _layers(image: Image, tree: Tree) -> Iterator[InspectedLayer]:
    """Yield the layers; the history is told of them where it has as many steps that made one."""
    steps = [step for step in image.config.history if not step.get("empty_layer")]
    said = [str(step.get("created_by") or "") for step in steps] if len(steps) == len(image.layers) else []
    for number, (layer, size) in enumerate(zip(image.layers, tree.layer_bytes, strict=True)):
        yield InspectedLayer(
            digest=str(layer.descriptor.digest),
            diff_id=str(layer.diff_id),
            media_type=layer.descriptor.media_type,
            bytes=layer.descriptor.size,
            tar_bytes=size,
            created_by=(said[number] or None) if said else None,
        )

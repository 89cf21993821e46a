"""Archives as `docker save` writes and `docker load` reads them. Reads and writes files.

What is written is an OCI layout too, so that it keeps the digests of the image, and so that every Docker since 1.10,
podman and skopeo read it. Sources: Docker's image specification 1.2 (manifest.json); moby's tarexport package.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from pathlib import Path

import msgspec

from wheelbase.oci import media_types
from wheelbase.oci.archive import TarFiles, opened, pack, scratch_beside
from wheelbase.oci.blobfolder import blob_name, missing, written
from wheelbase.oci.compression import MAGIC_BYTES, compression_of
from wheelbase.oci.config import MAX_CONFIG, parse_config
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.image import leaves, read_listed
from wheelbase.oci.layout import REF_NAME, Layout, LayoutSource
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor, Manifest, RawManifest, encode, parse_manifest
from wheelbase.oci.places import chunks
from wheelbase.oci.reference import parse_name

_LIST = "manifest.json"
_MOST_STORED = 64
_LAYER_TYPES = {"none": media_types.LAYER_TAR, "gzip": media_types.LAYER_GZIP, "zstd": media_types.LAYER_ZSTD}
# Where containerd looks for the whole name; the other one is then the tag alone.
_WHOLE_NAME = "io.containerd.image.name"


class _Entry(msgspec.Struct, rename="pascal"):
    """One image: names of files in the archive, and the names that it gets."""

    config: str
    layers: list[str]
    repo_tags: list[str] | None = None


class DockerArchive:
    """An image in an archive. Without a name it is the only one there."""

    def __init__(self, files: TarFiles, name: str | None, where: str) -> None:
        """Find the image, and its manifest; where the archive has none, it is made from what `docker load` reads."""
        self.where, self._files = where, files
        entry = _choose(_entries(files, where), name, where)
        with files.open(entry.config) as reader:
            config = reader.read(MAX_CONFIG + 1)
        self._names = {Digest.of(config): entry.config}
        stored = _stored_manifest(files, Digest.of(config), where)
        self._root = stored or self._made_manifest(entry, config)

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest of the image."""
        if digest is not None and digest != self._root.digest:
            raise missing(str(digest), self.where)
        return self._root

    def open_blob(
        self, descriptor: Descriptor, /, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        """Open the configuration or a layer."""
        return self._files.open(self._names.get(descriptor.digest, blob_name(descriptor.digest)), start, length)

    def _made_manifest(self, entry: _Entry, config: bytes) -> RawManifest:
        diff_ids = parse_config(config, self.where).diff_ids
        if len(diff_ids) != len(entry.layers):
            raise ImageError(
                f"{self.where} has {len(entry.layers)} layers; its configuration says {len(diff_ids)}",
                hint="ask whoever made the archive",
            )
        layers = [self._layer(name, diff_id) for name, diff_id in zip(entry.layers, diff_ids, strict=True)]
        self._names |= {layer.digest: name for layer, name in zip(layers, entry.layers, strict=True)}
        described = Descriptor(media_type=media_types.CONFIG, digest=Digest.of(config), size=len(config))
        return encode(Manifest(media_type=media_types.MANIFEST, config=described, layers=tuple(layers)))

    def _layer(self, name: str, diff_id: Digest) -> Descriptor:
        """Describe a layer's file. A plain tar has the digest that the configuration says; readers check."""
        with self._files.open(name) as reader:
            head = reader.read(MAGIC_BYTES)
            compression = compression_of(head)
            digest = diff_id
            if compression != "none":
                hasher = diff_id.hasher()
                hasher.update(head)
                for chunk in chunks(reader):
                    hasher.update(chunk)
                digest = Digest(diff_id.algorithm, hasher.hexdigest())
        return Descriptor(media_type=_LAYER_TYPES[compression], digest=digest, size=self._files.find(name)[1])


class _Folder(Layout):
    """The layout that becomes an archive of one image."""

    takes_indexes = False

    def _annotations(self) -> Mapping[str, str]:
        if self._name is None:
            return {}
        name = parse_name(self._name)
        return {_WHOLE_NAME: f"{name.domain}/{name.repository}:{name.tag}", REF_NAME: name.tag or ""}


@contextmanager
def docker_archive_source(path: Path, name: str | None = None, where: str | None = None) -> Iterator[DockerArchive]:
    """Open the image of a name in an archive of Docker's; `where` is what errors call it, if not by its path."""
    where = where or f"docker-archive:{path}" + (f":{name}" if name else "")
    with opened(path, where) as files:
        yield DockerArchive(files, name, where)


@contextmanager
def docker_archive_sink(path: Path, name: str | None = None) -> Iterator[Layout]:
    """Make an archive, in place of the file that is there; it is there when the block ends without an error."""
    with scratch_beside(path) as scratch:
        folder = _Folder(scratch, name, f"docker-archive:{path}")
        yield folder
        manifest = parse_manifest(folder.read_manifest(folder.index().manifests[0].digest), folder.where)
        assert isinstance(manifest, Manifest)  # no index is put there
        entry = _Entry(
            config=blob_name(manifest.config.digest),
            layers=[blob_name(layer.digest) for layer in manifest.layers],
            repo_tags=[name] if name else None,
        )
        with written(scratch / _LIST, scratch) as file:
            file.write(msgspec.json.encode([entry]))
        pack(scratch, path)


def _entries(files: TarFiles, where: str) -> list[_Entry]:
    with files.open(_LIST) as reader:
        body = reader.read(MAX_MANIFEST + 1)
    try:
        if len(body) > MAX_MANIFEST:
            raise ValueError(f"it has more than {MAX_MANIFEST} bytes")
        return msgspec.json.decode(body, type=list[_Entry])
    except (ValueError, RecursionError) as error:
        raise ImageError(f"{_LIST} of {where} cannot be used: {error}", hint="ask whoever made the archive") from error


def _choose(entries: list[_Entry], name: str | None, where: str) -> _Entry:
    there = [(entry, [str(parse_name(tag)) for tag in entry.repo_tags or ()]) for entry in entries]
    found = [entry for entry, names in there if name is None or name in names]
    if len(found) == 1:
        return found[0]
    listed = ", ".join(tag for _, names in there for tag in names) or "nothing with a name"
    raise (ImageError if found else MissingError)(
        f"{where} has {f'{len(found)} images' if found else 'no image of that name'}", hint=f"it holds: {listed[:1000]}"
    )


def _stored_manifest(files: TarFiles, config: Digest, where: str) -> RawManifest | None:
    """Return the manifest of a configuration that an archive which is an OCI layout too has, with all its layers."""
    layout = LayoutSource(files, None, where)
    try:
        listed = list(islice(leaves(layout, layout.index()), _MOST_STORED))
    except MissingError:
        return None
    for leaf in listed:
        try:
            raw, manifest = read_listed(layout, leaf)
            if isinstance(manifest, Manifest) and manifest.config.digest == config:
                for layer in manifest.layers:
                    files.find(blob_name(layer.digest))
                return raw
        except MissingError:
            continue  # an image of several platforms may be saved with one of them
    return None

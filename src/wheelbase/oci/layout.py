"""OCI layouts: blobs with an index of what they are, in a folder or in an archive of one. Reads and writes files.

Source: OCI image specification 1.1, image-layout.md; names as skopeo and podman use them, containers-transports(5).
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from wheelbase.oci import media_types
from wheelbase.oci.blobfolder import BlobFolder, blob_name, written
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.manifest import (
    MAX_MANIFEST,
    Descriptor,
    ImageIndex,
    RawManifest,
    encode,
    parse_manifest,
    stored_manifest,
)
from wheelbase.oci.places import Blob

REF_NAME = "org.opencontainers.image.ref.name"
_INDEX_FILE = "index.json"
_MARK = b'{"imageLayoutVersion":"1.0.0"}'


class Files(Protocol):
    """Where the files of a layout are: a folder, or a tar archive of one."""

    def open(self, name: str, start: int = 0, length: int | None = None) -> AbstractContextManager[Reader]:
        """Open a file or a part of it; MissingError where it is not."""


class LayoutSource:
    """An image in a layout. Without a name it is the only one there, or the only one without a name."""

    def __init__(self, files: Files, name: str | None, where: str) -> None:
        """Nothing is read yet; `where` is what errors call it."""
        self.where = where
        self._files, self._name = files, name

    def names(self) -> list[str | None]:
        """Return the names of the images that the layout lists; None for one that has none."""
        return [listed.annotations.get(REF_NAME) for listed in self.index().manifests]

    def index(self) -> ImageIndex:
        """Return what the layout lists."""
        index = parse_manifest(self._raw_index(), self.where)
        assert isinstance(index, ImageIndex)  # that is the type asked for
        return index

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest of the name, or the one of a digest.

        Images of several platforms that have no name are one image, whose index is the layout's own.
        """
        listed = () if digest else self.index().manifests
        if (
            self._name is None
            and len(listed) > 1
            and all(one.platform and REF_NAME not in one.annotations for one in listed)
        ):
            return self._raw_index()
        wanted = digest or self._choose(listed).digest
        with self._files.open(blob_name(wanted)) as reader:
            body = reader.read(MAX_MANIFEST + 1)
        return stored_manifest(body, wanted, self.where)

    def open_blob(
        self, descriptor: Descriptor, /, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        """Open a blob's file."""
        return self._files.open(blob_name(descriptor.digest), start, length)

    def _raw_index(self) -> RawManifest:
        with self._files.open(_INDEX_FILE) as reader:
            return RawManifest(body=reader.read(MAX_MANIFEST + 1), media_type=media_types.INDEX)

    def _choose(self, listed: tuple[Descriptor, ...]) -> Descriptor:
        found = [one for one in listed if one.annotations.get(REF_NAME) == self._name]
        if self._name is None and len(listed) == 1:
            return listed[0]
        if len(found) == 1:
            return found[0]
        names = ", ".join(sorted({one.annotations.get(REF_NAME, "(without a name)") for one in listed}))
        how = "of that name" if self._name else "without a name"
        count = f"{len(found)} images" if found else "no image"
        raise (ImageError if found else MissingError)(
            f"{self.where} has {count} {how}", hint=f"it holds: {names[:1000] or 'nothing'}"
        )


class Layout(LayoutSource):
    """An image in a layout's folder, to be read and to be written. The folder is made when something is put there."""

    takes_indexes = True
    keeps_referrers = False

    def __init__(self, path: Path, name: str | None = None, where: str | None = None) -> None:
        """Nothing is read or written yet; `where` is what errors call it, if not by its path."""
        self._folder, self._lock = BlobFolder(path), threading.Lock()
        super().__init__(self._folder, name, where or f"oci:{path}" + (f":{name}" if name else ""))

    def has_blob(self, descriptor: Descriptor, /) -> bool:
        """Return whether the blob's file is there and as long as it should be."""
        return self._folder.has(descriptor)

    def put_blob(self, blob: Blob, /) -> None:
        """Write a blob's file."""
        self._folder.put(blob)

    def put_manifest(self, manifest: RawManifest, /, *, named: bool) -> None:
        """Write a manifest; where it is named, the index lists it in place of what had the name."""
        self._folder.put_bytes(manifest.digest, manifest.body)
        if named:
            with self._lock:
                self._list(replace(manifest.descriptor(), annotations=self._annotations()))

    def _annotations(self) -> Mapping[str, str]:
        return {REF_NAME: self._name} if self._name else {}

    def _list(self, descriptor: Descriptor) -> None:
        root = self._folder.root
        kept = self.index().manifests if (root / _INDEX_FILE).exists() else ()
        others = [one for one in kept if one.annotations.get(REF_NAME) != descriptor.annotations.get(REF_NAME)]
        index = ImageIndex(media_type=media_types.INDEX, manifests=(*others, descriptor))
        for name, body in ("oci-layout", _MARK), (_INDEX_FILE, encode(index).body):
            with written(root / name, root) as file:
                file.write(body)

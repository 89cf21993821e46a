"""Blobs that were fetched once, kept by their digests, and a source that reads through them. Reads and writes files.

A store that cannot be written (a read-only home, a full disk) costs speed, never an answer. Nothing waits for the disk:
what a power cut damages has the wrong size, or shows when it is read, and is then removed.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from wheelbase.oci.blobfolder import BlobFolder, NewFile, blob_name
from wheelbase.oci.digest import Digest, Reader, VerifyingReader
from wheelbase.oci.errors import DamagedError, ImageError, MissingError, UnwritableError
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor, RawManifest, stored_manifest
from wheelbase.oci.places import Blob, Source, chunks

# The store's own folder in the user's cache; it names a format version too.
STORE_FOLDER = "images-1"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredBlob:
    """A blob in the store; `used` is when it was last read or written, in seconds since 1970."""

    digest: Digest
    bytes: int
    used: float


class NewBlob:
    """A blob that is being written to `file`."""

    def __init__(self, new: NewFile, folder: BlobFolder) -> None:
        """Nothing is written yet."""
        self.file, self._new, self._folder = new.file, new, folder

    def fill(self, parts: Iterable[bytes], most: int | None = None) -> tuple[int, str]:
        """Write what comes; return its size in bytes and its SHA-256. Nothing more is taken once `most` is passed."""
        hasher, size = hashlib.sha256(), 0
        for part in parts:
            size += len(part)
            hasher.update(part)
            self.file.write(part)
            if most is not None and size > most:
                break
        return size, hasher.hexdigest()

    def keep(self, digest: Digest) -> Path:
        """Keep what was written, whose digest the caller answers for, and return its path."""
        path = self._folder.path(digest)
        self._new.keep(path)
        return path


class Store:
    """A folder of blobs that any number of processes share."""

    def __init__(self, root: Path) -> None:
        """The folder is made when the first blob comes."""
        self._folder = BlobFolder(root, durable=False)

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether a blob is here."""
        return self._folder.has(descriptor)

    @contextmanager
    def open(self, digest: Digest, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a blob or a part of it, and note that it was used; MissingError where it is not here."""
        with self._folder.open(blob_name(digest), start, length) as reader:
            with contextlib.suppress(OSError):
                os.utime(self._folder.path(digest))
            yield reader

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a blob or a part of it, as `Blob` does to verify it; one that proves to be damaged is removed."""
        try:
            with self.open(descriptor.digest, start, length) as reader:
                yield reader
        except DamagedError as error:
            self.remove(descriptor.digest)
            raise DamagedError(f"{error}; it is gone from the cache", hint="try again") from error

    def put(self, blob: Blob) -> None:
        """Keep a blob; DamagedError where its bytes are wrong, UnwritableError where they cannot be written."""
        self._folder.put(blob)
        self._folder.sweep()

    def put_bytes(self, digest: Digest, body: bytes) -> None:
        """Keep bytes that have been checked."""
        self._folder.put_bytes(digest, body)

    @contextmanager
    def new(self) -> Iterator[NewBlob]:
        """Make a blob whose digest is not known yet; nothing of it is left unless it is kept.

        UnwritableError where its bytes cannot be written.
        """
        self._folder.sweep()
        with self._folder.new() as new:
            yield NewBlob(new, self._folder)

    def find(self, digest: Digest) -> Path | None:
        """Return the file of a blob that is here, and note that it is used."""
        path = self._folder.path(digest)
        try:
            os.utime(path)
        except OSError:
            return path if path.is_file() else None
        return path

    def remove(self, digest: Digest) -> None:
        """Keep a blob no longer, if it is here and may be removed."""
        with contextlib.suppress(OSError):
            self._folder.path(digest).unlink()

    def blobs(self) -> list[StoredBlob]:
        """Return what is here, the least recently used first."""
        found = []
        for path in (self._folder.root / "blobs").glob("*/*"):
            # What another process removes meanwhile, and what is no blob, is not counted.
            with contextlib.suppress(OSError, ImageError):
                state = path.stat()
                digest = Digest(path.parent.name, path.name)
                found.append(StoredBlob(digest=digest, bytes=state.st_size, used=state.st_mtime))
        return sorted(found, key=lambda blob: (blob.used, blob.digest))

    def verify(self) -> list[StoredBlob]:
        """Read every blob, and remove and return those that are damaged."""
        return [blob for blob in self.blobs() if not self._is_sound(blob)]

    def prune(self, unused_seconds: float) -> list[StoredBlob]:
        """Remove and return the blobs that were not used for so long."""
        self._folder.sweep()
        old = [blob for blob in self.blobs() if time.time() - blob.used >= unused_seconds]
        for blob in old:
            self.remove(blob.digest)
        return old

    def _is_sound(self, blob: StoredBlob) -> bool:
        try:
            with self._folder.open(blob_name(blob.digest)) as reader:
                for _ in chunks(VerifyingReader(reader, blob.digest, blob.bytes)):
                    pass
        except DamagedError:
            self.remove(blob.digest)
            return False
        except MissingError:
            pass  # another process has removed it
        return True


class CachedSource:
    """A source whose blobs, and manifests by digest, are fetched once and then read from a store."""

    def __init__(self, source: Source, store: Store) -> None:
        """Nothing is read yet."""
        self.where = source.where
        self._source, self._store = source, store
        self._root: RawManifest | None = None

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest of the reference as its source had it when first asked, or the one of a digest."""
        if digest is None and self._root:
            return self._root
        if digest is not None:
            with contextlib.suppress(ImageError), self._store.open(digest) as reader:
                body = reader.read(MAX_MANIFEST + 1)
                return stored_manifest(body, digest, self.where)
        raw = self._source.read_manifest(digest)
        if digest is None:
            self._root = raw
        with contextlib.suppress(UnwritableError):
            self._store.put_bytes(raw.digest, raw.body)
        return raw

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a blob out of the store. A whole one is put there first, a part of one that is not there is not."""
        if start == 0 and length is None and not self._store.has(descriptor):
            with contextlib.suppress(UnwritableError):
                self._store.put(Blob(descriptor=descriptor, source=self._source))
        try:
            with ExitStack() as stack:
                yield self._enter(stack, descriptor, start, length)
        except DamagedError as error:
            self._store.remove(descriptor.digest)
            raise DamagedError(f"{error}; if the cache had it, it is gone from there", hint="try again") from error

    def _enter(self, stack: ExitStack, descriptor: Descriptor, start: int, length: int | None) -> Reader:
        if self._store.has(descriptor):
            # Another process may prune it at this moment.
            with contextlib.suppress(MissingError):
                return stack.enter_context(self._store.open(descriptor.digest, start, length))
        return stack.enter_context(self._source.open_blob(descriptor, start, length))

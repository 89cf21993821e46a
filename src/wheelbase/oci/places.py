"""What every place that keeps images is to the rest: a Source, a Sink or both; and blobs on their way between them.

A source or a sink is of one reference. A sink that is left by an error has not changed what the reference names.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from wheelbase.oci.digest import Digest, Reader, VerifyingReader
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import Descriptor, RawManifest

CHUNK = 256 << 10


class BlobSource(Protocol):
    """Where blobs are read from. Any number of threads may read at once."""

    def open_blob(
        self, descriptor: Descriptor, /, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        """Open a blob, or `length` bytes of it from `start` on; MissingError where it is not.

        What is read is not verified: see `Blob`.
        """


class Source(BlobSource, Protocol):
    """Where an image is read from. Any number of threads may read at once."""

    @property
    def where(self) -> str:
        """What errors call it: its reference."""

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest or index of the reference, or the one of a digest; at most MAX_MANIFEST bytes.

        MissingError where there is none. A manifest asked for by digest has that digest.
        """


class Sink(Protocol):
    """Where an image is written to. Any number of threads may put blobs at once."""

    @property
    def takes_indexes(self) -> bool:
        """Whether it holds images of several platforms under one name."""

    @property
    def keeps_referrers(self) -> bool:
        """Whether manifests that refer to another one are found by it there."""

    def has_blob(self, descriptor: Descriptor, /) -> bool:
        """Return whether the blob is there, or could be had without sending it."""

    def put_blob(self, blob: Blob, /) -> None:
        """Store a blob; DamagedError, and nothing stored, where its bytes are not what its descriptor promises."""

    def put_manifest(self, manifest: RawManifest, /, *, named: bool) -> None:
        """Store a manifest or index whose blobs and manifests are there already.

        The one that is `named` becomes what the sink's reference refers to; others are found by digest alone.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Blob:
    """A blob that can be read as often as it takes, whole and verified, or in parts."""

    descriptor: Descriptor
    source: BlobSource

    @contextmanager
    def open(self) -> Iterator[Reader]:
        """Open the whole blob for reading; DamagedError while it is read if it is not what the descriptor promises."""
        with self.source.open_blob(self.descriptor) as reader:
            yield VerifyingReader(reader, self.descriptor.digest, self.descriptor.size)

    def open_range(self, start: int, length: int | None = None) -> AbstractContextManager[Reader]:
        """Open a part, which nothing verifies."""
        return self.source.open_blob(self.descriptor, start, length)

    def read(self, limit: int) -> bytes:
        """Return all bytes, verified; ImageError where there should be more than `limit`."""
        if self.descriptor.size > limit:
            raise ImageError(
                f"the blob {self.descriptor.digest} has {self.descriptor.size} bytes, more than {limit}",
                hint="ask whoever made the image",
            )
        with self.open() as reader:
            return b"".join(chunks(reader))


def chunks(reader: Reader) -> Iterator[bytes]:
    """Yield what a reader has, to its end."""
    while chunk := reader.read(CHUNK):
        yield chunk

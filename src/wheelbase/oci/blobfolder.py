"""A folder of blobs named by their digests, as OCI layouts and the store have it. Reads and writes files.

A blob is written under a temporary name, verified and renamed: whatever is interrupted, a name that is a digest has the
bytes of that digest. Any number of processes may use one folder. A folder that has to survive a power cut too brings
each blob to the disk before it gets its name, which takes as long as the disk does.
Source: OCI image specification 1.1, image-layout.md.
"""

from __future__ import annotations

import contextlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import ImageError, MissingError, UnwritableError
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.places import Blob, chunks

_TEMPORARY = ".new-"
_ABANDONED = 3600.0


class BlobFolder:
    """`ROOT/blobs/ALGORITHM/HEX`, made when the first blob comes."""

    def __init__(self, root: Path, *, durable: bool = True) -> None:
        """`root` need not exist yet; `durable` is whether a power cut may do no harm."""
        self.root, self._durable = root, durable

    def path(self, digest: Digest) -> Path:
        """Return where a blob is or would be."""
        return self.root / blob_name(digest)

    def has(self, descriptor: Descriptor) -> bool:
        """Return whether a blob is there, by its name and its size."""
        try:
            return self.path(descriptor.digest).stat().st_size == descriptor.size
        except OSError:
            return False

    @contextmanager
    def open(self, name: str, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a file, as `blob_name` names a blob's, or a part of it; MissingError where it is not."""
        path = self.root / name
        try:
            file = path.open("rb")
        except (FileNotFoundError, NotADirectoryError) as error:
            raise missing(name, str(self.root)) from error
        except OSError as error:
            raise ImageError(f"{path} cannot be read: {error.strerror}", hint="check the path and the disk") from error
        with file:
            file.seek(start)
            yield file if length is None else Part(file, length)

    def put(self, blob: Blob) -> None:
        """Store a blob; DamagedError where its bytes are wrong, UnwritableError where they cannot be written."""
        with blob.open() as reader, self.new() as new:
            for chunk in chunks(reader):
                new.file.write(chunk)
            new.keep(self.path(blob.descriptor.digest))

    def put_bytes(self, digest: Digest, body: bytes) -> None:
        """Store bytes that have been checked."""
        with self.new() as new:
            new.file.write(body)
            new.keep(self.path(digest))

    def new(self) -> AbstractContextManager[NewFile]:
        """Make a file here, to be kept as a blob; UnwritableError where it cannot be written."""
        return new_file(self.root, durable=self._durable)

    def sweep(self) -> None:
        """Remove what processes that were killed while writing have left."""
        for left in self.root.glob(f"{_TEMPORARY}*"):
            with contextlib.suppress(OSError):
                if time.time() - left.stat().st_mtime > _ABANDONED:
                    left.unlink()


class NewFile:
    """A file under a temporary name, open for writing."""

    def __init__(self, temporary: Path, file: BinaryIO, *, durable: bool) -> None:
        """`file` is open at `temporary`; `durable` is whether it is brought to the disk before it is kept."""
        self.file, self._temporary, self._durable = file, temporary, durable

    def keep(self, path: Path) -> None:
        """Give what was written its name; nothing can be written after that."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self.file.flush()
        if self._durable:
            os.fsync(self.file.fileno())
        self.file.close()
        self._temporary.replace(path)


@contextmanager
def new_file(scratch: Path, *, durable: bool = True) -> Iterator[NewFile]:
    """Make a file in a folder, which is gone when the block ends unless it was kept."""
    temporary = scratch / f"{_TEMPORARY}{uuid.uuid4().hex}"
    try:
        scratch.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb") as file:
            yield NewFile(temporary, file, durable=durable)
    except OSError as error:
        raise unwritable(scratch, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextmanager
def written(path: Path, scratch: Path) -> Iterator[BinaryIO]:
    """Write a file under a temporary name in `scratch`; it gets its name when the block ends without an error."""
    with new_file(scratch) as new:
        yield new.file
        new.keep(path)


def unwritable(path: Path, error: OSError) -> UnwritableError:
    """Return the error for a file that cannot be written."""
    return UnwritableError(f"{path} cannot be written: {error.strerror}", hint="check the folder and the disk")


class Part:
    """The next `length` bytes of a file."""

    def __init__(self, file: BinaryIO, length: int) -> None:
        """`file` stands where the part begins."""
        self._file, self._left = file, length

    def read(self, size: int, /) -> bytes:
        """Return the next bytes of the part."""
        data = self._file.read(min(size, self._left))
        self._left -= len(data)
        return data


def blob_name(digest: Digest) -> str:
    """Return the name of a blob's file, from the root of a layout."""
    return f"blobs/{digest.algorithm}/{digest.hex}"


def missing(what: str, where: str) -> MissingError:
    """Return the error for a blob, a manifest or a file that is not in a place."""
    return MissingError(f"{where} does not hold {what}", hint="check the path; it may not be complete")

"""Tar archives that hold images: OCI's, which are layouts in a tar, and what Docker's and they share.

Reads and writes files. Source: OCI image specification 1.1, image-layout.md.
"""

from __future__ import annotations

import posixpath
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelbase.oci.blobfolder import Part, missing, unwritable, written
from wheelbase.oci.compression import MAGIC_BYTES, Unpacked, compression_of, most_unpacked
from wheelbase.oci.digest import Reader
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.layout import Layout, LayoutSource
from wheelbase.oci.places import chunks

_MOST_MEMBERS = 50_000
_MOST_LINKS = 8


class TarFiles:
    """The files of an archive, each found by its name and read where it lies."""

    def __init__(self, path: Path, where: str) -> None:
        """Read the headers of the archive; ImageError where it is none."""
        self._path, self._where = path, where
        self._places: dict[str, tuple[int, int]] = {}
        self._links: dict[str, str] = {}
        try:
            with tarfile.open(path, "r:") as archive:
                for count, member in enumerate(archive):
                    if count == _MOST_MEMBERS:
                        raise ImageError(f"{where} has more than {_MOST_MEMBERS} files", hint="name an image's archive")
                    self._add(member)
        except FileNotFoundError as error:
            raise MissingError(f"{where} is not there", hint="check the path") from error
        except (tarfile.TarError, OSError, EOFError, ValueError, RecursionError) as error:
            raise ImageError(f"{where} is no whole tar archive: {error}", hint="check the path") from error

    def _add(self, member: tarfile.TarInfo) -> None:
        name = posixpath.normpath(member.name)
        if member.isreg():
            self._places[name] = member.offset_data, member.size
        elif member.issym():
            self._links[name] = posixpath.normpath(posixpath.join(posixpath.dirname(name), member.linkname))
        elif member.islnk():
            self._links[name] = posixpath.normpath(member.linkname)

    def find(self, name: str) -> tuple[int, int]:
        """Return where a file lies in the archive, and its size; MissingError where there is none."""
        name = posixpath.normpath(name)
        for _ in range(_MOST_LINKS):
            if name in self._places:
                return self._places[name]
            name = self._links.get(name, name)
        raise missing(name, self._where)

    @contextmanager
    def open(self, name: str, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a file or a part of it."""
        offset, size = self.find(name)
        left = max(size - start, 0)
        with self._path.open("rb") as file:
            file.seek(offset + start)
            yield Part(file, left if length is None else min(length, left))


@contextmanager
def opened(path: Path, where: str) -> Iterator[TarFiles]:
    """Open an archive. One that was compressed as a whole is unpacked to a temporary file first."""
    try:
        with path.open("rb") as file:
            packed = compression_of(file.read(MAGIC_BYTES)) != "none"
    except OSError as error:
        raise MissingError(f"{where} cannot be read: {error.strerror}", hint="check the path") from error
    if not packed:
        yield TarFiles(path, where)
        return
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as scratch:
        plain = Path(scratch) / "image.tar"
        with path.open("rb") as file, plain.open("wb") as target:
            for chunk in chunks(Unpacked(file, most_unpacked(path.stat().st_size), where)):
                target.write(chunk)
        yield TarFiles(plain, where)


@contextmanager
def archive_source(path: Path, name: str | None = None) -> Iterator[LayoutSource]:
    """Open the image of a name in an OCI archive."""
    where = f"oci-archive:{path}" + (f":{name}" if name else "")
    with opened(path, where) as files:
        yield LayoutSource(files, name, where)


@contextmanager
def archive_sink(path: Path, name: str | None = None) -> Iterator[Layout]:
    """Make an OCI archive, in place of the file that is there; it is there when the block ends without an error."""
    with scratch_beside(path) as scratch:
        yield Layout(scratch, name, f"oci-archive:{path}")
        pack(scratch, path)


@contextmanager
def scratch_beside(path: Path) -> Iterator[Path]:
    """Make a folder for what becomes a file, on the same disk, and remove it in the end."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}-"))
    except OSError as error:
        raise unwritable(path, error) from error
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def pack(folder: Path, path: Path) -> None:
    """Write the files of a folder as a tar archive: sorted, without times and owners, so that it is always the same."""
    with written(path, path.parent) as file, tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for found in sorted(folder.rglob("*")):
            member = tarfile.TarInfo(found.relative_to(folder).as_posix())
            if found.is_dir():
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            else:
                member.size = found.stat().st_size
                with found.open("rb") as content:
                    archive.addfile(member, content)

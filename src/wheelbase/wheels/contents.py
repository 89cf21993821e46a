"""What is in a wheel, read from the central directory at its end over HTTP ranges. Talks to the network.

Two requests at most: the last 66 KiB or more, then what of the directory lies before them. A listing is kept for ever
under the wheel's hash. Source: PKWARE's APPNOTE 4.3 by way of `zipfile`, RFC 9110 section 14 (ranges).
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client, Response, check_status
from wheelbase.index.simple import Candidate
from wheelbase.index.urls import file_path, hide_credentials

# zipfile looks for the end of the directory in the last 64 KiB and a little more: its records, of both sizes.
_TAIL = 66 * 1024
_LONGEST_TAIL = 512 * 1024
# The largest directories known are of 4 MB. In memory one takes about ten times as much.
_LARGEST_DIRECTORY = 16 << 20
_MOST_DEFLATED = 1032  # deflate's best ratio


Files = tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a wheel: (path, size, size as deflated), in bytes; folders are left out. `bytes` is the wheel's."""

    bytes: int
    files: Files

    @cached_property
    def installed_bytes(self) -> int:
        """Bytes that pip writes for these files, its changes to the metadata included, bytecode left out.

        pip adds INSTALLER (4 bytes) and a line to RECORD for each file of bytecode that it compiles.
        """
        record = sum(
            len(path) + len("__pycache__/.cpython-313.pyc,,") - 2 for path, _, _ in self.files if path.endswith(".py")
        )
        return sum(size for _, size, _ in self.files) + record + 4

    def without_bundled_libraries(self) -> "Listing":
        """Return the listing without the shared libraries that a repaired wheel brings (`NAME.libs/`)."""
        kept = tuple(file for file in self.files if ".libs/" not in file[0] and "/.dylibs/" not in file[0])
        return Listing(bytes=self.bytes, files=kept)


def read_listing(client: Client, wheel: Candidate) -> Listing:
    """Return the listing of a wheel on an index or this machine; a file that is no sound wheel is an error."""
    if wheel.url.startswith("file:"):
        return _directory(client, wheel)
    store = Cache("listing-3")
    key = wheel.sha256 or f"{wheel.url} {wheel.size}"
    if kept := store.get(key):
        size, files = msgspec.msgpack.decode(zlib.decompress(kept), type=tuple[int, Files])
        return Listing(bytes=size, files=files)
    listing = _directory(client, wheel)
    store.put(key, zlib.compress(msgspec.msgpack.encode((listing.bytes, listing.files)), 1))
    return listing


def tail_bytes(wheel: Candidate) -> int:
    """Return how much of a wheel's end is asked for first: of a pure one, which is all small files, more."""
    share = (wheel.size or 0) // 12 if wheel.filename.endswith("-none-any.whl") else 0
    return max(_TAIL, min(share, _LONGEST_TAIL))


def _directory(client: Client, wheel: Candidate) -> Listing:
    try:
        with _opened(client, wheel) as file, zipfile.ZipFile(file) as archive:
            size = file.seek(0, io.SEEK_END)
            return Listing(bytes=size, files=tuple(_sound(archive.infolist(), size)))
    except (zipfile.BadZipFile, EOFError, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise PackageIndexError(
            f"{wheel.filename} at {hide_credentials(wheel.url)} is not a whole wheel: {error}",
            hint="the index may serve a truncated file: try again, or ask its owner",
        ) from error


def _sound(entries: list[zipfile.ZipInfo], size: int) -> Iterator[tuple[str, int, int]]:
    """Yield the files that a directory lists, if what it says can be true. Of a name listed twice the last counts."""
    if sum(entry.compress_size for entry in entries) > size:
        raise ValueError("its directory lists more bytes than it has")
    for entry in {entry.filename: entry for entry in entries}.values():
        parts = entry.filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or parts[0].endswith(":"):
            raise ValueError(f"it has a file that would leave its folder: {entry.filename!r}")
        ratio = 1 if entry.compress_type == zipfile.ZIP_STORED else _MOST_DEFLATED
        if entry.file_size > ratio * entry.compress_size:
            raise ValueError(f"{entry.filename!r} cannot unpack to the {entry.file_size} bytes that it claims")
        if not entry.is_dir():
            yield entry.filename, entry.file_size, entry.compress_size


def _opened(client: Client, wheel: Candidate) -> io.RawIOBase | io.BufferedReader:
    return file_path(wheel.url).open("rb") if wheel.url.startswith("file:") else _Remote(client, wheel)


class _Remote(io.RawIOBase):
    """The end of a file on the network as a seekable file; what lies before is fetched when it is read."""

    def __init__(self, client: Client, wheel: Candidate) -> None:
        super().__init__()
        self._client, self._url = client, wheel.url
        answer = self._range(f"-{tail_bytes(wheel)}")
        if answer.status == 416:  # an empty file, or a server that does not know ranges from the end
            answer = self._range(None)
        check_status(self._url, answer.status)
        self._data = answer.body
        self._start, self._size = answer.skipped, answer.skipped + len(answer.body)
        if answer.status == 206:
            self._start, self._size = _content_range(answer)
            if self._start + len(self._data) != self._size:
                raise ValueError("its server answers another range than the last one")
        if wheel.size is not None and wheel.size != self._size:
            where = hide_credentials(wheel.url)
            raise PackageIndexError(
                f"{wheel.filename} has {self._size} bytes at {where}; the index says {wheel.size}",
                hint="the index or a proxy before it serves a damaged file: ask its owner",
            )
        self._position = 0

    def _range(self, wanted: str | None) -> Response:
        headers = {"Range": f"bytes={wanted}"} if wanted else {}
        return self._client.get(self._url, headers, limit=_LARGEST_DIRECTORY, cut="end")

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._size)[whence]
        if self._position < 0:
            raise OSError(f"its directory would begin before the file, at {self._position}")
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._position < self._start:
            self._fetch(self._position)
        begin = self._position - self._start
        data = self._data[begin:] if size is None or size < 0 else self._data[begin : begin + size]
        self._position += len(data)
        return data

    def _fetch(self, first: int) -> None:
        """Fetch what lies between `first` and what is here already."""
        if self._size - first > _LARGEST_DIRECTORY:
            raise ValueError(f"its directory is larger than {_LARGEST_DIRECTORY} bytes")
        answer = self._range(f"{first}-{self._start - 1}")
        check_status(self._url, answer.status)
        if answer.status != 206 or _content_range(answer) != (first, self._size):
            raise ValueError("its server answers one range, and not the next")
        self._data, self._start = answer.body + self._data, first


def _content_range(answer: Response) -> tuple[int, int]:
    """Return (first byte, bytes of the whole file) of a partial answer that has the bytes it says."""
    found = re.fullmatch(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})", answer.headers.get("Content-Range", ""))
    if not found or int(found[2]) - int(found[1]) + 1 != len(answer.body) or int(found[3]) <= int(found[2]):
        raise PackageIndexError(
            f"{answer.url} answers a range request with other bytes than it says", hint="ask the owner of the index"
        )
    return int(found[1]), int(found[3])

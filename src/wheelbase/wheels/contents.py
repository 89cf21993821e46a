"""What is in a wheel, read from the central directory at its end over HTTP ranges. Talks to the network.

Two requests at most: the last 64 KiB, then what of the directory lies before them. A listing is kept for ever under
the wheel's hash. Source: PKWARE's APPNOTE 4.3 by way of `zipfile`, RFC 9110 section 14 (ranges).
"""

import io
import re
import zipfile
import zlib
from dataclasses import dataclass
from functools import cached_property

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client, Response, check_status
from wheelbase.index.simple import Candidate

_TAIL = 64 * 1024


@dataclass(frozen=True, kw_only=True)
class Listing:
    """The files of a wheel: (path, size, size as deflated), in bytes; folders are left out."""

    files: tuple[tuple[str, int, int], ...]

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
        return Listing(files=kept)


def read_listing(client: Client, wheel: Candidate) -> Listing:
    """Return the listing of a wheel on an index; a file that is no zip archive is an error."""
    store = Cache("listing-1")
    key = wheel.sha256 or f"{wheel.url} {wheel.size}"
    if kept := store.get(key):
        return Listing(files=msgspec.msgpack.decode(zlib.decompress(kept), type=tuple[tuple[str, int, int], ...]))
    files = _directory(client, wheel)
    store.put(key, zlib.compress(msgspec.msgpack.encode(files), 1))
    return Listing(files=files)


def _directory(client: Client, wheel: Candidate) -> tuple[tuple[str, int, int], ...]:
    try:
        with zipfile.ZipFile(_Remote(client, wheel)) as archive:
            return tuple(
                (entry.filename, entry.file_size, entry.compress_size)
                for entry in archive.infolist()
                if not entry.is_dir()
            )
    except (zipfile.BadZipFile, EOFError, ValueError, NotImplementedError) as error:
        raise PackageIndexError(
            f"{wheel.filename} at {wheel.url} is not a whole wheel: {error}",
            hint="the index may serve a truncated file: try again, or ask its owner",
        ) from error


class _Remote(io.RawIOBase):
    """The end of a file on the network as a seekable file; what lies before is fetched when it is read."""

    def __init__(self, client: Client, wheel: Candidate) -> None:
        super().__init__()
        self._client, self._url = client, wheel.url
        answer = self._range("-" + str(_TAIL))
        self._data = answer.body
        self._start = 0
        self._size = len(answer.body)
        if answer.status == 206:
            self._start, self._size = _content_range(answer)
        if wheel.size is not None and wheel.size != self._size:
            raise PackageIndexError(
                f"{wheel.filename} has {self._size} bytes at {wheel.url}; the index says {wheel.size}",
                hint="the index or a proxy before it serves a damaged file: ask its owner",
            )
        self._position = 0

    def _range(self, wanted: str) -> Response:
        answer = self._client.get(self._url, {"Range": f"bytes={wanted}", "Accept-Encoding": "identity"})
        if answer.status == 416:  # an empty file, or a server that does not know ranges from the end
            answer = self._client.get(self._url)
        check_status(self._url, answer.status)
        return answer

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._position = offset + (0, self._position, self._size)[whence]
        if self._position < 0:
            raise OSError(f"seek before the start, to {self._position}")
        return self._position

    def read(self, size: int = -1) -> bytes:
        if self._position < self._start:
            answer = self._range(f"{self._position}-{self._start - 1}")
            if answer.status == 206:
                self._data, self._start = answer.body + self._data, self._position
            else:
                self._data, self._start = answer.body, 0
        begin = self._position - self._start
        data = self._data[begin:] if size is None or size < 0 else self._data[begin : begin + size]
        self._position += len(data)
        return data


def _content_range(answer: Response) -> tuple[int, int]:
    found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", answer.headers.get("Content-Range", ""))
    if not found:
        raise PackageIndexError(
            f"{answer.url} answers a range request with a broken Content-Range", hint="ask the owner of the index"
        )
    return int(found[1]), int(found[3])

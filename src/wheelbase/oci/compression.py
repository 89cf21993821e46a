"""Unpack what layers and archives are compressed with, as their first bytes tell, in bounded memory and to a limit.

Sources: RFC 1952 (gzip), RFC 8878 (zstd); OCI image specification 1.1, layer.md.
"""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any, Literal

from wheelbase.oci.digest import Reader
from wheelbase.oci.errors import ImageError

Compression = Literal["none", "gzip", "zstd"]
MAGIC_BYTES = 4
# Real layers unpack to three times their size, and a few have large files of zeros. Past both limits there is harm.
_ALWAYS_ALLOWED = 4 << 30
_MOST_RATIO = 100


def most_unpacked(stored: int) -> int:
    """Return how many bytes `stored` bytes may become."""
    return max(_ALWAYS_ALLOWED, _MOST_RATIO * stored)


def compression_of(head: bytes) -> Compression:
    """Return what bytes that begin so are compressed with. The media type is not asked: both skopeo and Docker look."""
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    # A file of zstd may begin with a frame to be skipped, as zstd:chunked does.
    if head.startswith(b"\x28\xb5\x2f\xfd") or (head[1:4] == b"\x2a\x4d\x18" and head[0] & 0xF0 == 0x50):
        return "zstd"
    return "none"


class Unpacked:
    """The bytes that a reader's bytes unpack to; ImageError where they are broken or more than `limit`."""

    def __init__(self, reader: Reader, limit: int, what: str) -> None:
        """Read the first bytes; `what` is what errors call it."""
        head = b""
        while len(head) < MAGIC_BYTES and (data := reader.read(MAGIC_BYTES - len(head))):
            head += data
        self._what, self._limit, self.seen = what, limit, 0
        self._stream, self._broken = _stream(_Rejoined(head, reader), compression_of(head))

    def read(self, size: int, /) -> bytes:
        """Return the next bytes."""
        try:
            data = self._stream.read(size)
        except self._broken as error:
            raise ImageError(f"{self._what} cannot be unpacked: {error}", hint="ask whoever made it") from error
        self.seen += len(data)
        if self.seen > self._limit:
            raise ImageError(
                f"{self._what} unpacks to more than {self._limit} bytes", hint="wheelbase does not read such an image"
            )
        return data


class _Rejoined:
    """A reader whose first bytes have been read already."""

    def __init__(self, head: bytes, rest: Reader) -> None:
        self._head, self._rest = head, rest

    def read(self, size: int, /) -> bytes:
        if self._head:
            data, self._head = self._head[:size], self._head[size:]
            return data
        return self._rest.read(size)

    def readinto(self, buffer: memoryview, /) -> int:
        """Read as ISA-L does."""
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _stream(reader: Reader, compression: Compression) -> tuple[Reader, tuple[type[Exception], ...]]:
    """Return what unpacks a reader, and the errors that it raises where there is nothing sound to unpack."""
    if compression == "gzip":
        from isal import igzip, igzip_lib  # more than twice as fast as zlib

        unpacker: Reader = igzip.IGzipFile(fileobj=reader, mode="rb")  # type: ignore[no-untyped-call]
        return unpacker, (igzip.BadGzipFile, igzip_lib.IsalError, EOFError)  # type: ignore[return-value]  # a class
    if compression == "zstd":
        zstd = _zstd()
        return zstd.ZstdFile(reader, "rb"), (zstd.ZstdError, EOFError)
    return reader, ()


def _zstd() -> Any:
    """Return the module of Python 3.14, or what stands for it before."""
    try:
        return import_module("compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd")
    except ImportError as error:
        raise ImageError("this image is compressed with zstd", hint="install backports.zstd to read it") from error

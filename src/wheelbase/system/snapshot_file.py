"""The file that holds what is known of one release: sections, each compressed and read on its own. Reads files.

    wheelbase-system 1\\n | length of the header (4 bytes, big-endian) | header (msgpack) | sections (xz of msgpack)

A command that asks who owns a header does not pay for unpacking what every package depends on.
"""

import lzma
import struct
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from wheelbase.errors import WheelbaseError

_MAGIC = b"wheelbase-system 1\n"
_LENGTH = struct.Struct(">I")
_MAX_SECTION = 256 << 20
T = TypeVar("T")


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """What a snapshot is of. `date` is that of the archive's Release file; sections are (offset, length).

    `verified` says that all indices are those of that day: Contents are taken as they come.
    """

    release: str
    suite: str
    date: str
    architecture: str
    sections: dict[str, tuple[int, int]]
    verified: bool = False


def dump(
    *, release: str, suite: str, date: str, architecture: str, sections: Mapping[str, Any], verified: bool = False
) -> bytes:
    """Return the bytes of a snapshot: the same for the same values, on any machine."""
    body = b""
    places = {}
    for name, value in sections.items():
        packed = lzma.compress(msgspec.msgpack.encode(value), check=lzma.CHECK_CRC32, preset=9 | lzma.PRESET_EXTREME)
        places[name] = (len(body), len(packed))
        body += packed
    header = msgspec.msgpack.encode(
        Header(release=release, suite=suite, date=date, architecture=architecture, sections=places, verified=verified)
    )
    return _MAGIC + _LENGTH.pack(len(header)) + header + body


class Snapshot:
    """A snapshot whose sections are unpacked when they are asked for."""

    def __init__(self, raw: bytes, source: str) -> None:
        """Take the bytes of a file; `source` is what errors call it."""
        self._raw = raw
        self._source = source

    @cached_property
    def header(self) -> Header:
        """What the snapshot is of."""
        start = len(_MAGIC) + _LENGTH.size
        try:
            if not self._raw.startswith(_MAGIC):
                raise self._broken()
            return msgspec.msgpack.decode(self._raw[start : self._body], type=Header)
        except (struct.error, msgspec.MsgspecError) as error:
            raise self._broken() from error

    @property
    def _body(self) -> int:
        start = len(_MAGIC) + _LENGTH.size
        return start + int(_LENGTH.unpack_from(self._raw, len(_MAGIC))[0])

    def section(self, name: str, kind: type[T]) -> T:
        """Unpack one section."""
        offset, length = self.header.sections.get(name, (0, 0))
        packed = self._raw[self._body + offset : self._body + offset + length]
        try:
            decompressor = lzma.LZMADecompressor()
            unpacked = decompressor.decompress(packed, _MAX_SECTION)
            if not decompressor.eof:
                raise self._broken()
            return msgspec.msgpack.decode(unpacked, type=kind)
        except (lzma.LZMAError, msgspec.MsgspecError, EOFError) as error:
            raise self._broken() from error

    def _broken(self) -> WheelbaseError:
        return WheelbaseError(
            f"{self._source} is damaged: it is no snapshot of a distribution's packages",
            hint="install wheelbase again, or empty its cache directory",
        )


def read(path: Path) -> Snapshot:
    """Read a snapshot's file; nothing is unpacked yet."""
    return Snapshot(path.read_bytes(), str(path))

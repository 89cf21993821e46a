"""What a shared library or program says that it needs, and what it is called. Pure.

Only what wheels for Linux have today is read: 64 bits, least byte first. Nothing is believed: a file that is broken, or
that says more than any real one, says nothing. Source: System V ABI, chapters 4 and 5 (program headers, dynamic
section).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass

_MAGIC = b"\x7fELF\x02\x01"
_LOAD, _DYNAMIC = 1, 2
_END, _NEEDED, _STRINGS, _NAME = 0, 1, 5, 14
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_TAG = struct.Struct("<QQ")
_LONGEST_NAME = 255
# Real files have some dozens of each at most.
_MOST_SEGMENTS = 128
_MOST_TAGS = 4096
_MOST_NEEDED = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Dynamic:
    """What the loader is told: the libraries that are needed (DT_NEEDED), and the own name (DT_SONAME), if any."""

    needed: tuple[str, ...]
    name: str | None


def read_dynamic(content: bytes | bytearray) -> Dynamic | None:
    """Return what a file tells the loader; None of what is no such file, is linked statically, or is broken."""
    if not content.startswith(_MAGIC):
        return None
    try:
        segments = _segments(content)
        dynamic = next((segment for segment in segments if segment[0] == _DYNAMIC), None)
        if dynamic is None:
            return None
        tags = _tags(content, dynamic[2], dynamic[5])
        strings = next((value for tag, value in tags if tag == _STRINGS), None)
        if strings is None:
            return None
        table = _offset(segments, strings)
        needed = [_text(content, table + value) for tag, value in tags if tag == _NEEDED]
        names = [_text(content, table + value) for tag, value in tags if tag == _NAME]
    except (struct.error, ValueError, IndexError, OverflowError):  # the last two: of numbers that are no place
        return None
    if len(needed) > _MOST_NEEDED:
        return None
    return Dynamic(needed=tuple(dict.fromkeys(needed)), name=names[0] if names else None)


def _segments(content: bytes | bytearray) -> list[tuple[int, ...]]:
    _, _, _, _, _, table, _, _, _, size, count, *_ = _HEADER.unpack_from(content)
    if count > _MOST_SEGMENTS:
        raise ValueError("too many segments")
    return [_SEGMENT.unpack_from(content, table + size * number) for number in range(count)]


def _tags(content: bytes | bytearray, start: int, length: int) -> list[tuple[int, int]]:
    found = []
    for number in range(min(length // _TAG.size, _MOST_TAGS)):
        tag, value = _TAG.unpack_from(content, start + number * _TAG.size)
        if tag == _END:
            break
        found.append((tag, value))
    return found


def _offset(segments: Iterable[tuple[int, ...]], address: int) -> int:
    """Return where in the file an address is."""
    for kind, _, offset, start, _, size, _, _ in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError("an address outside of the file")


def _text(content: bytes | bytearray, start: int) -> str:
    """Return a name; ValueError where it has no end, or is none that a file could have."""
    name = content[start : content.index(b"\0", start, start + _LONGEST_NAME + 1)].decode("ascii")
    if not name.isprintable() or not name:
        raise ValueError("no name")
    return name

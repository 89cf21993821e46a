"""Shared libraries: the name of one, and the cache in which the loader finds it. Pure.

Sources: System V ABI, chapter 5 (dynamic section); glibc's dl-cache.h (the format glibc-ld.so.cache1.1).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Mapping

_DYNAMIC, _LOAD = 2, 1
_NULL, _STRINGS, _NAME = 0, 5, 14
_HEADER = struct.Struct("<16sHHIQQQIHHH")
_PROGRAM = struct.Struct("<IIQQQQQQ")
_TAG = struct.Struct("<QQ")
_LONGEST_NAME = 255
_MAGIC = b"glibc-ld.so.cache1.1"
_CACHE_HEADER = struct.Struct("<20sIIB3xI12x")
_CACHE_ENTRY = struct.Struct("<iIIIQ")
_LITTLE_ENDIAN = 2
# What the loader of an architecture takes for its own: libraries of glibc, of 64 bits.
_FLAGS: Mapping[str, int] = {"amd64": 0x0303, "arm64": 0x0A03}
#: As Debian names the folders of an architecture's libraries.
TRIPLETS: Mapping[str, str] = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}


def library_name(content: bytes) -> str | None:
    """Return the name by which programs ask for a library of 64 bits (`libz.so.1`), None of what is none."""
    try:
        magic, _, _, _, _, table, _, _, _, size, count = _HEADER.unpack_from(content)
        if magic[:6] != b"\x7fELF\x02\x01":
            return None
        segments = [_PROGRAM.unpack_from(content, table + size * number) for number in range(count)]
        dynamic = next((segment for segment in segments if segment[0] == _DYNAMIC), None)
        if dynamic is None:
            return None
        found: dict[int, int] = {}
        for at in range(dynamic[2], dynamic[2] + dynamic[5], _TAG.size):
            tag, value = _TAG.unpack_from(content, at)
            if tag == _NULL:
                break
            found.setdefault(tag, value)
        if _NAME not in found or _STRINGS not in found:
            return None
        start = _offset(segments, found[_STRINGS]) + found[_NAME]
        name = content[start : content.index(b"\0", start, start + _LONGEST_NAME)]
    except (struct.error, ValueError):
        return None
    return name.decode("ascii", "replace")


def _offset(segments: Iterable[tuple[int, ...]], address: int) -> int:
    """Return where in the file an address is."""
    for kind, _, offset, start, _, size, _, _ in segments:
        if kind == _LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError("an address outside of the file")


def library_cache(libraries: Iterable[tuple[str, str]], arch: str) -> bytes:
    """Return /etc/ld.so.cache for pairs of a library's name and its path; of one name, the first path counts."""
    first: dict[str, str] = {}
    for name, path in libraries:
        first.setdefault(name, path)
    # The loader searches by halves: names in descending order, numbers in them as numbers.
    ordered = sorted(first.items(), key=lambda pair: _order(pair[0]), reverse=True)
    start = _CACHE_HEADER.size + _CACHE_ENTRY.size * len(ordered)
    entries, strings = b"", b""
    for name, path in ordered:
        at = start + len(strings)
        strings += f"{name}\0{path}\0".encode()
        entries += _CACHE_ENTRY.pack(_FLAGS[arch], at, at + len(name) + 1, 0, 0)
    return _CACHE_HEADER.pack(_MAGIC, len(ordered), len(strings), _LITTLE_ENDIAN, 0) + entries + strings


def _order(name: str) -> list[tuple[int, int]]:
    """As `_dl_cache_libcmp` compares: a number is after any other sign, and numbers are compared as such."""
    parts = re.findall(r"\d+|\D", name)
    return [(1, int(part)) if part.isdecimal() else (0, ord(part)) for part in parts]

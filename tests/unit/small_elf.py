"""Shared libraries that say what they need and are called, and nothing else."""

from __future__ import annotations

import struct
from collections.abc import Sequence

_HEADER, _SEGMENT = 64, 56
_END, _NEEDED, _STRINGS, _NAME = 0, 1, 5, 14


def library(needed: Sequence[str] = (), name: str | None = None, *, module: str | None = None, base: int = 0) -> bytes:
    """Return a library; `module` is what Python would import it as, `base` the address that its bytes begin at."""
    strings = b"\0"
    tags = []
    for tag, text in [*((_NEEDED, one) for one in needed), *([(_NAME, name)] if name else [])]:
        tags.append((tag, len(strings)))
        strings += text.encode() + b"\0"
    if module:
        strings += f"PyInit_{module}\0".encode()
    table = _HEADER + 2 * _SEGMENT
    dynamic = [*tags, (_STRINGS, base + table), (_END, 0)]
    at = table + len(strings)
    body = strings + b"".join(struct.pack("<QQ", *tag) for tag in dynamic)
    size = table + len(body)
    mark = b"\x7fELF\x02\x01\x01" + bytes(9)
    header = struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, _HEADER, 0, 0, _HEADER, _SEGMENT, 2, 0, 0, 0)
    segments = [(1, 5, 0, base, base, size, size, 4096), (2, 6, at, base + at, base + at, size - at, size - at, 8)]
    return mark + header + b"".join(struct.pack("<IIQQQQQQ", *segment) for segment in segments) + body

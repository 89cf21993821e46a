"""What an ELF file says of itself. Pure. Source: System V ABI, chapters 4 and 5 (ELF header, program headers)."""

from __future__ import annotations

import struct

_INTERPRETER = 3  # PT_INTERP
_LONGEST = 4096


def is_elf(content: bytes | None) -> bool:
    """Say whether bytes begin as an ELF file does."""
    return bool(content) and content[:4] == b"\x7fELF"  # type: ignore[index]  # bool() says that it is there


def loader_of(content: bytes | None) -> str | None:
    """Return the loader that a program asks for (`/lib/ld-musl-x86_64.so.1`), None where it asks for none."""
    if not is_elf(content):
        return None
    assert content is not None
    try:
        wide, order = content[4] == 2, "<" if content[5] == 1 else ">"
        table, size, count = (
            struct.unpack_from(f"{order}Q14xHH", content, 32)
            if wide
            else struct.unpack_from(f"{order}I10xHH", content, 28)
        )
        for number in range(count):
            at = table + number * size
            kind, *fields = struct.unpack_from(f"{order}I4xQ16xQ" if wide else f"{order}II8xI", content, at)
            if kind == _INTERPRETER:
                start, length = fields
                return content[start : start + min(length, _LONGEST)].rstrip(b"\0").decode("utf-8", "replace")
    except (struct.error, IndexError):
        pass
    return None

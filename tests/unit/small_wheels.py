"""Wheels made from dicts, sound ones and others: a zip writer that does what it is told, however wrong."""

from __future__ import annotations

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

FILENAME = "demo-1.0-py3-none-any.whl"
DIST_INFO = "demo-1.0.dist-info"
WHEEL = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
METADATA = b"Metadata-Version: 2.1\nName: demo\nVersion: 1.0\n"


@dataclass(frozen=True, kw_only=True)
class Member:
    """An entry of a zip. What is None is what it should be; `local` are fields that its own header has otherwise."""

    name: str | bytes
    data: bytes = b""
    method: int = 8
    flags: int = 0x800
    mode: int = 0o100644
    stored: bytes | None = None
    crc: int | None = None
    size: int | None = None
    stored_size: int | None = None
    extra: bytes = b""
    header_at: int | None = None
    local: Mapping[str, int | bytes] = field(default_factory=dict)

    @property
    def raw_name(self) -> bytes:
        return self.name.encode() if isinstance(self.name, str) else self.name

    @property
    def raw(self) -> bytes:
        if self.stored is not None:
            return self.stored
        return deflate(self.data) if self.method == 8 else self.data


def deflate(data: bytes, level: int = 6) -> bytes:
    compressor = zlib.compressobj(level, zlib.DEFLATED, -15)
    return compressor.compress(data) + compressor.flush()


def packed(members: Sequence[Member], *, comment: bytes = b"", after: bytes = b"", zip64: bool = False) -> bytes:
    """Return the bytes of a zip."""
    body = directory = b""
    for member in members:
        place = len(body) if member.header_at is None else member.header_at
        if member.header_at is None:
            body += _local(member, zip64) + member.raw
        directory += _central(member, place, zip64)
    count, start, size = len(members), len(body), len(directory)
    end = b""
    if zip64:
        end = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
        end += struct.pack("<4sLQL", b"PK\6\7", 0, start + size, 1)
        count, start, size = 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF
    end += struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, size, start, len(comment))
    return body + directory + end + comment + after


def _numbers(member: Member) -> dict[str, int]:
    return {
        "flags": member.flags,
        "method": member.method,
        "crc": zlib.crc32(member.data) if member.crc is None else member.crc,
        "stored_size": len(member.raw) if member.stored_size is None else member.stored_size,
        "size": len(member.data) if member.size is None else member.size,
    }


def _local(member: Member, zip64: bool) -> bytes:
    own = _numbers(member) | {key: value for key, value in member.local.items() if isinstance(value, int)}
    name = member.local.get("name", member.raw_name)
    assert isinstance(name, bytes)
    flags, method, crc, stored_size, size = own.values()
    extra = struct.pack("<2H2Q", 1, 16, size, stored_size) if zip64 else b""
    sizes = (0xFFFFFFFF, 0xFFFFFFFF) if zip64 else (stored_size, size)
    header = (b"PK\3\4", 20, flags, method, 0, 0x21, crc, *sizes, len(name), len(extra))
    return struct.pack("<4s5H3L2H", *header) + name + extra


def _central(member: Member, place: int, zip64: bool) -> bytes:
    flags, method, crc, stored_size, size = _numbers(member).values()
    extra = (struct.pack("<2H3Q", 1, 24, size, stored_size, place) if zip64 else b"") + member.extra
    if zip64:
        stored_size = size = place = 0xFFFFFFFF
    header = (b"PK\1\2", 0x0314, 20, flags, method, 0, 0x21, crc, stored_size, size)
    rest = (len(member.raw_name), len(extra), 0, 0, 0, member.mode << 16, place)
    return struct.pack("<4s6H3L5H2L", *header, *rest) + member.raw_name + extra


def row(name: str, data: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
    return f"{name},sha256={digest},{len(data)}\n"


def _quoted(name: str) -> str:
    return '"{}"'.format(name.replace('"', '""')) if "," in name or '"' in name else name


def record_of(members: Iterable[Member]) -> str:
    named = [
        (member.raw_name.decode("utf-8" if member.flags & 0x800 else "cp437", "replace"), member) for member in members
    ]
    lines = [row(_quoted(name), one.data) for name, one in dict(named).items() if name[-1] != "/"]
    return "".join(lines) + f"{DIST_INFO}/RECORD,,\n"


def wheel_members(
    files: Mapping[str, bytes] | Sequence[Member], *, record: str | None = None, wheel: bytes = WHEEL
) -> list[Member]:
    """Return the members of a wheel with these files, its metadata among them."""
    given = [Member(name=name, data=data) for name, data in files.items()] if isinstance(files, Mapping) else [*files]
    given += [Member(name=f"{DIST_INFO}/METADATA", data=METADATA), Member(name=f"{DIST_INFO}/WHEEL", data=wheel)]
    recorded = record_of(given) if record is None else record
    return [*given, Member(name=f"{DIST_INFO}/RECORD", data=recorded.encode())]


def wheel_bytes(
    files: Mapping[str, bytes] | Sequence[Member], *, record: str | None = None, wheel: bytes = WHEEL
) -> bytes:
    """Return the bytes of a wheel."""
    return packed(wheel_members(files, record=record, wheel=wheel))

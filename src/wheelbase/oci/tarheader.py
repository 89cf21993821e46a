"""Headers of a layer's entries, and paths that entries may have. Pure.

Sources: POSIX.1-2001 (ustar, pax); OCI image specification 1.1, layer.md (whiteouts).
"""

from __future__ import annotations

from functools import lru_cache

from wheelbase.oci.errors import ImageError

#: What a tar is made of, in bytes.
BLOCK = 512
_MOST_NAME = 100
_MOST_SIZE = 0o77777777777
_MOST_ID = 0o7777777
_WHITEOUT = ".wh."
_LONGEST_PATH = 4000
_LONGEST_PART = 255
_DEEPEST_PATH = 200


def check_path(path: str) -> None:
    """Raise ImageError where a path cannot be one in a layer; each of its parents must have been checked."""
    part = path.rpartition("/")[2]
    if part in ("", ".", "..") or path.startswith("/") or "\0" in path:
        why = "it is no path that stays in the layer's root"
    elif part.startswith(_WHITEOUT):
        why = f"a name that begins with {_WHITEOUT} removes files of other layers"
    elif len(part.encode("utf-8", "replace")) > _LONGEST_PART or len(path) > _LONGEST_PATH:
        why = "it is too long"
    elif path.count("/") >= _DEEPEST_PATH:
        why = "it is too deep"
    else:
        return
    raise ImageError(f"{path[:1000]!r} cannot be in a layer: {why}", hint="rename it, or leave it out")


def header(path: str, kind: bytes, mode: int, size: int, mtime: int, uid: int, gid: int, link: str = "") -> bytes:
    """Return the header of an entry; before it comes one of pax with whatever does not fit."""
    name, target = path.encode("utf-8", "surrogateescape"), link.encode("utf-8", "surrogateescape")
    pax = b""
    if len(name) > _MOST_NAME or not path.isascii():
        pax += _record(b"path", name)
    if len(target) > _MOST_NAME or not link.isascii():
        pax += _record(b"linkpath", target)
    for key, number, most in ((b"size", size, _MOST_SIZE), (b"uid", uid, _MOST_ID), (b"gid", gid, _MOST_ID)):
        if number > most:
            pax += _record(key, b"%d" % number)
    extended = b""
    if pax:
        extended = _block(b"././@PaxHeader", b"x", 0o644, len(pax), mtime, 0, 0, b"")
        extended += pax + bytes(-len(pax) % BLOCK)
    fitting = (value if value <= most else 0 for value, most in ((size, _MOST_SIZE), (uid, _MOST_ID), (gid, _MOST_ID)))
    size, uid, gid = fitting
    return extended + _block(name[:_MOST_NAME], kind, mode, size, mtime, uid, gid, target[:_MOST_NAME])


def _record(key: bytes, value: bytes) -> bytes:
    """Return a line of a pax header, which begins with its own length."""
    rest = b" %b=%b\n" % (key, value)
    length = len(rest)
    while length != len(rest) + len(str(length)):
        length = len(rest) + len(str(length))
    return b"%d%b" % (length, rest)


def _block(name: bytes, kind: bytes, mode: int, size: int, mtime: int, uid: int, gid: int, link: bytes) -> bytes:
    start = b"%b%07o\0%07o\0%07o\0%011o\0%011o\0" % (name.ljust(100, b"\0"), mode, uid, gid, size, mtime)
    end, end_sum = _end_of_block(kind, link)
    return b"%b%06o\0 %b" % (start, sum(start) + end_sum, end)


@lru_cache(maxsize=64)
def _end_of_block(kind: bytes, link: bytes) -> tuple[bytes, int]:
    """Return what comes after the checksum, and what it and the blanks in the checksum's place add to that."""
    end = b"%b%b%b%b%b" % (kind, link.ljust(100, b"\0"), b"ustar\x0000".ljust(72, b"\0"), b"0000000\0" * 2, bytes(167))
    return end, sum(end) + 8 * ord(" ")

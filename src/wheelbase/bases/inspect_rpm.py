"""The packages in rpm's database, of SQLite or of Berkeley DB. Pure; what cannot be sound gives None.

No library reads them without rpm's own: SQLite comes with Python, and of Berkeley DB's hash tables little is needed.
Sources: rpm's manual (format_header.md); Berkeley DB 5.3, dbinc/db_page.h.
"""

from __future__ import annotations

import posixpath
import re
import struct
from collections.abc import Iterator
from contextlib import closing

from wheelbase.bases.inspected import MOST_PACKAGES, Package
from wheelbase.oci.tree import Tree

FOLDERS = ("var/lib/rpm", "usr/lib/sysimage/rpm")
LARGEST = 64 << 20
_FILES, _JOURNAL = ("rpmdb.sqlite", "Packages"), "rpmdb.sqlite-wal"
# No view, and no column that is computed: nothing that an image says is run.
_PLAIN_TABLE = re.compile(r"CREATE TABLE ['\"]?Packages['\"]? ?\([\w\s,]*\)")
_MOST_STEPS = 100  # a million instructions of SQLite's machine each
_NAME, _VERSION, _RELEASE, _EPOCH = 1000, 1001, 1002, 1003
_LONGEST_TEXT = 1000
_HASH_MAGIC, _HASH_PAGES, _OVERFLOW, _OFF_PAGE = 0x061561, (2, 13), 7, 3
_PAGE_HEADER = 26


def database_in(tree: Tree) -> str | None:
    """Return the path of the database, None where it is too large, or where its last changes are in a journal."""
    paths = (f"{folder}/{name}" for folder in FOLDERS for name in _FILES)
    path, entry = next(((path, entry) for path in paths if (entry := tree.resolve(path)) and entry.size), ("", None))
    journal = tree.resolve(f"{posixpath.dirname(path)}/{_JOURNAL}")
    return path if entry and entry.size <= LARGEST and not (journal and journal.size) else None


def rpm_packages(content: bytes) -> tuple[Package, ...] | None:
    """Return the packages that a database lists, sorted; None where it is none that is known, or is damaged."""
    headers = _of_sqlite(content) if content.startswith(b"SQLite format 3\0") else _of_berkeley(content)
    found: set[Package] = set()
    left = len(content)  # entries that share their bytes would take for ever
    try:
        for header in headers:
            left -= len(header)
            if left < 0 or len(found) == MOST_PACKAGES:
                return None
            found.add(_package(header))
    except (ValueError, struct.error, IndexError, ImportError):
        return None
    # The keys of signatures are listed as packages, and are none.
    return tuple(sorted((one for one in found if one.name != "gpg-pubkey"), key=lambda one: (one.name, one.version)))


def _of_sqlite(content: bytes) -> Iterator[bytes]:
    import sqlite3

    steps = iter(range(_MOST_STEPS))
    with closing(sqlite3.connect(":memory:")) as database:
        if not hasattr(database, "deserialize"):  # an old SQLite
            raise ValueError
        try:
            # One in memory has no journal beside it: the header must not say so.
            database.deserialize(content[:18] + b"\1\1" + content[20:])
            database.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, len(content))
            database.set_progress_handler(lambda: next(steps, None) is None, 1_000_000)
            made = database.execute("SELECT sql FROM sqlite_master WHERE name = 'Packages'").fetchone()
            if not (made and _PLAIN_TABLE.fullmatch(str(made[0]))):
                raise ValueError
            for (header,) in database.execute("SELECT blob FROM Packages"):
                yield header if isinstance(header, bytes) else b""
        except sqlite3.Error as error:
            raise ValueError from error


def _of_berkeley(content: bytes) -> Iterator[bytes]:
    """Yield what a hash table has: of all its pages, the values, which are the odd ones of their items."""
    order = next((mark for mark in "<>" if struct.unpack_from(f"{mark}I", content, 12)[0] == _HASH_MAGIC), "")
    size = struct.unpack_from(f"{order}I", content, 20)[0] if order else 0
    if not 512 <= size <= 65536:
        raise ValueError
    unread = iter(range(len(content) // size))  # a page is on one chain at most
    for page in range(size, len(content) - size + 1, size):
        count, _, _, kind = struct.unpack_from(f"{order}HHBB", content, page + 20)
        for number in range(1, min(count, size // 2), 2) if kind in _HASH_PAGES else ():
            at = page + struct.unpack_from(f"{order}H", content, page + _PAGE_HEADER + 2 * number)[0]
            if content[at] == _OFF_PAGE:  # what is on the page itself is too small for a header
                following, length = struct.unpack_from(f"{order}II", content, at + 4)
                yield b"".join(_chain(content, order, size, following, unread))[:length]


def _chain(content: bytes, order: str, size: int, page: int, unread: Iterator[int]) -> Iterator[bytes]:
    while page and next(unread, None) is not None:
        at = page * size
        page, _, used, _, kind = struct.unpack_from(f"{order}IHHBB", content, at + 16)
        if kind != _OVERFLOW:
            raise ValueError
        yield content[at + _PAGE_HEADER : at + _PAGE_HEADER + min(used, size - _PAGE_HEADER)]


def _package(header: bytes) -> Package:
    """Return what a header says. It has the numbers of its tags and of its bytes, the tags, and the bytes."""
    count, length = struct.unpack_from(">II", header)
    if 8 + 16 * count + length > len(header):
        raise ValueError
    tags = {tag: at for tag, _, at, _ in struct.iter_unpack(">IIII", header[8 : 8 + 16 * count])}
    data = header[8 + 16 * count :]

    if not tags.keys() >= {_NAME, _VERSION, _RELEASE}:
        raise ValueError
    texts = (data[tags[tag] : tags[tag] + _LONGEST_TEXT].split(b"\0")[0] for tag in (_NAME, _VERSION, _RELEASE))
    name, version, release = (text.decode("utf-8", "replace") for text in texts)
    epoch = f"{struct.unpack_from('>I', data, tags[_EPOCH])[0]}:" if _EPOCH in tags else ""
    return Package(name=name, version=f"{epoch}{version}-{release}")

"""rpm's database: what is listed in it, and databases that are not to be trusted."""

from __future__ import annotations

import sqlite3
import struct
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import date
from itertools import repeat

import pytest
from tests.unit.images_with_python import Files, glibc, image, python
from tests.unit.oci.small_images import SYMLINK

from wheelbase.bases import inspect_rpm
from wheelbase.bases.inspect import inspect_image
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.bases.inspect_rpm import rpm_packages
from wheelbase.bases.inspected import Inspection, Package
from wheelbase.oci.image import read_image
from wheelbase.system.installed import installed_packages, knows_installed

ALPHA, BETA = Package(name="alpha", version="2:1.2.3-4.el9"), Package(name="beta", version="1-1")
TABLE = "CREATE TABLE 'Packages' (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL)"
PAGE = 4096
TODAY = date(2026, 11, 25)


def header(name: str, version: str, release: str, epoch: int | None = None, more: bytes = b"") -> bytes:
    """Return a header as rpm stores it: what is not asked for comes before the rest of the data."""
    texts, index, data = {1000: name, 1001: version, 1002: release}, b"", more
    for tag, text in texts.items():
        index += struct.pack(">IIII", tag, 6, len(data), 1)
        data += text.encode() + b"\0"
    if epoch is not None:
        data += bytes(-len(data) % 4)
        index += struct.pack(">IIII", 1003, 4, len(data), 1)
        data += struct.pack(">I", epoch)
    return struct.pack(">II", len(index) // 16, len(data)) + index + data


HEADERS = (
    header("beta", "1", "1"),
    header("alpha", "1.2.3", "4.el9", 2, bytes(20_000)),
    header("gpg-pubkey", "1", "2"),
)


def of_sqlite(headers: Sequence[object] = HEADERS, table: str = TABLE, journal: str = "wal") -> bytes:
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(table)
        if table == TABLE:
            database.executemany("INSERT INTO Packages (blob) VALUES (?)", [(one,) for one in headers])
        database.commit()
        content = database.serialize()
    mark = b"\2\2" if journal == "wal" else b"\1\1"
    return content[:18] + mark + content[20:]


def of_berkeley(headers: Sequence[bytes] = HEADERS, order: str = "<") -> bytes:
    """Return a hash table of one page, with a chain of pages for each of its values, and a value on the page."""
    pages, items = [b"", b""], [b"\1key0", b"\1next"]
    for one in headers:
        items += [b"\1key", struct.pack(f"{order}B3xII", 3, len(pages), len(one))]
        parts = [one[at : at + PAGE - 26] for at in range(0, len(one), PAGE - 26)]
        for number, part in enumerate(parts, 1):
            following = len(pages) + 1 if number < len(parts) else 0
            start = struct.pack(f"{order}8xIIIHHBB", len(pages), 0, following, 1, len(part), 0, 7)
            pages.append((start + part).ljust(PAGE, b"\0"))
    pages[0] = struct.pack(f"{order}12xIII", 0x061561, 9, PAGE).ljust(PAGE, b"\0")
    page = bytearray(PAGE)
    struct.pack_into(f"{order}HHBB", page, 20, len(items), 0, 0, 13)
    end = PAGE
    for number, item in enumerate(items):
        end -= len(item)
        page[end : end + len(item)] = item
        struct.pack_into(f"{order}H", page, 26 + 2 * number, end)
    pages[1] = bytes(page)
    return b"".join(pages)


def facts_in(files: Files) -> Inspection:
    source = image({"usr/bin/microdnf": b"", **glibc("2.34"), **python("3.12.1", "usr"), **files})
    return inspect_image(source, read_image(source))


@pytest.mark.parametrize(
    "content", [of_sqlite(), of_sqlite(journal="delete"), of_berkeley(), of_berkeley(order=">")], ids=lambda _: ""
)
def test_what_is_listed(content: bytes) -> None:
    """An epoch goes before the version, and keys are no packages."""
    assert rpm_packages(content) == (ALPHA, BETA)


@pytest.mark.parametrize(
    "files",
    [
        {"var/lib/rpm/rpmdb.sqlite": of_sqlite(), "var/lib/rpm/rpmdb.sqlite-wal": b""},
        {"var/lib/rpm": (SYMLINK, "../../usr/lib/sysimage/rpm"), "usr/lib/sysimage/rpm/rpmdb.sqlite": of_sqlite()},
        {"usr/lib/sysimage/rpm/rpmdb.sqlite": of_sqlite()},
        {"var/lib/rpm/Packages": of_berkeley()},
    ],
    ids=["sqlite", "fedora", "sysimage", "berkeley"],
)
def test_in_an_image(files: Files) -> None:
    found = facts_in(files)
    assert (found.package_database, found.packages, found.package_manager) == ("rpm", (ALPHA, BETA), "microdnf")
    facts = facts_of("x", found, arch="amd64", as_of=None, today=TODAY)
    assert knows_installed(facts) and installed_packages(facts) == {"alpha", "beta"}


def test_the_upper_layer_counts() -> None:
    place = "var/lib/rpm/rpmdb.sqlite"
    source = image({place: of_sqlite(HEADERS[:1])}, {"etc/x": b""}, {place: of_sqlite()}, {"etc/y": b""})
    assert inspect_image(source, read_image(source)).packages == (ALPHA, BETA)


@pytest.mark.parametrize(
    "files",
    [
        {"var/lib/rpm/rpmdb.sqlite": b"x"},
        {"var/lib/rpm/rpmdb.sqlite": of_sqlite(), "var/lib/rpm/rpmdb.sqlite-wal": b"what came last"},
        {"usr/lib/sysimage/rpm/Packages.db": b"RpmP"},
    ],
    ids=["nonsense", "journal", "of SUSE"],
)
def test_what_is_not_read(files: Files) -> None:
    found = facts_in(files)
    assert (found.package_database, found.packages) == ("rpm", None)
    assert not knows_installed(facts_of("x", found, arch="amd64", as_of=None, today=TODAY))


def test_one_that_is_too_large_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_rpm, "LARGEST", 1000)
    assert facts_in({"var/lib/rpm/rpmdb.sqlite": of_sqlite()}).packages is None


SQL = (
    "CREATE VIEW Packages AS WITH RECURSIVE r(blob) AS (SELECT x'00' UNION ALL SELECT blob FROM r) SELECT blob FROM r",
    f"CREATE TABLE Other (blob); INSERT INTO Other VALUES (x'{HEADERS[0].hex()}');"
    "CREATE VIEW Packages AS SELECT blob FROM Other",
    "CREATE TABLE Packages (a, blob BLOB GENERATED ALWAYS AS (zeroblob(1000000000)));"
    "INSERT INTO Packages (a) VALUES (1)",
    "CREATE TABLE Packages (a, blob BLOB GENERATED ALWAYS AS (substr(a, 1)));"
    f"INSERT INTO Packages (a) VALUES (x'{HEADERS[0].hex()}')",
    f"CREATE VIRTUAL TABLE Packages USING fts5(blob); INSERT INTO Packages VALUES (x'{HEADERS[0].hex()}')",
    "CREATE TABLE Other (a)",
)


def ring() -> bytes:
    """Return a table with chains of pages that end where they begin."""
    content = bytearray(of_berkeley([HEADERS[1]] * 100))
    for page in range(2, len(content) // PAGE):
        struct.pack_into("<I", content, page * PAGE + 16, 2)
        struct.pack_into("<H", content, page * PAGE + 22, 1)
    return bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"SQLite format 3\0",
        *(of_sqlite(table=sql) for sql in SQL),
        of_sqlite(["a text"]),
        of_sqlite([b""]),
        of_sqlite([struct.pack(">II", 1 << 31, 0)]),
        of_sqlite([struct.pack(">IIIIII", 1, 0, 1000, 6, 0, 1)]),
        of_berkeley([b"short"]),
        ring(),
    ],
    ids=range(14),
)
def test_what_is_not_to_be_trusted(content: bytes) -> None:
    began = time.monotonic()
    assert rpm_packages(content) is None
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("content", [of_sqlite(), of_berkeley()], ids=["sqlite", "berkeley"])
def test_damage_anywhere_ends_in_an_answer(content: bytes) -> None:
    """Whatever a database was cut off at, or had overwritten, it lists packages or is not read."""
    for at in range(0, len(content), 97):
        for damaged in (content[:at], content[:at] + b"\xff" * 40 + content[at + 40 :]):
            found = rpm_packages(damaged)
            assert found is None or len(found) <= 3


def test_entries_that_share_their_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of SQLite's may be said to be in many places; what is read in all is no more than the file has."""
    monkeypatch.setattr(inspect_rpm, "_of_sqlite", lambda content: repeat(HEADERS[0]))
    assert rpm_packages(of_sqlite()) is None


def test_more_packages_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_rpm, "MOST_PACKAGES", 2)
    assert rpm_packages(of_sqlite()) is None

"""RECORD: what a wheel says of its files, and what is written of those that are installed. Pure, but for the wheel.

Sources: the specifications of binary distributions and of recording installed projects on packaging.python.org.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wheelbase.wheels.archive import Entry, WheelArchive

if TYPE_CHECKING:
    from hashlib import _Hash

_SIGNATURES = ("RECORD.jws", "RECORD.p7s")
_ALGORITHMS = {"sha256": hashlib.sha256, "sha384": hashlib.sha384, "sha512": hashlib.sha512}


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What RECORD says of a file: a hash as hashlib names it, the digest as RECORD spells it, the size in bytes."""

    algorithm: str
    digest: str
    size: int

    def hasher(self, data: bytes = b"") -> _Hash:
        """Return a hash object of its algorithm that has seen some bytes."""
        return _ALGORITHMS[self.algorithm](data)

    @classmethod
    def of(cls, data: bytes) -> Claim:
        """Return what is true of some bytes."""
        return cls(algorithm="sha256", digest=_spelled(hashlib.sha256(data).digest()), size=len(data))


def read_record(archive: WheelArchive, dist_info: str) -> dict[str, tuple[str, str]]:
    """Return hash and size as RECORD has them, by path."""
    path = f"{dist_info}/RECORD"
    rows = {}
    try:
        for row in csv.reader(io.StringIO(archive.text(path), newline="")):
            if row:
                name, digest, size = row
                rows[name.replace("\\", "/")] = (digest, size)
    except (csv.Error, ValueError) as error:
        raise archive.error("cannot be read: a line has other than three fields", path) from error
    return rows


def claim_of(archive: WheelArchive, dist_info: str, entry: Entry, row: tuple[str, str] | None) -> Claim | None:
    """Return what RECORD says of a file; None for itself and its signatures, of which it says nothing."""
    if entry.path == f"{dist_info}/RECORD":
        if row != ("", ""):
            raise archive.error("is not in RECORD as it has to be", entry.path)
        return None
    if row is None:
        if entry.path in {f"{dist_info}/{name}" for name in _SIGNATURES}:
            return None
        raise archive.error("is not in RECORD", entry.path)
    (algorithm, _, digest), size = row[0].partition("="), row[1]
    if algorithm not in _ALGORITHMS or not digest or not size.isdecimal() or int(size) != entry.size:
        raise archive.error(f"is not what RECORD says: {','.join(row)[:300]!r}", entry.path)
    return Claim(algorithm=algorithm, digest=digest.rstrip("="), size=entry.size)


def new_record(lines: Iterable[tuple[str, str, Claim]], own: str) -> bytes:
    """Return a RECORD. A line is what it is sorted by, the path in it, and what is said of the file; `own` is its path.

    The order is that of `installer`.
    """
    rows = [(sort, path, f"{claim.algorithm}={claim.digest}", str(claim.size)) for sort, path, claim in lines]
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(row[1:] for row in sorted([*rows, (own, own, "", "")]))
    return text.getvalue().encode()


def check_claim(archive: WheelArchive, entry: Entry, claim: Claim, hasher: _Hash) -> None:
    """Raise WheelError where the bytes of a file, which were hashed, are not those that RECORD states."""
    if _spelled(hasher.digest()) != claim.digest:
        raise archive.error("has another hash than RECORD says", entry.path)


def _spelled(digest: bytes) -> str:
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")

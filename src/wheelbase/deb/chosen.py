"""What a base is made of: each .deb by version and hash. Pure values; what a lock file keeps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wheelbase.bases.facts import Arch

#: Which of a mirror's two folders a package is in: that of the archive, or that of its security updates.
Archive = Literal["main", "security"]


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class LockedDeb:
    """A .deb: `filename` is its path below the archive, `size` in bytes; `added` where the user wished for it."""

    name: str
    version: str
    sha256: str
    size: int
    filename: str
    archive: Archive
    added: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The packages of a base of a release (`trixie`), by name; with these the same image can be made again.

    `asked` are the names that the user added. `date` is when the newest of the archive's Release files was written, in
    ISO 8601.
    """

    release: str
    arch: Arch
    date: str
    asked: tuple[str, ...]
    packages: tuple[LockedDeb, ...]

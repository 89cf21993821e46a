"""Digests, and readers that check them as bytes stream by. Source: OCI image specification 1.1, descriptor.md."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from wheelbase.oci.errors import DamagedError, ImageError

if TYPE_CHECKING:
    from hashlib import _Hash

_HEX_DIGITS = {"sha256": 64, "sha512": 128}


class Reader(Protocol):
    """What bytes are read from: fewer than `size` may come at a time, none at the end."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most `size` of them."""


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """`algorithm:hex`, of the two algorithms that the specification registers."""

    algorithm: str
    hex: str

    def __post_init__(self) -> None:
        """Refuse what is no digest: one may become part of a path or an URL."""
        digits = _HEX_DIGITS.get(self.algorithm)
        if digits is None:
            raise ImageError(f"{self.algorithm!r} is no digest algorithm that images use", hint="use sha256 or sha512")
        if not re.fullmatch(rf"[a-f0-9]{{{digits}}}", self.hex):
            raise ImageError(
                f"{self.algorithm}:{self.hex[:140]} is no digest",
                hint=f"{self.algorithm} has {digits} hexadecimal digits",
            )

    def __str__(self) -> str:
        """Return `algorithm:hex`."""
        return f"{self.algorithm}:{self.hex}"

    @classmethod
    def parse(cls, text: str) -> Digest:
        """Return the digest that a text spells; ImageError where it spells none."""
        algorithm, _, digits = text.partition(":")
        return cls(algorithm, digits)

    @classmethod
    def of(cls, data: bytes, algorithm: str = "sha256") -> Digest:
        """Return the digest of some bytes."""
        return cls(algorithm, hashlib.new(algorithm, data).hexdigest())

    def hasher(self) -> _Hash:
        """Return a new hash object of this digest's algorithm."""
        return hashlib.new(self.algorithm)


class VerifyingReader:
    """Pass bytes on, and raise DamagedError where they are not those that the digest and the size promise.

    A byte too many is refused when it comes, all else at the end: what was read counts only once the end was read.
    """

    def __init__(self, reader: Reader, digest: Digest, size: int) -> None:
        """Nothing is read yet; `size` is in bytes."""
        self._reader, self._digest, self._size = reader, digest, size
        self._hasher, self._seen = digest.hasher(), 0

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; at the end, none if all that came was right."""
        data = self._reader.read(size)
        self._seen += len(data)
        self._hasher.update(data)
        if self._seen > self._size:
            raise self._wrong(f"has more than the {self._size} bytes that it should have")
        if not data and size:
            if self._seen != self._size:
                raise self._wrong(f"ends after {self._seen} of {self._size} bytes")
            if self._hasher.hexdigest() != self._digest.hex:
                raise self._wrong(f"has other bytes, whose digest is {self._hasher.hexdigest()}")
        return data

    def _wrong(self, how: str) -> DamagedError:
        hint = "the place it was read from is damaged, or was changed meanwhile"
        return DamagedError(f"the blob {self._digest} {how}", hint=hint)

"""Wheels that were fetched once, whole, kept by their hashes beside the blobs of images. Talks to the network.

A wheel is read as it comes: its SHA-256 must be the one that the index or the lock file says before it is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client
from wheelbase.index.simple import Candidate
from wheelbase.index.urls import file_path, hide_credentials
from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store

_CHUNK = 256 << 10


def fetch_wheel(client: Client, wheel: Candidate, store: Store) -> tuple[Path, str]:
    """Return where a wheel lies in the store, and its SHA-256 in hexadecimal; PackageIndexError where it is damaged."""
    if wheel.sha256:
        known = Digest("sha256", wheel.sha256.lower())
        if path := store.find(known):
            return path, known.hex
    with store.new() as new:
        size, found = new.fill(_chunks(client, wheel), wheel.size)
        _check(wheel, size, found)
        return new.keep(Digest("sha256", found)), found


def _chunks(client: Client, wheel: Candidate) -> Iterator[bytes]:
    if not wheel.url.startswith("file:"):
        yield from client.stream(wheel.url)
        return
    path = file_path(wheel.url)
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise PackageIndexError(f"{path} cannot be read: {error.strerror}", hint="check the path") from error


def _check(wheel: Candidate, size: int, sha256: str) -> None:
    """Raise the error for bytes that are not those that the index or the lock file promises."""
    where = f"{wheel.filename} at {hide_credentials(wheel.url)}"
    if wheel.sha256 and sha256 != wheel.sha256.lower():
        how = f"{size} bytes with the SHA-256 {sha256}, where {wheel.sha256} is promised"
    elif wheel.size is not None and size != wheel.size:
        how = f"{size} bytes, where {wheel.size} are promised"
    else:
        return
    raise PackageIndexError(
        f"{where} has {how}",
        hint="it was changed or damaged on its way: try again, with --refresh or a new lock file",
    )

"""Files of the archive, kept by their hashes beside the blobs of images. Talks to the network, writes the store."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from wheelbase.deb.errors import DebError
from wheelbase.errors import WheelbaseError
from wheelbase.index.client import Client
from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store


def fetch(client: Client, url: str, *, sha256: str, size: int, what: str, store: Store) -> Path:
    """Return where a file lies in the store; it is read as it comes, and kept only if it has that size and hash.

    DebError, which says `what` it is, where the mirror does not have it, or has other bytes.
    """
    digest = Digest("sha256", sha256)
    if path := store.find(digest):
        return path
    with store.new() as new:
        if new.fill(_chunks(client, url, size, what), size) != (size, sha256):
            raise DebError(
                f"{what} from {url} is not what the archive's index says: its bytes are others",
                hint="the mirror is damaged, or in the middle of an update: try again later, or name another one",
            )
        return new.keep(digest)


def fetch_small(client: Client, url: str, limit: int, what: str) -> bytes:
    """Return a file that nothing is known of yet."""
    try:
        answer = client.get(url, limit=limit)
    except WheelbaseError as error:
        raise _missing(what, str(error)) from error
    if answer.status != 200:
        raise _missing(what, f"{url} answers {answer.status}")
    return answer.body


def _chunks(client: Client, url: str, size: int, what: str) -> Iterable[bytes]:
    if url.startswith("file:"):
        yield fetch_small(client, url, size, what)
        return
    try:
        yield from client.stream(url)
    except WheelbaseError as error:
        raise _missing(what, str(error)) from error


def _missing(what: str, why: str) -> DebError:
    return DebError(
        f"{what} cannot be had from the mirror: {why}",
        hint="check the URL of the mirror; what is not of the newest release may be gone from it",
    )

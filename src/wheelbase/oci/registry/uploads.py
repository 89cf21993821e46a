"""Send a blob to a registry: at once, the rest after a break, or in pieces where it must. Talks to the network.

Source: OCI distribution specification 1.1, "Pushing blobs"; `Range` as distribution states it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import ImageError
from wheelbase.oci.places import Blob
from wheelbase.oci.registry.auth import pull_scope
from wheelbase.oci.registry.errors import TransientError
from wheelbase.oci.registry.session import Answer, Ask, Session
from wheelbase.oci.registry.transport import TRIES, pause

_READ = 256 << 10
_PIECE = 8 << 20
_MOST_BREAKS = 50
_RANGE = re.compile(r"(?:bytes=)?0-(\d{1,18})")
# An upload that was interrupted may be gone, or be at another byte than both sides think.
_LOST = (400, 404, 416)
_TOO_LARGE = 413


@dataclass(frozen=True, slots=True, kw_only=True)
class _Upload:
    """An upload that has begun: where the next bytes go, and how many the registry has."""

    url: str
    offset: int = 0
    smallest_piece: int = 0


def upload(session: Session, blob: Blob, what: str, mount_from: str | None) -> None:
    """Bring a blob into a repository: out of the repository `mount_from` of the same registry if it is there."""
    begun = _begin(session, blob, what, mount_from)
    if not begun:
        return
    sending = _Sending(session, blob, what, begun)
    try:
        sending.send()
    except BaseException:
        with suppress(ImageError):
            session.ask(Ask(method="DELETE", target=sending.begun.url, what=what, accept=(204, 202)), tries=1)
        raise


def has_blob(session: Session, digest: Digest, what: str) -> bool:
    """Return whether a blob is in a repository."""
    return session.ask(Ask(method="HEAD", target=f"blobs/{digest}", what=what, accept=(200, 404))).status == 200


def _begin(session: Session, blob: Blob, what: str, mount_from: str | None = None) -> _Upload | None:
    """Begin an upload; None where the blob was mounted instead."""
    query = f"?mount={blob.descriptor.digest}&from={mount_from}" if mount_from else ""
    scopes = (pull_scope(mount_from),) if mount_from else ()
    asked = Ask(
        method="POST",
        target=f"blobs/uploads/{query}",
        what=what,
        accept=(201, 202) if mount_from else (202,),
        scopes=scopes,
        headers={"Content-Length": "0"},
    )
    answer = session.ask(asked)
    return None if answer.status == 201 else _next(session, answer, 0)


def _next(session: Session, answer: Answer, offset: int) -> _Upload:
    location = answer.headers.get("Location")
    if not location:
        raise ImageError(
            f"{session.endpoint.registry} does not say where to send what was begun", hint="ask who runs the registry"
        )
    smallest = answer.headers.get("OCI-Chunk-Min-Length", "")
    return _Upload(
        url=session.url(location, answer.url),
        offset=offset,
        smallest_piece=int(smallest) if re.fullmatch(r"\d{1,10}", smallest) else 0,
    )


class _Sending:
    """One blob on its way."""

    def __init__(self, session: Session, blob: Blob, what: str, begun: _Upload) -> None:
        self._session, self._blob, self._what, self.begun = session, blob, what, begun
        self._size = blob.descriptor.size
        self._pieces, self._restarts = False, 0

    def send(self) -> None:
        """Send all there is, and go on where a break left off as often as there is progress."""
        failures = breaks = furthest = 0
        with _Feed(self._blob) as feed:
            while True:
                try:
                    if self._step(feed):
                        return
                except TransientError as error:
                    furthest, failures = max(furthest, self.begun.offset), failures + 1
                    breaks += 1
                    if failures >= TRIES or breaks > _MOST_BREAKS:
                        raise
                    pause(error, failures)
                    if has_blob(self._session, self._blob.descriptor.digest, self._what):
                        return  # it had all, and its answer was lost
                    self.begun = self._found() or self._anew()
                if self.begun.offset > furthest:
                    failures = 0

    def _step(self, feed: _Feed) -> bool:
        """Send what goes with one request; return whether the registry has all and has agreed to the digest."""
        start = self.begun.offset
        if not (self._pieces or start) or start == self._size:
            return self._put(feed)
        piece = max(_PIECE, self.begun.smallest_piece) if self._pieces else self._size
        return self._patch(feed, min(self._size, start + piece))

    def _put(self, feed: _Feed) -> bool:
        url, start = self.begun.url, self.begun.offset
        resumed = start > 0
        answer = self._session.ask(
            Ask(
                method="PUT",
                target=f"{url}{'&' if '?' in url else '?'}digest={self._blob.descriptor.digest}",
                what=self._what,
                accept=(200, 201, 204, _TOO_LARGE, *(_LOST if resumed else ())),
                headers={"Content-Type": "application/octet-stream", "Content-Length": str(self._size - start)},
                body=(lambda: feed.pieces(start, self._size)) if start < self._size else feed.end(),
            ),
            tries=1,
        )
        if answer.status == _TOO_LARGE:
            return self._split()
        return answer.status not in _LOST or self._restart(answer.status)

    def _patch(self, feed: _Feed, end: int) -> bool:
        start = self.begun.offset
        answer = self._session.ask(
            Ask(
                method="PATCH",
                target=self.begun.url,
                what=self._what,
                accept=(201, 202, 204, _TOO_LARGE, *_LOST),
                headers={
                    "Content-Type": "application/octet-stream",
                    "Content-Length": str(end - start),
                    "Content-Range": f"{start}-{end - 1}",
                },
                body=lambda: feed.pieces(start, end),
            ),
            tries=1,
        )
        if answer.status == _TOO_LARGE:
            return self._split()
        if answer.status in _LOST:
            return self._restart(answer.status)
        self.begun = _next(self._session, answer, end)
        return False

    def _split(self) -> bool:
        """A server before the registry takes no request of such a length: send pieces."""
        if self._pieces:
            raise ImageError(
                f"{self._session.endpoint.registry} takes neither {self._what} at once nor pieces of {_PIECE} bytes",
                hint="raise the limit of the length of requests of the proxy before the registry",
            )
        self._pieces, self.begun = True, self._anew()
        return False

    def _found(self) -> _Upload | None:
        """Return how far the registry says that the upload is; None where it should be begun again."""
        try:
            answer = self._session.ask(
                Ask(method="GET", target=self.begun.url, what=self._what, accept=(204, *_LOST)), tries=2
            )
            stated = _RANGE.fullmatch(answer.headers.get("Range", ""))
            # "0-0" is said of no byte as well as of one.
            if answer.status != 204 or not stated or not 0 < int(stated[1]) < self._size:
                return None
            return _next(self._session, answer, int(stated[1]) + 1)
        except ImageError:
            return None

    def _anew(self) -> _Upload:
        begun = _begin(self._session, self._blob, self._what)
        assert begun  # only a mount ends without an upload
        return begun

    def _restart(self, status: int) -> bool:
        """The registry has lost the part that it had, or wants other bytes than those that follow: begin again."""
        self._restarts += 1
        if self._restarts == TRIES:
            raise ImageError(
                f"{self._session.endpoint.registry} answers {status} to the rest of {self._what} after a part of it",
                hint="ask who runs the registry, or the proxy before it",
            )
        self.begun = self._anew()
        return False


class _Feed:
    """The bytes of a blob, mostly in order, verified from the first to the last whatever is sent of them.

    The last bytes are given only when all were found to be right: no registry gets a whole wrong blob.
    """

    def __init__(self, blob: Blob) -> None:
        self._blob, self._stack = blob, ExitStack()
        self._reader: Reader | None = None
        self._position = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stack.close()

    def end(self) -> bytes:
        """Return what is left when all was given: nothing, if that is all there should be."""
        return self._at(self._blob.descriptor.size).read(1)

    def pieces(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` to `end`."""
        reader = self._at(start)
        while self._position < end:
            chunk = reader.read(min(_READ, end - self._position))
            self._position += len(chunk)
            if self._position == self._blob.descriptor.size:
                reader.read(1)  # raises DamagedError where the digest is another, or there is more
            if not chunk:
                return
            yield chunk

    def _at(self, start: int) -> Reader:
        if self._reader is None or self._position > start:
            self._stack.close()
            self._reader, self._position = self._stack.enter_context(self._blob.open()), 0
        while self._position < start and (chunk := self._reader.read(min(_READ, start - self._position))):
            self._position += len(chunk)
        return self._reader

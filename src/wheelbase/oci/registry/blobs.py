"""Read a blob of a registry from any byte on, over as many connections as it takes. Talks to the network."""

from __future__ import annotations

import re
from collections.abc import Callable

import urllib3

from wheelbase.oci.errors import ImageError
from wheelbase.oci.registry.errors import TransientError, unreachable
from wheelbase.oci.registry.transport import TRIES, let_go, pause

_CHUNK = 256 << 10
_MOST_RESUMPTIONS = 50
_MOST_SKIPPED = 4 << 20
_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")

OpenAt = Callable[[int], urllib3.BaseHTTPResponse]


class BlobReader:
    """The bytes of a blob from `start` to `end`, to its own end where that is None.

    Where the connection breaks, the rest is asked for: a few times without a byte in between, and a bounded number of
    times in all. ImageError where the registry would send far more than what is wanted.
    """

    def __init__(self, open_at: OpenAt, host: str, what: str, start: int, end: int | None) -> None:
        """Ask for the first byte; `host` and `what` are what errors call the registry and the blob."""
        self._open_at, self._host, self._what = open_at, host, what
        self._start, self._position, self._end = start, start, end
        self._failures = self._resumptions = 0
        try:
            self._response = self._opened()
        except urllib3.exceptions.HTTPError as error:
            self._resume(error)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, at most 256 KiB of them."""
        left = size if self._end is None else min(size, self._end - self._position)
        if left <= 0:
            return b""
        while True:
            try:
                data = self._response.read(min(left, _CHUNK), decode_content=False)
            except urllib3.exceptions.HTTPError as error:
                self._response.close()
                self._resume(error)
                continue
            self._position += len(data)
            self._failures = 0 if data else self._failures
            return data

    def close(self) -> None:
        """Let the connection go."""
        let_go(self._response)

    def _resume(self, error: urllib3.exceptions.HTTPError) -> None:
        while True:
            self._failures += 1
            self._resumptions += 1
            broken = unreachable(self._host, error)
            if self._failures >= TRIES or self._resumptions > _MOST_RESUMPTIONS:
                raise TransientError(f"{self._what} broke off at byte {self._position}: {broken}", hint=broken.hint)
            pause(TransientError(str(broken)), self._failures)
            try:
                self._response = self._opened()
                return
            except urllib3.exceptions.HTTPError as again:
                error = again

    def _opened(self) -> urllib3.BaseHTTPResponse:
        response = self._open_at(self._position)
        if response.status == 206:
            stated = _RANGE.fullmatch(response.headers.get("Content-Range", ""))
            if not stated or int(stated[1]) != self._position:
                response.close()
                raise ImageError(
                    f"another part of {self._what} came than the one from byte {self._position} on",
                    hint="ask who runs the registry, or the proxy before it",
                )
            return response
        # The server does not know ranges: what comes before is read away, if it is not too much for that.
        left = self._position
        if left > _MOST_SKIPPED and left == self._start:
            response.close()
            raise ImageError(f"{self._host} does not send parts of {self._what}", hint="read it from its start")
        while left and (data := response.read(min(left, _CHUNK), decode_content=False)):
            left -= len(data)
        return response

"""Read from package indexes over kept connections, with the user's credentials. Talks to the network.

One `Client` serves all threads of a run. It counts what it asked for and received, which the benchmark prints.
"""

import os
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urljoin

import urllib3

from wheelbase import __version__
from wheelbase.connections import is_passing, new_pool, proxy_for
from wheelbase.errors import PackageIndexError
from wheelbase.index.credentials import Credentials
from wheelbase.index.transport import is_trusted, tls_context
from wheelbase.index.urls import file_path, hide_credentials, split
from wheelbase.index.values import IndexSettings

CONCURRENCY = 16
MAX_PAGE = 128 << 20
_MAX_FILE = 8 << 30
_MAX_REDIRECTS = 10
_MAX_PATIENCE = 30.0
_SHORT = 64 * 1024
_CHUNK = 256 * 1024
_TIMEOUT = urllib3.Timeout(connect=15, read=60)
_TRIES = 3
Cut = Literal["no", "start", "end"]


class _Retries(urllib3.Retry):
    """urllib3's, but a server cannot make us sleep for hours, nor stop us with a broken date."""

    def parse_retry_after(self, retry_after: str) -> float:
        """Return the seconds that the server wants to be left alone."""
        try:
            return min(super().parse_retry_after(retry_after), _MAX_PATIENCE)
        except urllib3.exceptions.InvalidHeader:
            return 1.0


# `other` errors are those of TLS: no second try mends one of certificates, and `get` knows which are others.
_RETRIES = _Retries(
    total=_TRIES, other=0, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False
)


@dataclass(slots=True)
class Traffic:
    """What a client asked of the network: requests, and bytes of the bodies received."""

    requests: int = 0
    received: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def add(self, received: int) -> None:
        """Count one request and its body."""
        with self._lock:
            self.requests += 1
            self.received += received


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """An answer. `url` is where it came from after redirects, without credentials.

    `skipped` counts the bytes of the body that came before `body`, where its end alone was wanted.
    """

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes
    skipped: int = 0


class Client:
    """GET with retries, the user's certificates, proxies and credentials."""

    def __init__(self, settings: IndexSettings) -> None:
        """Open no connection yet."""
        self.traffic = Traffic()
        self._settings = settings
        self._credentials = Credentials(settings)
        self._pools: dict[tuple[str | None, bool], urllib3.PoolManager] = {}
        self._lock = threading.Lock()

    def get(
        self, url: str, headers: Mapping[str, str] | None = None, *, limit: int = MAX_PAGE, cut: Cut = "no"
    ) -> Response:
        """Return the answer to a GET; `file:` URLs are read. Status codes below 500 are the caller's to judge.

        A body longer than `limit` bytes is an error, unless it may be `cut`: to its `start`, the rest being left on
        the wire, or to its `end`.
        """
        if url.startswith("file:"):
            return _read_file(url, limit, cut)
        for attempt in range(1, _TRIES + 1):
            try:
                return self._get(url, headers or {}, limit, cut)
            except urllib3.exceptions.HTTPError as error:
                if attempt == _TRIES or not _may_pass(error):
                    raise _unreadable(url, error) from error
                time.sleep(0.25 * attempt)
        raise AssertionError

    def stream(self, url: str) -> Iterator[bytes]:
        """Yield the bytes of a file on the network; what breaks off is asked for again from there on.

        An answer other than success is an error. Nothing is verified here.
        """
        position = failures = 0
        while True:
            headers = {"Range": f"bytes={position}-"} if position else {}
            plain, response = self._follow(url, headers)
            try:
                check_status(plain, response.status)
                # A server that does not know ranges sends all from the start.
                known = position if response.status != 206 else 0
                for chunk in response.stream(_CHUNK, decode_content=False):
                    fresh = chunk[min(known, len(chunk)) :]
                    known -= len(chunk) - len(fresh)
                    position += len(fresh)
                    failures = 0 if fresh else failures
                    yield fresh
                self.traffic.add(position)
                return
            except urllib3.exceptions.HTTPError as error:
                failures += 1
                if failures == _TRIES or not _may_pass(error):
                    raise _unreadable(url, error) from error
                time.sleep(0.25 * failures)
            finally:
                _let_go(response)

    def _get(self, url: str, headers: Mapping[str, str], limit: int, cut: Cut) -> Response:
        url, response = self._follow(url, headers)
        try:
            if response.status >= 500 or response.status == 429:
                check_status(url, response.status)
            body, skipped = _body(url, response, limit, cut)
            self.traffic.add(skipped + len(body))
            return Response(
                url=hide_credentials(url),
                status=response.status,
                headers=response.headers,
                body=body,
                skipped=skipped,
            )
        finally:
            _let_go(response)

    def _follow(self, url: str, headers: Mapping[str, str]) -> tuple[str, urllib3.BaseHTTPResponse]:
        """Follow redirects here rather than in urllib3: each server has its own credentials, proxy and trust."""
        for _ in range(_MAX_REDIRECTS):
            response = self._send(url, headers)
            location = response.get_redirect_location()
            if not location:
                return url, response
            _let_go(response)
            target = urljoin(hide_credentials(url), location)
            if split(target).scheme not in ("http", "https"):
                raise PackageIndexError(
                    f"{hide_credentials(url)} redirects to {hide_credentials(target)}, which is not on the web",
                    hint="check the index URL, and what stands between you and the index",
                )
            url = target
        raise PackageIndexError(
            f"{hide_credentials(url)} cannot be read: it is the last of {_MAX_REDIRECTS} redirects",
            hint="check the index URL, and what stands between you and the index",
        )

    def _send(self, url: str, headers: Mapping[str, str]) -> urllib3.BaseHTTPResponse:
        login = self._credentials.login(url)
        response = self._request(url, headers, login.header if login else None)
        if response.status == 401 and (login := self._credentials.from_keyring(url, login)):
            _let_go(response)
            response = self._request(url, headers, login.header)
        return response

    def _request(self, url: str, headers: Mapping[str, str], authorization: str | None) -> urllib3.BaseHTTPResponse:
        sent = {"User-Agent": f"wheelbase/{__version__}", "Accept-Encoding": "identity", **headers}
        if authorization:
            sent["Authorization"] = authorization
        parts = split(url)
        plain = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return self._pool(plain).request(
            "GET", plain, headers=sent, preload_content=False, redirect=False, retries=_RETRIES, timeout=_TIMEOUT
        )

    def _pool(self, url: str) -> urllib3.PoolManager:
        # The environment's proxies go before those of pip's and uv's settings files, as in both.
        proxy = proxy_for(split(url), self._settings.proxies)
        verify = not is_trusted(url, self._settings.insecure_hosts)
        with self._lock:
            if (proxy, verify) not in self._pools:
                context = tls_context(self._settings.certificates, verify=verify)
                self._pools[proxy, verify] = new_pool(split(proxy) if proxy else None, context, CONCURRENCY, block=True)
            return self._pools[proxy, verify]


def check_status(url: str, status: int) -> None:
    """Raise the error that says what an answer other than success means."""
    if 200 <= status < 300:
        return
    plain = hide_credentials(url)
    if status in (401, 403, 407):
        raise PackageIndexError(
            f"{plain} answers {status}: it wants credentials, or others than those it was given",
            hint="put them into the index URL, a netrc file or keyring, as for pip; or UV_INDEX_NAME_USERNAME for uv",
        )
    if status == 404:
        raise PackageIndexError(
            f"{plain} is not there (404), though its index or lock file names it",
            hint="--refresh asks the index again; a lock file may have to be written anew",
        )
    raise PackageIndexError(
        f"{plain} answers {status}", hint="the index may be down: try again later, or set another index URL"
    )


def _body(url: str, response: urllib3.BaseHTTPResponse, limit: int, cut: Cut) -> tuple[bytes, int]:
    """Return (bytes kept, bytes skipped before them)."""
    # Only pages are sent compressed on purpose; archives that are labelled so are kept as they are.
    chunks = response.stream(_CHUNK, decode_content=cut == "no")
    body, skipped = bytearray(), 0
    for chunk in chunks:
        body += chunk
        if cut == "start" and len(body) >= limit:
            return bytes(body[:limit]), 0
        if cut == "end" and len(body) > 2 * limit:
            skipped += len(body) - limit
            del body[:-limit]
        if len(body) + skipped > (_MAX_FILE if cut == "end" else limit) and cut != "start":
            raise _too_large(url, limit)
    if cut == "end" and len(body) > limit:
        skipped += len(body) - limit
        del body[:-limit]
    return bytes(body), skipped


def _let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back. The rest of a short body is read away; a long one costs the connection."""
    length = response.headers.get("Content-Length", "")
    if not response.closed and length.isdecimal() and int(length) <= _SHORT:
        # A connection that breaks here is found out when it is next used; a body that was partly read is refused.
        with suppress(urllib3.exceptions.HTTPError, OSError, RuntimeError):
            response.read(_SHORT, decode_content=False)
    if not response.closed:
        response.close()
    response.release_conn()


def _read_file(url: str, limit: int, cut: Cut) -> Response:
    path = file_path(url)
    try:
        if path.is_dir():
            path = path / "index.html"
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > limit and cut == "no":
                raise _too_large(url, limit)
            skipped = file.seek(max(size - limit, 0)) if cut == "end" else 0
            body = file.read(limit)
        return Response(
            url=path.as_uri(), status=200, headers={"Content-Type": "text/html"}, body=body, skipped=skipped
        )
    except FileNotFoundError:
        return Response(url=url, status=404, headers={}, body=b"")
    except (OSError, ValueError) as error:
        raise PackageIndexError(
            f"{url} cannot be read: {getattr(error, 'strerror', error)}", hint="check the path in your index settings"
        ) from error


def _too_large(url: str, limit: int) -> PackageIndexError:
    return PackageIndexError(
        f"{hide_credentials(url)} is larger than {limit} bytes", hint="wheelbase does not read such a file"
    )


def _unreadable(url: str, error: BaseException) -> PackageIndexError:
    return PackageIndexError(
        f"{hide_credentials(url)} cannot be read: {hide_credentials(_cause(error))}", hint=_network_hint(error)
    )


def _may_pass(error: urllib3.exceptions.HTTPError) -> bool:
    """Say whether the connection broke within a body, or TLS did: all else urllib3 has tried again by itself."""
    within = (urllib3.exceptions.ProtocolError, urllib3.exceptions.ReadTimeoutError)
    return isinstance(error, within) or is_passing(error)


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    if isinstance(reason, BaseException):
        return _cause(reason)
    said = error.args[0] if error.args and isinstance(error.args[0], str) else str(error)
    return re.sub(r"^(HTTPS?Connection\w*\([^)]*\)|<[^>]*>): ", "", said) or type(error).__name__


def _network_hint(error: BaseException) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "name your organisation's certificates with SSL_CERT_FILE, or pip's cert setting"
    return "check the network, the proxy and the index URL; `pip config list` shows pip's settings"

"""Connections to registries: kept ones, through the user's proxies, with the certificates that each host asks for.

Opens connections, reads certificates.
"""

from __future__ import annotations

import random
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import urllib3

from wheelbase import __version__
from wheelbase.connections import new_pool, proxy_for
from wheelbase.oci.errors import ImageError
from wheelbase.oci.registry.errors import TransientError, shown, unreachable
from wheelbase.oci.registry.settings import RegistrySettings

TRIES = 4
MAX_PATIENCE = 60.0
_BACKOFF = 0.5
_CONNECTIONS = 16
_SHORT = 64 << 10
_PORTS = {"http": 80, "https": 443}
Body = Callable[[], Iterable[bytes]]
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of a server. `body` gives the pieces of a body anew for every try."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | Body | None = None


class Transport:
    """Requests as they are: no redirects, no logins, no second tries. Serves any number of threads."""

    def __init__(self, settings: RegistrySettings) -> None:
        """Open no connection yet."""
        self._settings = settings
        self._pools: dict[tuple[str | None, str, str, bool], urllib3.PoolManager] = {}
        self._contexts: dict[tuple[tuple[Path, ...], bool], ssl.SSLContext] = {}
        self._lock = threading.Lock()

    def send(self, asked: Request, *, verify: bool) -> urllib3.BaseHTTPResponse:
        """Return the answer, its body not read yet; TransientError where another try may help, else ImageError."""
        headers = {"User-Agent": f"wheelbase/{__version__}", "Accept-Encoding": "identity", **asked.headers}
        timeout = urllib3.Timeout(connect=min(15.0, self._settings.timeout), read=self._settings.timeout)
        body = asked.body() if callable(asked.body) else asked.body
        try:
            return self._pool(asked.url, verify).request(
                asked.method,
                asked.url,
                body=body,
                headers=headers,
                preload_content=False,
                redirect=False,
                retries=False,
                timeout=timeout,
            )
        except urllib3.exceptions.LocationParseError as error:
            raise ImageError(f"{shown(asked.url)} is no URL", hint="check the name of the registry") from error
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(urlsplit(asked.url).netloc, error) from error

    def close(self) -> None:
        """Close the connections that are kept."""
        with self._lock:
            for pool in self._pools.values():
                pool.clear()

    def _pool(self, url: str, verify: bool) -> urllib3.PoolManager:
        parts = urlsplit(url)
        proxy = proxy_for(parts, {})
        through = urlsplit(proxy) if proxy else None
        key = (proxy, parts.scheme, parts.netloc, verify)
        with self._lock:
            if key not in self._pools:
                secure = "https" in (parts.scheme, through.scheme if through else "")
                context = self._context(parts.netloc, verify) if secure else None
                self._pools[key] = new_pool(through, context, _CONNECTIONS, block=False)
            return self._pools[key]

    def _context(self, host: str, verify: bool) -> ssl.SSLContext:
        """Return one context for all hosts that have no certificates of their own: the system's take long to load."""
        own = tuple(folder / host for folder in self._settings.certificate_folders if (folder / host).is_dir())
        if (own, verify) not in self._contexts:
            self._contexts[own, verify] = tls_context(self._settings.certificates, own, verify=verify)
        return self._contexts[own, verify]


def persist(attempt: Callable[[], T], tries: int = TRIES) -> T:
    """Return what an attempt returns, trying again after a pause while it raises TransientError."""
    for number in range(1, tries):
        try:
            return attempt()
        except TransientError as error:
            pause(error, number)
    return attempt()


def pause(error: TransientError, number: int) -> None:
    """Sleep before the next try after the `number`-th; an error that asks for more patience than we have is raised."""
    if error.wait is not None and error.wait > MAX_PATIENCE:
        raise TransientError(f"{error}, and to be left alone for {error.wait:.0f} seconds", hint=error.hint)
    time.sleep(error.wait if error.wait is not None else _BACKOFF * 2 ** (number - 1) * random.uniform(0.5, 1.0))


def origin(url: str) -> tuple[str, str, int | None]:
    """Return (scheme, host, port): what two URLs share that lead to one server."""
    parts = urlsplit(url)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or _PORTS.get(parts.scheme)


def let_go(response: urllib3.BaseHTTPResponse) -> None:
    """Give the connection back. The rest of a short body is read away; a long one costs the connection."""
    length = stated_length(response)
    if not response.closed and length is not None and length <= _SHORT:
        with suppress(urllib3.exceptions.HTTPError, OSError, RuntimeError):
            response.read(_SHORT, decode_content=False)
    if not response.closed:
        response.close()
    response.release_conn()


def stated_length(response: urllib3.BaseHTTPResponse) -> int | None:
    """Return how long the body is said to be, None where it is not said."""
    length = response.headers.get("Content-Length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else None


def tls_context(certificates: str | None, folders: Iterable[Path], *, verify: bool) -> ssl.SSLContext:
    """Return what TLS connections are made with: the authorities of a file or folder, the system's where none is named,
    and those of a host's own `folders`, with its clients' certificates. ImageError where they cannot be read.
    """
    context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    reading = Path(certificates or "")
    try:
        if certificates:
            context.load_verify_locations(**{"capath" if reading.is_dir() else "cafile": certificates})
        else:
            context.load_default_certs()
        for folder in folders:
            for reading in sorted(folder.glob("*.crt")):
                context.load_verify_locations(cafile=reading)
            for reading in sorted(folder.glob("*.cert")):
                context.load_cert_chain(reading, reading.with_suffix(".key"))
    except (OSError, ssl.SSLError) as error:
        raise ImageError(
            f"the certificates in {reading} cannot be read: {error.strerror or error}",
            hint="check SSL_CERT_FILE and REQUESTS_CA_BUNDLE, and certs.d of Docker and podman",
        ) from error
    return context

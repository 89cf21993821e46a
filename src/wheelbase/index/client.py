"""Read from package indexes over kept connections, with the user's credentials. Talks to the network.

One `Client` serves all threads of a run. It counts what it asked for and received, which the benchmark prints.
"""

import base64
import netrc
import os
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass, url2pathname

import urllib3

from wheelbase import __version__
from wheelbase.errors import PackageIndexError
from wheelbase.index.settings import IndexSettings

CONCURRENCY = 16
_TIMEOUT = urllib3.Timeout(connect=15, read=60)
_RETRIES = urllib3.Retry(total=3, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), raise_on_status=False)


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
    """A whole answer. `url` is where it came from after redirects, without credentials."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Client:
    """GET with retries, the user's certificates, proxies and credentials."""

    def __init__(self, settings: IndexSettings) -> None:
        """Open no connection yet."""
        self.traffic = Traffic()
        self._settings = settings
        self._pools: dict[str, urllib3.PoolManager] = {}
        self._authorizations: dict[str, str | None] = {}
        self._lock = threading.Lock()

    def get(self, url: str, headers: Mapping[str, str] | None = None) -> Response:
        """Return the answer to a GET; `file:` URLs are read. Status codes below 500 are the caller's to judge."""
        if url.startswith("file:"):
            return _read_file(url)
        with self._open(url, headers or {}) as response:
            body = response.read()
            self.traffic.add(len(body))
            final = response.geturl() or url
            return Response(
                url=_without_credentials(final), status=response.status, headers=response.headers, body=body
            )

    def stream(self, url: str, limit: int) -> bytes:
        """Return the body of at most `limit` bytes; a longer one, or a failure, is an error."""
        if url.startswith("file:"):
            return _read_file(url).body
        with self._open(url, {}) as response:
            check_status(url, response.status)
            body: bytes = response.read(limit + 1)
            self.traffic.add(len(body))
        if len(body) > limit:
            raise PackageIndexError(f"{url} is larger than {limit} bytes", hint="wheelbase does not read such a file")
        return body

    @contextmanager
    def _open(self, url: str, headers: Mapping[str, str]) -> Iterator[urllib3.BaseHTTPResponse]:
        plain = _without_credentials(url)
        sent = {"User-Agent": f"wheelbase/{__version__}", **headers}
        if authorization := self._authorization(url):
            sent["Authorization"] = authorization
        response = None
        try:
            pool = self._pool(plain)
            response = pool.request(
                "GET", plain, headers=sent, preload_content=False, retries=_RETRIES, timeout=_TIMEOUT
            )
            if response.status == 401 and not authorization and (authorization := self._keyring(plain)):
                response.drain_conn()
                sent["Authorization"] = authorization
                response = pool.request(
                    "GET", plain, headers=sent, preload_content=False, retries=_RETRIES, timeout=_TIMEOUT
                )
            if response.status >= 500 or response.status == 429:
                check_status(plain, response.status)
            yield response
        except urllib3.exceptions.HTTPError as error:
            raise PackageIndexError(f"{plain} cannot be read: {_cause(error)}", hint=_network_hint(error)) from error
        finally:
            if response is not None:
                response.release_conn()

    def _pool(self, url: str) -> urllib3.PoolManager:
        parts = urlsplit(url)
        host = parts.hostname or ""
        proxy = None if proxy_bypass(host) else getproxies().get(parts.scheme) or getproxies().get("all")
        trusted = {host, f"{host}:{parts.port}"} & set(self._settings.insecure_hosts)
        key = f"{proxy} {bool(trusted)}"
        with self._lock:
            if key not in self._pools:
                context = _tls(self._settings.certificates, verify=not trusted)
                if proxy:
                    pool: urllib3.PoolManager = urllib3.ProxyManager(
                        proxy, maxsize=CONCURRENCY, block=True, ssl_context=context
                    )
                else:
                    pool = urllib3.PoolManager(maxsize=CONCURRENCY, block=True, ssl_context=context)
                self._pools[key] = pool
            return self._pools[key]

    def _authorization(self, url: str) -> str | None:
        """Return the header for a URL: credentials in it or in an index above it, uv's named ones, netrc."""
        parts = urlsplit(url)
        if parts.username is not None:
            return _basic(unquote(parts.username), unquote(parts.password or ""))
        if parts.netloc not in self._authorizations:
            self._authorizations[parts.netloc] = self._known_authorization(parts.hostname or "", parts.netloc)
        return self._authorizations[parts.netloc]

    def _known_authorization(self, host: str, netloc: str) -> str | None:
        for index in (*self._settings.index_urls, *self._settings.find_links):
            parts = urlsplit(index)
            if parts.username is not None and parts.netloc.rpartition("@")[2] == netloc:
                return _basic(unquote(parts.username), unquote(parts.password or ""))
        for index, user, password in self._settings.credentials:
            if urlsplit(index).netloc.rpartition("@")[2] == netloc:
                return _basic(user, password)
        try:
            found = netrc.netrc(os.environ.get("NETRC") or Path.home() / ".netrc").authenticators(host)
        except (OSError, netrc.NetrcParseError):
            return None
        return _basic(found[0], found[2] or "") if found else None

    def _keyring(self, url: str) -> str | None:
        """Ask the `keyring` program, as pip and uv do with their subprocess provider, where the user has set that."""
        program = shutil.which("keyring") if self._settings.keyring else None
        if not program:
            return None
        netloc = urlsplit(url).netloc
        user = next(
            (urlsplit(i).username for i in self._settings.index_urls if urlsplit(i).username and netloc in i),
            "oauth2accesstoken",
        )
        for service in (url, netloc):
            result = subprocess.run(
                [program, "get", service, user or ""], capture_output=True, text=True, check=False, timeout=60
            )
            if result.returncode == 0 and result.stdout.strip():
                self._authorizations[netloc] = _basic(user or "", result.stdout.strip())
                return self._authorizations[netloc]
        return None


def check_status(url: str, status: int) -> None:
    """Raise the error that says what an answer other than success means."""
    if status < 400:
        return
    plain = _without_credentials(url)
    if status in (401, 403, 407):
        raise PackageIndexError(
            f"{plain} answers {status}: it wants credentials, or others than those it was given",
            hint="put them into the index URL, a netrc file or keyring, as for pip; or UV_INDEX_NAME_USERNAME for uv",
        )
    raise PackageIndexError(
        f"{plain} answers {status}", hint="the index may be down: try again later, or set another index URL"
    )


def _read_file(url: str) -> Response:
    path = Path(url2pathname(urlsplit(url).path))
    try:
        if path.is_dir():
            path = path / "index.html"
        return Response(url=path.as_uri(), status=200, headers={"Content-Type": "text/html"}, body=path.read_bytes())
    except FileNotFoundError:
        return Response(url=url, status=404, headers={}, body=b"")
    except OSError as error:
        raise PackageIndexError(
            f"{url} cannot be read: {error.strerror}", hint="check the path in your index settings"
        ) from error


def _tls(certificates: str | None, *, verify: bool) -> ssl.SSLContext:
    context = urllib3.util.ssl_.create_urllib3_context(cert_reqs=ssl.CERT_REQUIRED if verify else ssl.CERT_NONE)
    named = certificates or os.environ.get("REQUESTS_CA_BUNDLE") or os.environ.get("CURL_CA_BUNDLE")
    try:
        if named and Path(named).is_dir():
            context.load_verify_locations(capath=named)
        elif named:
            context.load_verify_locations(cafile=named)
        else:
            context.load_default_certs()
    except (OSError, ssl.SSLError) as error:
        raise PackageIndexError(
            f"the certificates in {named} cannot be read: {error}",
            hint="check SSL_CERT_FILE, REQUESTS_CA_BUNDLE and pip's cert",
        ) from error
    return context


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _cause(error: BaseException) -> str:
    reason = getattr(error, "reason", None)
    return (
        _cause(reason) if isinstance(reason, BaseException) else str(error).rpartition(">: ")[2] or type(error).__name__
    )


def _network_hint(error: BaseException) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "name your organisation's certificates with SSL_CERT_FILE, or pip's cert setting"
    return "check the network, the proxy and the index URL; `pip config list` shows pip's settings"

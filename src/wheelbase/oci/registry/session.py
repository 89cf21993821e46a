"""Requests to one repository of one registry: with its login, along redirects, tried again where that may help.

Talks to the network. A login never leaves the registry that it is for, wherever that redirects to.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import quote, urljoin, urlsplit

import urllib3

from wheelbase.oci.errors import ImageError
from wheelbase.oci.registry.auth import Authorizer, Scopes
from wheelbase.oci.registry.credentials import find_login
from wheelbase.oci.registry.errors import NoTlsError, TransientError, refusal, remark, retry_after, shown, unreachable
from wheelbase.oci.registry.settings import Endpoint, RegistrySettings
from wheelbase.oci.registry.transport import TRIES, Body, Request, Transport, let_go, origin, persist, stated_length

_CHUNK = 256 << 10
_SHORT = 64 << 10
_MAX_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What is asked of a repository; `what` is what errors call it.

    `target` is relative to the repository's URL, or an URL. Other statuses than those of `accept` are errors.
    """

    method: str
    target: str
    what: str
    accept: Collection[int] = (200,)
    headers: Mapping[str, str] | None = None
    body: bytes | Body | None = None
    scopes: Scopes = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status that was accepted, with the whole body; `url` is where it came from."""

    url: str
    status: int
    headers: Mapping[str, str]
    body: bytes


class Session:
    """One repository at one endpoint; serves any number of threads."""

    def __init__(self, endpoint: Endpoint, settings: RegistrySettings, scopes: Scopes) -> None:
        """Talk to nobody yet. `scopes` is what this session is for."""
        self.endpoint, self._scopes = endpoint, scopes
        self._transport = Transport(settings)
        self._authorizer = Authorizer(
            endpoint,
            self._transport,
            lambda: find_login(settings.auth_files, endpoint.registry, endpoint.repository),
        )
        self._base = f"{endpoint.schemes[0]}://{endpoint.host}" if len(endpoint.schemes) == 1 else ""
        self._lock = threading.Lock()

    def ask(self, asked: Ask, *, limit: int = _SHORT, tries: int = TRIES) -> Answer:
        """Return the answer; ImageError where its body has more than `limit` bytes."""
        return persist(lambda: self._ask(asked, limit), tries)

    def open(self, asked: Ask) -> urllib3.BaseHTTPResponse:
        """Return an answer whose body is still to be read, and which is then to be let go."""
        return persist(lambda: self._accepted(asked)[1])

    def url(self, target: str, base: str = "") -> str:
        """Return the URL of a target, relative to the repository, or to the URL `base` that named it.

        Registries behind a proxy that ends TLS for them often write http: for themselves; that is not followed.
        """
        try:
            url = urljoin(base or f"{self._root()}/v2/{self.endpoint.repository}/", target)
            parts, own = urlsplit(url), urlsplit(self._root())
            if parts.netloc == own.netloc and own.scheme == "https":
                parts = parts._replace(scheme="https")
            refused = parts.scheme not in ("http", "https") or not parts.hostname or parts.port == 0
        except ValueError:
            refused = True
        if refused:
            raise ImageError(
                f"{self.endpoint.registry} leads to {target[:200]!r}, which is not on the web",
                hint="ask who runs the registry",
            )
        if (parts.scheme, own.scheme, self.endpoint.insecure) == ("http", "https", False):
            raise ImageError(
                f"{self.endpoint.registry} wants to be asked in the clear, at {shown(url)}",
                hint="ask who runs the registry",
            )
        return parts.geturl()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def _ask(self, asked: Ask, limit: int) -> Answer:
        url, response = self._accepted(asked)
        try:
            stated = (asked.method != "HEAD" and stated_length(response)) or 0
            body = b"" if stated > limit else _read(response, limit)
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(urlsplit(url).netloc, error) from error
        finally:
            let_go(response)
        if max(stated, len(body)) > limit:
            raise ImageError(
                f"{self.endpoint.registry} sends {asked.what} with more than {limit} bytes",
                hint="no registry should have one so large: ask who made the image",
            )
        return Answer(url=url, status=response.status, headers=response.headers, body=body)

    def _accepted(self, asked: Ask) -> tuple[str, urllib3.BaseHTTPResponse]:
        """Return what was answered if it is acceptable, and where."""
        url, response = self._answered(asked)
        if response.status in asked.accept:
            return url, response
        try:
            body = _read(response, _SHORT)
        except urllib3.exceptions.HTTPError:
            body = b""  # the status says enough
        finally:
            let_go(response)
        host = self.endpoint.registry if self._is_home(url) else urlsplit(url).netloc
        said = remark(body, self._authorizer.hide)
        error = refusal(response.status, host, asked.what, said, self._authorizer.login)
        if isinstance(error, TransientError):
            error.wait = retry_after(response.headers)
        raise error

    def _answered(self, asked: Ask) -> tuple[str, urllib3.BaseHTTPResponse]:
        """Send a request with what the registry wants to know of us, once more if it challenges that."""
        scopes = (*self._scopes, *asked.scopes)
        header = self._authorizer.header(scopes)
        url, response = self._follow(asked, header)
        if response.status == 401 and self._is_home(url):
            challenge = response.headers.get("WWW-Authenticate", "")
            try:
                better = self._authorizer.answer(challenge, scopes, header)
            except BaseException:
                response.close()
                raise
            if better:
                let_go(response)
                return self._follow(asked, better)
        return url, response

    def _follow(self, asked: Ask, authorization: str | None) -> tuple[str, urllib3.BaseHTTPResponse]:
        url = self.url(asked.target)
        for _ in range(_MAX_REDIRECTS):
            headers = dict(asked.headers or {})
            if authorization and self._is_home(url):
                headers["Authorization"] = authorization
            request = Request(method=asked.method, url=url, headers=headers, body=asked.body)
            response = self._transport.send(request, verify=not self.endpoint.insecure)
            location = response.headers.get("Location")
            # A body is sent again where the status says so: a 301 or 302 would make a GET of it.
            followed = _REDIRECTS if asked.method in ("GET", "HEAD") else (307, 308)
            if response.status not in followed or not location:
                return url, response
            let_go(response)
            url = self.url(location, url)
        raise ImageError(
            f"{self.endpoint.registry} redirects more than {_MAX_REDIRECTS} times for {asked.what}",
            hint="ask who runs the registry",
        )

    def _is_home(self, url: str) -> bool:
        return origin(url) == origin(self._root())

    def _root(self) -> str:
        """Return scheme and host; where both schemes are allowed, the one that the server speaks."""
        with self._lock:
            if not self._base:
                self._base = self._find_base()
        return self._base

    def _find_base(self) -> str:
        failures: list[ImageError] = []
        for scheme in self.endpoint.schemes:
            base = f"{scheme}://{self.endpoint.host}"
            request = Request(method="GET", url=f"{base}/v2/", headers={})
            try:
                response = self._transport.send(request, verify=not self.endpoint.insecure)
            except ImageError as error:
                failures.append(error)
                continue
            let_go(response)
            # 400 is what servers of TLS say to plain HTTP, if they say anything.
            if scheme == "https" or response.status != 400:
                return base
        # What says most: a certificate, then that nobody answers; that it does not speak TLS was to be expected.
        raise min(failures, key=lambda one: 2 * isinstance(one, NoTlsError) + isinstance(one, TransientError))


def registry_path(*parts: str) -> str:
    """Return parts of a path, each quoted."""
    return "/".join(quote(part, safe=":") for part in parts)


def _read(response: urllib3.BaseHTTPResponse, limit: int) -> bytes:
    """Return the body, or so much of it that it is clear that it has more than `limit` bytes."""
    body = bytearray()
    while len(body) <= limit and (chunk := response.read(_CHUNK, decode_content=False)):
        body += chunk
    return bytes(body)

"""Who a registry takes us for: Basic, and tokens that are fetched where its challenge says. Talks to token servers.

A login goes to the registry that it is for, and to the token server which that registry names, to nobody else. Tokens
are fetched once for what is to be done, and anew when they expire.

Sources: distribution's specification of token authentication (token, oauth); RFC 9110, 11.6.1.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import msgspec
import urllib3

from wheelbase.oci.errors import ImageError
from wheelbase.oci.registry.credentials import Login
from wheelbase.oci.registry.errors import TransientError, refusal, remark, retry_after, shown, unreachable
from wheelbase.oci.registry.settings import Endpoint, is_loopback
from wheelbase.oci.registry.transport import Request, Transport, let_go, persist

_CHALLENGE = re.compile(r'(?:^|,)\s*(\w+)(?:\s+(?=\w+\s*=)|\s*(?=,|$))|(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))')
_LARGEST_REPLY = 1 << 20
_SHORTEST_LIFE = 60.0
_MARGIN = 0.9
Scopes = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """How a server wants to be shown who asks; the names of parameters, and the scheme, are in lower case."""

    scheme: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Token:
    value: str
    expires: float


class _Reply(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class Authorizer:
    """The Authorization headers for one endpoint; any number of threads share its tokens."""

    def __init__(self, endpoint: Endpoint, transport: Transport, find_login: Callable[[], Login]) -> None:
        """Look for no login yet: it is looked for when the registry asks for one."""
        self._endpoint, self._transport, self._find_login = endpoint, transport, find_login
        self._login = Login()
        self._looked = self._basic = False
        self._tokens: dict[Scopes, _Token] = {}
        self._lock = threading.RLock()

    @property
    def login(self) -> Login:
        """The login that was used, an anonymous one as long as none was asked for."""
        return self._login

    def hide(self, text: str) -> str:
        """Return a text of the registry's without what is secret, should it repeat that."""
        secrets = [*self._login.secrets, *(token.value for token in self._tokens.values())]
        for secret in secrets:
            text = text.replace(secret, "***")
        return text

    def header(self, scopes: Scopes) -> str | None:
        """Return the header to send for what `scopes` name, None as long as the registry has not asked for one."""
        with self._lock:
            if self._basic:
                return self._login.basic
            token = self._tokens.get(scopes)
            return f"Bearer {token.value}" if token and time.monotonic() < token.expires else None

    def answer(self, stated: str, scopes: Scopes, used: str | None) -> str | None:
        """Return the header that answers the challenges of a refusal of `used`; None where there is no other one."""
        challenges = {one.scheme: one for one in reversed(parse_challenges(stated))}
        with self._lock:
            # Another thread may have answered the same challenge meanwhile.
            known = self.header(scopes)
            if known and known != used:
                return known
            if not self._looked:
                self._login, self._looked = self._find_login(), True
            if "bearer" in challenges:
                token = self._fetch(challenges["bearer"], scopes)
                self._tokens[scopes] = token
                return None if used == f"Bearer {token.value}" else f"Bearer {token.value}"
            if "basic" in challenges and self._login.password and not self._basic:
                self._basic = True
                return self._login.basic
        return None

    def _fetch(self, challenge: Challenge, scopes: Scopes) -> _Token:
        if self._login.registry_token:
            return _Token(self._login.registry_token, float("inf"))
        realm = challenge.parameters.get("realm", "")
        self._check_realm(realm)
        asked = dict.fromkeys((*scopes, *challenge.parameters.get("scope", "").split()))
        fields = [("service", challenge.parameters.get("service", ""))]
        if self._login.identity_token:
            fields += [("client_id", "wheelbase"), ("grant_type", "refresh_token"), ("scope", " ".join(asked))]
            form = urlencode([*fields, ("refresh_token", self._login.identity_token)]).encode()
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            request = Request(method="POST", url=realm, headers=headers, body=form)
        else:
            fields += [("account", self._login.user)] if self._login.user else []
            query = urlencode([*fields, *(("scope", scope) for scope in asked)])
            url = f"{realm}{'&' if urlsplit(realm).query else '?'}{query}"
            headers = {} if self._login.anonymous else {"Authorization": self._login.basic}
            request = Request(method="GET", url=url, headers=headers)
        started = time.monotonic()
        reply = persist(lambda: self._ask(request))
        # "61" of 60 seconds is too late: what is nearly over is fetched anew.
        life = reply.expires_in if reply.expires_in and reply.expires_in > 0 else _SHORTEST_LIFE
        return _Token(reply.token or reply.access_token, started + life * _MARGIN)

    def _check_realm(self, realm: str) -> None:
        try:
            parts = urlsplit(realm)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            usable = False
        if not usable:
            raise self._unusable("wants a token, and names no server to fetch it from")
        if parts.scheme == "http" and not (self._endpoint.insecure or is_loopback(parts.netloc)):
            raise self._unusable(f"wants a token to be fetched in the clear, from {shown(realm)}")

    def _ask(self, request: Request) -> _Reply:
        host = urlsplit(request.url).netloc.rpartition("@")[2]
        response = self._transport.send(request, verify=not self._endpoint.insecure)
        try:
            body = response.read(_LARGEST_REPLY, decode_content=False)
        except urllib3.exceptions.HTTPError as error:
            raise unreachable(host, error) from error
        finally:
            let_go(response)
        if response.status != 200:
            what = f"the request for a token for {self._endpoint.registry}"
            refused = refusal(response.status, host, what, remark(body, self.hide), self._login)
            if isinstance(refused, TransientError):
                refused.wait = retry_after(response.headers)
            raise refused
        try:
            reply = msgspec.json.decode(body, type=_Reply)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise self._unusable(f"names {host} for tokens, which sends none that can be read") from error
        if not re.fullmatch(r"[\x21-\x7e]+", reply.token or reply.access_token):
            raise self._unusable(f"names {host} for tokens, which sends none")
        return reply

    def _unusable(self, how: str) -> ImageError:
        return ImageError(f"{self._endpoint.registry} {how}", hint="ask who runs the registry")


def parse_challenges(stated: str) -> list[Challenge]:
    """Return the challenges of a WWW-Authenticate header, or of several with commas between, as far as they are any."""
    found: list[tuple[str, dict[str, str]]] = []
    for scheme, name, quoted, plain in _CHALLENGE.findall(stated):
        if scheme:
            found.append((scheme.lower(), {}))
        elif found:
            found[-1][1][name.lower()] = re.sub(r"\\(.)", r"\1", quoted) or plain
    return [Challenge(scheme=scheme, parameters=parameters) for scheme, parameters in found]


def pull_scope(repository: str) -> str:
    """Return the scope of reading a repository."""
    return f"repository:{repository}:pull"


def push_scope(repository: str) -> str:
    """Return the scope of reading and writing a repository."""
    return f"repository:{repository}:pull,push"

"""Which user name and password go with a URL. Reads netrc files; runs the `keyring` program where the user asks for it.

In this order, as pip has it: those in the URL, those of an index on the same server, uv's variables for named
indexes, netrc, keyring.
"""

import base64
import netrc
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from urllib.parse import unquote

from wheelbase.index.urls import hide_credentials, origin, split
from wheelbase.index.values import IndexSettings

_NO_USER = "oauth2accesstoken"  # what pip asks keyring for where no user is named


@dataclass(frozen=True, slots=True)
class Login:
    """A user, and the password where it is known."""

    user: str
    password: str | None

    @property
    def header(self) -> str:
        """Return the value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password or ''}".encode()).decode()


class Credentials:
    """The user's credentials by URL; serves all threads of a run."""

    def __init__(self, settings: IndexSettings) -> None:
        """Read nothing yet."""
        self._settings = settings
        self._from_keyring: dict[tuple[object, str], Login | None] = {}
        self._lock = threading.Lock()

    def login(self, url: str) -> Login | None:
        """Return the login to send with a request without being asked for it."""
        known = _in_url(url) or self._of_index(url) or self._of_netrc(url)
        if known is None or known.password is None:
            return self._from_keyring.get((origin(url), known.user if known else _NO_USER)) or known
        return known

    def from_keyring(self, url: str, login: Login | None) -> Login | None:
        """Ask keyring for the password after a refusal; each server and user once a run."""
        if not self._settings.keyring or (login and login.password is not None):
            return None
        user = login.user if login else _NO_USER
        key = (origin(url), user)
        with self._lock:
            if key not in self._from_keyring:
                self._from_keyring[key] = _ask_keyring(self._services(url), user)
            return self._from_keyring[key]

    def _services(self, url: str) -> Iterator[str]:
        """Yield the names that pip and uv look a password up under: the index URL, then the server."""
        near = [index for index in self._settings.index_urls if "://" in index and origin(index) == origin(url)]
        if near:
            yield hide_credentials(max(near, key=lambda index: _shared(index, url)))
        yield split(url).netloc.rpartition("@")[2]

    @cached_property
    def _known(self) -> list[tuple[str, Login]]:
        listed = (*self._settings.index_urls, *self._settings.find_links)
        known = [(url, login) for url in listed if "://" in url and (login := _in_url(url))]
        return [*known, *((url, Login(user, password)) for url, user, password in self._settings.credentials)]

    def _of_index(self, url: str) -> Login | None:
        """Of several indexes on one server the one whose path is nearest counts."""
        near = [(index, login) for index, login in self._known if origin(index) == origin(url)]
        return max(near, key=lambda pair: _shared(pair[0], url))[1] if near else None

    def _of_netrc(self, url: str) -> Login | None:
        found = self._netrc.authenticators(split(url).hostname or "") if self._netrc else None
        return Login(found[0], found[2]) if found else None

    @cached_property
    def _netrc(self) -> netrc.netrc | None:
        named = os.environ.get("NETRC")
        try:
            paths = [Path(named)] if named else [Path.home() / ".netrc", Path.home() / "_netrc"]
            return next((netrc.netrc(path) for path in paths if path.is_file()), None)
        except (OSError, RuntimeError, ValueError, netrc.NetrcParseError):
            return None  # as pip does: what cannot be read holds no credentials


def _in_url(url: str) -> Login | None:
    parts = split(url)
    if parts.username is None:
        return None
    return Login(unquote(parts.username), None if parts.password is None else unquote(parts.password))


def _shared(index: str, url: str) -> int:
    """Return how many leading folders two URLs have in common."""
    pairs = zip(split(index).path.strip("/").split("/"), split(url).path.strip("/").split("/"), strict=False)
    count = 0
    for one, other in pairs:
        if one != other:
            break
        count += 1
    return count


def _ask_keyring(services: Iterator[str], user: str) -> Login | None:
    program = shutil.which("keyring")
    for service in services if program else ():
        try:
            result = subprocess.run(
                [str(program), "get", service, user],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=60,
            )
        except (OSError, ValueError, subprocess.TimeoutExpired):
            return None
        if result.returncode == 0 and result.stdout.strip():
            return Login(user, result.stdout.rstrip("\r\n"))
    return None

"""The login of a registry, from Docker's and podman's files and their credential helpers. Reads files, runs helpers.

`REGISTRY_AUTH_FILE` alone where it is set; else the first of these that has one: config.json in `DOCKER_CONFIG` or
~/.docker, `XDG_RUNTIME_DIR`/containers/auth.json, ~/.config/containers/auth.json. In each, `credHelpers` and
`credsStore` go before `auths`; of several keys of `auths`, the one that tells most of the repository's name.

Sources: containers-auth.json(5); docker-credential-helpers' README; Docker's config.json as its CLI writes it.
"""

from __future__ import annotations

import base64
import binascii
import re
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from wheelbase.oci.errors import ImageError
from wheelbase.oci.reference import DEFAULT_DOMAIN

# What Docker calls its own registry in these files, and to helpers.
_DEFAULT_KEY = f"https://index.{DEFAULT_DOMAIN}/v1/"
_TOKEN_USER = "<token>"
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """A user and a password, or an identity token that tokens are fetched with, or a token for the registry itself.

    Or none of them: anonymous. `remark` says where it is from, or why there is none. No secret is printed.
    """

    remark: str = ""
    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def anonymous(self) -> bool:
        """Whether this is nobody's."""
        return not (self.password or self.identity_token or self.registry_token)

    @property
    def basic(self) -> str:
        """The value of an Authorization header (RFC 7617)."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may show."""
        both = self.basic.removeprefix("Basic ") if self.password else ""
        return tuple(filter(None, (self.password, self.identity_token, self.registry_token, both)))


class _Entry(msgspec.Struct):
    auth: str = ""
    username: str = ""
    password: str = ""
    identitytoken: str = ""
    registrytoken: str = ""


class _File(msgspec.Struct):
    auths: dict[str, _Entry] = {}
    credHelpers: dict[str, str] = {}
    credsStore: str = ""


class _Helped(msgspec.Struct):
    Username: str = ""
    Secret: str = ""


def find_login(files: Iterable[Path], registry: str, repository: str) -> Login:
    """Return the login for a repository, an anonymous one where there is none.

    ImageError where a file that should have it cannot be read. A helper that fails has no login: as for Docker's own
    tools, what is public can still be had.
    """
    remark = ""
    for path in files:
        file = _read(path)
        found = [_from_helper(file, path, registry), _from_auths(file, path, registry, repository)] if file else []
        for login in found:
            if not login.anonymous:
                return login
            remark = remark or login.remark
    return Login(remark=remark)


def _read(path: Path) -> _File | None:
    try:
        body = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ImageError(
            f"{path}, which has logins to registries, cannot be read: {error.strerror}", hint="check its permissions"
        ) from error
    try:
        return msgspec.json.decode(body.strip() or b"{}", type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        # The error tells where in the file, and shows nothing of what is there.
        raise ImageError(f"{path} has no logins to registries: {error}", hint="log in again: `docker login`") from error


def _from_auths(file: _File, path: Path, registry: str, repository: str) -> Login:
    names = {f"{registry}/{repository}", registry}
    folders = repository.split("/")
    names |= {f"{registry}/{'/'.join(folders[:count])}" for count in range(1, len(folders))}
    found = [(key, entry) for key, entry in file.auths.items() if _normal(key) in names]
    for _, entry in sorted(found, key=lambda pair: len(_normal(pair[0])), reverse=True):
        user, password = entry.username, entry.password
        if entry.auth:
            user, password = _decoded(entry.auth, path)
        login = Login(
            remark=f"the login in {path}",
            user=user,
            password=password,
            identity_token=entry.identitytoken,
            registry_token=entry.registrytoken,
        )
        if not login.anonymous:
            return login
    return Login()


def _normal(key: str) -> str:
    """Return the registry, and the folders in it, that a key names: it may be an URL of the old API."""
    name = re.sub(r"^https?://", "", key)
    name = re.sub(r"/(v1|v2)?/?$", "", name)
    domain, slash, rest = name.partition("/")
    return (DEFAULT_DOMAIN if domain.removeprefix("index.") == DEFAULT_DOMAIN else domain) + slash + rest


def _decoded(auth: str, path: Path) -> tuple[str, str]:
    try:
        user, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise ImageError(f"{path} has an `auth` that is no login", hint="log in again: `docker login`") from None
    return user, password.rstrip("\0")


def _from_helper(file: _File, path: Path, registry: str) -> Login:
    helpers = {_normal(key): helper for key, helper in file.credHelpers.items()}
    helper = helpers.get(registry, file.credsStore)
    if not helper:
        return Login()
    name = f"docker-credential-{helper}"
    program = shutil.which(name) if re.fullmatch(r"[\w.-]+", helper) else None
    if not program:
        return Login(remark=f"{name}, which {path} names, is not installed")
    key = _DEFAULT_KEY if registry == DEFAULT_DOMAIN else registry
    try:
        done = subprocess.run([program, "get"], input=key.encode(), capture_output=True, timeout=_PATIENCE, check=True)
        helped = msgspec.json.decode(done.stdout, type=_Helped)
    except subprocess.CalledProcessError:
        # The protocol has no other sign for a login that is not there than a failure.
        return Login(remark=f"{name}, which {path} names, has no login")
    except (OSError, subprocess.TimeoutExpired, msgspec.MsgspecError, UnicodeDecodeError):
        return Login(remark=f"{name}, which {path} names, does not work")
    remark = f"the login of {name}"
    if helped.Username == _TOKEN_USER:
        return Login(remark=remark, identity_token=helped.Secret)
    return Login(remark=remark, user=helped.Username, password=helped.Secret)

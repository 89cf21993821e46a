"""How registries are reached: mirrors, certificates, which may be asked in the clear. Reads the user's files.

From the environment:

    WHEELBASE_REGISTRY_MIRRORS      `PREFIX=LOCATION`, several with spaces between. An image whose name begins with
                                    PREFIX (a registry, or one and folders in it) is looked for at LOCATION first:
                                    example.com=mirror.internal:5000/example
    WHEELBASE_INSECURE_REGISTRIES   `HOST` or `HOST:PORT`, several with spaces between: any certificate is taken, and
                                    where there is no TLS they are asked in the clear. Loopback is asked in the clear.
    SSL_CERT_FILE, REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE       the certificate authorities that are trusted
    REGISTRY_AUTH_FILE, DOCKER_CONFIG, XDG_RUNTIME_DIR      where logins are: see `credentials`
    CONTAINERS_REGISTRIES_CONF      instead of the files of podman that are named below

From files: `[[registry]]` tables with their mirrors in containers/registries.conf and registries.conf.d, version 2, of
the user and of the system; certs.d/HOST:PORT with *.crt, *.cert and *.key, as Docker and podman have them.

Sources: containers-registries.conf(5); Docker's documentation, "Verify repository client with certificates".
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn
from urllib.parse import urlsplit

import msgspec

from wheelbase.oci.errors import ImageError
from wheelbase.oci.reference import DEFAULT_DOMAIN, RegistryReference

Pulls = Literal["all", "digest-only", "tag-only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where images are: `location` is a registry, or one and folders in it. A mirror may be for some `pulls` alone."""

    location: str
    insecure: bool = False
    pulls: Pulls = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespace:
    """Images whose names begin with `prefix`: where they are, and the mirrors to ask before that."""

    prefix: str
    home: Place
    mirrors: tuple[Place, ...] = ()
    blocked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrySettings:
    """Everything about a user that requests depend on; by default, that of nobody. `timeout` is in seconds."""

    namespaces: tuple[Namespace, ...] = ()
    insecure_hosts: frozenset[str] = frozenset()
    certificates: str | None = None
    certificate_folders: tuple[Path, ...] = ()
    auth_files: tuple[Path, ...] = ()
    timeout: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """A repository on a server. `registry` is what users call the server, `host` what it is reached as."""

    registry: str
    host: str
    repository: str
    insecure: bool

    @property
    def schemes(self) -> tuple[str, ...]:
        """What to speak, in the order in which it is tried: plain HTTP on loopback, where nobody listens in."""
        if is_loopback(self.host):
            return ("http", "https")
        return ("https", "http") if self.insecure else ("https",)


class _Place(msgspec.Struct, rename="kebab"):
    location: str = ""
    insecure: bool = False
    pull_from_mirror: Literal["all", "digest-only", "tag-only", ""] = "all"


class _Registry(_Place, rename="kebab"):
    prefix: str = ""
    blocked: bool = False
    mirror_by_digest_only: bool = False
    mirror: list[_Place] = []


class _File(msgspec.Struct):
    registry: list[_Registry] = []


def user_registry_settings(environment: Mapping[str, str] | None = None) -> RegistrySettings:
    """Return the settings of the user; ImageError where a file or a variable cannot be read."""
    env = os.environ if environment is None else environment
    home = Path(env.get("HOME") or Path.home())
    configured = Path(env.get("XDG_CONFIG_HOME") or home / ".config") / "containers"
    certificates = env.get("SSL_CERT_FILE") or env.get("REQUESTS_CA_BUNDLE") or env.get("CURL_CA_BUNDLE")
    folders = (configured, home / ".docker", Path("/etc/containers"), Path("/etc/docker"))
    return RegistrySettings(
        namespaces=_with_mirrors(_namespaces(env, configured), env.get("WHEELBASE_REGISTRY_MIRRORS", "")),
        insecure_hosts=frozenset(env.get("WHEELBASE_INSECURE_REGISTRIES", "").split()),
        certificates=certificates,
        certificate_folders=tuple(folder / "certs.d" for folder in folders),
        auth_files=tuple(_auth_files(env, home, configured)),
    )


def endpoints(reference: RegistryReference, settings: RegistrySettings) -> tuple[Endpoint, ...]:
    """Return where to read an image, in the order in which to ask; the last one is its home."""
    name = f"{reference.domain}/{reference.repository}"
    found = [one for one in settings.namespaces if _matched(name, one.prefix)]
    if not found:
        return (_endpoint(name, Place(location=name), settings),)
    namespace = max(found, key=lambda one: len(one.prefix))
    if namespace.blocked:
        raise ImageError(f"{reference} is blocked by registries.conf", hint="it says so at `blocked`; choose another")
    rest = name[len(_matched(name, namespace.prefix) or "") :]
    unwanted = "tag-only" if reference.digest else "digest-only"
    places = [mirror for mirror in namespace.mirrors if mirror.pulls != unwanted] + [namespace.home]
    # A prefix with a wildcard has no home of its own: names stay as they are.
    return tuple(_endpoint(place.location + rest if place.location else name, place, settings) for place in places)


def is_loopback(host: str) -> bool:
    """Return whether `host`, which may have a port, is this machine."""
    name = urlsplit(f"//{host}").hostname or ""
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return name == "localhost" or name.endswith(".localhost")


def _endpoint(name: str, place: Place, settings: RegistrySettings) -> Endpoint:
    registry, _, repository = name.partition("/")
    # Docker's default domain is a word in references; its API is at a host of its own.
    host = f"registry-1.{DEFAULT_DOMAIN}" if registry == DEFAULT_DOMAIN else registry
    insecure = place.insecure or not settings.insecure_hosts.isdisjoint((registry, registry.rpartition(":")[0]))
    return Endpoint(registry=registry, host=host, repository=repository, insecure=insecure)


def _matched(name: str, prefix: str) -> str | None:
    """Return the beginning of a name that a prefix stands for."""
    if prefix.startswith("*."):
        domain = name.partition("/")[0]
        return domain if domain.endswith(prefix[1:]) else None
    return prefix if name == prefix or name.startswith(f"{prefix}/") else None


def _auth_files(env: Mapping[str, str], home: Path, configured: Path) -> Iterable[Path]:
    if env.get("REGISTRY_AUTH_FILE"):
        yield Path(env["REGISTRY_AUTH_FILE"])
        return
    yield Path(env.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    if env.get("XDG_RUNTIME_DIR"):
        yield Path(env["XDG_RUNTIME_DIR"]) / "containers" / "auth.json"
    yield configured / "auth.json"


def _namespaces(env: Mapping[str, str], configured: Path) -> dict[str, Namespace]:
    """Return the tables of podman's files by prefix; a later file's table replaces an earlier one's."""
    named, system = env.get("CONTAINERS_REGISTRIES_CONF"), Path("/etc/containers")
    if named:
        files = [Path(named)]
    else:
        first = next((path for path in (configured, system) if (path / "registries.conf").is_file()), system)
        drop_ins = (folder / "registries.conf.d" for folder in (system, configured))
        files = [first / "registries.conf", *(path for folder in drop_ins for path in sorted(folder.glob("*.conf")))]
    return {one.prefix: one for path in files if path.exists() or named for one in _read(path)}


def _read(path: Path) -> Iterable[Namespace]:
    try:
        file = msgspec.convert(tomllib.loads(path.read_text()), _File)
    except (OSError, ValueError) as error:  # of TOML, of UTF-8 and of msgspec too
        raise ImageError(f"{path} cannot be read: {error}", hint="see containers-registries.conf(5)") from error
    for table in file.registry:
        if not (table.location or table.prefix):
            raise ImageError(f"{path} has a [[registry]] without a location", hint="see containers-registries.conf(5)")
        mirrors = [
            Place(
                location=one.location,
                insecure=one.insecure,
                pulls="digest-only" if table.mirror_by_digest_only else one.pull_from_mirror or "all",
            )
            for one in table.mirror
        ]
        prefix = table.prefix or table.location
        location = table.location or ("" if prefix.startswith("*.") else prefix)
        home = Place(location=location, insecure=table.insecure)
        yield Namespace(prefix=prefix, home=home, mirrors=tuple(mirrors), blocked=table.blocked)


def _with_mirrors(known: dict[str, Namespace], stated: str) -> tuple[Namespace, ...]:
    added: dict[str, tuple[Place, ...]] = {}
    for entry in stated.split():
        prefix, equals, location = entry.partition("=")
        insecure = location.startswith("http://")
        location = location.removeprefix("http://").removeprefix("https://").rstrip("/")
        if not (prefix and equals and location) or "@" in location:
            _refuse_mirror(entry)
        added[prefix] = (*added.get(prefix, ()), Place(location=location, insecure=insecure))
    for prefix, mirrors in added.items():
        other = known.get(prefix, Namespace(prefix=prefix, home=Place(location=prefix)))
        known[prefix] = Namespace(
            prefix=prefix, home=other.home, mirrors=mirrors + other.mirrors, blocked=other.blocked
        )
    return tuple(known.values())


def _refuse_mirror(entry: str) -> NoReturn:
    shown = entry.rpartition("@")[2]
    raise ImageError(
        f"WHEELBASE_REGISTRY_MIRRORS has {shown[:200]!r}, which is no mirror",
        hint="write PREFIX=HOST:PORT/FOLDER without a login; logins are read from Docker's and podman's files",
    )

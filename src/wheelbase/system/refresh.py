"""A newer snapshot of a release, made from the user's own mirror. Talks to the network, writes to the cache.

A mirror is believed as far as its Release file goes: indices that it does not describe are refused, since they are of
another day, or cut off. Contents are the exception: proxies keep them for long, and an older one names nearly the same.
"""

import gzip
import hashlib
import io
import lzma
import tarfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import IO

from wheelbase.errors import MirrorError, WheelbaseError
from wheelbase.index.client import Client
from wheelbase.index.values import IndexSettings
from wheelbase.system import snapshot_file
from wheelbase.system.alpine import REPOSITORIES, alpine_sections, read_index
from wheelbase.system.apk_repositories import HINT as ALPINE_HINT
from wheelbase.system.apk_repositories import alpine_mirrors
from wheelbase.system.apt_sources import CODENAMES, VARIABLE, mirrors
from wheelbase.system.debian import file_digests, release_fields
from wheelbase.system.platform import System
from wheelbase.system.recipes import recipes, written
from wheelbase.system.releases import keep, refreshed_snapshot
from wheelbase.system.snapshot import ARCHITECTURE, sections
from wheelbase.system.snapshot_file import Header

_MAX_FILE = 512 << 20
_MAX_UNPACKED = 8 << 30
_MAX_LINE = 4 << 20
_MAX_ALPINE = 128 << 20  # the largest index has 12 MB; one that is cut off here is damaged
_BUFFER = 1 << 20
_DAMAGED = (OSError, EOFError, lzma.LZMAError, zlib.error)
_ALPINE_ARCHITECTURE = "x86_64"
_HINT = f"set {VARIABLE} to the URL of a mirror that has dists/, with Contents and source indices, or try again later"


def refresh_packages(system: System) -> None:
    """Make a snapshot of a base's own release, or of the one that is consulted for it, and use it from now on.

    Of dnf's packages there is none.
    """
    if system.manager == "apk":
        refreshed(system.own)
    elif system.manager == "apt":
        refreshed(system.own if system.own in CODENAMES else system.release)


def refreshed(release: str) -> Header:
    """Make a snapshot of a release and keep it in the cache, where it is used from now on; return what it is of."""
    raw = newest(alpine_mirrors() if _is_alpine(release) else mirrors(), release)
    keep(release, raw)
    kept = refreshed_snapshot(release)
    if kept is None:
        raise WheelbaseError(
            f"the snapshot of {release} cannot be written to the cache",
            hint="set WHEELBASE_CACHE_DIR to a folder of yours",
        )
    return kept.header


def newest(urls: tuple[str, ...], release: str) -> bytes:
    """Return a snapshot from the first of the mirrors that has the release."""
    trouble: list[MirrorError] = []
    for url in urls:
        try:
            return made(url, release)
        except MirrorError as error:
            trouble.append(error)
    raise trouble[0]


def made(mirror: str, release: str) -> bytes:
    """Return the snapshot of a release from a mirror, `http:`, `https:` or `file:`."""
    if _is_alpine(release):
        return _made_of_alpine(mirror, release)
    suite = _Suite(mirror, release)
    found = sections(suite.contents(), suite.index("binary-amd64/Packages"), suite.index("source/Sources"))
    if not found["headers"]:
        raise MirrorError(f"{mirror} lists no headers for {release}: its Contents indices are not whole", hint=_HINT)
    return snapshot_file.dump(
        release=release,
        suite=suite.codename,
        date=suite.date,
        architecture=ARCHITECTURE,
        sections=found,
        verified=suite.verified,
    )


def _made_of_alpine(mirror: str, release: str) -> bytes:
    version = release.removeprefix("alpine-")
    branch = f"v{version}" if version[:1].isdigit() else version
    client = Client(IndexSettings(source="apk", index_url=None))
    texts, dates = [], []
    for repository in REPOSITORIES:
        url = f"{mirror.rstrip('/')}/{branch}/{repository}/{_ALPINE_ARCHITECTURE}/APKINDEX.tar.gz"
        body = _fetched(client, url, ALPINE_HINT)
        if body is None:
            raise MirrorError(f"{url} is not there (404)", hint=ALPINE_HINT)
        try:
            with _unpacked(body) as file:
                text, date = read_index(file.read(_MAX_ALPINE))
        except (*_DAMAGED, tarfile.TarError) as error:
            raise MirrorError(f"{url} is damaged, or was not received whole: {error}", hint=ALPINE_HINT) from error
        if "\nP:" not in f"\n{text}":
            raise MirrorError(f"{url} lists no packages", hint=ALPINE_HINT)
        texts.append(text)
        dates.append(date)
    return snapshot_file.dump(
        release=release,
        suite=branch,
        date=max(dates),
        architecture=ARCHITECTURE,
        sections=alpine_sections("\n\n".join(texts)),
    )


def _is_alpine(release: str) -> bool:
    return release.startswith("alpine-")


def made_recipes(mirror: str, releases: Iterable[str]) -> bytes:
    """Return what `load_recipes` reads, from all of the releases together."""
    suites = (_Suite(mirror, release) for release in releases)
    return written(recipes(suite.contents(), suite.index("source/Sources")) for suite in suites)


class _Suite:
    """One release on a mirror."""

    def __init__(self, mirror: str, release: str) -> None:
        """Read the Release file; everything else is fetched when it is asked for."""
        codename = CODENAMES.get(release)
        if codename is None:
            raise WheelbaseError(
                f"{release} is not a release of Debian or Ubuntu that wheelbase knows",
                hint=f"it knows {', '.join(CODENAMES)}",
            )
        self.codename = codename
        self.verified = True  # until contents that are not
        self._client = Client(IndexSettings(source="apt", index_url=None))
        self._url = f"{mirror.rstrip('/')}/dists/{codename}"
        self._digests: Mapping[str, str] = {}  # none, until the Release file is there that has them
        fields = release_fields(self._required("InRelease", "Release").decode("utf-8", "replace"))
        self._digests = file_digests(fields)
        family = release.partition("-")[0]
        if not self._digests or fields.get("Codename") != codename or fields.get("Origin", "").lower() != family:
            raise MirrorError(f"{self._url} is not {family}'s {codename}: it has no Release file of it", hint=_HINT)
        self.date = _date(fields)
        self._components = [name for name in ("main", "universe") if name in fields.get("Components", "").split()]

    def contents(self) -> Iterator[bytes]:
        """The lines of all Contents indices: of this architecture, and of all of them where that is another file."""
        places = [f"main/Contents-{name}.gz" for name in (ARCHITECTURE, "all")]
        if not self._listed(places[0]):
            places = [f"Contents-{ARCHITECTURE}.gz"]
        for place in places:
            body = self._required(place)
            described = (self._digests.get(place), self._digests.get(place.removesuffix(".gz")))
            self.verified &= hashlib.sha256(body).hexdigest() in described
            yield from _lines(body, f"{self._url}/{place}")

    def index(self, name: str) -> Iterator[str]:
        """The lines of an index, of all components."""
        for component in self._components:
            plain = f"{component}/{name}"
            body = self._required(f"{plain}.xz", f"{plain}.gz")
            for line in _lines(body, f"{self._url}/{plain}", self._digests.get(plain)):
                yield line.decode("utf-8", "replace")

    def _listed(self, place: str) -> bool:
        return place in self._digests or place.removesuffix(".gz") in self._digests

    def _required(self, *places: str) -> bytes:
        """Return the first of the files that there is."""
        for place in places:
            body = self._by_digest(place) or self._file(place)
            if body:
                return body
        raise MirrorError(f"{self._url}/{places[0]} is not there (404)", hint=_HINT)

    def _by_digest(self, place: str) -> bytes | None:
        """Return the very file that the Release file means, where the mirror keeps it by its digest."""
        digest = self._digests.get(place)
        return self._file(f"{place.rpartition('/')[0]}/by-hash/SHA256/{digest}".lstrip("/")) if digest else None

    def _file(self, place: str) -> bytes | None:
        return _fetched(self._client, f"{self._url}/{place}", _HINT)


def _fetched(client: Client, url: str, hint: str) -> bytes | None:
    try:
        answer = client.get(url, limit=_MAX_FILE)
    except WheelbaseError as error:
        raise MirrorError(str(error), hint=hint) from error
    if answer.status == 404:
        return None
    if answer.status != 200:
        raise MirrorError(f"{url} answers {answer.status}", hint=hint)
    return answer.body


def _date(fields: Mapping[str, str]) -> str:
    try:
        return parsedate_to_datetime(fields.get("Date", "")).date().isoformat()
    except ValueError:
        return datetime.min.date().isoformat()


def _lines(body: bytes, url: str, digest: str | None = None) -> Iterator[bytes]:
    """Yield the lines of a compressed file; one that is broken, or has another digest, is an error."""
    seen, length = hashlib.sha256(), 0
    try:
        with _unpacked(body) as file:
            while line := file.readline(_MAX_LINE):
                length += len(line)
                if length > _MAX_UNPACKED:
                    raise MirrorError(f"{url} unpacks to more than {_MAX_UNPACKED} bytes", hint=_HINT)
                if digest:
                    seen.update(line)
                yield line
    except _DAMAGED as error:
        raise MirrorError(f"{url} is damaged, or was not received whole: {error}", hint=_HINT) from error
    if digest and seen.hexdigest() != digest:
        raise MirrorError(f"{url} is not the file that the mirror's Release file describes", hint=_HINT)


def _unpacked(body: bytes) -> IO[bytes]:
    """Open what was received: a server may have unpacked gzip on the way, as it may for any page."""
    raw = io.BytesIO(body)
    if body.startswith(b"\x1f\x8b"):
        return io.BufferedReader(gzip.GzipFile(fileobj=raw), _BUFFER)
    if body.startswith(b"\xfd7zXZ"):
        return io.BufferedReader(lzma.LZMAFile(raw), _BUFFER)
    return raw

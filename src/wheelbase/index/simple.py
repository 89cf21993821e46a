"""What a package index offers: the Simple repository API, as JSON (PEP 691, PEP 700) or HTML (PEP 503, PEP 592).

Talks to the network through a `Client`. Pages are kept for as long as their index allows, and asked for again with
their ETag after that.
"""

import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import urldefrag, urljoin

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client, check_status
from wheelbase.index.urls import file_path, hide_credentials

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_DEFAULT_MAX_AGE = 600.0
_LONGEST_AGE = 86400.0
_DIGEST = re.compile(r"(sha256)=([0-9a-fA-F]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One file of a package. Sizes in bytes; what the index does not say is None."""

    filename: str
    url: str
    version: Version
    kind: Literal["wheel", "sdist"]
    size: int | None = None
    sha256: str | None = None
    upload_time: datetime | None = None
    requires_python: str | None = None
    yanked: bool = False

    @property
    def is_wheel(self) -> bool:
        """Say whether the file is a wheel rather than a source archive."""
        return self.kind == "wheel"


class LinkedFile(msgspec.Struct):
    """A file of the JSON API; keys that are of no use here are passed over while decoding."""

    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    upload_time: datetime | None = msgspec.field(name="upload-time", default=None)
    yanked: bool | str | None = False


class _Page(msgspec.Struct):
    files: list[LinkedFile]


class _Kept(msgspec.Struct):
    """A page in the cache."""

    url: str
    content_type: str
    etag: str | None
    fresh_until: float
    body: bytes


def read_page(client: Client, index_url: str, name: str, *, refresh: bool = False) -> tuple[Candidate, ...] | None:
    """Return the files of package `name` on an index, or None where the index does not have the package."""
    if "://" not in index_url:
        index_url = Path(index_url).resolve().as_uri()
    url = f"{index_url.rstrip('/')}/{canonicalize_name(name)}/"
    kept = _fetch(client, url, refresh=refresh)
    return None if kept is None else tuple(candidates_among(_files(kept), name))


def read_links(client: Client, location: str, *, refresh: bool = False) -> tuple[LinkedFile, ...]:
    """Return all files at a `--find-links` location: a folder, or a page of links."""
    if "://" not in location or location.startswith("file:"):
        folder = file_path(location) if location.startswith("file:") else Path(location)
        try:
            if folder.is_dir():
                return tuple(
                    LinkedFile(filename=path.name, url=path.resolve().as_uri(), size=path.stat().st_size)
                    for path in sorted(folder.iterdir())
                    if path.is_file()
                )
        except OSError as error:
            raise PackageIndexError(
                f"{folder}, named by find-links, cannot be read: {error.strerror}", hint="check its permissions"
            ) from error
        location = folder.resolve().as_uri()
    kept = _fetch(client, location, refresh=refresh)
    if kept is None:
        raise PackageIndexError(
            f"{hide_credentials(location)}, named by find-links, is not there",
            hint="check find-links in your pip or uv settings",
        )
    return tuple(_files(kept))


def _fetch(client: Client, url: str, *, refresh: bool) -> _Kept | None:
    store = Cache("simple-2")
    raw = None if url.startswith("file:") else store.get(url)
    kept = msgspec.msgpack.decode(raw, type=_Kept) if raw else None
    # A page from the future is one that a clock set wrong has kept.
    if kept and not refresh and time.time() < kept.fresh_until <= time.time() + _LONGEST_AGE:
        return kept
    headers = {"Accept": _ACCEPT, "Accept-Encoding": "gzip"}
    response = client.get(url, headers | ({"If-None-Match": kept.etag} if kept and kept.etag else {}))
    if response.status == 404:
        return None
    if response.status == 304 and kept:
        fresh = kept
    else:
        check_status(url, response.status)
        fresh = _Kept(
            response.url, response.headers.get("Content-Type", ""), response.headers.get("ETag"), 0, response.body
        )
    fresh.fresh_until = time.time() + _max_age(response.headers.get("Cache-Control", ""))
    if not url.startswith("file:"):
        store.put(url, msgspec.msgpack.encode(fresh))
    return fresh


def _max_age(cache_control: str) -> float:
    if "no-store" in cache_control or "no-cache" in cache_control:
        return 0.0
    found = re.search(r"max-age=(\d+)", cache_control)
    return min(float(found[1]), _LONGEST_AGE) if found else _DEFAULT_MAX_AGE


def _files(page: _Kept) -> Iterator[LinkedFile]:
    """Decode a page; its relative links become whole ones. A page of the web cannot name files of this machine."""
    try:
        if "json" in page.content_type.lower():
            base, files = page.url, msgspec.json.decode(page.body, type=_Page).files
        else:
            # Most indexes answer in JSON.
            from wheelbase.index.links import Links

            parser = Links(page.url)
            parser.feed(page.body.decode("utf-8", "replace"))
            base, files = parser.base, parser.files
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise PackageIndexError(
            f"{page.url} is not a page of the Simple API: {error}",
            hint="check that the index URL ends where pip's does, mostly in /simple",
        ) from error
    allowed = ("https://", "http://", "file://") if page.url.startswith("file:") else ("https://", "http://")
    for file in files:
        if file.url.startswith("https://") and "#" not in file.url and "/." not in file.url:
            yield file  # nearly all are so, and there are tens of thousands
            continue
        try:
            url, fragment = urldefrag(urljoin(base, file.url))
        except ValueError:
            continue
        if url.startswith(allowed):
            file.url = url
            if not file.hashes and (digest := _DIGEST.search(fragment)):
                file.hashes = {digest[1]: digest[2]}
            yield file


def candidates_among(files: Iterable[LinkedFile], name: str) -> Iterator[Candidate]:
    """Yield those of the files that are of package `name`, and are named as a wheel or a source archive."""
    normalized = canonicalize_name(name)
    for file in files:
        found = split_filename(file.filename, normalized)
        if found is None:
            continue
        kind, version = found
        uploaded = file.upload_time
        sha256 = file.hashes.get("sha256")
        yield Candidate(
            filename=file.filename,
            url=file.url,
            version=version,
            kind=kind,
            size=file.size,
            sha256=sha256.lower() if sha256 else None,
            # PEP 700 wants UTC; some indexes leave the zone out.
            upload_time=uploaded.replace(tzinfo=UTC) if uploaded and uploaded.tzinfo is None else uploaded,
            requires_python=file.requires_python,
            yanked=file.yanked not in (False, None),
        )


def split_filename(filename: str, name: str) -> tuple[Literal["wheel", "sdist"], Version] | None:
    """Return kind and version of a file of package `name` (in its normalized form), or None where it is neither.

    Wheel names are split at their dashes; source archives have dashes anywhere, so the name is matched from the left.
    """
    if filename.endswith(".whl"):
        parts = filename.split("-")
        if len(parts) not in (5, 6) or canonicalize_name(parts[0]) != name:
            return None
        version = _version(parts[1])
        return ("wheel", version) if version else None
    for ending in (".tar.gz", ".zip", ".tar.bz2", ".tgz", ".tar.xz"):
        if filename.endswith(ending):
            stem = filename.removesuffix(ending)
            for dash in re.finditer("-", stem):
                if canonicalize_name(stem[: dash.start()]) == name:
                    version = _version(stem[dash.end() :])
                    return ("sdist", version) if version else None
    return None


@lru_cache(maxsize=4096)
def _version(text: str) -> Version | None:
    try:
        return Version(text)
    except InvalidVersion:
        return None

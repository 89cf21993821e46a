"""What a package index offers: the Simple repository API, as JSON (PEP 691, PEP 700) or HTML (PEP 503, PEP 592).

Talks to the network through a `Client`. Pages are kept for as long as their index allows, and asked for again with
their ETag after that.
"""

import html
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urldefrag, urljoin, urlsplit

import msgspec
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client, check_status

_ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_DEFAULT_MAX_AGE = 600.0


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


class _File(msgspec.Struct):
    """A file of the JSON API; keys that are of no use here are passed over while decoding."""

    filename: str
    url: str
    hashes: dict[str, str] = {}
    size: int | None = None
    requires_python: str | None = msgspec.field(name="requires-python", default=None)
    upload_time: datetime | None = msgspec.field(name="upload-time", default=None)
    yanked: bool | str = False


class _Page(msgspec.Struct):
    files: list[_File]


class _Kept(msgspec.Struct):
    """A page in the cache."""

    url: str
    content_type: str
    etag: str | None
    fresh_until: float
    body: bytes


def read_page(client: Client, index_url: str, name: str, *, refresh: bool = False) -> tuple[Candidate, ...] | None:
    """Return the files of package `name` on an index, or None where the index does not have the package."""
    url = f"{index_url.rstrip('/')}/{canonicalize_name(name)}/"
    kept = _fetch(client, url, refresh=refresh)
    return None if kept is None else tuple(_candidates(_files(kept), canonicalize_name(name)))


def read_links(client: Client, location: str, name: str) -> tuple[Candidate, ...]:
    """Return the files of package `name` at a `--find-links` location: a folder, or a page of links."""
    folder = Path(unquote(urlsplit(location).path) if location.startswith("file:") else location)
    if "://" not in location or location.startswith("file:"):
        if folder.is_dir():
            files = [
                _File(filename=path.name, url=path.resolve().as_uri(), size=path.stat().st_size)
                for path in folder.iterdir()
            ]
            return tuple(_candidates(files, canonicalize_name(name)))
        location = folder.resolve().as_uri()
    kept = _fetch(client, location, refresh=False)
    if kept is None:
        raise PackageIndexError(
            f"{location}, named by find-links, is not there", hint="check find-links in your pip or uv settings"
        )
    return tuple(_candidates(_files(kept), canonicalize_name(name)))


def _fetch(client: Client, url: str, *, refresh: bool) -> _Kept | None:
    store = Cache("simple-1")
    raw = None if url.startswith("file:") else store.get(url)
    kept = msgspec.msgpack.decode(raw, type=_Kept) if raw else None
    if kept and not refresh and time.time() < kept.fresh_until:
        return kept
    headers = {"Accept": _ACCEPT} | ({"If-None-Match": kept.etag} if kept and kept.etag else {})
    response = client.get(url, headers)
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
    return float(found[1]) if found else _DEFAULT_MAX_AGE


def _files(page: _Kept) -> Iterable[_File]:
    """Decode a page; its relative links become whole ones."""
    try:
        if "json" in page.content_type:
            files = msgspec.json.decode(page.body, type=_Page).files
        else:
            parser = _Links()
            parser.feed(page.body.decode("utf-8", "replace"))
            files = parser.files
    except msgspec.MsgspecError as error:
        raise PackageIndexError(
            f"{page.url} is not a page of the Simple API: {error}",
            hint="check that the index URL ends where pip's does, mostly in /simple",
        ) from error
    for file in files:
        if "://" not in file.url:
            file.url = urljoin(page.url, file.url)
    return files


class _Links(HTMLParser):
    """The links of an HTML page, with the attributes of PEP 503 and PEP 592."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[_File] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Take down an anchor."""
        given: dict[str, Any] = dict(attrs)
        if tag != "a" or not given.get("href"):
            return
        url, fragment = urldefrag(given["href"])
        algorithm, _, digest = fragment.partition("=")
        self.files.append(
            _File(
                filename=unquote(urlsplit(url).path.rpartition("/")[2]),
                url=url,
                hashes={algorithm: digest} if digest else {},
                requires_python=html.unescape(given.get("data-requires-python") or "") or None,
                yanked="data-yanked" in given,
            )
        )


def _candidates(files: Iterable[_File], name: str) -> Iterable[Candidate]:
    for file in files:
        found = split_filename(file.filename, name)
        if found is None:
            continue
        kind, version = found
        yield Candidate(
            filename=file.filename,
            url=file.url,
            version=version,
            kind=kind,
            size=file.size,
            sha256=file.hashes.get("sha256"),
            upload_time=file.upload_time,
            requires_python=file.requires_python,
            yanked=file.yanked is not False,
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

"""Source archives from an index, a file or a folder: what they say, and what is found in them. Talks to the network.

What was found in an archive is kept by its hash and the version of the analysis.
"""

import lzma
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import TypeVar

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError, SourceError
from wheelbase.index.client import Client, check_status
from wheelbase.index.simple import Candidate
from wheelbase.index.urls import hide_credentials
from wheelbase.source.analysis import VERSION, analyse
from wheelbase.source.archive import SourceFacts, facts_of
from wheelbase.source.findings import Findings
from wheelbase.source.tree import SourceTree, tree_of_archive, tree_of_folder

MAX_ARCHIVE = 64 << 20
_HEAD = 4 << 20
_MAX_FILE = 256 << 20
_FACTS = "source-4"
_Kept = TypeVar("_Kept")
# What readers of broken archives raise.
_UNREAD = (
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
)


def read_source(client: Client, archive: Candidate) -> SourceFacts:
    """Return the facts of a source archive on an index; a broken one is an error.

    Of an archive larger than `MAX_ARCHIVE` only the start is read, where the metadata usually stands.
    """
    return _kept(_FACTS, archive, SourceFacts) or _read(client, archive)[0]


def read_findings(client: Client, archive: Candidate) -> Findings:
    """Return what is found in a source archive on an index; a broken one is an error."""
    return _kept(VERSION, archive, Findings) or _read(client, archive)[1]


def _kept(cache: str, archive: Candidate, kind: type[_Kept]) -> _Kept | None:
    """Return what was kept of an archive; None where nothing was, or with other fields by another wheelbase."""
    kept = Cache(cache).get(_key(archive))
    try:
        return msgspec.msgpack.decode(kept, type=kind) if kept else None
    except msgspec.ValidationError:
        return None


def findings_of_path(path: Path) -> Findings:
    """Return what is found in a source archive on disk, or in the folder of a project. Raises SourceError."""
    try:
        if path.is_dir():
            return analyse(tree_of_folder(path))
        # A pipe or a device has no end.
        if not path.is_file() or path.stat().st_size > _MAX_FILE:
            raise ValueError(f"it is no regular file of at most {_MAX_FILE} bytes")
        return analyse(tree_of_archive(path.read_bytes(), path.name))
    except _UNREAD as error:
        raise SourceError(
            f"{path} cannot be read as a source archive: {error or type(error).__name__}",
            hint="give a .tar.gz or .zip source archive, or the folder of a project",
        ) from error


def _key(archive: Candidate) -> str:
    return archive.sha256 or archive.url


def _read(client: Client, archive: Candidate) -> tuple[SourceFacts, Findings]:
    """Download once; both answers are kept, as who needs the one soon needs the other."""
    where = f"{archive.filename} at {hide_credentials(archive.url)}"
    try:
        tree = _tree(client, archive, where)
    except _UNREAD as error:
        raise PackageIndexError(
            f"{where} is not a whole source archive: {error or type(error).__name__}",
            hint="the index may serve a truncated file: try again",
        ) from error
    facts, findings = facts_of(tree), analyse(tree)
    Cache(_FACTS).put(_key(archive), msgspec.msgpack.encode(facts))
    Cache(VERSION).put(_key(archive), msgspec.msgpack.encode(findings))
    return facts, findings


def _tree(client: Client, archive: Candidate, where: str) -> SourceTree:
    whole = archive.size is None or archive.size <= MAX_ARCHIVE
    # Cut, as some servers label a .tar.gz as a compressed .tar: it is to be kept as it is.
    headers, limit = ({}, MAX_ARCHIVE + 1) if whole else ({"Range": f"bytes=0-{_HEAD - 1}"}, _HEAD)
    answer = client.get(archive.url, headers, limit=limit, cut="start")
    check_status(archive.url, answer.status)
    if len(answer.body) > MAX_ARCHIVE:
        raise PackageIndexError(f"{where} is larger than {MAX_ARCHIVE} bytes", hint="its index does not say its size")
    if whole and archive.size not in (None, len(answer.body)):
        raise PackageIndexError(
            f"{where} has {len(answer.body)} bytes; the index says {archive.size}",
            hint="the index or a proxy before it serves a damaged file: ask its owner",
        )
    return tree_of_archive(answer.body, archive.filename, whole=whole)

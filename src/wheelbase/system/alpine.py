"""The index of one Alpine release, as a snapshot: what its development packages bring along, and how large that is.

Reads the shipped snapshots and the cache. Kept are the packages that builds ask for, and what these need.
"""

import io
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from wheelbase.system.apk import ApkPackage, ApkTable, read_apkindex
from wheelbase.system.names import load_names
from wheelbase.system.releases import load_snapshot, nearest_known
from wheelbase.system.snapshot_file import Snapshot

REPOSITORIES = ("main", "community")
_MEMBER = "APKINDEX"
_SECTION = "apk"
# What a dependency or a build may name that is no package: the rest (files, drivers) is asked for by nobody.
_ASKED_BY = ("pc:", "cmd:")


def load_alpine(release: str) -> ApkTable | None:
    """Return the packages of a release (`alpine-3.22`), or of the newest known that is not newer; None: all are."""
    known = nearest_known(release)
    return _table(load_snapshot(known)) if known else None


@cache
def _table(snapshot: Snapshot) -> ApkTable:
    return snapshot.section(_SECTION, ApkTable)


def read_index(archive: bytes) -> tuple[str, str]:
    """Return (text, date) of an unpacked APKINDEX.tar.gz. Raises `tarfile.TarError` where it has no whole index."""
    with tarfile.open(fileobj=io.BytesIO(archive), mode="r:") as files:
        for member in files:
            if member.name == _MEMBER and (index := files.extractfile(member)):
                return index.read().decode("utf-8", "replace"), _date(member.mtime)
    raise tarfile.TarError("it has no index")


def _date(seconds: float) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).date().isoformat()
    except (OverflowError, ValueError, OSError):
        return datetime.min.date().isoformat()


def alpine_sections(index: str) -> Mapping[str, ApkTable]:
    """Return the sections of a snapshot, from the text of the indices of all repositories."""
    whole = read_apkindex(index)
    rows = load_names().rows
    left = [name for name in whole.packages if name.endswith("-dev")]
    left += [name for row in rows for names in (row.apk, *row.apk_until.values(), row.apk_runtime) for name in names]
    kept: dict[str, ApkPackage] = {}
    needed = set()
    while left:
        package = whole.find(left.pop())
        if package and package.name not in kept:
            kept[package.name] = package
            needed |= set(package.needs)
            left += package.needs
    provider = {
        name: package
        for name, package in sorted(whole.provider.items())
        if package in kept and (name in needed or name.startswith(_ASKED_BY))
    }
    packages = {name: replace(kept[name], provides=()) for name in sorted(kept)}
    return {_SECTION: ApkTable(packages=packages, provider=provider)}

"""From an archive to the packages of a base. Talks to a mirror, uses the cache.

The signed Release files are read each time; what follows from the indices that they name is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec
from pysequoia import Cert

from wheelbase.bases.facts import Arch
from wheelbase.cache import Cache
from wheelbase.deb.archive import Index, indices, read_packages
from wheelbase.deb.chosen import Chosen, LockedDeb
from wheelbase.deb.grouping import ROOTS
from wheelbase.deb.leftout import is_left_out, left_out_digest
from wheelbase.deb.mirrors import Mirror
from wheelbase.deb.packages import DebPackage, PackageSet
from wheelbase.index.client import Client
from wheelbase.oci.store import Store

# Raised whenever the same indices lead to other packages.
_FORMAT = 1


def choose(
    client: Client,
    mirror: Mirror,
    release: str,
    arch: Arch,
    asked: Sequence[str],
    *,
    store: Store,
    now: datetime,
    keys: Sequence[Cert] | None = None,
) -> Chosen:
    """Return what a base of a release is made of now, with the packages that the user asks for beside the usual ones.

    DebError where the mirror cannot be read or believed, or does not have what is needed.
    """
    found = indices(client, mirror, release, arch, now=now, keys=keys)
    cache = Cache("deb-chosen-1")
    key = f"{_FORMAT} {left_out_digest()} {arch} {[index.sha256 for index in found]} {ROOTS} {sorted(set(asked))}"
    kept = cache.get(key)
    if kept is None:
        packages = _resolved(client, found, asked, store)
        cache.put(key, msgspec.msgpack.encode(packages))
    else:
        packages = msgspec.msgpack.decode(kept, type=tuple[LockedDeb, ...])
    return Chosen(
        release=release,
        arch=arch,
        date=max(index.date for index in found).isoformat(),
        asked=tuple(sorted(set(asked))),
        packages=packages,
    )


def _resolved(client: Client, found: Sequence[Index], asked: Sequence[str], store: Store) -> tuple[LockedDeb, ...]:
    packages = PackageSet(read_packages(client, found, store))
    base = {package.name for package in packages.closure(ROOTS, is_left_out)}
    return tuple(
        _locked(package, added=package.name not in base)
        for package in packages.closure((*ROOTS, *sorted(set(asked))), is_left_out)
    )


def _locked(package: DebPackage, *, added: bool) -> LockedDeb:
    return LockedDeb(
        name=package.name,
        version=package.version,
        sha256=package.sha256,
        size=package.size,
        filename=package.filename,
        archive=package.archive,
        added=added,
    )

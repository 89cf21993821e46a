"""`wheelbase bases --refresh`: the catalogue's images as they are in their registries today.

Reads images over the network, and writes the user's own catalogue. Layers are read as they come and not kept: those of
all images have gigabytes. What an image says is, by its digest, so that whoever begins again goes on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import get_args

from wheelbase.bases.catalogue import Catalogue, bundled_catalogue, load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.bases.inspected import Inspection
from wheelbase.bases.refreshed import keep_rows, refreshed_path
from wheelbase.errors import BaseError, WheelbaseError
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import MissingError
from wheelbase.oci.image import leaves, read_config
from wheelbase.oci.manifest import Descriptor, Manifest, RawManifest, parse_manifest
from wheelbase.oci.opening import open_source
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry.errors import TransientError
from wheelbase.oci.store import CachedSource
from wheelbase.recipes.base import user_store
from wheelbase.recipes.inspect import inspect_source
from wheelbase.recipes.reporting import Report, silent

# An image of which nothing was heard for so long before the catalogue was made is history.
_CURRENT = timedelta(days=365)
# Refusals one after another after which a registry is not asked any more.
_PATIENCE = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrefreshed:
    """An image, or one architecture of it, that could not be read, and why; what was known of it still holds."""

    image: str
    arch: Arch | None = None
    reason: str
    hint: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Refreshed:
    """Rows that are known from now on, what could not be read, and the file that has the rows."""

    rows: tuple[BaseFacts, ...]
    failed: tuple[Unrefreshed, ...]
    path: str


def refresh_bases(names: Sequence[str] = (), *, report: Report = silent) -> Refreshed:
    """Read images of the catalogue anew, by their names or all that are current, and keep what they say.

    Each is read for both architectures, where it is made for them. BaseError where a name is not in the catalogue, or
    where not one of the images could be read.
    """
    today, catalogue = datetime.now(UTC).date(), load_catalogue()
    images = list(dict.fromkeys(catalogue.image(name, on=today) for name in names)) or _current()
    rows: list[BaseFacts] = []
    failed: list[Unrefreshed] = []
    silence: dict[str, int] = {}  # of registries: how many failures there were since one of their images was read
    for done, image in enumerate(images):
        report(f"reading {image}", done, len(images) if done else 0)
        registry = parse_name(image).domain
        if silence.get(registry, 0) >= _PATIENCE:
            failed.append(Unrefreshed(image=image, reason=f"not asked, since {registry} failed before"))
            continue
        try:
            found, missed = _read(image, catalogue, today)
        except WheelbaseError as error:
            failed.append(Unrefreshed(image=image, reason=str(error), hint=error.hint))
            # One that is asked too often, or cannot be reached, has been asked several times already.
            weight = _PATIENCE if isinstance(error, TransientError) else int(not isinstance(error, MissingError))
            silence[registry] = weight and silence.get(registry, 0) + weight
            continue
        silence[registry] = 0
        rows += found
        failed += missed
    if not rows:
        raise _nothing(failed)
    keep_rows(rows)
    load_catalogue.cache_clear()
    return Refreshed(rows=tuple(rows), failed=tuple(failed), path=str(refreshed_path()))


def _current() -> list[str]:
    """Return the images that are still made, as far as the bundled catalogue knows."""
    rows = bundled_catalogue().base
    oldest = max(row.date for row in rows) - _CURRENT
    return sorted({row.image for row in rows if row.date >= oldest})


def _read(image: str, catalogue: Catalogue, today: date) -> tuple[list[BaseFacts], list[Unrefreshed]]:
    """Return the rows of an image, and the architectures that could not be read; an error where none is there."""
    rows: list[BaseFacts] = []
    missed: list[Unrefreshed] = []
    known = [row for row in catalogue.base if row.image == image]
    with open_source(parse_name(image)) as opened:
        source = _Streamed(opened)
        arches = list(_arches(source))
        for arch in arches:
            try:
                inspection = inspect_source(source, Platform(os="linux", architecture=arch))
                rows.append(_row(image, inspection, arch, known, today))
            except WheelbaseError as error:
                missed.append(Unrefreshed(image=image, arch=arch, reason=str(error), hint=error.hint))
    if not arches:
        raise MissingError(f"{image} is not made for {' or '.join(get_args(Arch))}", hint="name another image")
    return rows, missed


def _arches(source: Source) -> Iterator[Arch]:
    """Yield the architectures that an image is made for, of those that the catalogue has."""
    root = parse_manifest(source.read_manifest(), source.where)
    if isinstance(root, Manifest):
        offered: Iterable[Platform | None] = [read_config(source, root)[1].platform]
    else:
        offered = [leaf.platform for leaf in leaves(source, root)]
    made = {one.architecture for one in offered if one and one.os == "linux"}
    yield from (arch for arch in get_args(Arch) if arch in made)


def _row(image: str, inspection: Inspection, arch: Arch, known: Sequence[BaseFacts], today: date) -> BaseFacts:
    """Return what an image says, with what is no fact of its own: what a package manager would install for Python.

    It is dated by the day on which its name meant it: many say that they were made long before.
    """
    row = facts_of(image, inspection, arch=arch, as_of=None, today=today)
    row = replace(row, date=today, userland=None)
    like = max(known, key=lambda one: (one.arch == arch, one.date))
    if like.python or not like.system_python or row.pip:
        return row
    # A Python without pip there is the package manager's own (dnf's), and not for applications.
    system = like.system_python
    if like.arch != arch:
        system = replace(system, installed_bytes=None, download_bytes=None)
    row = replace(row, python=None, python_path=None, site_packages=None, stdlib_bytecode=None)
    return replace(row, has_pip=None, setuptools=None, wheel=None, system_python=system)


def _nothing(failed: Sequence[Unrefreshed]) -> BaseError:
    first, more = failed[0], len(failed) - 1
    also = f" ({more} more failed)" if more else ""
    return BaseError(
        f"no base image could be refreshed; {first.image}: {first.reason}{also}",
        hint=f"{first.hint or 'check the network'}; a mirror is named by WHEELBASE_REGISTRY_MIRRORS",
    )


class _Streamed:
    """An image in a registry whose manifests and configurations are fetched once, and whose layers are not kept."""

    def __init__(self, source: Source) -> None:
        """Nothing is read yet."""
        self.where = source.where
        self._source, self._cached = source, CachedSource(source, user_store())
        self._root: RawManifest | None = None

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        if digest:
            return self._cached.read_manifest(digest)
        # A registry counts how often it is asked for one.
        self._root = self._root or self._cached.read_manifest()
        return self._root

    def open_blob(
        self, descriptor: Descriptor, /, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        small = descriptor.media_type in media_types.CONFIGS
        return (self._cached if small else self._source).open_blob(descriptor, start, length)

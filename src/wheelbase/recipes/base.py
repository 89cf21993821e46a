"""A base image by any name that a user has for it, opened to be read. Reads images, by the network or an engine.

Blobs from a registry are kept in the user's cache. A base of Debian's packages is made there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from packaging.specifiers import SpecifierSet

from wheelbase.bases.facts import Arch
from wheelbase.cache import cache_directory
from wheelbase.deb.mirrors import knows_mirror
from wheelbase.oci.opening import open_source
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform
from wheelbase.oci.reference import Reference, RegistryReference, parse_reference
from wheelbase.oci.store import STORE_FOLDER, CachedSource, Store
from wheelbase.recipes.reporting import Report, silent

if TYPE_CHECKING:
    from wheelbase.deb.chosen import Chosen

DEB = "deb:"
# The newest first. A release of Debian keeps its Python.
_PYTHONS = {"trixie": "3.13.5", "bookworm": "3.11.2"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Debs:
    """What is wished of a base of Debian's packages: `packages` are added, `locked` are all parts by architecture."""

    packages: tuple[str, ...] = ()
    mirror: str | None = None
    bytecode: bool = True
    locked: Mapping[str, Chosen] = field(default_factory=dict)


_ANY = Debs()


def reference_of(name: str) -> Reference | None:
    """Return the reference that a base's name is; None of one that is made of Debian's packages."""
    return None if name.startswith(DEB) else parse_reference(name)


def debian_base(requires_python: SpecifierSet | None, python: str | None) -> str | None:
    """Return the newest base of Debian's packages that has a Python that is allowed, and is the one asked for.

    None where there is none, or no mirror is known here.
    """
    fitting = [
        release
        for release, version in _PYTHONS.items()
        if python in (None, version.rpartition(".")[0])
        and (requires_python is None or requires_python.contains(version))
    ]
    return f"{DEB}{fitting[0]}" if fitting and knows_mirror() else None


def user_store() -> Store:
    """Return the store in the user's cache."""
    return Store(cache_directory() / STORE_FOLDER)


@contextmanager
def open_base(name: str, platform: Platform | None, *, debs: Debs = _ANY, report: Report = silent) -> Iterator[Source]:
    """Open a base by a reference, or as `deb:trixie`; a platform of None is that of this machine."""
    if name.startswith(DEB):
        # What verifies signatures takes a while to import.
        from wheelbase.deb.source import deb_source

        arch = cast(Arch, (platform or Platform.of_this_machine()).architecture)
        yield deb_source(
            name,
            arch=arch,
            packages=debs.packages,
            mirror=debs.mirror,
            locked=debs.locked.get(arch),
            bytecode=debs.bytecode,
            store=user_store(),
            report=report,
        )
        return
    reference = parse_reference(name)
    with open_source(reference) as source:
        yield CachedSource(source, user_store()) if isinstance(reference, RegistryReference) else source

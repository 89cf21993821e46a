"""From what an image says of itself to the facts that a base is judged by. Pure."""

from __future__ import annotations

from datetime import date

from wheelbase.bases.facts import Arch, BaseFacts, Userland
from wheelbase.bases.inspected import FoundPython, Inspection
from wheelbase.errors import BaseError

_FIRST_IMAGES = date(2013, 3, 20)  # when Docker was


def facts_of(name: str, inspection: Inspection, *, arch: Arch, as_of: date | None, today: date) -> BaseFacts:
    """Return the facts of an image as the catalogue has them; where it does not say when it was made, of the day asked.

    BaseError where no C library is known, without which no program of Python's runs.
    """
    libc = inspection.libc
    if libc is None or libc.version is None:
        raise BaseError(
            f"{name} has no C library that is known: {'musl without a version' if libc else 'neither glibc nor musl'}",
            hint="choose a base that runs Python, or has a package manager that installs it",
        )
    made = _day(inspection.created) or as_of or today
    python = inspection.pythons[0] if inspection.pythons else None
    return BaseFacts(
        image=name,
        arch=arch,
        date=made,
        libc=libc.family,
        libc_version=libc.version,
        source=f"inspected: {inspection.digest}",
        python=python.version if python else None,
        python_path=python.path if python else None,
        site_packages=python.site_packages if python else None,
        stdlib_bytecode=python.stdlib_bytecode if python else None,
        pip=python.pip if python else None,
        has_pip=python.pip is not None if python else None,
        setuptools=(python.setuptools or "none") if python else None,
        wheel=(python.wheel or "none") if python else None,
        package_manager=inspection.package_manager or "none",
        compressed_bytes=inspection.compressed_bytes,
        uncompressed_bytes=inspection.uncompressed_bytes,
        compiler=bool({"cc", "gcc", "clang"} & set(inspection.compilers)),
        shell=inspection.shell is not None,
        user=inspection.user,
        userland=_userland(inspection, python),
        later=as_of is not None and made > as_of,
    )


def _userland(inspection: Inspection, python: FoundPython | None) -> Userland:
    return Userland(
        release=_release(inspection),
        packages=None if inspection.packages is None else tuple(package.name for package in inspection.packages),
        python_headers=python is not None and python.headers,
        implementation=python.implementation if python else "cpython",
        free_threaded=python is not None and python.free_threaded,
        libraries=inspection.sonames,
        tzdata=inspection.tzdata,
        ca_store=inspection.ca_store is not None,
    )


def _release(inspection: Inspection) -> str:
    """Return what its release is called as an image: `debian:13`, `alpine:3.23`."""
    name, version = inspection.os_release.get("ID", ""), inspection.os_release.get("VERSION_ID", "")
    return f"{name}:{'.'.join(version.split('.')[:2])}" if version else name


def _day(created: str | None) -> date | None:
    """Return when an image was made; None where it does not say, as reproducible ones, which say 1970 or the year 1."""
    try:
        day = date.fromisoformat((created or "")[:10])
    except ValueError:
        return None
    return day if day >= _FIRST_IMAGES else None

"""What an image's own bytes say of it. Pure values: sizes in bytes, None is "not known" unless a field says otherwise.

Paths are absolute, as a container sees them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

LibcFamily = Literal["glibc", "musl"]
# Of more there is harm: a large desktop has some thousands.
MOST_PACKAGES = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Libc:
    """A C library; `version` as the library itself states it."""

    family: LibcFamily
    version: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPython:
    """An interpreter. `site_packages` is where its pip installs to; `pip`, `setuptools` and `wheel` None: not there.

    `version` has two numbers where the patch release is not known. `optimised` tells of profile-guided optimisation.
    """

    path: str
    version: str
    implementation: Literal["cpython", "pypy"]
    free_threaded: bool
    site_packages: str
    pip: str | None
    setuptools: str | None
    wheel: str | None
    headers: bool
    stdlib_bytecode: bool | None
    optimised: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of the system."""

    name: str
    version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectedLayer:
    """A layer: `bytes` of the blob as stored, `tar_bytes` of its tar; `created_by` is what the history says of it."""

    digest: str
    diff_id: str
    media_type: str
    bytes: int
    tar_bytes: int
    created_by: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """Facts of one image of one platform.

    `pythons` begins with the one that `python3` means, where that is on PATH. `package_manager` installs packages, None
    where there is none; `package_database` tells of those in `packages`, None where it cannot be read.
    `compressed_bytes` is not known of layers that are stored uncompressed; `uncompressed_bytes` are the files of all
    layers, as an engine counts them. `libraries` has None for those that are not there; `sonames` are the names of all
    files called as shared libraries are, wherever they lie but in Python's packages, None where there are too many.
    """

    digest: str
    platform: str
    created: str | None
    os_release: Mapping[str, str] = field(hash=False)
    libc: Libc | None
    pythons: tuple[FoundPython, ...]
    package_manager: str | None
    package_database: Literal["dpkg", "apk", "rpm"] | None
    packages: tuple[Package, ...] | None
    compilers: tuple[str, ...]
    shell: str | None
    user: str
    ca_store: str | None
    tzdata: bool
    libraries: Mapping[str, str | None] = field(hash=False)
    compressed_bytes: int | None
    uncompressed_bytes: int
    layers: tuple[InspectedLayer, ...]
    sonames: tuple[str, ...] | None = None

"""What is known of one base image. Pure values; None is "not known" unless a field says otherwise."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from packaging.version import Version

Arch = Literal["amd64", "arm64"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPython:
    """The Python that a base's package manager installs, where the image itself has none for applications."""

    version: str
    packages: tuple[str, ...]
    installed_bytes: int | None = None
    download_bytes: int | None = None
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Userland:
    """What is read in an image itself, beyond what the catalogue has of one.

    `release` is what its system is called as an image (`debian:13`); `packages` the names of those that are installed;
    `libraries` the names of all files that are called as shared libraries are, outside of Python's packages.
    """

    release: str
    packages: tuple[str, ...] | None
    python_headers: bool
    implementation: Literal["cpython", "pypy"]
    free_threaded: bool
    libraries: tuple[str, ...] | None = None
    tzdata: bool | None = None
    ca_store: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseFacts:
    """One image of one architecture as it was at one date. Sizes in bytes.

    `image` is the name users write and `exact` a more exact tag that the figures are of. `python` is the interpreter
    for applications, None where the image has none. `estimated` names the fields that were derived rather than read,
    `unverified` those that follow from the release. `later` says that nothing of the date asked for is known, and
    this is the earliest that is. `userland` is of images that were inspected; None for the catalogue's rows.
    """

    image: str
    arch: Arch
    date: date
    libc: Literal["glibc", "musl"]
    libc_version: str
    source: str
    exact: str | None = None
    python: str | None = None
    python_path: str | None = None
    site_packages: str | None = None
    stdlib_bytecode: bool | None = None
    pip: str | None = None
    has_pip: bool | None = None
    setuptools: str | None = None
    wheel: str | None = None
    package_manager: str | None = None
    compressed_bytes: int | None = None
    uncompressed_bytes: int | None = None
    compiler: bool | None = None
    shell: bool | None = None
    user: str | None = None
    estimated: tuple[str, ...] = ()
    unverified: tuple[str, ...] = ()
    uncompressed_source: str | None = None
    note: str | None = None
    system_python: SystemPython | None = None
    userland: Userland | None = None
    later: bool = False

    @property
    def python_version(self) -> str | None:
        """Return the version of the Python that an application gets on this base, installed first if need be."""
        if self.python:
            return self.python
        return self.system_python.version if self.system_python else None

    @property
    def python_minor(self) -> tuple[int, int] | None:
        """Return that version as (3, 13)."""
        return Version(self.python_version).release[:2] if self.python_version else None  # type: ignore[return-value]

    @property
    def added_packages(self) -> tuple[str, ...]:
        """Return the system packages that give this base its Python: none where the image has one."""
        return self.system_python.packages if self.system_python and not self.python else ()

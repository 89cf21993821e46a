"""Which shared libraries a base has, and which package of its system has one. Pure, beside the tables that it reads.

An image that was inspected has the files that are in it. Of a row of the catalogue the packages are known, and these
have libraries: Alpine's index says which, Debian's policy (section 8.1) how the package of a library is called. What
neither tells is not known, and then nothing is said.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wheelbase.bases.facts import BaseFacts
from wheelbase.system.alpine import load_alpine
from wheelbase.system.platform import System, system_of

# Packages of Debian and Ubuntu that are called otherwise than their library.
_OTHERWISE = {
    "libGLESv2.so.2": "libgles2",
    "libbrotlicommon.so.1": "libbrotli1",
    "libbrotlidec.so.1": "libbrotli1",
    "libbrotlienc.so.1": "libbrotli1",
    "libGLU.so.1": "libglu1-mesa",
    "libOpenCL.so.1": "ocl-icd-libopencl1",
    "libcrypto.so.1.1": "libssl1.1",
    "libcrypto.so.3": "libssl3",
    "libgdk-3.so.0": "libgtk-3-0",
    "libgio-2.0.so.0": "libglib2.0-0",
    "libglib-2.0.so.0": "libglib2.0-0",
    "libgmodule-2.0.so.0": "libglib2.0-0",
    "libgomp.so.1.0.0": "libgomp1",
    "libgobject-2.0.so.0": "libglib2.0-0",
    "libgthread-2.0.so.0": "libglib2.0-0",
    "libharfbuzz.so.0": "libharfbuzz0b",
    "libnspr4.so": "libnspr4",
    "libnss3.so": "libnss3",
    "libnssutil3.so": "libnss3",
    "libxml2.so.2": "libxml2",
    "libxslt.so.1": "libxslt1.1",
    "libz.so.1": "zlib1g",
}
_SONAME = re.compile(r"(lib[\w+.-]+?)\.so\.(\d[\w.]*)", re.ASCII)
# Since the time of 2038 many packages have another name where their library has the same.
_LONG_TIME = "t64"


@dataclass(frozen=True, slots=True, kw_only=True)
class Libraries:
    """The libraries of a base. `added` are packages that are installed on it; `files` None: they are not known."""

    system: System | None
    files: frozenset[str] | None
    added: frozenset[str]

    def lacks(self, name: str) -> bool:
        """Say whether it is known that a library is not there."""
        if self.files is not None:
            return name not in self.files and not self.added & set(self._owners(name))
        owners = self._owners(name)
        known = self.system is not None and self.system.knows_installed and bool(owners)
        return known and self.system is not None and not (self.system.installed | self.added) & set(owners)

    def package(self, name: str) -> str | None:
        """Return what its package manager has to install to have a library; None where that is not known."""
        return next(iter(self._owners(name)), None)

    def _owners(self, name: str) -> tuple[str, ...]:
        """Return the package of a library; none where it is not known."""
        system = self.system
        if system is None:
            return ()
        if system.manager == "apt":
            names = debian_names(name) if system.exact else ()
            return tuple(one for one in names if system.packages.get(one))
        if system.manager == "apk":
            index = load_alpine(system.own)
            found = index.find(f"so:{name}") if index else None
            return (found.name,) if found else ()
        return (f"{name}()(64bit)",)  # what dnf takes for the package that has it


def debian_names(name: str) -> tuple[str, ...]:
    """Return what the package of a library is called on Debian and Ubuntu, where there is one of these names.

    `libX11.so.6` is in libx11-6: the name and the version in small letters, with a dash where both have a digit.
    """
    package = _OTHERWISE.get(name) or _by_rule(name)
    return (f"{package}{_LONG_TIME}", package) if package else ()


def _by_rule(name: str) -> str | None:
    found = _SONAME.fullmatch(name)
    if not found:
        return None
    stem = found[1].lower().replace("_", "-")
    return f"{stem}{'-' if stem[-1].isdigit() else ''}{found[2].lower()}"


def libraries_of(facts: BaseFacts, added: Iterable[str] = ()) -> Libraries:
    """Return the libraries of a base, to which packages of its system are added, with all that they need."""
    files = facts.userland.libraries if facts.userland else None
    return Libraries(system=system_of(facts), files=None if files is None else frozenset(files), added=frozenset(added))

"""What libraries and tools are called: by build scripts, by Debian, by Alpine, by Fedora. Reads `names.toml`.

The table knows what is common. For the rest Alpine and Fedora let a package be named by what it provides, and a
pkg-config module has the same name on both: `pc:libcurl`, `pkgconfig(libcurl)`.
"""

import re
import tomllib
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import msgspec

Kind = Literal["pkg-config", "library", "header", "cmake", "program", "crate", "language", "virtual", "requirement"]
"""What a name is of: a pkg-config module ("libxml-2.0"), a linked library without lib ("xml2"), a header as it is
included ("libxml/parser.h"), a CMake package ("OpenSSL"), a program ("pg_config", "swig"), a crate ("openssl-sys"), a
language that is compiled ("c", "c++", "cython", "fortran", "rust", "go", "cuda"), a PEP 725 virtual
("interface/blas"), or what pip or setuptools installs before a build ("numpy>=1.13"): no name of the table.
"""
Manager = Literal["apt", "apk", "dnf"]

_VERSION = re.compile(r"-?[0-9]+(\.[0-9]+)*$")
# Where a distribution names its packages by something in them: what it calls a thing of each kind.
_PROVIDED: dict[tuple[str, str], str] = {
    ("apk", "pkg-config"): "pc:{}",
    ("apk", "program"): "cmd:{}",
    ("dnf", "pkg-config"): "pkgconfig({})",
    ("dnf", "cmake"): "cmake({})",
    ("dnf", "program"): "/usr/bin/{}",
    ("dnf", "header"): "/usr/include/{}",
    ("dnf", "library"): "/usr/lib64/lib{}.so",
}
# What each language needs beside its own compiler; all of them need C's headers and linker.
_TOOLCHAINS: dict[str, tuple[str, ...]] = {
    "c": ("c",),
    "cython": ("c",),
    "c++": ("c++", "c"),
    "fortran": ("fortran", "c"),
    "rust": ("rust", "c"),
    "go": ("go", "c"),
    "cuda": ("c++", "c"),
    "python": ("python",),
    "make": ("make",),
    "pkg-config": ("pkg-config",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One library or tool, by all its names; the keys of `names.toml`, where each is explained."""

    name: str
    pkg_config: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    libraries: tuple[str, ...] = ()
    headers: tuple[str, ...] = ()
    cmake: tuple[str, ...] = ()
    crates: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    generic: tuple[str, ...] = ()
    virtual: tuple[str, ...] = ()
    language: str = ""
    deb: tuple[str, ...] = ()
    deb_in: dict[str, tuple[str, ...]] = field(default_factory=dict)
    deb_alike: tuple[str, ...] = ()
    apk: tuple[str, ...] = ()
    apk_until: dict[str, tuple[str, ...]] = field(default_factory=dict)
    dnf: tuple[str, ...] = ()
    el: Literal["", "crb", "epel"] = ""
    apk_runtime: tuple[str, ...] = ()
    dnf_runtime: tuple[str, ...] = ()
    absent: tuple[Manager, ...] = ()
    apart: tuple[Manager, ...] = ()
    lost: str = ""
    unverified: tuple[str, ...] = ()

    @property
    def module(self) -> str:
        """Return the pkg-config module that stands for the library; empty where it has none."""
        return self.pkg_config[0] if self.pkg_config else ""

    def on(self, manager: Manager, release: str = "") -> tuple[str, ...]:
        """Return the packages that a build needs, none if unknown.

        `release` is "debian-12" or "alpine-3.14"; without one, or for one that is not told apart, the newest is meant.
        """
        if manager == "apt":
            return self._on_debian(release)
        if manager == "apk":
            return self._on_alpine(release)
        return self.dnf

    def _on_debian(self, release: str) -> tuple[str, ...]:
        return self.deb_in.get(release) or self.deb_in.get(release.partition("-")[0]) or self.deb

    def _on_alpine(self, release: str) -> tuple[str, ...]:
        wanted = _numbers(release.removeprefix("alpine-"))
        until = sorted(self.apk_until, key=_numbers)
        earlier = next((last for last in until if wanted and wanted <= _numbers(last)), None)
        return self.apk_until[earlier] if earlier else self.apk

    def runtime_on(self, manager: Manager) -> tuple[str, ...]:
        """Return the packages that a built module needs to run; none where they are not known (on apt, never here)."""
        return {"apk": self.apk_runtime, "dnf": self.dnf_runtime}.get(manager, ())


class Names:
    """The table, with an index for each kind of name."""

    def __init__(self, rows: tuple[Row, ...]) -> None:
        """Index the rows; of two that have a name in common the first is meant."""
        self.rows = rows
        self._exact: dict[tuple[str, str], Row] = {}
        self._folded: dict[tuple[str, str], Row] = {}
        for row in rows:
            for kind, name in _names(row):
                self._exact.setdefault((kind, name), row)
                self._folded.setdefault((kind, name.casefold()), row)

    def row_for(self, kind: Kind, name: str) -> Row | None:
        """Return the row of a name of one kind, None where the table has none.

        Capitals count only where two names differ in nothing else. A header may be in a folder that the table has, a
        program may carry a version ("llvm-config-18"), a virtual of PEP 725 its prefix ("dep:virtual/compiler/c").
        """
        if kind == "header":
            return self._header(name)
        if kind == "virtual":
            return self._virtual(name)
        found = self._find(kind, name)
        if not found and kind == "program":
            found = self._find(kind, _VERSION.sub("", name))
        return found

    def _find(self, kind: str, name: str) -> Row | None:
        return self._exact.get((kind, name)) or self._folded.get((kind, name.casefold()))

    def _header(self, name: str) -> Row | None:
        if found := self._exact.get(("header", name)):
            return found
        folders = name.split("/")[:-1][:8]
        prefixes = ("/".join(folders[:depth]) + "/" for depth in range(len(folders), 0, -1))
        return next((row for prefix in prefixes if (row := self._exact.get(("header", prefix)))), None)

    def _virtual(self, name: str) -> Row | None:
        plain = name.removeprefix("pkg:").removeprefix("dep:").removeprefix("virtual/")
        return self._find("virtual", plain) or self._find("generic", plain.removeprefix("generic/"))

    def package_on(self, wanted: Row | str, manager: Manager, release: str = "") -> str:
        """Return the one package to name for a row, or for a pkg-config module; empty where there is no way to.

        That is the plain name where it is known, else what Alpine and Fedora let a package be named by.
        """
        row = self.row_for("pkg-config", wanted) if isinstance(wanted, str) else wanted
        if row:
            if manager in row.absent:
                return ""
            if packages := row.on(manager, release):
                return packages[0]
        module = wanted if isinstance(wanted, str) else wanted.module
        return provided("pkg-config", module, manager) if module else ""

    def toolchain(self, manager: Manager, language: str, release: str = "") -> tuple[str, ...]:
        """Return the packages that compile a language ("c", "c++", "fortran", "rust", ...), none if it is not known.

        "python" stands for the headers of the distribution's own Python, "make" and "pkg-config" for these tools.
        """
        tools = _TOOLCHAINS.get(language, ())
        rows = (row for tool in tools if (row := self._tool(tool)))
        return tuple(dict.fromkeys(package for row in rows for package in row.on(manager, release)))

    def _tool(self, name: str) -> Row | None:
        """Return the row of a compiler or another tool of `_TOOLCHAINS`."""
        return next((row for kind in ("language", "generic") if (row := self._exact.get((kind, name)))), None)


def provided(kind: Kind, name: str, manager: Manager) -> str:
    """Return what a package manager takes for "the package that has this": `pc:zlib`; empty where there is no such."""
    return _PROVIDED.get((manager, kind), "").format(name)


def _names(row: Row) -> list[tuple[str, str]]:
    """Return all that a row is found by, with the kind of each."""
    kinds: dict[str, tuple[str, ...]] = {
        "pkg-config": row.pkg_config + row.also,
        "library": row.libraries,
        "header": row.headers,
        "cmake": row.cmake,
        "crate": row.crates,
        "program": row.programs,
        "generic": row.generic,
        "virtual": row.virtual,
        "language": (row.language,) if row.language else (),
    }
    return [(kind, name) for kind, names in kinds.items() for name in names]


def _numbers(release: str) -> tuple[int, ...]:
    """Return "3.14" as (3, 14): nothing for what is no version, such as "edge"."""
    parts = release.split(".")[:3]
    return tuple(int(part) for part in parts) if all(re.fullmatch(r"[0-9]{1,4}", part) for part in parts) else ()


@cache
def load_names() -> Names:
    """Return the bundled table."""
    raw: dict[str, Any] = tomllib.loads(Path(__file__).with_name("names.toml").read_text(encoding="utf-8"))
    return Names(msgspec.convert(raw["row"], tuple[Row, ...]))

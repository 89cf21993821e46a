"""From what a log says is missing to packages of a base, by the names and the contents that `system` knows. Pure."""

import re
from collections.abc import Iterable, Iterator
from typing import cast

from wheelbase.research.logs import Finding
from wheelbase.system.alpine import load_alpine
from wheelbase.system.names import Kind, Row, provided
from wheelbase.system.platform import System

# Compilers by the names that builds call them by, with or without the system that they compile for.
_COMPILERS = (
    (re.compile(r"(?:[\w-]+-)?(?:g\+\+|c\+\+|clang\+\+)(?:-[\d.]+)?|cxx"), "c++"),
    (re.compile(r"(?:[\w-]+-)?(?:gcc|cc|clang|c[89]9)(?:-[\d.]+)?|c"), "c"),
    (re.compile(r"(?:[\w-]+-)?(?:gfortran|f77|f90|f95|fortran)(?:-[\d.]+)?"), "fortran"),
    (re.compile(r"cargo|rustc|rust"), "rust"),
)
_DEVELOPMENT = re.compile(r"-dev(?:el)?$")
_LIBRARIES: tuple[Kind, ...] = ("pkg-config", "library", "cmake")
_ASKED_OF_PKG_CONFIG = ("header", "library", "word")
_MOST = 3


def candidates(finding: Finding, system: System) -> tuple[tuple[str, ...], ...]:
    """Return what may cure a finding on a base, the likeliest first: packages that are installed together."""
    if not finding.curable:
        return ()
    found = list(dict.fromkeys(group for group in _groups(finding.kind, finding.name, system) if group))
    if found and finding.kind in _ASKED_OF_PKG_CONFIG:
        # Scripts that ask pkg-config where a library is often do not say that there is no pkg-config.
        tool = system.names.toolchain(system.manager, "pkg-config", system.own or system.release)
        found.insert(1, (*found[0], *tool))
    return tuple(found[:_MOST])


def _groups(kind: str, name: str, system: System) -> Iterator[tuple[str, ...]]:
    language = _language(name) if kind in ("language", "program") else None
    if language:
        yield _toolchain(language, system)
    elif kind == "language":
        yield system.names.toolchain(system.manager, name, system.own or system.release)
    elif kind == "word":
        yield from _of_word(name, system)
    else:
        named = cast(Kind, kind)
        if system.names.row_for(named, name) is None:
            yield from _provided(named, name, system)
        yield from _of_name(named, name, system)


def _language(name: str) -> str | None:
    return next((language for regex, language in _COMPILERS if regex.fullmatch(name.lower())), None)


def _toolchain(language: str, system: System) -> tuple[str, ...]:
    """Return a compiler, with Python's headers; its bare names where the base was thought to have one."""
    return system.toolchain(language) or system.names.toolchain(system.manager, language, system.own or system.release)


def _of_name(kind: Kind, name: str, system: System) -> Iterator[tuple[str, ...]]:
    """Yield the packages that have a thing of a name."""
    name = name.removeprefix("./")
    row = system.names.row_for(kind, name) or (system.names.row_for("pkg-config", name) if kind == "cmake" else None)
    owners = _owners(kind, name, system)
    package = system.of_row(row) if row else None
    # A row may have a whole folder of headers, of which another package has this one.
    in_folder = row is not None and kind == "header" and name not in row.headers
    if row and package and (not in_folder or not owners or _has_one_of(package, owners, system)):
        yield (_called(package, row, system),)
    elif row and not package and (listed := row.on(system.manager, system.own)):
        yield listed
    for package in owners:
        if system.contents.is_toolchain(package):
            yield _toolchain("c", system)
        else:
            yield (_called(package, row, system),)


def _owners(kind: Kind, name: str, system: System) -> list[str]:
    """Return the packages of the consulted release that have it, the likeliest first."""
    contents = system.contents
    if kind == "header":
        hits = contents.header(name)
        nearest = [hit.package for hit in hits if hit.depth == hits[0].depth]
        return sorted(dict.fromkeys(nearest), key=lambda package: not _DEVELOPMENT.search(package))
    found: Iterable[str] = ()
    if kind == "pkg-config":
        lower = name.lower()
        found = contents.pkg_config(name) or contents.pkg_config(lower) or contents.cmake(lower)
    elif kind == "library":
        found = contents.library(name)
    elif kind == "cmake":
        lower = name.lower()
        found = contents.cmake(name) or contents.pkg_config(lower) or contents.pkg_config(f"lib{lower}")
    elif kind == "program":
        found = contents.program(name) or contents.program(name.lower())
    return sorted(found, key=lambda one: (not _DEVELOPMENT.search(one), -contents.popularity(one), len(one), one))


def _has_one_of(package: str, owners: Iterable[str], system: System) -> bool:
    return not {package, *system.contents.stands_for(package)}.isdisjoint(owners)


def _called(package: str, row: Row | None, system: System) -> str:
    modules = system.contents.modules_of(package)
    module = (row.module if row else "") or next(iter(sorted(modules, key=lambda one: (len(one), one))), None)
    return system.name_of(package, row, module)


def _provided(kind: Kind, name: str, system: System) -> Iterator[tuple[str, ...]]:
    """Yield what the base's package manager lets a package be named by, if it is one that there is."""
    entry = provided(kind, name, system.manager)
    if system.manager == "apk" and entry:
        index = load_alpine(system.own)
        package = index.find(entry) if index else None
        if package:
            yield (package.name,)
    elif system.manager == "dnf" and entry:
        yield (entry,)


def _of_word(word: str, system: System) -> Iterator[tuple[str, ...]]:
    """Yield the packages that an author may mean by a word: a package itself, a library by one of its names."""
    plain = word.lower()
    if system.manager == "apt" and _DEVELOPMENT.search(plain) and system.packages.get(plain):
        yield (plain,)
    stem = _DEVELOPMENT.sub("", plain)
    bare = stem.removeprefix("lib")
    for name in dict.fromkeys((_DEVELOPMENT.sub("", word), stem, bare, f"lib{bare}")):
        for kind in _LIBRARIES:
            yield from _of_name(kind, name, system)
    for name in (f"lib{bare}-dev", f"{bare}-dev"):
        if system.packages.get(name):
            yield (_called(name, None, system),)
    if any(hit.depth == 0 for hit in system.contents.header(f"{bare}.h")):
        yield from _of_name("header", f"{bare}.h", system)
    yield from _of_name("program", stem, system)

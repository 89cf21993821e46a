"""Versions that a build asks for, against those of a release: what does not hold, no package cures."""

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from wheelbase.source.findings import Flag
from wheelbase.system.platform import System

_ASKED = re.compile(r"([\w.+-]{1,80}) ?(>=|>|==?|<=?|~=|\^) ?(\d[\d.]{0,30})")
_NUMBERED_APART = re.compile(r"lib(?:av|sw|postproc)\w+")  # FFmpeg numbers its libraries otherwise than itself
_PKG_RESOURCES = "pkg_resources is imported"  # which setuptools has where Python is too old for its newest release
_WITH_PKG_RESOURCES = [3, 8]
_PACKAGES = {"rust": "rustc", "FFmpeg": "libavcodec-dev"}  # of what goes by another name


class Told(NamedTuple):
    """A flag, and whether the release is known to have too old or too new a version."""

    flag: Flag
    fails: bool


def against_release(flags: Iterable[Flag], system: System) -> Iterator[Told]:
    """Yield the flags of an archive but for those of versions that a release is known to have."""
    python = _numbers(_python_of(system))
    for flag in flags:
        if flag.text.startswith(_PKG_RESOURCES) and python and _holds(python, "<=", _WITH_PKG_RESOURCES):
            continue
        asked = _ASKED.fullmatch(flag.text) if flag.kind == "version" else None
        there = _version_of(asked[1], system) if asked else ""
        if asked is None or not there:
            yield Told(flag, False)
        elif not _holds(_numbers(there), asked[2], _numbers(asked[3])):
            yield Told(msgspec.structs.replace(flag, text=f"needs {flag.text}, and this release has {there}"), True)


def _version_of(name: str, system: System) -> str:
    """Return the version that a release has of what goes by a name, without what packaging adds; empty if unknown."""
    if name == "Python":
        return _python_of(system)
    if system.manager != "apt" or _NUMBERED_APART.fullmatch(name):
        return ""
    rows = (system.names.row_for(kind, name) for kind in ("pkg-config", "cmake"))
    packages = [
        *([_PACKAGES[name]] if name in _PACKAGES else []),
        *(package for row in rows if row and (package := system.of_row(row))),
        *system.contents.pkg_config(name),
    ]
    found = next((known for package in packages if (known := system.packages.get(package))), None)
    match = re.match(r"(?:\d+:)?(\d+(?:\.\d+)*)", found.version) if found else None
    return match[1] if match else ""


def _python_of(system: System) -> str:
    return "".join(re.findall(r"^\d+(?:\.\d+)*", system.python))


def _numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".") if part]


def _holds(there: list[int], operator: str, asked: list[int]) -> bool:
    length = len(asked)
    padded = [*there, *[0] * (length - len(there))]
    match operator:
        case ">=" | "~=" | "^":
            return padded >= asked
        case ">":
            return padded > asked
        case "<":
            return padded[:length] < asked
        case "<=":
            return padded[:length] <= asked
    return padded[:length] == asked

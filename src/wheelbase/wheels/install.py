"""Where the files of a wheel go in a virtual environment, and what is written beside them. Pure, but for the wheel.

As `installer` does it, which means that a wheel whose RECORD is not true of it is refused; but scripts of entry points
are without what is there for Windows, and bytecode is not in RECORD. Sources: the specifications of binary
distributions, of recording installed projects and of entry points on packaging.python.org.
"""

from __future__ import annotations

import configparser
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from email.parser import HeaderParser
from typing import Literal

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from wheelbase.wheels.archive import Entry, WheelArchive
from wheelbase.wheels.paths import collision, is_fit
from wheelbase.wheels.record import Claim, check_claim, claim_of, new_record, read_record

#: Where the virtual environment lies in an image.
VENV = "opt/venv"
_INSTALLER = b"wheelbase\n"
_PYTHON = f"/{VENV}/bin/python"
_SCRIPT = """\
#!{python}
# -*- coding: utf-8 -*-
import sys
from {module} import {first}
if __name__ == "__main__":
    sys.exit({attribute}())
"""
_REFERENCE = re.compile(r"(?P<module>[\w.]+)\s*:\s*(?P<attribute>[\w.]+)\s*(\[.*\])?\s*")
_SCHEMES = ("purelib", "platlib", "scripts", "headers", "data")


@dataclass(frozen=True, slots=True, kw_only=True)
class VenvPython:
    """What decides where files go in a virtual environment: `version` is (major, minor)."""

    version: tuple[int, int]
    implementation: Literal["cpython", "pypy"] = "cpython"
    free_threaded: bool = False

    @property
    def lib(self) -> str:
        """The folder of the library, from the virtual environment's: `lib/python3.13`."""
        name = "python" if self.implementation == "cpython" else "pypy"
        return f"lib/{name}{self.version[0]}.{self.version[1]}{'t' if self.free_threaded else ''}"

    @property
    def site_packages(self) -> str:
        """The folder that modules are imported from, from the virtual environment's."""
        return f"{self.lib}/site-packages"

    @property
    def cache_tag(self) -> str:
        """What is in the names of .pyc files: `cpython-313`."""
        number = f"{self.version[0]}{self.version[1]}"
        return f"cpython-{number}" if self.implementation == "cpython" else f"pypy{number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A file in the virtual environment: `path` is from its folder on.

    Its bytes are those of `entry`, whose `claim` has to be proved, or `data` where there is none.
    """

    path: str
    mode: int
    claim: Claim
    data: bytes = b""
    entry: Entry | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """A wheel as it is to be installed: its package's normalised name, its version, its files by path."""

    package: str
    version: str
    files: tuple[Installed, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    """A file, and the line of RECORD that is its: its path there, and the one that lines are sorted by."""

    file: Installed
    recorded: str
    sorted_by: str


def installation_of(archive: WheelArchive, python: VenvPython) -> Installation:
    """Return where the files of a wheel go; WheelError where it is not as a wheel has to be.

    The archive has the wheel's file name. Most files are not read: that their claims hold is still to be seen.
    """
    try:
        package, version, _, _ = parse_wheel_filename(archive.name)
    except InvalidWheelFilename as error:
        raise archive.error("has a name that no wheel can have") from error
    dist_info = _dist_info(archive, package)
    _check_format(archive, dist_info)
    folders = _folders(python, dist_info)
    places = [*_from_wheel(archive, dist_info, folders), *_scripts(archive, dist_info, folders)]
    places.append(_written(f"{dist_info}/INSTALLER", _INSTALLER, folders))
    lines = [(place.sorted_by, place.recorded, place.file.claim) for place in places]
    places.append(_written(f"{dist_info}/RECORD", new_record(lines, f"{dist_info}/RECORD"), folders))
    if trouble := collision([place.file.path for place in places]):
        raise archive.error(f"would install what cannot lie side by side: {trouble}")
    files = sorted((place.file for place in places), key=lambda file: file.path)
    return Installation(package=package, version=str(version), files=tuple(files))


def _dist_info(archive: WheelArchive, package: str) -> str:
    found = {path.partition("/")[0] for path in archive.entries if ".dist-info/" in path}
    found = {folder for folder in found if folder.endswith(".dist-info")}
    if len(found) != 1:
        raise archive.error(f"has {len(found)} .dist-info folders, not one")
    (dist_info,) = found
    if canonicalize_name(_name(dist_info)) != package:
        raise archive.error(f"is of another package than its name says: it has {dist_info!r}")
    if missing := [name for name in ("METADATA", "RECORD", "WHEEL") if f"{dist_info}/{name}" not in archive.entries]:
        raise archive.error(f"has no {missing[0]}")
    return dist_info


def _name(dist_info: str) -> str:
    return dist_info.removesuffix(".dist-info").rpartition("-")[0]


def _check_format(archive: WheelArchive, dist_info: str) -> None:
    """Refuse another major version of the format. Root-Is-Purelib says nothing here: both roots are one folder."""
    headers = HeaderParser().parsestr(archive.text(f"{dist_info}/WHEEL"))
    version = str(headers.get("Wheel-Version", "")).strip()
    if not version.startswith("1."):
        raise archive.error(f"is of version {version!r} of the format; wheelbase knows 1")


def _folders(python: VenvPython, dist_info: str) -> Mapping[str, str]:
    """Return the folder of each scheme, from the virtual environment's; headers are where pip puts them."""
    return {
        "purelib": python.site_packages,
        "platlib": python.site_packages,
        "scripts": "bin",
        "headers": f"include/site/python{python.version[0]}.{python.version[1]}/{_name(dist_info)}",
        "data": "",
    }


def _from_wheel(archive: WheelArchive, dist_info: str, folders: Mapping[str, str]) -> Iterator[_Place]:
    """Yield the files of the wheel, but those that are made anew, and bytecode, which nobody can check."""
    record = read_record(archive, dist_info)
    made_anew = {f"{dist_info}/{name}" for name in ("RECORD", "INSTALLER")}
    for path, entry in archive.entries.items():
        claim = claim_of(archive, dist_info, entry, record.get(path))
        if path in made_anew or "__pycache__" in path.split("/")[:-1]:
            continue
        scheme, within = _scheme(archive, path)
        # A wheel that was made on Windows does not say that its scripts can be run.
        mode = 0o755 if entry.executable or scheme == "scripts" else 0o644
        if claim is None or (scheme == "scripts" and archive.head(entry, 8) == b"#!python"):
            data = archive.read(entry)
            if claim:
                check_claim(archive, entry, claim, claim.hasher(data))
            if data.startswith(b"#!python") and scheme == "scripts":
                data = f"#!{_PYTHON}\n".encode() + data.partition(b"\n")[2]
            yield _placed(scheme, within, folders, mode=mode, claim=Claim.of(data), data=data)
        else:
            yield _placed(scheme, within, folders, mode=mode, claim=claim, entry=entry)


def _scheme(archive: WheelArchive, path: str) -> tuple[str, str]:
    """Return the scheme of a file, and its path in the scheme's folder."""
    first, _, rest = path.partition("/")
    if not first.endswith(".data") or not rest:
        return "purelib", path
    scheme, _, within = rest.partition("/")
    if scheme not in _SCHEMES or not within:
        raise archive.error("is of no scheme that a virtual environment has", path)
    return scheme, within


def _scripts(archive: WheelArchive, dist_info: str, folders: Mapping[str, str]) -> Iterator[_Place]:
    """Yield the scripts that start entry points."""
    path = f"{dist_info}/entry_points.txt"
    if path not in archive.entries:
        return
    parser = configparser.ConfigParser(delimiters="=", interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are not to be lowered
    try:
        parser.read_string(archive.text(path))
    except configparser.Error as error:
        raise archive.error(f"cannot be read: {error.message}", path) from error
    for section in ("console_scripts", "gui_scripts"):
        for name, reference in parser.items(section) if parser.has_section(section) else ():
            found = _REFERENCE.fullmatch(reference)
            if not found or "/" in name or not is_fit(name):
                raise archive.error(f"has an entry point that cannot be started: {name} = {reference}"[:300], path)
            module, attribute = found["module"], found["attribute"]
            first = attribute.partition(".")[0]
            script = _SCRIPT.format(python=_PYTHON, module=module, first=first, attribute=attribute)
            data = script.encode()
            yield _placed("scripts", name, folders, mode=0o755, claim=Claim.of(data), data=data)


def _written(path: str, data: bytes, folders: Mapping[str, str]) -> _Place:
    return _placed("purelib", path, folders, mode=0o644, claim=Claim.of(data), data=data)


def _placed(
    scheme: str,
    within: str,
    folders: Mapping[str, str],
    *,
    mode: int,
    claim: Claim,
    data: bytes = b"",
    entry: Entry | None = None,
) -> _Place:
    folder = folders[scheme]
    path = f"{folder}/{within}" if folder else within
    recorded = within if folder == folders["purelib"] else f"../../../{path}"
    file = Installed(path=path, mode=mode, claim=claim, data=data, entry=entry)
    return _Place(file=file, recorded=recorded, sorted_by=within)

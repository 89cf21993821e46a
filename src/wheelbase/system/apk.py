"""What installing packages on Alpine brings along, and how large it is. Reads `apk.toml`.

Where the user has an index of Alpine's (`APKINDEX`), its packages go before the bundled table, which knows the common
ones, partly by estimates, and which names its source for each.
"""

import re
import tomllib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from wheelbase.system.packages import Closure, SystemPackage

_MAX_INDEX = 64 << 20  # Alpine's largest has 12 MB
_MAX_LINE = 64 << 10
_MAX_PACKAGES = 200_000
_NO_RELEASE = 1_000_000
_RELATION = re.compile(r"[<>=~@]")
_SIZE = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ApkPackage:
    """One package of an index; sizes in bytes. `needs` and `provides` are names, of which versions were cut off."""

    name: str
    version: str
    download_bytes: int
    installed_bytes: int
    needs: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ApkTable:
    """Packages by name, and by what they provide (`pc:zlib`, `so:libz.so.1`, `cmd:gcc`)."""

    packages: Mapping[str, ApkPackage]
    provider: Mapping[str, str] = field(default_factory=dict)

    def find(self, wanted: str) -> ApkPackage | None:
        """Return the package of a name, or the one that provides it."""
        return self.packages.get(wanted) or self.packages.get(self.provider.get(wanted, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class ApkClosure(Closure):
    """What an installation adds; `estimated` are those of the packages whose size was derived rather than read."""

    estimated: tuple[str, ...] = ()


class _Size(msgspec.Struct, frozen=True, array_like=True):
    release: str
    version: str
    installed_bytes: int
    source: str
    download_bytes: int = 0


class _Row(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    sizes: tuple[_Size, ...]
    needs: tuple[str, ...] = ()
    since: str = ""
    until: str = ""


class _Bundled(msgspec.Struct, frozen=True, kw_only=True):
    download_ratio: float
    sources: dict[str, str]
    estimates: dict[str, str]
    package: tuple[_Row, ...]


def closure_on_alpine(
    names: Iterable[str], release: str, *, installed: frozenset[str] = frozenset(), index: ApkTable | None = None
) -> ApkClosure:
    """Return what `apk add NAMES` adds on a release ("alpine-3.22", "edge") to a system that has `installed`.

    `missing` are the names that neither the index nor the table knows. What a known package needs and nothing knows
    is taken to be small, and left out.
    """
    table, estimated = table_of(release)
    tables = [index, table] if index else [table]
    added: dict[str, ApkPackage] = {}
    missing = []
    left = deque((name, True) for name in dict.fromkeys(names))
    while left:
        wanted, asked = left.popleft()
        if wanted in installed or wanted in added:
            continue
        package = next((found for known in tables if (found := known.find(wanted))), None)
        if package is None:
            missing += [wanted] if asked else []
        elif package.name not in installed and package.name not in added:
            added[package.name] = package
            left.extend((name, False) for name in package.needs)
    return _closure(added, missing, estimated if index is None else estimated - index.packages.keys())


def _closure(added: Mapping[str, ApkPackage], missing: Iterable[str], estimated: frozenset[str]) -> ApkClosure:
    packages = [added[name] for name in sorted(added)]
    return ApkClosure(
        packages=tuple(
            SystemPackage(
                name=package.name,
                version=package.version,
                download_bytes=package.download_bytes,
                installed_bytes=package.installed_bytes,
            )
            for package in packages
        ),
        download_bytes=sum(package.download_bytes for package in packages),
        installed_bytes=sum(package.installed_bytes for package in packages),
        missing=tuple(missing),
        estimated=tuple(package.name for package in packages if package.name in estimated),
    )


@cache
def table_of(release: str) -> tuple[ApkTable, frozenset[str]]:
    """Return the bundled table as of a release, and which of its packages have an estimated size.

    A package that was not seen in the release has the size of the nearest in which it was; sizes of another release
    count as estimates too.
    """
    bundled = _bundled()
    number = _number(release)
    packages = {}
    estimated = set()
    for row in bundled.package:
        if (row.since and number < _number(row.since)) or (row.until and number > _number(row.until)):
            continue
        size = min(row.sizes, key=lambda size: abs(_number(size.release) - number))
        if size.source not in bundled.sources or _number(size.release) != number:
            estimated.add(row.name)
        packages[row.name] = ApkPackage(
            name=row.name,
            version=size.version,
            installed_bytes=size.installed_bytes,
            download_bytes=size.download_bytes or round(size.installed_bytes * bundled.download_ratio),
            needs=row.needs,
        )
    return ApkTable(packages=packages, provider=_other_names(packages)), frozenset(estimated)


def _other_names(packages: Mapping[str, ApkPackage]) -> dict[str, str]:
    """Return the names under which Alpine has some packages besides: kept by hand, they are few."""
    names = {
        "jpeg-dev": "libjpeg-turbo-dev",
        "libc-dev": "musl-dev",
        "pkgconfig": "pkgconf",
        "mysql-dev": "mariadb-dev",
        "postgresql-dev": "libpq-dev",
        "lapack-dev": "openblas-dev",
        "blas-dev": "openblas-dev",
        "ninja": "samurai",
    }
    return {name: package for name, package in names.items() if name not in packages}


def read_apkindex(text: str) -> ApkTable:
    """Return the packages of an APKINDEX: blocks of `P:name`, `V:`, `S:`, `I:`, `D:`, `p:`; what is broken is left out.

    Of several versions of one package the last is kept, as apk lists them rising. See apk-package(5).
    """
    packages: dict[str, ApkPackage] = {}
    provider: dict[str, str] = {}
    for fields in _blocks(text[:_MAX_INDEX]):
        package = _package(fields)
        if package is None:
            continue
        if len(packages) >= _MAX_PACKAGES:
            break
        packages[package.name] = package
        for provided in package.provides:
            provider.setdefault(provided, package.name)
    return ApkTable(packages=packages, provider=provider)


def _blocks(text: str) -> Iterator[dict[str, str]]:
    """Yield the fields of each block, by their letter."""
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        if not line.strip():
            if fields:
                yield fields
            fields = {}
        elif line[1:2] == ":" and len(line) <= _MAX_LINE:
            fields[line[0]] = line[2:].strip()
    if fields:
        yield fields


def _package(fields: Mapping[str, str]) -> ApkPackage | None:
    name = fields.get("P", "")
    sizes = [fields.get("S", ""), fields.get("I", "")]
    if not name or " " in name or not all(_SIZE.fullmatch(size) for size in sizes):
        return None
    return ApkPackage(
        name=name,
        version=fields.get("V", ""),
        download_bytes=int(sizes[0]),
        installed_bytes=int(sizes[1]),
        needs=tuple(_names(fields.get("D", ""))),
        provides=tuple(_names(fields.get("p", ""))),
    )


def _names(relations: str) -> Iterator[str]:
    """Yield the names in "musl>=1.2 so:libz.so.1 !vlan" without versions; a conflict (!) is none."""
    for relation in relations.split():
        name = _RELATION.split(relation, maxsplit=1)[0]
        if name and not name.startswith("!"):
            yield name


def _number(release: str) -> int:
    """Return "alpine-3.22" or "3.22.1" as 322; what is no release ("edge") comes after all of them."""
    found = re.fullmatch(r"(?:alpine-)?([0-9]{1,3})\.([0-9]{1,2})(\..{0,20})?", release)
    return int(found[1]) * 100 + int(found[2]) if found else _NO_RELEASE


@cache
def _bundled() -> _Bundled:
    raw: dict[str, Any] = tomllib.loads(Path(__file__).with_name("apk.toml").read_text(encoding="utf-8"))
    return msgspec.convert(raw, _Bundled)

"""Which hazards the code of a wheel has signs of, read once and kept by its hash. Reads files.

Whether a program comes to a place in a package that it needs is not known: what is sure in an application's own code is
not in that of others, and what is not sure there is left out here.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import WheelError
from wheelbase.probes.application import Place
from wheelbase.probes.signs import Sign, signs_of
from wheelbase.probes.threads import parsed_in_threads
from wheelbase.source.syntax import parse_quietly
from wheelbase.wheels.archive import WheelArchive, open_wheel
from wheelbase.wheels.paths import is_test

# To be raised whenever a wheel would be read in another way.
_VERSION = 2
_LARGEST = 1 << 20
_MOST_FILES = 5_000


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    hazard: str
    file: str
    line: int
    what: str


def places_in_wheel(path: Path, filename: str, sha256: str, package: str) -> Iterator[tuple[str, Place]]:
    """Yield the hazards that a wheel's modules have signs of, each with its place; none of a broken wheel."""
    cache, key = Cache("signs-1"), f"{_VERSION} {sha256}"
    if kept := cache.get(key):
        found = msgspec.msgpack.decode(kept, type=list[_Found])
    else:
        try:
            with open_wheel(path, filename) as archive:
                found = list(_found(archive))
        except WheelError:
            return
        cache.put(key, msgspec.msgpack.encode(found))
    for one in found:
        yield one.hazard, Place(file=one.file, line=one.line, what=one.what, sure=False, package=package)


def _found(archive: WheelArchive) -> Iterator[_Found]:
    modules = [entry for entry in archive.entries.values() if entry.path.endswith(".py") and not is_test(entry.path)]
    for entry in modules[:_MOST_FILES]:
        if entry.size > _LARGEST:
            continue
        try:
            module = parse_quietly(archive.read(entry))
            signs: list[Sign] = [*signs_of(module), *parsed_in_threads(module)]
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for sign in signs:
            if sign.sure:
                yield _Found(hazard=sign.hazard, file=entry.path, line=sign.line, what=sign.what)

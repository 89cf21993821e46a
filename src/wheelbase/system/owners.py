"""From a Contents index to the tables of who owns which file. Pure.

Many packages have copies of others' files: finder modules of CMake, libraries in a folder of their own. Where the
original is known the copies are left out.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping

from wheelbase.system.debian import contents
from wheelbase.system.owned_files import WANTED, OwnedFile, classified, is_development
from wheelbase.system.tables import HeaderTable

Owners = dict[OwnedFile, tuple[str, ...]]

_WORD = re.compile(r"[a-z]+")


def read_owners(lines: Iterable[bytes], packages: Mapping[str, str], built_with: Collection[str]) -> Owners:
    """Return who owns what a build may look for. `packages` are the sections by name of those that are kept."""
    found: Owners = {}
    for path, owners in contents(lines, WANTED):
        file = classified(path)
        if file:
            known = [owner for owner in owners if owner in packages]
            kept = [owner for owner in known if _counts(file, owner, packages[owner], built_with)]
            if kept:
                found[file] = tuple(sorted({*found.get(file, ()), *kept}))
    return _without_copies(found)


def _counts(file: OwnedFile, owner: str, section: str, built_with: Collection[str]) -> bool:
    if file.kind in ("pkg-config", "shared"):
        return True
    if file.kind == "cmake":
        return not file.folder or _stem(file.name) in _stem(owner)
    return is_development(owner, section) or (file.kind == "program" and owner in built_with)


def _without_copies(found: Owners) -> Owners:
    """Leave out libraries in a folder of their own where the linker's path has one, and other packages' CMake files."""
    kept: Owners = {}
    for file, owners in found.items():
        if file.kind == "header":
            kept[file] = owners
            continue
        named = file._replace(folder="")
        if file.kind == "library" and file.folder and named in found:
            continue
        kept[named] = tuple(sorted({*kept.get(named, ()), *owners}))
    return {file: _originals(file, owners) for file, owners in kept.items()}


def _originals(file: OwnedFile, owners: tuple[str, ...]) -> tuple[str, ...]:
    if file.kind != "cmake" or len(owners) == 1:
        return owners
    return tuple(owner for owner in owners if _stem(file.name) in _stem(owner)) or owners


def _stem(name: str) -> str:
    """Return the letters of a name: `opencv` for OpenCV, `libopencvdev` for libopencv-dev."""
    return "".join(_WORD.findall(name.lower()))


def header_table(owners: Owners) -> HeaderTable:
    """Return the rows of headers, those of one package together."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file, found in owners.items():
        if file.kind == "header":
            groups[",".join(found), file.folder].append(file.name)
    return [(who, folder, "\n".join(sorted(names))) for (who, folder), names in sorted(groups.items())]


def name_table(owners: Owners) -> dict[str, list[tuple[str, str]]]:
    """Return, by kind, the rows of files that are looked for by name alone."""
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for file, found in owners.items():
        if file.kind not in ("header", "shared"):
            groups[file.kind, ",".join(found)].append(file.name)
    table: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for (kind, who), names in sorted(groups.items()):
        table[kind].append((who, "\n".join(sorted(names))))
    return dict(table)


def owning(owners: Owners, *kinds: str) -> frozenset[str]:
    """Return the packages that own a file of one of the kinds."""
    return frozenset(owner for file, found in owners.items() if file.kind in kinds for owner in found)

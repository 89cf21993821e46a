"""Makes the snapshot of a release from its archive's indices. Pure: the indices come as lines.

What is kept is small enough to ship: who owns the files that a build looks for, how often each package is built with,
and the packages that any of these brings along.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from wheelbase.system.debian import Relations, relations, stanzas
from wheelbase.system.owned_files import is_foreign
from wheelbase.system.owners import Owners, header_table, name_table, owning, read_owners
from wheelbase.system.tables import OPTIONAL, OwnerTable, PackageTable, Popularity, written

ARCHITECTURE = "amd64"
# What the official Python images install or build with, and what a Dockerfile asks for by habit.
_ALWAYS = "apt bash build-essential ca-certificates curl git netbase python3-dev tzdata wget".split()
_COMPILERS = ("gcc", "g++", "libc6-dev")
_PACKAGE = frozenset(
    "Package Version Section Priority Essential Depends Pre-Depends Recommends Provides Size Installed-Size".split()
)
_SOURCE = frozenset(("Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep"))
_PRIORITIES = {"required": 0, "important": 1, "standard": 2}
_DEVELOPMENT = ("-dev", "-dev-compat")


class Binary(NamedTuple):
    """One stanza of Packages. Sizes are in bytes, and in KiB as installed; `priority` is 0 to 3."""

    name: str
    version: str
    section: str
    priority: int
    essential: bool
    depends: Relations
    recommends: Relations
    provides: tuple[str, ...]
    download_bytes: int
    installed_kib: int


Binaries = Mapping[str, Binary]


def sections(
    contents_lines: Iterable[bytes], packages_lines: Iterable[str], sources_lines: Iterable[str]
) -> dict[str, object]:
    """Return the sections of a snapshot, from the lines of Contents, Packages and Sources."""
    binaries = {found.name: found for found in map(_binary, stanzas(packages_lines, _PACKAGE)) if found}
    built_with = _built_with(sources_lines)
    owners = read_owners(contents_lines, {name: found.section for name, found in binaries.items()}, built_with)
    asked = owning(owners, "header", "pkg-config", "library", "cmake", "program")
    kept = _closed({*asked, *built_with, *_ALWAYS}, binaries)
    return {
        "headers": header_table(owners),
        "owners": OwnerTable(
            kinds=name_table(owners),
            toolchain=sorted(_brought_along(_COMPILERS, binaries)),
            stands_for=_stands_for(binaries, owners),
        ),
        "popularity": {name: built_with[name] for name in sorted(built_with) if name in kept},
        "packages": _package_table([binaries[name] for name in sorted(kept)], built_with, owning(owners, "shared")),
    }


def _binary(stanza: Mapping[str, str]) -> Binary | None:
    """Return the package, None where it is of use for another system only, or has no name."""
    name = stanza.get("Package", "")
    if not name or is_foreign(name):
        return None
    return Binary(
        name=name,
        version=stanza.get("Version", ""),
        section=stanza.get("Section", ""),
        priority=_PRIORITIES.get(stanza.get("Priority", ""), OPTIONAL),
        essential=stanza.get("Essential") == "yes",
        depends=relations(f"{stanza.get('Pre-Depends', '')},{stanza.get('Depends', '')}"),
        recommends=relations(stanza.get("Recommends", "")),
        provides=tuple(name for group in relations(stanza.get("Provides", "")) for name in group),
        download_bytes=_number(stanza.get("Size", "")),
        installed_kib=_number(stanza.get("Installed-Size", "")),
    )


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else 0


def _built_with(sources_lines: Iterable[str]) -> Popularity:
    count: dict[str, int] = defaultdict(int)
    for stanza in stanzas(sources_lines, _SOURCE):
        for name in {name for field in stanza.values() for group in relations(field) for name in group}:
            if not is_foreign(name):
                count[name] += 1
    return dict(count)


def _stands_for(binaries: Binaries, owners: Owners) -> dict[str, list[str]]:
    """Return the packages that have no headers of their own, and the -dev packages that each leads to.

    `libjpeg-dev` is one: others build-depend on it, but `libjpeg62-turbo-dev` has the headers.
    """
    having = owning(owners, "header", "pkg-config")
    leads = {}
    for name, binary in sorted(binaries.items()):
        leading = name not in having or name.startswith("default-") or name.endswith("-dev-compat")
        if leading and name.endswith(_DEVELOPMENT):
            targets = [group[0] for group in binary.depends if group[0].endswith(_DEVELOPMENT)]
            if 0 < len(targets) <= 2:
                leads[name] = targets
    return leads


def _brought_along(names: Iterable[str], binaries: Binaries) -> set[str]:
    """Return the packages and what they depend on, the first of alternatives taken."""
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name in binaries and name not in found:
            found.add(name)
            left += [group[0] for group in binaries[name].depends]
    return found


def _closed(names: Iterable[str], binaries: Binaries) -> set[str]:
    """Return the packages and all that they may bring along or recommend, whichever provider is taken."""
    providers: dict[str, list[str]] = defaultdict(list)
    for name, binary in binaries.items():
        for provided in binary.provides:
            providers[provided].append(name)
    kept: set[str] = set()
    left = [*names, *(name for name, binary in binaries.items() if binary.essential or binary.priority == 0)]
    while left:
        name = left.pop()
        if name in binaries and name not in kept:
            kept.add(name)
            groups = (*binaries[name].depends, *binaries[name].recommends)
            left += [other for group in groups for choice in group for other in (choice, *providers[choice])]
    return kept


def _package_table(kept: list[Binary], built_with: Collection[str], libraries: Collection[str]) -> PackageTable:
    groups = [group for binary in kept for group in (*binary.depends, *binary.recommends)]
    asked = {name for group in groups for name in group} | set(built_with)
    return PackageTable(
        names="\n".join(binary.name for binary in kept),
        versions="\n".join(binary.version for binary in kept),
        depends="\n".join(written(binary.depends) for binary in kept),
        recommends="\n".join(written(binary.recommends) for binary in kept),
        provides="\n".join(",".join(name for name in binary.provides if name in asked) for binary in kept),
        download_bytes=[binary.download_bytes for binary in kept],
        installed_kib=[binary.installed_kib for binary in kept],
        priorities={binary.name: binary.priority for binary in kept if binary.priority != OPTIONAL},
        essential=[binary.name for binary in kept if binary.essential],
        libraries=[binary.name for binary in kept if binary.name in libraries],
    )

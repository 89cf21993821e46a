"""Who owns the files that a build looks for: headers, pkg-config modules, libraries, CMake packages, programs.

Nothing is unpacked before the first question: headers are the larger part, and a question about anything else does
not wait for them.
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from functools import cache, cached_property
from typing import NamedTuple

from wheelbase.system.owned_files import TRIPLET
from wheelbase.system.releases import load_snapshot
from wheelbase.system.snapshot_file import Snapshot
from wheelbase.system.tables import HeaderTable, OwnerTable, Popularity

# Python's own headers, and those of compilers of other versions than the release's own.
_ALWAYS_THERE = re.compile(r"(?:lib)?python3[\d.]*(?:-all)?-dev|lib(?:gcc|stdc\+\+)-\d+-dev|(?:gcc|g\+\+|cpp)-\d+")
# What a compiler looks into by itself, below /usr.
_SEARCHED = re.compile(rf"lib/gcc/{TRIPLET}/\d+/include/|include/(?:{TRIPLET}/)?(?:c\+\+/\d+/)?")
_NO_OWNERS: frozenset[str] = frozenset()


class HeaderHit(NamedTuple):
    """A header as a package has it. `depth` is how many folders below one that compilers search it begins."""

    depth: int
    package: str
    path: str


class Contents:
    """The files of one release's packages."""

    def __init__(self, snapshot: Snapshot) -> None:
        """Unpack nothing yet."""
        self._snapshot = snapshot

    def pkg_config(self, name: str) -> frozenset[str]:
        """Return the packages that have the module `name`.pc."""
        return self._kind("pkg-config").get(name, _NO_OWNERS)

    def library(self, name: str) -> frozenset[str]:
        """Return the packages with which one links by -l`name`."""
        return self._kind("library").get(name, _NO_OWNERS)

    def cmake(self, name: str) -> frozenset[str]:
        """Return the packages that CMake's find_package(`name`) finds by their own files, whatever its case."""
        return self._kind("cmake").get(name.lower(), _NO_OWNERS)

    def program(self, name: str) -> frozenset[str]:
        """Return the packages that have /usr/bin/`name`, be it by an alternative: mpicc is mpicc.openmpi's."""
        found = self._kind("program")
        return found.get(name) or self._alternatives.get(name, _NO_OWNERS)

    def header(self, path: str) -> tuple[HeaderHit, ...]:
        """Return who has the header of `#include <path>`: the nearest first, then what most packages build with."""
        wanted = path.removeprefix("./")
        hits = []
        folders, _, name = wanted.rpartition("/")
        for number in self._header_names.get(name, ()):
            owners, folder, _ = self._header_table[number]
            depth = _depth(folder, folders)
            if depth is not None:
                hits += [HeaderHit(depth, owner, f"/{folder}/{name}") for owner in owners.split(",")]
        return tuple(sorted(hits, key=lambda hit: (hit.depth, -self.popularity(hit.package), hit)))

    def with_headers(self) -> frozenset[str]:
        """Return the packages that have headers."""
        return frozenset(owner for owners, _, _ in self._header_table for owner in owners.split(","))

    def with_modules(self) -> frozenset[str]:
        """Return the packages that have pkg-config modules."""
        return frozenset(self._modules)

    def modules_of(self, package: str) -> tuple[str, ...]:
        """Return the pkg-config modules of a package; of those that it stands for where it has none of its own."""
        targets = (package,) if package in self._modules else sorted(self.stands_for(package))
        return tuple(module for target in targets for module in self._modules.get(target, ()))

    def popularity(self, package: str) -> int:
        """Return how many of the release's source packages are built with a package."""
        return self._popularity.get(package, 0)

    def commonly(self, package: str) -> str:
        """Return the name under which most packages ask for a package: `libjpeg-dev` for `libjpeg62-turbo-dev`."""
        return max((package, *self._led_to.get(package, ())), key=lambda name: self._built_with.get(name, 0))

    def is_toolchain(self, package: str) -> bool:
        """Say whether a package is there whenever a Python extension is compiled: the compilers, libc, Python's own."""
        return package in self._toolchain or _ALWAYS_THERE.fullmatch(package) is not None

    def _kind(self, kind: str) -> Mapping[str, frozenset[str]]:
        return self._by_name.get(kind, {})

    @cached_property
    def _owner_table(self) -> OwnerTable:
        return self._snapshot.section("owners", OwnerTable)

    @cached_property
    def _by_name(self) -> Mapping[str, Mapping[str, frozenset[str]]]:
        found: dict[str, dict[str, frozenset[str]]] = {}
        for kind, groups in self._owner_table.kinds.items():
            known = found[kind] = {}
            for who, names in groups:
                owners = frozenset(who.split(","))
                for name in names.split("\n"):
                    known[name] = known[name] | owners if name in known else owners
        return found

    @cached_property
    def _alternatives(self) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for name, owners in self._kind("program").items():
            plain, dot, kind = name.rpartition(".")
            if dot and kind.isalpha():
                found[plain] = found.get(plain, _NO_OWNERS) | owners
        return found

    @cached_property
    def _modules(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for module, owners in self._kind("pkg-config").items():
            for owner in owners:
                found[owner].append(module)
        return {owner: tuple(sorted(modules)) for owner, modules in found.items()}

    @cached_property
    def _toolchain(self) -> frozenset[str]:
        return frozenset(self._owner_table.toolchain)

    @cached_property
    def _built_with(self) -> Popularity:
        return self._snapshot.section("popularity", Popularity)

    @cached_property
    def _popularity(self) -> Popularity:
        count = dict(self._built_with)
        for name in self._owner_table.stands_for:
            for target in self.stands_for(name):
                count[target] = count.get(target, 0) + self._built_with.get(name, 0)
        return count

    @cached_property
    def _led_to(self) -> Mapping[str, tuple[str, ...]]:
        """The packages that stand for each."""
        found: dict[str, tuple[str, ...]] = {}
        for name in self._owner_table.stands_for:
            for target in self.stands_for(name):
                found[target] = (*found.get(target, ()), name)
        return found

    def stands_for(self, name: str) -> frozenset[str]:
        """All that a package stands for, be it through others that do."""
        found: set[str] = set()
        left = [name]
        while left:
            more = self._owner_table.stands_for.get(left.pop(), ())
            left += [target for target in more if target not in found]
            found |= set(more)
        return frozenset(found - {name})

    @cached_property
    def _header_table(self) -> HeaderTable:
        return self._snapshot.section("headers", HeaderTable)

    @cached_property
    def _header_names(self) -> Mapping[str, tuple[int, ...]]:
        """The rows of the table that have a header of a name."""
        found: dict[str, tuple[int, ...]] = {}
        for number, (_, _, names) in enumerate(self._header_table):
            for name in names.split("\n"):
                found[name] = (*found[name], number) if name in found else (number,)
        return found


def _depth(folder: str, included: str) -> int | None:
    """Return how many folders lie between one that compilers search and `included`, which `folder` must end with."""
    if included and not f"/{folder}".endswith(f"/{included}"):
        return None
    below = f"{folder.removesuffix(included).strip('/')}/".removeprefix("usr/")
    searched = _SEARCHED.match(below)
    if searched:
        return below.count("/", searched.end())
    return max(1, len([part for part in below.split("/") if part not in ("", "lib", "include", "share", TRIPLET)]))


def load_contents(release: str) -> Contents:
    """Return the contents of a release (`debian-12`); one that is not known is an error that lists those that are."""
    return _contents(load_snapshot(release))


_contents = cache(Contents)

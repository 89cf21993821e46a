"""The packages of an archive, and what one needs: resolved as apt does without Recommends. Pure.

What is left out (see `leftout`) counts as being there.
Source: Debian Policy, chapter 7.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from wheelbase.deb.chosen import Archive
from wheelbase.deb.errors import DebError
from wheelbase.deb.versions import Relation, Version, relations
from wheelbase.system.debian import stanzas

_FIELDS = frozenset(
    "Package Version Architecture Filename Size SHA256 Installed-Size Depends Pre-Depends Provides Conflicts Breaks"
    " Priority".split()
)
_PRIORITIES = ("required", "important", "standard", "optional", "extra")
# Whether a need of a package is left out: the package's name, the need's name.
IsLeftOut = Callable[[str, str], bool]


class DebPackage(NamedTuple):
    """A package as an index has it; `size` in bytes."""

    name: str
    version: str
    architecture: str
    filename: str
    size: int
    sha256: str
    depends: str
    provides: str
    conflicts: str
    priority: str
    archive: Archive


def packages_in(lines: Iterable[str], archive: Archive) -> Iterator[DebPackage]:
    """Yield the packages of an index; DebError where it is none."""
    for stanza in stanzas(lines, _FIELDS):
        try:
            yield DebPackage(
                name=stanza["Package"],
                version=stanza["Version"],
                architecture=stanza["Architecture"],
                filename=stanza["Filename"],
                size=int(stanza["Size"]),
                sha256=stanza["SHA256"],
                depends=_joined(stanza, "Pre-Depends", "Depends"),
                provides=stanza.get("Provides", ""),
                conflicts=_joined(stanza, "Conflicts", "Breaks"),
                priority=stanza.get("Priority", "optional"),
                archive=archive,
            )
        except (KeyError, ValueError) as error:
            name = stanza.get("Package", "a package")
            raise DebError(
                f"the index of Debian's {archive} archive is not sound at {name}: {error}", hint="try another mirror"
            ) from error


def _joined(stanza: Mapping[str, str], *names: str) -> str:
    return ", ".join(stanza[name] for name in names if stanza.get(name))


class PackageSet:
    """The packages of several suites, of each the newest version."""

    def __init__(self, packages: Iterable[DebPackage]) -> None:
        """Keep the newest of each name, the first of equals."""
        self._newest: dict[str, DebPackage] = {}
        for package in packages:
            known = self._newest.get(package.name)
            if known is None or Version(known.version) < Version(package.version):
                self._newest[package.name] = package
        self._providers: dict[str, list[tuple[DebPackage, Relation]]] = {}
        for package in self._newest.values():
            for group in relations(package.provides) if package.provides else ():
                self._providers.setdefault(group[0].name, []).append((package, group[0]))

    def closure(self, roots: Iterable[str], is_left_out: IsLeftOut) -> tuple[DebPackage, ...]:
        """Return the packages of some names and all that they need, by name; DebError where that cannot be had."""
        resolution = _Resolution(self, is_left_out)
        for root in roots:
            resolution.need((Relation(name=root),), "")
        resolution.finish()
        return tuple(sorted(resolution.chosen.values()))

    def satisfying(self, relation: Relation) -> list[DebPackage]:
        """Return the packages that are what a relation names, the best first: the one of that name, else others."""
        named = self._newest.get(relation.name)
        if named and relation.accepts(named.version):
            return [named]
        found = [
            package
            for package, provided in self._providers.get(relation.name, ())
            if not relation.how or (provided.version and relation.accepts(provided.version))
        ]
        return sorted(found, key=_rank)

    def has(self, name: str) -> bool:
        """Say whether there is a package of that name, or one that provides it."""
        return name in self._newest or name in self._providers


def _rank(package: DebPackage) -> tuple[int, str]:
    known = package.priority in _PRIORITIES
    return _PRIORITIES.index(package.priority) if known else len(_PRIORITIES), package.name


class _Resolution:
    """One closure while it is being made."""

    def __init__(self, packages: PackageSet, is_left_out: IsLeftOut) -> None:
        self.chosen: dict[str, DebPackage] = {}
        self._packages, self._is_left_out = packages, is_left_out
        self._pending: deque[DebPackage] = deque()
        # What leaves a choice waits until all is there that leaves none.
        self._choices: deque[tuple[tuple[Relation, ...], str]] = deque()

    def need(self, group: tuple[Relation, ...], by: str) -> None:
        """Choose the first of some alternatives that there is, unless one is there already."""
        if by and any(self._is_left_out(by, one.name) for one in group):
            return
        found = [package for one in group for package in self._packages.satisfying(one)]
        if any(self.chosen.get(package.name) is package for package in found):
            return
        if not found:
            raise _unsatisfied(group, by, known=any(self._packages.has(one.name) for one in group))
        self.chosen[found[0].name] = found[0]
        self._pending.append(found[0])

    def finish(self) -> None:
        """Choose all that the chosen need, and prove that they may be together."""
        while self._pending or self._choices:
            if not self._pending:
                self.need(*self._choices.popleft())
                continue
            package = self._pending.popleft()
            for group in relations(package.depends):
                if len(group) > 1 or len(self._packages.satisfying(group[0])) > 1:
                    self._choices.append((group, package.name))
                else:
                    self.need(group, package.name)
        for package in self.chosen.values():
            self._check_conflicts(package)

    def _check_conflicts(self, package: DebPackage) -> None:
        for relation, *_ in relations(package.conflicts):
            for other in self._packages.satisfying(relation):
                if other is not package and self.chosen.get(other.name) is other:
                    raise DebError(
                        f"{package.name} {package.version} cannot be together with {other.name} {other.version}",
                        hint="leave out one of the packages that were asked for",
                    )


def _unsatisfied(group: tuple[Relation, ...], by: str, *, known: bool) -> DebError:
    wanted = " | ".join(map(str, group))
    if not by:
        return DebError(
            f"the archive has no package {wanted}", hint="names of packages are in lower case, as apt has them"
        )
    why = "the archive has another version" if known else "the archive does not have it"
    return DebError(
        f"{by} needs {wanted}, and {why}", hint="the mirror may be in the middle of an update: try again later"
    )

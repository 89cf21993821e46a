"""Which packages of a Debian release each piece of evidence may mean. Pure.

A name that the hand table knows goes before what the release's contents say. Headers are many packages' at once, so
they are settled last and together: a package that is asked for anyway explains its headers, then the one that
explains most.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from wheelbase.source.findings import LINKED_ANYWAY, Evidence
from wheelbase.system.contents import Contents, HeaderHit
from wheelbase.system.names import Row
from wheelbase.system.platform import System

_DEPTH_WEIGHT = (1.0, 0.8, 0.6)
_ASTRAY = 0.5  # of a file that includes what no package has: its headers are of something else, likely
_FAMOUS = 15  # packages that many others build with: a header found below a folder of theirs is likely theirs
_USED = 2
_COMMON = 15  # packages: a header of this name is anybody's ("utility.h")
_WIDESPREAD = 100  # packages of so many dependents set their include folders with a pkg-config file
_STRONG = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """One piece of evidence with the package that it is taken for, None where the release has none."""

    evidence: Evidence
    package: str | None
    weight: float
    row: Row | None = None

    def is_confirmed_by(self, recipe: frozenset[str]) -> bool:
        """Say whether a recipe of Debian names the package, or another one for the same."""
        return self.package in recipe or bool(self.row and not recipe.isdisjoint(self.row.deb_alike))


def settle(evidence: Iterable[Evidence], system: System) -> Iterator[Meant]:
    """Yield what each piece of evidence means; what any compile has anyway is left out."""
    contents = system.contents
    headers: list[tuple[Evidence, tuple[HeaderHit, ...]]] = []
    asked: set[str] = set()
    strong: dict[str, float] = {}
    modules: set[str] = set()
    brought: frozenset[str] | None = None
    for one in sorted(evidence, key=lambda one: one.kind == "header"):  # what scripts ask for goes first
        row = system.names.row_for(one.kind, one.name)
        if row is None and one.kind == "header":
            hits = contents.header(one.name)
            if not any(contents.is_toolchain(hit.package) for hit in hits):  # what it has, the compiler finds there
                headers.append((one, hits))
            continue
        if (one.kind == "library" and one.name in LINKED_ANYWAY) or one.kind in ("language", "requirement"):
            continue
        listed = owners_of(one, contents)
        package = _of_row(row, listed, system) if row else _best(listed, contents)
        if package and contents.is_toolchain(package) and not (row and system.manager in row.apart):
            continue
        if one.kind == "header" and package not in strong:
            if brought is None:
                brought = frozenset(found.name for found in system.packages.closure(strong).packages) - {*strong}
            other = _of_modules(one.name, package, modules, contents)
            other = other or _of_brought(one.name, package, brought | strong.keys(), contents)
            package, row = (other, None) if other else (package, row)
        if package and one.kind == "pkg-config" and one.need == "required":
            modules.add(package)
        if package and not one.bundled:
            asked.add(package)
        if package and one.need == "required" and not one.bundled:
            strong[package] = max(strong.get(package, 0.0), one.weight)
        yield Meant(evidence=one, package=package, weight=one.weight, row=row)
    surely = {package for package, weight in strong.items() if weight >= _STRONG}
    yield from _cover(headers, surely, asked, contents)


def _of_modules(header: str, package: str | None, modules: Iterable[str], contents: Contents) -> str | None:
    """Return the package that has a header in the folder that its module adds, where that is another than the row's."""
    hits = contents.header(header)
    depth = max(1, min((hit.depth for hit in hits if hit.package == package), default=0))
    return next((hit.package for hit in hits if hit.package in modules and hit.depth <= depth), None)


def _of_brought(header: str, package: str | None, packages: frozenset[str], contents: Contents) -> str | None:
    """Return the package of a build that has a header just as deep as the row's, where that is no part of the build.

    Where libraries stand beside each other in versions (SDL, GTK), what scripts ask for tells whose header it is.
    """
    depths = {hit.package: hit.depth for hit in contents.header(header)}
    if package is None or package in packages or not depths.get(package):
        return None
    return next((name for name, depth in depths.items() if name in packages and depth == depths[package]), None)


def _of_row(row: Row, owners: frozenset[str], system: System) -> str | None:
    """Return the package that a row means: of several the one that has what is asked for, as far as that is known."""
    return next((package for package in row.deb if package in owners), None) or system.of_row(row)


def owners_of(one: Evidence, contents: Contents) -> frozenset[str]:
    """Return the packages that have what is asked for by name."""
    match one.kind:
        case "pkg-config":
            return contents.pkg_config(one.name) or contents.pkg_config(one.name.lower())
        case "library":
            return _linked_with(one.name, contents)
        case "cmake":
            # Whoever writes a find module names it after the library that it looks for.
            name, plain = one.name.lower(), one.name.lower().removeprefix("lib")
            known = contents.cmake(one.name) or contents.pkg_config(name) or contents.pkg_config(f"lib{plain}")
            return known or _linked_with(plain, contents)
        case "program":
            return contents.program(one.name)
        case "header":
            return frozenset(hit.package for hit in contents.header(one.name) if hit.depth == 0)
    return frozenset()


def _linked_with(library: str, contents: Contents) -> frozenset[str]:
    """Return the packages with a library. Programs have some of their own, of common names, that nothing links."""
    return frozenset(p for p in contents.library(library) if p.endswith("-dev") or contents.popularity(p))


def _best(packages: frozenset[str], contents: Contents) -> str | None:
    """Return the package that most others build with."""
    return max(
        packages, key=lambda name: (name.endswith("-dev"), contents.popularity(name), -len(name), name), default=None
    )


def _cover(
    headers: list[tuple[Evidence, tuple[HeaderHit, ...]]], strong: set[str], asked: set[str], contents: Contents
) -> Iterator[Meant]:
    missed = Counter(one.where.rpartition(":")[0] for one, hits in headers if not hits and one.need == "required")
    explains = Counter(package for _, hits in headers for package in {hit.package for hit in hits})
    # Those with the fewest candidates first: what they settle decides the others.
    for one, hits in sorted(headers, key=lambda pair: len({hit.package for hit in pair[1]})):
        known = [hit for hit in hits if hit.package in strong]
        if known:
            depth, package = 0, min(known, key=lambda hit: (hit.depth, hit.package)).package
        else:
            own = _is_of_source(one) or ("/" not in one.name and len({hit.package for hit in hits}) > _COMMON)
            likely = [
                hit
                for hit in hits
                if hit.package in asked or (_is_likely(hit, one.name, contents) and (hit.depth == 0 or not own))
            ]
            if not likely:
                yield Meant(evidence=one, package=None, weight=one.weight)
                continue
            best = max(likely, key=lambda hit: _worth(hit, explains[hit.package], contents))
            depth, package = best.depth, best.package
            if depth == 0 and one.need == "required":
                strong.add(package)
        astray = depth > 0 and missed[one.where.rpartition(":")[0]] > 1
        weight = one.weight * _DEPTH_WEIGHT[min(depth, 2)] * (_ASTRAY if astray else 1.0)
        yield Meant(evidence=one, package=package, weight=weight)


def _is_of_source(one: Evidence) -> bool:
    """Say whether a header is named as the file that includes it, whose own it is then."""
    return one.name.rpartition(".")[0] == one.where.rpartition("/")[2].partition(".")[0]


def _is_likely(hit: HeaderHit, name: str, contents: Contents) -> bool:
    popularity = contents.popularity(hit.package)
    if popularity < _USED:
        return False
    return "/" in name or hit.depth == 0 or (popularity >= _FAMOUS and hit.package.endswith("-dev"))


def _worth(hit: HeaderHit, explained: int, contents: Contents) -> tuple[int, int, int, str]:
    """Return what the likeliest of several packages has most of: a near place, headers that it explains, users."""
    popularity = contents.popularity(hit.package)
    return 0 if popularity >= _WIDESPREAD else -hit.depth, explained, popularity, hit.package

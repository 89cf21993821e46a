"""What the packages of a build bring along for one another, and what their headers lack. Pure."""

from collections.abc import Iterator, Mapping, Sequence

from wheelbase.source.candidates import Meant, owners_of
from wheelbase.system.lacking import Lack
from wheelbase.system.platform import System

Places = Mapping[str, Sequence[Meant]]


def lacking_in(packages: Sequence[str], places: Places, system: System) -> Iterator[tuple[str, str, Lack]]:
    """Yield (package that has a header or module, place that asks for it, what it lacks), for the packages of a build.

    What another of them brings does not lack, nor what the archive has a copy of.
    """
    there = {one.name for one in system.packages.closure(packages).packages}
    for package in packages:
        for one in places[package]:
            name = {"header": one.evidence.name, "pkg-config": f"{one.evidence.name}.pc"}.get(one.evidence.kind)
            if not name or one.evidence.need != "required" or one.evidence.bundled:
                continue
            for lack in system.lacks(package, name):
                if lack.other not in there and not any(other.evidence.bundled for other in places.get(lack.other, ())):
                    yield package, one.evidence.where, lack


def is_stood_in_for(package: str, packages: Sequence[str], places: Places, system: System) -> bool:
    """Say whether what is linked of a package others bring in another one: of OpenBLAS what libblas-dev has too."""
    asked = [one.evidence for one in places[package] if one.evidence.need == "required" and not one.evidence.bundled]
    alike = any(one.row and (one.row.deb_alike or len(one.row.deb) > 1) for one in places[package])
    if not alike or all(one.kind == "header" for one in asked):
        return False
    others = [other for other in packages if other != package]
    there = frozenset(one.name for one in system.packages.closure(others).packages)
    return package not in there and all(owners_of(one, system.contents) & there for one in asked)

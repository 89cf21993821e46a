"""Which headers of a release's -dev packages include headers of packages that these do not depend on. Pure.

Such a header is broken for everybody who does not happen to have the other package, and nothing in an archive tells
of it: only the headers themselves do. What is found is shipped, see `wheelbase.system.lacking`.
"""

import posixpath
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from wheelbase.source.includes import is_ordinary
from wheelbase.source.preprocessor import live_includes
from wheelbase.system.contents import Contents
from wheelbase.system.lacking import Lack
from wheelbase.system.names import Names
from wheelbase.system.packages import PackageIndex

_CPP = (".hpp", ".hh", ".hxx")
_MOST_INCLUDES = 400  # of one header
_USED = 2  # packages that are built with one, at least


class Included(NamedTuple):
    """An include that Linux always takes."""

    name: str
    angled: bool


Headers = Mapping[str, Sequence[Included]]
"""What each header of a package includes, by its path: `usr/include/zlib.h`."""


class _Place(NamedTuple):
    package: str
    path: str


def included_by(path: str, text: str) -> tuple[Included, ...]:
    """Return what a header of a package always includes, but for what any compiler has."""
    found = live_includes(text, cpp=True if path.endswith(_CPP) else None)
    live = (Included(one.name, one.angled) for one in found if one.state == "live" and not is_ordinary(one.name))
    return tuple(dict.fromkeys(live))[:_MOST_INCLUDES]


def survey(packages: Mapping[str, Headers], contents: Contents, index: PackageIndex, names: Names) -> Iterator[Lack]:
    """Yield what each of the packages lacks, sorted."""
    own = {package: frozenset(one.name for one in index.closure([package]).packages) for package in packages}
    above: dict[_Place, list[_Place]] = defaultdict(list)  # who includes each header
    foreign: dict[_Place, dict[str, str]] = defaultdict(dict)
    for package, headers in packages.items():
        files = _Files(headers)
        for path, includes in headers.items():
            for one in includes:
                found = files.find(path, one) or _brought(one.name, own[package], contents)
                target = _Place(package, found) if isinstance(found, str) else found
                if target is None and (target := _elsewhere(one, contents, index, names)):
                    foreign[_Place(package, path)].setdefault(target.package, one.name)
                if target:
                    above[target].append(_Place(package, path))
    for place, missing in sorted(_spread(foreign, above).items()):
        for name, include in sorted(missing.items()):
            if name not in own.get(place.package, ()):
                yield Lack(place.package, place.path, name, include)


def _spread(
    foreign: Mapping[_Place, Mapping[str, str]], above: Mapping[_Place, list[_Place]]
) -> dict[_Place, dict[str, str]]:
    """Return the same for all headers that include one of these, through whichever others."""
    found = {place: dict(missing) for place, missing in foreign.items()}
    left = list(found)
    while left:
        place = left.pop()
        for upper in above.get(place, ()):
            known = found.setdefault(upper, {})
            before = len(known)
            for name, include in found[place].items():
                known.setdefault(name, include)
            if len(known) > before:
                left.append(upper)
    return found


class _Files:
    """The headers of one package, found by how they may be included."""

    def __init__(self, headers: Iterable[str]) -> None:
        self._paths = frozenset(headers)
        self._named: dict[str, list[str]] = defaultdict(list)
        for path in sorted(headers, key=lambda path: (path.count("/"), path)):
            self._named[path.rpartition("/")[2]].append(path)

    def find(self, path: str, include: Included) -> str | None:
        """Return the header of the package that one at a path means by an include."""
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), include.name))
        if beside in self._paths:
            return beside
        name = include.name.removeprefix("./").rsplit("../", 1)[-1]
        return next((one for one in self._named.get(name.rpartition("/")[2], ()) if one.endswith(f"/{name}")), None)


def _brought(name: str, packages: frozenset[str], contents: Contents) -> _Place | None:
    """Return the header that a package's dependencies bring, or any compiler."""
    hits = contents.header(name)
    hit = next((hit for hit in hits if hit.package in packages or contents.is_toolchain(hit.package)), None)
    return _Place(hit.package, hit.path.lstrip("/")) if hit else None


def _elsewhere(include: Included, contents: Contents, index: PackageIndex, names: Names) -> _Place | None:
    """Return the header of another package that is meant: the table names it, or one alone has it and is used."""
    hits = [hit for hit in contents.header(include.name) if contents.popularity(hit.package) >= _USED]
    row = names.row_for("header", include.name)
    if row and hits:
        known = next((name for name in row.deb if index.get(name)), None)
        own = next((hit.path.lstrip("/") for hit in hits if hit.package == known), include.name)
        return _Place(known, own) if known else None
    near = [hit for hit in hits if hit.depth == 0] or (hits if include.angled or "/" in include.name else [])
    owners = {hit.package for hit in near}
    return _Place(near[0].package, near[0].path.lstrip("/")) if len(owners) == 1 else None

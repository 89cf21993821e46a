"""What headers and pkg-config modules of a release's -dev packages ask for and these do not depend on. Pure.

Such a header or module is broken for everybody who does not happen to have the other package, and nothing in an archive
tells of it: only they themselves do. What is found is shipped, see `wheelbase.system.lacking`.
"""

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Literal, NamedTuple

from wheelbase.source.includes import is_ordinary
from wheelbase.source.preprocessor import live_includes
from wheelbase.system.contents import Contents
from wheelbase.system.lacking import Lack
from wheelbase.system.names import Names
from wheelbase.system.packages import PackageIndex

_CPP = (".hpp", ".hh", ".hxx")
_MOST_INCLUDES = 400  # of one header
_MODULE = ".pc"
_REQUIRES = re.compile(r"^Requires(?:\.private)?[ \t]*:(.*)", re.MULTILINE)
_REQUIRED = re.compile(r"(?:^|[,\s])([A-Za-z][\w.+-]*)")
_LIBS = re.compile(r"^Libs[ \t]*:(.*)", re.MULTILINE)
_LINKED = re.compile(r"(?<!\S)-l[\w.+-]+")
_USED = 2  # packages that are built with one, at least


class Included(NamedTuple):
    """An include that Linux always takes; of a module another one (`zlib.pc`), or a library that it links (`-lz`)."""

    name: str
    angled: bool = True


Asked = Mapping[str, Sequence[Included]]
"""What each header of a package includes, by its path (`usr/include/zlib.h`), and each module asks for (`zlib.pc`)."""


class _Place(NamedTuple):
    package: str
    path: str


def asked_by(path: str, text: str) -> tuple[Included, ...]:
    """Return what a header of a package always includes, but for what any compiler has, or what a module asks for."""
    if path.endswith(_MODULE):
        # pkg-config fails without what is private, too, where it is asked for --cflags.
        modules = [word for match in _REQUIRES.finditer(text) for word in _REQUIRED.findall(match[1])]
        libraries = [word for match in _LIBS.finditer(text) for word in _LINKED.findall(match[1])]
        return tuple(dict.fromkeys(Included(name) for name in (*(f"{one}{_MODULE}" for one in modules), *libraries)))
    found = live_includes(text, cpp=True if path.endswith(_CPP) else None)
    live = (Included(one.name, one.angled) for one in found if one.state == "live" and not is_ordinary(one.name))
    return tuple(dict.fromkeys(live))[:_MOST_INCLUDES]


def survey(packages: Mapping[str, Asked], contents: Contents, index: PackageIndex, names: Names) -> Iterator[Lack]:
    """Yield what each of the packages lacks, sorted."""
    own = {package: frozenset(one.name for one in index.closure([package]).packages) for package in packages}
    above: dict[_Place, list[_Place]] = defaultdict(list)  # who includes each header
    foreign: dict[_Place, dict[str, str]] = defaultdict(dict)
    for package, asked in packages.items():
        files = _Files(asked)
        for path, includes in asked.items():
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
    """Return what a package's dependencies bring, or any compiler."""
    owners = _owners(name, contents)
    return next((one for one in owners if one.package in packages or contents.is_toolchain(one.package)), None)


def _owners(name: str, contents: Contents) -> list[_Place]:
    """Return who has what is asked for, headers by their paths: the nearest first."""
    kind, plain = _kind_of(name)
    if kind == "header":
        return [_Place(hit.package, hit.path.lstrip("/")) for hit in contents.header(name)]
    found = contents.pkg_config(plain) if kind == "pkg-config" else contents.library(plain)
    return [_Place(package, name) for package in sorted(found)]


def _kind_of(name: str) -> tuple[Literal["header", "library", "pkg-config"], str]:
    if name.endswith(_MODULE):
        return "pkg-config", name.removesuffix(_MODULE)
    return ("library", name.removeprefix("-l")) if name.startswith("-l") else ("header", name)


def _elsewhere(asked: Included, contents: Contents, index: PackageIndex, names: Names) -> _Place | None:
    """Return what is meant of another package: the table names it, or one alone has it and is used."""
    hits = [one for one in _owners(asked.name, contents) if contents.popularity(one.package) >= _USED]
    kind, plain = _kind_of(asked.name)
    row = names.row_for(kind, plain)
    if row and hits:
        known = next((name for name in row.deb if index.get(name)), None)
        own = next((hit.path for hit in hits if hit.package == known), asked.name)
        return _Place(known, own) if known else None
    if kind == "header":
        near = {hit.package for hit in contents.header(plain) if hit.depth == 0}
        hits = [hit for hit in hits if hit.package in near] or (hits if asked.angled or "/" in plain else [])
    return hits[0] if len({hit.package for hit in hits}) == 1 else None

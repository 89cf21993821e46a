"""The files that Meson reads: build descriptions, by Meson's own parser within bounds, and `.wrap` files. Pure."""

import posixpath
import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from wheelbase.source.findings import Flag
from wheelbase.source.lookups import Lookups
from wheelbase.source.tree import SourceTree

_MAX_FILE = 128 << 10
_MAX_FILES = 512 << 10  # of all
_MAX_COLONS = 4_000  # of one file: the parser takes quadratic time for the keywords of one call
_MAX_WRAPS = 200
_MAX_LINE = 120
_SOURCE = re.compile(r"[\w./+-]{1,200}\.(?:c|cc|cpp|cxx)")
_QUOTED = re.compile(r"'([^'\n]*)'")


class Reader:
    """The build descriptions of an archive: each is parsed once, and what cannot be read is flagged."""

    def __init__(self, tree: SourceTree, lookups: Lookups) -> None:
        """`lookups` takes the flags."""
        self._tree, self._lookups = tree, lookups
        self._left = _MAX_FILES
        self._seen: set[str] = set()
        self._told: dict[tuple[str, str], str] = {}  # with the condition: none where one place has none
        self._lines: dict[str, list[str]] = {}

    def is_new(self, path: str) -> bool:
        """Say whether there is a file that was not parsed before."""
        return path in self._tree and path not in self._seen

    def parsed(self, path: str) -> Any:
        """Return a file's syntax tree, None where it cannot be read."""
        from mesonbuild import mlog, mparser  # type: ignore[import-untyped]

        self._seen.add(path)
        text = self._tree.text(path).replace("\r\n", "\n")  # as Meson reads it
        self._left -= len(text)
        if len(text) > _MAX_FILE or self._left < 0 or text.count(":") > _MAX_COLONS:
            return self._unreadable(path, 1, "it is too large")
        try:
            with mlog.no_logging():
                return mparser.Parser(text, path).parse()
        except Exception as error:  # another project's parser, on what anyone may have written
            known = isinstance(error, mparser.ParseException)
            message = "not valid as Meson's language" if known else "it cannot be read"
            return self._unreadable(path, getattr(error, "lineno", 1), message)

    def line(self, path: str, number: int) -> str:
        """Return a line of a file as it is written."""
        if path not in self._lines:
            self._lines[path] = self._tree.text(path).split("\n")
        lines = self._lines[path]
        return lines[number - 1].strip()[:_MAX_LINE] if number <= len(lines) else ""

    def tell(self, path: str, text: str) -> None:
        """Note a text that was reached in a file, if it may be a source's name."""
        if _SOURCE.fullmatch(text):
            own = (self._lookups.condition or "unknown") if self._lookups.guards else ""
            self._told[path, text] = self._told.get((path, text), own) and own

    @property
    def told(self) -> dict[str, str]:
        """The sources that were reached, by their paths, with the condition where each place has one."""
        return {_beside(path, name): condition for (path, name), condition in self._told.items()}

    def left_out(self) -> Iterator[str]:
        """Yield the sources that the files name, but that stand in no branch that was followed."""
        told = self.told
        for path in self._seen:
            for name in _QUOTED.findall(self._tree.text(path)):
                whole = _beside(path, name)
                if _SOURCE.fullmatch(name) and whole not in told and whole in self._tree:
                    yield whole

    def _unreadable(self, path: str, line: int, text: str) -> None:
        self._lookups.flag(Flag(kind="unreadable", text=text, where=f"{path}:{line}"))


def _beside(path: str, name: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), name))


class Wrap(msgspec.Struct, frozen=True, kw_only=True):
    """A subproject's .wrap file: its folder below subprojects/, where it comes from, what dependencies it provides."""

    name: str
    directory: str
    url: str
    provides: frozenset[str]


class Subprojects:
    """The subprojects that a project may use: of its own folder for them, then of those of the projects around it."""

    def __init__(self, tree: SourceTree, folder: str, outer: "Subprojects | None" = None) -> None:
        """`folder` is where they stand ("subprojects/")."""
        self._tree = tree
        self._folders: tuple[str, ...] = (folder, *(outer._folders if outer else ()))
        self._wraps: dict[str, Wrap] = (outer._wraps if outer else {}) | _wraps_of(tree, folder)

    def wrap(self, name: str) -> Wrap | None:
        """Return a subproject's .wrap file."""
        return self._wraps.get(name)

    def provider_of(self, dependencies: Iterable[str]) -> str:
        """Return the subproject that provides one of these dependencies, empty where there is none."""
        wanted = set(dependencies)
        wrapped = (wrap.name for wrap in self._wraps.values() if wrap.provides & wanted)
        return next(wrapped, "") or next((name for name in dependencies if self.sources_of(name)), "")

    def sources_of(self, name: str) -> str:
        """Return the folder of a subproject's sources ("subprojects/x/"), empty where they are not in the archive."""
        wrap = self._wraps.get(name)
        names = filter(None, (wrap and wrap.directory, name))
        found = (f"{folder}{part}/" for part in names for folder in self._folders)
        return next((path for path in found if f"{path}meson.build" in self._tree), "")


def _wraps_of(tree: SourceTree, folder: str) -> dict[str, Wrap]:
    ends = [
        path.removeprefix(folder) for path in sorted(tree.sizes) if path.startswith(folder) and path.endswith(".wrap")
    ]
    names = [end.removesuffix(".wrap") for end in ends if "/" not in end]
    return {name: _wrap(name, tree.text(f"{folder}{name}.wrap")) for name in names[:_MAX_WRAPS]}


def _wrap(name: str, text: str) -> Wrap:
    values: dict[str, str] = {}
    provides: set[str] = set()
    section = ""
    for line in text[:_MAX_FILE].split("\n"):
        key, given, value = (part.strip() for part in line.partition("="))
        if key.startswith("["):
            section = key
        elif given and section == "[provide]":
            provides |= {part.strip() for part in value.split(",")} if key == "dependency_names" else {key}
        elif given:
            values[key] = value
    url = values.get("source_url") or values.get("url") or ""
    provided = frozenset(provides - {"program_names"})
    return Wrap(name=name, directory=values.get("directory", ""), url=url, provides=provided)

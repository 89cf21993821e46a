"""How much C and C++ a compiler reads for a source: its statements, and what it includes. Pure; bounded."""

import posixpath
import re
from collections import Counter, defaultdict
from collections.abc import Mapping
from functools import lru_cache

from wheelbase.source.own_headers import own_header
from wheelbase.source.tree import SourceTree

_INCLUDE = re.compile(rb"#[ \t]*include[ \t]*(?:\"([^\"\n]{1,200})\"|<([^>\n]{1,200})>)")
_EXPANDED = re.compile(r"[_-]template\.c(?:pp)?$|\.c(?:pp)?\.(?:src|in|tp)$", re.IGNORECASE)
_TEMPLATE_SUFFIXES = ("in", "tp", "src")
_TEMPLATES = (".pyx", ".pxi", ".c", ".cpp")
_TIMES_EXPANDED = 4  # a template of C is written out for each of about so many types
_MOST_STEPS = 300_000  # files looked at for what all sources include, taken together
_DEEPEST = 60  # of headers that include headers


class Included:
    """The files that each file includes, be it by way of others; `<name>` for what the archive does not have."""

    def __init__(self, tree: SourceTree) -> None:
        """Nothing is read before it is asked for."""
        self._tree = tree
        self._resolved: dict[tuple[str, str], str | None] = {}
        self._direct: dict[str, Mapping[str, int]] = {}
        self._all: dict[str, frozenset[str]] = {}
        self._left = _MOST_STEPS

    def direct(self, path: str) -> Mapping[str, int]:
        """Return what a file itself includes, and how often."""
        known = self._direct.get(path)
        if known is None:
            found: Counter[str] = Counter()
            for (quoted, angled), times in Counter(_INCLUDE.findall(self._tree.raw(path))).items():
                found[self._resolve(path, (quoted or angled).decode("utf-8", "replace"))] += times
            found.pop("", None)
            known = self._direct[path] = found
        return known

    def again(self, path: str) -> Mapping[str, int]:
        """Return what of the archive a file includes more than once, and how often."""
        return {name: times for name, times in self.direct(path).items() if times > 1 and not name.startswith("<")}

    def all(self, path: str, depth: int = 0) -> frozenset[str]:
        """Return the file and all that it includes; less of that where headers include each other in a circle."""
        known = self._all.get(path)
        if known is None:
            self._all[path] = frozenset((path,))
            found = {path}
            for name in self.direct(path):
                if name.startswith("<") or depth > _DEEPEST or self._left < 0:
                    found.add(name)
                else:
                    more = self.all(name, depth + 1)
                    self._left -= len(more)
                    found |= more
            known = self._all[path] = frozenset(found)
        return known

    def _resolve(self, path: str, name: str) -> str:
        """Return the archive's own file that is meant, "" if the build makes it."""
        key = (path.rpartition("/")[0], name)
        if key not in self._resolved:
            self._resolved[key] = own_header(self._tree, path, name)
        own = self._resolved[key]
        return f"<{name}>" if own is None else own


class Statements(dict[str, float]):
    """Thousands of semicolons by path. Of a large file only the start is kept: its end stands for the rest."""

    def __init__(self, tree: SourceTree) -> None:
        """Nothing is read before it is asked for."""
        self._tree = tree

    def __missing__(self, path: str) -> float:
        """Count the statements of a file."""
        text = self._tree.raw(path)
        expanded = _TIMES_EXPANDED if _EXPANDED.search(path) else 1
        last = text[len(text) * 3 // 4 :]  # files begin with declarations, or end as the tables that they mostly are
        rest = last.count(b";") * (self._tree.sizes[path] - len(text)) / max(1, len(last))
        self[path] = expanded * (text.count(b";") + rest) / 1000
        return self[path]


def extensions_of(tree: SourceTree) -> Mapping[str, int]:
    """Return how many extensions are made of each file that scripts name, be it as seen from another folder."""
    made: defaultdict[str, set[str]] = defaultdict(set)
    for named, extensions in tree.compiled.items():
        name = posixpath.normpath(named)
        made[name if name in tree else next(iter(tree.headers(name.rpartition("/")[2])), name)] |= extensions
    return {path: len(extensions) for path, extensions in made.items()}


@lru_cache(1 << 14)
def suffix_of(path: str) -> str:
    """Return the suffix that says what a file becomes: that of the template (`.pyx.in`, `.c.src`) where it is one."""
    stem, dot, last = untemplated(path.rsplit("/", 1)[-1].lower()).rpartition(".")
    return f".{last}" if dot and stem else ""


def untemplated(name: str) -> str:
    """Return the name of the file that is made of one, which is its own where it is no template."""
    stem, _, last = name.rpartition(".")
    return stem if last in _TEMPLATE_SUFFIXES and stem.endswith(_TEMPLATES) else name

"""How much an archive has to compile: the features of the model of compile time. Pure; bounded, whatever it holds.

Code is counted in semicolons, in thousands: a compiler takes its time for statements, and next to none for comments
and tables of numbers, of which large files often consist. What a C++ file includes costs as much as what it holds.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from wheelbase.source.backend import Backend, backend_of
from wheelbase.source.includes import (
    C_SUFFIXES,
    CPP_SUFFIXES,
    FORTRAN_SUFFIXES,
    is_cython_output,
    named_sources,
    own_header,
)
from wheelbase.source.tree import SourceTree

_TEMPLATE_SUFFIXES = ("in", "tp", "src")
_TEMPLATES = (".pyx", ".pxi", ".c", ".cpp")
_INCLUDE = re.compile(rb"#[ \t]*include[ \t]*(?:\"([^\"\n]{1,200})\"|<([^>\n]{1,200})>)")
_HEAVY = ("pybind11/", "boost/", "Eigen/", "eigen3/", "nanobind/")
_CYTHON_INCLUDE = re.compile(rb"^[ \t]*include[ \t]+[\"']([^\"'\n]{1,200})[\"']", re.M)
_CYTHON_PYTHON = re.compile(rb"^[ \t]*(?:import cython|from cython)\b", re.M)
_IN_CPP = re.compile(rb"^#[ \t]*distutils:[ \t]*language[ \t]*=[ \t]*c\+\+|\bfrom libcpp\b", re.M)
_ALL_IN_CPP = re.compile(r"language[\"']?[ \t]*[=:][ \t]*[\"']c\+\+")
_WORD = re.compile(r"[\w.+-]+")
_LARGE_CONFIGURE = 60_000  # bytes; what autoconf writes is larger, what people write is not
_MOST_CONFIGURES = 3
_HEAD = 20_000  # bytes in which a module says that it is for Cython
_MOST_STEPS = 300_000  # files looked at for what all sources include, taken together
_DEEPEST = 60  # of headers that include headers


def count_work(tree: SourceTree) -> dict[str, float]:
    """Return the size and number of what is compiled, as `compiletime.toml` names them; no key for none."""
    backend = backend_of(tree)
    scripts = _Scripts(tree)
    count: Counter[str] = Counter()
    made = {path for path in tree.used() if _suffix(path) in C_SUFFIXES and is_cython_output(tree, path)}
    stems = {path.rsplit(".", 1)[0] for path in made}
    _count_c(tree, made, scripts, count)
    _count_cython(tree, stems, scripts, count)
    if backend.requires_any("cython"):
        _count_cython_python(tree, stems, count)
    _count_others(tree, count)
    count["configure_scripts"] = min(_MOST_CONFIGURES, len(scripts.configured))
    if count.total():
        count.update(_set_up(backend))
    return {name: round(value, 6) for name, value in sorted(count.items()) if value}


class _Scripts:
    """What the scripts of a build say that decides how much is compiled."""

    def __init__(self, tree: SourceTree) -> None:
        words: set[str] = set()
        self.cython_in_cpp = False
        for path in tree.used():
            name = path.rsplit("/", 1)[-1]
            if name == "CMakeLists.txt" or (name.endswith(".py") and ("/" not in path or "setup" in path)):
                text = tree.text(path)
                words.update(_WORD.findall(text))
                self.cython_in_cpp |= bool(_ALL_IN_CPP.search(text))
        large = (path for path in tree.named("configure") if tree.sizes[path] > _LARGE_CONFIGURE)
        # The folders whose `configure` is run: many archives have one that nothing calls.
        self.configured = [path.removesuffix("configure") for path in large] if "configure" in words else []


class _Included:
    """The files that each file includes, be it by way of others; `<name>` for what the archive does not have."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree
        self._resolved: dict[tuple[str, str], str | None] = {}
        self._direct: dict[str, tuple[str, ...]] = {}
        self._all: dict[str, frozenset[str]] = {}
        self._left = _MOST_STEPS

    def direct(self, path: str) -> tuple[str, ...]:
        """Return what a file itself includes."""
        known = self._direct.get(path)
        if known is None:
            names = (quoted or angled for quoted, angled in _INCLUDE.findall(self._tree.raw(path)))
            found = dict.fromkeys(self._resolve(path, name.decode("utf-8", "replace")) for name in names)
            known = self._direct[path] = tuple(name for name in found if name)
        return known

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


def _count_c(tree: SourceTree, made: set[str], scripts: _Scripts, count: Counter[str]) -> None:
    """Count C and C++: what is written, what of it is included, and what Cython made."""
    included = _Included(tree)
    statements = _Statements(tree)
    sources = [path for path in tree.used() if _suffix(path) in C_SUFFIXES]
    named = set(named_sources(tree)) if sources else set()
    parts = {other for path in sources for other in included.direct(path) if other != path and _is_c(other)}
    for path in sources:
        if path in parts:
            continue
        if path in made:
            _add(count, "cython_made_mb", tree.sizes[path] / 1e6)
        elif path not in named and path.endswith(C_SUFFIXES) and not path.startswith(tuple(scripts.configured)):
            continue
        kind = "cpp" if _suffix(path) in CPP_SUFFIXES else "c"
        files = included.all(path)
        own = [name for name in files if not name.startswith("<")]
        code = sum(statements[name] for name in own if _is_c(name))
        _add(count, f"{kind}_headers", sum(statements[name] for name in own) - code)
        if path not in made:
            _add(count, f"{kind}_code", code)
            count[f"{kind}_files"] += 1
        if kind == "cpp":
            count["std_headers"] += sum(name.startswith("<") and "." not in name for name in files)
            count["heavy_cpp_files"] += any(name[1:].startswith(_HEAVY) for name in files if name.startswith("<"))


class _Statements(dict[str, float]):
    """Thousands of semicolons by path. Of a large file only the start is kept: it stands for the rest."""

    def __init__(self, tree: SourceTree) -> None:
        self._tree = tree

    def __missing__(self, path: str) -> float:
        text = self._tree.raw(path)
        self[path] = text.count(b";") / 1000 * self._tree.sizes[path] / max(1, len(text))
        return self[path]


def _count_cython(tree: SourceTree, stems: set[str], scripts: _Scripts, count: Counter[str]) -> None:
    """Count the modules in Cython's language that are not there in C, with the files they include."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for path in tree.used():
        if _suffix(path) in (".pyx", ".pxi"):
            names[_untemplated(path.rsplit("/", 1)[-1])].append(path)
    parts = {path: _cython_parts(tree, path, names) for paths in names.values() for path in paths}
    included = {part for found in parts.values() for part in found}
    for path in sorted(parts):
        if _suffix(path) == ".pyx" and path not in included and path.split(".pyx")[0] not in stems:
            count["cython_modules"] += 1
            _add(count, "cython_mb", sum(tree.sizes[part] for part in _reached(path, parts)) / 1e6)
            count["cython_cpp_modules"] += scripts.cython_in_cpp or bool(_IN_CPP.search(tree.raw(path)))


def _cython_parts(tree: SourceTree, path: str, names: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the files that one in Cython's language takes in as text."""
    bases = (name.rsplit(b"/", 1)[-1].decode("utf-8", "replace") for name in _CYTHON_INCLUDE.findall(tree.raw(path)))
    return tuple(dict.fromkeys(names[base][0] for base in bases if base in names and names[base][0] != path))


def _reached(start: str, parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    seen, left = {start}, [start]
    while left:
        path = left.pop()
        yield path
        new = [part for part in parts[path] if part not in seen]
        seen.update(new)
        left += new


def _count_cython_python(tree: SourceTree, stems: set[str], count: Counter[str]) -> None:
    """Count the modules in Python that Cython compiles: those that import its declarations."""
    for path in tree.ending(".py"):
        if "/" in path and path.removesuffix(".py") not in stems and "setup" not in path:
            text = tree.raw(path)
            if _CYTHON_PYTHON.search(text[:_HEAD]) and b"cythonize" not in text:
                count["cython_modules"] += 1
                _add(count, "cython_mb", tree.sizes[path] / 1e6)


def _count_others(tree: SourceTree, count: Counter[str]) -> None:
    swig: Counter[str] = Counter()
    for path in tree.used():
        suffix, megabytes = _suffix(path), tree.sizes[path] / 1e6
        if suffix in FORTRAN_SUFFIXES:
            _add(count, "fortran_mb", megabytes)
            count["fortran_files"] += 1
        elif suffix == ".rs":
            _add(count, "rust_mb", megabytes)
        elif path.endswith("Cargo.lock"):
            count["crates"] = max(count["crates"], tree.raw(path).count(b"[[package]]"))
        elif suffix == ".i" and f"{path[:-2]}_wrap.c" not in tree and f"{path[:-2]}_wrap.cpp" not in tree:
            _add(swig, "swig_mb", megabytes)
            swig["modules"] += b"%module" in tree.raw(path)[:4000]
    if swig["modules"]:
        count["swig_mb"] = swig["swig_mb"]


def _set_up(backend: Backend) -> Iterator[str]:
    """Yield what finds compilers and asks them before anything is compiled."""
    if backend.name == "mesonpy":
        yield "meson"
    elif "cmake" in backend.name or "scikit_build" in backend.name or backend.requires_any("scikit-build", "cmake"):
        yield "cmake"


def _add(count: Counter[str], name: str, amount: float) -> None:
    count[name] += amount  # type: ignore[assignment]  # a Counter of fractions works, its types just do not say so


def _is_c(path: str) -> bool:
    return _suffix(path) in C_SUFFIXES


def _suffix(path: str) -> str:
    """Return the suffix that says what a file becomes: that of the template (`.pyx.in`, `.c.src`) where it is one."""
    stem, dot, last = _untemplated(path.rsplit("/", 1)[-1].lower()).rpartition(".")
    return f".{last}" if dot and stem else ""


def _untemplated(name: str) -> str:
    stem, _, last = name.rpartition(".")
    return stem if last in _TEMPLATE_SUFFIXES and stem.endswith(_TEMPLATES) else name

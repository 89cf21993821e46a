"""Which C and C++ is compiled, and how much of it: features of the model of compile time. Pure; bounded."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache

from wheelbase.source.counts_c import Included, Statements, extensions_of, suffix_of, untemplated
from wheelbase.source.counts_scripts import Scripts
from wheelbase.source.includes import FORTRAN_SUFFIXES, named_sources
from wheelbase.source.own_headers import C_SUFFIXES, CPP_SUFFIXES
from wheelbase.source.tree import SourceTree

# Libraries of templates, be it an archive's own copy, and Qt: to read them takes seconds.
_HEAVY = re.compile(r"(?:^<|^|/)(?:pybind11|nanobind|boost/python|Eigen|eigen3)(?:/|\.hpp)|^<Q(?:t|[A-Z])")
# What Eigen has besides its headers: copies use those alone.
OF_EIGEN = re.compile(
    r"(?:^|/)eigen[^/]*/(?:.*/)?(?:blas|lapack|bench|debug|demos|failtest|scripts|unsupported)/", re.IGNORECASE
)
_EIGEN = re.compile(r"(?:^<|^|/)(?:Eigen|eigen3)/")
_BOOST = re.compile(r"(?:^|/)boost/.*\.hpp$")  # a copy, of which little is used
_CGAL = re.compile(r"(?:^|<|/)CGAL/")  # whose kernels take half a minute each
_BINDING = re.compile(rb"\.def(?:_\w+)?[ \t]*\(")  # of pybind11, nanobind, Boost.Python: each instantiates templates
_INLINED = re.compile(rb"FORCE_?INLINE|force_?inline|always_inline")
_IMPLEMENTATION = re.compile(rb"\b\w+_IMPLEMENTATION\b")
_TEMPLATE = re.compile(rb"\btemplate[ \t]*<")
_LIGHT = frozenset(  # of the C++ library, but a few lines: C's headers are light too
    "array exception initializer_list limits new tuple type_traits typeinfo utility version cassert cctype cerrno cfenv"
    " cfloat cinttypes climits clocale csetjmp csignal cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctime"
    " cuchar cwchar cwctype".split()
)
_OTHER_MACHINE = re.compile(
    r"(^|[/_.-])(neon\d*|arm(v?\d\w*)?|aarch\d+|rvv|altivec|vsx|lsx|lasx|wasm\w*|(ppc|powerpc|mips|riscv|s390|loongarch)"
    r"[a-z0-9]*)([_-]\w+)?(/|\.\w+$)",
    re.IGNORECASE,
)
_OF_MANY_TEMPLATES, _OF_MANY_FILES = 0.7, 0.5  # powers: the more there are, the less is made of each


def count_compiled(
    tree: SourceTree,
    made: set[str],
    modules: Mapping[str, Iterable[str]],
    scripts: Scripts,
    statements: Statements,
    count: defaultdict[str, float],
) -> None:
    """Count C and C++: what is written, as often as it is compiled, what of it is included, and what Cython `made`.

    `modules` are those of Cython that become C++, with what they include.
    """
    included, extensions = Included(tree), extensions_of(tree)
    sources = _compiled(tree, made, scripts, included, extensions)
    reached = {path: included.all(path) for path in sources}
    for path, names in modules.items():
        reached[path] = frozenset().union(*(included.all(name) if name in tree else {name} for name in names))
    users = Counter(name for files in reached.values() for name in files)
    counter = _Counter(tree, scripts, statements, count)
    in_cpp: set[str] = set()
    in_code: set[str] = set()
    for path, files in reached.items():
        kind = "cpp" if path in modules or suffix_of(path) in CPP_SUFFIXES else "c"
        often = extensions.get(path, 1)
        own = [name for name in files if not name.startswith("<") and not _is_heavy(name) and not _BOOST.search(name)]
        code = {name for name in own if _is_c(name) or name.endswith(".inc")} | written_out(tree, path, own)
        headers = [name for name in own if name not in code]
        count["intrinsics_files"] += often * any(name.endswith("intrin.h>") for name in files)
        if kind == "cpp":
            counter.add_cpp(files, own, often)
            in_cpp.update(own)
            # What one file alone includes is written for it: most of its templates become code.
            alone = [name for name in headers if users[name] == 1]
            count["cpp_alone"] += often * sum(statements[name] for name in alone)
            headers = [name for name in headers if users[name] > 1]
        count[f"{kind}_headers"] += often * sum(statements[name] for name in headers)
        if path in made:
            count["cython_made_mb"] += tree.sizes[path] / 1e6
        elif path not in modules:
            counter.add_code(kind, code, included.again(path), often)
            in_code.update(own)
    # What all of them have to do with such a library is mostly done in one of them. Of templates, and of what is to be
    # inlined, a large library has more than is used.
    count["heavy_cpp"] = count["heavy_cpp_files"] > 0
    for library in ("eigen", "cgal"):
        count[library] **= _OF_MANY_FILES
    count["templates"] = (_matches(tree, _TEMPLATE, in_cpp) / 100) ** _OF_MANY_TEMPLATES
    count["inlined"] = _matches(tree, _INLINED, in_code) / 100


class _Counter:
    """Adds what a file takes to the counts, as `often` as it is compiled."""

    def __init__(
        self, tree: SourceTree, scripts: Scripts, statements: Statements, count: defaultdict[str, float]
    ) -> None:
        self._scripts, self._statements, self._count = scripts, statements, count
        self._bindings = cache(lambda path: _matches(tree, _BINDING, [path]))

    def add_cpp(self, files: Iterable[str], own: Iterable[str], often: int) -> None:
        """Add what C++ takes besides its statements: of all `files` that one includes, and of the archive's `own`."""
        std = often * sum(map(_is_of_cpp, files))
        self._count["std_headers"] += std
        self._count["std_in_cpp20"] += std * self._scripts.cpp20
        self._count["eigen"] += often * any(map(_EIGEN.search, files))
        self._count["cgal"] += often * any(map(_CGAL.search, files))
        if any(map(_is_heavy, files)):
            self._count["heavy_cpp_files"] += often
            self._count["bindings"] += often * sum(map(self._bindings, own)) / 100

    def add_code(self, kind: str, code: Iterable[str], again: Mapping[str, int], often: int) -> None:
        """Add the statements of a file with what it takes in, and of what it takes in `again`, with other macros."""
        repeated = sum((times - 1) * self._statements[name] for name, times in again.items())
        statements = often * (sum(self._statements[name] for name in code) + repeated)
        self._count[f"{kind}_files"] += often
        self._count[f"{kind}_code"] += statements
        self._count["optimized_code"] += statements * self._scripts.more_optimized


def written_out(tree: SourceTree, path: str, headers: Iterable[str]) -> set[str]:
    """Return the libraries that are one header, and that a file asks by a macro to become code (`X_IMPLEMENTATION`)."""
    asked = _IMPLEMENTATION.search(tree.raw(path))
    return {name for name in headers if asked[0] in tree.raw(name)} if asked else set()


def _matches(tree: SourceTree, pattern: re.Pattern[bytes], paths: Iterable[str]) -> int:
    return sum(len(pattern.findall(tree.raw(path))) for path in paths)


def _compiled(
    tree: SourceTree, made: set[str], scripts: Scripts, included: Included, extensions: Mapping[str, int]
) -> list[str]:
    """Return the sources that the compiler is given: others include the rest of them, or nothing uses it."""
    sources = [path for path in tree.used() if suffix_of(path) in C_SUFFIXES and not OF_EIGEN.search(path)]
    if scripts.meson and not any(map(scripts.named_by_meson, sources)) and _names_fortran(tree, scripts):
        sources = [path for path in sources if path in made]  # the others stand beside what it has copied
    named = set(named_sources(tree)) if sources else set()
    parts = {other for path in sources for other in included.direct(path) if other != path and _is_c(other)}
    unseen = set(_unseen(tree, sources, {*tree.built, *extensions, *made}))
    elsewhere = {path for path in sources if _OTHER_MACHINE.search(path)} - tree.built - extensions.keys()
    found, on_condition = [], []
    for path in sources:
        unnamed = path not in named and path not in extensions and path.endswith(C_SUFFIXES)
        unnamed &= not path.startswith(tuple(scripts.configured))
        unnamed &= f"{path.rsplit('/', 1)[-1].rsplit('.', 1)[0]}.o" not in scripts.words  # which `make` makes
        if path in scripts.made_by_make:
            found.append(path)
        elif path in parts or path in unseen or (path not in made and (unnamed or path in elsewhere)):
            continue
        # Of those on a condition, the ones that extensions have stand in for libraries mostly.
        elif path in made or path not in tree.conditional or path in extensions or scripts.compile:
            found.append(path)
        else:
            on_condition.append(path)
    # Where a project has no others, one of its conditions holds.
    return found or (on_condition if tree.followed or scripts.cmake or scripts.meson else [])


def _names_fortran(tree: SourceTree, scripts: Scripts) -> bool:
    return any(path.rpartition("/")[2] in scripts.meson_words for path in tree.ending(*FORTRAN_SUFFIXES))


def _unseen(tree: SourceTree, sources: list[str], seen: set[str]) -> Iterator[str]:
    """Yield the sources that a project of CMake or Meson does not name, where it is seen to name others."""
    for folder in tree.followed:
        inside = [path for path in sources if path.startswith(folder)]
        if not seen.isdisjoint(inside):
            yield from (path for path in inside if path not in seen and untemplated(path) == path)


def _is_of_cpp(name: str) -> bool:
    """Say whether what is included is a header of the C++ library, and no light one, or one of Boost's."""
    return name.startswith("<boost/") or (name.startswith("<") and "." not in name and name[1:-1] not in _LIGHT)


@lru_cache(1 << 14)
def _is_heavy(name: str) -> bool:
    return bool(_HEAVY.search(name))


def _is_c(path: str) -> bool:
    return suffix_of(path) in C_SUFFIXES

"""How much an archive has to compile: the features of the model of compile time. Pure; bounded, whatever it holds.

Code is counted in semicolons, in thousands: a compiler takes its time for statements, and next to none for comments
and tables of numbers, of which large files often consist. What a C++ file includes costs as much as what it holds.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping

from wheelbase.source.backend import Backend, backend_of
from wheelbase.source.counts_c import Included, Statements, extensions_of, suffix_of
from wheelbase.source.counts_cython import count_cython, count_cython_python
from wheelbase.source.includes import FORTRAN_SUFFIXES, is_cython_output, named_sources
from wheelbase.source.own_headers import C_SUFFIXES, CPP_SUFFIXES
from wheelbase.source.tree import SourceTree, is_vendored

Count = defaultdict[str, float]

_HEAVY = ("<pybind11/", "<boost/python", "<Eigen/", "<eigen3/", "<nanobind/")
_LIGHT = frozenset(  # of the C++ library, but a few lines: C's headers are light too
    "array exception initializer_list limits new tuple type_traits typeinfo utility version cassert cctype cerrno cfenv"
    " cfloat cinttypes climits clocale csetjmp csignal cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctime"
    " cuchar cwchar cwctype".split()
)
_CFFI = re.compile(rb"\.set_source(?:_pkgconfig)?\((?!\s*[^,)]+,\s*None\b)")
_ALL_IN_CPP = re.compile(r"cython_language=cpp|language[\"']?[ \t]*[=:][ \t]*[\"']c\+\+")
_FORTRAN_FREE = re.compile(rb"![^\n]*|^[ \t]+", re.M)
_FORTRAN_FIXED = re.compile(rb"^[cC*dD][^\n]*|![^\n]*|^[ \t]+", re.M)
_MORE_OPTIMIZED = re.compile(r"-O[3-9]|-Ofast")
_COMPILES = re.compile(r"\bspawn\(|\bnew_compiler\(|\bcompiler\.compile\(")
_PACKED = re.compile(r"-(?:v?\d[\w.]*|src)\.(?:tar\.(?:gz|bz2|xz)|tgz)$")
_RUNS_CMAKE = re.compile(r"[\"']cmake[\"']")
_CMAKE_CHECK = re.compile(rb"^[ \t]*check_\w+[ \t]*\(", re.M | re.IGNORECASE)
_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r"[\w.+-]+")
_SWIG_INCLUDE = re.compile(rb"^[ \t]*%(?:include|import)[ \t]+[<\"]([^>\"\n]{1,200})[>\"]", re.M)
_OTHER_MACHINE = re.compile(
    r"(^|/)(neon|arm(v?\d\w*)?|aarch\d+|(ppc|powerpc|mips|riscv|s390|loongarch)\w*)/", re.IGNORECASE
)
_LARGE_CONFIGURE = 60_000  # bytes; what autoconf writes is larger, what people write is not
_MOST_CONFIGURES = 3


def count_work(tree: SourceTree) -> dict[str, float]:
    """Return the size and number of what is compiled, as `compiletime.toml` names them; no key for none."""
    backend = backend_of(tree)
    scripts = _Scripts(tree)
    count: Count = defaultdict(float)
    made = {path for path in tree.used() if suffix_of(path) in C_SUFFIXES and is_cython_output(tree, path)}
    stems = {path.rsplit(".", 1)[0] for path in made}
    statements = Statements(tree)
    _count_c(tree, made, scripts, statements, count)
    count_cython(tree, stems, scripts.cython_in_cpp, count)
    if backend.requires_any("cython"):
        count_cython_python(tree, stems, count)
    _count_others(tree, statements, count)
    if "maturin" in backend.name or backend.requires_any("maturin", "setuptools-rust"):
        _count_rust(tree, count)
    if backend.requires_any("cffi") or any("cffi_modules" in tree.text(path) for path in ("setup.py", "setup.cfg")):
        _count_cffi(tree, statements, count)
    if any(count.values()):
        _count_set_up(tree, backend, scripts, count)
    return {name: round(value, 6) for name, value in sorted(count.items()) if value}


class _Scripts:
    """What the scripts of a build say that decides how much is compiled."""

    def __init__(self, tree: SourceTree) -> None:
        self.words: set[str] = set()
        self.cython_in_cpp = False
        self.more_optimized = False
        self.compile = False  # by themselves: extensions are not all then
        self.cmake = False  # is run by a script
        for path in tree.used():
            name = path.rsplit("/", 1)[-1]
            in_python = name.endswith(".py") and ("/" not in path or "setup" in path)
            if in_python or name in ("CMakeLists.txt", "meson.build"):
                text = _COMMENT.sub("", tree.text(path))
                self.words.update(_WORD.findall(text))
                self.cmake |= in_python and bool(_RUNS_CMAKE.search(text))
                self.compile |= bool(_COMPILES.search(text))
                self.more_optimized |= bool(_MORE_OPTIMIZED.search(text))
                self.cython_in_cpp |= bool(_ALL_IN_CPP.search(text))
        large = (path for path in tree.named("configure") if tree.sizes[path] > _LARGE_CONFIGURE)
        # The folders whose `configure` is run: many archives have one that nothing calls.
        self.configured = [path.removesuffix("configure") for path in large] if "configure" in self.words else []


def _count_c(tree: SourceTree, made: set[str], scripts: _Scripts, statements: Statements, count: Count) -> None:
    """Count C and C++: what is written, as often as it is compiled, what of it is included, and what Cython made."""
    included, extensions = Included(tree), extensions_of(tree)
    for path in _compiled(tree, made, scripts, included, extensions):
        kind = "cpp" if suffix_of(path) in CPP_SUFFIXES else "c"
        often = extensions.get(path, 1)
        files = included.all(path)
        own = [name for name in files if not name.startswith("<")]
        code = sum(statements[name] for name in own if _is_c(name))
        count[f"{kind}_headers"] += often * (sum(statements[name] for name in own) - code)
        if path in made:
            count["cython_made_mb"] += tree.sizes[path] / 1e6
        else:
            # What is included again and again is compiled each time, with other macros.
            code += sum((times - 1) * statements[name] for name, times in included.again(path).items())
            count[f"{kind}_code"] += often * code
            count["optimized_code"] += often * code * scripts.more_optimized
            count[f"{kind}_files"] += often
        if kind == "cpp":
            count["std_headers"] += often * sum(map(_is_of_cpp, files))
            count["heavy_cpp_files"] += often * any(name.startswith(_HEAVY) for name in files)
    # What all of them have to do with such a library is mostly done in one of them.
    count["heavy_cpp"] = count["heavy_cpp_files"] > 0


def _compiled(
    tree: SourceTree, made: set[str], scripts: _Scripts, included: Included, extensions: Mapping[str, int]
) -> Iterator[str]:
    """Yield the sources that the compiler is given: others include the rest of them, or nothing uses it."""
    sources = [path for path in tree.used() if suffix_of(path) in C_SUFFIXES]
    named = set(named_sources(tree)) if sources else set()
    parts = {other for path in sources for other in included.direct(path) if other != path and _is_c(other)}
    for path in sources:
        # Of those on a condition, the ones that extensions have stand in for libraries mostly.
        left_out = path in tree.conditional and path not in extensions and not scripts.compile
        unnamed = path not in named and path.endswith(C_SUFFIXES) and not path.startswith(tuple(scripts.configured))
        unnamed &= f"{path.rsplit('/', 1)[-1].rsplit('.', 1)[0]}.o" not in scripts.words  # which `make` makes
        if path not in parts and (path in made or not (left_out or unnamed or _OTHER_MACHINE.search(path))):
            yield path


def _count_others(tree: SourceTree, statements: Statements, count: Count) -> None:
    for path in tree.used():
        suffix = suffix_of(path)
        if _PACKED.search(path):  # a library's archive, unpacked and compiled by the build
            count["packed_mb"] += tree.sizes[path] / 1e6
            count["packed_libraries"] += 1
        elif suffix in FORTRAN_SUFFIXES:
            count["fortran_mb"] += _fortran_size(tree, path) / 1e6
            count["fortran_files"] += 1
    _count_swig(tree, statements, count)


def _count_swig(tree: SourceTree, statements: Statements, count: Count) -> None:
    """Count the modules that SWIG makes, unless what it made is there, with the declarations that they take in."""
    interfaces = list(tree.ending(".i"))
    modules = [path for path in interfaces if b"%module" in tree.raw(path)]
    stems = (path.rsplit("/", 1)[-1].removesuffix(".i") for path in modules)
    if not modules or any(tree.headers(f"{stem}_wrap{suffix}") for stem in stems for suffix in C_SUFFIXES):
        return
    named = {
        name.rsplit(b"/", 1)[-1].decode("utf-8", "replace")
        for path in interfaces
        for name in _SWIG_INCLUDE.findall(tree.raw(path))
    }
    taken = {tree.headers(name)[0] for name in named if tree.headers(name)}.union(interfaces)
    count["swig_modules"] += len(modules)
    count["swig_code"] += sum(statements[path] for path in taken)
    count["swig_templates"] += sum(tree.raw(path).count(b"%template") for path in interfaces)


def _fortran_size(tree: SourceTree, path: str) -> float:
    """Return the bytes of a file in Fortran without comments and indentation."""
    text = tree.raw(path)
    prose = _FORTRAN_FREE if suffix_of(path).startswith(".f9") else _FORTRAN_FIXED
    return len(prose.sub(b"", text)) * tree.sizes[path] / max(1, len(text))


def _count_rust(tree: SourceTree, count: Count) -> None:
    """Count the archive's own code, and crates: of vendored ones those that are there, as a lock lists all systems'."""
    count["rust_mb"] += sum(tree.sizes[path] for path in tree.ending(".rs") if not is_vendored(path)) / 1e6
    locked = max((tree.raw(path).count(b"[[package]]") for path in tree.named("Cargo.lock")), default=0)
    vendored = sum(1 for path in tree.sizes if path.endswith("/.cargo-checksum.json"))
    count["crates"] = min(locked, vendored) if vendored else locked


def _count_cffi(tree: SourceTree, statements: Statements, count: Count) -> None:
    """Count the declarations that cffi writes C for: they stand in scripts, or in headers beside them."""
    for path in tree.ending(".py"):
        if _CFFI.search(tree.raw(path)):
            folder = path.rpartition("/")[0]
            beside = (name for name in tree.ending(".h") if folder and name.startswith(f"{folder}/"))
            count["cffi_modules"] += 1
            count["cffi_code"] += sum(statements[name] for name in (path, *beside))


def _count_set_up(tree: SourceTree, backend: Backend, scripts: _Scripts, count: Count) -> None:
    """Count what finds compilers before anything is compiled, and what it checks, each time with a compiler."""
    by_cmake = "cmake" in backend.name or "scikit_build" in backend.name
    if backend.name == "mesonpy":
        count["meson"] = 1
    elif by_cmake or scripts.cmake or backend.requires_any("scikit-build", "cmake"):
        lists = tree.ending("cmakelists.txt", ".cmake")
        count["cmake"] = 1
        count["cmake_checks"] = sum(len(_CMAKE_CHECK.findall(tree.raw(path))) for path in lists) / 100
    for folder in scripts.configured[:_MOST_CONFIGURES]:
        count["configure_checks"] += tree.raw(f"{folder}configure").count(b"checking") / 100


def _is_of_cpp(name: str) -> bool:
    """Say whether what is included is a header of the C++ library, and no light one, or one of Boost's."""
    return name.startswith("<boost/") or (name.startswith("<") and "." not in name and name[1:-1] not in _LIGHT)


def _is_c(path: str) -> bool:
    return suffix_of(path) in C_SUFFIXES

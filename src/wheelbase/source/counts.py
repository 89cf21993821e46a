"""How much an archive has to compile: the features of the model of compile time. Pure; bounded, whatever it holds.

Code is counted in semicolons, in thousands: a compiler takes its time for statements, and next to none for comments
and tables of numbers, of which large files often consist. What a C++ file includes costs as much as what it holds.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from wheelbase.source.backend import Backend, backend_of
from wheelbase.source.counts_c import Included, Statements, extensions_of
from wheelbase.source.includes import C_SUFFIXES, CPP_SUFFIXES, FORTRAN_SUFFIXES, is_cython_output, named_sources
from wheelbase.source.tree import SourceTree, is_vendored

_TEMPLATE_SUFFIXES = ("in", "tp", "src")
_TEMPLATES = (".pyx", ".pxi", ".c", ".cpp")
_HEAVY = ("<pybind11/", "<boost/", "<Eigen/", "<eigen3/", "<nanobind/")
_LIGHT = frozenset(  # of the C++ library, but a few lines: C's headers are light too
    "array exception initializer_list limits new tuple type_traits typeinfo utility version cassert cctype cerrno cfenv"
    " cfloat cinttypes climits clocale csetjmp csignal cstdarg cstdbool cstddef cstdint cstdio cstdlib cstring ctime"
    " cuchar cwchar cwctype".split()
)
_CFFI = re.compile(rb"\.set_source(?:_pkgconfig)?\((?!\s*[^,)]+,\s*None\b)")
_CYTHON_INCLUDE = re.compile(rb"^[ \t]*include[ \t]+[\"']([^\"'\n]{1,200})[\"']", re.M)
_CYTHON_PYTHON = re.compile(rb"^[ \t]*(?:import cython|from cython)\b", re.M)
_CYTHON_PROSE = re.compile(rb'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|#[^\n]*|^[ \t]+', re.M)
_CYTHON_VIEW = re.compile(rb"\w[ \t]*\[[ \t]*:[:1, \t]*\][ \t]*\w")  # `double[:, ::1] name`, a memoryview
_IN_CPP = re.compile(rb"^#[ \t]*distutils:[ \t]*language[ \t]*=[ \t]*c\+\+|\bfrom libcpp\b", re.M)
_ALL_IN_CPP = re.compile(r"cython_language=cpp|language[\"']?[ \t]*[=:][ \t]*[\"']c\+\+")
_MORE_OPTIMIZED = re.compile(r"-O3|-Ofast")
_COMPILES = re.compile(r"\bspawn\(|\bnew_compiler\(|\bcompiler\.compile\(")
_PACKED = re.compile(r"-v?\d[\w.]*\.(?:tar\.(?:gz|bz2|xz)|tgz)$")
_WORD = re.compile(r"[\w.+-]+")
_LARGE_CONFIGURE = 60_000  # bytes; what autoconf writes is larger, what people write is not
_MOST_CONFIGURES = 3
_HEAD = 20_000  # bytes in which a module says that it is for Cython


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
    if "maturin" in backend.name or backend.requires_any("maturin", "setuptools-rust"):
        _count_rust(tree, count)
    _count_configures(tree, scripts, count)
    if backend.requires_any("cffi") or any("cffi_modules" in tree.text(path) for path in ("setup.py", "setup.cfg")):
        _count_cffi(tree, count)
    if count.total():
        count.update(_set_up(backend))
    return {name: round(value, 6) for name, value in sorted(count.items()) if value}


class _Scripts:
    """What the scripts of a build say that decides how much is compiled."""

    def __init__(self, tree: SourceTree) -> None:
        words: set[str] = set()
        self.cython_in_cpp = False
        self.more_optimized = False
        self.compile = False  # by themselves: extensions are not all then
        for path in tree.used():
            name = path.rsplit("/", 1)[-1]
            in_python = name.endswith(".py") and ("/" not in path or "setup" in path)
            if in_python or name in ("CMakeLists.txt", "meson.build"):
                text = tree.text(path)
                words.update(_WORD.findall(text))
                self.compile |= bool(_COMPILES.search(text))
                self.more_optimized |= bool(_MORE_OPTIMIZED.search(text))
                self.cython_in_cpp |= bool(_ALL_IN_CPP.search(text))
        large = (path for path in tree.named("configure") if tree.sizes[path] > _LARGE_CONFIGURE)
        # The folders whose `configure` is run: many archives have one that nothing calls.
        self.configured = [path.removesuffix("configure") for path in large] if "configure" in words else []


def _count_c(tree: SourceTree, made: set[str], scripts: _Scripts, count: Counter[str]) -> None:
    """Count C and C++: what is written, as often as it is compiled, what of it is included, and what Cython made."""
    included, statements, extensions = Included(tree), Statements(tree), extensions_of(tree)
    for path in _compiled(tree, made, scripts, included, extensions):
        kind = "cpp" if _suffix(path) in CPP_SUFFIXES else "c"
        often = extensions.get(path, 1)
        files = included.all(path)
        own = [name for name in files if not name.startswith("<")]
        code = sum(statements[name] for name in own if _is_c(name))
        _add(count, f"{kind}_headers", often * (sum(statements[name] for name in own) - code))
        if path in made:
            _add(count, "cython_made_mb", tree.sizes[path] / 1e6)
        else:
            # What is included again and again is compiled each time, with other macros.
            code += sum((times - 1) * statements[name] for name, times in included.again(path).items())
            _add(count, f"{kind}_code", often * code)
            _add(count, "optimized_code", often * code * scripts.more_optimized)
            count[f"{kind}_files"] += often
        if kind == "cpp":
            count["std_headers"] += often * sum(map(_is_of_cpp, files))
            count["heavy_cpp_files"] += often * any(name.startswith(_HEAVY) for name in files)


def _compiled(
    tree: SourceTree, made: set[str], scripts: _Scripts, included: Included, extensions: Mapping[str, int]
) -> Iterator[str]:
    """Yield the sources that the compiler is given: others include the rest of them, or nothing uses it."""
    sources = [path for path in tree.used() if _suffix(path) in C_SUFFIXES]
    named = set(named_sources(tree)) if sources else set()
    parts = {other for path in sources for other in included.direct(path) if other != path and _is_c(other)}
    for path in sources:
        # Of those on a condition, the ones that extensions have stand in for libraries mostly.
        left_out = path in tree.conditional and path not in extensions and not scripts.compile
        unnamed = path not in named and path.endswith(C_SUFFIXES) and not path.startswith(tuple(scripts.configured))
        if path not in parts and (path in made or not (left_out or unnamed)):
            yield path


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
            reached = list(_reached(path, parts))
            _add(count, "cython_mb", sum(_cython_size(tree, part) for part in reached) / 1e6)
            count["cython_view_modules"] += any(_CYTHON_VIEW.search(tree.raw(part)) for part in reached)
            count["cython_cpp_modules"] += scripts.cython_in_cpp or bool(_IN_CPP.search(tree.raw(path)))


def _cython_parts(tree: SourceTree, path: str, names: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the files that one in Cython's language takes in as text."""
    bases = (name.rsplit(b"/", 1)[-1].decode("utf-8", "replace") for name in _CYTHON_INCLUDE.findall(tree.raw(path)))
    return tuple(dict.fromkeys(names[base][0] for base in bases if base in names and names[base][0] != path))


def _cython_size(tree: SourceTree, path: str) -> float:
    """Return the bytes of a file in Cython's language without comments, docstrings and indentation."""
    text = tree.raw(path)
    return len(_CYTHON_PROSE.sub(b"", text)) * tree.sizes[path] / max(1, len(text))


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
                _add(count, "cython_mb", _cython_size(tree, path) / 1e6)


def _count_others(tree: SourceTree, count: Counter[str]) -> None:
    swig: Counter[str] = Counter()
    for path in tree.used():
        suffix, megabytes = _suffix(path), tree.sizes[path] / 1e6
        if _PACKED.search(path):
            _add(count, "packed_mb", megabytes)  # a library's archive, unpacked and compiled by the build
        elif suffix in FORTRAN_SUFFIXES:
            _add(count, "fortran_mb", megabytes)
            count["fortran_files"] += 1
        elif suffix == ".i" and f"{path[:-2]}_wrap.c" not in tree and f"{path[:-2]}_wrap.cpp" not in tree:
            _add(swig, "swig_mb", megabytes)
            swig["modules"] += b"%module" in tree.raw(path)[:4000]
    if swig["modules"]:
        count["swig_mb"] = swig["swig_mb"]


def _count_rust(tree: SourceTree, count: Counter[str]) -> None:
    """Count the archive's own code, and crates: of vendored ones those that are there, as a lock lists all systems'."""
    _add(count, "rust_mb", sum(tree.sizes[path] for path in tree.ending(".rs") if not is_vendored(path)) / 1e6)
    locked = max((tree.raw(path).count(b"[[package]]") for path in tree.named("Cargo.lock")), default=0)
    vendored = sum(1 for path in tree.sizes if path.endswith("/.cargo-checksum.json"))
    count["crates"] = min(locked, vendored) if vendored else locked


def _count_configures(tree: SourceTree, scripts: _Scripts, count: Counter[str]) -> None:
    """Count what configure scripts check, each time with a compiler."""
    for folder in scripts.configured[:_MOST_CONFIGURES]:
        _add(count, "configure_checks", tree.raw(f"{folder}configure").count(b"checking") / 100)


def _count_cffi(tree: SourceTree, count: Counter[str]) -> None:
    """Count the declarations that cffi writes C for: they stand in scripts, or in headers beside them."""
    for path in tree.ending(".py"):
        if _CFFI.search(tree.raw(path)):
            folder = path.rpartition("/")[0]
            beside = (name for name in tree.ending(".h") if folder and name.startswith(f"{folder}/"))
            count["cffi_modules"] += 1
            _add(count, "cffi_mb", sum(tree.sizes[name] for name in (path, *beside)) / 1e6)


def _set_up(backend: Backend) -> Iterator[str]:
    """Yield what finds compilers and asks them before anything is compiled."""
    if backend.name == "mesonpy":
        yield "meson"
    elif "cmake" in backend.name or "scikit_build" in backend.name or backend.requires_any("scikit-build", "cmake"):
        yield "cmake"


def _add(count: Counter[str], name: str, amount: float) -> None:
    count[name] += amount  # type: ignore[assignment]  # a Counter of fractions works, its types just do not say so


def _is_of_cpp(name: str) -> bool:
    """Say whether what is included is a header of the C++ library, and no light one."""
    return name.startswith("<") and "." not in name and name[1:-1] not in _LIGHT


def _is_c(path: str) -> bool:
    return _suffix(path) in C_SUFFIXES


@lru_cache(1 << 14)
def _suffix(path: str) -> str:
    """Return the suffix that says what a file becomes: that of the template (`.pyx.in`, `.c.src`) where it is one."""
    stem, dot, last = _untemplated(path.rsplit("/", 1)[-1].lower()).rpartition(".")
    return f".{last}" if dot and stem else ""


def _untemplated(name: str) -> str:
    stem, _, last = name.rpartition(".")
    return stem if last in _TEMPLATE_SUFFIXES and stem.endswith(_TEMPLATES) else name

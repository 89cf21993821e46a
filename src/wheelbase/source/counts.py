"""How much an archive has to compile: the features of the model of compile time. Pure; bounded, whatever it holds.

Code is counted in semicolons, in thousands: a compiler takes its time for statements, and next to none for comments
and tables of numbers, of which large files often consist. What a C++ file includes costs as much as what it holds.
"""

import re
from collections import defaultdict

from wheelbase.source.backend import backend_of
from wheelbase.source.counts_c import Included, Statements, suffix_of
from wheelbase.source.counts_compiled import OF_EIGEN, count_compiled, written_out
from wheelbase.source.counts_cython import count_cython, count_cython_python
from wheelbase.source.counts_scripts import Scripts
from wheelbase.source.includes import FORTRAN_SUFFIXES, is_cython_output
from wheelbase.source.own_headers import C_SUFFIXES, PACKED
from wheelbase.source.tree import SourceTree, is_vendored

Count = defaultdict[str, float]

_CFFI = re.compile(rb"\.set_source(?:_pkgconfig)?\((?!\s*[^,)]+,\s*None\b)")
_READS = re.compile(rb"(?<!include )[\"']([A-Za-z0-9_./-]{1,200}\.(?:h|txt|cdef|ffi))[\"']")
_FORTRAN_FREE = re.compile(rb"^[ \t]*!.*\n|!.*", re.M)
_FORTRAN_FIXED = re.compile(rb"^(?:[cC*dD]|[ \t]*!).*\n|!.*", re.M)
_FORTRAN_DATA = re.compile(rb"(?im)^[ \t]*data\b(?:.*&[ \t]*\n)*.*(?:\n(?: {5}[^ 0\n]|\t[1-9]|[ \t]*&).*)*")
_SPACES = re.compile(rb"\s+")
_CMAKE_CHECK = re.compile(rb"^[ \t]*check_\w+[ \t]*\(", re.M | re.IGNORECASE)
_SIP_CLASS = re.compile(rb"^[ \t]*class[ \t]", re.M)
_SWIG_INCLUDE = re.compile(rb"^[ \t]*%(?:include|import)[ \t]+[<\"]?([\w./+-]{1,200})", re.M)
_BY_NUMPY = re.compile(r"^(?:from|import) numpy\.distutils\b", re.M)
_MOST_CONFIGURES = 3
_NAMES_ITS_FILES = 3  # of a folder, by which a project shows that it names those that it compiles


def count_work(tree: SourceTree) -> dict[str, float]:
    """Return the size and number of what is compiled, as `compiletime.toml` names them; no key for none."""
    backend = backend_of(tree)
    scripts = Scripts(tree, backend)
    count: Count = defaultdict(float)
    made = {path for path in tree.used() if suffix_of(path) in C_SUFFIXES and is_cython_output(tree, path)}
    stems = {path.rsplit(".", 1)[0] for path in made}
    statements = Statements(tree)
    modules = count_cython(tree, stems, scripts.cython_in_cpp, count)
    count_compiled(tree, made, modules, scripts, statements, count)
    if backend.requires_any("cython"):
        count_cython_python(tree, stems, count)
    _count_files(tree, scripts, count)
    _count_swig(tree, statements, count)
    if backend.requires_any("sip", "pyqt-builder"):
        count["sip_classes"] = sum(len(_SIP_CLASS.findall(tree.raw(path))) for path in tree.ending(".sip"))
    if "mypycify" in tree.text("setup.py"):
        _count_mypyc(tree, count)
    if "maturin" in backend.name or backend.requires_any("maturin", "setuptools-rust"):
        _count_rust(tree, count)
    if backend.requires_any("cffi") or any("cffi_modules" in tree.text(path) for path in ("setup.py", "setup.cfg")):
        _count_cffi(tree, statements, count)
    if any(count.values()) or tree.followed:  # of what is compiled nothing may be there yet
        _count_set_up(tree, scripts, count)
    return {name: round(value, 6) for name, value in sorted(count.items()) if value}


def _count_files(tree: SourceTree, scripts: Scripts, count: Count) -> None:
    beside = _beside_named(tree, scripts) if scripts.meson else frozenset()
    for path in tree.used():
        suffix = suffix_of(path)
        if PACKED.search(path):
            count["packed_mb"] += tree.sizes[path] / 1e6
            count["packed_libraries"] += 1
        elif suffix in FORTRAN_SUFFIXES and not OF_EIGEN.search(path) and path not in beside:
            count["fortran_mb"] += _fortran_size(tree, path) / 1e6
            count["fortran_files"] += 1


def _beside_named(tree: SourceTree, scripts: Scripts) -> frozenset[str]:
    """Return the Fortran that a project of Meson does not name, in folders of which it names several files."""
    folders: defaultdict[str, list[str]] = defaultdict(list)
    for path in tree.used():
        if suffix_of(path) in FORTRAN_SUFFIXES:
            folders[path.rpartition("/")[0]].append(path)
    found: list[str] = []
    for paths in folders.values():
        if sum(path.rpartition("/")[2] in scripts.meson_words for path in paths) >= _NAMES_ITS_FILES:
            found += (path for path in paths if not scripts.named_by_meson(path))
    return frozenset(found)


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
    """Return the bytes of a file in Fortran without comments, tables of data, and spaces that are there for people."""
    text = tree.raw(path)
    comments = _FORTRAN_FREE if suffix_of(path).startswith((".f9", ".f0")) else _FORTRAN_FIXED
    code = _SPACES.sub(b" ", _FORTRAN_DATA.sub(b"", comments.sub(b"", text)))
    return len(code) * tree.sizes[path] / max(1, len(text))


def _count_mypyc(tree: SourceTree, count: Count) -> None:
    """Count the modules in Python that mypyc compiles: those that setup.py names, or all where it names none."""
    script = tree.text("setup.py")
    modules = [path for path in tree.ending(".py") if "/" in path]
    count["mypyc"] = 1
    count["mypyc_mb"] = sum(tree.sizes[path] for path in [p for p in modules if p in script] or modules) / 1e6


def _count_rust(tree: SourceTree, count: Count) -> None:
    """Count the archive's own code, and crates: of vendored ones those that are there, as a lock lists all systems'."""
    count["rust_mb"] += sum(tree.sizes[path] for path in tree.ending(".rs") if not is_vendored(path)) / 1e6
    locked = max((tree.raw(path).count(b"[[package]]") for path in tree.named("Cargo.lock")), default=0)
    vendored = sum(1 for path in tree.sizes if path.endswith("/.cargo-checksum.json"))
    count["crates"] = min(locked, vendored) if vendored else locked


def _count_cffi(tree: SourceTree, statements: Statements, count: Count) -> None:
    """Count the declarations that cffi writes C for: in scripts, in what these read, and in headers beside them."""
    included = Included(tree)
    for path in tree.ending(".py"):
        if _CFFI.search(tree.raw(path)):
            folder = path.rpartition("/")[0]
            beside = (name for name in tree.ending(".h") if folder and name.startswith(f"{folder}/"))
            named = (name.decode().rpartition("/")[2] for name in _READS.findall(tree.raw(path)))
            read = (found for name in named for found in tree.headers(name)[:1])
            count["cffi_modules"] += 1
            count["cffi_code"] += sum(statements[name] for name in {path, *beside, *read})
            count["c_code"] += sum(statements[name] for name in written_out(tree, path, included.direct(path)))


def _count_set_up(tree: SourceTree, scripts: Scripts, count: Count) -> None:
    """Count what finds compilers before anything is compiled, and what it checks, each time with a compiler."""
    if scripts.meson:
        count["meson"] = 1
    elif scripts.cmake:
        lists = tree.ending("cmakelists.txt", ".cmake")
        count["cmake"] = 1
        count["cmake_checks"] = sum(len(_CMAKE_CHECK.findall(tree.raw(path))) for path in lists) / 100
    count["numpy_distutils"] = bool(_BY_NUMPY.search(tree.text("setup.py"))) and not scripts.meson
    for folder in scripts.configured[:_MOST_CONFIGURES]:
        count["configure_checks"] += tree.raw(f"{folder}configure").count(b"checking") / 100

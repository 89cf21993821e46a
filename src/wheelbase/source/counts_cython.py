"""How much Cython has to compile: the features of the model of compile time that begin with its name. Pure; bounded."""

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from wheelbase.source.archive import is_typed_for_cython
from wheelbase.source.counts_c import suffix_of, untemplated
from wheelbase.source.own_headers import own_header
from wheelbase.source.tree import SourceTree

_INCLUDE = re.compile(rb"^[ \t]*include[ \t]+[\"']([^\"'\n]{1,200})[\"']", re.M)
_FOR_CYTHON = re.compile(rb"^[ \t]*(?:import cython|from cython)\b", re.M)
# What stands in `cdef extern from`, for as long as it is indented: it tells of C and becomes none.
_DECLARED = re.compile(rb"^([ \t]*)cdef[ \t]+extern\b[^\n:]*:[^\n]*\n(?:(?:\1[ \t][^\n]*|[ \t]*)\n)*", re.M)
_PROSE = re.compile(rb'"""[\s\S]*?"""|\'\'\'[\s\S]*?\'\'\'|#[^\n]*|^[ \t]+', re.M)
_FUNCTION = re.compile(rb"^(?:async[ \t]+)?(?:def|cpdef)\b", re.M)
_VIEW = re.compile(rb"\w[ \t]*\[[ \t]*:[:1, \t]*\][ \t]*\w")  # `double[:, ::1] name`, a memoryview
_NUMPY = re.compile(rb"^[ \t]*(?:cimport numpy|from numpy cimport)\b", re.M)
_IN_CPP = re.compile(rb"^#[ \t]*distutils:[ \t]*language[ \t]*=[ \t]*c\+\+|\bfrom libcpp\b", re.M)
_EXTERN = re.compile(rb"\bextern from [\"']([^\"'\n]{1,200})[\"']")
_FUSED = re.compile(rb"^([ \t]*)ctypedef[ \t]+fused[ \t]+(\w+)[ \t]*:[^\n]*\n((?:\1[ \t]+[^\n]*\n?|[ \t]*\n)+)", re.M)
_MEMBER = re.compile(rb"^[ \t]+([^#\n]*[^#\s])", re.M)
_BUILT_IN = {b"floating": 2, b"integral": 3, b"numeric": 7}  # fused types of Cython's own, with their members
_OWN_CODE = re.compile(rb"^([ \t]*)(?:def|cpdef|cdef)[ \t]+([^(\n=]{0,200}\([^)]{0,1000}\))", re.M)
_LONGEST_BODY = 50_000  # bytes
_MOST_FUSED = 1_000  # functions of one kind each
_HEAD = 20_000  # bytes in which a module says that it is for Cython


def count_cython(
    tree: SourceTree, stems: set[str], in_cpp: bool, count: defaultdict[str, float]
) -> Mapping[str, set[str]]:
    """Count the modules in Cython's language that are not there in C (`stems`), with the files they include.

    Returns those that become C++ with what that includes: paths of the archive's own headers, `<name>` of others.
    """
    names: defaultdict[str, list[str]] = defaultdict(list)
    for path in tree.used():
        if suffix_of(path) in (".pyx", ".pxi"):
            names[untemplated(path.rsplit("/", 1)[-1])].append(path)
    fused = _fused_types(tree.raw(path) for path in tree.used() if suffix_of(path) in (".pyx", ".pxi", ".pxd"))
    parts = {path: _parts(tree, path, names) for paths in names.values() for path in paths}
    included = {part for found in parts.values() for part in found}
    in_cplusplus: dict[str, set[str]] = {}
    for path in sorted(parts):
        stem = path.split(".pyx")[0]
        if suffix_of(path) == ".pyx" and path not in included and stem not in stems:
            reached = list(_reached(path, parts))
            _count_module(tree, reached, count)
            count["cython_fused_mb"] += sum(_fused(tree.raw(part), fused) for part in reached) / 1e6
            count["cython_view_modules"] += any(_VIEW.search(tree.raw(part)) for part in reached)
            count["cython_numpy_modules"] += any(_NUMPY.search(tree.raw(part)) for part in reached)
            if in_cpp or _IN_CPP.search(tree.raw(path)):
                count["cython_cpp_modules"] += 1
                in_cplusplus[path] = {name for part in (*reached, f"{stem}.pxd") for name in _externs(tree, part)}
    return in_cplusplus


def _externs(tree: SourceTree, path: str) -> Iterator[str]:
    for name in (found.decode("utf-8", "replace").strip("<>") for found in _EXTERN.findall(tree.raw(path))):
        own = own_header(tree, path, name)
        yield f"<{name}>" if own is None else own


def count_cython_python(tree: SourceTree, stems: set[str], count: defaultdict[str, float]) -> None:
    """Count the modules in Python that Cython compiles: those that scripts name, or that import or have its types."""
    for path in (path for path in tree.ending(".py") if "/" in path and "setup" not in path):
        if path.removesuffix(".py") not in stems and b"cythonize" not in tree.raw(path):
            known = path in tree.built or is_typed_for_cython(tree, path)
            if known or _FOR_CYTHON.search(tree.raw(path)[:_HEAD]):
                _count_module(tree, [path], count)


def _count_module(tree: SourceTree, files: Iterable[str], count: defaultdict[str, float]) -> None:
    """Count a module of these files: what Python calls needs more C than what C calls."""
    count["cython_modules"] += 1
    for path in files:
        raw = tree.raw(path)
        text = _PROSE.sub(b"", _DECLARED.sub(b"", raw))
        whole = tree.sizes[path] / max(1, len(raw))
        count["cython_mb"] += len(text) * whole / 1e6
        count["cython_functions"] += len(_FUNCTION.findall(text)) * whole


def _fused_types(texts: Iterable[bytes]) -> dict[bytes, int]:
    """Return the fused types that modules define, and Cython's own, with the number of types that each stands for."""
    found = dict(_BUILT_IN)
    for text in texts:
        for _, name, block in _FUSED.findall(text):
            found[name] = sum(found.get(member, 1) for member in _MEMBER.findall(block))
    return found


def _fused(text: bytes, types: Mapping[bytes, int]) -> int:
    """Return the bytes of functions that are made again, for each further type that a fused one stands for."""
    more = 0
    for match in _OWN_CODE.finditer(text):
        versions = math.prod(types[name] for name in set(re.findall(rb"\w+", match[2])) & types.keys())
        if versions > 1:
            start = text.find(b"\n", match.end()) + 1 or len(text)
            end = start + _LONGEST_BODY
            ended = re.compile(rb"^[ \t]{0,%d}[^\s#)]" % len(match[1]), re.M).search(text, start, end)
            body = text[match.start() : ended.start() if ended else end]
            more += len(_PROSE.sub(b"", body)) * (min(versions, _MOST_FUSED) - 1)
    return more


def _parts(tree: SourceTree, path: str, names: Mapping[str, list[str]]) -> tuple[str, ...]:
    """Return the files that one in Cython's language takes in as text."""
    bases = (name.rsplit(b"/", 1)[-1].decode("utf-8", "replace") for name in _INCLUDE.findall(tree.raw(path)))
    return tuple(dict.fromkeys(names[base][0] for base in bases if base in names and names[base][0] != path))


def _reached(start: str, parts: Mapping[str, Iterable[str]]) -> Iterator[str]:
    seen, left = {start}, [start]
    while left:
        path = left.pop()
        yield path
        new = [part for part in parts[path] if part not in seen]
        seen.update(new)
        left += new

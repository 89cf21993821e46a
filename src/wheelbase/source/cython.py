"""What Cython sources take from C, and which languages an archive's sources are in. Pure; bounded and linear."""

import re
from collections.abc import Iterable, Iterator
from typing import Literal

from wheelbase.source.cython_blocks import Lines, states_of_lines
from wheelbase.source.findings import Evidence
from wheelbase.source.includes import FORTRAN_SUFFIXES, find_in_headers, find_includes, is_ordinary, named_sources
from wheelbase.source.own_headers import C_SUFFIXES, CPP_SUFFIXES, own_header
from wheelbase.source.tree import SourceTree, is_vendored

_SUFFIXES = (".pyx", ".pxd", ".pxi", ".pyx.in", ".pxd.in", ".pxi.in", ".pyx.tp", ".pxi.tp")
_MODULE = re.compile(r"\.(?:pyx|pxd|pxi)(?:\.\w+)?$", re.IGNORECASE)
_MOST = 400  # of what is found
_MOST_NAMES = 50  # that one statement takes in
_MOST_NAMESAKES = 20
_LONGEST_VERBATIM = 50_000  # characters
_EXTERN = re.compile(
    r"^[ \t]*(?:cdef[ \t]+)?(?:public[ \t]+)?extern[ \t]+from[ \t]+(?:\*|[\"']<?([^\"'>\n]{1,200})>?[\"'])[^\n]*", re.M
)
_VERBATIM = re.compile(r":[ \t]*\n\s{0,200}(\"\"\"|\'\'\')")
_LIBRARIES = re.compile(r"^#[ \t]*distutils:[ \t]*(libraries|extra_link_args)[ \t]*=[ \t]*([^\n]*)$", re.M)
_SOURCES = re.compile(r"^#[ \t]*distutils:[ \t]*sources[ \t]*=[ \t]*([^\n]*)$", re.M)
_IN_CPP = re.compile(r"^#[ \t]*distutils:[ \t]*language[ \t]*=[ \t]*c\+\+", re.M)
_CIMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]{1,200})[ \t]+cimport[ \t]+(?:\(([^)]{0,4000})|([^\n#]*))|cimport[ \t]+([^\n#]*)"
    r"|include[ \t]+[\"']([^\"'\n]{1,200})[\"'])",
    re.M,
)
_LANGUAGES: dict[str, tuple[str, ...]] = {"c": (".c",), "c++": CPP_SUFFIXES}
_SCRIPTS = ("setup.py", "setup.cfg", "pyproject.toml", "meson.build", "CMakeLists.txt")


def find_in_cython(tree: SourceTree) -> Iterator[Evidence]:
    """Yield the headers and libraries that Cython sources name, each once. What no module takes in is optional."""
    used = frozenset() if tree.built_nothing else _used_files(tree)
    tree.notes["taken in"] = frozenset(_sources_of(tree, used))
    found: dict[tuple[str, str, str], Evidence] = {}
    headers: dict[str, None] = {}  # of the archive
    for path in sorted(
        (path for path in tree.ending(*_SUFFIXES) if not is_vendored(path)), key=lambda path: path not in used
    ):
        for one in _find_in_file(tree, path, used=path in used):
            own = own_header(tree, path, one.name) if one.kind == "header" else None
            if own is None:
                found.setdefault((one.kind, one.name, one.need), one)
            elif own and one.need == "required" and not is_vendored(own):
                headers[own] = None
        if len(found) >= _MOST:
            break
    tree.notes["taken in"] |= {path for path in headers if path.endswith(C_SUFFIXES)}
    yield from list(found.values())[:_MOST]
    yield from find_in_headers(tree, headers)


def _find_in_file(tree: SourceTree, path: str, *, used: bool) -> Iterator[Evidence]:
    text = tree.text(path)
    lines = Lines(text)
    states = states_of_lines(text)
    for match in _EXTERN.finditer(text):
        line = lines.of(match.start())
        holds, condition = states[line - 1] if states else (True, "")
        if holds is False:
            continue
        need: Literal["required", "optional"] = "required" if used and holds else "optional"
        name = (match[1] or "").strip()
        if name and not is_ordinary(name):
            where = f"{path}:{line}"
            yield Evidence(kind="header", name=name, where=where, need=need, weight=0.8, condition=condition)
        start, end = _verbatim(text, match.end())
        for one in find_includes(text[start:end], path, lines.of(start)):
            yield one if need == "required" else _optional(one)
    for match in _LIBRARIES.finditer(text):
        where = f"{path}:{lines.of(match.start())}"
        words = re.split(r"[\s,\[\]\"']+", match[2])[:_MOST_NAMES]
        names = words if match[1] == "libraries" else [word[2:] for word in words if word.startswith("-l")]
        for name in names:
            if name and not name.endswith("_LIBRARIES"):  # Cython's aliases
                yield Evidence(kind="library", name=name, where=where, need="required" if used else "optional")


def _sources_of(tree: SourceTree, used: Iterable[str]) -> Iterator[str]:
    """Yield the sources that modules say themselves they are compiled with, which cythonize() adds to theirs."""
    for path in used:
        if path.endswith((".pyx", ".py")) and (match := _SOURCES.search(tree.text(path))):
            yield from (name for name in re.split(r"[,\s]+", match[1])[:_MOST_NAMES] if name in tree)


def _verbatim(text: str, line_end: int) -> tuple[int, int]:
    """Return where the C text stands that follows a line with `extern from`: an empty stretch where there is none."""
    opened = _VERBATIM.match(text, max(0, text.rfind(":", 0, line_end)), line_end + 300)
    if not opened:
        return line_end, line_end
    closed = text.find(opened[1], opened.end(), opened.end() + _LONGEST_VERBATIM)
    return opened.end(), closed if closed >= 0 else opened.end()


def _optional(one: Evidence) -> Evidence:
    return Evidence(kind=one.kind, name=one.name, where=one.where, need="optional", weight=one.weight)


def _used_files(tree: SourceTree) -> frozenset[str]:
    """Return the modules with all that they take in by `cimport` and `include`."""
    left = [
        path
        for path in tree.ending(".pyx", ".pyx.in", ".pyx.tp", ".pxd")
        if not is_vendored(path)
        and path not in tree.conditional
        and not (tree.unfollowed and tree.built and path not in tree.built)  # what is seen to be compiled tells more
        and (not path.endswith(".pxd") or f"{path[:-4]}.py" in tree)
    ]
    used = set(left)
    while left:
        path = left.pop()
        for other in _taken_in(tree, path):
            if other not in used:
                used.add(other)
                left.append(other)
    return frozenset(used)


def _taken_in(tree: SourceTree, path: str) -> Iterator[str]:
    stem, folder = _MODULE.sub("", path), path.rpartition("/")[0]
    yield from (other for suffix in (".pxd", ".pxd.in") if (other := f"{stem}{suffix}") in tree)
    for module, in_parentheses, names, plain, included in _CIMPORT.findall(tree.text(path)):
        if included:
            yield from _files(tree, included.removesuffix(".in"), ("", ".in", ".tp"), folder)
        else:
            words = [
                word.split()[0] for word in (in_parentheses or names or plain).split(",")[:_MOST_NAMES] if word.strip()
            ]
            for name in [module, *(f"{module}.{word}" for word in words)] if module else words:
                wanted = name.strip(".").replace(".", "/")
                yield from _files(tree, wanted, (".pxd", ".pxd.in", "/__init__.pxd"), folder)


def _files(tree: SourceTree, wanted: str, suffixes: Iterable[str], folder: str) -> Iterator[str]:
    """Yield the files that a name may mean: the one beside, else those whose paths end so."""
    if not wanted:
        return
    for suffix in suffixes:
        beside = f"{folder}/{wanted}{suffix}".removeprefix("/")
        if beside in tree:
            yield beside
            continue
        ends = f"/{wanted}{suffix}"
        for other in tree.headers(ends.rsplit("/", 1)[-1])[:_MOST_NAMESAKES]:
            if f"/{other}".endswith(ends):
                yield other


def find_languages(tree: SourceTree) -> Iterator[Evidence]:
    """Yield the languages of sources that a build is not seen to leave alone, each with the first file in it.

    Of other languages than C, C++ and Cython sources alone tell nothing: archives have bindings, tools and experiments
    in them that no build compiles. Those are found where a build says that it compiles them.
    """
    if tree.built_nothing:
        return
    made = {path.rsplit(".", 1)[0] for path in tree.ending(*C_SUFFIXES)}
    modules = [path for path in tree.ending(".pyx", ".pyx.in", ".pyx.tp") if _MODULE.sub("", path) not in made]
    named = {
        suffix: path for path in reversed(list(named_sources(tree))) for suffix in [path[path.rfind(".") :].lower()]
    }
    if modules:
        yield Evidence(kind="language", name="cython", where=f"{modules[0]}:1")
    for language, suffixes in _LANGUAGES.items():
        first = next((named[suffix] for suffix in suffixes if suffix in named), None)
        if not first and language == "c++":
            first = next((path for path in modules if _IN_CPP.search(tree.text(path))), None)
        if first:
            yield Evidence(kind="language", name=language, where=f"{first}:1")
    yield from _find_fortran(tree)
    yield from _find_swig(tree, made)


def _find_fortran(tree: SourceTree) -> Iterator[Evidence]:
    """Yield Fortran where numpy.distutils builds, whose scripts collect sources by patterns."""
    if "meson.build" not in tree and any("numpy.distutils" in tree.text(path) for path in tree.named("setup.py")):
        sources = (path for path in tree.ending(*FORTRAN_SUFFIXES) if not is_vendored(path))
        if first := next(sources, None):
            yield Evidence(kind="language", name="fortran", where=f"{first}:1", weight=0.8)


def _find_swig(tree: SourceTree, made: set[str]) -> Iterator[Evidence]:
    """Yield SWIG where a build script names it, or a source for it; where its output is there a build does without."""
    scripts = "\n".join(tree.text(path) for path in tree.named(*_SCRIPTS) if not _is_of_no_use(tree, path))
    runs = "swig" in scripts.lower()
    for path in tree.ending(".i"):
        if "%module" in tree.text(path)[:4000] and not is_vendored(path):
            name = path.rsplit("/", 1)[-1]
            wrapped = f"{name.removesuffix('.i')}_wrap"
            named = (runs or name in scripts) and not any(wrapped in other.rsplit("/", 1)[-1] for other in made)
            need: Literal["required", "optional"] = "required" if named else "optional"
            yield Evidence(kind="program", name="swig", where=f"{path}:1", need=need, weight=0.8)
            break


def _is_of_no_use(tree: SourceTree, path: str) -> bool:
    """Say whether a script is not run by that of the archive's folder, or was followed, which told of SWIG already."""
    if path.endswith("setup.py"):
        return "/" in path and "numpy.distutils" not in tree.text(path)
    return path.endswith(("CMakeLists.txt", "meson.build")) and path.startswith(tuple(tree.followed))

"""What a source archive says of itself: dependencies, and whether it has anything to compile. Pure.

Nothing in an archive is run. Where it does not state its dependencies they are not known: None, never a guess.
Sources: PEP 643 (static metadata of source archives), PEP 621, setuptools' egg-info.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import PurePosixPath

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from wheelbase.source.backend import read_toml
from wheelbase.source.includes import FORTRAN_SUFFIXES
from wheelbase.source.syntax import parse_quietly
from wheelbase.source.tree import SourceTree

_MAX_SETUP_PY = 256 << 10  # a syntax tree takes a thousand times the memory of its text
_COMPILED = frozenset((*FORTRAN_SUFFIXES, *".c .cc .cpp .cxx .cu .go .m .pyx .rs .s .sip .swg .i".split()))
_TEMPLATES = frozenset((".in", ".tp", ".template", ".tempita", ".j2", ".jinja", ".src", ".mako"))
_COMPILES_BY_MESON = re.compile(r"^\s*project\s*\(\s*'[^']*'\s*,\s*\[?\s*'", re.MULTILINE)  # in a language
_COMPILES_BY_CFFI = re.compile(rb"\.set_source(?:_pkgconfig)?\((?!\s*[^,)]+,\s*None\b)")  # None: no C is compiled
_ELSEWHERE = frozenset("test tests testing doc docs example examples benchmark benchmarks demo demos contrib".split())


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says. `requires_dist` is None where only a build would tell; `stated` is False where it is what
    setuptools found when the archive was made. `pure` is whether there is nothing to compile, None where only the
    start of a large archive was read. `files` are those that an installation of a pure package has: (path, size,
    estimated size as deflated), in bytes."""

    requires_dist: tuple[str, ...] | None
    requires_python: str | None
    stated: bool
    pure: bool | None
    files: tuple[tuple[str, int, int], ...]


def facts_of(tree: SourceTree) -> SourceFacts:
    """Return what the files of an archive say."""
    sizes = {PurePosixPath(path): size for path, size in tree.sizes.items()}
    texts = {path: tree.text(str(path)) for path in sizes if _is_metadata(path)}
    requires, python, stated = _dependencies(texts)
    files = tuple(_installed(sizes, texts)) if tree.whole else ()
    return SourceFacts(requires_dist=requires, requires_python=python, stated=stated, pure=purity_of(tree), files=files)


def purity_of(tree: SourceTree) -> bool | None:
    """Return whether an archive has nothing to compile; None where only its start was read, and nothing was there."""
    told = b"".join(tree.raw(name) for name in ("pyproject.toml", "setup.py", "setup.cfg"))
    for path in map(PurePosixPath, tree.sizes):
        if _suffix(path) in _COMPILED and (not _ELSEWHERE & set(path.parts[:-1]) or path.name.encode() in told):
            return False
    if b"cffi" in told and any(_COMPILES_BY_CFFI.search(tree.raw(path)) for path in tree.ending(".py")):
        return False
    if b"cython" in told.lower() and any(is_typed_for_cython(tree, path) for path in tree.ending(".py")):
        return False
    if b"mypycify" in told and b"mypy" in tree.raw("pyproject.toml"):
        return False
    if "CMakeLists.txt" in tree and (b"scikit" in told or b"skbuild" in told or b"cmake" in told):
        return False
    if b"mesonpy" in told and _COMPILES_BY_MESON.search(tree.text("meson.build")):
        return False
    return True if tree.whole else None


def is_typed_for_cython(tree: SourceTree, path: str) -> bool:
    """Say whether a file beside a module in Python declares its types; one beside `__init__.py` makes a package."""
    stem = path.removesuffix(".py")
    return f"{stem}.pxd" in tree and f"{stem}.pyx" not in tree and not stem.endswith("__init__")


def _suffix(path: PurePosixPath) -> str:
    """Return the suffix of a file, or of what a template is made into."""
    suffix = path.suffix.lower()
    return PurePosixPath(path.stem).suffix.lower() if suffix in _TEMPLATES else suffix


def _is_metadata(path: PurePosixPath) -> bool:
    in_egg_info = path.parent.name.endswith(".egg-info") and path.name in ("requires.txt", "top_level.txt")
    return in_egg_info or str(path) in ("PKG-INFO", "pyproject.toml", "setup.py")


def _dependencies(texts: dict[PurePosixPath, str]) -> tuple[tuple[str, ...] | None, str | None, bool]:
    """Return (Requires-Dist, Requires-Python, whether the archive states them), the most binding statement first."""
    metadata = HeaderParser().parsestr(texts.get(PurePosixPath("PKG-INFO"), ""))
    python = metadata.get("Requires-Python")
    listed = tuple(metadata.get_all("Requires-Dist", ()))
    version = tuple(int(part) for part in re.findall(r"\d{1,9}", metadata.get("Metadata-Version", "0")))
    dynamic = {name.lower() for name in metadata.get_all("Dynamic", ())}
    if version >= (2, 2) and "requires-dist" not in dynamic:
        return _valid(listed), python, True
    project = _project_table(texts.get(PurePosixPath("pyproject.toml"), ""))
    if project is not None:
        return project, python, True
    egg_info = [path for path in texts if path.name == "requires.txt"]
    if egg_info:
        return _valid(_requires_txt(texts[min(egg_info, key=lambda path: len(path.parts))])), python, False
    if listed or any(path.name == "top_level.txt" for path in texts):
        return _valid(listed), python, False
    return _setup_py(texts.get(PurePosixPath("setup.py"), "")), python, False


def _setup_py(text: str) -> tuple[str, ...] | None:
    """Return the `install_requires` of a setup.py that gives a plain list or none at all; it is parsed, never run."""
    try:
        tree = parse_quietly(text[:_MAX_SETUP_PY])
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup"
        ]
        if len(calls) != 1 or any(keyword.arg is None for keyword in calls[0].keywords):
            return None
        given = {keyword.arg: keyword.value for keyword in calls[0].keywords}
        if not {"install_requires", "extras_require", "setup_requires"} & given.keys():
            return ()
        listed = ast.literal_eval(given["install_requires"]) if "install_requires" in given else []
        return _valid([listed] if isinstance(listed, str) else listed)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _valid(lines: Iterable[str]) -> tuple[str, ...] | None:
    """Return the requirements, or None where one of them is none: a part of a list would be a wrong answer."""
    try:
        return tuple(str(Requirement(line)) for line in lines)
    except (InvalidRequirement, TypeError, AttributeError):
        return None


def _project_table(text: str) -> tuple[str, ...] | None:
    """Return the dependencies in a pyproject.toml that states them (PEP 621), optional ones included."""
    try:
        project = read_toml(text).get("project")
        if not isinstance(project, dict) or {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
            return None
        if not isinstance(project.get("dependencies", []), list):
            return None
        lines = list(project.get("dependencies", ()))
        for extra, optional in project.get("optional-dependencies", {}).items():
            lines += [_with_marker(line, f"extra == '{extra}'") for line in optional]
    except (ValueError, TypeError, AttributeError):
        return None  # not valid TOML, or values of other types than PEP 621 has
    return _valid(lines)


def _requires_txt(text: str) -> Iterator[str]:
    """Yield PEP 508 lines from setuptools' requires.txt, whose sections are `[extra:marker]`."""
    marker = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, condition = line.strip("[]").partition(":")
            marker = " and ".join(
                part for part in (f"extra == '{extra}'" if extra else "", condition and f"({condition})") if part
            )
        elif line:
            yield _with_marker(line, marker)


def _with_marker(line: str, marker: str) -> str:
    if not marker:
        return line
    requirement, separator, own = line.partition(";")
    return f"{requirement}; ({own.strip()}) and {marker}" if separator else f"{requirement}; {marker}"


def _installed(sizes: dict[PurePosixPath, int], texts: dict[PurePosixPath, str]) -> Iterator[tuple[str, int, int]]:
    """Yield the files of the packages and modules that the archive installs, as far as they can be told."""
    named = {
        line.strip()
        for path, text in texts.items()
        if path.name == "top_level.txt"
        for line in text.splitlines()
        if line.strip()
    }
    if not named:
        named = {
            path.parts[-2] for path in sizes if path.name == "__init__.py" and len(path.parts) in (2, 3)
        } - _ELSEWHERE
    for path, size in sizes.items():
        parts = path.parts[1:] if path.parts[0] in ("src", "lib") else path.parts
        if parts and (parts[0] in named or parts[0].removesuffix(".py") in named) and path.name != "setup.py":
            yield "/".join(parts), size, round(size * 0.3)

"""Whether the Python code of a wheel loads one of its compiled files, or does well without it. Reads files.

numba has a module for each of three libraries of threads and takes what it finds: that one cannot be imported is no
fault. A module of which the code says nothing is thought to be loaded: applications import it, or the code does by a
name that it puts together.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

from wheelbase.errors import WheelError
from wheelbase.source.syntax import parse_quietly
from wheelbase.wheels.archive import open_wheel
from wheelbase.wheels.bytecode import is_test
from wheelbase.wheels.needed import Binary

_LARGEST = 1 << 20
_ASIDE = re.compile(r"(?:^|/)(?:docs?|examples?|demos?)/")
_WORD = re.compile(rb"[\w+-]+")
_FORGIVING = {"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"}


@lru_cache(maxsize=64)
def loaded(path: Path, filename: str, binaries: frozenset[Binary]) -> frozenset[Binary]:
    """Return those of a wheel's compiled files without which something fails; none where the wheel cannot be read.

    Of modules: unless all that imports one is ready for its absence. Of other libraries: those that code names.
    """
    named: dict[str, list[bool]] = defaultdict(list)
    stems = {_stem(binary) for binary in binaries}
    try:
        for source, found in _naming(path, filename, stems):
            for name in found:
                named[name] += _imports(source, name)
    except WheelError:
        return frozenset()
    return frozenset(one for one in binaries if _is_loaded(one, named.get(_stem(one))))


def _is_loaded(binary: Binary, imports: list[bool] | None) -> bool:
    """`imports` has for each import of a file whether its failure is caught; None: no code names it."""
    if not binary.module:
        return imports is not None
    return not imports or not all(imports)


def _stem(binary: Binary) -> str:
    return binary.path.rpartition("/")[2].partition(".")[0]


def _naming(path: Path, filename: str, stems: Iterable[str]) -> Iterator[tuple[bytes, list[str]]]:
    """Yield the modules of a wheel in which there are names of files, and these."""
    wanted = {stem.encode(): stem for stem in stems}
    with open_wheel(path, filename) as archive:
        for entry in archive.entries.values():
            if (
                not entry.path.endswith(".py")
                or entry.size > _LARGEST
                or is_test(entry.path)
                or _ASIDE.search(entry.path)
            ):
                continue
            source = archive.read(entry)
            if found := wanted.keys() & set(_WORD.findall(source)):
                yield source, [wanted[one] for one in found]


def _imports(source: bytes, name: str) -> Iterator[bool]:
    """Yield, for each import of a module of this name, whether a failure is caught."""
    try:
        left: list[tuple[ast.AST, bool]] = [(parse_quietly(source), False)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    while left:
        node, ready = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            if name in _imported(node):
                yield ready
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            left += ((child, ready) for child in node.orelse)
        elif isinstance(node, ast.Try):
            caught = ready or any(_forgives(handler) for handler in node.handlers)
            left += ((child, caught) for child in node.body)
            left += ((child, ready) for child in (*node.handlers, *node.orelse, *node.finalbody))
        else:
            left += ((child, ready) for child in ast.iter_child_nodes(node))


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the last parts of the names of all modules that a statement may import."""
    names = {alias.name.rpartition(".")[2] for alias in node.names}
    return names | {(node.module or "").rpartition(".")[2]} if isinstance(node, ast.ImportFrom) else names


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler lets the program go on without what could not be imported."""
    kinds = (
        [node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)] if handler.type else ["Exception"]
    )
    return bool(_FORGIVING & set(kinds)) and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))

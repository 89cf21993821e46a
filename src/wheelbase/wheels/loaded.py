"""Whether the Python code of a wheel loads one of its compiled files, or does well without it. Reads files.

numba has a module for each of three libraries of threads and takes what it finds: that one cannot be imported is no
fault. A module of which the code says nothing is thought to be loaded: applications import it, or the code does by a
name that it puts together.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from wheelbase.errors import WheelError
from wheelbase.source.syntax import parse_quietly
from wheelbase.wheels.archive import open_wheel
from wheelbase.wheels.needed import Binary
from wheelbase.wheels.paths import is_test

_LARGEST = 1 << 20
_ASIDE = re.compile(r"(?:^|/)(?:docs?|examples?|demos?)/")
_WORD = re.compile(rb"\w+")
_FORGIVING = {"ImportError", "ModuleNotFoundError", "OSError", "Exception", "BaseException"}


@lru_cache(maxsize=64)
def loaded(path: Path, filename: str, binaries: frozenset[Binary]) -> frozenset[Binary]:
    """Return those of a wheel's compiled files without which something fails; none where the wheel cannot be read.

    Of modules: unless all that imports one is ready for its absence. Of other libraries: those that code names.
    """
    modules = {_name(one).encode() for one in binaries if one.module}
    others = {_name(one).encode() for one in binaries if not one.module}
    named = re.compile(rb"(?<![\w-])(?:%s)(?![\w-])" % b"|".join(map(re.escape, others))) if others else None
    imports: dict[bytes, list[bool]] = defaultdict(list)
    found: set[bytes] = set()
    try:
        for source in _sources(path, filename):
            if named_here := modules & set(_WORD.findall(source)):
                for name, ready in _imports(source):
                    if name in named_here:
                        imports[name].append(ready)
            found |= set(named.findall(source)) if named else set()
    except WheelError:
        return frozenset()
    sure = modules - {name for name, ready in imports.items() if all(ready)}
    return frozenset(one for one in binaries if _name(one).encode() in (sure if one.module else found))


def _name(binary: Binary) -> str:
    """Return what code calls a file: a module without what follows its first dot, another one without `.so`."""
    return binary.path.rpartition("/")[2].partition("." if binary.module else ".so")[0]


def _sources(path: Path, filename: str) -> Iterator[bytes]:
    """Yield the modules of a wheel that are more than tests and examples."""
    with open_wheel(path, filename) as archive:
        for entry in archive.entries.values():
            aside = is_test(entry.path) or _ASIDE.search(entry.path)
            if entry.path.endswith(".py") and entry.size <= _LARGEST and not aside:
                yield archive.read(entry)


def _imports(source: bytes) -> Iterator[tuple[bytes, bool]]:
    """Yield the last part of the name of each module that is imported, and whether a failure is caught."""
    try:
        left: list[tuple[ast.AST, bool]] = [(parse_quietly(source), False)]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    while left:
        node, ready = left.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((name.encode(), ready) for name in _imported(node))
        elif isinstance(node, ast.If) and _for_types(node.test):
            left += ((child, ready) for child in node.orelse)
        elif isinstance(node, ast.Try):
            caught = ready or any(_forgives(handler) for handler in node.handlers)
            left += ((child, caught) for child in node.body)
            left += ((child, ready) for child in (*node.handlers, *node.orelse, *node.finalbody))
        else:
            left += ((child, ready) for child in ast.iter_child_nodes(node))


def _for_types(test: ast.expr) -> bool:
    """Say whether what is under a condition is for type checkers alone: `TYPE_CHECKING`, `typing.TYPE_CHECKING`."""
    name = test.id if isinstance(test, ast.Name) else test.attr if isinstance(test, ast.Attribute) else ""
    return name == "TYPE_CHECKING"


def _imported(node: ast.Import | ast.ImportFrom) -> set[str]:
    """Return the last parts of the names of all modules that a statement may import."""
    names = {alias.name.rpartition(".")[2] for alias in node.names}
    return names | {(node.module or "").rpartition(".")[2]} if isinstance(node, ast.ImportFrom) else names


def _forgives(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler lets the program go on without what could not be imported."""
    named = {node.id for node in ast.walk(handler.type) if isinstance(node, ast.Name)} if handler.type else _FORGIVING
    return bool(_FORGIVING & named) and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))

"""What the Python scripts of a build ask for: setup.py, what it imports of the archive, cffi modules, setup.cfg.

Scripts are followed as Python would run them on Linux with nothing set by the caller, as far as that can be told
without running anything: see `python_statements`.
"""

import ast
import posixpath
import re
from collections.abc import Iterator

from wheelbase.source.backend import backend_of
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.own_headers import C_SUFFIXES
from wheelbase.source.python_age import call_gone, module_gone
from wheelbase.source.python_archive import PLAIN, Archive, is_not_installed
from wheelbase.source.python_asked import Asked, Built
from wheelbase.source.python_conditions import Request
from wheelbase.source.python_evaluator import Call, Exhausted, Stopped
from wheelbase.source.python_evidence import (
    OTHER_BUILDS,
    builds_otherwise,
    conditional_sources,
    dynamic_of,
    evidence_of,
    path_of,
    settle_extensions,
)
from wheelbase.source.python_extensions import EXTENSION_LISTENERS
from wheelbase.source.python_platform import is_elsewhere
from wheelbase.source.python_roots import BUILDS, backend_path, is_program, required_names, roots_of
from wheelbase.source.python_search import SEARCH_LISTENERS
from wheelbase.source.python_settings import find_in_settings
from wheelbase.source.python_statements import Interpreter
from wheelbase.source.python_toolchain import TOOLCHAIN_LISTENERS
from wheelbase.source.python_uncalled import BUILD_FOLDER, Uncalled
from wheelbase.source.python_values import Const, Function, Module, Scope, Table, Value, is_open, leaves
from wheelbase.source.shell import follow_shell
from wheelbase.source.syntax import parse_quietly
from wheelbase.source.tree import SourceTree

_MAX_SCRIPT = 256 << 10
_MAX_SCRIPTS = 40
_MAX_FOLDERS = 10
_HANDED_LATER = re.compile(rb"\.(?:ext_modules|extensions)(?:\[:\])?\s*(?:\+?=(?!=)|\.(?:append|extend|insert)\()")
_KNOWN_MEANS = re.compile(
    rb"Extension|ext[_-]modules|build_ext\]|add_library|set_source|\.verify\(|pybind11|CMake|cythonize"
)
_LOADS = ("spec_from_file_location", "load_source", "SourceFileLoader")  # a module, by its file
_IMPORTS = ("__import__", "importlib.import_module", "import_module")
_BUILD_TOOLS = OTHER_BUILDS | {"cargo", "go"}
_FFI = re.compile(rb"\bFFI\(\)[\s\S]*\.(?:set_source|verify)\(")
_BUILDS_OR_RUNS = re.compile(rb"subprocess|os\.system|" + BUILDS.pattern, re.IGNORECASE)  # beside setup.py
_BUILD_WORD = re.compile(r"build|setup|conf|ffi|ext|compil|dist", re.IGNORECASE)
_HELPS = re.compile(r"(?:^|_)(?:build|setup|conf|config|ext|extensions?|ffi|compile)(?:_|\.py$)", re.IGNORECASE)
_REQUIRED_LIST = re.compile(rb"required\w*\s*(:[^=\n]{0,40})?=\s*[\[({]", re.IGNORECASE)


def find_in_python(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the build scripts of an archive ask for. Nothing is run; broken scripts are flagged."""
    scripts = _Scripts(tree)
    scripts.follow_all()
    if tree.whole and "setup.py" not in tree and "pyproject.toml" not in tree:
        yield Flag(kind="unreadable", text="there is no file that tells pip how to build it", where="setup.py")
    if not any(_HANDED_LATER.search(tree.raw(path)) for path in scripts.scopes):
        settle_extensions(scripts.asked)
    if scripts.build_nothing():
        tree.built_nothing = True
    elif scripts.starting:
        tree.unfollowed = True  # what the build starts with was not followed to its end
    elif scripts.compile_otherwise() and any(tree.ending(*C_SUFFIXES)):
        tree.unfollowed = True
        yield Flag(kind="dynamic", text="a program of its own compiles the sources", where="setup.py:1")
    if not any(flag.kind == "unreadable" for flag in scripts.flags):
        tree.notes["defines"] = scripts.asked.defines
    tree.conditional.update(conditional_sources(scripts.asked, tree))
    tree.built.update(path_of(said, tree) for _, said in scripts.asked.compiled)
    tree.built_otherwise = bool(tree.built) and builds_otherwise(scripts.asked)
    for extension, said in scripts.asked.compiled:
        tree.compiled.setdefault(said.text, set()).add(extension)
    follow_shell(scripts.asked, tree)
    tree.notes["run"] = {one.name for one in scripts.asked.found if isinstance(one, Request) and one.kind == "program"}
    yield from evidence_of(scripts.asked, tree)
    yield from dict.fromkeys(scripts.flags)
    yield from dict.fromkeys(dynamic_of(scripts.asked))
    yield from {flag.where: flag for flag in reversed(scripts.asked.flags)}.values()
    yield from find_in_settings(tree)


class _Scripts:
    """The scripts of an archive, each followed once."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.backend = backend_of(tree)
        self.folders = backend_path(tree)
        self.asked = Asked(EXTENSION_LISTENERS + SEARCH_LISTENERS + TOOLCHAIN_LISTENERS)
        self.flags: list[Flag] = []
        self.required: set[str] = set()
        self.scopes: dict[str, Scope] = {}
        self.archive = Archive(tree)
        self.starting = True  # what is followed runs before anything is built
        self.interpreter = Interpreter(self.asked, self.load, self.answer, self.required)
        self.uncalled = Uncalled(self.interpreter, self.asked, tree)

    def answer(self, call: Call) -> Value | None:
        """Return what a call gives that asks for files. Raises Stopped where one is not there, and that is handled."""
        run = self.interpreter
        if self.starting and (path := self.archive.lacks(call)):
            if run.tries:
                raise Stopped
            if not run.guard:
                self.flags.append(
                    Flag(kind="unreadable", text=f"{path} is read and not in the archive", where=call.where)
                )
        if self.starting and not run.guard and not run.tries and (version := call_gone(call)):
            self.flags.append(Flag(kind="version", text=f"Python < {version}", where=call.where))
        if call.last in _LOADS and len(call.arguments) == 2 and isinstance(said := call.arguments[1], Const):
            scope = self.follow(posixpath.normpath(str(said.value)), "")
            return Module(posixpath.basename(str(said.value)).removesuffix(".py"), scope) if scope else None
        if call.name in _IMPORTS and call.arguments and isinstance(said := call.arguments[0], Const):
            scope = self.load(str(said.value), 0, run.scope.path)
            return Module(str(said.value), scope) if scope else None
        if call.name == "exec" and call.arguments:
            self._execute(call)
        return self.archive.answer(call)

    def _execute(self, call: Call) -> None:
        """Follow a script whose text is run; its names are then those of a dictionary, or of who runs it."""
        text, *names = call.arguments
        if not isinstance(text, Const) or self.tree.text(path := text.where.rpartition(":")[0]) != text.value:
            return
        scope = self.follow(path, "__main__")
        if scope and names and isinstance(names[0], Table):
            names[0].entries |= scope.names
        elif scope and not names:
            self.interpreter.scope.names |= scope.names

    def compile_otherwise(self) -> bool:
        """Say whether scripts that were followed to their ends compile by no means that is known."""
        found = self.asked.found
        tools = any(isinstance(item, Request) and item.name in _BUILD_TOOLS for item in found)
        told = (*self.scopes, "pyproject.toml", "setup.cfg")
        known = any(_KNOWN_MEANS.search(self.tree.raw(path)) for path in told)
        others = any(path in self.tree for path in ("CMakeLists.txt", "meson.build", "Cargo.toml"))
        return bool(self.scopes) and not (tools or known or others or self.asked.compiled)

    def build_nothing(self) -> bool:
        """Say whether setup.py is all that builds and never makes an extension, or is a program that does nothing."""
        if is_program(self.tree, self.backend):
            return bool(self.scopes) and not self.asked.acted
        calls = [item for item in self.asked.found if isinstance(item, Built)]
        return (
            (bool(calls) or "setup.py" not in self.tree)
            and all(item.plain and not is_open(item.extensions) for item in calls)
            and not any(True for item in calls for _ in leaves(item.extensions, ()))
            and self.backend.required_names <= PLAIN
            and self.backend.name.startswith("setuptools.build_meta")
            and not self.flags
            and b"ext-modules" not in self.tree.raw("pyproject.toml")
        )

    def follow_all(self) -> None:
        """Follow every script that the build runs, then what the build calls of them."""
        try:
            roots = list(roots_of(self.tree, self.backend, self.folders))
            told = "".join(self.tree.text(path) for path in roots if "/" not in path)
            # What is imported somewhere is followed there, on the conditions of that place.
            imported = [path for path in roots if "/" in path and path.removesuffix(".py").replace("/", ".") in told]
            for path in roots:
                if path not in imported:
                    self.follow(path, "__main__")
            self.starting = False
            self._follow_named()
            handed_on = any(isinstance(item, Built) for item in self.asked.found)
            if not ((handed_on or is_program(self.tree, self.backend)) and self.build_nothing()):
                self.uncalled.follow_all(self.scopes)
                self._follow_named()
            for path in imported:
                self.follow(path, "__main__")
        except (Exhausted, RecursionError):
            path = self.interpreter.scope.path or "setup.py"
            self.flags.append(Flag(kind="unreadable", text="is too long to be followed to its end", where=path))

    def _follow_named(self) -> None:
        """Follow the scripts that setup() names, and those that the build runs as programs or has SCons run."""
        if any(isinstance(item, Request) and item.name == "scons" for item in self.asked.found):
            self.follow("SConstruct", "SConstruct")
        for said in self.asked.scripts:
            path, _, name = said.text.partition(":")
            scope = self.follow(path, "cffi")
            if scope and isinstance(made := scope.names.get(name), Function):
                self.uncalled.follow(made, named=True)
        for said in self.asked.programs:
            ends = [f"/{said.text}{end}" for end in ("", ".py", "/__main__.py")]
            own = (
                path for end in ends for path in self.tree.used() if f"/{path}".endswith(end) and path.endswith(".py")
            )
            if path := next(own, ""):
                self.follow(path, "__main__")

    def follow(self, path: str, name: str) -> Scope | None:
        """Return the names of a script after following it; None where it cannot be read or is of no concern."""
        if path in self.scopes or path not in self.tree:
            return self.scopes.get(path)
        if len(self.scopes) >= _MAX_SCRIPTS or is_elsewhere(path.rpartition("/")[2].removesuffix(".py")):
            return None
        scope = self.scopes[path] = Scope(path, {"__name__": Const(name)})
        parsed = self._parse(path)
        if parsed is None:
            return None
        if _REQUIRED_LIST.search(self.tree.raw(path)):
            self.required.update(required_names(parsed))
        self.interpreter.module(parsed, scope)
        return scope

    def _parse(self, path: str) -> ast.Module | None:
        data = self.tree.raw(path)
        if self.tree.sizes[path] > _MAX_SCRIPT:
            self.flags.append(Flag(kind="unreadable", text="is too large for a build script", where=path))
            return None
        try:
            return parse_quietly(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            reason = error.msg if isinstance(error, SyntaxError) else type(error).__name__
            self.flags.append(Flag(kind="unreadable", text=f"is not Python 3: {reason}", where=path))
        return None

    def load(self, dotted: str, level: int, importer: str) -> Scope | None:
        """Return the names of a module of the archive that has to do with the build; None of any other."""
        lacking = not level and self._is_not_installed(dotted, importer)
        if lacking and self.interpreter.tries:
            self.interpreter.lacking.append(dotted.partition(".")[0])
            if is_not_installed(self.tree, self.backend, dotted):
                raise Stopped  # into the handler, as Python would
        folder = importer.rpartition("/")[0]
        for _ in range(level - 1):
            folder = folder.rpartition("/")[0]
        inner = dotted.replace(".", "/")
        for base in dict.fromkeys(
            [folder] if level else [folder, "", *self.folders, *self.asked.folders[:_MAX_FOLDERS], "src"]
        ):
            stem = "/".join(part for part in (base, inner) if part)
            for path in (f"{stem}.py", f"{stem}/__init__.py"):
                if path in self.tree:
                    return self.follow(path, dotted) if self._is_of_build(path) else None
            if self.interpreter.tries and self._lacks(base, inner):
                raise Stopped  # into the handler, as Python would
        run = self.interpreter
        imported = self.starting and not (level or run.tries or run.guard)
        project = dotted.partition(".")[0]
        own = f"{project}/"
        gone = module_gone(dotted) if imported and not (lacking and project == "numpy") else ""
        if gone and not any(path.startswith(own) or f"/{own}" in path for path in self.tree.sizes):
            lines = self.tree.text(importer).split("\n")
            line = next((n for n, said in enumerate(lines, 1) if dotted in said and "import" in said), 1)
            self.flags.append(Flag(kind="version", text=f"Python < {gone}", where=f"{importer}:{line}"))
        elif imported and not gone and lacking and project not in run.lacking:  # as a `try` tells
            self.asked.lacks(dotted, importer)
        return None

    def _is_not_installed(self, dotted: str, importer: str) -> bool:
        """Say whether a script cannot import a module; setup.py runs to setup() before what that asks for is there."""
        return is_not_installed(self.tree, self.backend, dotted, at_first=importer == "setup.py")

    def _lacks(self, base: str, inner: str) -> bool:
        """Say whether a module is of a package of the archive, and not there: written by a build perhaps, later."""
        package, _, name = inner.rpartition("/")
        start = "/".join(part for part in (base, package, "__init__.py") if part)
        return bool(package) and start in self.tree and not re.search(rf"\b{name}\b|\*", self.tree.text(start))

    def _is_of_build(self, path: str) -> bool:
        """Say whether a module has to do with the build, rather than being what the archive installs."""
        folder, _, name = path.rpartition("/")
        if BUILD_FOLDER.fullmatch(folder) or (not folder and _HELPS.search(name)):
            return True
        installed = f"{folder}/__init__.py" in self.tree and folder not in self.folders
        if installed and not _BUILD_WORD.search(name) and not _FFI.search(self.tree.raw(path)):
            return False
        builds = BUILDS if folder and folder not in self.asked.folders else _BUILDS_OR_RUNS
        return path in self.scopes or bool(builds.search(self.tree.raw(path)))

"""What a Meson build asks of the system: its files, as Meson's own parser reads them, followed as Meson would on Linux.

Only what decides is evaluated: constants, options with their defaults and the settings of pyproject.toml, the machine,
and whether something was found. A branch that Linux never takes yields nothing; what stands in one that may be taken is
optional. Something looked for optionally is required after all where its absence ends in `error()` or in another
required dependency; of such alternatives the first is the required one.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import reduce
from typing import Any

import msgspec

from wheelbase.source.backend import backend_of
from wheelbase.source.findings import LINKED_ANYWAY, Evidence, Flag
from wheelbase.source.tree import SourceTree
from wheelbase.system.names import Kind

_MAX_FILE = 128 << 10
_MAX_FILES = 512 << 10  # of all
_MAX_COLONS = 4_000  # of one file: the parser takes quadratic time for the keywords of one call
_MAX_STEPS = 100_000
_MAX_STRING = 4_000
_MAX_ITEMS = 500  # of a list
_MAX_PLACES = 50
_MAX_EVIDENCE = 5_000
_MAX_CONDITION = 120
_SECONDARY = 0.4  # of what is vendored, or belongs to a build that is not the one that runs

_LANGUAGES = {"cpp": "c++", "objc": "c", "objcpp": "c++"} | {
    name: name for name in ("c", "cython", "fortran", "rust", "cuda")
}
_HAD_ANYWAY = re.compile(
    r"(threads|openmp|dl|iconv|intl|atomic|python[\d.]*(-embed)?|py3|numpy|pybind11|nanobind|scipy-openblas.*|)$"
)
_RUN_ANYWAY = re.compile(
    r"(python[\d.]*|cython3?|f2py3?|pythran|meson|ninja|sh|env|cat|cp|mv|ln|rm|mkdir|touch|true|echo|sed|awk|grep|test)$"
)
_BLAS = re.compile(r"(openblas\w*|blas|cblas|mkl.*|flexiblas\w*|blis|atlas|netlib)$", re.IGNORECASE)
_PKG_CONFIG = {"curses": "ncurses", "gl": "gl", "pcap": "libpcap", "appleframeworks": "", "accelerate": ""}


class Maybe(msgspec.Struct, frozen=True):
    """A value that is not known. As a condition: places whose absence makes it true, and those that make it false."""

    absent_if_true: tuple[int, ...] = ()
    absent_if_false: tuple[int, ...] = ()


class Feature(msgspec.Struct, frozen=True):
    """The value of a feature option: "enabled", "disabled" or "auto"."""

    state: str


class Sought(msgspec.Struct, frozen=True):
    """A dependency, library or program; `found` is None where the system decides. `places` are in `_Found.evidence`."""

    places: tuple[int, ...] = ()
    found: bool | None = None


class Thing(msgspec.Struct, frozen=True):
    """One of Meson's objects that decide nothing but by their methods."""

    name: str


class Some(tuple[Any, ...]):
    """A list that may have these items: which, is not known."""

    __slots__ = ()


_BUILT_IN = {"buildtype": "release", "wrap_mode": "default", "cmake_prefix_path": [], "pkg_config_path": []}
UNKNOWN = Maybe()
_OBJECTS = {name: Thing(name) for name in ("meson", "host_machine", "build_machine", "target_machine")}


class _TooMuch(Exception):
    """Evaluation has taken more steps than an honest build does."""


def find_in_meson(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the Meson build in the archive's folder looks for."""
    if "meson.build" not in tree:
        return
    backend = backend_of(tree)
    runs = backend.requires_any("meson-python", "meson") or "mesonpy" in backend.name
    found = _Found(tree, backend.required_names)
    project = _Project(found, "", backend.meson_options, secondary=not runs and "meson" not in tree.text("setup.py"))
    project.configure()
    yield from dict.fromkeys(found.evidence)
    yield from _asks_pkg_config(found.evidence)
    yield from dict.fromkeys(found.flags)


def _asks_pkg_config(evidence: list[Evidence]) -> Iterator[Evidence]:
    """Yield the program itself, at the place that most needs it."""
    places = [one for one in evidence if one.kind in ("pkg-config", "virtual") and not one.bundled]
    if places:
        best = max(places, key=lambda one: (one.need == "required", one.weight))
        yield msgspec.structs.replace(best, kind="program", name="pkg-config")


class _Found:
    """What all projects of a build share: what was found, and what is left of the bounds."""

    def __init__(self, tree: SourceTree, wheels: frozenset[str]) -> None:
        self.tree, self.wheels = tree, wheels
        self.evidence: list[Evidence] = []
        self.flags: list[Flag] = []
        self.steps, self.bytes = _MAX_STEPS, _MAX_FILES
        self.seen: set[str] = set()
        self.lines: dict[str, list[str]] = {}

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise _TooMuch

    def parsed(self, path: str) -> Any:
        """Return a file's syntax tree, None where it cannot be read: then that is flagged."""
        from mesonbuild import mlog, mparser  # type: ignore[import-untyped]

        text = self.tree.text(path)
        self.bytes -= len(text)
        if len(text) > _MAX_FILE or self.bytes < 0 or text.count(":") > _MAX_COLONS:
            return self.flags.append(Flag(kind="unreadable", text="it is too large", where=f"{path}:1"))
        try:
            with mlog.no_logging():
                return mparser.Parser(text, path).parse()
        except Exception as error:  # another project's parser, on what anyone may have written
            line = getattr(error, "lineno", 1)
            text = "not valid as Meson's language" if isinstance(error, mparser.ParseException) else "it cannot be read"
            self.flags.append(Flag(kind="unreadable", text=text, where=f"{path}:{line}"))
        return None

    def line(self, path: str, number: int) -> str:
        if path not in self.lines:
            self.lines[path] = self.tree.text(path).split("\n")
        lines = self.lines[path]
        return lines[number - 1].strip()[:_MAX_CONDITION] if number <= len(lines) else ""


class _Project:
    """One project, or subproject, as it is configured."""

    def __init__(self, found: _Found, root: str, settings: Mapping[str, str], *, secondary: bool) -> None:
        self.found, self.root, self.secondary = found, root, secondary
        self.settings = dict(settings)
        self.options: dict[str, Any] = dict(_BUILT_IN)
        self.variables: dict[str, Any] = {}
        self.folder, self.path = root, ""
        self.guards: list[tuple[int, ...]] = []  # of each condition that is not known: what is absent where it holds
        self.conditions: list[str] = []
        self.wraps = _wraps_of(found.tree, root)

    def configure(self) -> None:
        """Evaluate the options, then the build. Failing to read stops it, with a flag; what was found stays."""
        options = next(
            (name for name in ("meson.options", "meson_options.txt") if self.root + name in self.found.tree), ""
        )
        try:
            if options:
                self.follow(self.root + options)
            self.options |= {name: _as_type(text, self.options.get(name)) for name, text in self.settings.items()}
            self.follow(self.root + "meson.build")
        except (_TooMuch, RecursionError):
            where = f"{self.path or self.root}:1"
            self.found.flags.append(Flag(kind="unreadable", text="evaluating it takes too long", where=where))

    def follow(self, path: str) -> None:
        """Evaluate a file, once."""
        if path not in self.found.tree or path in self.found.seen:
            return
        self.found.seen.add(path)
        before, self.path = self.path, path
        if block := self.found.parsed(path):
            self.block(block)
        self.path = before

    def block(self, node: Any) -> bool:
        """Evaluate statements; True where the rest of the file, or of the loop, is left out."""
        for line in node.lines:
            match type(line).__name__:
                case "IfClauseNode":
                    if self.branches(line):
                        return True
                case "ForeachClauseNode":
                    self.loop(line)
                case "BreakNode" | "ContinueNode":
                    return True
                case "FunctionNode" if line.func_name.value == "subdir_done":
                    return True
                case _:
                    self.value(line)
        return False

    def branches(self, node: Any) -> bool:
        """Evaluate the branches that may be taken; what they leave different is not known afterwards."""
        guards: list[tuple[int, ...]] = []
        outcomes: list[dict[str, Any]] = []
        for branch in node.ifs:
            test = _truth(self.value(branch.condition))
            if test is False:
                continue
            if test is True and not guards:
                return self.block(branch.block)
            own = [] if test is True else [test.absent_if_true]
            outcomes.append(self.alternative(branch.block, [*guards, *own], self.line(branch)))
            if test is True:
                break
            guards.append(test.absent_if_false)
        else:
            block = getattr(node.elseblock, "block", None)
            if not guards:
                return bool(block) and self.block(block)
            outcomes.append(self.alternative(block, guards, f"else of: {self.line(node)}") if block else self.variables)
        self.variables = reduce(_merged, outcomes)
        return False

    def alternative(self, block: Any, guards: list[tuple[int, ...]], condition: str) -> dict[str, Any]:
        before, conditions, outer = self.variables, self.conditions, self.guards
        self.found.step(len(before) + len(guards))
        self.variables, self.guards = dict(before), [*outer, *guards]
        self.conditions = [*conditions, condition]
        self.block(block)
        after, self.variables, self.conditions, self.guards = self.variables, before, conditions, outer
        return after

    def line(self, node: Any) -> str:
        """Return the line of a statement as it is written."""
        return self.found.line(self.path, node.lineno)

    def loop(self, node: Any) -> None:
        items = self.value(node.items)
        names = [name.value for name in node.varnames]
        if isinstance(items, dict):
            items = list(items.items())
        if not isinstance(items, list):
            items = items if isinstance(items, Some) else (UNKNOWN,)
        for item in items:
            values = item if len(names) == 2 and isinstance(item, tuple) else [item] * len(names)
            self.variables |= dict(zip(names, values, strict=False))
            if isinstance(items, list):
                if self.block(node.block) and not _ends_in_continue(node.block):
                    break
            else:
                self.variables = _merged(self.variables, self.alternative(node.block, [()], self.line(node)))

    def value(self, node: Any) -> Any:
        """Return what an expression comes to; UNKNOWN where that is not known here."""
        value = self._value(node)
        self.found.step(1 + (len(value) // 4 if isinstance(value, list | Some | dict) else 0))
        return value

    def _value(self, node: Any) -> Any:
        match type(node).__name__:
            case "StringNode":
                return self.formatted(node.value) if node.is_fstring else node.value
            case "BooleanNode" | "NumberNode":
                return node.value
            case "IdNode":
                return self.variables.get(node.value, _OBJECTS.get(node.value, UNKNOWN))
            case "ParenthesizedNode":
                return self.value(node.inner)
            case "ArrayNode":
                return _flat(map(self.value, node.args.arguments))
            case "DictNode":
                pairs = [(self.value(key), self.value(item)) for key, item in node.args.kwargs.items()]
                return {key: item for key, item in pairs if isinstance(key, str)}
            case "AssignmentNode" | "PlusAssignmentNode" | "TernaryNode" | "FunctionNode" | "MethodNode" | "IndexNode":
                return getattr(self, "_" + type(node).__name__.removesuffix("Node").lower())(node)
            case "NotNode":
                return _not(_truth(self.value(node.value)))
            case "AndNode" | "OrNode":
                return self._junction(node)
            case "ComparisonNode":
                return _compared(node.ctype, self.value(node.left), self.value(node.right))
            case "ArithmeticNode":
                return _added(node.operation, self.value(node.left), self.value(node.right))
        return UNKNOWN

    def formatted(self, text: str) -> Any:
        parts = re.split(r"@([a-zA-Z_]\w*)@", text)
        parts[1::2] = [self.variables.get(name) for name in parts[1::2]]
        if len(parts) > _MAX_ITEMS or not all(isinstance(part, str | int) for part in parts):
            return UNKNOWN
        joined = "".join(map(str, parts))
        return joined if len(joined) < _MAX_STRING else UNKNOWN

    def _assignment(self, node: Any) -> Any:
        self.variables[node.var_name.value] = self.value(node.value)
        return UNKNOWN

    def _plusassignment(self, node: Any) -> Any:
        name = node.var_name.value
        self.variables[name] = _added("+", self.variables.get(name, UNKNOWN), self.value(node.value))
        return UNKNOWN

    def _ternary(self, node: Any) -> Any:
        test = _truth(self.value(node.condition))
        if isinstance(test, bool):
            return self.value(node.trueblock if test else node.falseblock)
        one, other = (
            self._guarded(node.trueblock, test.absent_if_true),
            self._guarded(node.falseblock, test.absent_if_false),
        )
        return _merged({"": one}, {"": other})[""]

    def _guarded(self, node: Any, guard: tuple[int, ...]) -> Any:
        self.guards.append(guard)
        value = self.value(node)
        self.guards.pop()
        return value

    def _junction(self, node: Any) -> Any:
        is_and = type(node).__name__ == "AndNode"
        left = _truth(self.value(node.left))
        if isinstance(left, bool):
            return _truth(self.value(node.right)) if left is is_and else left
        right = _truth(self._guarded(node.right, left.absent_if_false if is_and else left.absent_if_true))
        return _both(left, right) if is_and else _not(_both(_not(left), _not(right)))

    def _index(self, node: Any) -> Any:
        item, index = self.value(node.iobject), self.value(node.index)
        if isinstance(item, dict):
            return item.get(index, UNKNOWN) if isinstance(index, str) else UNKNOWN
        known = isinstance(item, list | str) and isinstance(index, int) and -len(item) <= index < len(item)
        return item[index] if known else UNKNOWN

    def _arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        keywords = {getattr(key, "value", ""): self.value(item) for key, item in node.kwargs.items()}
        return [self.value(item) for item in node.arguments], keywords

    def _function(self, node: Any) -> Any:
        name, where = node.func_name.value, f"{self.path}:{node.lineno}"
        arguments, keywords = self._arguments(node.args)
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        match name:
            case "project":
                self._languages(arguments[1:], {}, where)
                self._default_options(keywords.get("default_options"))
            case "option":
                self.options[text] = _option(keywords)
            case "get_option":
                return self._get_option(text)
            case "add_languages":
                return self._languages(arguments, keywords, where)
            case "dependency":
                return self._dependency(_flat(arguments), keywords, where)
            case "find_program":
                return self._find_program(_flat(arguments), keywords, where)
            case "subproject":
                return self._subproject(text, where, "required" if _required(keywords) else "optional")
            case "subdir" if text and ".." not in text:
                self._subdir(text)
            case "error":
                self._fails(self.guards)
            case "assert" if arguments and isinstance(test := _truth(arguments[0]), Maybe):
                self._fails([*self.guards, test.absent_if_false])
            case "set_variable" if len(arguments) == 2:
                self.variables[text] = arguments[1]
            case "get_variable":
                return self.variables.get(text, arguments[1] if len(arguments) == 2 else UNKNOWN)
            case "is_variable":
                return True if text in self.variables else UNKNOWN
            case "declare_dependency":
                return Sought(found=True)
            case "disabler":
                return Sought(found=False)
            case "files":
                return _flat(arguments)
        return UNKNOWN

    def _method(self, node: Any) -> Any:
        owner, name, where = self.value(node.source_object), node.name.value, f"{self.path}:{node.lineno}"
        arguments, keywords = self._arguments(node.args)
        match owner:
            case Sought():
                return _asked(owner, name)
            case Feature():
                return _feature(owner, name, [_truth(item) for item in arguments])
            case Thing(name="meson"):
                return self._of_meson(name)
            case Thing(name="compiler"):
                return self._of_compiler(name, _flat(arguments), keywords, where)
            case Thing():
                return "linux" if name == "system" else UNKNOWN
            case str():
                return _of_string(owner, name, arguments)
            case list() if name in ("contains", "length"):
                return len(owner) if name == "length" else _compared("in", arguments[0] if arguments else "", owner)
            case dict() if name in ("has_key", "get", "keys"):
                return _of_dict(owner, name, arguments)
        return UNKNOWN

    def _of_meson(self, name: str) -> Any:
        if name == "get_compiler":
            return Thing("compiler")
        return {"is_subproject": bool(self.root), "is_cross_build": False, "backend": "ninja"}.get(name, UNKNOWN)

    def _of_compiler(self, name: str, names: list[Any], keywords: dict[str, Any], where: str) -> Any:
        if name in ("get_id", "get_argument_syntax"):
            return "gcc"
        text = next((item for item in names if isinstance(item, str)), "")
        if name == "find_library":
            if text in LINKED_ANYWAY or "dirs" in keywords:  # beside another package's files
                return Sought(found=True)
            return self._look("library", [text], keywords, where)
        if name in ("has_header", "check_header") and text and text != "Python.h":
            sought = self._look("header", [text], {"required": False} | keywords, where)
            return _truth(_asked(sought, "found"))
        return UNKNOWN

    def _languages(self, names: list[Any], keywords: dict[str, Any], where: str) -> Any:
        required = _required(keywords)
        for name in _flat(names):
            if name in ("nasm", "masm"):
                self._look("program", ["nasm"], keywords, where)
            elif required is not None and name in _LANGUAGES:
                self._add("language", _LANGUAGES[name], where, required=required)
        return True if required else UNKNOWN

    def _default_options(self, given: Any) -> None:
        pairs = given.items() if isinstance(given, dict) else (
            (name, value) for name, _, value in (str(item).partition("=") for item in _flat([given or []]))
        )  # fmt: skip
        for name, value in pairs:
            if name not in self.settings:
                self.options[name] = _as_type(value, self.options.get(name)) if isinstance(value, str) else value

    def _get_option(self, name: str) -> Any:
        value = self.options.get(name, UNKNOWN)
        return Feature(str(self.options.get("auto_features", "auto"))) if value == Feature("auto") else value

    def _subdir(self, name: str) -> None:
        before, self.folder = self.folder, f"{self.folder}{name.strip('/')}/"
        self.follow(self.folder + "meson.build")
        self.folder = before

    def _dependency(self, names: list[Any], keywords: dict[str, Any], where: str) -> Sought:
        named = [name for name in names if isinstance(name, str)]
        name = named[0] if named else ""
        if not named or _HAD_ANYWAY.match(name) or _normal(name) in self.found.wheels:
            if names and not named and _required(keywords) and not self.guards:
                self._flag("dynamic", "a dependency whose name only the build knows", where)
            return Sought(found=None if names and names != [""] else False)
        fallback = self._fallback(named, keywords)
        if fallback and _required(keywords) is not None:
            return self._bundled(fallback, named, keywords, where)
        kind, named = self._kind_of(named, keywords)
        sought = self._look(kind, named, keywords, where)
        if _required(keywords) and not self.guards and not self.secondary:
            for version in _flat([keywords.get("version") or []]):
                self._flag("version", f"{name} {version}", where)
        return sought

    def _kind_of(self, named: list[str], keywords: dict[str, Any]) -> tuple[Kind, list[str]]:
        name = named[0]
        chosen = any("blas" in option.lower() for option in self.options)
        if name.lower() in ("lapack", "lapacke") or (chosen and "lapack" in _flat([keywords.get("modules") or []])):
            return "virtual", ["interface/lapack"]
        if _BLAS.match(name) and (chosen or name.lower() != "openblas"):
            return "virtual", ["interface/blas"]
        if name == "mpi":
            return "virtual", ["interface/mpi"]
        if name == "boost":
            return "header", ["boost/version.hpp"]
        if name == "cuda":
            return "language", ["cuda"]
        if name == "llvm" or keywords.get("method") == "config-tool":
            return "program", [f"{name}-config"]
        if name in ("qt4", "qt5", "qt6"):
            modules = [module for module in _flat([keywords.get("modules") or []]) if isinstance(module, str)]
            return "pkg-config", [f"Qt{name[2:]}{module}" for module in modules[:1] or ["Core"]]
        if keywords.get("method") == "cmake":
            return "cmake", named
        return "pkg-config", [_PKG_CONFIG.get(name, name), *named[1:]]

    def _fallback(self, named: list[str], keywords: dict[str, Any]) -> str:
        """Return the subproject that is used where the system lacks a dependency, empty where there is none."""
        mode = self.options.get("wrap_mode")
        given = _flat([keywords.get("fallback") or []])
        wanted = bool(_required(keywords)) or bool(given) or keywords.get("allow_fallback") is True
        if mode == "nofallback" or keywords.get("allow_fallback") is False or not wanted:
            return ""
        provider = given[0] if given and isinstance(given[0], str) else ""
        provider = provider or next((wrap.name for wrap in self.wraps.values() if wrap.provides & set(named)), "")
        provider = provider or next((name for name in named if self._source_of(name)), "")
        return provider if self._source_of(provider) or (provider in self.wraps and mode != "nodownload") else ""

    def _bundled(self, project: str, named: list[str], keywords: dict[str, Any], where: str) -> Sought:
        kind, named = self._kind_of(named, keywords)
        for name in named[:1]:
            self._add(kind, name, where, required=False, bundled=True)
        self.guards.append(())  # the copy is used where the system has none
        self._subproject(project, where, "fallback")
        self.guards.pop()
        return Sought(found=True if _required(keywords) else None)

    def _subproject(self, name: str, where: str, use: str) -> Sought:
        """Follow a subproject whose sources are there; say of another that it is downloaded."""
        source, wrap = self._source_of(name), self.wraps.get(name)
        if use != "fallback" and (source or wrap):
            provided = min(wrap.provides, default=name) if wrap else name
            self._add("pkg-config", provided, where, required=False, bundled=True, weight=0.4)
        if source and source not in self.found.seen:
            self.found.seen.add(source)
            _Project(self.found, source, {"wrap_mode": str(self.options["wrap_mode"])}, secondary=True).configure()
        elif wrap and not source:
            when = ", where the system has none" if use == "fallback" else ""
            self._flag("download", f"{name} is downloaded from {wrap.url or 'where its .wrap file says'}{when}", where)
        return Sought(found=True)

    def _source_of(self, name: str) -> str:
        """Return the folder of a subproject's sources ("subprojects/x/"), empty where they are not in the archive."""
        wrap = self.wraps.get(name)
        for directory in filter(None, (wrap and wrap.directory, name)):
            if f"{self.root}subprojects/{directory}/meson.build" in self.found.tree:
                return f"{self.root}subprojects/{directory}/"
        return ""

    def _find_program(self, names: list[Any], keywords: dict[str, Any], where: str) -> Sought:
        named = [name for name in names if isinstance(name, str)]
        local = any(folder + name in self.found.tree for name in named for folder in (self.folder, ""))
        known = any(_RUN_ANYWAY.match(name) or _normal(name) in self.found.wheels for name in named)
        if local or known or any("/" in name for name in named) or not named:
            return Sought(found=True if local or known else None)
        return self._look("program", named, keywords, where)

    def _look(self, kind: Kind, names: list[str], keywords: dict[str, Any], where: str) -> Sought:
        """Add what is looked for: of several names the first that a system may have."""
        required = _required(keywords)
        if required is None:
            return Sought(found=False)
        name = next((name for name in names if name and "@" not in name), "")
        if not name:
            return Sought()
        if required:
            self._fails(self.guards)
        return Sought(places=(self._add(kind, name, where, required=required),), found=True if required else None)

    def _add(
        self, kind: Kind, name: str, where: str, *, required: bool, bundled: bool = False, weight: float = 0.6
    ) -> int:
        """Add evidence, and return its place. A language is needed by a vendored project's compilation too."""
        secondary = self.secondary and kind != "language"
        self.found.step(_MAX_STEPS // _MAX_EVIDENCE)
        certain = required and not self.guards and not secondary
        evidence = Evidence(
            kind=kind,
            name=name[:200],
            where=where,
            need="required" if certain else "optional",
            weight=(self._certainty if certain else 0.4 if kind == "header" else weight)
            * (_SECONDARY if secondary else 1),
            bundled=bundled or (secondary and bool(self.root)),
            condition=self.conditions[-1] if self.conditions else "",
        )
        self.found.evidence.append(evidence)
        return len(self.found.evidence) - 1

    @property
    def _certainty(self) -> float:
        return 0.95 if self.path == "meson.build" else 0.9

    def _fails(self, guards: list[tuple[int, ...]]) -> None:
        """Make required what has to be found so that this point, where a build fails or needs more, is not reached."""
        if not guards or not all(guards) or self.secondary:
            return
        for place in guards[0]:
            before = self.found.evidence[place]
            self.found.evidence[place] = msgspec.structs.replace(
                before, need="required", weight=self._certainty, condition=""
            )

    def _flag(self, kind: Any, text: str, where: str) -> None:
        self.found.flags.append(Flag(kind=kind, text=text[:300], where=where))


class _Wrap(msgspec.Struct, frozen=True):
    name: str
    directory: str
    url: str
    provides: frozenset[str]


def _wraps_of(tree: SourceTree, root: str) -> dict[str, _Wrap]:
    start = f"{root}subprojects/"
    paths = [
        path
        for path in tree.sizes
        if path.startswith(start) and path.endswith(".wrap") and "/" not in path[len(start) :]
    ]
    return {path[len(start) : -5]: _wrap(path[len(start) : -5], tree.text(path)) for path in sorted(paths)[:200]}


def _wrap(name: str, text: str) -> _Wrap:
    """Return what a .wrap file says: where the sources come from, and which dependencies they provide."""
    values: dict[str, str] = {}
    provides: set[str] = set()
    section = ""
    for line in text[:_MAX_FILE].split("\n"):
        key, given, value = (part.strip() for part in line.partition("="))
        if key.startswith("["):
            section = key
        elif given and section == "[provide]":
            provides |= {part.strip() for part in value.split(",")} if key == "dependency_names" else {key}
        elif given:
            values[key] = value
    url = values.get("source_url") or values.get("url") or ""
    return _Wrap(name, values.get("directory", ""), url, frozenset(provides - {"program_names"}))


def _option(keywords: Mapping[str, Any]) -> Any:
    """Return the default of an option, as Meson has it for each type."""
    value, kind, choices = keywords.get("value"), keywords.get("type"), keywords.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else UNKNOWN
    match kind:
        case "feature":
            return Feature(value if isinstance(value, str) else "auto")
        case "boolean":
            return _as_type(value, True) if isinstance(value, str) else True if value is None else value
        case "array":
            return value if isinstance(value, list) else choices if isinstance(choices, list) else []
        case "combo":
            return first if value is None else value
        case "string":
            return "" if value is None else value
    return UNKNOWN if value is None else value


def _as_type(text: str, like: Any) -> Any:
    """Return an option's value as it is given on the command line, in the type of its default."""
    if isinstance(like, bool):
        return text.lower() == "true"
    if isinstance(like, Feature):
        return Feature(text)
    if isinstance(like, list):
        return [part.strip(" '\"") for part in text.strip("[]").split(",") if part.strip()]
    return int(text) if isinstance(like, int) and text.isdecimal() and len(text) < 10 else text


def _required(keywords: Mapping[str, Any]) -> bool | None:
    """Return whether something has to be found; None where it is not looked for at all."""
    value = keywords.get("required", True)
    if isinstance(value, Feature):
        return {"enabled": True, "disabled": None}.get(value.state, False)
    return _truth(value) is True


def _truth(value: Any) -> bool | Maybe:
    return value if isinstance(value, bool | Maybe) else UNKNOWN


def _not(value: bool | Maybe) -> bool | Maybe:
    return Maybe(value.absent_if_false, value.absent_if_true) if isinstance(value, Maybe) else not value


def _both(left: bool | Maybe, right: bool | Maybe) -> bool | Maybe:
    """Return the conjunction: true only with both, so either one's absence is an alternative to the other's."""
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    true = left.absent_if_true if right.absent_if_true else ()
    return Maybe(true, (*left.absent_if_false, *right.absent_if_false)[:_MAX_PLACES])


def _asked(sought: Sought, name: str) -> Any:
    if name == "found":
        return sought.found if sought.found is not None else Maybe((), sought.places[:1])
    return sought if name in ("as_system", "partial_dependency", "as_link_whole", "as_static", "as_shared") else UNKNOWN


def _feature(feature: Feature, name: str, tests: list[bool | Maybe]) -> Any:
    state, test = feature.state, tests[0] if tests else UNKNOWN
    match name:
        case "enabled" | "disabled" | "auto":
            return state == name
        case "allowed":
            return state != "disabled"
        case "require" | "disable_if" | "disable_auto_if" | "enable_if" | "enable_auto_if":
            if name.endswith("auto_if") and state != "auto":
                return feature
            changes = test is (name != "require")
            if isinstance(test, Maybe):
                return UNKNOWN
            return Feature("enabled" if name.startswith("enable") else "disabled") if changes else feature
    return UNKNOWN


def _of_string(owner: str, name: str, arguments: list[Any]) -> Any:
    text = arguments[0] if arguments and isinstance(arguments[0], str) else None
    match name, text:
        case "to_lower", _:
            return owner.lower()
        case "to_upper", _:
            return owner.upper()
        case "strip", None:
            return owner.strip()
        case "startswith", str(text):
            return owner.startswith(text)
        case "endswith", str(text):
            return owner.endswith(text)
        case "contains", str(text):
            return text in owner
        case "split", str(text) if text:
            return owner.split(text)[:_MAX_ITEMS]
        case "split", None:
            return owner.split()
    return UNKNOWN


def _of_dict(owner: dict[str, Any], name: str, arguments: list[Any]) -> Any:
    if name == "keys":
        return list(owner)
    key = arguments[0] if arguments and isinstance(arguments[0], str) else None
    if name == "has_key":
        return key in owner if key is not None else UNKNOWN
    return owner.get(key, arguments[1] if len(arguments) > 1 else UNKNOWN) if key is not None else UNKNOWN


def _compared(operator: str, left: Any, right: Any) -> Any:
    if operator in ("in", "not in"):
        if not isinstance(right, list | dict | str) or not isinstance(left, str | int):
            return UNKNOWN
        if isinstance(right, str) and not isinstance(left, str):
            return UNKNOWN
        if isinstance(right, list) and left not in right and not all(isinstance(item, str | int) for item in right):
            return UNKNOWN
        return (left in right) is (operator == "in")
    known = isinstance(left, str | int | list) and isinstance(right, str | int | list) and type(left) is type(right)
    if not known:
        return UNKNOWN
    if operator in ("==", "!="):
        simple = all(isinstance(item, str | int) for side in (left, right) if isinstance(side, list) for item in side)
        return (left == right) is (operator == "==") if simple else UNKNOWN
    if not isinstance(left, int):
        return UNKNOWN
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}.get(operator, UNKNOWN)


def _added(operator: str, left: Any, right: Any) -> Any:
    """Return the sum of strings or lists, and a path joined with `/`; other arithmetic decides nothing."""
    if isinstance(left, str) and isinstance(right, str) and operator in "+/" and len(left) + len(right) < _MAX_STRING:
        return left + right if operator == "+" else f"{left}/{right}"
    if operator != "+":
        return UNKNOWN
    if isinstance(left, Some):
        return Some([*left, *(right if isinstance(right, list) else [right])][:_MAX_ITEMS])
    if isinstance(left, list):
        added = [*left, *(right if isinstance(right, list) else [right])]
        return Some(added[:_MAX_ITEMS]) if isinstance(right, Maybe | Some) or len(added) > _MAX_ITEMS else added
    if isinstance(left, int) and isinstance(right, int) and abs(left) + abs(right) < 1 << 60:
        return left + right
    return UNKNOWN


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return variables of which either may be true: dependencies are alternatives, lists may have what either has."""
    merged = {}
    for name in one.keys() | other.keys():
        left, right = one.get(name, other.get(name)), other.get(name, one.get(name))
        if left is right:
            merged[name] = left
        elif isinstance(left, Sought) and isinstance(right, Sought):
            places = tuple(dict.fromkeys((*left.places, *right.places)))[:_MAX_PLACES]
            merged[name] = Sought(places, left.found if left.found is right.found else None)
        elif isinstance(left, list | Some) and isinstance(right, list | Some):
            same = type(left) is type(right) is list and left == right
            merged[name] = left if same else _united(left, right)
        else:
            merged[name] = left if type(left) is type(right) and left == right else UNKNOWN
    return merged


def _united(left: Iterable[Any], right: Iterable[Any]) -> Some:
    """Return what either list has, those of the longer first, as they stand in the order of looking."""
    one, other = sorted((list(left), list(right)), key=len, reverse=True)
    return Some({repr(item): item for item in [*one[:100], *other[:100]] if isinstance(item, str | int)}.values())


def _flat(items: Iterable[Any]) -> list[Any]:
    """Return a list without lists in it: where Meson takes several values, it takes lists of them too."""
    return [part for item in items for part in (_flat(item) if isinstance(item, list) else [item])][:_MAX_ITEMS]


def _ends_in_continue(block: Any) -> bool:
    return any(type(line).__name__ == "ContinueNode" for line in block.lines)


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""What a CMake build asks of the system: its files are split into commands and followed as CMake would on Linux.

Only what decides is evaluated: variables set to constants, options with their defaults and the settings of
pyproject.toml, the system, and whether something was found. A branch that Linux never takes yields nothing; what stands
in one that may be taken is optional. What is looked for without REQUIRED is required after all where a fatal message
stands in the branch of its absence.
"""

import itertools
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from wheelbase.source.backend import Backend, backend_of
from wheelbase.source.findings import LINKED_ANYWAY, Evidence, Flag
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

_MAX_STEPS = 100_000
_MAX_FILES = 2 << 20  # of all
_MAX_VALUE = 10_000
_MAX_DEPTH = 40
_MAX_ITEMS = 200
_MAX_EVIDENCE = 5_000
_SECONDARY = 0.4

_BACKENDS = ("scikit-build-core", "scikit-build", "py-build-cmake", "cmeel", "cmake-build-extension", "cmake")

_CALLS = re.compile(
    r"[\"'/]cmake3?[\"' ]|\b(skbuild|cmake_build_extension)\b|\bcmake (--build|\.|-)|class CMake\w*", re.IGNORECASE
)
"""How a setup.py runs CMake."""

# --- the language -----------------------------------------------------------------------------------------------


class Argument(NamedTuple):
    """An argument as written; `literal` where no variables are replaced in it, `quoted` where it is no list."""

    text: str
    quoted: bool = False
    literal: bool = False


class Command(NamedTuple):
    """One command: its name in lower case."""

    name: str
    arguments: tuple[Argument, ...]
    line: int


_SPACE = re.compile(r"[\s;]+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BRACKET = re.compile(r"\[(=*)\[")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNQUOTED = re.compile(r'(?:[^\s()#"\\;]|\\.|"[^"\s]*")+', re.DOTALL)


def commands_of(text: str) -> list[Command]:
    """Return the commands of a CMake file. Raises ValueError where it is none."""
    commands: list[Command] = []
    position, line, counted = 0, 1, 0
    while (position := _skipped(text, position)) < len(text):
        name = _NAME.match(text, position)
        if name is None:
            raise ValueError(text.count("\n", 0, position) + 1)
        start = _skipped(text, name.end())
        line, counted = line + text.count("\n", counted, position), position
        if text[start : start + 1] != "(":
            raise ValueError(line)
        arguments, position = _arguments(text, start + 1, line)
        commands.append(Command(name[0].lower(), tuple(arguments), line))
    return commands


def _arguments(text: str, position: int, line: int) -> tuple[list[Argument], int]:
    arguments: list[Argument] = []
    depth = 1
    while (position := _skipped(text, position)) < len(text):
        character = text[position]
        if character in "()":
            depth += 1 if character == "(" else -1
            position += 1
            if not depth:
                return arguments, position
            arguments.append(Argument(character, literal=True))
            continue
        argument, position = _argument(text, position, line)
        arguments.append(argument)
    raise ValueError(line)


def _argument(text: str, position: int, line: int) -> tuple[Argument, int]:
    if bracket := _BRACKET.match(text, position):
        end = _closed(text, bracket)
        if end < 0:
            raise ValueError(line)
        return Argument(text[bracket.end() : end - len(bracket[1]) - 2], True, True), end
    quoted = _QUOTED.match(text, position)
    if quoted:
        return Argument(quoted[1], True), quoted.end()
    plain = _UNQUOTED.match(text, position)
    if plain is None:
        raise ValueError(line)
    return Argument(plain[0]), plain.end()


def _skipped(text: str, position: int) -> int:
    """Return where the next token starts: after spaces and comments."""
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
        elif text[position] == "#":
            bracket = _BRACKET.match(text, position + 1)
            end = _closed(text, bracket) if bracket else text.find("\n", position)
            position = end if end >= 0 else len(text)
        else:
            break
    return position


def _closed(text: str, bracket: re.Match[str]) -> int:
    """Return where a bracket argument or comment ends, -1 where it does not."""
    end = text.find(f"]{bracket[1]}]", bracket.end())
    return end if end < 0 else end + len(bracket[1]) + 2


class Block(NamedTuple):
    """if, foreach, while, function, macro: each branch is the command that opens it, and what stands in it."""

    branches: list[tuple[Command, list["Command | Block"]]]


_OPENS = frozenset(("if", "foreach", "while", "function", "macro"))


def blocks_of(commands: list[Command]) -> list[Command | Block]:
    """Return commands with those of a block below it. Raises ValueError where blocks do not close."""
    outer: list[Command | Block] = []
    open_blocks: list[tuple[str, Block]] = []
    for command in commands:
        body = open_blocks[-1][1].branches[-1][1] if open_blocks else outer
        if command.name in _OPENS:
            block = Block([(command, [])])
            body.append(block)
            open_blocks.append((command.name, block))
            if len(open_blocks) > _MAX_DEPTH:
                raise ValueError(command.line)
        elif command.name in ("elseif", "else"):
            if not open_blocks or open_blocks[-1][0] != "if":
                raise ValueError(command.line)
            open_blocks[-1][1].branches.append((command, []))
        elif command.name.startswith("end") and command.name[3:] in _OPENS:
            if not open_blocks or open_blocks.pop()[0] != command.name[3:]:
                raise ValueError(command.line)
        else:
            body.append(command)
    if open_blocks:
        raise ValueError(open_blocks[-1][1].branches[0][0].line)
    return outer


# --- conditions -------------------------------------------------------------------------------------------------


class Maybe(msgspec.Struct, frozen=True):
    """A condition that is not known, with the places whose absence makes it true, and those that make it false."""

    absent_if_true: tuple[int, ...] = ()
    absent_if_false: tuple[int, ...] = ()


UNKNOWN = Maybe()
Truth = bool | Maybe

_TRUE = frozenset(("1", "ON", "YES", "TRUE", "Y"))
_FALSE = frozenset(("0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND", ""))
_COMPARISONS = re.compile(r"(VERSION_)?(LESS|GREATER|EQUAL|LESS_EQUAL|GREATER_EQUAL)$")
_ELSEWHERE = frozenset(
    "WIN32 APPLE MSVC MINGW CYGWIN MSYS ANDROID IOS BORLAND WATCOM XCODE EMSCRIPTEN BSD AIX HAIKU MSVC_IDE MSVC_VERSION"
    " CMAKE_CROSSCOMPILING CMAKE_HOST_WIN32 CMAKE_HOST_APPLE VCPKG_TOOLCHAIN CMAKE_TOOLCHAIN_FILE VCPKG_TARGET_TRIPLET"
    " CMAKE_OSX_ARCHITECTURES CMAKE_OSX_DEPLOYMENT_TARGET WASM WASI".split()
)
_KNOWN = {
    "UNIX": "1", "LINUX": "1", "CMAKE_HOST_UNIX": "1", "CMAKE_SYSTEM_NAME": "Linux", "CMAKE_HOST_SYSTEM_NAME": "Linux",
    "CMAKE_VERSION": "4.0.0", "CMAKE_C_COMPILER_ID": "GNU", "CMAKE_CXX_COMPILER_ID": "GNU",
    "CMAKE_COMPILER_IS_GNUCC": "1", "CMAKE_COMPILER_IS_GNUCXX": "1",
    "CMAKE_BUILD_TYPE": "Release", "CMAKE_SHARED_LIBRARY_SUFFIX": ".so",
}  # fmt: skip


def _not(value: Truth) -> Truth:
    return Maybe(value.absent_if_false, value.absent_if_true) if isinstance(value, Maybe) else not value


def _both(left: Truth, right: Truth) -> Truth:
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    true = left.absent_if_true if right.absent_if_true else ()
    return Maybe(true, (*left.absent_if_false, *right.absent_if_false)[:_MAX_ITEMS])


class _Condition:
    """One condition, read by precedence: parentheses, tests, NOT, AND, OR."""

    def __init__(self, build: "_Build", arguments: list[Argument]) -> None:
        self.build, self.left = build, arguments[::-1]

    def result(self) -> Truth:
        value = self._or(0)
        return UNKNOWN if self.left else value

    def _next(self) -> Argument | None:
        return self.left[-1] if self.left else None

    def _takes(self, *words: str) -> str:
        after = self._next()
        if after is not None and not after.quoted and after.text.upper() in words:
            return self.left.pop().text.upper()
        return ""

    def _or(self, depth: int) -> Truth:
        if depth > _MAX_DEPTH:
            raise ValueError(0)
        value = self._and(depth)
        while self._takes("OR"):
            value = _not(_both(_not(value), _not(self._and(depth))))
        return value

    def _and(self, depth: int) -> Truth:
        value = self._negation(depth)
        while self._takes("AND"):
            value = _both(value, self._negation(depth))
        return value

    def _negation(self, depth: int) -> Truth:
        negated = False
        while self._takes("NOT"):
            negated = not negated
        value = self._test(depth)
        return _not(value) if negated else value

    def _test(self, depth: int) -> Truth:
        if self._takes("("):
            value = self._or(depth + 1)
            self._takes(")")
            return value
        if not self.left:
            return UNKNOWN
        if word := self._takes(
            "DEFINED", "TARGET", "EXISTS", "COMMAND", "POLICY", "IS_DIRECTORY", "IS_ABSOLUTE", "IS_SYMLINK"
        ):
            return self.build.has(word, self.left.pop()) if self.left else UNKNOWN
        first = self.left.pop()
        operator = self._next()
        if operator is None or operator.quoted or len(self.left) < 2 or operator.text in (")", "AND", "OR"):
            return self.build.truth(first)
        if operator.text.upper() not in (
            "STREQUAL",
            "MATCHES",
            "IN_LIST",
            "PATH_EQUAL",
            "STRLESS",
            "STRGREATER",
        ) and not (_COMPARISONS.match(operator.text.upper())):
            return self.build.truth(first)
        self.left.pop()
        return _compared(operator.text.upper(), self.build.operand(first), self.build.operand(self.left.pop()))


def _compared(operator: str, left: str | None, right: str | None) -> Truth:
    if left is None or right is None:
        return UNKNOWN
    if operator in ("STREQUAL", "PATH_EQUAL"):
        return left == right
    if operator == "IN_LIST":
        return UNKNOWN
    if operator == "MATCHES":  # of words alone: an expression of anyone's may take unbounded time
        if not right:
            return True
        words = right.strip("^$()").split("|")
        if not all(re.fullmatch(r"[\w. -]*", word) for word in words) or right.count("(") > 1:
            return UNKNOWN
        exact = right.startswith("^") and right.endswith("$")
        return any(
            word == left if exact else left.startswith(word) if right[0] == "^" else word in left for word in words
        )
    match = _COMPARISONS.match(operator)
    numbers = [
        tuple(int(part) for part in text.split("."))
        for text in (left, right)
        if re.fullmatch(r"\d{1,9}(\.\d{1,9}){0,9}", text)
    ]
    if match is None or len(numbers) != 2:
        return UNKNOWN
    length = max(map(len, numbers))
    one, other = ((*number, *[0] * (length - len(number))) for number in numbers)
    return (
        (one == other and "EQUAL" in operator)
        or (one < other and "LESS" in operator)
        or (one > other and "GREATER" in operator)
    )


# --- what is looked for -----------------------------------------------------------------------------------------

_LANGUAGES = {"C": "c", "CXX": "c++", "FORTRAN": "fortran", "CUDA": "cuda", "OBJC": "c", "OBJCXX": "c++"}
_HAD_ANYWAY = re.compile(
    r"(python|numpy$|cython$|f2py|pybind11|nanobind|usecython|threads$|git$|doxygen$|sphinx|gtest$|gmock$|googletest$|catch2?$"
    r"|benchmark$|openmp$|scikit-?build|skbuild|ccache$|latex$|clang-?(format|tidy)$|unixcommands$|patch$|backtrace$|cppcheck$)",
    re.IGNORECASE,
)
_PACKAGES: dict[str, tuple[Kind, str]] = {
    "PkgConfig": ("program", "pkg-config"),
    "BLAS": ("virtual", "interface/blas"),
    "CBLAS": ("virtual", "interface/blas"),
    "LAPACK": ("virtual", "interface/lapack"),
    "LAPACKE": ("virtual", "interface/lapack"),
    "MPI": ("virtual", "interface/mpi"),
    "Boost": ("header", "boost/version.hpp"),
    "CUDA": ("language", "cuda"),
    "CUDAToolkit": ("language", "cuda"),
    "SWIG": ("program", "swig"),
    "BISON": ("program", "bison"),
    "FLEX": ("program", "flex"),
    "Perl": ("program", "perl"),
    "Corrosion": ("language", "rust"),
    "Rust": ("language", "rust"),
    "Curses": ("pkg-config", "ncurses"),
}
_RUN_ANYWAY = re.compile(
    r"(python[\d.]*|cython|f2py|cmake|ninja|make|git|s?ccache|distcc|doxygen|gcc|g\+\+|cc|ld(\.\w+)?|ar|strip|objcopy|sh|sed"
    r"|awk|grep|cat|echo|clang-(format|tidy)(-[\d.]+)?|cppcheck|sphinx-build|valgrind|gcov|lcov|genhtml|iwyu"
    r"|include-what-you-use)$"
)
_OF_WINDOWS = frozenset(
    "ws2_32 wsock32 iphlpapi advapi32 user32 gdi32 shell32 ole32 oleaut32 psapi bcrypt crypt32 rpcrt4".split()
)
_LINK_WORDS = frozenset(
    "PUBLIC PRIVATE INTERFACE LINK_PUBLIC LINK_PRIVATE LINK_INTERFACE_LIBRARIES debug optimized general".split()
)
_NOT_NAMES = frozenset(
    "HINTS PATHS PATH_SUFFIXES DOC REQUIRED NO_DEFAULT_PATH NO_CACHE ENV VALIDATOR NO_PACKAGE_ROOT_PATH NO_CMAKE_PATH"
    " NO_CMAKE_ENVIRONMENT_PATH NO_SYSTEM_ENVIRONMENT_PATH NO_CMAKE_SYSTEM_PATH NO_CMAKE_FIND_ROOT_PATH NAMES_PER_DIR"
    " CMAKE_FIND_ROOT_PATH_BOTH ONLY_CMAKE_FIND_ROOT_PATH REGISTRY_VIEW".split()
)
_WRITES = frozenset(
    "string list math file get_filename_component execute_process separate_arguments cmake_path exec_program".split()
)
_PKG_CONFIG_WORDS = frozenset("REQUIRED QUIET GLOBAL IMPORTED_TARGET NO_CMAKE_PATH NO_CMAKE_ENVIRONMENT_PATH".split())
_SOURCE = "<source>"


class _TooMuch(Exception):
    """Evaluation has taken more steps than an honest build does."""


def find_in_cmake(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the CMake projects that the build configures look for; of one that it does not, doubtfully."""
    backend = backend_of(tree)
    script = tree.text("setup.py")
    runs = backend.requires_any(*_BACKENDS) or bool(_CALLS.search(script))
    options = backend.cmake_options | ({} if backend.cmake_options else _defined_in(script))
    for folder in _projects(tree, backend, script if runs else ""):
        build = _Build(tree, folder, options, backend.required_names, secondary=not runs)
        build.configure()
        yield from dict.fromkeys(build.evidence)
        yield from build.linked()
        yield from dict.fromkeys(build.flags)


def _projects(tree: SourceTree, backend: Backend, script: str) -> list[str]:
    """Return the folders of CMake projects: the stated or the outermost one, else those that setup.py names."""
    stated = f"{backend.cmake_folder}/" if backend.cmake_folder else ""
    if f"{stated}CMakeLists.txt" in tree:
        return [stated]
    folders = [path.removesuffix("CMakeLists.txt") for path in tree.named("CMakeLists.txt")]
    outer = [
        one for one in folders if not any(one != other and one.startswith(other) for other in folders[:_MAX_ITEMS])
    ]
    return [one for one in outer[:_MAX_ITEMS] if posixpath.basename(one.rstrip("/")) in script][:8] if script else []


def _defined_in(script: str) -> dict[str, str]:
    """Return the options that setup.py gives one constant value."""
    found: dict[str, set[str]] = {}
    for match in re.finditer(r"-D([A-Za-z]\w{0,80})(?::[A-Z]{1,8})?=(\w{0,80})(?=[\"'])", script):
        found.setdefault(match[1], set()).add(match[2])
    return {name: values.pop() for name, values in found.items() if len(values) == 1}


class _Build:
    """One CMake project as it is configured: its variables, and what it was seen to look for."""

    def __init__(
        self, tree: SourceTree, folder: str, options: Mapping[str, str], wheels: frozenset[str], *, secondary: bool
    ) -> None:
        self.tree, self.root, self.folder, self.path = tree, folder, folder, ""
        self.wheels, self.secondary = wheels, secondary
        self.evidence: list[Evidence] = []
        self.flags: list[Flag] = []
        self.links: list[tuple[str, Evidence]] = []
        self.variables: dict[str, str | None] = dict(options)
        self.options = frozenset(options)
        if wheels & {"scikit-build-core", "scikit-build"}:
            self.variables["SKBUILD"] = "2"
        self.results: dict[str, tuple[int, ...]] = {}
        self.targets: set[str] = set()
        self.functions: dict[str, tuple[list[str], list[Command | Block]]] = {}
        self.guards: list[tuple[int, ...]] = []
        self.conditions: list[str] = []
        self.steps, self.bytes, self.depth = _MAX_STEPS, _MAX_FILES, 0
        self.seen: set[str] = set()
        self.modules = {posixpath.basename(path): path for path in reversed(list(tree.ending(".cmake")))}
        self.folders = {folder for path in tree.sizes for folder in _folders_of(path)}

    def configure(self) -> None:
        """Evaluate the project. Failing to read stops it, with a flag; what was found stays."""
        for name in ("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR"):
            self.variables[name] = _SOURCE + "/" + self.root.rstrip("/")
        try:
            self.enter(self.root)
        except (_TooMuch, RecursionError):
            self.flags.append(Flag(kind="unreadable", text="evaluating it takes too long", where=f"{self.path}:1"))

    def linked(self) -> Iterator[Evidence]:
        """Yield what is linked by a name that is no target's."""
        yield from dict.fromkeys(evidence for name, evidence in self.links if name not in self.targets)

    def enter(self, folder: str) -> None:
        """Evaluate a folder's file; what it sets is not seen outside."""
        if f"{folder}CMakeLists.txt" not in self.tree:
            return
        before, variables = self.folder, dict(self.variables)
        self.step(len(variables))
        self.folder = folder
        self.variables["CMAKE_CURRENT_SOURCE_DIR"] = f"{_SOURCE}/{folder}".rstrip("/")
        self.follow(f"{folder}CMakeLists.txt")
        self.folder, self.variables = before, variables

    def follow(self, path: str) -> None:
        """Evaluate a file, once."""
        if path not in self.tree or path in self.seen:
            return
        self.seen.add(path)
        text = self.tree.text(path)
        self.bytes -= len(text)
        before, list_dir = self.path, self.variables.get("CMAKE_CURRENT_LIST_DIR")
        self.path = path
        self.variables["CMAKE_CURRENT_LIST_DIR"] = f"{_SOURCE}/{posixpath.dirname(path)}".rstrip("/")
        try:
            self.run(blocks_of(commands_of(text if self.bytes >= 0 else "")))
            if self.bytes < 0:
                self.flags.append(Flag(kind="unreadable", text="there are too many files", where=f"{path}:1"))
        except ValueError as error:
            line = error.args[0] if error.args and isinstance(error.args[0], int) else 1
            self.flags.append(Flag(kind="unreadable", text="not valid as a CMake file", where=f"{path}:{line}"))
        self.path, self.variables["CMAKE_CURRENT_LIST_DIR"] = before, list_dir

    def step(self, count: int = 1) -> None:
        self.steps -= count
        if self.steps < 0:
            raise _TooMuch

    # --- control ---

    def run(self, body: Iterable[Command | Block]) -> bool:
        """Evaluate commands; True where the rest of the file or function is left out."""
        for item in body:
            self.step()
            if isinstance(item, Block):
                if self.block(item):
                    return True
            elif item.name == "return":
                return True
            elif item.name in ("break", "continue"):
                return False
            else:
                self.command(item)
        return False

    def block(self, block: Block) -> bool:
        opening, body = block.branches[0]
        if opening.name == "if":
            return self.branches(block)
        words = self.words(opening.arguments)
        if opening.name in ("function", "macro"):
            if words:
                self.functions[words[0].lower()] = (words[1:], body)
        elif opening.name == "while":
            self.merge([self.alternative(body, [()], opening), self.variables])
        elif words:
            self.loop(opening, words, body)
        return False

    def loop(self, opening: Command, words: list[str], body: list[Command | Block]) -> None:
        name, items = words[0], words[1:]
        certain = all(argument.text.isidentifier() for argument in opening.arguments) or "IN" in items
        if items[:2] == ["IN", "LISTS"]:
            values = [self.variables.get(item) for item in items[2:]]
            certain = None not in values
            items = [part for value in values if value for part in value.split(";")]
        elif items[:1] == ["IN"]:
            items = [item for item in items if item not in ("IN", "ITEMS")]
        elif items[:1] == ["RANGE"]:
            items, certain = [], False
        for item in items[:_MAX_ITEMS]:
            self.variables[name] = item
            if certain:
                self.run(body)
            else:
                self.merge([self.alternative(body, [()], opening), self.variables])
        if not items and not certain:
            self.variables[name] = None
            self.merge([self.alternative(body, [()], opening), self.variables])

    def branches(self, block: Block) -> bool:
        """Evaluate the branches that may be taken; what they leave different is not known afterwards."""
        guards: list[tuple[int, ...]] = []
        outcomes: list[dict[str, str | None]] = []
        for command, body in block.branches:
            test = True if command.name == "else" else _Condition(self, list(command.arguments)).result()
            if test is False:
                continue
            if test is True and not guards:
                return self.run(body)
            own = [test.absent_if_true] if isinstance(test, Maybe) else []
            outcomes.append(self.alternative(body, [*guards, *own], command))
            if test is True:
                break
            guards += [test.absent_if_false] if isinstance(test, Maybe) else []
        else:
            outcomes.append(self.variables)
        self.merge(outcomes)
        return False

    def alternative(
        self, body: list[Command | Block], guards: list[tuple[int, ...]], command: Command
    ) -> dict[str, str | None]:
        before, conditions, outer = self.variables, self.conditions, self.guards
        self.step(len(before) + len(guards))
        text = " ".join(argument.text for argument in command.arguments[:12])
        self.variables, self.guards = dict(before), [*outer, *guards]
        self.conditions = [*conditions, f"{command.name}({text})"[:120]]
        self.run(body)
        after, self.variables, self.conditions, self.guards = self.variables, before, conditions, outer
        return after

    def merge(self, outcomes: list[dict[str, str | None]]) -> None:
        """Keep the variables that all outcomes agree on; the others are not known."""
        names = dict.fromkeys(name for outcome in outcomes for name in outcome)
        self.variables = {
            name: outcomes[0].get(name) if len({outcome.get(name) for outcome in outcomes}) == 1 else None
            for name in names
        }

    def call(self, name: str, arguments: tuple[Argument, ...]) -> None:
        """Evaluate the body of a function of the archive's own."""
        if self.depth >= _MAX_DEPTH // 2:
            return
        parameters, body = self.functions[name]
        given = [part for argument in arguments for part in self.expanded(argument)]
        bound: dict[str, str | None] = dict(zip(parameters, given, strict=False))
        rest = given[len(parameters) :]
        bound["ARGN"] = ";".join(part for part in rest if part) if None not in rest else None
        before = {key: self.variables.get(key) for key in bound}
        self.variables |= bound
        self.depth += 1
        self.run(body)
        self.depth -= 1
        self.variables |= before

    # --- values ---

    def value(self, name: str) -> str | None:
        """Return a variable's value, None where it is not known."""
        if name in self.variables:
            return self.variables[name]
        return "" if name in _ELSEWHERE else _KNOWN.get(name)

    def text_of(self, text: str) -> str | None:
        """Return a text with its variables replaced, None where one of them is not known."""
        for _ in range(_MAX_DEPTH):
            match = re.search(r"\$(ENV|CACHE)?\{([^${}]*)\}", text)
            if match is None:
                return text.replace('\\"', '"') if "${" not in text else None
            value = None if match[1] else self.value(match[2])
            if value is None or len(value) + len(text) > _MAX_VALUE:
                return None
            text = text[: match.start()] + value + text[match.end() :]
        return None

    def expanded(self, argument: Argument) -> list[str | None]:
        text = argument.text if argument.literal else self.text_of(argument.text)
        self.step(len(text) // 100 if text else 0)
        if text is None or argument.quoted:
            return [text]
        return list(filter(None, text.split(";")))

    def words(self, arguments: Iterable[Argument]) -> list[str]:
        """Return the arguments whose values are known."""
        return [part for argument in arguments for part in self.expanded(argument) if part is not None]

    def operand(self, argument: Argument) -> str | None:
        """Return one side of a comparison: a variable's value where it names one."""
        text = argument.text if argument.literal else self.text_of(argument.text)
        if text is None or argument.quoted or text in ("", "0", "1"):
            return text
        if text in self.variables or text in _ELSEWHERE or text in _KNOWN:
            return self.value(text)
        return None if text.startswith(("CMAKE_", "Python", "PYTHON", "SKBUILD")) else text

    def truth(self, argument: Argument) -> Truth:
        text = argument.text if argument.literal else self.text_of(argument.text)
        if text is None:
            return UNKNOWN
        constant = _constant(text)
        if constant is not None or argument.quoted:
            return bool(constant)
        value = self.value(text)
        if value is not None:
            return _constant(value) is not False
        return Maybe((), self.results[text][:1]) if text in self.results else UNKNOWN

    def has(self, word: str, argument: Argument) -> Truth:
        """Return what DEFINED, TARGET, EXISTS and their like come to."""
        text = argument.text if argument.literal else self.text_of(argument.text)
        if text is None or text.startswith("ENV{"):
            return UNKNOWN
        if word == "DEFINED":
            if text in self.variables or text in _KNOWN:
                return True if self.value(text) is not None else UNKNOWN
            doubtful = text.startswith(("CMAKE_", "Python", "PYTHON", "SKBUILD", "CACHE{")) or text in self.results
            return UNKNOWN if doubtful or text.endswith(("_FOUND", "_DIR", "_ROOT")) else False
        if word == "TARGET":
            return True if text in self.targets else UNKNOWN
        if word in ("EXISTS", "IS_DIRECTORY") and text.startswith(_SOURCE):
            path = self.inside(text)
            return path in self.tree or path in self.folders
        return True if word == "POLICY" else UNKNOWN

    def inside(self, text: str) -> str:
        """Return a path within the archive, from one relative to the folder or to a variable of CMake's."""
        joined = text.removeprefix(_SOURCE).lstrip("/") if text.startswith(_SOURCE) else self.folder + text
        return posixpath.normpath(joined) if joined else ""

    # --- commands ---

    def command(self, command: Command) -> None:
        if command.name in self.functions:
            self.call(command.name, command.arguments)
        elif handler := getattr(self, f"_do_{command.name}", None):
            handler(command, self.words(command.arguments))
        elif command.name.startswith("check_") or command.name in _WRITES:
            for argument in command.arguments:
                if argument.text in self.variables:
                    self.variables[argument.text] = None

    def _do_set(self, command: Command, words: list[str]) -> None:
        names = self.expanded(command.arguments[0]) if command.arguments else []
        name = names[0] if names else None
        if not name:
            return
        rest = [argument for argument in command.arguments[1:] if argument.text != "PARENT_SCOPE"]
        cached = next(
            (number for number, argument in enumerate(rest) if argument.text == "CACHE" and not argument.quoted), None
        )
        if cached is not None and name in self.variables and "FORCE" not in words:
            return
        values = [part for argument in rest[:cached] for part in self.expanded(argument)]
        known = [part for part in values if part is not None]
        joined = ";".join(known)
        self.variables[name] = joined if len(known) == len(values) and len(joined) < _MAX_VALUE else None

    def _do_unset(self, command: Command, words: list[str]) -> None:
        if words:
            self.variables[words[0]] = ""

    def _do_list(self, command: Command, words: list[str]) -> None:
        if len(words) < 2:
            return
        before, values = (
            self.variables.get(words[1], ""),
            [part for item in command.arguments[2:] for part in self.expanded(item)],
        )
        known = [part for part in [before or None, *values] if part]
        if words[0] == "APPEND" and before is not None and None not in values and sum(map(len, known)) < _MAX_VALUE:
            self.variables[words[1]] = ";".join(known)
        else:
            self.variables.update({word: None for word in words[1:] if word in self.variables})

    def _do_option(self, command: Command, words: list[str]) -> None:
        if words and words[0] not in self.variables:
            values = self.expanded(command.arguments[2]) if len(command.arguments) > 2 else ["OFF"]
            self.variables[words[0]] = values[0] if values else "OFF"

    def _do_cmake_dependent_option(self, command: Command, words: list[str]) -> None:
        if words and words[0] not in self.variables:
            self.variables[words[0]] = None

    def _do_project(self, command: Command, words: list[str]) -> None:
        if words:
            self.variables[f"{words[0]}_SOURCE_DIR"] = self.variables.get("CMAKE_CURRENT_SOURCE_DIR")
        self.variables["PROJECT_SOURCE_DIR"] = self.variables.get("CMAKE_CURRENT_SOURCE_DIR")
        after = words[words.index("LANGUAGES") + 1 :] if "LANGUAGES" in words else words[1:]
        named = [word for word in after if word.upper() in _LANGUAGES or word == "NONE"]
        self._do_enable_language(command, named if named or "LANGUAGES" in words else ["C", "CXX"])

    def _do_enable_language(self, command: Command, words: list[str]) -> None:
        for word in words:
            if word.upper() in _LANGUAGES:
                self.add("language", _LANGUAGES[word.upper()], command, required="OPTIONAL" not in words)
            elif word == "ASM_NASM":
                self.add("program", "nasm", command, required=True)

    def _do_add_subdirectory(self, command: Command, words: list[str]) -> None:
        if words and not words[0].startswith("/"):
            path = self.inside(words[0])
            if is_vendored(f"{path}/"):
                self.has_copy()
            self.enter(f"{path}/" if path not in ("", ".") else "")

    def _do_include(self, command: Command, words: list[str]) -> None:
        if not words:
            return
        if words[0].endswith(".cmake") or "/" in words[0]:
            path = self.inside(words[0])
            self.follow(
                path
                if path in self.tree
                else posixpath.normpath(posixpath.join(posixpath.dirname(self.path), words[0]))
            )
        else:
            self.follow(self.modules.get(f"{words[0]}.cmake", ""))

    def _do_add_library(self, command: Command, words: list[str]) -> None:
        self.targets.update(words[:1])

    _do_add_executable = _do_add_custom_target = _do_python_add_library = _do_pybind11_add_module = _do_add_library

    def _do_message(self, command: Command, words: list[str]) -> None:
        if words and words[0] in ("FATAL_ERROR", "SEND_ERROR"):
            self.fails()

    def _do_find_package(self, command: Command, words: list[str]) -> None:
        name = words[0] if words else ""
        if not name:
            return
        required = "REQUIRED" in words or command.name == "find_dependency"
        if _HAD_ANYWAY.match(name) or _normal(name) in self.wheels:
            self.variables[f"{name}_FOUND"] = "TRUE" if required else None
            return
        kind, asked = _PACKAGES.get(name, ("cmake", name))
        if asked in self.wheels:
            return
        places = [self.add(kind, asked, command, required=required)]
        if name == "Boost":
            places += [self.add("library", part, command, required=required) for part in _boost(words)]
        self.sought(name, places, required)
        if (
            required
            and not self.guards
            and not self.secondary
            and kind == "cmake"
            and len(words) > 1
            and words[1][:1].isdigit()
        ):
            self.flag("version", f"{name} >= {words[1]}", command)
        self.optionally(lambda: self.follow(self.modules.get(f"Find{name}.cmake", "")), command)

    _do_find_dependency = _do_find_package

    def optionally(self, action: Any, command: Command) -> None:
        self.guards.append(())
        action()
        self.guards.pop()

    def _do_pkg_check_modules(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [word for word in words[1:] if word not in _PKG_CONFIG_WORDS]
        modules = [match for match in (re.match(r"([\w.+-]+)\s*(([<>]=?|=).*)?$", name) for name in names) if match]
        if command.name == "pkg_search_module":
            modules = modules[:1]
        places = [
            self.add("pkg-config", module[1], command, required=required)
            for module in modules[:_MAX_ITEMS]
            if not module[1][0].isdigit()
        ]
        for module in modules:
            if module[2] and required and not self.guards and not self.secondary:
                self.flag("version", f"{module[1]} {module[2]}", command)
        if words:
            self.sought(words[0], places, required)

    _do_pkg_search_module = _do_pkg_check_modules

    def _do_find_library(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [name for name in _names(words) if re.fullmatch(r"[A-Za-z_][\w.+-]*", name)]
        if not words or not names or LINKED_ANYWAY & set(names):
            return
        name = next((name for name in names if not name.startswith("lib")), names[0].removeprefix("lib"))
        self.sought(words[0], [self.add("library", name.removesuffix(".so"), command, required=required)], required)

    def _do_find_path(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [name for name in _names(words) if re.search(r"\.(h|hh|hpp|hxx)$", name) and name != "Python.h"]
        if words and names:
            self.sought(words[0], [self.add("header", names[0], command, required=required)], required)

    _do_find_file = _do_find_path

    def _do_find_program(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = _names(words)
        if not words or not names or any(_RUN_ANYWAY.match(name) or _normal(name) in self.wheels for name in names):
            return
        if re.fullmatch(r"[A-Za-z][\w.+-]*", names[0]):
            self.sought(words[0], [self.add("program", names[0], command, required=required)], required)

    def _do_target_link_libraries(self, command: Command, words: list[str]) -> None:
        for word in words[1:]:
            name = word.removeprefix("-l")
            plain = re.fullmatch(r"[A-Za-z][\w.+-]*", name)
            if plain and name not in _LINK_WORDS | LINKED_ANYWAY | _OF_WINDOWS and not name.endswith((".a", ".lib")):
                self.add("library", name, command, required=False, weight=0.5)
                self.links.append((name, self.evidence.pop()))

    _do_link_libraries = _do_target_link_libraries

    def _do_fetchcontent_declare(self, command: Command, words: list[str]) -> None:
        name = words[0] if words else ""
        raw = {argument.text for argument in command.arguments}
        if not raw & {"URL", "GIT_REPOSITORY", "SVN_REPOSITORY", "HG_REPOSITORY"}:
            return
        pairs = itertools.pairwise(command.arguments)
        given = next((after for before, after in pairs if before.text in ("URL", "GIT_REPOSITORY")), Argument(""))
        url = self.text_of(given.text) or ""
        overridden = f"FETCHCONTENT_SOURCE_DIR_{name.upper()}" in self.variables
        if (
            url.startswith((_SOURCE, "."))
            or overridden
            or self.variables.get("FETCHCONTENT_FULLY_DISCONNECTED") == "ON"
        ):
            return
        if "FIND_PACKAGE_ARGS" in raw:
            self.add("cmake", name, command, required=False, bundled=True)
        self.has_copy()
        self.downloads(name, url, command)

    _do_fetchcontent_populate = _do_externalproject_add = _do_fetchcontent_declare

    def _do_cpmaddpackage(self, command: Command, words: list[str]) -> None:
        self.has_copy()
        name = words[words.index("NAME") + 1] if "NAME" in words[:-1] else words[0] if words else "a package"
        self.downloads(name, "", command)

    _do_cpmfindpackage = _do_cpmaddpackage

    def _do_file(self, command: Command, words: list[str]) -> None:
        if words[:1] == ["DOWNLOAD"]:
            self.downloads(words[1] if len(words) > 1 else "a file", "", command)

    def _do_execute_process(self, command: Command, words: list[str]) -> None:
        for before, after in itertools.pairwise(words):
            if (
                before.rsplit("/", 1)[-1] in ("curl", "wget")
                or (before == "submodule" and after == "update")
                or after == "clone"
            ):
                self.downloads("something", "", command)
        self.variables.update({word: None for word in words if word in self.variables})

    # --- what comes of them ---

    def downloads(self, name: str, url: str, command: Command) -> None:
        if self.secondary:
            return
        may = "may be" if self.guards else "is"
        self.flag("download", f"{name} {may} downloaded{f' from {url}' if url else ''}", command)

    def flag(self, kind: Any, text: str, command: Command) -> None:
        self.flags.append(Flag(kind=kind, text=text[:300], where=f"{self.path}:{command.line}"))

    def add(
        self, kind: Kind, name: str, command: Command, *, required: bool, bundled: bool = False, weight: float = 0.6
    ) -> int:
        """Add evidence, and return its place."""
        self.step(_MAX_STEPS // _MAX_EVIDENCE)
        if required:
            self.fails()
        certain = required and not self.guards and not self.secondary
        vendored = kind != "language" and is_vendored(self.path)
        share = _SECONDARY if vendored or self.secondary else 1
        evidence = Evidence(
            kind=kind,
            name=name[:200],
            where=f"{self.path}:{command.line}",
            need="required" if certain else "optional",
            weight=round((self.certainty if certain else weight) * share, 2),
            bundled=bundled,
            condition=self.conditions[-1] if self.conditions else "",
        )
        self.evidence.append(evidence)
        return len(self.evidence) - 1

    @property
    def certainty(self) -> float:
        return 0.95 if self.path == f"{self.root}CMakeLists.txt" else 0.9

    def sought(self, name: str, places: list[int], required: bool) -> None:
        """Note the variables that tell whether something was found."""
        for variable in (name, f"{name}_FOUND", f"{name.upper()}_FOUND", f"{name}_LIBRARIES", f"{name}_INCLUDE_DIRS"):
            self.results[variable] = tuple(places)
            self.variables[variable] = "TRUE" if required and not self.secondary else None

    def has_copy(self) -> None:
        """Note that a copy is built where what the branch is about was not found."""
        for place in self.guards[-1] if self.guards else ():
            self.evidence[place] = msgspec.structs.replace(self.evidence[place], bundled=True)

    def fails(self) -> None:
        """Make required what has to be found so that this point, where a build fails or needs more, is not reached."""
        if not self.guards or not all(self.guards) or self.secondary:
            return
        for place in self.guards[0]:
            share = _SECONDARY if is_vendored(self.evidence[place].where) else 1
            self.evidence[place] = msgspec.structs.replace(
                self.evidence[place], need="required", weight=round(self.certainty * share, 2), condition=""
            )


def _folders_of(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def _constant(text: str) -> bool | None:
    """Return the truth of a constant, None of what is none."""
    upper = text.upper()
    if upper in _TRUE or upper in _FALSE or upper.endswith("-NOTFOUND"):
        return upper in _TRUE
    return text.strip("0.") != "" if re.fullmatch(r"-?\d{1,20}(\.\d{1,20})?", text) else None


def _names(words: list[str]) -> list[str]:
    """Return the names that a find_ command looks for: those before the first keyword."""
    names: list[str] = []
    for word in words[1:_MAX_ITEMS]:
        if word in _NOT_NAMES:
            break
        if word != "NAMES":
            names.append(word)
    return names if "NAMES" in words else names[:1]


def _boost(words: list[str]) -> list[str]:
    """Return the libraries of Boost's components; some are headers only."""
    after = words[words.index("COMPONENTS") + 1 :] if "COMPONENTS" in words else []
    named = [
        word
        for word in after
        if word.islower() and word not in ("headers", "system", "disable_autolinking", "dynamic_linking")
    ]
    return [f"boost_{word}" for word in named[:_MAX_ITEMS] if not word.startswith(("python", "numpy", "unit_test"))]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()

"""The values of CMake's variables: what is constant, what Linux tells, and what was found. Pure."""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping

from wheelbase.source.cmake_reader import Argument
from wheelbase.source.lookups import UNKNOWN, Lookups, Maybe, Truth
from wheelbase.source.tree import SourceTree

MAX_VALUE = 10_000
_MAX_DEPTH = 40
_VARIABLE = re.compile(r"\$(ENV|CACHE)?\{([^${}]*)\}")
SOURCE = "<source>"
"""What stands for the archive's folder in paths."""

_UPPER = re.compile(r"[A-Z][A-Z0-9]*_[A-Z0-9_]+")
_OF_CMAKE = ("CMAKE_", "PROJECT_", "PYTHON_", "PYTHON3_", "SKBUILD_", "BUILD_", "PY_", "CTEST_", "CPACK_", "MSVC_")
_SET_ANYWHERE = frozenset(("HOME", "PATH", "PWD", "SHELL", "TMPDIR", "USER"))
_TRUE = frozenset(("1", "ON", "YES", "TRUE", "Y"))
_FALSE = frozenset(("0", "OFF", "NO", "FALSE", "N", "IGNORE", "NOTFOUND", ""))
_ELSEWHERE = frozenset(
    "WIN32 APPLE MSVC MINGW CYGWIN MSYS ANDROID IOS BORLAND WATCOM XCODE EMSCRIPTEN BSD AIX HAIKU MSVC_IDE MSVC_VERSION"
    " CMAKE_CROSSCOMPILING CMAKE_HOST_WIN32 CMAKE_HOST_APPLE VCPKG_TOOLCHAIN CMAKE_TOOLCHAIN_FILE VCPKG_TARGET_TRIPLET"
    " CMAKE_OSX_ARCHITECTURES CMAKE_OSX_DEPLOYMENT_TARGET WASM WASI".split()
)
KNOWN = {
    "UNIX": "1", "LINUX": "1", "CMAKE_HOST_UNIX": "1", "CMAKE_SYSTEM_NAME": "Linux", "CMAKE_HOST_SYSTEM_NAME": "Linux",
    "CMAKE_VERSION": "4.0.0", "CMAKE_C_COMPILER_ID": "GNU", "CMAKE_CXX_COMPILER_ID": "GNU",
    "CMAKE_COMPILER_IS_GNUCC": "1", "CMAKE_COMPILER_IS_GNUCXX": "1",
    "CMAKE_BUILD_TYPE": "Release", "CMAKE_SIZEOF_VOID_P": "8", "CMAKE_SHARED_LIBRARY_SUFFIX": ".so",
}  # fmt: skip
"""What Linux and its usual compiler tell."""


class Variables:
    """The variables at one point of a project, None for what is not known, and what was looked for by their names."""

    def __init__(self, tree: SourceTree, lookups: Lookups, options: Mapping[str, str | None]) -> None:
        """`options` are those given to CMake."""
        self.tree, self.lookups = tree, lookups
        self.folder = ""
        self.variables: dict[str, str | None] = dict(options)
        self.results: dict[str, tuple[int, ...]] = {}
        self.told: set[str] = set()  # those of `results` that branches set
        self.touched: set[str] = set()  # all arguments of commands so far, in lower case
        self.any_touched = False  # whether a variable was set whose name is not known
        self.files: set[str] = set()  # variables of what is looked for one by one, which nothing else sets
        self.targets: set[str] = set()
        self.unseen_targets = False  # whether something that is not followed may make targets
        self.folders = {folder for path in tree.sizes for folder in _folders_of(path)}

    def value(self, name: str) -> str | None:
        """Return a variable's value, None where it is not known."""
        if name in self.variables:
            return self.variables[name]
        return "" if name in _ELSEWHERE else KNOWN.get(name)

    def text_of(self, text: str) -> str | None:
        """Return a text with its variables replaced, None where one of them is not known."""
        for _ in range(_MAX_DEPTH):
            match = _VARIABLE.search(text) if "$" in text else None
            if match is None:
                return text.replace('\\"', '"') if "${" not in text else None
            value = self.value(match[2]) if not match[1] else None if match[1] == "CACHE" else _environment(match[2])
            if value is None or len(value) + len(text) > MAX_VALUE:
                return None
            text = text[: match.start()] + value + text[match.end() :]
        return None

    def expanded(self, argument: Argument) -> list[str | None]:
        """Return the parts of an argument, None for what is not known."""
        text = argument.text if argument.literal else self.text_of(argument.text)
        self.lookups.step(len(text) // 100 if text else 0)
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
        if text in self.variables or text in _ELSEWHERE or text in KNOWN:
            return self.value(text)
        return None if text.startswith(("CMAKE_", "Python", "PYTHON", "SKBUILD")) else text

    def truth(self, argument: Argument) -> Truth:
        """Return what a constant or a variable comes to as a condition."""
        text = argument.text if argument.literal else self.text_of(argument.text)
        if text is None:
            return UNKNOWN
        constant = _constant(text)
        if constant is not None or argument.quoted:
            return bool(constant)
        value = self.value(text)
        if value is not None:
            return _constant(value) is not False
        if text in self.results:
            return Maybe((), self.results[text])
        return False if self._is_unset(text) else UNKNOWN

    def _is_unset(self, name: str) -> bool:
        """Say whether nothing may have set a variable: neither CMake, nor a command so far that has its name.

        Packages that are found set variables that start with their own names.
        """
        if name in self.variables or self.any_touched or not _UPPER.fullmatch(name) or name.startswith(_OF_CMAKE):
            return False
        return name.lower() not in self.touched and name.partition("_")[0].lower() not in self.touched

    def has(self, word: str, argument: Argument) -> Truth:
        """Return what DEFINED, TARGET, EXISTS and their like come to."""
        text = argument.text if argument.literal else self.text_of(argument.text)
        if text is None or text.startswith("ENV{"):
            return UNKNOWN if text is None or _environment(text[4:-1]) is None else False
        if word == "DEFINED":
            if text in self.variables or text in KNOWN:
                return True if self.value(text) is not None else UNKNOWN
            doubtful = text.startswith(("CMAKE_", "Python", "PYTHON", "SKBUILD", "CACHE{")) or text in self.results
            sought = text.rpartition("_")[0] in self.results  # which sets more variables than are known
            return UNKNOWN if doubtful or sought or text.endswith("_FOUND") else False
        if word == "TARGET":  # packages and modules that are found define some that begin with their names
            places = self.results.get(text.removeprefix("PkgConfig::").partition("::")[0], ())[:1]
            absent = not places and "::" in text and not self.unseen_targets
            return text in self.targets or (False if absent else Maybe((), places))
        if word in ("EXISTS", "IS_DIRECTORY") and text.startswith(SOURCE):
            path = self.inside(text)
            return path in self.tree or path in self.folders
        return True if word == "POLICY" else UNKNOWN

    def tell(self, outcome: Mapping[str, str | None], places: tuple[int, ...], start: int) -> None:
        """Have the variables that a branch sets to true tell whether what it hangs on is found.

        Those of what is looked for go on to tell of that; what a branch looks for itself, from `start` on, is nearer.
        """
        for name, value in outcome.items():
            before, known = self.variables.get(name), self.results.get(name)
            if not value or before == value or _constant(value) is False or (before and _constant(before)):
                continue
            nearer = name in self.told and all(place < start for place in known or ())
            # Another name is that of an alternative, which is looked for where the first is not found.
            second = known and not _constant(value) and any(set(known) <= set(one) for one in self.lookups.guards)
            if known is None or (nearer and not second):
                self.results[name] = places
                self.told.add(name)

    def inside(self, text: str) -> str:
        """Return a path within the archive, from one relative to the folder or to a variable of CMake's."""
        joined = text.removeprefix(SOURCE).lstrip("/") if text.startswith(SOURCE) else self.folder + text
        return posixpath.normpath(joined) if joined else ""


def _environment(name: str) -> str | None:
    """Return what a variable of the environment holds: nothing, but for those that every machine sets."""
    return None if name in _SET_ANYWHERE else ""


def _folders_of(path: str) -> Iterator[str]:
    while path := posixpath.dirname(path):
        yield path


def is_off(text: str) -> bool:
    """Say whether a text is one of the constants that are false."""
    return text.upper() in _FALSE or text.upper().endswith("-NOTFOUND")


def _constant(text: str) -> bool | None:
    """Return the truth of a constant, None of what is none."""
    upper = text.upper()
    if upper in _TRUE or is_off(text):
        return upper in _TRUE
    return text.strip("0.") != "" if re.fullmatch(r"-?\d{1,20}(\.\d{1,20})?", text) else None

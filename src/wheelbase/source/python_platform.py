"""What scripts ask of the machine they run on, answered for CPython on Linux with nothing set by the caller. Pure."""

import re
from typing import NamedTuple

from wheelbase.source.python_fold import fold
from wheelbase.source.python_values import (
    Class,
    Const,
    Either,
    Function,
    Instance,
    Many,
    Module,
    Span,
    Table,
    Unknown,
    Value,
    likely,
)

_OLDEST, _NEWEST = (3, 8, 0, "final", 0), (3, 99, 0, "final", 0)

_NAMES: dict[str, Value] = {
    "sys.platform": Const("linux"),
    "os.name": Const("posix"),
    "os.sep": Const("/"),
    "os.path.sep": Const("/"),
    "os.pathsep": Const(":"),
    "os.extsep": Const("."),
    "os.curdir": Const("."),
    "os.pardir": Const(".."),
    "sys.byteorder": Const("little"),
    "sys.maxsize": Const(2**63 - 1),
    "sys.implementation.name": Const("cpython"),
    "sys.version_info": Span(_OLDEST, _NEWEST),
    "sys.version_info.major": Const(3),
    "sys.version_info.minor": Span(8, 99),
    "sys.hexversion": Span(0x03080000, 0x03630000),
    "sys.version": Span("3.8.0 (main) [GCC]", "3.99.0 (main) [GCC]"),
    "sys.builtin_module_names": Many([((), Const("sys")), ((), Const("posix"))]),
    "six.PY2": Const(False),
    "six.PY3": Const(True),
    "typing.TYPE_CHECKING": Const(False),
    "TYPE_CHECKING": Const(False),
    "__name__": Const("__main__"),
    "__debug__": Const(True),
}
_CALLS: dict[str, Value] = {
    **dict.fromkeys(("os.getcwd", "pathlib.Path.cwd", "Path.cwd"), Const(".")),  # pip runs scripts where they are
    "platform.system": Const("Linux"),
    "platform.python_implementation": Const("CPython"),
    "platform.uname": Many([((), Const("Linux"))], open=True),
    "os.uname": Many([((), Const("Linux"))], open=True),
    "platform.platform": Const("Linux"),
    "platform.architecture": Many([((), Const("64bit")), ((), Const("ELF"))]),
    "platform.python_version": Span("3.8.0", "3.99.0"),
    "platform.python_version_tuple": Span(("3", "8", "0"), ("3", "99", "0")),
    "platform.mac_ver": Many([((), Const(""))], open=True),
    "platform.win32_ver": Many([((), Const(""))], open=True),
    "sysconfig.get_platform": Const("linux-x86_64"),
    "distutils.util.get_platform": Const("linux-x86_64"),
    "get_platform": Const("linux-x86_64"),
    "sys.getwindowsversion": Unknown("sys.getwindowsversion"),
}
_LAST: dict[str, Value] = {  # by the last part of a name, whatever object it is asked of
    "compiler_type": Const("unix"),
    "extensions": Const(True),
    "ext_modules": Const(True),
    "has_ext_modules": Const(True),
    "has_c_libraries": Const(True),
    "plat_name": Const("linux-x86_64"),
    "platform_name": Const("linux"),
    "dry_run": Const(False, default=True),
    "inplace": Const(False, default=True),
    "help": Const(False, default=True),
}
_OTHER_WORD = (
    r"win|win32|win64|windows|nt|msvc|msvs|mingw|mingw32|mingw64|cygwin|vcpkg|vc|mac|macos|macosx|osx|darwin|apple|xcode"
    r"|homebrew|brew|macports|fink|ios|android|freebsd|openbsd|netbsd|dragonfly|bsd|sunos|solaris|aix|hpux|os2|emscripten"
    r"|wasm|wasi|pyodide|pypy|graalpy|jython|ironpython"
)
_MAX_NAME = 60
_BEFORE, _AFTER = r"_*(is|on|for|use|using|platform|host|target|build)?_*", r"_*(platform|os|build|system)?_*"
_FLAG = re.compile(rf"{_BEFORE}({_OTHER_WORD}){_AFTER}")
_LINUX_FLAG = re.compile(rf"{_BEFORE}(linux|posix|unix|cpython|gnu){_AFTER}")
_WORDS = re.compile(r"[A-Z]+(?![a-z])\d*|[A-Z]?[a-z]+\d*|\d+")
_OTHER = re.compile(rf"({_OTHER_WORD})", re.IGNORECASE)


class Truth(NamedTuple):
    """Whether a value is true: None where that is not known. `sure` is False where the caller may change it."""

    value: bool | None
    sure: bool = True


def known_name(name: str) -> Value | None:
    """Return the value that a dotted name of Python's library has on Linux."""
    return _NAMES.get(name) or _LAST.get(name.rsplit(".", 1)[-1])


def known_call(name: str) -> Value | None:
    """Return what a function of Python's library gives on Linux."""
    return _CALLS.get(name) or (_LAST.get(last) if (last := name.rsplit(".", 1)[-1]).startswith("has_") else None)


def is_elsewhere(name: str) -> bool:
    """Say whether a function, class or variable is for another system, as far as its name tells ("find_msvc")."""
    return any(_OTHER.fullmatch(word) for word in _WORDS.findall(name))


def told_by_name(name: str) -> Truth:
    """Say what a variable holds on Linux, as far as its name tells ("is_windows")."""
    last = name.rsplit(".", 1)[-1].lower()[:_MAX_NAME]
    if _FLAG.fullmatch(last):
        return Truth(False)
    if _LINUX_FLAG.fullmatch(last):
        return Truth(True)
    return Truth(None)


def truth(value: Value) -> Truth:
    """Say whether a value counts as true on Linux with nothing set by the caller."""
    if isinstance(value, Const):
        return Truth(bool(value.value), not value.default)
    if isinstance(value, Unknown):
        return told_by_name(value.name) if value.name else Truth(None)
    if isinstance(value, Either):
        return _truth_of_either(value)
    if isinstance(value, Many):
        if any(not guard for guard, _ in value.items):
            return Truth(True)
        return Truth(None) if likely(value.items) or value.open else Truth(False, sure=not value.items)
    if isinstance(value, Table):
        return Truth(True) if value.entries else Truth(None if value.open else False)
    if isinstance(value, Span):
        return truth(fold(bool, value))
    return Truth(True if isinstance(value, Function | Class | Instance | Module) else None)


def _truth_of_either(value: Either) -> Truth:
    outcomes = {truth(inner).value for _, inner in value.options}
    if len(outcomes) == 1:
        return Truth(outcomes.pop())
    default = [truth(inner).value for guard, inner in value.options if not guard]
    return Truth(default[-1], sure=False) if default else Truth(None)

"""Compilers that a build script chooses, and what it has them link itself rather than by an extension."""

import ast
import re
from collections.abc import Iterable

from wheelbase.source.findings import Flag
from wheelbase.source.python_asked import Asked, Linked, Listener
from wheelbase.source.python_commands import find_in_command
from wheelbase.source.python_evaluator import Call
from wheelbase.source.python_values import Const, Table, Unknown, Value

_ENVIRONMENT = re.compile(r"(?:os\.)?environ(?:\.copy)?\.(?:__setitem__|setdefault|update)|os\.putenv|dict")
_COMPILER_VARIABLES = frozenset("CC CXX FC F77 F90 LD LDSHARED".split())
_LINK_VARIABLES = frozenset(("LDFLAGS", "LIBS"))
_COMMANDS = re.compile(r"(?:.*\.)?(?:compiler(_so)?(_cxx)?|linker_(exe|so(_cxx)?))\.__setitem__")
_LINKS = frozenset(("link_shared_object", "link_shared_lib", "link_executable"))


def _environment(asked: Asked, call: Call) -> Value | None:
    """What a script sets in the environment of the build."""
    if not _ENVIRONMENT.fullmatch(call.name):
        return None
    given = list(call.named.items())
    for one in call.arguments:
        given += [(str(name), value) for name, value in one.entries.items()] if isinstance(one, Table) else []
    if len(call.arguments) == 2 and isinstance(name := call.arguments[0], Const):
        given.append((str(name.value), call.arguments[1]))
    if call.name == "dict" and not any(isinstance(one, Unknown) and "environ" in one.name for one in call.arguments):
        return None
    _run(asked, call, (value for name, value in given if name in _COMPILER_VARIABLES))
    asked.found += [
        Linked(value, call.where, call.guard, 0.8, flags=True) for name, value in given if name in _LINK_VARIABLES
    ]
    return None


def _commands(asked: Asked, call: Call) -> Value | None:
    """The commands of the compiler that setuptools made: a script sets them, or one word of them."""
    if call.last in ("set_executable", "set_executables"):
        _run(asked, call, [*call.arguments[1::2], *call.named.values()])
    elif _COMMANDS.fullmatch(call.name) and len(call.arguments) == 2:
        index, command = call.arguments
        if isinstance(index, Const) and index.value == 0:
            _run(asked, call, [command])
    return None


def _run(asked: Asked, call: Call, commands: Iterable[Value]) -> None:
    for command in commands:
        found = find_in_command(command, call.where, call.guard, sure=True)
        asked.found += [item for item in found if not isinstance(item, Flag) and item.kind == "program"]


def _links(asked: Asked, call: Call) -> Value | None:
    """What a script has a compiler of distutils link: one that may fail is a trial."""
    tried = any(isinstance(condition.node, ast.Try) for condition in call.guard)
    if call.last in _LINKS and not call.followed and not tried:
        for name, value in call.named.items():
            if name in ("libraries", "extra_preargs", "extra_postargs"):
                asked.found.append(Linked(value, call.where, call.guard, 0.8, flags=name != "libraries"))
    return None


TOOLCHAIN_LISTENERS: tuple[Listener, ...] = (_environment, _commands, _links)

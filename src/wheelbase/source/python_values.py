"""The values that following a Python build script gives: what is known of each, and on which conditions."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from wheelbase.source.python_conditions import Guard, Request, both

_MAX_PARTS = 1_000  # of one value


@dataclass(frozen=True, slots=True)
class Const:
    """A value as Python has it. `default` says that the caller's environment or options may change it."""

    value: Any
    where: str = ""
    default: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """A value that lies between two, such as the version of Python."""

    low: Any
    high: Any


@dataclass(frozen=True, slots=True)
class Unknown:
    """A value that is not known. `name` is the dotted name that it has outside ("sys.path"), if any.

    `requests` are the places that its value tells the outcome of, and `text` is the word that was looked for, or a text
    of which parts are not known: HOLE stands for each.
    """

    name: str = ""
    requests: tuple[Request, ...] = ()
    text: Const | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Either:
    """One of several values, each on its own conditions. One without any is what happens by default."""

    options: "tuple[tuple[Guard, Value], ...]"


@dataclass(slots=True, eq=False)
class Many:
    """A list, tuple or set: shared and changed as the script does, each item on its own conditions."""

    items: "list[tuple[Guard, Value]]" = field(default_factory=list)
    open: bool = False  # there is more in it than is known


@dataclass(slots=True, eq=False)
class Table:
    """A dictionary. `born` is the guard under which it was made: what is set under the same replaces.

    One that `lists` is a `defaultdict(list)`.
    """

    entries: "dict[Any, Value]" = field(default_factory=dict)
    born: Guard = ()
    open: bool = False
    lists: bool = False


@dataclass(slots=True, eq=False)
class Scope:
    """Names and their values, within another scope. `path` is the file, `outer` the names that `global` sends away."""

    path: str
    names: "dict[str, Value]" = field(default_factory=dict)
    parent: "Scope | None" = None
    outer: set[str] = field(default_factory=set)

    def find(self, name: str) -> "Value | None":
        """Return the value of a name here or further out."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.parent
        return None

    def top(self) -> "Scope":
        """Return the scope of the module."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope


@dataclass(frozen=True, slots=True, eq=False)
class Function:
    """A function or lambda of the archive; `owner` is the object that a method was taken from."""

    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    owner: "Value | None" = None


@dataclass(frozen=True, slots=True, eq=False)
class Class:
    """A class of the archive. `bases` holds its bases as far as they are known."""

    node: ast.ClassDef
    scope: Scope
    bases: "tuple[Value, ...]" = ()


@dataclass(slots=True, eq=False)
class Instance:
    """An object: of a class of the archive, or of one that is known by its name only ("Extension")."""

    name: str
    kind: Class | None = None
    attributes: Table = field(default_factory=Table)


@dataclass(frozen=True, slots=True, eq=False)
class Module:
    """A module of the archive."""

    name: str
    scope: Scope


HOLE = "\ufffc"
_WORD = re.compile(r"\S+")
Value = Const | Span | Unknown | Either | Many | Table | Function | Class | Instance | Module
NOTHING = Unknown()


@dataclass(frozen=True, slots=True)
class Said:
    """A text, where it stands, and on which conditions it is used."""

    text: str
    where: str
    guard: Guard


def texts(value: Value | None, guard: Guard = ()) -> Iterator[Said]:
    """Yield every text in a value, in order, however deep in lists and alternatives; of dictionaries the values.

    A word that is not wholly known is "?".
    """
    for own, inner in leaves(value, guard):
        known = inner.text if isinstance(inner, Unknown) else inner
        if isinstance(known, Const) and isinstance(known.value, str):
            text = known.value
            if HOLE in text:
                text = _WORD.sub(lambda word: "?" if HOLE in word[0] else word[0], text)
            yield Said(text, known.where, own)


def requests_of(value: Value) -> tuple[Request, ...]:
    """Return the places whose outcome a value tells."""
    if not isinstance(value, Either | Many):
        return value.requests if isinstance(value, Unknown) else ()
    found = [inner.requests for _, inner in leaves(value, ()) if isinstance(inner, Unknown)]
    if isinstance(value, Either) and not all(found):
        return ()  # something else may make up for what is not there
    if isinstance(value, Either):  # which of several values it is, tells of what its conditions look for
        found += [condition.tells for guard, _ in value.options for condition in guard[-1:]]
    elif isinstance(value, Many):  # which may be a list of what is missing
        found += [condition.tells for guard, _ in value.items for condition in guard[-1:]]
    return tuple(dict.fromkeys(request for requests in found for request in requests))


def leaves(value: Value | None, guard: Guard) -> Iterator[tuple[Guard, Value]]:
    """Yield what is in a value and holds nothing itself. Bounded, as lists may hold one another many times."""
    left: list[tuple[Guard, Value]] = [(guard, value)] if value is not None else []
    for _ in range(_MAX_PARTS):
        if not left:
            return
        own, inner = left.pop()
        if isinstance(inner, Either | Many):
            options = inner.options if isinstance(inner, Either) else inner.items
            left += [(both(own, more), item) for more, item in reversed(options)]
        elif isinstance(inner, Table):
            left += [(own, item) for item in reversed(inner.entries.values())]
        else:
            yield own, inner


def likely(items: "list[tuple[Guard, Value]]") -> "list[tuple[Guard, Value]]":
    """Return the items of a list without those that are in it on unlikely conditions alone."""
    return [(guard, item) for guard, item in items if not any(condition.unlikely for condition in guard)]


def is_open(value: Value) -> bool:
    """Say whether a list has more in it than is known, or a list in it has."""
    left = [value]
    for _ in range(_MAX_PARTS):
        if not left:
            return False
        inner = left.pop()
        if isinstance(inner, Many):
            if inner.open:
                return True
            left += [item for _, item in inner.items]
        elif isinstance(inner, Either):
            left += [item for _, item in inner.options]
    return True


def either(*options: tuple[Guard, Value]) -> Value:
    """Return one of several values; alternatives within alternatives become one level, alike ones stay one."""
    flat: dict[tuple[Any, ...], tuple[Guard, Value]] = {}
    for guard, value in options:
        for own, inner in value.options if isinstance(value, Either) else (((), value),):
            key = (both(guard, own), _key(inner))
            flat.setdefault(key, (key[0], inner))
    if len({key[1] for key in flat}) == 1:
        return next(iter(flat.values()))[1]  # the same on all conditions
    return Either(tuple(flat.values())[:16])


def _key(value: Value) -> Any:
    if isinstance(value, Const) and isinstance(value.value, str | int | float | bool | None):
        return (type(value.value), value.value)
    return id(value)

"""Operations of Python on values that are partly known. Bounded: no text, list or number grows without end. Pure."""

import ast
import operator
import posixpath
import re
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

from wheelbase.source.python_conditions import Guard, Request, both
from wheelbase.source.python_values import HOLE, NOTHING, Const, Either, Many, Span, Unknown, Value, likely, requests_of

_MAX_TEXT = 1 << 16
_MAX_OPERAND = 2_000
_MAX_ITEMS = 256
_MAX_ALTERNATIVES = 8
_NUMBER = re.compile(r"%[\d.+-]*[dif]")
_WIDE = re.compile(r"\d{4}")  # a field as wide as that would make a text of any length

_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.eq,
    ast.IsNot: operator.ne,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
TEXT_METHODS = frozenset(
    "lower upper strip lstrip rstrip split rsplit splitlines startswith endswith partition rpartition removeprefix"
    " removesuffix replace format join isdigit isalpha casefold title capitalize find count".split()
)
_OF_HOLES = frozenset("strip lstrip rstrip split splitlines replace format join".split())


def fold(function: Callable[..., Any], *values: Value, where: str = "", holes: bool = False) -> Value:
    """Return what a pure function makes of values: for each alternative, and at both ends of a span.

    Unknown where a value is, or where the function fails; it keeps the places whose outcome the values tell, and with
    `holes` what is known of a text of several words.
    """
    requests = tuple(dict.fromkeys(request for value in values for request in requests_of(value)))
    if holes and len(values) > 1:
        values = (*values[:-1], _without_unknown_ending(values[-1], values[:-1]))
    alternatives = [_alternatives(value) for value in values]
    results = []
    for number, chosen in enumerate(product(*alternatives)):
        if number >= _MAX_ALTERNATIVES:
            break
        guard: Guard = ()
        for own, _ in chosen:
            guard = both(guard, own)
        given = [value for _, value in chosen]
        result = _apply(function, given, where, requests)
        if holes and isinstance(result, Unknown):
            result = _apply(function, [_holed(value) for value in given], where, requests)
            if isinstance(result, Const | Unknown):
                result = Unknown(requests=requests, text=result if isinstance(result, Const) else result.text)
        results.append((guard, result))
    return results[0][1] if len(results) == 1 and not results[0][0] else Either(tuple(results)) if results else NOTHING


def _holed(value: Value) -> Value:
    """Return a value with a hole for what is not known of it."""
    if isinstance(value, Unknown):
        return value.text or Const(HOLE)
    if isinstance(value, Many) and not value.open:
        items = value.items[:_MAX_ITEMS]  # of which a list may be the same one again
        return Many([(guard, item if isinstance(item, Many) else _holed(item)) for guard, item in items])
    return value


def _without_unknown_ending(value: Value, before: Iterable[Value]) -> Value:
    """Return no text for the end of a word that is either that or not known: the suffix of a library's name.

    Not where it tells of what was asked for, and not only looked for.
    """
    word = any(isinstance(part, Const) and part.value and " " not in str(part.value) for part in before)
    if not word or not isinstance(value, Either) or not all(request.probe for request in requests_of(value)):
        return value
    known = [option for _, option in value.options if isinstance(option, Const)]
    alike = bool(known) and all(option.value == "" for option in known)
    return Const("", known[0].where, default=True) if alike else value


def _alternatives(value: Value) -> list[tuple[Any, Value]]:
    if isinstance(value, Either):
        return list(value.options)
    return [((), value)]


def _apply(function: Callable[..., Any], values: list[Value], where: str, requests: tuple[Request, ...]) -> Value:
    results = []
    for end in ("low", "high") if any(isinstance(value, Span) for value in values) else ("",):
        known = [concrete(getattr(value, end) if isinstance(value, Span) else value) for value in values]
        if any(item is None for item in known):
            return Unknown(requests=requests)
        try:
            results.append(function(*(item[0] for item in known if item is not None)))
        except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError):
            return Unknown(requests=requests)
    default = any(item[1] for value in values if not isinstance(value, Span) and (item := concrete(value)))
    place = next((v.where for v in reversed(values) if isinstance(v, Const) and v.where and v.value), where)
    if len(results) == 2 and (type(results[0]) is not type(results[1]) or results[0] != results[1]):
        return Span(*results) if not isinstance(results[0], bool) else Unknown(requests=requests)
    return wrap(results[0], place, default)


def concrete(value: Any) -> tuple[Any, bool] | None:
    """Return a value as Python has it, and whether it is a default; None where it is not wholly known."""
    if isinstance(value, Const):
        return value.value, value.default
    if isinstance(value, Many):
        items = likely(value.items)
        if value.open or len(items) > _MAX_ITEMS or any(guard for guard, _ in items):
            return None
        known = [concrete(item) if isinstance(item, Const) else None for _, item in items]
        if any(item is None for item in known):
            return None
        default = len(items) < len(value.items) or any(item[1] for item in known if item)
        return tuple(item[0] for item in known if item), default
    return None if isinstance(value, _VALUES) else (value, False)


_VALUES = Value.__args__


def wrap(result: Any, where: str = "", default: bool = False) -> Value:
    """Return a value of what Python computed."""
    if isinstance(result, list | tuple):
        if len(result) > _MAX_ITEMS:
            return NOTHING
        return Many([((), wrap(item, where, default)) for item in result])
    if isinstance(result, str) and len(result) > _MAX_TEXT:
        return NOTHING
    if isinstance(result, str) and HOLE in result:
        known = any(HOLE not in word for word in result.split())
        return Unknown(text=Const(result, where, default)) if known else NOTHING
    if isinstance(result, int) and result.bit_length() > 64:
        return NOTHING
    return Const(result, where, default)


def compare(operation: ast.cmpop, left: Value, right: Value) -> Value:
    """Return what a comparison gives."""
    if isinstance(operation, ast.In | ast.NotIn) and isinstance(left, Const) and isinstance(right, Many):
        within = _within(left, right)
        if within is not None:
            return Const(within.value is isinstance(operation, ast.In), default=within.default)
    return fold(_COMPARISONS[type(operation)], left, right)


def _within(sought: Const, items: Many) -> Const | None:
    """Return whether a list has an item, where that is known although not all conditions are."""
    if items.open or not any(guard for guard, _ in items.items):
        return None
    alike: list[tuple[Guard, Value]] = []
    for guard, item in items.items:
        if not isinstance(item, Const):
            return None
        alike += [(guard, item)] if item.value == sought.value else []
    kept = likely(alike)
    if kept and all(guard for guard, _ in kept):
        return None
    return Const(bool(kept), default=True)


def combine(operation: ast.operator, left: Value, right: Value, where: str) -> Value:
    """Return the sum, difference or filled-in template of two values that are no lists."""
    if isinstance(operation, ast.Add):
        return fold(_add, left, right, where=where, holes=True)
    if isinstance(operation, ast.Sub):
        return fold(operator.sub, left, right, where=where)
    if isinstance(operation, ast.Mod):
        return fold(_fill, left, right, where=where, holes=True)
    if isinstance(operation, ast.Div):
        return fold(posixpath.join, left, right)
    return Unknown(requests=requests_of(left) + requests_of(right))


def _add(left: Any, right: Any) -> Any:
    if isinstance(left, str) and len(left) + len(right) > _MAX_TEXT:
        raise ValueError
    return left + right


def _fill(template: Any, values: Any) -> Any:
    if not isinstance(template, str) or len(template) > _MAX_OPERAND or _WIDE.search(template) or "*" in template:
        raise ValueError
    if HOLE in str(values):
        template = _NUMBER.sub("%s", template)
    return template % values


def relative(path: str, start: str = ".") -> str:
    """Return a path as seen from a folder that it is in, both as an archive has them."""
    plain, folder = posixpath.normpath(path), posixpath.normpath(start or ".")
    if folder != "." and not f"{plain}/".startswith(f"{folder}/"):
        raise ValueError
    return plain if folder == "." else plain[len(folder) + 1 :] or "."


def text_method(name: str, text: Value, arguments: list[Value], named: dict[str, Value], where: str) -> Value:
    """Return what a method of a text gives; unknown for those that are not followed."""
    if name in ("encode", "decode", "__str__", "as_posix", "resolve", "absolute", "strip") and not arguments:
        return text
    if name in ("joinpath", "relative_to"):
        return fold(posixpath.join if name == "joinpath" else relative, text, *arguments, where=where)
    if name not in TEXT_METHODS:
        return Unknown(requests=requests_of(text))
    names = tuple(named)

    def call(subject: Any, *values: Any) -> Any:
        if not isinstance(subject, str):
            raise TypeError
        small = len(subject) <= _MAX_OPERAND and all(not isinstance(v, str) or len(v) <= _MAX_OPERAND for v in values)
        if name in ("replace", "format", "join") and (not small or _WIDE.search(subject)):
            raise ValueError
        positional = values[: len(values) - len(names)]
        keywords = dict(zip(names, values[len(positional) :], strict=True))
        if name == "format" and not all(isinstance(v, str | int) for v in values):
            raise TypeError
        return getattr(subject, name)(*positional, **keywords)

    return fold(call, text, *arguments, *named.values(), where=where, holes=name in _OF_HOLES)

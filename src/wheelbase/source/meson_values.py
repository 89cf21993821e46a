"""The values of Meson's language, and what operations on them come to; UNKNOWN where that is not known. Pure."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from wheelbase.source.lookups import UNKNOWN, Maybe, Truth, both, either, negated

MAX_STRING = 4_000
MAX_ITEMS = 500  # of a list
_MAX_PLACES = 50


class Feature(msgspec.Struct, frozen=True):
    """The value of a feature option: "enabled", "disabled" or "auto"."""

    state: str


class Sought(msgspec.Struct, frozen=True):
    """A dependency, library or program, with its places; `found` is None where the system decides.

    What is built with one that `disables` is left out where that is not found; `links` are the places of what is linked
    with what uses it.
    """

    places: tuple[int, ...] = ()
    found: bool | None = None
    disables: bool = False
    links: tuple[int, ...] = ()


class Thing(msgspec.Struct, frozen=True):
    """One of Meson's objects that decide nothing but by their methods."""

    name: str


class Some(tuple[Any, ...]):
    """A list that may have these items: which, is not known."""

    __slots__ = ()


def option_of(keywords: Mapping[str, Any]) -> Any:
    """Return the default of an option, as Meson has it for each type."""
    value, kind, choices = keywords.get("value"), keywords.get("type"), keywords.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else UNKNOWN
    match kind:
        case "feature":
            return Feature(value if isinstance(value, str) else "auto")
        case "boolean":
            return as_type(value, True) if isinstance(value, str) else True if value is None else value
        case "array":
            return value if isinstance(value, list) else choices if isinstance(choices, list) else []
        case "combo":
            return first if value is None else value
        case "string":
            return "" if value is None else value
    return UNKNOWN if value is None else value


def as_type(text: str, like: Any) -> Any:
    """Return an option's value as it is given on the command line, in the type of its default."""
    if isinstance(like, bool):
        return text.lower() == "true"
    if isinstance(like, Feature):
        return Feature(text)
    if isinstance(like, list):
        return [part.strip(" '\"") for part in text.strip("[]").split(",") if part.strip()]
    return int(text) if isinstance(like, int) and text.isdecimal() and len(text) < 10 else text


def is_required(keywords: Mapping[str, Any]) -> bool | None:
    """Return whether something has to be found; None where it is not looked for at all."""
    value = keywords.get("required", True)
    if isinstance(value, Feature):
        return {"enabled": True, "disabled": None}.get(value.state, False)
    return truth_of(value) is True


def places_that_spare(keywords: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the places of which one has to be found where something is not, as in `required: not other.found()`."""
    value = keywords.get("required")
    return value.absent_if_true if isinstance(value, Maybe) else ()


def truth_of(value: Any) -> Truth:
    """Return a value as a condition."""
    return value if isinstance(value, bool | Maybe) else UNKNOWN


def of_sought(sought: Sought, name: str) -> Any:
    """Return what a method of something looked for gives."""
    if name == "found":
        return sought.found if sought.found is not None else Maybe((), sought.places[:1])
    return sought if name in ("as_system", "partial_dependency", "as_link_whole", "as_static", "as_shared") else UNKNOWN


def of_feature(feature: Feature, name: str, tests: list[Truth]) -> Any:
    """Return what a method of a feature option gives."""
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


def of_string(owner: str, name: str, arguments: list[Any]) -> Any:
    """Return what a method of a string gives."""
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
            return owner.split(text)[:MAX_ITEMS]
        case "split", None:
            return owner.split()
        case "format", _:
            return _formatted(owner, arguments)
        case "replace", str(text) if text and len(arguments) > 1 and isinstance(arguments[1], str):
            return owner.replace(text, arguments[1])[:MAX_STRING]
        case "underscorify", _:
            return re.sub(r"[^A-Za-z0-9]", "_", owner)
        case "to_int", _ if owner.isdecimal() and len(owner) < 10:
            return int(owner)
    return UNKNOWN


def _formatted(template: str, arguments: list[Any]) -> Any:
    """Return a text with its @0@ filled in, UNKNOWN where one of them is not known."""
    known = {str(number): str(item) for number, item in enumerate(arguments) if isinstance(item, str | int)}
    if any(number not in known for number in re.findall(r"@(\d+)@", template)):
        return UNKNOWN
    return re.sub(r"@(\d+)@", lambda found: known[found[1]], template)[:MAX_STRING]


def of_dict(owner: dict[str, Any], name: str, arguments: list[Any]) -> Any:
    """Return what a method of a dictionary gives."""
    if name == "keys":
        return list(owner)
    key = arguments[0] if arguments and isinstance(arguments[0], str) else None
    if name == "has_key":
        return key in owner if key is not None else UNKNOWN
    return owner.get(key, arguments[1] if len(arguments) > 1 else UNKNOWN) if key is not None else UNKNOWN


def compared(operator: str, left: Any, right: Any) -> Any:
    """Return what a comparison comes to: `==`, `<`, `in` and their like."""
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


def added(operator: str, left: Any, right: Any) -> Any:
    """Return the sum of strings or lists, and a path joined with `/`; other arithmetic decides nothing."""
    if isinstance(left, str) and isinstance(right, str) and operator in "+/" and len(left) + len(right) < MAX_STRING:
        return left + right if operator == "+" else f"{left}/{right}"
    if operator != "+":
        return UNKNOWN
    if isinstance(left, Some):
        return Some([*left, *(right if isinstance(right, list) else [right])][:MAX_ITEMS])
    if isinstance(left, list):
        items = [*left, *(right if isinstance(right, list) else [right])]
        return Some(items[:MAX_ITEMS]) if isinstance(right, Maybe | Some) or len(items) > MAX_ITEMS else items
    if isinstance(left, int) and isinstance(right, int) and abs(left) + abs(right) < 1 << 60:
        return left + right
    return UNKNOWN


def merged(one: dict[str, Any], other: dict[str, Any], test: Maybe = UNKNOWN) -> dict[str, Any]:
    """Return variables of which either may be true: dependencies are alternatives, lists may have what either has.

    `test` is the condition on which it is the one.
    """
    result = {}
    for name in one.keys() | other.keys():
        left, right = one.get(name, other.get(name)), other.get(name, one.get(name))
        if left is right:
            result[name] = left
        elif isinstance(left, Sought) and isinstance(right, Sought):
            places = tuple(sorted({*left.places, *right.places}))[:_MAX_PLACES]  # in the order of looking
            result[name] = Sought(places, left.found if left.found is right.found else None)
        elif isinstance(left, list) and isinstance(right, list) and _are_sought(left) and _are_sought(right):
            result[name] = [merged({"": one}, {"": two}, test)[""] for one, two in zip(left, right, strict=False)]
        elif isinstance(left, list | Some) and isinstance(right, list | Some):
            same = type(left) is type(right) is list and left == right
            result[name] = left if same else _united(left, right)
        elif isinstance(left, bool) and isinstance(right, bool):
            result[name] = test if left else negated(test)
        elif isinstance(left, bool) and isinstance(right, Maybe):  # what was set before goes first
            result[name] = either(right, test) if left else both(right, negated(test))
        else:
            result[name] = left if type(left) is type(right) and left == right else UNKNOWN
    return result


def _are_sought(items: list[Any]) -> bool:
    return bool(items) and all(isinstance(item, Sought) for item in items)


def _united(left: Iterable[Any], right: Iterable[Any]) -> Some:
    """Return what either list has, those of the longer first, as they stand in the order of looking."""
    one, other = sorted((list(left), list(right)), key=len, reverse=True)
    return Some({repr(item): item for item in [*one[:100], *other[:100]] if isinstance(item, str | int)}.values())


def flat(items: Iterable[Any]) -> list[Any]:
    """Return a list without lists in it: where Meson takes several values, it takes lists of them too."""
    return [part for item in items for part in (flat(item) if isinstance(item, list) else [item])][:MAX_ITEMS]

"""The conditions of CMake's `if()`: what they come to on Linux, as far as that is known. Pure."""

import re
from collections.abc import Iterable
from typing import Protocol

from wheelbase.source.cmake_reader import Argument
from wheelbase.source.lookups import UNKNOWN, Truth, both, either, negated

_MAX_DEPTH = 40
_COMPARISONS = re.compile(r"(VERSION_)?(LESS|GREATER|EQUAL|LESS_EQUAL|GREATER_EQUAL)$")
_UNARY = tuple("DEFINED TARGET EXISTS COMMAND POLICY IS_DIRECTORY IS_ABSOLUTE IS_SYMLINK".split())
_BINARY = frozenset("STREQUAL MATCHES IN_LIST PATH_EQUAL STRLESS STRGREATER".split())


class Values(Protocol):
    """What conditions ask for."""

    def truth(self, argument: Argument) -> Truth:
        """Return what a constant or variable comes to."""

    def operand(self, argument: Argument) -> str | None:
        """Return one side of a comparison, None where it is not known."""

    def has(self, word: str, argument: Argument) -> Truth:
        """Return what DEFINED, TARGET, EXISTS and their like come to."""


class Condition:
    """One condition, read by precedence: parentheses, tests, NOT, AND, OR."""

    def __init__(self, values: Values, arguments: Iterable[Argument]) -> None:
        """`arguments` are those of `if()`."""
        self.values, self.left = values, list(arguments)[::-1]

    def result(self) -> Truth:
        """Return what it comes to, UNKNOWN where it cannot be read."""
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
            value = either(value, self._and(depth))
        return value

    def _and(self, depth: int) -> Truth:
        value = self._negation(depth)
        while self._takes("AND"):
            value = both(value, self._negation(depth))
        return value

    def _negation(self, depth: int) -> Truth:
        even = True
        while self._takes("NOT"):
            even = not even
        value = self._test(depth)
        return value if even else negated(value)

    def _test(self, depth: int) -> Truth:
        if self._takes("("):
            value = self._or(depth + 1)
            self._takes(")")
            return value
        if not self.left:
            return UNKNOWN
        if word := self._takes(*_UNARY):
            return self.values.has(word, self.left.pop()) if self.left else UNKNOWN
        first = self.left.pop()
        operator = self._next()
        if operator is None or operator.quoted or len(self.left) < 2 or operator.text in (")", "AND", "OR"):
            return self.values.truth(first)
        if operator.text.upper() not in _BINARY and not _COMPARISONS.match(operator.text.upper()):
            return self.values.truth(first)
        self.left.pop()
        second = self.left.pop()
        if second.text.endswith("NOTFOUND"):  # which is what a find_ command sets that finds nothing
            return negated(self.values.truth(Argument(first.text.strip("${}"))))
        return _compared(operator.text.upper(), self.values.operand(first), self.values.operand(second))


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

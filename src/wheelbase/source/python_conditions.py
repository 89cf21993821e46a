"""On which conditions a build script does something, and what it asks for on them. Pure."""

import ast
from dataclasses import dataclass
from functools import cached_property

from wheelbase.system.names import Kind

_MAX_CONDITION = 80  # characters


@dataclass(frozen=True, eq=False)
class Condition:
    """A test whose outcome is not known here, as it stands in the script. `holds` is the outcome that is meant.

    One test is one object for each outcome: see `Conditions`. One is `unlikely` that only the caller's environment or
    options bring about.
    """

    node: ast.AST
    holds: bool = True
    tells: "tuple[Request, ...]" = ()
    unlikely: bool = False

    def __str__(self) -> str:
        """Return it as one short line."""
        return self.text

    @cached_property
    def text(self) -> str:
        """The test as one short line."""
        if isinstance(self.node, ast.Try):
            caught = [ast.unparse(handler.type) for handler in self.node.handlers if handler.type is not None]
            text = f"unless {', '.join(caught) or 'it fails'}"
        elif isinstance(self.node, ast.ExceptHandler):
            text = f"on {ast.unparse(self.node.type) if self.node.type else 'failure'}"
        elif isinstance(self.node, ast.FunctionDef | ast.AsyncFunctionDef):
            text = f"{self.node.name}() is called"
        elif self.holds:
            text = ast.unparse(self.node)
        else:
            text = _opposite(self.node)
        text = " ".join(text.split())
        return text if len(text) <= _MAX_CONDITION else text[: _MAX_CONDITION - 3] + "..."


def _opposite(node: ast.AST) -> str:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return ast.unparse(node.operand)
    text = ast.unparse(node)
    return f"not {text}" if isinstance(node, ast.Name | ast.Attribute | ast.Call) else f"not ({text})"


Guard = tuple[Condition, ...]
"""All conditions that something stands behind; none where it always happens."""


def both(first: Guard, second: Guard) -> Guard:
    """Return the conditions of either, each once."""
    if not second or first is second:
        return first
    if not first:
        return second
    more = tuple(condition for condition in second if condition not in first)
    return first + more if more else first


class Conditions:
    """The tests of scripts, each one object for each outcome of what it tells, told apart by identity."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[tuple[ast.AST, bool, tuple[str, ...]], Condition] = {}

    def of(
        self, node: ast.AST, holds: bool = True, tells: "tuple[Request, ...]" = (), *, unlikely: bool = False
    ) -> Condition:
        """Return the condition that a test has this outcome, which `tells` whether something is there."""
        key = node, holds, tuple(request.name for request in tells)  # a loop may test one thing after the other
        return self._known.setdefault(key, Condition(node, holds, tells, unlikely))


@dataclass(slots=True, eq=False)
class Request:
    """One place that asks for something. A `probe` looks whether it is there; it is `demanded` where it must be.

    A program that is `started` without a shell raises OSError where it is not there, however it would have ended.

    `instead_of` is the kind and name of what is tried first, where this is an alternative.
    """

    kind: Kind
    name: str
    where: str
    guard: Guard
    weight: float
    probe: bool = False
    demanded: bool = False
    instead_of: str = ""
    started: bool = False


def first_of(requests: tuple[Request, ...]) -> tuple[Request, ...]:
    """Return the requests for what the first is for, where any of them does."""
    return tuple(request for request in requests if request.name == requests[0].name)

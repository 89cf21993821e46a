"""What following a script keeps track of: names, conditions, steps; and whom it tells of what it meets."""

import ast
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from wheelbase.source.python_conditions import Condition, Conditions, Guard, Request, both
from wheelbase.source.python_platform import Truth
from wheelbase.source.python_values import Const, Function, Many, Scope, Value

MAX_STEPS = 300_000  # some three seconds: the longest setup.py that are known take nearly as many


class Exhausted(Exception):
    """The script takes more steps than are granted."""


class Flow(Enum):
    """How a block ends: it goes on, leaves the function, leaves the turn or the loop, or fails."""

    NEXT = 0
    RETURN = 1
    CONTINUE = 2
    BREAK = 3
    FAIL = 4


class Stopped(Exception):
    """A call that never returns."""


@dataclass(slots=True)
class Call:
    """A call, with all that is known of it. `name` is dotted, as written where the object is not known."""

    name: str
    arguments: list[Value]
    named: dict[str, Value]
    where: str
    guard: Guard
    followed: bool = False  # its function is of the archive, and was followed
    before: int = 0  # how much had been found when it began
    node: ast.Call | None = None
    owner: Value | None = None
    last: str = field(init=False)  # the last part of its name

    def __post_init__(self) -> None:
        """Find the last part of the name, which is asked for again and again."""
        self.last = self.name.rpartition(".")[2]


class Watcher(Protocol):
    """What is told of all that a script does, and keeps what it asks for."""

    def constant(self, text: str, where: str, guard: Guard) -> None:
        """Hear of a text in live code."""

    def assigned(self, name: str, value: Value, where: str, guard: Guard, *, variable: bool = False) -> None:
        """Hear of a `variable`, attribute or key that is set."""

    def replaced(self, value: Value, guard: Guard) -> None:
        """Hear that a variable is set again, whose value nothing asked for."""

    def size(self) -> int:
        """Return how much was found."""

    def narrow(self, start: int, end: int, condition: Condition, *, ends: bool) -> None:
        """Put what was found between two moments on a condition; where it is about how programs end, not starting."""

    def failing(self, start: int, end: int) -> tuple[Request, ...]:
        """Return what was asked for between two moments in a way that fails where it is not there."""

    def demand(self, start: int) -> None:
        """Make all probes since `start` ones that may not fail."""

    def lacks(self, module: str, where: str) -> None:
        """Hear of a module that is imported, and that nothing brings."""

    def called(self, call: Call) -> Value | None:
        """Hear of a call; return what it gives, where that is not what following it gave."""


Loader = Callable[[str, int, str], Scope | None]
Answerer = Callable[[Call], Value | None]


class Evaluator:
    """Where a script is followed now, and on which conditions; what its parts are made of is told by subclasses."""

    def __init__(self, watcher: Watcher) -> None:
        """`watcher` is told of what is met."""
        self.watcher = watcher
        self.steps = MAX_STEPS
        self.scope = Scope("")
        self.conditions = Conditions()
        self.guards: Guard = ()
        self.gone: list[Condition] = []
        self.tries = 0  # that surround the statement
        self.used: dict[int, Value] = {}  # the lists that were asked for by a name, by their ids
        self.lacking: list[str] = []  # modules that a `try` imports, and that nothing brings
        # As pip has setup.py build a wheel; others may be given.
        self.argv = Many([((), Const("setup.py")), ((), Const("bdist_wheel", default=True))])

    @property
    def guard(self) -> Guard:
        """The conditions here, with those on which the function or loop was not left before."""
        return both(self.guards, tuple(self.gone))

    def where(self, node: ast.AST) -> str:
        """Return where a node stands, as "path:line"."""
        return f"{self.scope.path}:{getattr(node, 'lineno', 1)}"

    @contextmanager
    def under(self, *conditions: Condition) -> Iterator[None]:
        """Evaluate on further conditions."""
        before = self.guards
        self.guards = both(before, conditions)
        try:
            yield
        finally:
            self.guards = before

    def step(self) -> None:
        """Count a step. Raises Exhausted where there are too many."""
        self.steps -= 1
        if self.steps < 0:
            raise Exhausted

    def evaluate(self, node: ast.AST) -> Value:
        """Return the value of an expression."""
        raise NotImplementedError

    def decide(self, node: ast.AST) -> tuple[Truth, tuple[Request, ...]]:
        """Return whether a test holds, and the places whose outcome it tells."""
        raise NotImplementedError

    def assign(self, target: ast.AST, value: Value) -> None:
        """Set a name, an attribute, a key, or several at once."""
        raise NotImplementedError

    def call(self, node: ast.Call) -> Value:
        """Return what a call gives."""
        raise NotImplementedError

    def invoke(self, function: Function, arguments: list[Value], named: dict[str, Value]) -> Value:
        """Return what a function of the archive gives."""
        raise NotImplementedError

"""What a build script tries, and how it goes on where that fails."""

import ast
from collections.abc import Container
from itertools import islice
from typing import Any

from wheelbase.source.python_calls import Calls
from wheelbase.source.python_conditions import Condition, Guard, both
from wheelbase.source.python_evaluator import Flow, Watcher
from wheelbase.source.python_methods import join
from wheelbase.source.python_values import Const, Instance, Many, Table, Unknown, Value, either

_MAX_TABLES = 50  # of one `try`, and entries of one
_INTERNAL = frozenset(
    "ImportError ModuleNotFoundError KeyError AttributeError IndexError TypeError NameError UnicodeDecodeError"
    " UnicodeError KeyboardInterrupt StopIteration PackageNotFoundError DistributionNotFound".split()
)
_OF_IMPORTS = frozenset("ImportError ModuleNotFoundError Exception BaseException".split())
_OF_SYSTEM = frozenset("OSError IOError EnvironmentError FileNotFoundError PermissionError".split())
_OF_ENDS = frozenset("CalledProcessError SubprocessError TimeoutExpired".split())

_Returned = list[tuple[Guard, Value]]


class _Tried:
    """What a script has done within the body of a `try`."""

    def __init__(self, names: dict[str, Value], watcher: Watcher, returned: _Returned) -> None:
        """`names` are those before it; what the function around it has `returned` grows."""
        self.names, self._watcher, self._returned = dict(names), watcher, returned
        self.start, self._first = watcher.size(), len(returned)
        lists = [value for value in names.values() if isinstance(value, Many)]
        self._grown = [(value, len(value.items), 0) for value in lists]
        kept = islice(filter(None, map(_table_of, names.values())), _MAX_TABLES)
        self._tables: list[tuple[Table, dict[Any, Value]]] = [
            (table, dict(table.entries)) for table in kept if len(table.entries) <= _MAX_TABLES
        ]

    def end(self) -> None:
        """Note that the body ends here."""
        self.found, self._last = self._watcher.size(), len(self._returned)
        self._grown = [(value, start, len(value.items)) for value, start, _ in self._grown]

    def doubt(self, condition: Condition, *, ends: bool) -> None:
        """Put on a condition what was asked for, listed, and returned as the outcome; see `Watcher.narrow`."""
        self._watcher.narrow(self.start, self.found, condition, ends=ends)
        for number in range(self._first, self._last):  # "return True": whether it gets there is what is asked
            own, value = self._returned[number]
            if isinstance(value, Const) and value.value is True:
                self._returned[number] = (both(own, (condition,)), value)
        for value, start, end in self._grown:
            value.items[start:end] = [(both(guard, (condition,)), item) for guard, item in value.items[start:end]]

    def keep_old(self, guard: Guard) -> None:
        """Put what dictionaries and objects had before beside what it set, on the condition that it fails."""
        for table, before in self._tables:
            for key, old in before.items():
                if (new := table.entries.get(key, old)) is not old:
                    table.entries[key] = either(((), new), (guard, old))


class Tries(Calls):
    """Follows what may be taken of handlers."""

    def _have(self, names: dict[str, Value]) -> None:
        """Have these names, and no others, from here on."""
        self.scope.names.clear()
        self.scope.names.update(names)

    def _try(self, node: ast.Try) -> Flow:
        tried, lacking = _Tried(self.scope.names, self.watcher, self.frames[-1].returned), len(self.lacking)
        flow = self._body(node, lacking)
        tried.end()
        after = dict(self.scope.names)
        branches: list[tuple[Guard, dict[str, Value]]] = [((), after)] if flow is Flow.NEXT else []
        falls_back, sets_up = False, any(map(_is_setup, node.body))
        for handler in node.handlers:
            tells = self.watcher.failing(tried.start, tried.found)
            guard = (self.conditions.of(handler, tells=tells),) if flow is not Flow.FAIL else ()
            outcome = self._handle(handler, guard, tried.names)
            if outcome is Flow.FAIL and _catches_imports(handler) and not (self.guard or self.tries):
                for module in self.lacking[lacking:]:
                    self.watcher.lacks(module, self.where(handler))
            if outcome is not Flow.FAIL and not _is_internal(handler) and not (sets_up and _is_of_system(handler)):
                falls_back = True
            if outcome is Flow.NEXT:
                branches.append((guard, dict(self.scope.names)))
                if flow not in (Flow.NEXT, Flow.FAIL):
                    self.gone += guard
            elif flow is Flow.FAIL and outcome is not Flow.FAIL:
                flow = outcome
            elif outcome is Flow.RETURN and flow is Flow.NEXT and not _is_internal(handler):
                self.gone.append(self.conditions.of(node))  # what follows is reached where nothing fails
        if falls_back:
            of_ends = all(_catches_only(handler, _OF_ENDS) for handler in node.handlers)
            tried.doubt(self.conditions.of(node), ends=of_ends)
            if flow is Flow.RETURN:
                self.frames[-1].hopes += self.watcher.failing(tried.start, tried.found)
        if flow is Flow.NEXT and len(branches) > 1:
            tried.keep_old(branches[-1][0])
        self._have(join(tried.names, *branches) if branches else after)
        last = self.block(node.finalbody)
        if last is not Flow.NEXT:
            return last
        return Flow.NEXT if branches else flow

    def _body(self, node: ast.Try, lacking: int) -> Flow:
        """Follow the body, and what is done where it comes to its end."""
        self.tries += 1
        flow = self.block(node.body)
        self.tries -= 1
        if flow is Flow.NEXT:
            # Where it imports what is not there, this is not reached, and what setup() asks for brings nothing more.
            lacks = len(self.lacking) > lacking
            self.tries += lacks
            flow = self.block(node.orelse)
            self.tries -= lacks
        return flow

    def _handle(self, handler: ast.ExceptHandler, guard: Guard, before: dict[str, Value]) -> Flow:
        self.scope.names.update(before)
        if handler.name:
            self.scope.names[handler.name] = Unknown(handler.name)
        with self.under(*guard):
            return self.block(handler.body)


def _table_of(value: Value) -> Table | None:
    return value.attributes if isinstance(value, Instance) else value if isinstance(value, Table) else None


def _is_internal(handler: ast.ExceptHandler) -> bool:
    return _catches_only(handler, _INTERNAL)


def _catches_imports(handler: ast.ExceptHandler) -> bool:
    return handler.type is None or _catches_only(handler, _OF_IMPORTS)


def _is_of_system(handler: ast.ExceptHandler) -> bool:
    """Say whether a handler is for errors that setup() never raises: it ends with SystemExit in place of them."""
    return _catches_only(handler, _OF_SYSTEM)


def _catches_only(handler: ast.ExceptHandler, names: Container[str]) -> bool:
    if handler.type is None:
        return False
    kinds = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(ast.unparse(kind).rsplit(".", 1)[-1] in names for kind in kinds)


def _is_setup(statement: ast.stmt) -> bool:
    """Say whether a statement is a call of setup()."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and ast.unparse(statement.value.func) in ("setup", "setuptools.setup", "distutils.core.setup")
    )

"""Tests, loops and handlers of a build script: which are live on Linux, and on which conditions."""

import ast
import re
from collections.abc import Container, Sequence
from itertools import islice
from typing import Any

from wheelbase.source.python_calls import Calls
from wheelbase.source.python_conditions import Guard, Request, both
from wheelbase.source.python_evaluator import Answerer, Flow, Watcher
from wheelbase.source.python_methods import join
from wheelbase.source.python_platform import Truth, truth
from wheelbase.source.python_values import Const, Instance, Many, Table, Unknown, Value, either

_MAX_TABLES = 50  # of one `try`, and entries of one
_INTERNAL = frozenset(
    "ImportError ModuleNotFoundError KeyError AttributeError IndexError TypeError NameError UnicodeDecodeError"
    " UnicodeError KeyboardInterrupt StopIteration PackageNotFoundError DistributionNotFound".split()
)
_ENVIRONMENT = re.compile(r"\b(?:environ|getenv)\b")
_OUTCOME = re.compile(r"\breturncode\b|[!=]= 0$")
_OF_IMPORTS = frozenset("ImportError ModuleNotFoundError Exception BaseException".split())
_OF_SYSTEM = frozenset("OSError IOError EnvironmentError FileNotFoundError PermissionError".split())
_OF_ENDS = frozenset("CalledProcessError SubprocessError TimeoutExpired".split())


class Branches(Calls):
    """Follows what may be taken of tests, loops and handlers, and puts together what is known after them."""

    def __init__(self, watcher: Watcher, answer: Answerer, required: set[str]) -> None:
        """`required` are names of features that may not be missing."""
        super().__init__(watcher, answer)
        self.required = required

    def _if(self, node: ast.If) -> Flow:
        found, requests = self.decide(node.test)
        if found.value is not False and self._is_required(node.test):
            return self._demanding(node.body)
        return self.branch(node.test, found, requests, node.body, node.orelse)

    def _is_required(self, test: ast.expr) -> bool:
        return bool(self.required) and any(
            isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value in self.required
            for part in ast.walk(test)
        )

    def _demanding(self, body: list[ast.stmt]) -> Flow:
        start = self.watcher.size()
        flow = self.block(body)
        self.watcher.demand(start)
        return flow if flow is Flow.FAIL else Flow.NEXT

    def _have(self, names: dict[str, Value]) -> None:
        """Have these names, and no others, from here on."""
        self.scope.names.clear()
        self.scope.names.update(names)

    def branch(
        self,
        test: ast.AST,
        found: Truth,
        requests: tuple[Request, ...],
        body: Sequence[ast.stmt],
        otherwise: Sequence[ast.stmt],
    ) -> Flow:
        """Follow the branches that may be taken, and put together what is known after them."""
        if found.value is not None and found.sure:
            return self.block(body if found.value else otherwise)
        before = dict(self.scope.names)
        ends: list[tuple[bool, Flow, Guard, dict[str, Value]]] = []
        for holds, statements in ((True, body), (False, otherwise)):
            unlikely = found.value is (not holds)
            guard = () if found.value is holds else (self.conditions.of(test, holds, requests, unlikely=unlikely),)
            self._have(before)
            left, self.frames[-1].ends = len(self.gone), False
            with self.under(*guard):
                flow = self.block(statements)
            if not holds and self.frames[-1].ends and len(statements) == 1 and isinstance(statements[0], ast.If):
                for request in requests:  # of several ways, of which none but the first has to be there
                    self.demand(request)
            if found.value is (not holds):
                del self.gone[left:]  # by default this branch is not taken, so nothing is left in it
            ends.append((holds, flow, guard, dict(self.scope.names)))
        return self._after(test, ends, requests, before)

    def _after(
        self,
        test: ast.AST,
        ends: list[tuple[bool, Flow, Guard, dict[str, Value]]],
        requests: tuple[Request, ...],
        before: dict[str, Value],
    ) -> Flow:
        staying = [(guard, names) for _, flow, guard, names in ends if flow is Flow.NEXT]
        if len(staying) == 1:
            staying = [((), staying[0][1])]
        names = join(before, *staying)
        self._have(names)
        flows = [flow for _, flow, _, _ in ends]
        # Where only a variable of the environment makes it fail, it does not by default.
        usual = [flow for _, flow, guard, _ in ends if not guard] if _ENVIRONMENT.search(ast.unparse(test)) else []
        self.frames[-1].ends |= Flow.FAIL in (usual or flows)
        if Flow.FAIL in (usual or flows) and flows != [Flow.FAIL, Flow.FAIL]:
            others = {request.name for request in self.frames[-1].hopes} - {request.name for request in requests}
            for request in requests if not others else ():
                self.demand(request)
        elif Flow.FAIL not in flows and requests and _OUTCOME.search(ast.unparse(test)):
            for request in requests:  # how pkg-config ended is looked at, and either is well
                request.probe = request.probe or request.kind == "pkg-config"
        for holds, flow, guard, left in ends:
            default_stays = guard and not all(guards for _, _, guards, _ in ends)
            if flow is Flow.RETURN:
                self.frames[-1].hopes += requests
            elif flow is Flow.BREAK:
                self.frames[-1].breaks += requests
                self.frames[-1].exits += [] if guard else [(guard, left)]
            if flow in (Flow.RETURN, Flow.CONTINUE, Flow.BREAK) and Flow.NEXT in flows and not default_stays:
                self.gone.append(self.conditions.of(test, not holds))
        if Flow.NEXT in flows:
            return Flow.NEXT
        return next((flow for flow in flows if flow is not Flow.FAIL), Flow.FAIL)

    def _loop(self, node: ast.For | ast.AsyncFor) -> Flow:
        value = self.evaluate(node.iter)
        outer, frame = len(self.gone), self.frames[-1]
        breaks, exits, frame.breaks, frame.exits = frame.breaks, frame.exits, [], []
        by_default = isinstance(value, Unknown) and value.name.startswith("os.environ")
        for guard, item in self.turns(value):
            self.assign(node.target, item)
            before, left = dict(self.scope.names), len(self.gone)
            with self.under(*guard, *((self.conditions.of(node.iter, unlikely=True),) if by_default else ())):
                flow = self.block(node.body)
            if skipped := tuple(self.gone[left:]):  # the turn may have ended before it set what it sets
                after = join(before, ((), before), (skipped, dict(self.scope.names)))
                self._have(after)
                guard = both(guard, skipped)
            if flow in (Flow.RETURN, Flow.FAIL) and not guard and not isinstance(value, Unknown):
                return flow
            if flow is Flow.BREAK and not guard:
                break
        del self.gone[outer:]
        if frame.exits:  # by default, so that what is set after it is not
            after = join({}, ((self.conditions.of(node.iter),), dict(self.scope.names)), *frame.exits)
            self._have(after)
        hopes, frame.breaks, frame.exits = frame.breaks, breaks, exits
        if not any(isinstance(part, ast.Break) for part in ast.walk(node)):
            return self.block(node.orelse)
        if hopes:
            self._without_break(node, hopes)
        return Flow.NEXT

    def _without_break(self, node: ast.For | ast.AsyncFor, hopes: list[Request]) -> None:
        """Follow what is done where nothing is found that ends a loop: one of it is needed where that fails."""
        before = dict(self.scope.names)
        with self.under(self.conditions.of(node.iter)):
            flow = self.block(node.orelse)
        self._have(before)
        if flow is Flow.FAIL:
            self.demand_any(hopes)

    def _while(self, node: ast.While) -> Flow:
        found, requests = self.decide(node.test)
        outer = len(self.gone)
        flow = (
            self.branch(node.test, found, requests, node.body, []) if found.value is not True else self.block(node.body)
        )
        del self.gone[outer:]
        return flow if flow in (Flow.RETURN, Flow.FAIL) else Flow.NEXT

    def _try(self, node: ast.Try) -> Flow:
        start = self.watcher.size()
        before = dict(self.scope.names)
        lists = [(value, len(value.items)) for value in before.values() if isinstance(value, Many)]
        kept = islice(filter(None, map(_table_of, before.values())), _MAX_TABLES)
        tables = [(table, dict(table.entries)) for table in kept if len(table.entries) <= _MAX_TABLES]
        returned = len(self.frames[-1].returned)
        lacking = len(self.lacking)
        self.tries += 1
        flow = self.block(node.body)
        self.tries -= 1
        if flow is Flow.NEXT:
            lacks = (
                len(self.lacking) > lacking
            )  # then it is not reached, where what setup() asks for brings nothing more
            self.tries += lacks
            flow = self.block(node.orelse)
            self.tries -= lacks
        after, ends = dict(self.scope.names), len(self.frames[-1].returned)
        found, grown = self.watcher.size(), [(value, length, len(value.items)) for value, length in lists]
        branches: list[tuple[Guard, dict[str, Value]]] = [((), after)] if flow is Flow.NEXT else []
        falls_back, sets_up = False, any(map(_is_setup, node.body))
        for handler in node.handlers:
            tells = self.watcher.failing(start, found)
            guard = (self.conditions.of(handler, tells=tells),) if flow is not Flow.FAIL else ()
            outcome = self._handle(handler, guard, before)
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
            condition = self.conditions.of(node)
            of_ends = all(_catches_only(handler, _OF_ENDS) for handler in node.handlers)
            self.watcher.narrow(start, found, condition, ends=of_ends)
            if flow is Flow.RETURN:
                self.frames[-1].hopes += self.watcher.failing(start, found)
            results = self.frames[-1].returned
            for number in range(returned, ends):  # "return True": whether it gets there is what is asked
                own, value = results[number]
                if isinstance(value, Const) and value.value is True:
                    results[number] = (both(own, (condition,)), value)
            for value, start, end in grown:
                value.items[start:end] = [(both(guard, (condition,)), item) for guard, item in value.items[start:end]]
        if flow is Flow.NEXT and len(branches) > 1:
            _keep_old(tables, branches[-1][0])
        names = join(before, *branches) if branches else after
        self._have(names)
        last = self.block(node.finalbody)
        if last is not Flow.NEXT:
            return last
        return Flow.NEXT if branches else flow

    def _handle(self, handler: ast.ExceptHandler, guard: Guard, before: dict[str, Value]) -> Flow:
        self.scope.names.update(before)
        if handler.name:
            self.scope.names[handler.name] = Unknown(handler.name)
        with self.under(*guard):
            return self.block(handler.body)

    def _match(self, node: ast.Match) -> Flow:
        subject = self.evaluate(node.subject)
        for case in node.cases:
            found = self._matches(case.pattern, subject)
            if found.value is False and found.sure:
                continue
            if found.value and found.sure and case.guard is None:
                return self.block(case.body)
            self.branch(case.pattern, Truth(None), (), case.body, [])
        return Flow.NEXT

    def _matches(self, pattern: ast.pattern, subject: Value) -> Truth:
        if isinstance(pattern, ast.MatchValue):
            return truth(self._pair(ast.Eq(), subject, self.evaluate(pattern.value)))
        if isinstance(pattern, ast.MatchOr):
            found = [self._matches(part, subject) for part in pattern.patterns]
            if any(outcome.value for outcome in found):
                return Truth(True)
            return Truth(None) if any(outcome.value is None for outcome in found) else Truth(False)
        return Truth((isinstance(pattern, ast.MatchAs) and pattern.pattern is None) or None)


def _table_of(value: Value) -> Table | None:
    return value.attributes if isinstance(value, Instance) else value if isinstance(value, Table) else None


def _keep_old(tables: list[tuple[Table, dict[Any, Value]]], guard: Guard) -> None:
    """Put what dictionaries and objects had before a `try` beside what it set, on the condition that it fails."""
    for table, before in tables:
        for key, old in before.items():
            if (new := table.entries.get(key, old)) is not old:
                table.entries[key] = either(((), new), (guard, old))


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

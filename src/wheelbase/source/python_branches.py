"""Tests and loops of a build script: which branches are live on Linux, and on which conditions."""

import ast
import re
from collections.abc import Sequence

from wheelbase.source.python_conditions import Guard, Request, both
from wheelbase.source.python_evaluator import Answerer, Flow, Watcher
from wheelbase.source.python_methods import join
from wheelbase.source.python_platform import Truth, truth
from wheelbase.source.python_tries import Tries
from wheelbase.source.python_values import Unknown, Value

_ENVIRONMENT = re.compile(r"\b(?:environ|getenv)\b")
_OUTCOME = re.compile(r"\breturncode\b|[!=]= 0$")


class Branches(Tries):
    """Follows what may be taken of tests and loops, and puts together what is known after them."""

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

"""Expressions of a build script, evaluated as far as they are known. Nothing is run: calls are followed or noted."""

import ast
import posixpath
from collections.abc import Callable
from typing import Any

from wheelbase.source.python_collections import Collections
from wheelbase.source.python_conditions import Guard, Request, both, first_of
from wheelbase.source.python_fold import compare, fold
from wheelbase.source.python_platform import Truth, known_name, truth
from wheelbase.source.python_values import (
    NOTHING,
    Class,
    Const,
    Either,
    Function,
    Instance,
    Many,
    Module,
    Span,
    Table,
    Unknown,
    Value,
    either,
    requests_of,
)

_MAX_TEXT = 1 << 16


class Expressions(Collections):
    """Evaluates expressions in a scope, under the conditions that hold there."""

    def evaluate(self, node: ast.AST) -> Value:
        """Return the value of an expression."""
        self.step()
        method = _EVALUATORS.get(type(node))
        if method is not None:
            return method(self, node)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.evaluate(child)
        return NOTHING

    def decide(self, node: ast.AST) -> tuple[Truth, tuple[Request, ...]]:
        """Return whether a test holds, and the places whose outcome it tells."""
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            found, requests = self.decide(node.operand)
            if isinstance(node.operand, ast.Name) and isinstance(self.evaluate(node.operand), Many):
                requests = first_of(requests)  # one of the list's items does
            return Truth(None if found.value is None else not found.value, found.sure), requests
        if isinstance(node, ast.BoolOp):
            return self._decide_all(node)
        value = self.evaluate(node)
        return truth(value), requests_of(value)

    def _decide_all(self, node: ast.BoolOp) -> tuple[Truth, tuple[Request, ...]]:
        ends = isinstance(node.op, ast.Or)  # the outcome that settles it
        requests: tuple[Request, ...] = ()
        told = True  # by what is looked for, and by nothing else that is not known
        outcomes: list[Truth] = []
        with self.under():
            for part in node.values:
                found, asked = self.decide(part)
                told &= bool(asked) or found.value is not None
                requests += asked
                outcomes.append(found)
                if found.value is ends and found.sure:
                    return found, requests
                if found.value is not (not ends):  # the rest is not looked at, by default or perhaps
                    self.guards = both(self.guards, (self.conditions.of(part, not ends),))
        if any(outcome.value is ends for outcome in outcomes):
            return Truth(ends, sure=False), requests
        if any(outcome.value is None for outcome in outcomes):
            return Truth(None), requests if told or ends else ()
        return Truth(not ends, all(outcome.sure for outcome in outcomes)), requests

    def _constant(self, node: ast.Constant) -> Value:
        where = self.where(node)
        if isinstance(node.value, str):
            self.watcher.constant(node.value, where, self.guard)
        elif isinstance(node.value, bytes):
            return Const(node.value.decode("utf-8", "replace"), where)
        return Const(node.value, where)

    def _name(self, node: ast.Name) -> Value:
        if node.id == "__file__":
            return Const(self.scope.path)
        value = self.scope.find(node.id) or known_name(node.id) or Unknown(node.id)
        if isinstance(value, Many):
            self.used[id(value)] = value
        return value

    def _attribute(self, node: ast.Attribute) -> Value:
        return self.attribute(self.evaluate(node.value), node.attr)

    def attribute(self, base: Value, name: str) -> Value:
        """Return an attribute of a value."""
        if isinstance(base, Module):
            return base.scope.names.get(name) or Unknown(f"{base.name}.{name}")
        if isinstance(base, Class):
            return member(base, name) or Unknown(f"{base.node.name}.{name}")
        if isinstance(base, Instance):
            return self._member_of(base, name)
        if isinstance(base, Either):
            known = Either if name in _OF_PATHS else Const | Either
            found = [(guard, self.attribute(v, name)) for guard, v in base.options if not isinstance(v, known)]
            return either(*found) if found else NOTHING
        if isinstance(base, Const) and isinstance(base.value, str) and name in _OF_PATHS:
            return fold(_OF_PATHS[name], base)
        if isinstance(base, Many) and name in ("system", "sysname"):
            return base.items[0][1] if base.items else NOTHING  # the first of what uname() tells
        if isinstance(base, Span) and name == "major":
            return fold(lambda version: version[0], base)
        outer = base.name if isinstance(base, Unknown) else ""
        full = f"{outer or '?'}.{name}"
        if full == "sys.argv":
            return self.argv
        return known_name(full) or Unknown(full, requests_of(base))

    def _member_of(self, instance: Instance, name: str) -> Value:
        if name in instance.attributes.entries:
            return instance.attributes.entries[name]
        found = member(instance.kind, name) if instance.kind else None
        if isinstance(found, Function):
            method = Function(found.node, found.scope, instance)
            decorators = getattr(found.node, "decorator_list", [])
            if any("property" in ast.dump(decorator) for decorator in decorators):
                return self.invoke(method, [], {})
            return method
        return found or known_name(f"self.{name}") or Unknown(f"{instance.name}.{name}")

    def _binary(self, node: ast.BinOp) -> Value:
        operands, operators = [node.right], [node.op]
        left = node.left
        while isinstance(left, ast.BinOp):  # a sum may be longer than Python's stack is deep
            operands.append(left.right)
            operators.append(left.op)
            left = left.left
        value = self.evaluate(left)
        for operand, operation in zip(reversed(operands), reversed(operators), strict=True):
            value = self.sum(operation, value, self.evaluate(operand), self.where(node))
        return value

    def _boolean(self, node: ast.BoolOp) -> Value:
        ends = isinstance(node.op, ast.Or)
        options: list[tuple[Guard, Value]] = []
        path: Guard = ()
        sure = True
        with self.under():
            for number, part in enumerate(node.values):
                value = self.evaluate(part)
                found = truth(value)
                if number == len(node.values) - 1 or (found.value is ends and found.sure):
                    options.append((path, value))
                    break
                if found.value is (not ends):
                    sure = sure and found.sure
                    continue  # another value is taken, by default at least
                stays = self.conditions.of(part, ends)
                options.append((path if found.value is ends else both(path, (stays,)), value))
                path = both(path, (self.conditions.of(part, not ends),))
                self.guards = both(self.guards, path)
        if not ends and (false := [found for _, value in options if (found := truth(value)).value is False]):
            return Const(False, default=not any(found.sure for found in false))
        result = either(*options) if options else NOTHING
        if not sure and isinstance(result, Const):
            return Const(result.value, result.where, default=True)
        return result

    def _not(self, node: ast.UnaryOp) -> Value:
        if not isinstance(node.op, ast.Not):
            return fold(lambda number: -number, self.evaluate(node.operand))
        found, requests = self.decide(node)
        return Unknown(requests=requests) if found.value is None else Const(found.value, default=not found.sure)

    def _compare(self, node: ast.Compare) -> Value:
        left = self.evaluate(node.left)
        outcome: Value = NOTHING
        for operation, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node)
            outcome = self._pair(operation, left, right)
            if isinstance(outcome, Const) and not outcome.value:
                return outcome
            left = right
        return outcome

    def _pair(self, operation: ast.cmpop, left: Value, right: Value) -> Value:
        if isinstance(operation, ast.In | ast.NotIn):
            absent = isinstance(operation, ast.NotIn)
            if right is self.argv or (isinstance(right, Unknown) and right.name == "os.environ"):
                told = compare(operation, left, right) if right is self.argv else NOTHING
                return Const(told.value if isinstance(told, Const) else absent, default=True)
            if isinstance(right, Table) and isinstance(left, Const) and isinstance(left.value, str | int):
                found = left.value in right.entries
                return NOTHING if right.open and not found else Const(found is not absent)
            if isinstance(right, Many) and isinstance(left, Const) and not right.open:
                values = [item.value for guard, item in right.items if not guard and isinstance(item, Const)]
                if left.value in values:
                    return Const(not absent, default=left.default)
        if isinstance(left, Unknown) and isinstance(right, Unknown) and isinstance(operation, _EQUAL):
            types = {left.name, right.name}
            if len(types & _TYPES) == 2:
                return Const(not isinstance(operation, ast.Is | ast.Eq))
        objects = Many | Table | Instance | Function | Class | Module
        if isinstance(operation, ast.Is | ast.IsNot) and isinstance(left, objects):
            return Const(isinstance(operation, ast.IsNot))
        return compare(operation, left, right)

    def _choice(self, node: ast.IfExp) -> Value:
        found, _ = self.decide(node.test)
        if found.value is not None and found.sure:
            return self.evaluate(node.body if found.value else node.orelse)
        options = []
        for holds, branch in ((True, node.body), (False, node.orelse)):
            unlikely = found.value is (not holds)
            guard = () if found.value is holds else (self.conditions.of(node.test, holds, unlikely=unlikely),)
            with self.under(*guard):
                options.append((guard, self.evaluate(branch)))
        return either(*options)

    def _joined(self, node: ast.JoinedStr) -> Value:
        parts = [self.evaluate(part) for part in node.values]
        return fold(_concatenate, *parts, where=self.where(node), holes=True)

    def _formatted(self, node: ast.FormattedValue) -> Value:
        value = self.evaluate(node.value)
        return value if node.format_spec is None else Unknown(requests=requests_of(value))

    def _lambda(self, node: ast.Lambda) -> Value:
        return Function(node, self.scope)

    def _walrus(self, node: ast.NamedExpr) -> Value:
        value = self.evaluate(node.value)
        self.assign(node.target, value)
        return value


_EQUAL = ast.Is | ast.IsNot | ast.Eq | ast.NotEq
_TYPES = frozenset(("str", "int", "bool", "float", "bytes", "dict", "list"))
_OF_PATHS: dict[str, Callable[[str], str]] = {
    "parent": posixpath.dirname,
    "name": posixpath.basename,
    "suffix": lambda path: posixpath.splitext(path)[1],
    "stem": lambda path: posixpath.splitext(posixpath.basename(path))[0],
}


def _concatenate(*parts: Any) -> str:
    if not all(isinstance(part, str | int) for part in parts) or sum(len(str(part)) for part in parts) > _MAX_TEXT:
        raise TypeError
    return "".join(str(part) for part in parts)


def member(kind: Class, name: str, depth: int = 0) -> Value | None:
    """Return what a class or one of its bases says under a name."""
    if name in kind.scope.names:
        return kind.scope.names[name]
    for base in kind.bases if depth < 8 else ():
        if isinstance(base, Class) and (found := member(base, name, depth + 1)) is not None:
            return found
    return None


_EVALUATORS: dict[type[ast.AST], Callable[[Expressions, Any], Value]] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.List: Expressions._list,
    ast.Tuple: Expressions._list,
    ast.Set: Expressions._list,
    ast.Dict: Expressions._dict,
    ast.BinOp: Expressions._binary,
    ast.BoolOp: Expressions._boolean,
    ast.UnaryOp: Expressions._not,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._choice,
    ast.JoinedStr: Expressions._joined,
    ast.FormattedValue: Expressions._formatted,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
    ast.Lambda: Expressions._lambda,
    ast.NamedExpr: Expressions._walrus,
    ast.Call: lambda self, node: self.call(node),
}

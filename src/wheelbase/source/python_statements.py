"""Statements of a build script, followed in order."""

import ast
from collections.abc import Callable, Sequence
from typing import Any

from wheelbase.source.python_branches import Branches
from wheelbase.source.python_calls import Frame
from wheelbase.source.python_evaluator import Answerer, Call, Flow, Loader, Stopped, Watcher
from wheelbase.source.python_methods import put, replace
from wheelbase.source.python_platform import is_elsewhere, known_name
from wheelbase.source.python_values import (
    NOTHING,
    Class,
    Const,
    Either,
    Function,
    Instance,
    Many,
    Module,
    Scope,
    Table,
    Unknown,
    Value,
    either,
)


class Interpreter(Branches):
    """Follows modules, statement by statement."""

    def __init__(self, watcher: Watcher, load: Loader, answer: Answerer, required: set[str]) -> None:
        """`load` finds a module's scope, `answer` what files say; `required` are features that may not be missing."""
        super().__init__(watcher, answer, required)
        self.load = load
        self.functions: list[Function] = []
        self.classes: list[Class] = []

    def module(self, tree: ast.Module, scope: Scope) -> None:
        """Follow a module's statements. Raises Stopped where one fails and whoever imports it handles that."""
        before = self.scope, self.guards, self.gone, self.frames
        self.scope, self.guards, self.gone, self.frames = scope, (), [], [Frame()]
        try:
            for statement in tree.body:
                try:
                    failed = self.statement(statement) is Flow.FAIL
                except RecursionError:
                    continue  # too deep; the other statements may be fine
                if failed and self.tries:
                    raise Stopped
        finally:
            self.scope, self.guards, self.gone, self.frames = before

    def block(self, statements: Sequence[ast.stmt]) -> Flow:
        """Follow statements until one leaves."""
        for statement in statements:
            flow = self.statement(statement)
            if flow is not Flow.NEXT:
                return flow
        return Flow.NEXT

    def statement(self, node: ast.stmt) -> Flow:
        """Follow one statement."""
        self.step()
        method = _STATEMENTS.get(type(node))
        try:
            return method(self, node) or Flow.NEXT if method else Flow.NEXT
        except Stopped:
            return Flow.FAIL

    def _expression(self, node: ast.Expr) -> None:
        if isinstance(node.value, ast.Constant):
            return  # documentation
        if isinstance(node.value, ast.Yield | ast.YieldFrom | ast.Await):
            self._yield(node.value)
        else:
            self.evaluate(node.value)

    def _yield(self, node: ast.Yield | ast.YieldFrom | ast.Await) -> None:
        value = self.evaluate(node.value) if node.value is not None else NOTHING
        frame = self.frames[-1]
        if not isinstance(node, ast.Await):
            frame.yielded = frame.yielded or Many()
            if isinstance(node, ast.YieldFrom) and isinstance(value, Many):
                frame.yielded.items += value.items
            else:
                frame.yielded.items.append((self.guard, value))

    def _assignment(self, node: ast.Assign | ast.AnnAssign) -> None:
        if node.value is None:
            return
        value = self.evaluate(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            old = self.scope.names.get(target.id) if isinstance(target, ast.Name) else None
            if isinstance(old, Many) and id(old) not in self.used:
                self.watcher.replaced(old, self.guard)
            self.assign(target, value)

    def assign(self, target: ast.AST, value: Value) -> None:
        """Set a name, an attribute, a key, or several at once."""
        if isinstance(target, ast.Name):
            if target.id in self.scope.outer:
                self._set_elsewhere(self.scope.top(), target.id, value)
            else:
                self.scope.names[target.id] = value
            self.watcher.assigned(target.id, value, self.where(target), self.guard, variable=True)
        elif isinstance(target, ast.Attribute):
            self._set_attribute(self.evaluate(target.value), target.attr, value)
            self.watcher.assigned(target.attr, value, self.where(target), self.guard)
        elif isinstance(target, ast.Subscript):
            base, key = self.evaluate(target.value), self.evaluate(target.slice)
            if isinstance(key, Const) and isinstance(key.value, str | int):
                if isinstance(base, Table):
                    put(base, key.value, value, self.guard)
                elif isinstance(base, Many) and isinstance(key.value, int):
                    replace(base, key.value, value, self.guard)
                elif isinstance(base, Unknown):
                    where = self.where(target)
                    self.watcher.called(Call(f"{base.name}.__setitem__", [key, value], {}, where, self.guard))
                self.watcher.assigned(str(key.value), value, self.where(target), self.guard)
        elif isinstance(target, ast.Tuple | ast.List):
            for number, element in enumerate(target.elts):
                self.assign(element, _part(value, number))
        elif isinstance(target, ast.Starred):
            self.assign(target.value, NOTHING)

    def _set_elsewhere(self, scope: Scope, name: str, value: Value) -> None:
        """Set a name of another scope, which no branch that is followed here takes back."""
        old = scope.names.get(name)
        guard = self.guard
        scope.names[name] = value if not guard else either(*((((), old),) if old is not None else ()), (guard, value))

    def _set_attribute(self, base: Value, name: str, value: Value) -> None:
        if isinstance(base, Instance):
            put(base.attributes, name, value, self.guard)
        elif isinstance(base, Class | Module):
            self._set_elsewhere(base.scope, name, value)
        elif isinstance(base, Either):
            for _, inner in base.options:
                if not isinstance(inner, Either):
                    self._set_attribute(inner, name, value)

    def _augmented(self, node: ast.AugAssign) -> None:
        target: Any = node.target
        old = self.evaluate(target)
        added = self.evaluate(node.value)
        if isinstance(old, Many):
            self.method("extend", old, [added], {}, node)  # in place, as others may hold the same list
            if not isinstance(node.op, ast.Add | ast.BitOr):
                return
            self.assign(target, old)
        else:
            self.assign(target, self.sum(node.op, old, added, self.where(node)) if not _empty(old) else added)
        if isinstance(target, ast.Attribute) and isinstance(old, Unknown):  # of what a command is given
            self.watcher.called(Call(f"{old.name}.extend", [added], {}, self.where(node), self.guard, owner=old))
        elif isinstance(target, ast.Attribute | ast.Name):
            name = target.attr if isinstance(target, ast.Attribute) else target.id
            self.watcher.assigned(name, added, self.where(node), self.guard, variable=isinstance(target, ast.Name))

    def _with(self, node: ast.With | ast.AsyncWith) -> Flow:
        for item in node.items:
            value = self.evaluate(item.context_expr)
            if item.optional_vars is not None:
                self.assign(item.optional_vars, value)
        return self.block(node.body)

    def _raise(self, node: ast.Raise) -> Flow:
        return Flow.FAIL

    def _return(self, node: ast.Return) -> Flow:
        value = self.evaluate(node.value) if node.value is not None else Const(None)
        frame = self.frames[-1]
        guard = tuple(condition for condition in self.guard if condition not in frame.base)
        frame.returned.append((guard, value))
        return Flow.RETURN

    def _assert(self, node: ast.Assert) -> None:
        for request in self.decide(node.test)[1]:
            request.demanded = True

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        if is_elsewhere(node.name):
            self.scope.names[node.name] = Unknown(node.name)
            return
        function = Function(node, self.scope)
        self.scope.names[node.name] = function
        self.functions.append(function)

    def _class(self, node: ast.ClassDef) -> None:
        if is_elsewhere(node.name):
            self.scope.names[node.name] = Unknown(node.name)
            return
        bases = tuple(self.evaluate(base) for base in node.bases)
        made = Class(node, Scope(self.scope.path, parent=self.scope), bases)
        outer, self.scope = self.scope, made.scope
        known = len(self.functions)
        try:
            self.block(node.body)
        finally:
            self.scope = outer
        del self.functions[known:]  # methods: they are followed on an object
        self.classes.append(made)
        self.scope.names[node.name] = made

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                scope = self.load(alias.name, 0, self.scope.path)
                name = alias.asname or alias.name.partition(".")[0]
                full = alias.name if alias.asname else name
                if scope is not None and (alias.asname or "." not in alias.name):
                    self.scope.names[name] = Module(full, scope)
                else:
                    self.scope.names[name] = Unknown(full)
            return
        scope = self.load(node.module or "", node.level, self.scope.path)
        for alias in node.names:
            name = alias.asname or alias.name
            if alias.name == "*":
                self.scope.names.update(scope.names if scope else {})
            elif scope is not None and alias.name in scope.names:
                self.scope.names[name] = scope.names[alias.name]
            else:
                self.scope.names[name] = self._outside(node, alias.name)

    def _outside(self, node: ast.ImportFrom, name: str) -> Value:
        inner = self.load(f"{node.module}.{name}" if node.module else name, node.level, self.scope.path)
        if inner is not None:
            return Module(name, inner)
        full = f"{node.module}.{name}" if node.module else name
        if full == "sys.argv":
            return self.argv
        return known_name(full) or Unknown(full)

    def _global(self, node: ast.Global | ast.Nonlocal) -> None:
        self.scope.outer.update(node.names if isinstance(node, ast.Global) else [])


def _part(value: Value, number: int) -> Value:
    if isinstance(value, Many) and number < len(value.items):
        guard, item = value.items[number]
        return Either(((guard, item),)) if guard else item
    if isinstance(value, Unknown):
        return value
    return NOTHING


def _empty(value: Value) -> bool:
    return isinstance(value, Const) and not value.value


_STATEMENTS: dict[type[ast.stmt], Callable[[Interpreter, Any], Flow | None]] = {
    ast.Expr: Interpreter._expression,
    ast.Assign: Interpreter._assignment,
    ast.AnnAssign: Interpreter._assignment,
    ast.AugAssign: Interpreter._augmented,
    ast.If: Interpreter._if,
    ast.For: Interpreter._loop,
    ast.AsyncFor: Interpreter._loop,
    ast.While: Interpreter._while,
    ast.With: Interpreter._with,
    ast.AsyncWith: Interpreter._with,
    ast.Try: Interpreter._try,
    ast.Raise: Interpreter._raise,
    ast.Return: Interpreter._return,
    ast.Assert: Interpreter._assert,
    ast.FunctionDef: Interpreter._function,
    ast.AsyncFunctionDef: Interpreter._function,
    ast.ClassDef: Interpreter._class,
    ast.Import: Interpreter._import,
    ast.ImportFrom: Interpreter._import,
    ast.Global: Interpreter._global,
    ast.Nonlocal: Interpreter._global,
    ast.Match: Interpreter._match,
    ast.Continue: lambda self, node: Flow.CONTINUE,
    ast.Break: lambda self, node: Flow.BREAK,
}

"""Calls of a build script: functions of the archive are followed, of others what is known on Linux is told."""

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from wheelbase.source.python_arguments import Arguments
from wheelbase.source.python_builtins import builtin
from wheelbase.source.python_conditions import Guard, Request
from wheelbase.source.python_evaluator import Answerer, Call, Flow, Stopped, Watcher
from wheelbase.source.python_expressions import member
from wheelbase.source.python_fold import TEXT_METHODS
from wheelbase.source.python_methods import items_of
from wheelbase.source.python_platform import is_elsewhere, known_call
from wheelbase.source.python_values import (
    NOTHING,
    Class,
    Const,
    Either,
    Function,
    Instance,
    Many,
    Scope,
    Table,
    Unknown,
    Value,
    either,
    requests_of,
    texts,
)

_MAX_REPEATS = 2  # of one call with the same arguments on the same conditions: what it did once it does again
_MAX_KEY = 500
_MAX_CALLS = 12  # within one another
_MAX_STEPS_OF_ONE = 6_000  # of one function and what it calls, in all its calls that ask for nothing
_ENDS = frozenset(
    ("sys.exit", "exit", "quit", "os._exit", "sys.stderr.exit", "os.abort", "parser.error", "SystemExit", "ap.error")
)
_PARTIAL = "partial"
_TUPLE = "namedtuple"
_FAILS_BY_DEFAULT = frozenset(("argv.remove", "argv.index"))


@dataclass(slots=True)
class Frame:
    """A function that is being followed, and what it returned on which conditions."""

    returned: list[tuple[Guard, Value]] = field(default_factory=list)
    yielded: Many | None = None
    hopes: list[Request] = field(default_factory=list)  # what lets it return before it comes to its end
    breaks: list[Request] = field(default_factory=list)  # what lets the loop that is followed end
    ends: bool = False  # whether a branch that was followed last fails
    exits: list[tuple[Guard, dict[str, Value]]] = field(default_factory=list)  # the names where it does by default
    base: Guard = ()


class Calls(Arguments):
    """Follows functions and methods of the archive, and tells of every call."""

    def __init__(self, watcher: Watcher, answer: Answerer) -> None:
        """`answer` tells what calls give that ask for files of the archive."""
        super().__init__(watcher)
        self.answer = answer
        self.frames = [Frame()]
        self.active: list[ast.AST] = []
        self.followed: set[ast.AST] = set()
        self.spent: dict[ast.AST, int] = {}
        self.counts: dict[object, int] = {}
        self.results: dict[object, Value] = {}

    def block(self, statements: Sequence[ast.stmt]) -> Flow:
        """Follow statements until one leaves."""
        raise NotImplementedError

    def invoke(self, function: Function, arguments: list[Value], named: dict[str, Value]) -> Value:
        """Return what a function of the archive gives. Raises Stopped where it never returns."""
        node = function.node
        # What calls itself walks through folders, and ends where these are known.
        if node in self.active and not any(isinstance(value, Const) and value.value for value in arguments):
            return NOTHING
        if len(self.active) >= _MAX_CALLS or self.spent.get(node, 0) > _MAX_STEPS_OF_ONE:
            return NOTHING
        if not isinstance(node, ast.Lambda) and is_elsewhere(node.name):
            return NOTHING
        self.followed.add(node)
        key = self._key(function, arguments, named)
        if key is not None and self.counts.get(key, 0) >= _MAX_REPEATS:
            return self.results.get(key, NOTHING)
        scope = Scope(function.scope.path, parent=function.scope)
        caller, guards, gone, steps, found = self.scope, self.guards, self.gone, self.steps, self.watcher.size()
        self.guards, self.gone = self.guard, []
        self.active.append(node)
        self.frames.append(Frame(base=self.guards))
        self.scope = scope
        try:
            self.bind(function, arguments, named, scope)
            if isinstance(node, ast.Lambda):
                return self.evaluate(node.body)
            result = self._result(self.block(node.body))
            if key is not None:
                self.counts[key] = self.counts.get(key, 0) + 1
                self.results[key] = result
            return result
        finally:
            self.frames.pop()
            self.active.pop()
            self.scope, self.guards, self.gone = caller, guards, gone
            if self.watcher.size() == found:
                self.spent[node] = self.spent.get(node, 0) + steps - self.steps

    def _key(self, function: Function, arguments: list[Value], named: dict[str, Value]) -> object:
        """Return what tells a call from others, where its arguments are texts and the like; else None."""
        if not all(isinstance(value, Const) for value in (*arguments, *named.values())):
            return None
        given = [value.value for value in arguments if isinstance(value, Const)]
        given += [(name, value.value) for name, value in named.items() if isinstance(value, Const)]
        return function.node, id(function.owner), self.guard, repr(given)[:_MAX_KEY] if given else ""

    def _result(self, flow: Flow) -> Value:
        frame = self.frames[-1]
        if frame.yielded is not None:
            return frame.yielded
        if flow is Flow.FAIL:
            self.demand_any(frame.hopes)
            if not frame.returned:
                raise Stopped
        if flow is Flow.NEXT:
            frame.returned.append((tuple(self.gone), Const(None)))
        if not frame.returned:
            return NOTHING
        return either(*frame.returned) if len(frame.returned) > 1 else frame.returned[0][1]

    def demand_any(self, hopes: Sequence[Request]) -> None:
        """Note that the script ends without one of several."""
        for request in hopes:
            first = hopes[0]
            if request.name == first.name:
                self.demand(request)
            else:
                request.instead_of = f"{first.kind} {first.name}"

    def demand(self, request: Request) -> None:
        """Note that the script ends without something: handlers that forgave its absence before forgive no more."""
        request.demanded = True
        request.guard = tuple(c for c in request.guard if not isinstance(c.node, ast.Try) or c in self.guard)

    def create(self, kind: Class, arguments: list[Value], named: dict[str, Value]) -> Instance:
        """Return an object of a class of the archive, after its `__init__`."""
        made = Instance(kind.node.name, kind, Table(born=self.guard))
        init = member(kind, "__init__")
        if isinstance(init, Function):
            self.invoke(Function(init.node, init.scope, made), arguments, named)
        else:
            fields = [name for part in kind.node.body if (name := _field(part))]
            made.attributes.entries |= dict(zip(fields, arguments, strict=False)) | named
        return made

    def call(self, node: ast.Call) -> Value:
        """Follow a call of the archive's own; tell of each."""
        owner: Value | None = None
        if isinstance(node.func, ast.Attribute):
            owner = self.evaluate(node.func.value)
            function = NOTHING if isinstance(owner, Many | Table | Const) else self.attribute(owner, node.func.attr)
        else:
            function = self.evaluate(node.func)
        arguments, named = self.arguments_of(node)
        if isinstance(function, Instance) and function.name == _PARTIAL:
            bound = function.attributes.entries
            arguments = [*(item for _, item in items_of(bound["arguments"]) or ()), *arguments]
            named = {**getattr(bound["named"], "entries", {}), **named}
            function = bound["function"]
        call = Call(_name_of(node, function), arguments, named, self.where(node), self.guard, node=node, owner=owner)
        call.before = self.watcher.size()
        if call.name in _FAILS_BY_DEFAULT and self.tries:
            raise Stopped
        if isinstance(owner, Either):
            result = self._call_on_each(owner, node, call)
        elif isinstance(owner, Unknown) and owner.text and call.last in TEXT_METHODS:
            return self.method(call.last, owner, arguments, named, node)
        elif isinstance(owner, Many | Table | Const) and isinstance(node.func, ast.Attribute):
            answer = self.answer(call) if isinstance(owner, Const) else None
            result = answer or self.method(node.func.attr, owner, arguments, named, node)
            if not isinstance(owner, Const) or node.func.attr in TEXT_METHODS:
                return result  # which asks for nothing
        else:
            result = self._apply(function, call)
        told = self.watcher.called(call)
        if call.name in _ENDS:
            raise Stopped
        return told if told is not None else result

    def _call_on_each(self, owner: Either, node: ast.Call, call: Call) -> Value:
        results: list[tuple[Guard, Value]] = []
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        for guard, value in owner.options:
            with self.under(*guard):
                if isinstance(value, Many | Table | Const):
                    results.append((guard, self.method(name, value, call.arguments, call.named, node)))
                elif not isinstance(value, Either):
                    results.append((guard, self._apply(self.attribute(value, name), call)))
        return either(*results) if results else NOTHING

    def _apply(self, function: Value, call: Call) -> Value:
        if isinstance(function, Function):
            call.followed = True
            return self.invoke(function, call.arguments, call.named)
        if isinstance(function, Class):
            call.followed = True
            return self.create(function, call.arguments, call.named)
        if isinstance(function, Instance) and function.name == _TUPLE:
            fields = zip(function.attributes.entries, call.arguments, strict=False)
            return Instance(call.name, attributes=Table(dict(fields) | call.named))
        if isinstance(function, Either):
            with_guards = [(g, v) for g, v in function.options if isinstance(v, Function | Class)]
            results = []
            for guard, value in with_guards:
                with self.under(*guard):
                    results.append((guard, self._apply(value, call)))
            return either(*results) if results else NOTHING
        answer = self._of_function(call) or self.answer(call) or known_call(call.name)
        if answer is None and is_elsewhere(call.last):
            return Const(None)  # what is for other systems finds nothing here
        if answer is None:
            answer = builtin(call.name, call.arguments, call.named, self.guard)
        return answer if answer is not None else Unknown(call.name, _asked([function, *call.arguments]))

    def _of_function(self, call: Call) -> Value | None:
        """Return what functions give that take another one: `partial`, `map` on one list, `execute`; and `super`."""
        if call.name == "super":
            return self._super()
        first, *rest = call.arguments or [NOTHING]
        if call.last == _PARTIAL and call.arguments:
            bound = {"function": first, "arguments": Many([((), value) for value in rest]), "named": Table(call.named)}
            return Instance(_PARTIAL, attributes=Table(dict(bound)))
        if call.last == _TUPLE and rest:
            names = [said.text for value in rest[:1] for said in texts(value)]
            fields = [name for text in names for name in text.replace(",", " ").split()]
            return Instance(_TUPLE, attributes=Table(dict.fromkeys(fields, NOTHING)))
        if call.last == "execute" and isinstance(first, Function):  # of setuptools' commands
            given = items_of(rest[0]) if rest else None
            return self._apply(first, Call("", [item for _, item in given or ()], {}, call.where, self.guard))
        items = items_of(rest[0]) if call.name == "map" and len(rest) == 1 else None
        if items is None or not isinstance(first, Function | Unknown):
            return None
        made = Many(open=isinstance(rest[0], Many) and rest[0].open)
        for guard, item in items:
            with self.under(*guard):
                each = Call(getattr(first, "name", ""), [item], {}, call.where, self.guard, node=call.node)
                made.items.append((guard, self._apply(first, each)))
        return made

    def _super(self) -> Value | None:
        """Return the object of the method that is followed, as one of the class after that which has the method."""
        node = self.active[-1] if self.active else None
        given = node.args.args if isinstance(node, ast.FunctionDef) else []
        own = self.scope.names.get(given[0].arg) if given else None
        if not isinstance(own, Instance) or not own.kind or not isinstance(node, ast.FunctionDef):
            return None
        kinds = [own.kind]
        for kind in kinds:
            kinds += [base for base in kind.bases if isinstance(base, Class) and len(kinds) < _MAX_CALLS]
            if isinstance(method := kind.scope.names.get(node.name), Function) and method.node is node:
                base = next(iter(kind.bases), None)
                return Instance(base.node.name, base, own.attributes) if isinstance(base, Class) else base
        return None


def _field(part: ast.stmt) -> str:
    """Return the name that a statement declares in a dataclass or a named tuple; empty where it does not."""
    return part.target.id if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name) else ""


def _asked(arguments: list[Value]) -> tuple[Request, ...]:
    return tuple(dict.fromkeys(request for argument in arguments for request in requests_of(argument)))


def _name_of(node: ast.Call, function: Value) -> str:
    if isinstance(function, Unknown) and function.name and not function.name.startswith("?"):
        return function.name
    if isinstance(node.func, ast.Attribute):
        inner = node.func.value
        prefix = inner.id if isinstance(inner, ast.Name) else inner.attr if isinstance(inner, ast.Attribute) else "?"
        return f"{prefix}.{node.func.attr}"
    return node.func.id if isinstance(node.func, ast.Name) else "?"

"""Lists, dictionaries and comprehensions of a build script, as far as what is in them is known."""

import ast
from typing import Any

from wheelbase.source.python_conditions import Guard, both
from wheelbase.source.python_evaluator import Evaluator, Stopped
from wheelbase.source.python_fold import combine, fold, text_method
from wheelbase.source.python_methods import common, extend, items_of, list_method, put, table_method, update
from wheelbase.source.python_values import (
    NOTHING,
    Const,
    Either,
    Many,
    Scope,
    Table,
    Unknown,
    Value,
    either,
    requests_of,
)

_MAX_TURNS = 120  # of a loop
_MAX_MADE = 200  # of a comprehension


class Collections(Evaluator):
    """Lists, dictionaries, items and slices of them, comprehensions."""

    def _list(self, node: ast.List | ast.Tuple | ast.Set) -> Value:
        made = Many()
        for element in node.elts:
            if isinstance(element, ast.Starred):
                extend(made, self.evaluate(element.value), ())
            else:
                made.items.append(((), self.evaluate(element)))
        return made

    def _dict(self, node: ast.Dict) -> Value:
        made = Table(born=self.guard)
        for key, value in zip(node.keys, node.values, strict=True):
            inner = self.evaluate(value)
            name = self.evaluate(key) if key is not None else None
            if name is None:
                update(made, inner, made.born)
            elif isinstance(name, Const) and isinstance(name.value, str | int | bool | None):
                made.entries[name.value] = inner
                self.watcher.assigned(str(name.value), inner, self.where(value), self.guard)
            else:
                made.open = True
        return made

    def _subscript(self, node: ast.Subscript) -> Value:
        base = self.evaluate(node.value)
        if isinstance(base, Unknown) and base.name == "os.environ":
            if self.tries and self._is_unset(node.slice):
                raise Stopped
            return base
        if isinstance(node.slice, ast.Slice):
            return self._slice(base, node.slice)
        key = self.evaluate(node.slice)
        return self._item(base, key, node)

    def _is_unset(self, key: ast.expr) -> bool:
        """Say whether a variable of the environment is there only where the caller sets it."""
        name = self.evaluate(key)
        return isinstance(name, Const) and name.value not in ("PATH", "HOME", "PWD", "USER", "SHELL", "LANG")

    def _item(self, base: Value, key: Value, node: ast.AST) -> Value:
        known = key.value if isinstance(key, Const) else None
        if isinstance(base, Either):
            return either(*((g, self._item(v, key, node)) for g, v in base.options if not isinstance(v, Either)))
        if isinstance(base, Table):
            if isinstance(known, str | int):
                if base.lists:
                    return base.entries.setdefault(known, Many())
                return base.entries.get(known) or NOTHING
            return (
                either(*(((self.conditions.of(node),), value) for value in base.entries.values()))
                if base.entries
                else NOTHING
            )
        if isinstance(base, Many):
            if isinstance(known, int) and -len(base.items) <= known < len(base.items):
                guard, value = base.items[known]
                return either((guard, value)) if guard else value
            return Unknown(requests=requests_of(base))
        if isinstance(base, Unknown):
            return Unknown(base.name, base.requests)
        return fold(lambda container, index: container[index], base, key)

    def _slice(self, base: Value, node: ast.Slice) -> Value:
        ends = [self.evaluate(end) if end is not None else Const(None) for end in (node.lower, node.upper, node.step)]
        if isinstance(base, Many):
            if all(isinstance(end, Const) and isinstance(end.value, int | None) for end in ends):
                cut = slice(*(end.value for end in ends if isinstance(end, Const)))
                return Many(base.items[cut] if cut.step != 0 else [], open=base.open)
            return Many(list(base.items), open=True)
        return fold(lambda container, *cut: container[slice(*cut)], base, *ends)

    def sum(self, operation: ast.operator, left: Value, right: Value, where: str) -> Value:
        """Return what an operator makes of two values: of lists a new list."""
        lists = items_of(left) is not None and not isinstance(left, Table)
        if isinstance(operation, ast.Add | ast.BitOr) and (lists or isinstance(right, Many)):
            made = Many()
            extend(made, left, ())
            extend(made, right, ())
            return made
        if isinstance(operation, ast.BitOr) and isinstance(left, Table):
            table = Table(dict(left.entries), self.guard, left.open)
            update(table, right, self.guard)
            return table
        if isinstance(operation, ast.BitAnd) and isinstance(left, Many) and isinstance(right, Many):
            return common(left, right)
        if isinstance(operation, ast.Mult | ast.Sub) and lists:
            return left
        return combine(operation, left, right, where)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> Value:
        made: Many | Table = Table(born=self.guard) if isinstance(node, ast.DictComp) else Many()
        before = self.scope
        self.scope = Scope(before.path, parent=before)
        try:
            self._generate(node, node.generators, made, ())
        finally:
            self.scope = before
        return made

    def _generate(self, node: Any, generators: list[ast.comprehension], made: Many | Table, guard: Guard) -> None:
        if not generators:
            with self.under(*guard):
                if isinstance(made, Table):
                    key, value = self.evaluate(node.key), self.evaluate(node.value)
                    if isinstance(key, Const) and isinstance(key.value, str | int):
                        put(made, key.value, value, self.guard)
                else:
                    extend(made, Many([((), self.evaluate(node.elt))]), guard)
            return
        first, *rest = generators
        for own, item in self.turns(self.evaluate(first.iter), made):
            self.assign(first.target, item)
            inner = both(guard, own)
            for test in first.ifs:
                found, _ = self.decide(test)
                if found.value is False:
                    break
                inner = inner if found.value else both(inner, (self.conditions.of(test),))
            else:
                self._generate(node, rest, made, inner)

    def turns(self, value: Value, made: Many | Table | None = None) -> list[tuple[Guard, Value]]:
        """Return what a loop over a value meets: one value that is not known, where that is not."""
        items = items_of(value)
        if items is None or (not items and isinstance(value, Many | Table) and value.open):
            if isinstance(made, Many | Table):
                made.open = True
            return [((), Unknown(requests=requests_of(value)))]
        most = _MAX_TURNS if made is None else _MAX_MADE
        if isinstance(made, Many | Table) and len(items) > most:
            made.open = True
        return items[:most]

    def method(self, name: str, owner: Value, arguments: list[Value], named: dict[str, Value], node: ast.AST) -> Value:
        """Return what a method of a list, dictionary or text gives."""
        if isinstance(owner, Many):
            return list_method(name, owner, arguments, self.guard)
        if isinstance(owner, Table):
            return table_method(name, owner, arguments, named, self.guard)
        return text_method(name, owner, arguments, named, self.where(node))

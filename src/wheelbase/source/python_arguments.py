"""Arguments of a build script's calls: what they give, and which parameters of a function take it."""

import ast

from wheelbase.source.python_expressions import Expressions
from wheelbase.source.python_platform import known_name
from wheelbase.source.python_values import NOTHING, Either, Function, Many, Scope, Table, Unknown, Value


class Arguments(Expressions):
    """Evaluates the arguments of a call, and hands them to a function."""

    def arguments_of(self, node: ast.Call) -> tuple[list[Value], dict[str, Value]]:
        """Return what a call gives by position, and by name: of lists and tables their items."""
        arguments: list[Value] = []
        named: dict[str, Value] = {}
        for argument in node.args:
            if isinstance(argument, ast.Starred):
                value = self.evaluate(argument.value)
                items = value.items if isinstance(value, Many) else []
                arguments += [Either(((guard, item),)) if guard else item for guard, item in items]
            else:
                arguments.append(self.evaluate(argument))
        for keyword in node.keywords:
            value = self.evaluate(keyword.value)
            if keyword.arg is not None:
                named[keyword.arg] = value
                continue
            for guard, table in value.options if isinstance(value, Either) else (((), value),):
                if not isinstance(table, Table) or table.open:
                    named["**"] = NOTHING  # and more that is not known
                for key, entry in table.entries.items() if isinstance(table, Table) else ():
                    named[str(key)] = Either(((guard, entry),)) if guard else entry
        return arguments, named

    def bind(self, function: Function, arguments: list[Value], named: dict[str, Value], scope: Scope) -> None:
        """Set the parameters of a function of the archive in the scope of its body."""
        given = function.node.args
        names = [argument.arg for argument in given.posonlyargs + given.args]
        values = list(arguments)
        if function.owner is not None:
            values.insert(0, function.owner)
        rest = dict(named)
        defaults = dict(zip(reversed(names), reversed(given.defaults), strict=False))
        defaults |= {
            argument.arg: default
            for argument, default in zip(given.kwonlyargs, given.kw_defaults, strict=True)
            if default is not None
        }
        for number, name in enumerate(names + [argument.arg for argument in given.kwonlyargs]):
            if number < min(len(values), len(names)):
                scope.names[name] = values[number]
            elif name in rest:
                scope.names[name] = rest.pop(name)
            elif name in defaults:
                scope.names[name] = self.evaluate(defaults[name])
            else:
                scope.names[name] = known_name(name) or Unknown(name)
        if given.vararg:
            more = [((), value) for value in values[len(names) :]]
            scope.names[given.vararg.arg] = Many(list(more), open=not values)
        if given.kwarg:
            scope.names[given.kwarg.arg] = Table(rest, self.guard, open=not values and not named)

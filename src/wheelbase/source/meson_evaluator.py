"""How Meson's language is followed: statements, branches that Linux may take, expressions. Pure.

Only what decides is evaluated. A branch that is never taken is left out; what stands in one that may be taken stands on
its condition, and what branches leave different is not known afterwards.
"""

import re
from functools import reduce
from typing import Any

from wheelbase.source.lookups import UNKNOWN, Branch, Guards, Lookups, both, either, negated
from wheelbase.source.meson_reader import Reader
from wheelbase.source.meson_values import (
    MAX_ITEMS,
    MAX_STRING,
    Some,
    Thing,
    added,
    compared,
    flat,
    merged,
    truth_of,
)
from wheelbase.source.python_platform import told_by_name

_OBJECTS = {name: Thing(name) for name in ("meson", "host_machine", "build_machine", "target_machine")}


class Evaluator:
    """The variables of one project, and the file that is followed now; subclasses tell what calls do."""

    def __init__(self, reader: Reader, lookups: Lookups) -> None:
        """`lookups` counts the steps, and knows the conditions."""
        self.reader, self.lookups = reader, lookups
        self.variables: dict[str, Any] = {}
        self.path = ""

    def function(self, name: str, arguments: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Return what a call of a function gives."""
        raise NotImplementedError

    def method(self, owner: Any, name: str, arguments: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Return what a call of a value's method gives."""
        raise NotImplementedError

    def follow(self, path: str) -> None:
        """Evaluate a file, once."""
        if not self.reader.is_new(path):
            return
        before, self.path = self.path, path
        if block := self.reader.parsed(path):
            self.block(block)
        self.path = before

    def block(self, node: Any) -> bool:
        """Evaluate statements; True where the rest of the file, or of the loop, is left out."""
        for line in node.lines:
            match type(line).__name__:
                case "IfClauseNode":
                    if self._branches(line):
                        return True
                case "ForeachClauseNode":
                    self._loop(line)
                case "BreakNode" | "ContinueNode":
                    return True
                case "FunctionNode" if line.func_name.value == "subdir_done":
                    return True
                case _:
                    self.value(line)
        return False

    def _branches(self, node: Any) -> bool:
        """Evaluate the branches that may be taken; what they leave different is not known afterwards."""
        guards: list[tuple[int, ...]] = []
        outcomes: list[dict[str, Any]] = []
        taken: list[Branch] = []
        first = UNKNOWN
        for branch in node.ifs:
            test = truth_of(self.value(branch.condition))
            if test is False:
                continue
            if test is True and not guards:
                return self.block(branch.block)
            own = [] if test is True else [test.absent_if_true]
            taken.append(self.lookups.branch(len(guards) + len(own)))
            outcomes.append(self._alternative(branch.block, [*guards, *own], self._line(branch)))
            if test is True:
                self.in_all(taken)
                break
            first = first if guards else test
            guards.append(test.absent_if_false)
        else:
            block = getattr(node.elseblock, "block", None)
            if not guards:
                return bool(block) and self.block(block)
            text = f"else of: {self._line(node)}"
            taken.append(self.lookups.branch(len(guards)))
            outcomes.append(self._alternative(block, guards, text) if block else self.variables)
            self.in_all(taken)
        one, *others = outcomes
        self.variables = reduce(merged, others[1:], merged(one, others[0], first))
        return False

    def in_all(self, branches: list[Branch]) -> None:
        """Hear of branches of which one is taken."""

    def _alternative(self, block: Any, guards: Guards, condition: str) -> dict[str, Any]:
        """Return the variables as they are after statements that may be left out."""
        before = self.variables
        self.lookups.step(len(before) + len(guards))
        self.variables = dict(before)
        with self.lookups.under(guards, condition):
            self.block(block)
        after, self.variables = self.variables, before
        return after

    def _line(self, node: Any) -> str:
        """Return the line of a statement as it is written."""
        return self.reader.line(self.path, node.lineno)

    def _loop(self, node: Any) -> None:
        items = self.value(node.items)
        names = [name.value for name in node.varnames]
        if isinstance(items, dict):
            items = list(items.items())
        if not isinstance(items, list):
            items = items if isinstance(items, Some) else (UNKNOWN,)
        for item in items:
            values = item if len(names) == 2 and isinstance(item, tuple) else [item] * len(names)
            self.variables |= dict(zip(names, values, strict=False))
            if isinstance(items, list):
                if self.block(node.block) and not _ends_in_continue(node.block):
                    break
            else:
                self.variables = merged(self.variables, self._alternative(node.block, [()], self._line(node)))

    def value(self, node: Any) -> Any:
        """Return what an expression comes to; UNKNOWN where that is not known here."""
        value = self._value(node)
        self.lookups.step(1 + (len(value) // 4 if isinstance(value, list | Some | dict) else 0))
        return value

    def _value(self, node: Any) -> Any:
        match type(node).__name__:
            case "StringNode":
                self.reader.tell(self.path, node.value)
                return self._formatted(node.value) if node.is_fstring else node.value
            case "BooleanNode" | "NumberNode":
                return node.value
            case "IdNode":
                value = self.variables.get(node.value, _OBJECTS.get(node.value, UNKNOWN))
                told = told_by_name(node.value).value if value == UNKNOWN else None
                return value if told is None else told
            case "ParenthesizedNode":
                return self.value(node.inner)
            case "ArrayNode":
                return flat(map(self.value, node.args.arguments))
            case "DictNode":
                pairs = [(self.value(key), self.value(item)) for key, item in node.args.kwargs.items()]
                return {key: item for key, item in pairs if isinstance(key, str)}
            case "AssignmentNode" | "PlusAssignmentNode" | "TernaryNode" | "FunctionNode" | "MethodNode" | "IndexNode":
                return getattr(self, "_" + type(node).__name__.removesuffix("Node").lower())(node)
            case "NotNode":
                return negated(truth_of(self.value(node.value)))
            case "AndNode" | "OrNode":
                return self._junction(node)
            case "ComparisonNode":
                return compared(node.ctype, self.value(node.left), self.value(node.right))
            case "ArithmeticNode":
                return added(node.operation, self.value(node.left), self.value(node.right))
        return UNKNOWN

    def _formatted(self, text: str) -> Any:
        parts = re.split(r"@([a-zA-Z_]\w*)@", text)
        parts[1::2] = [self.variables.get(name) for name in parts[1::2]]
        if len(parts) > MAX_ITEMS or not all(isinstance(part, str | int) for part in parts):
            return UNKNOWN
        joined = "".join(map(str, parts))
        return joined if len(joined) < MAX_STRING else UNKNOWN

    def _assignment(self, node: Any) -> Any:
        self.variables[node.var_name.value] = self.value(node.value)
        return UNKNOWN

    def _plusassignment(self, node: Any) -> Any:
        name = node.var_name.value
        self.variables[name] = added("+", self.variables.get(name, UNKNOWN), self.value(node.value))
        return UNKNOWN

    def _ternary(self, node: Any) -> Any:
        test = truth_of(self.value(node.condition))
        if isinstance(test, bool):
            return self.value(node.trueblock if test else node.falseblock)
        one = self._guarded(node.trueblock, test.absent_if_true)
        other = self._guarded(node.falseblock, test.absent_if_false)
        return merged({"": one}, {"": other}, test)[""]

    def _guarded(self, node: Any, guard: tuple[int, ...]) -> Any:
        with self.lookups.under([guard]):
            return self.value(node)

    def _junction(self, node: Any) -> Any:
        is_and = type(node).__name__ == "AndNode"
        left = truth_of(self.value(node.left))
        if isinstance(left, bool):
            return truth_of(self.value(node.right)) if left is is_and else left
        right = truth_of(self._guarded(node.right, left.absent_if_false if is_and else left.absent_if_true))
        return both(left, right) if is_and else either(left, right)

    def _index(self, node: Any) -> Any:
        item, index = self.value(node.iobject), self.value(node.index)
        if isinstance(item, dict):
            return item.get(index, UNKNOWN) if isinstance(index, str) else UNKNOWN
        known = isinstance(item, list | str) and isinstance(index, int) and -len(item) <= index < len(item)
        return item[index] if known else UNKNOWN

    def _function(self, node: Any) -> Any:
        return self.function(node.func_name.value, *self._arguments(node.args), f"{self.path}:{node.lineno}")

    def _method(self, node: Any) -> Any:
        owner = self.value(node.source_object)
        return self.method(owner, node.name.value, *self._arguments(node.args), f"{self.path}:{node.lineno}")

    def _arguments(self, node: Any) -> tuple[list[Any], dict[str, Any]]:
        keywords = {getattr(key, "value", ""): self.value(item) for key, item in node.kwargs.items()}
        return [self.value(item) for item in node.arguments], keywords


def _ends_in_continue(block: Any) -> bool:
    return any(type(line).__name__ == "ContinueNode" for line in block.lines)

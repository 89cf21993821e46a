"""Methods of lists and dictionaries on values that are partly known: what is put in keeps its conditions."""

from wheelbase.source.python_conditions import Guard, both
from wheelbase.source.python_values import NOTHING, Const, Either, Many, Table, Unknown, Value, either

_MAX_ITEMS = 400
Item = tuple[Guard, Value]


def items_of(value: Value, guard: Guard = ()) -> list[Item] | None:
    """Return what a loop over a value meets, each with its conditions; None where that is not known."""
    if isinstance(value, Many):
        return [(both(guard, own), item) for own, item in value.items]
    if isinstance(value, Table):
        return [(guard, Const(key)) for key in value.entries]
    if isinstance(value, Either):
        found: list[Item] = []
        known = False
        for own, inner in value.options:
            if (items := None if isinstance(inner, Either) else items_of(inner, both(guard, own))) is not None:
                known = True
                found += items
        return found[:_MAX_ITEMS] if known else None
    return None


def extend(target: Many, value: Value, guard: Guard) -> None:
    """Put the items of a value at the end of a list."""
    items = items_of(value, guard)
    if items is None or (isinstance(value, Many) and value.open):
        target.open = True
    target.items += (items or [])[: max(0, _MAX_ITEMS - len(target.items))]


def put(table: Table, key: object, value: Value, guard: Guard) -> None:
    """Set an entry. On a condition that the table was not made on, the old value remains beside the new."""
    extra = tuple(condition for condition in guard if condition not in table.born)
    if not extra:
        table.entries[key] = value
    elif key in table.entries:
        table.entries[key] = either(((), table.entries[key]), (extra, value))
    elif len(table.entries) < _MAX_ITEMS:
        table.entries[key] = Either(((extra, value),))


def replace(target: Many, index: int, value: Value, guard: Guard) -> None:
    """Set an item of a list. On a condition that the item was not put in on, the old one remains beside the new."""
    if -len(target.items) <= index < len(target.items):
        own, old = target.items[index]
        extra = tuple(condition for condition in guard if condition not in own)
        target.items[index] = (own, either(((), old), (extra, value)) if extra else value)


def update(table: Table, value: Value, guard: Guard) -> None:
    """Set all entries of another table."""
    options: tuple[Item, ...] = value.options if isinstance(value, Either) else (((), value),)
    for own, inner in options:
        if isinstance(inner, Table):
            for key, entry in list(inner.entries.items()):
                put(table, key, entry, both(guard, own))
        elif not (isinstance(inner, Const) and inner.value is None):
            table.open = True


def list_method(name: str, target: Many, arguments: list[Value], guard: Guard) -> Value:
    """Return what a method of a list or set gives, after doing what it does."""
    first = arguments[0] if arguments else NOTHING
    if name in ("append", "add", "appendleft"):
        extend(target, Many([((), first)]), guard)
    elif name in ("extend", "update", "extendleft"):
        for argument in arguments:
            extend(target, argument, guard)
    elif name == "insert" and len(arguments) > 1:
        extend(target, Many([((), arguments[1])]), guard)
    elif name in ("remove", "discard") and not guard and isinstance(first, Const):
        target.items[:] = [item for item in target.items if not _is(item[1], first)]
    elif name == "clear" and not guard:
        target.items.clear()
    elif name == "pop" and target.items:
        return either(*target.items)
    elif name in ("copy", "union", "difference", "intersection"):
        copied = Many(list(target.items), open=target.open)
        for argument in arguments if name == "union" else ():
            extend(copied, argument, guard)
        return copied
    return NOTHING


def common(left: Many, right: Many) -> Value:
    """Return what two sets of known values have in common."""
    values = [[item.value for _, item in one.items if isinstance(item, Const)] for one in (left, right)]
    if left.open or right.open or [len(left.items), len(right.items)] != [len(known) for known in values]:
        return NOTHING
    return Many([(guard, item) for guard, item in left.items if isinstance(item, Const) and item.value in values[1]])


def _is(item: Value, sought: Const) -> bool:
    return isinstance(item, Const) and item.value == sought.value


def table_method(name: str, table: Table, arguments: list[Value], named: dict[str, Value], guard: Guard) -> Value:
    """Return what a method of a dictionary gives, after doing what it does."""
    key = arguments[0].value if arguments and isinstance(arguments[0], Const) else None
    default: Value = arguments[1] if len(arguments) > 1 else Const(None)
    if name in ("get", "setdefault", "pop") and isinstance(key, str | int):
        if key in table.entries:
            return table.entries[key]
        if name == "setdefault":
            put(table, key, default, guard)
        return Unknown() if table.open and name != "setdefault" else default
    if name == "update":
        for argument in [*arguments, Table(dict(named))]:
            update(table, argument, guard)
        return NOTHING
    if name in ("items", "iteritems"):
        return Many([((), Many([((), Const(key)), ((), value)])) for key, value in table.entries.items()], table.open)
    if name in ("values", "itervalues"):
        return Many([((), value) for value in table.entries.values()], table.open)
    if name in ("keys", "iterkeys"):
        return Many([((), Const(key)) for key in table.entries], table.open)
    if name == "copy":
        return Table(dict(table.entries), guard, table.open)
    return NOTHING


def join(before: dict[str, Value], *branches: tuple[Guard, dict[str, Value]]) -> dict[str, Value]:
    """Return the names after several branches, of which one was taken."""
    if len(branches) == 1:
        return branches[0][1]
    joined = {}
    for name in dict.fromkeys(name for _, names in branches for name in names):
        values = [(guard, names[name]) for guard, names in branches if name in names]
        if len(values) == len(branches) and all(value is values[0][1] for _, value in values):
            joined[name] = values[0][1]
        else:
            joined[name] = either(*values)
    return joined if branches else before

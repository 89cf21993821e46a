"""Functions of Python that build scripts use on lists, texts and the environment. Pure but for their arguments."""

import posixpath
from collections.abc import Callable
from fnmatch import fnmatchcase
from typing import Any

from wheelbase.source.python_conditions import Guard, first_of
from wheelbase.source.python_fold import fold, relative
from wheelbase.source.python_methods import extend, items_of, update
from wheelbase.source.python_platform import is_elsewhere, truth
from wheelbase.source.python_values import (
    NOTHING,
    Class,
    Const,
    Instance,
    Many,
    Table,
    Unknown,
    Value,
    requests_of,
    texts,
)

Arguments = list[Value]
_OF_POSIX = frozenset("uname fork forkpty getuid geteuid getgid getegid getpgid setsid mkfifo chroot symlink".split())
_MAX_PATTERN = 200  # characters
_MAX_STARS = 4
_NOT_OF_SYS = ("pypy", "getwindows", "gettotalref")
Builtin = Callable[[Arguments, dict[str, Value], Guard], Value | None]


def builtin(name: str, arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    """Return what a function of Python gives; None where it is not one that is known here."""
    function = _BUILTINS.get(name)
    if function is None:
        return None
    return function(arguments, named, guard)


def _listed(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    made = Many()
    if arguments and isinstance(arguments[-1], Unknown):
        return arguments[-1]
    if arguments:
        extend(made, arguments[-1], ())
    return made


def _chained(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    made = Many()
    for argument in arguments:
        extend(made, argument, ())
    return made


def _chained_lists(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    made = Many()
    extend(made, arguments[0] if arguments else NOTHING, ())
    return _chained([item for _, item in made.items], named, guard) if not made.open else NOTHING


def _summed(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    if len(arguments) < 2 or not isinstance(arguments[1], Many):
        return None  # of numbers
    return _chained([arguments[1], _chained_lists(arguments, named, guard)], named, guard)


def _table(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    made = Table(born=guard)
    for argument in arguments:
        update(made, argument, guard)
    made.entries |= named
    return made


def _table_of_lists(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    made = Table(born=guard)
    made.lists = bool(arguments) and isinstance(arguments[0], Unknown) and arguments[0].name == "list"
    for argument in arguments[1:]:
        update(made, argument, guard)
    return made


def _enumerated(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    items = items_of(arguments[0]) if arguments else None
    if items is None:
        return arguments[0] if arguments and isinstance(arguments[0], Unknown) else None
    return Many([(own, Many([((), Const(number)), ((), item)])) for number, (own, item) in enumerate(items)])


def _zipped(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    lists = [items_of(argument) for argument in arguments]
    known = [items for items in lists if items is not None]
    if len(known) != len(lists) or not known:
        return None
    return Many([((), Many([((), item) for _, item in row])) for row in zip(*known, strict=False)])


def _folded(function: Callable[..., Any], *, holes: bool = False) -> Builtin:
    return lambda arguments, named, guard: fold(function, *arguments, holes=holes) if arguments else None


def _any(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    found = fold(any, *arguments) if arguments else None
    return Unknown(requests=first_of(found.requests)) if isinstance(found, Unknown) else found


def _boolean(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    found = truth(arguments[0]) if arguments else None
    if found is None or found.value is None:
        return Unknown(requests=requests_of(arguments[0]) if arguments else ())
    return Const(found.value, default=not found.sure)


def _environment(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    default = arguments[1] if len(arguments) > 1 else named.get("default", Const(None))
    return Const(default.value, default.where, default=True) if isinstance(default, Const) else default


def _filtered(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    items = items_of(arguments[0]) if len(arguments) == 2 else None
    if items is None:
        return None
    kept = [(own, item) for own, item in items if truth(fold(_fits, item, arguments[1])).value]
    return Many(kept, open=isinstance(arguments[0], Many) and arguments[0].open)


def _fits(name: str, pattern: str) -> bool:
    """Match a file's name with a shell's pattern; one that would take long is not known."""
    if len(pattern) > _MAX_PATTERN or pattern.count("*") > _MAX_STARS:
        raise ValueError
    return fnmatchcase(name, pattern)


def _joined_path(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value:
    return fold(lambda *parts: posixpath.join(*parts), *arguments)


def _same(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    return arguments[0] if arguments else None


def _path(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    return (_joined_path if len(arguments) > 1 else _same)(arguments, named, guard)


def _has_attribute(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    name = next(texts(arguments[1]), None) if len(arguments) == 2 else None
    if name and name.text == "set_source":
        return Const(True)  # cffi has had it since 1.0
    module = arguments[0].name if name and isinstance(arguments[0], Unknown) else ""
    if name and module == "os" and name.text in _OF_POSIX:
        return Const(True)
    if name and module == "sys" and (is_elsewhere(name.text) or name.text.startswith(_NOT_OF_SYS)):
        return Const(False)
    return NOTHING


def _is_instance(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    if len(arguments) != 2:
        return None
    value, kind = arguments
    if not isinstance(kind, Many):
        return _is_one(value, kind)
    outcomes = [_is_one(value, item) for own, item in kind.items if not own]
    if any(isinstance(outcome, Const) and outcome.value for outcome in outcomes):
        return Const(True)
    unsure = len(outcomes) < len(kind.items) or any(not isinstance(outcome, Const) for outcome in outcomes)
    return NOTHING if unsure else Const(False)


def _is_one(value: Value, kind: Value) -> Value:
    """Say whether a value is of a kind."""
    name = kind.name if isinstance(kind, Unknown) else kind.node.name if isinstance(kind, Class) else ""
    if name and is_elsewhere(name.rsplit(".", 1)[-1]):
        return Const(False)
    kinds: dict[str, tuple[type, ...]] = {"str": (str,), "basestring": (str,), "bytes": (bytes,), "int": (int,)}
    if isinstance(value, Const) and name in (*kinds, "list", "tuple", "dict", "set"):
        return Const(isinstance(value.value, kinds.get(name, ())))
    if isinstance(value, Many) and name in (*kinds, "list", "tuple", "dict"):
        return Const(name in ("list", "tuple"))
    if isinstance(value, Instance) and value.kind is not None and isinstance(kind, Class):
        return Const(value.kind is kind or any(base is kind for base in value.kind.bases))
    return NOTHING


def _type(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    """Return the name of a value's type, as a script writes it; a list may be a tuple as well."""
    value = arguments[0] if len(arguments) == 1 else None
    if isinstance(value, Const) and isinstance(value.value, str | int):
        return Unknown(type(value.value).__name__)
    return Unknown("list") if isinstance(value, Many) else NOTHING


def _get_attribute(arguments: Arguments, named: dict[str, Value], guard: Guard) -> Value | None:
    if len(arguments) < 2 or not isinstance(arguments[1], Const):
        return None
    owner, name = arguments[0], arguments[1].value
    if isinstance(owner, Instance) and name in owner.attributes.entries:
        return owner.attributes.entries[name]
    return arguments[2] if len(arguments) > 2 else None


_BUILTINS: dict[str, Builtin] = {
    **dict.fromkeys(("list", "tuple", "set", "frozenset", "sorted", "reversed", "iter", "filter"), _listed),
    **dict.fromkeys(("dict", "OrderedDict", "collections.OrderedDict", "Munch"), _table),
    **dict.fromkeys(("defaultdict", "collections.defaultdict"), _table_of_lists),
    **dict.fromkeys(("itertools.chain", "chain"), _chained),
    **dict.fromkeys(("itertools.chain.from_iterable", "chain.from_iterable"), _chained_lists),
    "sum": _summed,
    **dict.fromkeys(("os.environ.get", "os.getenv", "environ.get", "getenv", "os.environ.pop"), _environment),
    **dict.fromkeys(("os.path.join", "path.join", "pjoin", "posixpath.join", "op.join", "join"), _joined_path),
    **dict.fromkeys(
        ("os.path.abspath", "os.path.realpath", "os.path.normpath", "os.path.expanduser", "os.fspath", "os.fsdecode"),
        _same,
    ),
    **dict.fromkeys(("Path", "pathlib.Path", "PurePath", "pathlib.PurePath"), _path),
    **dict.fromkeys(("copy.copy", "copy.deepcopy", "deepcopy", "cythonize", "Cython.Build.cythonize"), _same),
    **dict.fromkeys(("no_cythonize", "cast", "typing.cast", "shlex.quote"), _same),
    **dict.fromkeys(("importlib.util.module_from_spec", "compile"), _same),
    "bool": _boolean,
    "strtobool": _folded(lambda text: str(text).lower() in ("y", "yes", "t", "true", "on", "1")),
    "distutils.util.strtobool": _folded(lambda text: str(text).lower() in ("y", "yes", "t", "true", "on", "1")),
    "int": _folded(int),
    "str": _folded(str),
    "len": _folded(len),
    "any": _any,
    "all": _folded(all),
    "os.path.relpath": _folded(relative),
    "os.path.dirname": _folded(posixpath.dirname),
    "os.path.basename": _folded(posixpath.basename),
    "os.path.splitext": _folded(posixpath.splitext),
    "shlex.split": _folded(lambda text: text.split(), holes=True),
    "shlex.join": _folded(lambda words: " ".join(words), holes=True),
    **dict.fromkeys(("fnmatch.fnmatch", "fnmatch.fnmatchcase", "fnmatch"), _folded(_fits)),
    "fnmatch.filter": _filtered,
    "enumerate": _enumerated,
    "zip": _zipped,
    "hasattr": _has_attribute,
    "isinstance": _is_instance,
    "issubclass": _is_instance,
    "type": _type,
    "getattr": _get_attribute,
}

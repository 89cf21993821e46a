"""What the calls of a build script make: extensions, what they are compiled from and what they are linked with."""

import re

from wheelbase.source.findings import Flag
from wheelbase.source.includes import FORTRAN_SUFFIXES
from wheelbase.source.python_asked import NAMED_LIST, Asked, Built, Linked, Listener, Made, is_plain
from wheelbase.source.python_commands import find_in_command, modules_of
from wheelbase.source.python_conditions import Condition, Guard, Request, both
from wheelbase.source.python_evaluator import Call
from wheelbase.source.python_values import (
    NOTHING,
    Const,
    Instance,
    Many,
    Said,
    Table,
    Unknown,
    Value,
    leaves,
    requests_of,
    texts,
)
from wheelbase.system.names import Kind

_REMOVES = re.compile(r"_*(remove|drop|disable|skip)_ext(ension)?s?")
_MAKES = ("Extension", "add_extension")
_OF_CFFI = ("set_source", "set_source_pkgconfig", "verify", "Verifier")
_BY_SOURCE: tuple[tuple[tuple[str, ...], Kind, str], ...] = (
    (FORTRAN_SUFFIXES, "language", "fortran"),
    ((".py",), "language", "cython"),
    ((".i",), "program", "swig"),
    ((".i",), "language", "c"),  # which it writes
    ((".cu",), "language", "cuda"),
    ((".go",), "language", "go"),
)


def _extension(asked: Asked, call: Call) -> Value | None:
    last = call.last
    if not (last.endswith(_MAKES) or call.name.endswith(("Extension.__init__", "setuptools.extension.Library"))):
        return None
    if last == "RustExtension":
        if call.followed:
            return None  # a class of the archive's own
        asked.found.append(Request("language", "rust", call.where, call.guard, 0.9))
        return None
    guard = call.guard
    if isinstance(optional := call.named.get("optional"), Const) and optional.value is True and call.node:
        keyword = next((item for item in call.node.keywords if item.arg == "optional"), None)
        guard = both(guard, (Condition(keyword.value),)) if keyword else guard
    found, compiled = len(asked.found), len(asked.compiled)
    _linked(asked, call, guard)
    if last == "Library":  # of setuptools: a shared one, that other extensions are linked with by its last name
        named = texts(call.named.get("name", next(iter(call.arguments), None)))
        asked.own.update(said.text.rpartition(".")[2] for said in named)
    made = Instance("Extension")
    made.attributes = Table(dict(call.named), call.guard)
    for name, value in zip(("name", "sources"), _positional(call), strict=False):
        made.attributes.entries.setdefault(name, value)
    for name in ("libraries", "extra_link_args", "extra_objects"):
        if isinstance(made.attributes.entries.get(name, Const(None)), Const):
            made.attributes.entries[name] = Many()
        _link(asked, name, made.attributes.entries[name], call.where, guard)
    for name in ("include_dirs", "library_dirs", "extra_compile_args", "define_macros", "sources", "depends"):
        made.attributes.entries.setdefault(name, Many())
    if call.followed:
        return None
    asked.made.append(Made(made, slice(found, len(asked.found)), slice(compiled, len(asked.compiled))))
    return made


def _positional(call: Call) -> list[Value]:
    """Return the arguments of an extension, without the `self` that a class hands to the one it is made of."""
    return call.arguments[1:] if call.arguments and isinstance(call.arguments[0], Instance) else call.arguments


def _linked(asked: Asked, call: Call, guard: Guard) -> None:
    sources = [*_positional(call)[1:2], *(call.named[name] for name in ("sources",) if name in call.named)]
    asked.given += [(value, sum(1 for _ in leaves(value, ()))) for value in sources or [NOTHING]]
    name = next((said.text for said in texts(call.named.get("name", next(iter(_positional(call)), None)))), "")
    for said in (said for value in sources for said in texts(value, guard)):
        asked.compiled.append((name, said))
        for suffixes, kind, language in _BY_SOURCE:
            if said.text.lower().endswith(suffixes):
                asked.found.append(Request(kind, language, said.where or call.where, said.guard, 0.9))
    if "swig_opts" in call.named and not any(True for value in sources for _ in texts(value)):
        asked.found.append(Request("program", "swig", call.where, guard, 0.7))
    for value in (call.named[name] for name in ("extra_info", "libraries") if name in call.named):
        for request in requests_of(value):
            if request.kind == "virtual" and not guard:
                request.demanded = True


def _removal(asked: Asked, call: Call) -> Value | None:
    if _REMOVES.fullmatch(call.last):
        for said in (said for value in call.arguments[:1] for said in texts(value)):
            asked.removed[said.text] = call.where
    return None


def _link(asked: Asked, name: str, value: Value, where: str, guard: Guard) -> None:
    if name == "libraries":
        asked.found.append(Linked(value, where, guard, 0.9))
    elif name == "extra_link_args":
        asked.found.append(Linked(value, where, guard, 0.8, flags=True))
    elif name == "extra_objects":
        asked.found.append(Linked(value, where, guard, 0.7, objects=True))


def _unknown_list(asked: Asked, call: Call) -> Value | None:
    owner, _, method = call.name.rpartition(".")
    name = owner.rsplit(".", 1)[-1]
    if method in ("append", "extend", "insert") and call.arguments and NAMED_LIST.fullmatch(name):
        asked.found.append(Linked(call.arguments[-1], call.where, call.guard, 0.8, named=True))
    elif method in ("add_library", "set_libraries") and call.arguments and "compiler" in owner:
        asked.found.append(Linked(call.arguments[0], call.where, call.guard, 0.8, named=True))
    return None


def _added_sources(asked: Asked, call: Call) -> Value | None:
    """What is added to the sources of an extension that a command of setuptools is given."""
    of_sources = call.name.endswith(("sources.append", "sources.extend")) and isinstance(call.owner, Unknown)
    for value in call.arguments[:1] if of_sources else ():
        added = list(texts(value, call.guard))
        asked.given.append((value, len(added)))
        asked.compiled += [("", said) for said in added]
    return None


def _scons(asked: Asked, call: Call) -> Value | None:
    """What a SConstruct links, and the commands that it takes options from."""
    if call.last == "ParseConfig" and call.arguments:
        found = find_in_command(call.arguments[0], call.where, call.guard, sure=True)
        asked.found += [item for item in found if isinstance(item, Request)]
    elif "LIBS" in call.named:
        asked.found.append(Linked(call.named["LIBS"], call.where, call.guard, 0.8))
    return None


def _setup(asked: Asked, call: Call) -> Value | None:
    if call.last == "add_library" and len(call.arguments) + len(call.named) > 1:
        asked.own.update(said.text for said in texts(call.arguments[0] if call.arguments else call.named.get("name")))
        _linked(asked, call, call.guard)
    if call.last == "create_static_lib":
        named = call.arguments[1] if len(call.arguments) > 1 else call.named.get("output_libname")
        asked.own.update(said.text for said in texts(named))
    if call.last == "run_command":
        asked.run_commands.update(said.text for said in texts(Many([((), value) for value in call.arguments])))
    if call.last not in ("setup", "numpy_setup", "_setup", "setuptools_setup") or not call.named:
        return None
    for _, item in getattr(call.named.get("libraries"), "items", ()):
        if isinstance(item, Many) and item.items:
            asked.own.update(said.text for said in texts(item.items[0][1]))
    asked.scripts += list(texts(call.named.get("cffi_modules"), call.guard))
    for said in texts(call.named.get("setup_requires"), call.guard):
        for line in filter(None, map(str.strip, said.text.split("\n"))):
            asked.found.append(Request("requirement", line, said.where or call.where, said.guard, 0.9))
    converts = call.named.get("use_2to3")
    if isinstance(converts, Const) and converts.value is True and not call.guard:
        text = "use_2to3 is asked for, which setuptools has not had since 58"
        asked.flags.append(Flag(kind="unreadable", text=text, where=call.where))
    if call.node:
        extensions = call.named.get("ext_modules", Many())
        asked.found.append(Built(call.guard, Condition(call.node), extensions, plain=is_plain(call)))
    if isinstance(commands := call.named.get("cmdclass"), Table):
        asked.commands.update({str(key): value for key, value in commands.entries.items()})
    return None


def _cffi(asked: Asked, call: Call) -> Value | None:
    if call.last not in _OF_CFFI or not (call.arguments or call.named):
        return None
    if call.last != "verify" and not any(isinstance(value, Const) and value.value is None for value in call.arguments):
        asked.found.append(Request("language", "c", call.where, call.guard, 0.9))
    for value in call.arguments[:2]:
        asked.sources += [(said, True) for said in texts(value, call.guard) if "#include" in said.text]
    for name in ("libraries", "extra_link_args", "extra_objects"):
        if name in call.named:
            _link(asked, name, call.named[name], call.where, call.guard)
    if call.last == "set_source_pkgconfig" and len(call.arguments) > 1:
        words = texts(call.arguments[1], call.guard)
        asked.found += modules_of([Said(w.text, w.where or call.where, w.guard) for w in words], 0.95)
    return None


def _mypyc(asked: Asked, call: Call) -> Value | None:
    """Modules in Python that mypyc makes C of."""
    if call.last == "mypycify":
        asked.found.append(Request("language", "c", call.where, call.guard, 0.9))
    return None


EXTENSION_LISTENERS: tuple[Listener, ...] = (
    _extension,
    _removal,
    _unknown_list,
    _added_sources,
    _scons,
    _setup,
    _cffi,
    _mypyc,
)

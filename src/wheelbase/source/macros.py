"""The macros that the build files of an archive define: what they find is kept with its tree, for who reads C."""

import ast
import re
from collections.abc import Iterator

from wheelbase.source.conditions import ANY, Interval
from wheelbase.source.syntax import parse_quietly
from wheelbase.source.tree import SourceTree

_NOTE = "macros"
_MAX_SCRIPT = 256 << 10
_LONGEST = 80  # characters of a name
_IDENTIFIER = re.compile(r"[A-Za-z_]\w{0,80}")
_SECTIONS = re.compile(r"^defines?[ \t]*=([^\n]*(?:\n[ \t]+[^\n]*)*)", re.M)
_NAMES = re.compile(r"[A-Za-z_]\w*(?:=\w*)?")
_NEGATIVE = re.compile(r"(?:\w*_)?(?:NO|NOT|WITHOUT|DISABLED?|OMIT|SKIP|EXCLUDE)(?:_?[A-Z0-9]\w*)?")
_MENTIONS = re.compile(rb"(?:\b(?:define|undef|cmakedefine(?:01)?)[ \t]+|-D|[\"'(,; =])([A-Za-z_]\w*)")
_BESIDE_C = (".c", ".cc", ".cpp", ".cxx", ".h", ".hh", ".hpp", ".hxx", ".inc", ".in")
_BY_DEFINE = re.compile(rb"#[ \t]*(?:define|undef|cmakedefine(?:01)?)[ \t]+(\w+)")


def define(tree: SourceTree, word: str) -> None:
    """Note a macro, "NAME" or "NAME=VALUE", that is defined whatever the system has."""
    name, _, value = word.partition("=")
    if _IDENTIFIER.fullmatch(name):
        known, new = tree.notes.setdefault(_NOTE, {}), _value(value)
        known[name] = new if known.get(name, new) == new else ANY


def defined(tree: SourceTree) -> dict[str, Interval]:
    """Return the macros that the build defines whatever the system has, with what they come to in conditions."""
    found: dict[str, Interval] = dict(tree.notes.get(_NOTE, {}))
    for line in _SECTIONS.findall(tree.text("setup.cfg")):
        for name, _, value in (word.partition("=") for word in _NAMES.findall(line)):
            found[name] = _value(value)
    return found | dict(_in_setup(tree.text("setup.py")))


def _value(text: str) -> Interval:
    """Return what a macro with this value comes to; where it is no number, what that stands for is not known."""
    try:
        number = int(text or "1", 0)
    except ValueError:
        return ANY
    return Interval(number, number)


def _in_setup(script: str) -> Iterator[tuple[str, Interval]]:
    """Yield the macros of setup.py that stand on no condition: ("NAME", value) where macros are named, and "-DNAME"."""
    try:
        left: list[tuple[ast.AST, bool]] = [(parse_quietly(script), False)] if len(script) <= _MAX_SCRIPT else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for_cmake = "cmake" in script.lower()  # whose options are written as macros are
    while left:
        node, named = left.pop()
        match node:
            case ast.If() | ast.IfExp() | ast.Try() | ast.While() | ast.BoolOp() | ast.ExceptHandler():
                continue
            case ast.Constant(value=str(text)) if not for_cmake and text.startswith("-D"):
                name, _, value = text[2:].partition("=")
                yield name, _value(value)
            case ast.Tuple(elts=[ast.Constant(value=str(text)), value]) if named and _IDENTIFIER.fullmatch(text):
                known = value.value if isinstance(value, ast.Constant) else None
                yield text, _value(str(known) if isinstance(known, str | int) else "1")
            case ast.Assign(targets=[target]) | ast.AugAssign(target=target):
                named = named or "macro" in _word(target)
            case ast.keyword(arg=str(name)):
                named = name == "define_macros"
            case ast.Call(func=ast.Attribute(value=owner)):
                named = named or "macro" in _word(owner)
        left += [(child, named) for child in ast.iter_child_nodes(node)]


def _word(node: ast.AST) -> str:
    """Return what a variable or an attribute is called, in lower case."""
    return str(getattr(node, "id", "") or getattr(node, "attr", "")).lower()


class Absent:
    """The macros that switch something off, and that nothing in an archive defines."""

    def __init__(self, tree: SourceTree) -> None:
        """Nothing is read before the first question."""
        self._tree = tree
        self._mentioned: frozenset[str] | None = None

    def __contains__(self, name: object) -> bool:
        """Say whether a macro is one of them."""
        if not isinstance(name, str) or len(name) > _LONGEST or not _NEGATIVE.fullmatch(name):
            return False
        if self._mentioned is None:
            self._mentioned = frozenset(self._names())
        return name not in self._mentioned

    def _names(self) -> Iterator[str]:
        for path in self._tree.used():
            in_c = path.lower().endswith(_BESIDE_C)
            for name in (_BY_DEFINE if in_c else _MENTIONS).findall(self._tree.raw(path)):
                text = name.decode()
                if len(text) <= _LONGEST and _NEGATIVE.fullmatch(text):
                    yield text

"""Which checks of a configure.ac have to succeed: those whose absence ends in an error, with the options given. Pure.

Of m4 and the shell only what decides is read: the defaults of options, checks at the outermost level, what they set
where something is absent, and `if` with simple tests. What stands within another macro, or `case`, is not known.
"""

import re
from collections.abc import Mapping
from typing import NamedTuple

from wheelbase.source.lookups import UNKNOWN, Maybe, Truth, both, either, negated

_MAX_TOKENS = 20_000
_MAX_ARGUMENTS = 2_000  # characters of one call
_MAX_DEFINITION = 50_000  # of one that is passed over, such as a macro that is defined
_MAX_TEST = 300  # characters
_MAX_DEPTH = 50
# Within quotes "#" starts no comment, so that the brackets at the end of such a line count.
_COMMENT = re.compile(r"(^|[ \t])(?:dnl\b[^\n]*|#(?:[^\n]*?(?=\][\])]*$)|[^\n]*))", re.MULTILINE)
_TOKEN = re.compile(
    r"(?P<quote>[\[\]])|(?P<error>\b[A-Z_]*MSG_(?:ERROR|FAILURE)\(|\bexit[ \t]+[1-9])"
    r"|\b(?P<macro>A[CSX]_[A-Z_]+|PKG_CHECK_[A-Z_]+)\("
    r"|(?:^|;|(?<=then)|(?<=else))[ \t]*\b(?P<word>if|elif|else|fi|case|esac)\b"
    r"|^[ \t]*(?P<name>[A-Za-z_]\w{0,60})=(?P<value>[^\s;]{0,60})",
    re.MULTILINE,
)
_ERROR = re.compile(r"MSG_(?:ERROR|FAILURE)|\bexit[ \t]+[1-9]")
_SETS = re.compile(r"\b([A-Za-z_]\w{0,60})=[\"']?([\w-]{0,60})")
_TEST = re.compile(
    r"test[ \t]+(?:\"?(x?)\$\{?(\w+)\}?\"?[ \t]*(=|==|!=)[ \t]*\"?(x?)([\w-]*)\"?|-([zn])[ \t]+\"?\$\{?(\w+)\}?\"?)$"
)
_NOT_FOUND = {  # the argument that says what is done then
    "AC_CHECK_LIB": 3, "AC_SEARCH_LIBS": 3, "AC_CHECK_HEADER": 2, "AC_CHECK_HEADERS": 2, "PKG_CHECK_MODULES": 3,
}  # fmt: skip
_NO_PROGRAM = {"AC_PATH_PROG": 2, "AC_PATH_PROGS": 2, "AC_CHECK_PROG": 3, "AC_CHECK_PROGS": 2, "AC_CHECK_TOOL": 2}
"""The argument whose text the variable, which is the first one, has then."""


def without_comments(text: str) -> str:
    """Return a configure.ac without comments; lines stay where they are."""
    return _COMMENT.sub("", text)


def arguments_of(text: str, start: int, most: int = _MAX_ARGUMENTS) -> tuple[list[str], int]:
    """Return a macro's first four arguments, without the quotes around them, and where they end, `most` on at most."""
    arguments: list[str] = []
    depth, quoted, begin, position = 0, 0, start, start
    for position in range(start, min(len(text), start + most)):
        character = text[position]
        if character in "[]":
            quoted += 1 if character == "[" else -1
        elif quoted <= 0 and character in "()":
            depth += 1 if character == "(" else -1
        if (character == "," and not depth and quoted <= 0) or depth < 0:
            arguments.append(text[begin:position].strip().strip("[]").strip())
            begin = position + 1
            if depth < 0:
                break
    return arguments[:4], position


class _Block(NamedTuple):
    """An `if` or `case` that is open: whether the branch that is read now is taken, and whether none before it was."""

    taken: Truth
    others: Truth


def calls_that_must_succeed(text: str, options: Mapping[str, str | None]) -> frozenset[int]:
    """Return where the names of such macros start; `options` are those given ("enable_x"), None for what varies."""
    return _Script(text, options).required()


class _Script:
    def __init__(self, text: str, options: Mapping[str, str | None]) -> None:
        self._text, self._options = text, options
        self._known: dict[str, str] = {name: value for name, value in options.items() if value is not None}
        self._absent: dict[str, tuple[str, tuple[int, ...]]] = {}  # the value where something at a place is absent
        self._blocks: list[_Block] = []
        self._required: set[int] = set()

    def required(self) -> frozenset[int]:
        position = quotes = 0
        for _ in range(_MAX_TOKENS):
            token = _TOKEN.search(self._text, position)
            if token is None or len(self._blocks) > _MAX_DEPTH:
                break
            position = token.end()
            if token["quote"]:
                quotes = max(0, quotes + (1 if token["quote"] == "[" else -1))
            elif quotes:
                continue
            elif token["error"]:
                self._fails(self._blocks)
            elif token["word"]:
                self._word(token["word"], position)
            elif token["name"]:
                self._set(token["name"], token["value"].strip("\"'"))
            else:
                most = _MAX_DEFINITION if token["macro"] == "AC_DEFUN" else _MAX_ARGUMENTS
                arguments, position = arguments_of(self._text, position, most)
                self._call(token["macro"], arguments, token.start("macro"))
        return frozenset(self._required)

    def _certain(self) -> bool:
        return all(block.taken is True for block in self._blocks)

    def _word(self, word: str, position: int) -> None:
        if word == "if":
            test = self._test(position)
            self._blocks.append(_Block(test, negated(test)))
        elif word == "case":
            self._blocks.append(_Block(UNKNOWN, UNKNOWN))
        elif self._blocks:
            block = self._blocks.pop()
            if word in ("else", "elif"):
                test = self._test(position) if word == "elif" else True
                self._blocks.append(_Block(both(block.others, test), both(block.others, negated(test))))

    def _test(self, position: int) -> Truth:
        text = self._text[position : position + _MAX_TEST]
        test, found, _ = text.partition("then")
        return self._truth(test.strip().rstrip(";").strip()) if found else UNKNOWN

    def _truth(self, test: str) -> Truth:
        for operator, join in (("||", either), ("&&", both)):
            left, found, right = test.partition(operator)
            if found:
                return join(self._truth(left.strip()), self._truth(right.strip()))
        match = _TEST.match(test.strip())
        if match is None or match[1] != match[4]:
            return UNKNOWN
        name, value = match[2] or match[7], match[5] or ""
        equal = match[3] != "!=" if match[3] else match[6] == "z"
        if name in self._absent:
            absent, places = self._absent[name]
            return _if_absent(places, (absent == value) is equal)
        if name not in self._known and (name in self._options or not name.startswith(("enable_", "with_"))):
            return UNKNOWN
        return (self._known.get(name, "") == value) is equal

    def _set(self, name: str, value: str) -> None:
        self._absent.pop(name, None)
        self._known.pop(name, None)
        if self._certain() and re.fullmatch(r"[\w-]*", value):
            self._known[name] = value

    def _call(self, macro: str, arguments: list[str], start: int) -> None:
        padded = [*arguments, "", "", "", ""]
        if macro in ("AC_ARG_ENABLE", "AC_ARG_WITH"):
            name = f"{'enable' if macro.endswith('ENABLE') else 'with'}_{re.sub(r'[^A-Za-z0-9]', '_', padded[0])}"
            default = _SETS.fullmatch(padded[3].rstrip("\"'"))
            if name not in self._options and (not padded[3] or default):
                self._known[default[1] if default else name] = default[2] if default else ""
        elif macro == "AS_IF":
            test = self._truth(padded[0])
            for action, taken in ((padded[1], test), (padded[2], negated(test))):
                if _ERROR.search(action):
                    self._fails([*self._blocks, _Block(taken, UNKNOWN)])
        elif not self._certain():
            for name, _ in _SETS.findall(" ".join(arguments)):
                self._absent.pop(name, None)
                self._known.pop(name, None)
        elif macro in _NOT_FOUND:
            self._check(macro, padded, start)
        elif macro in _NO_PROGRAM:
            self._note(padded[0], padded[_NO_PROGRAM[macro]], start)

    def _check(self, macro: str, arguments: list[str], start: int) -> None:
        number = _NOT_FOUND[macro]
        found, absent = arguments[number - 1], arguments[number]
        if _ERROR.search(absent) or (macro == "PKG_CHECK_MODULES" and not absent):
            self._required.add(start)
        for name, value in _SETS.findall(absent):
            self._note(name, value, start)
        for name, _ in _SETS.findall(found):
            if name in self._known:
                self._note(name, self._known[name], start)
        cached = {"AC_CHECK_LIB": f"lib_{arguments[0]}_{arguments[1]}", "AC_CHECK_HEADER": f"header_{arguments[0]}"}
        if macro in cached:
            self._note("ac_cv_" + re.sub(r"\W", "_", cached[macro]), "no", start)

    def _note(self, name: str, value: str, place: int) -> None:
        """Note what a variable is where something is absent: of several checks that set the same, any of them."""
        before, places = self._absent.get(name, (value, ()))
        self._absent[name] = (value, (*(places if before == value else ()), place)[-_MAX_DEPTH:])
        self._known.pop(name, None)

    def _fails(self, blocks: list[_Block]) -> None:
        """Make required what has to be there so that the innermost branch is not taken."""
        if blocks and all(block.taken is True for block in blocks[:-1]):
            taken = blocks[-1].taken
            self._required.update(taken.absent_if_true if not isinstance(taken, bool) else ())


def _if_absent(places: tuple[int, ...], true: bool) -> Truth:
    return Maybe(places, ()) if true else Maybe((), places)

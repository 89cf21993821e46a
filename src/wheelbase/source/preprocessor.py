"""What a C or C++ text includes when GCC compiles it on Linux for CPython 3. Pure; linear in the length of the text.

Conditions are judged three-valued: what the compiler, the system and Python define is known, what other systems define
is known not to be there, and all else (what configure scripts, `-D` and other headers define) is not known.
"""

import re
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from wheelbase.source.conditions import ANY, UNDEFINED, Interval, Macros, evaluate, truth
from wheelbase.source.findings import OTHERWISE

_NONE: Mapping[str, Interval] = {}
_MAX_CONDITION = 100  # characters, of a condition that is shown
_INCLUDE = re.compile(r"""[ \t]*(?:<([^>\n]{1,250})>|"([^"\n]{1,250})"|([A-Za-z_]\w{0,80}))""")
_DEFINE = re.compile(r"[ \t]*([A-Za-z_]\w*)(\(?)[ \t]*")
_NAME = re.compile(r"[ \t]*([A-Za-z_]\w*)")

# Strings, comments and raw strings, each of which takes all it can and never gives back, so a text is walked once.
# Every alternative starts with a plain character: the matcher skips to those.
_TOKEN = re.compile(
    r"""\n[ \t]*\#[ \t]*(?:include|include_next|import)[ \t]*<[^>\n]*+>"""
    r"""|/(?:\*.*?(?:\*/|\Z)|/[^\\\n]*+(?:\\.[^\\\n]*+)*+)"""
    r"""|R(?:(?<![A-Za-z0-9_]R)|(?<=[uUL8]R))"(?P<mark>[^()\\\s"]{0,16})\(.*?(?:\)(?P=mark)"|\Z)"""
    r"""|"[^"\\\n]*+(?:\\.[^"\\\n]*+)*+"?"""
    r"""|'(?:[^'\\\n]|\\.){1,8}'""",
    re.DOTALL,
)
_DIRECTIVE = re.compile(  # with the lines that a backslash joins to it
    r"\n[ \t]*\#[ \t]*(if|ifdef|ifndef|elif|elifdef|elifndef|else|endif|include|include_next|import|define|undef)\b"
    r"([^\\\n]*+(?:\\.[^\\\n]*+)*+)",
    re.DOTALL,
)
_ANY_INCLUDE = re.compile(r"\#[ \t]*(?:include|import)\b|\#[ \t]*include_next\b")


class Include(NamedTuple):
    """An include that is not dead: `state` is "live" where Linux always includes it, else `condition` is why not."""

    line: int
    name: str
    angled: bool
    state: Literal["live", "unknown"]
    condition: str


@dataclass(slots=True)
class _Group:
    """One #if that is open: what holds around it, whether an earlier branch was taken, and what holds in this one."""

    outer: bool | None
    outer_reason: str
    taken: bool | None
    state: bool | None
    reason: str


def live_includes(
    text: str, *, cpp: bool | None = None, defined: Mapping[str, Interval] = _NONE, absent: Container[str] = ()
) -> Iterator[Include]:
    """Yield the includes of a text that are not dead on Linux. `cpp` is None for a header, which may be of either.

    `defined` are macros that the build defines whatever it finds, `absent` those that it never defines.
    """
    head = _up_to_last_include(text)
    if head:
        macros = Macros(cpp, absent)
        for name, value in defined.items():
            macros.put(name, value)
        yield from _walk(without_comments(head), macros)


def defines_of(text: str, names: Iterable[str]) -> frozenset[str]:
    """Return those of some macros that a header defines as true, whatever the system has."""
    macros = Macros(None)
    for _ in _walk(without_comments("\n" + text.replace("\r\n", "\n")), macros):
        pass
    return frozenset(name for name in names if macros.defined(name) and truth(macros.value(name)) is not False)


def live_text(text: str) -> str:
    """Return a text without comments, and without what is never compiled. Lines keep their number."""
    plain = without_comments("\n" + text.replace("\r\n", "\n").replace("\r", "\n"))
    dead: list[tuple[int, int]] = []
    for _ in _walk(plain, Macros(None), dead):
        pass
    parts, last = [], 0
    for start, end in dead:
        parts += [plain[last:start], "\n" * plain.count("\n", start, end)]
        last = end
    return "".join([*parts, plain[last:]])[1:]


def _up_to_last_include(text: str) -> str:
    """Return the part of a text that decides, which is the start of nearly all files: lines that each start with LF."""
    last = None
    for last in _ANY_INCLUDE.finditer(text):  # noqa: B007
        pass
    if last is None:
        return ""
    stop = text.find("\n", last.end())
    return "\n" + text[: stop if stop >= 0 else len(text)].replace("\r\n", "\n").replace("\r", "\n")


def without_comments(text: str) -> str:
    """Return the text with comments as spaces, and what quotes hold without directives. Lines keep their number."""

    def plain(match: re.Match[str]) -> str:
        token = match.group()
        if token[0] == "\n" or ("\n" not in token and token[0] != "/"):
            return token
        return (" " if token[0] == "/" else '""') + "\\\n" * token.count("\n")

    return _TOKEN.sub(plain, text)


def _walk(text: str, macros: Macros, dead: list[tuple[int, int]] | None = None) -> Iterator[Include]:
    """Yield the includes; where a list is given for what is `dead`, put the stretches between directives into it."""
    groups: list[_Group] = []
    line, last, end = 0, 0, 0
    directives = list(_DIRECTIVE.finditer(text))
    for index, match in enumerate(directives):
        line += text.count("\n", last, match.start() + 1)
        last = match.start() + 1
        if dead is not None and groups and groups[-1].state is False:
            dead.append((end, match.start()))
        end = match.end()
        word, rest = match[1], match[2].replace("\\\n", " ")
        state, reason = (groups[-1].state, groups[-1].reason) if groups else (True, "")
        if word in ("include", "include_next", "import"):
            if state is not False and (found := _included(rest, macros)):
                yield Include(line, *found, "live" if state else "unknown", "" if state else reason)
        elif word in ("define", "undef"):
            if state is not False:
                _define(word, rest, macros, sure=state is True)
        elif word in ("if", "ifdef", "ifndef"):
            following = directives[index + 1] if index + 1 < len(directives) else None
            groups.append(_opened(word, rest, state, reason, macros, following))
        elif word == "endif":
            del groups[-1:]
        elif groups:
            _next_branch(groups[-1], word, rest, macros)


def _opened(
    word: str, rest: str, outer: bool | None, reason: str, macros: Macros, following: re.Match[str] | None
) -> _Group:
    holds = None if outer is False else _condition(word, rest, macros)
    if word == "ifndef" and holds is None and _is_defined_next(rest, following):
        holds = True  # a guard against being included twice, or a default
    own = _shown(word, rest) if holds is None else reason
    return _Group(outer=outer, outer_reason=reason, taken=holds, state=_and(outer, holds), reason=own)


def _next_branch(group: _Group, word: str, rest: str, macros: Macros) -> None:
    """Go to an #elif or #else."""
    dead = group.outer is False or group.taken is True
    holds = True if word == "else" else None if dead else _condition(word.removeprefix("el"), rest, macros)
    before = None if group.taken is None else not group.taken
    if word != "else" and holds is None:
        group.reason = _shown(word, rest)
    elif before is None:
        group.reason = f"{OTHERWISE}{group.reason.removeprefix(OTHERWISE)}"[:_MAX_CONDITION]
    else:
        group.reason = group.outer_reason
    group.state = _and(group.outer, _and(before, holds))
    group.taken = True if group.taken or holds else None if group.taken is None or holds is None else False


def _condition(word: str, rest: str, macros: Macros) -> bool | None:
    if word == "if":
        return truth(evaluate(rest, macros))
    name = _NAME.match(rest)
    there = macros.defined(name[1]) if name else None
    return there if word == "ifdef" or there is None else not there


def _is_defined_next(rest: str, following: re.Match[str] | None) -> bool:
    name, defined = _NAME.match(rest), _NAME.match(following[2]) if following and following[1] == "define" else None
    return bool(name and defined and name[1] == defined[1])


def _shown(word: str, rest: str) -> str:
    return f"#{word} {' '.join(rest.split())}"[:_MAX_CONDITION]


def _and(one: bool | None, other: bool | None) -> bool | None:
    if one is False or other is False:
        return False
    return True if one and other else None


def _define(word: str, rest: str, macros: Macros, *, sure: bool) -> None:
    match = _DEFINE.match(rest)
    if not match:
        return
    name, is_function, body = match[1], bool(match[2]), rest[match.end() :].strip()
    if word == "undef":
        macros.put(name, UNDEFINED, sure=sure)
    elif is_function or len(body) > _MAX_CONDITION:
        macros.put(name, ANY, sure=sure)
    else:
        macros.put(name, evaluate(body, macros), body, sure=sure)


def _included(rest: str, macros: Macros) -> tuple[str, bool] | None:
    match = _INCLUDE.match(rest)
    if match and match[3]:
        match = _INCLUDE.match(macros.body(match[3]))
    if not match or match[3]:
        return None
    name = (match[1] or match[2] or "").strip()
    return (name, match[1] is not None) if name else None

"""Which lines of a Cython source are compiled on Linux: blocks of IF, ELIF and ELSE, decided by indentation. Pure."""

import re
from bisect import bisect_right
from dataclasses import dataclass

_ANY = re.compile(r"^[ \t]*IF\b", re.M)
_BRANCH = re.compile(r"[ \t]*(IF|ELIF|ELSE)\b([^\n]{0,300})")
_SYSTEM = re.compile(r"\s*(not\s+)?UNAME_SYSNAME\s*(==|!=|(?:not\s+)?in\b)\s*(.*)", re.DOTALL)
_STRING = re.compile(r"[\"']([^\"'\n]{0,100})[\"']")
_MOST_OPEN = 100

State = tuple[bool | None, str]
"""Whether a line is compiled, None where that is not known; and then the condition that it stands under."""


class Lines:
    """The numbers of lines of a text, by offset."""

    def __init__(self, text: str) -> None:
        """Note where lines end, as far as anybody may ask."""
        self._ends = [match.start() for match in re.finditer("\n", text)]

    def of(self, offset: int) -> int:
        """Return the number of the line of an offset, from 1."""
        return bisect_right(self._ends, offset - 1) + 1


@dataclass(frozen=True, slots=True)
class _Block:
    indent: int
    outer: State
    taken: bool | None
    state: State


def states_of_lines(text: str) -> list[State]:
    """Return the state of each line; empty where there is no such block."""
    if not _ANY.search(text):
        return []
    states: list[State] = []
    blocks: list[_Block] = []
    for line in text.split("\n"):
        if line.strip():
            indent = len(line) - len(line.lstrip())
            closed = None
            while blocks and blocks[-1].indent >= indent:
                closed = blocks.pop()
            outer = blocks[-1].state if blocks else (True, "")
            branch = _BRANCH.match(line)
            if branch and len(blocks) < _MOST_OPEN:
                before = closed if closed and closed.indent == indent else None
                states.append(outer)
                blocks.append(_next(branch[1], branch[2].strip().removesuffix(":"), indent, outer, before))
                continue
        states.append(blocks[-1].state if blocks else (True, ""))
    return states


def _next(word: str, written: str, indent: int, outer: State, before: _Block | None) -> _Block:
    earlier = before.taken if before and word != "IF" else False
    holds = True if word == "ELSE" else _holds(written)
    known = (
        None if None in (holds, earlier) and holds is not False and earlier is not True else bool(holds and not earlier)
    )
    taken = True if earlier or holds else None if None in (holds, earlier) else False
    if known is False or outer[0] is False:
        return _Block(indent, outer, taken, (False, ""))
    return _Block(indent, outer, taken, outer if known else (None, f"{word} {written}".strip()[:100]))


def _holds(written: str) -> bool | None:
    match = _SYSTEM.fullmatch(written)
    if not match or re.search(r"\b(?:and|or)\b", match[3]):
        return None
    is_linux = "Linux" in _STRING.findall(match[3])
    return is_linux == ((match[2] == "==" or match[2] == "in") != bool(match[1]))

"""CMake's language: files are split into commands, and commands into blocks. Pure; linear in the text."""

import re
from typing import NamedTuple

_MAX_DEPTH = 40


class Argument(NamedTuple):
    """An argument as written; `literal` where no variables are replaced in it, `quoted` where it is no list."""

    text: str
    quoted: bool = False
    literal: bool = False


class Command(NamedTuple):
    """One command: its name in lower case."""

    name: str
    arguments: tuple[Argument, ...]
    line: int


_SPACE = re.compile(r"[\s;]+")
_NAME = re.compile(r"[A-Za-z_]\w*")
_BRACKET = re.compile(r"\[(=*)\[")
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_UNQUOTED = re.compile(r'(?:[^\s()#"\\;]|\\.|"[^"\s]*")+', re.DOTALL)


def commands_of(text: str) -> list[Command]:
    """Return the commands of a CMake file. Raises ValueError where it is none."""
    commands: list[Command] = []
    position, line, counted = 0, 1, 0
    while (position := _skipped(text, position)) < len(text):
        name = _NAME.match(text, position)
        if name is None:
            raise ValueError(text.count("\n", 0, position) + 1)
        start = _skipped(text, name.end())
        line, counted = line + text.count("\n", counted, position), position
        if text[start : start + 1] != "(":
            raise ValueError(line)
        arguments, position = _arguments(text, start + 1, line)
        commands.append(Command(name[0].lower(), tuple(arguments), line))
    return commands


def _arguments(text: str, position: int, line: int) -> tuple[list[Argument], int]:
    arguments: list[Argument] = []
    depth = 1
    while (position := _skipped(text, position)) < len(text):
        character = text[position]
        if character in "()":
            depth += 1 if character == "(" else -1
            position += 1
            if not depth:
                return arguments, position
            arguments.append(Argument(character, literal=True))
            continue
        argument, position = _argument(text, position, line)
        arguments.append(argument)
    raise ValueError(line)


def _argument(text: str, position: int, line: int) -> tuple[Argument, int]:
    if bracket := _BRACKET.match(text, position):
        end = _closed(text, bracket)
        if end < 0:
            raise ValueError(line)
        return Argument(text[bracket.end() : end - len(bracket[1]) - 2], True, True), end
    quoted = _QUOTED.match(text, position)
    if quoted:
        return Argument(quoted[1], True), quoted.end()
    plain = _UNQUOTED.match(text, position)
    if plain is None:
        raise ValueError(line)
    return Argument(plain[0]), plain.end()


def _skipped(text: str, position: int) -> int:
    """Return where the next token starts: after spaces and comments."""
    while position < len(text):
        if space := _SPACE.match(text, position):
            position = space.end()
        elif text[position] == "#":
            bracket = _BRACKET.match(text, position + 1)
            end = _closed(text, bracket) if bracket else text.find("\n", position)
            position = end if end >= 0 else len(text)
        else:
            break
    return position


def _closed(text: str, bracket: re.Match[str]) -> int:
    """Return where a bracket argument or comment ends, -1 where it does not."""
    end = text.find(f"]{bracket[1]}]", bracket.end())
    return end if end < 0 else end + len(bracket[1]) + 2


class Block(NamedTuple):
    """if, foreach, while, function, macro: each branch is the command that opens it, and what stands in it."""

    branches: list[tuple[Command, list["Command | Block"]]]


_OPENS = frozenset(("if", "foreach", "while", "function", "macro"))


def blocks_of(commands: list[Command]) -> list[Command | Block]:
    """Return commands with those of a block below it. Raises ValueError where blocks do not close."""
    outer: list[Command | Block] = []
    open_blocks: list[tuple[str, Block]] = []
    for command in commands:
        body = open_blocks[-1][1].branches[-1][1] if open_blocks else outer
        if command.name in _OPENS:
            block = Block([(command, [])])
            body.append(block)
            open_blocks.append((command.name, block))
            if len(open_blocks) > _MAX_DEPTH:
                raise ValueError(command.line)
        elif command.name in ("elseif", "else"):
            if not open_blocks or open_blocks[-1][0] != "if":
                raise ValueError(command.line)
            open_blocks[-1][1].branches.append((command, []))
        elif command.name.startswith("end") and command.name[3:] in _OPENS:
            if not open_blocks or open_blocks.pop()[0] != command.name[3:]:
                raise ValueError(command.line)
        else:
            body.append(command)
    if open_blocks:
        raise ValueError(open_blocks[-1][1].branches[0][0].line)
    return outer

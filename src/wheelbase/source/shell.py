"""Shell scripts of an archive that its build runs: what their command lines ask for, but for those on a condition."""

import dataclasses
import re
from collections.abc import Iterator

from wheelbase.source.findings import Flag
from wheelbase.source.python_asked import Asked
from wheelbase.source.python_commands import SHELL, find_in_command
from wheelbase.source.python_conditions import Request
from wheelbase.source.python_values import Const
from wheelbase.source.tree import SourceTree

_MOST_SCRIPTS = 20
_MOST_LINES = 2_000
_CONTINUED = re.compile(r"\\\n")
_COMMENT = re.compile(r"(?:^|(?<=\s))#.*")
_OPENS = re.compile(r"(?:if|case)\b|(?:function\s+)?[\w-]+\s*\(\)|function\b")
_CLOSES = re.compile(r"(?:fi|esac)\b|\}")
_HERE = re.compile(r"<<-?\s*[\"']?(\w+)")


def follow_shell(asked: Asked, tree: SourceTree) -> None:
    """Note what the scripts ask for that build scripts run: of each once, where it is run on the fewest conditions."""
    runs: dict[str, Request] = {}
    for one in asked.found:
        if isinstance(one, Request) and one.name.endswith(SHELL) and (path := next(iter(tree.headers(one.name)), "")):
            runs[path] = min(runs.get(path, one), one, key=lambda run: (len(run.guard), not run.demanded))
    for path, script in list(runs.items())[:_MOST_SCRIPTS]:
        for line, command in commands_of(tree.text(path)):
            for item in find_in_command(Const(command), f"{path}:{line}", script.guard, sure=True):
                if isinstance(item, Flag):
                    asked.flags.append(item)
                elif not item.name.endswith(SHELL):
                    asked.found.append(dataclasses.replace(item, demanded=script.demanded))


def commands_of(script: str) -> Iterator[tuple[int, str]]:
    """Yield (line, command line) of what a script runs whatever it finds: not within `if`, `case` and functions."""
    text = _CONTINUED.sub(lambda match: "\v", script)
    number, depth, until = 1, 0, ""
    for raw in text.split("\n")[:_MOST_LINES]:
        line = _COMMENT.sub("", raw).replace("\v", " ").strip()
        if until:
            until = "" if line == until else until
        elif _OPENS.match(line):
            depth += not re.search(r"(?:\bfi|\besac|\})\s*;?$", line)
        elif _CLOSES.match(line):
            depth = max(depth - 1, 0)
        elif line and not depth:
            yield number, line
        if here := _HERE.search(line):
            until = here[1]
        number += 1 + raw.count("\v")

"""Python's own parser, without the warnings that it gives of other people's code. Pure."""

import ast
import threading
import warnings
from collections.abc import Iterator
from typing import NamedTuple

_MAX_SCRIPT = 256 << 10
_ALONE = threading.Lock()  # the filters of warnings are the whole process's


def parse_quietly(text: str | bytes) -> ast.Module:
    """Return the syntax tree of a script; raises what `ast.parse` does. Who calls bounds the size of the text."""
    with _ALONE, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its escapes and the like, which are not ours to mend
        return ast.parse(text)


class Given(NamedTuple):
    """How a text of a Python script may come to be used."""

    called: bool = False  # in no function that nothing is seen to call
    likely: bool = False  # the environment and options of whoever builds need not bring it about
    always: bool = False


def plain_texts(script: str) -> Iterator[str]:
    """Yield the texts in a Python script but for those in an `if`: what is given in special cases is left out."""
    try:
        left: list[ast.AST] = [parse_quietly(script)] if len(script) <= _MAX_SCRIPT else []
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    while left:
        node = left.pop()
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif not isinstance(node, ast.If | ast.IfExp):
            left += ast.iter_child_nodes(node)

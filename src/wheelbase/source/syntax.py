"""Python's own parser, without the warnings that it gives of other people's code. Pure."""

import ast
import threading
import warnings

_ALONE = threading.Lock()  # the filters of warnings are the whole process's


def parse_quietly(text: str | bytes) -> ast.Module:
    """Return the syntax tree of a script; raises what `ast.parse` does. Who calls bounds the size of the text."""
    with _ALONE, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of its escapes and the like, which are not ours to mend
        return ast.parse(text)

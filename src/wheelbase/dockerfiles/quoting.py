"""Texts of users as a Dockerfile takes them: quoted for whoever reads them, Docker or the shell, or refused. Pure."""

import json
import re
import shlex
from collections.abc import Iterable

from wheelbase.errors import RequirementsError

# Spaces and quotation marks are quoted; these are read as variables, patterns or ends of lines somewhere.
_PATH = re.compile(r"[^\s\"'`$\\*?\[\]<>|&;{}\x00-\x1f\x7f]+(?: [^\s\"'`$\\*?\[\]<>|&;{}\x00-\x1f\x7f]+)*")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@+-]*")
_SYSTEM_PACKAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+~=()/-]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]*")
_SHELL_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_MOUNT = re.compile(r"[A-Za-z0-9._/-]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")
_SHOWN = 80


def reference(text: str) -> str:
    """Return an image's name."""
    return _checked(_REFERENCE, text, "an image", "a Dockerfile takes names like registry.example/team/image:tag")


def system_package(text: str) -> str:
    """Return the name of a package of the system, for the shell."""
    return shlex.quote(_checked(_SYSTEM_PACKAGE, text, "a system package", "check its name"))


def path(text: str) -> str:
    """Return a path, in the context or in the image, that can stand for itself."""
    return _checked(_PATH, text, "a path in a Dockerfile", "rename it, without quotation marks, patterns and $")


def variable(text: str) -> str:
    """Return the name of an environment variable."""
    return _checked(_NAME, text, "an environment variable", "write letters, digits and _")


def label(text: str) -> str:
    """Return the name of a label."""
    return _checked(_LABEL, text, "a label", "write letters, digits, dots and dashes")


def shell_variable(text: str) -> str:
    """Return the name of a variable that the shell or a build argument can have."""
    return _checked(_SHELL_NAME, text, "a variable", "write letters, digits and _")


def mount(text: str) -> str:
    """Return the ID or the target of a mount."""
    return _checked(_MOUNT, text, "a mount", "write letters, digits, dots and slashes")


def word(text: str) -> str:
    """Return a word for the shell."""
    return shlex.quote(_one_line(text))


def words(texts: Iterable[str]) -> str:
    """Return words for the shell, with spaces between them."""
    return " ".join(map(word, texts))


def value(text: str) -> str:
    """Return the value of an ENV or a LABEL: as it is where it is plain, else in quotation marks."""
    line = _one_line(text)
    if re.fullmatch(r"[A-Za-z0-9_./:@%+=,-]+", line):
        return line
    return '"' + re.sub(r'([\\"$])', r"\\\1", line) + '"'


def array(texts: Iterable[str]) -> str:
    """Return the exec form of a command: JSON, in which Docker replaces nothing."""
    listed = list(texts)
    if any("\0" in text for text in listed):
        raise RequirementsError("a command has a NUL in it", hint="take it out")
    return json.dumps(listed, ensure_ascii=False)


def copied(sources: Iterable[str], target: str) -> str:
    """Return the arguments of a COPY."""
    paths = [path(one) for one in (*sources, target)]
    if any(" " in one or one.startswith(("-", "#")) for one in paths):
        return json.dumps(paths, ensure_ascii=False)
    return " ".join(paths)


def comment(text: str) -> str:
    """Return a text as one line that ends no comment."""
    return _CONTROL.sub(" ", text).rstrip().removesuffix("\\").rstrip()


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise RequirementsError(
            f"{text[:_SHOWN]!r} cannot stand in a Dockerfile: it has a line's end or a control character in it",
            hint="set it where the image runs",
        )
    return text


def _checked(pattern: re.Pattern[str], text: str, what: str, hint: str) -> str:
    if not pattern.fullmatch(text):
        raise RequirementsError(f"{text[:_SHOWN]!r} cannot be the name of {what}", hint=hint)
    return text

"""What .gitignore and .dockerignore leave out of a folder. Reads files.

Sources: gitignore(5) with Git's wildmatch.c; Docker's reference of .dockerignore with moby's patternmatcher. What one
user or one clone alone ignores (core.excludesFile, .git/info/exclude) is not looked at, nor whether a file is tracked
in spite of a pattern: two clones give the same files.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wheelbase.errors import RequirementsError

_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": " \\t",
    "cntrl": "\\x00-\\x1f\\x7f",
    "digit": "0-9",
    "graph": "!-~",
    "lower": "a-z",
    "print": " -~",
    "punct": "!-/:-@\\[-`{-~",
    "space": " \\t-\\r",
    "upper": "A-Z",
    "xdigit": "0-9a-fA-F",
}
_NEVER = "(?!)"


@dataclass(frozen=True, slots=True)
class _Pattern:
    regex: re.Pattern[str]
    negated: bool
    #: For Git: it is of folders alone, and of the last part of a path alone.
    folders: bool = False
    names: bool = False
    #: For Docker: its last part is no wildcard.
    literal: bool = False


@dataclass(frozen=True, slots=True)
class GitIgnore:
    """The .gitignore files that hold in a folder: the nearest first, each with the folder's prefix of paths."""

    files: tuple[tuple[str, tuple[_Pattern, ...]], ...] = ()

    def below(self, folder: Path, prefix: str) -> "GitIgnore":
        """Return what holds in a folder of the one before: `prefix` is its path, "" or ending in "/"."""
        # Git matches bytes: ISO 8859-1 gives each its character.
        patterns = tuple(map(_git_pattern, _git_lines(_read(folder / ".gitignore").decode("latin-1"))))
        return GitIgnore(((prefix, patterns), *self.files)) if patterns else self

    def ignores(self, path: str, *, folder: bool) -> bool:
        """Say whether a path is ignored: the last match of the nearest file with one counts.

        Ask of the folders above it first: nothing in an ignored folder can be had back.
        """
        whole = path.encode("utf-8", "surrogateescape").decode("latin-1")
        name = whole.rpartition("/")[2]
        for prefix, patterns in self.files:
            below = whole[len(prefix.encode("utf-8", "surrogateescape")) :]
            for pattern in reversed(patterns):
                if (folder or not pattern.folders) and pattern.regex.fullmatch(name if pattern.names else below):
                    return not pattern.negated
        return False


def git_ignore_above(folder: Path) -> tuple[GitIgnore, str]:
    """Return what the folders above a folder ignore, up to the root of its repository, and its path below that root.

    The path is "" or ends in "/": all paths that are asked about begin with it.
    """
    chain = [folder, *folder.parents]
    root = next((place for place, parent in enumerate(chain) if (parent / ".git").exists()), 0)
    ignore, prefix = GitIgnore(), ""
    for parent, name in zip(chain[root:0:-1], [one.name for one in chain[:root]][::-1], strict=True):
        ignore = ignore.below(parent, prefix)
        prefix += f"{name}/"
    return ignore, prefix


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    except (FileNotFoundError, IsADirectoryError):
        return b""
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}", hint="make it readable for the user who builds"
        ) from error


def _git_lines(text: str) -> Iterator[str]:
    for line in text.split("\n"):
        if not line.startswith("#") and (kept := _without_spaces(line.removesuffix("\r"))):
            yield kept


def _without_spaces(line: str) -> str:
    """Take off the spaces at the end that no backslash keeps."""
    kept = line.rstrip(" ")
    backslashes = len(kept) - len(kept.rstrip("\\"))
    return f"{kept} " if backslashes % 2 and kept != line else kept


def _git_pattern(line: str) -> _Pattern:
    negated = line.startswith("!")
    pattern = line[negated:]
    folders = pattern.endswith("/")
    pattern = pattern[: len(pattern) - folders]
    names = "/" not in pattern
    return _Pattern(re.compile(_wildmatch(pattern.removeprefix("/")), re.DOTALL), negated, folders, names)


def _wildmatch(pattern: str) -> str:
    """Return Git's pattern as a regular expression."""
    parts: list[str] = []
    place = 0
    while place < len(pattern):
        char, rest = pattern[place], pattern[place:]
        if stars := re.match(r"\*+", rest):
            place += stars.end()
            at_start = not parts or pattern[: place - stars.end()].endswith("/")
            if len(stars[0]) == 1 or not at_start or (place < len(pattern) and pattern[place] != "/"):
                parts.append("[^/]*")
            elif place == len(pattern):
                parts.append(".*")
            else:
                parts.append("(?:.*/)?")
                place += 1
        elif char == "[":
            length, regex = _bracket(rest)
            parts.append(regex)
            place += length
        elif char == "\\":
            parts.append(re.escape(rest[1]) if len(rest) > 1 else _NEVER)
            place += 2
        else:
            parts.append("[^/]" if char == "?" else re.escape(char))
            place += 1
    return "".join(parts)


def _bracket(text: str) -> tuple[int, str]:
    """Return the length of the bracket that a text starts with, and its regular expression."""
    token = r"\[:(?P<named>[^\]:]*):\]|\\?(?P<low>.)(?:-(?!\])\\?(?P<high>.))?"
    head = re.match(r"\[[!^]?", text)
    assert head
    members: list[str] = []
    place = head.end()
    while place == head.end() or not text.startswith("]", place):
        found = re.compile(token, re.DOTALL).match(text, place)
        if not found or (found["named"] is not None and found["named"] not in _CLASSES):
            return len(text), _NEVER
        place = found.end()
        if found["named"] is not None:
            members.append(_CLASSES[found["named"]])
        elif found["high"] and found["low"] <= found["high"]:
            members.append(f"{re.escape(found['low'])}-{re.escape(found['high'])}")
        else:
            members.append(re.escape(found["low"]))
    inside = "".join(members)
    if len(head[0]) == 2:
        return place + 1, f"[^/{inside}]"
    return place + 1, f"(?!/)[{inside}]" if inside else _NEVER


@dataclass(frozen=True, slots=True)
class DockerIgnore:
    """The patterns of a .dockerignore."""

    patterns: tuple[_Pattern, ...] = ()

    @property
    def brings_back(self) -> bool:
        """Say whether something in a folder that is left out may be in."""
        return any(pattern.negated for pattern in self.patterns)

    def names(self, path: str) -> bool:
        """Say whether a pattern after "!" has the very name of a path, and not only a wildcard that matches it."""
        return any(pattern.negated and pattern.literal and pattern.regex.fullmatch(path) for pattern in self.patterns)

    def matches(self, path: str, above: tuple[bool, ...] = ()) -> tuple[bool, tuple[bool, ...]]:
        """Say whether a path is left out, and which patterns match it or a folder that it is in.

        `above` is the latter for its folder. As with BuildKit, the last match counts, and a pattern that would change
        nothing is not tried, for what lies in a folder neither.
        """
        left_out, found = False, []
        for pattern, known in zip(self.patterns, above or (False,) * len(self.patterns), strict=True):
            match = known or (pattern.negated == left_out and pattern.regex.fullmatch(path) is not None)
            left_out = not pattern.negated if match else left_out
            found.append(match)
        return left_out, tuple(found)


def read_dockerignore(folder: Path) -> DockerIgnore:
    """Return the patterns of a folder's .dockerignore."""
    path = folder / ".dockerignore"
    patterns = []
    for line in _read(path).decode("utf-8", "surrogateescape").split("\n"):
        text = line.strip()
        if line.startswith("#") or not text:
            continue
        negated = text.startswith("!")
        text = text[negated:].strip()
        text = posixpath.normpath(f"/{text.lstrip('/')}")[1:] if text.startswith("/") else posixpath.normpath(text)
        try:
            regex = re.compile(_docker_regex(text), re.DOTALL)
        except re.error as error:
            raise RequirementsError(
                f"{path}: {line!r} is not a pattern: {error}", hint="see Docker's reference of .dockerignore"
            ) from error
        patterns.append(_Pattern(regex, negated, literal=not re.search(r"[*?[]", text.rpartition("/")[2])))
    return DockerIgnore(tuple(patterns))


def _docker_regex(pattern: str) -> str:
    if re.fullmatch(r"\*\*[^/*?\[\]\\][^*?\[\]\\]*", pattern):  # the one form that goes by the end of a path
        return f".*{re.escape(pattern[2:])}"
    parts = []
    for token in re.findall(r"\*\*/?$|\*\*/?|\\.|.", pattern, re.DOTALL):
        if token.startswith("**"):
            parts.append("(?:.*/)?")
        elif token in "*?":
            parts.append("[^/]*" if token == "*" else "[^/]")
        else:
            parts.append(f"\\{token}" if token in ".+()|{}$" else token)
    if pattern.endswith(("**", "**/")):
        parts[-1] = ".*"
    return "".join(parts)

"""Paths that the files of a wheel may have. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection

_LONGEST_PATH = 1000
_LONGEST_PART = 255
# Control characters, what Windows takes for another folder or disk, parts that are no names, and what removes files of
# lower layers.
_UNFIT = re.compile(r"[\x00-\x1f\x7f\\]|^[A-Za-z]:|(?:^|/)(?:\.{0,2}(?:/|$)|\.wh\.)")


def is_fit(path: str) -> bool:
    """Return whether a file may have this path: it stays in its folder, and no system takes it for another."""
    if _UNFIT.search(path) or len(path) > _LONGEST_PATH:
        return False
    return len(path) < _LONGEST_PART // 4 or all(len(part.encode()) <= _LONGEST_PART for part in path.split("/"))


def collision(paths: Collection[str]) -> str | None:
    """Return which of some files' paths cannot be in one folder: one twice, a folder that is a file, or case alone."""
    files: set[str] = set()
    for path in paths:
        if path in files:
            return f"{path!r} twice"
        files.add(path)
    folders: set[str] = set()
    for path in files:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    for path in sorted(folders & files):
        return f"{path!r} as a file and as a folder"
    seen: dict[str, str] = {}
    for path in sorted(folders | files):
        if (other := seen.setdefault(path.casefold(), path)) != path:
            return f"{other!r} and {path!r}, which differ by case alone"
    return None


def is_test(path: str) -> bool:
    """Whether a module is one of tests: pip installs and compiles them where a wheel has them."""
    *folders, name = path.lower().split("/")
    return (
        "tests" in folders
        or "test" in folders
        or name in ("test.py", "tests.py")
        or name.startswith("test_")
        or name.endswith(("_test.py", "_tests.py"))
    )

"""Files of JSON lines in the user's cache, where measurements are kept. Reads and writes files."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from wheelbase.cache import cache_directory

_Shape = TypeVar("_Shape")


def kept(name: str) -> Path:
    """Return the path of a file of measurements."""
    return cache_directory() / "measured-1" / name


def read_lines(path: Path, shape: type[_Shape]) -> Iterator[_Shape]:
    """Yield the lines that are whole: the last one may have been cut off."""
    with contextlib.suppress(OSError):
        for raw in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                yield msgspec.json.decode(raw, type=shape)


def append_lines(path: Path, values: Iterable[msgspec.Struct]) -> None:
    """Keep values, at once; a cache that cannot be written costs a repetition or accuracy, never an answer."""
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab+") as file:
            if file.tell() and (file.seek(-1, os.SEEK_END), file.read(1))[1] != b"\n":
                file.write(b"\n")  # the last line was cut off
            file.write(b"".join(msgspec.json.encode(value) + b"\n" for value in values))
            file.flush()
            os.fsync(file.fileno())

"""A folder for measuring that is held while it is used, and those of runs that were killed. Writes temporary folders.

Whoever uses a folder has a lock on a file in it, which ends with the process, however that ends. What is left of a run
whose lock is free is taken away by the next one; a folder without the file is not known, and left alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelbase.engines.builders import PREFIX
from wheelbase.engines.builders_docker import forget_run
from wheelbase.engines.builders_podman import remove_storage
from wheelbase.engines.errors import EngineError
from wheelbase.engines.interruptions import undisturbed

_LOCK = "lock"


@contextmanager
def held_scratch(run: str) -> Iterator[Path]:
    """Make the folder of a run, which is in its name, and remove it at the end; first those that nobody holds."""
    _sweep()
    folder = Path(tempfile.gettempdir(), f"{PREFIX}-{run}")
    folder.mkdir(mode=0o700)
    try:
        with (folder / f"{_LOCK}.new").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            (folder / f"{_LOCK}.new").rename(folder / _LOCK)  # nobody sees it before it is held
            yield folder
    finally:
        with undisturbed():
            shutil.rmtree(folder, ignore_errors=True)


def require_room(folder: Path, needed: int, *, way: str = "set TMPDIR to a folder with more of it") -> None:
    """Refuse to begin where the disk of a folder would be full before the end: EngineError."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise EngineError(
            f"{folder} has {free / 1e9:.1f} GB left; measuring this takes {needed / 1e9:.1f} GB",
            hint=f"make room, or {way}",
        )


def _sweep() -> None:
    """Take away what is left of runs that were killed."""
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}-*"):
        with contextlib.suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            with (folder / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(folder)


def _remove(folder: Path) -> None:
    """Take away what a run has left, its lock last: what cannot be removed now is found once more."""
    forget_run(folder.name.removeprefix(f"{PREFIX}-"))
    for one in folder.iterdir():
        if one.name != _LOCK and one.is_dir():
            remove_storage(one)
    if not any(one.is_dir() for one in folder.iterdir()):
        shutil.rmtree(folder)

"""What was computed or fetched once, kept in the user's cache directory. Reads and writes files.

Entries are files named by the SHA-256 of their key. They are written under a temporary name and renamed, so that a
reader sees a whole entry or none, and any number of processes may share one cache. Each begins with a digest of the
rest: an entry that a disk or a power cut has damaged is no entry. A cache that cannot be written (a read-only home,
a full disk) costs speed, never an answer.
"""

import contextlib
import hashlib
import os
import tempfile
import time
from pathlib import Path

from platformdirs import user_cache_path

_DIGEST = 16
_ABANDONED = 3600.0


def cache_directory() -> Path:
    """Return the directory of the cache: `WHEELBASE_CACHE_DIR`, else the platform's place for one."""
    return Path(os.environ.get("WHEELBASE_CACHE_DIR") or user_cache_path("wheelbase"))


class Cache:
    """One kind of entries, in a directory of its own: bytes by key."""

    def __init__(self, kind: str) -> None:
        """Use the sub-directory `kind` (it names a format version too: `listing-1`)."""
        self._directory = cache_directory() / kind

    def get(self, key: str, *, max_age: float | None = None) -> bytes | None:
        """Return the entry, or None where there is none, it is damaged or older than `max_age` seconds."""
        path = self._path(key)
        try:
            if max_age is not None and not 0 <= time.time() - path.stat().st_mtime <= max_age:
                return None
            raw = path.read_bytes()
        except OSError:
            return None
        digest, value = raw[:_DIGEST], raw[_DIGEST:]
        return value if digest == _digest(value) else None

    def put(self, key: str, value: bytes) -> None:
        """Store the entry whole, or not at all."""
        path = self._path(key)
        temporary = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
                temporary = Path(file.name)
                file.write(_digest(value) + value)
            temporary.replace(path)
            temporary = None
            _sweep(path.parent)
        except OSError:
            pass
        finally:
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def _path(self, key: str) -> Path:
        name = hashlib.sha256(key.encode()).hexdigest()
        return self._directory / name[:2] / name[2:]


def _digest(value: bytes) -> bytes:
    return hashlib.sha256(value).digest()[:_DIGEST]


def _sweep(folder: Path) -> None:
    """Remove what a process that was killed while writing has left."""
    for left in folder.glob(".new-*"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _ABANDONED:
                left.unlink()

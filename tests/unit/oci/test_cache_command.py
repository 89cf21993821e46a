"""`wheelbase cache`."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.conftest import Cli
from tests.unit.oci.small_images import MemorySource

from wheelbase.oci.places import Blob
from wheelbase.oci.store import STORE_FOLDER, Store


def test_cache(cli: Cli, tmp_path: Path) -> None:
    env = {"WHEELBASE_CACHE_DIR": str(tmp_path / "own")}
    assert cli("cache", env=env).stdout == f"{tmp_path}/own holds 0 blobs (0.0 MB) of images\n"
    store, source = Store(tmp_path / "own" / STORE_FOLDER), MemorySource()
    for number in range(3):
        store.put(Blob(descriptor=source.add(bytes([number]) * 100_000, "x"), source=source))
    first, second, _ = store.blobs()
    assert cli("cache", env=env).stdout == f"{tmp_path}/own holds 3 blobs (0.3 MB) of images\n"
    path = tmp_path / "own" / STORE_FOLDER / "blobs" / "sha256"
    (path / first.digest.hex).write_bytes(bytes(99))
    assert cli("cache", "verify", env=env).stdout == "removed 1 blob (0.0 MB) with damage\n"
    os.utime(path / second.digest.hex, (time.time() - 31 * 86_400,) * 2)
    assert cli("cache", "prune", env=env).stdout == "removed 1 blob (0.1 MB)\n"
    assert cli("cache", "prune", "--days", "0", env=env).stdout == "removed 1 blob (0.1 MB)\n"
    assert cli("cache", "prune", "--days", "-1", env=env).returncode == 2
    assert store.blobs() == []

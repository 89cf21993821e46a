"""The cache: whole entries or none, whatever happens to processes, disks and files."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wheelbase.cache import Cache

pytestmark = pytest.mark.usefixtures("nobody")
# Writes entries of one letter each, again and again, to one key, until it is killed.
WRITER = """
import sys
from wheelbase.cache import Cache
print("ready", flush=True)
while True:
    for letter in sys.argv[1]:
        Cache("kind").put("key", letter.encode() * 3_000_000)
"""


def files(nobody: Path) -> list[Path]:
    return [path for path in (nobody / "cache").rglob("*") if path.is_file()]


def writer(letters: str) -> subprocess.Popen[bytes]:
    process = subprocess.Popen([sys.executable, "-c", WRITER, letters], stdout=subprocess.PIPE)
    assert process.stdout and process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_what_is_put_is_got() -> None:
    store = Cache("kind")
    assert store.get("key") is None
    for value in (b"", b"x", bytes(range(256)) * 1000):
        store.put("key", value)
        assert store.get("key") == value
    assert Cache("other").get("key") is None


def test_age(nobody: Path) -> None:
    store = Cache("kind")
    store.put("key", b"x")
    assert store.get("key", max_age=60) == b"x"
    for moved in (-100, 100):
        os.utime(files(nobody)[0], (time.time() + moved,) * 2)
        assert store.get("key", max_age=60) is None
        assert store.get("key") == b"x"


@pytest.mark.parametrize(
    "damage", [lambda raw: b"", lambda raw: raw[:-1], lambda raw: raw[:10], lambda raw: raw + b"x"]
)
def test_a_damaged_entry_is_none_and_is_replaced(nobody: Path, damage: object) -> None:
    store = Cache("kind")
    store.put("key", b"value")
    (entry,) = files(nobody)
    entry.write_bytes(damage(entry.read_bytes()))  # type: ignore[operator]
    assert store.get("key") is None
    store.put("key", b"value")
    assert store.get("key") == b"value"


def test_every_flipped_bit_is_noticed(nobody: Path) -> None:
    store = Cache("kind")
    store.put("key", b"value")
    (entry,) = files(nobody)
    whole = entry.read_bytes()
    for place in range(len(whole)):
        entry.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert store.get("key") is None


def test_killed_writers_leave_whole_entries(nobody: Path) -> None:
    for number in range(8):
        process = writer("ab")
        time.sleep(0.02 + number * 0.011)
        end(process)
        found = Cache("kind").get("key")
        assert found is None or found in (b"a" * 3_000_000, b"b" * 3_000_000)
    left = [path for path in files(nobody) if path.name.startswith(".new-")]
    for path in left:
        os.utime(path, (time.time() - 7200,) * 2)
    Cache("kind").put("key", b"x")
    assert not [path for path in files(nobody) if path.name.startswith(".new-")]


def test_two_writers_and_a_reader_at_once() -> None:
    processes = [writer("ab"), writer("cd")]
    try:
        seen = set()
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            if (found := Cache("kind").get("key")) is not None:
                assert len(found) == 3_000_000 and len(set(found)) == 1
                seen.add(found[0])
        assert len(seen) > 1
    finally:
        for process in processes:
            end(process)


def test_a_file_where_the_folder_should_be(nobody: Path) -> None:
    (nobody / "cache").write_text("in the way")
    Cache("kind").put("key", b"x")
    assert Cache("kind").get("key") is None


@pytest.fixture
def small_disk(nobody: Path) -> Iterator[Path]:
    """Mount a file system of 64 KiB where the cache is."""
    folder = nobody / "cache"
    folder.mkdir()
    if os.geteuid() != 0 or not shutil.which("mount"):
        pytest.skip("mounting a file system needs root")
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], capture_output=True).returncode:
        pytest.skip("this machine does not let root mount")
    yield folder
    subprocess.run(["umount", folder], check=True)


def test_a_full_disk(small_disk: Path, nobody: Path) -> None:
    store = Cache("kind")
    store.put("small", b"x")
    store.put("large", bytes(1_000_000))
    assert (store.get("small"), store.get("large")) == (b"x", None)
    assert len(files(nobody)) == 1


def test_a_read_only_disk(small_disk: Path) -> None:
    store = Cache("kind")
    store.put("old", b"x")
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    store.put("new", b"x")
    assert (store.get("old"), store.get("new")) == (b"x", None)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read and write all folders")
def test_a_folder_that_may_not_be_used(nobody: Path) -> None:
    (nobody / "cache").mkdir(mode=0)
    Cache("kind").put("key", b"x")
    assert Cache("kind").get("key") is None

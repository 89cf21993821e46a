"""Wheels as layers: the same bytes always, made once, whole or not at all, in little memory."""

from __future__ import annotations

import base64
import hashlib
import os
import random
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from tests.installed_wheels import PYTHON, SITE_PACKAGES, content_of
from tests.unit.small_wheels import DIST_INFO, FILENAME, Member, deflate, packed, record_of, wheel_bytes, wheel_members

from wheelbase.errors import WheelError
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import UnwritableError
from wheelbase.oci.store import Store
from wheelbase.wheels.compiling import Compiler
from wheelbase.wheels.install import VenvPython
from wheelbase.wheels.layer import WheelLayer, wheel_layer

ROOT = Path(__file__).parents[2]
FILES = {
    "demo/__init__.py": b"",
    "demo/large.py": b"x = 1\n" * 3000,
    "demo/small.py": b"y = 2\n",
    "demo/data.bin": random.Random(1).randbytes(300_000),
    "demo/tests/test_x.py": b"assert 0\n",
    "demo/tests.py": b"z = 3\n",
    "demo/template.py": b"this is no Python\n",
    "demo-1.0.data/scripts/tool.py": b"#!python\n",
    f"{DIST_INFO}/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n",
}
# Of the tars: other ones would mean other layers for every wheel.
GOLDEN = "sha256:3a65f870c612e778e1846c5be49b9cd7496531117ae000a1e0d006d461718cac"
GOLDEN_COMPILED = "sha256:9e3224788a18ed872548ee3226bde369abc00754c33e4240915b78324c6f6d3c"


class FakeCompiler:
    """Makes something of each source that has no `this` in it."""

    key = "fake-1"

    def compile(self, sources: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
        return [None if b"this" in source else b"compiled " + path.encode() for path, source in sources]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    return Store(tmp_path / "store")


def layer_of(
    data: bytes, folder: Path, store: Store, compiler: Compiler | None = None, python: VenvPython = PYTHON
) -> WheelLayer:
    (folder / FILENAME).write_bytes(data)
    return wheel_layer(
        folder / FILENAME, Digest.of(data).hex, filename=FILENAME, python=python, compiler=compiler, store=store
    )


def test_golden(tmp_path: Path, store: Store) -> None:
    made = layer_of(wheel_bytes(FILES), tmp_path, store)
    compiled = layer_of(wheel_bytes(FILES), tmp_path, store, FakeCompiler())
    assert (made.package, made.version, made.reused) == ("demo", "1.0", False)
    assert [str(one.layer.diff_id) for one in (made, compiled)] == [GOLDEN, GOLDEN_COMPILED]


def test_bytecode(tmp_path: Path, store: Store) -> None:
    """It is of what production imports, comes after all files, and is not in RECORD."""
    data = wheel_bytes(FILES)
    plain = content_of(layer_of(data, tmp_path, store), store)
    compiled = content_of(layer_of(data, tmp_path, store, FakeCompiler()), store)
    assert list(compiled.items())[: len(plain)] == list(plain.items())
    assert list(compiled.items())[len(plain) :] == [
        (
            f"{SITE_PACKAGES}/demo/__pycache__/{name}.cpython-313.pyc",
            (0o644, f"compiled /{SITE_PACKAGES}/demo/{name}.py".encode()),
        )
        for name in ("__init__", "large", "small", "tests")
    ]


def test_the_order_and_the_compression_of_the_wheel_do_not_matter_to_the_tar(tmp_path: Path, store: Store) -> None:
    members = wheel_members(FILES)
    made = layer_of(packed(members), tmp_path, store)
    shuffled = layer_of(packed(members[::-1]), tmp_path, store)
    assert not shuffled.reused and shuffled.layer == made.layer
    stored = [Member(name=one.name, data=one.data, method=0) for one in members]
    assert layer_of(packed(stored), tmp_path, store).layer.diff_id == made.layer.diff_id


def test_streams_are_copied(tmp_path: Path, store: Store) -> None:
    stream = deflate(FILES["demo/large.py"], 9)
    members = wheel_members([Member(name="demo/large.py", data=FILES["demo/large.py"], stored=stream)])
    made = layer_of(packed(members), tmp_path, store)
    path = store.find(made.layer.descriptor.digest)
    assert path and stream in path.read_bytes()


def test_a_layer_is_made_once(tmp_path: Path, store: Store) -> None:
    data = wheel_bytes(FILES)
    made = layer_of(data, tmp_path, store)
    again = layer_of(data, tmp_path, store)
    assert again.reused and (again.layer, again.tar_bytes) == (made.layer, made.tar_bytes)
    # Not even the wheel is needed.
    found = wheel_layer(
        tmp_path / "none", Digest.of(data).hex, filename=FILENAME, python=PYTHON, compiler=None, store=store
    )
    assert found == again
    for python in (VenvPython(version=(3, 12)), VenvPython(version=(3, 13), free_threaded=True)):
        other = layer_of(data, tmp_path, store, python=python)
        assert not other.reused and other.layer != made.layer
    assert not layer_of(data, tmp_path, store, FakeCompiler()).reused


def test_a_layer_that_is_gone_is_made_anew(tmp_path: Path, store: Store) -> None:
    data = wheel_bytes(FILES)
    made = layer_of(data, tmp_path, store)
    store.remove(made.layer.descriptor.digest)
    again = layer_of(data, tmp_path, store)
    assert not again.reused and again.layer == made.layer
    path = store.find(made.layer.descriptor.digest)
    assert path
    path.write_bytes(path.read_bytes()[:-1])
    assert not layer_of(data, tmp_path, store).reused and store.verify() == []


def test_bytecode_that_has_no_place(tmp_path: Path, store: Store) -> None:
    for name in ("demo/__pycache__", f"demo/{'x' * 245}.py"):
        with pytest.raises(WheelError, match=r"demo-1\.0-py3-none-any\.whl cannot be in a layer"):
            layer_of(wheel_bytes({"demo/x.py": b"", name: b""}), tmp_path, store, FakeCompiler())


def test_a_compiler_that_fails_leaves_nothing(tmp_path: Path, store: Store) -> None:
    class Failing(FakeCompiler):
        def compile(self, sources: Sequence[tuple[str, bytes]]) -> list[bytes | None]:
            raise WheelError("no")

    with pytest.raises(WheelError, match="no"):
        layer_of(wheel_bytes(FILES), tmp_path, store, Failing())
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []


# For each line that it is given, starts a process that makes layers until it is killed.
MAKER = """
import os, sys
from pathlib import Path
from tests.installed_wheels import PYTHON
from wheelbase.oci.store import Store
from wheelbase.wheels.layer import wheel_layer
wheel, sha256, store = Path(sys.argv[1]), sys.argv[2], Store(Path(sys.argv[3]))
for _ in sys.stdin:
    child = os.fork()
    if not child:
        while True:
            made = wheel_layer(wheel, sha256, filename=wheel.name, python=PYTHON, compiler=None, store=store)
            store.remove(made.layer.descriptor.digest)
    print(child, flush=True)
    os.waitpid(child, 0)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs processes that can be forked")
def test_kills_leave_no_wrong_blob(tmp_path: Path, store: Store) -> None:
    data = wheel_bytes(FILES | {f"demo/more{n}.bin": random.Random(n).randbytes(200_000) for n in range(10)})
    right = layer_of(data, tmp_path, Store(tmp_path / "other"))
    command = [sys.executable, "-c", MAKER, str(tmp_path / FILENAME), Digest.of(data).hex, str(tmp_path / "store")]
    begun = 0
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT, bufsize=0) as process:
        assert process.stdin and process.stdout
        for number in range(20):
            process.stdin.write(b"\n")
            child = int(process.stdout.readline())
            time.sleep(random.Random(number).uniform(0, 0.05))
            os.kill(child, signal.SIGKILL)
            begun += any((tmp_path / "store").glob(".new-*"))
            assert store.verify() == []
            assert {blob.digest for blob in store.blobs()} <= {right.layer.descriptor.digest}
        process.stdin.close()
    assert begun
    again = layer_of(data, tmp_path, store)
    assert again.layer == right.layer and store.verify() == []


# Makes a layer, and prints the bytes of its tar and the most memory that it took, in kilobytes.
MEASURE = """
import re, sys
from pathlib import Path
from tests.installed_wheels import PYTHON
from wheelbase.oci.store import Store
from wheelbase.wheels.layer import wheel_layer
wheel, sha256, store = Path(sys.argv[1]), sys.argv[2], Store(Path(sys.argv[3]))
made = wheel_layer(wheel, sha256, filename=wheel.name, python=PYTHON, compiler=None, store=store)
# Not by getrusage, which says at least what the process had that made this one.
print(made.tar_bytes, re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count memory otherwise")
@pytest.mark.parametrize(("method", "count"), [(zipfile.ZIP_STORED, 120), (zipfile.ZIP_DEFLATED, 300)])
def test_a_large_file_takes_little_memory(method: int, count: int, tmp_path: Path, store: Store) -> None:
    """Of so many megabytes."""
    part, hasher = random.Random(1).randbytes(1000) * 1000, hashlib.sha256()
    with zipfile.ZipFile(tmp_path / FILENAME, "w", method, compresslevel=1) as archive:
        with archive.open("demo/large.bin", "w") as file:
            for _ in range(count):
                hasher.update(part)
                file.write(part)
        members = wheel_members({})[:-1]
        digest = base64.urlsafe_b64encode(hasher.digest()).decode().rstrip("=")
        for one in members:
            archive.writestr(str(one.name), one.data)
        record = f"demo/large.bin,sha256={digest},{count * len(part)}\n{record_of(members)}"
        archive.writestr(f"{DIST_INFO}/RECORD", record)
    with (tmp_path / FILENAME).open("rb") as wheel:
        sha256 = hashlib.file_digest(wheel, "sha256").hexdigest()
    command = [sys.executable, "-c", MEASURE, str(tmp_path / FILENAME), sha256, str(tmp_path / "store")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    tar_bytes, kilobytes = map(int, done.stdout.split())
    assert tar_bytes > count * len(part)
    assert kilobytes < 100_000


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("needs root, to mount a disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def test_a_full_disk_is_one_error(full_disk: Path, tmp_path: Path, store: Store) -> None:
    data = wheel_bytes({"demo/data.bin": random.Random(1).randbytes(2 << 20)})
    with pytest.raises(UnwritableError, match="No space left on device") as caught:
        layer_of(data, tmp_path, Store(full_disk / "store"))
    assert caught.value.hint
    assert [path for path in full_disk.rglob("*") if path.is_file()] == []
    assert layer_of(data, tmp_path, store)

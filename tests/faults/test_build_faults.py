"""`wheelbase build` killed, out of space, and given hostile wheels: nothing is lost, nothing is half-written."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.conftest import Cli, settings_of_nobody
from tests.fake_index import FakeIndex, wheel
from tests.unit.images_with_python import glibc, image, python
from tests.unit.oci.small_images import AMD64

from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.places import Blob, chunks

KILLS = int(os.environ.get("WHEELBASE_TEST_KILLS", "15"))
SEED = 20


@pytest.fixture
def base(tmp_path: Path) -> str:
    copy_image(image({**glibc("2.41"), **python("3.13.5")}), Layout(tmp_path / "base"), AMD64)
    return f"oci:{tmp_path}/base"


@pytest.fixture
def index(fake_index: FakeIndex) -> FakeIndex:
    noise = random.Random(SEED)
    for name in ("one", "two", "three"):
        # What does not compress takes longer, so that a kill meets every stage.
        data = "".join(noise.choices("abcdefghijklmnop", k=400_000))
        fake_index.add(name, {f"{name}-1.0-py3-none-any.whl": wheel(name, files={f"{name}/data.txt": data})})
    return fake_index


def test_a_kill_at_any_moment_leaves_the_next_build_right(index: FakeIndex, base: str, tmp_path: Path) -> None:
    home = tmp_path / "home"
    env = settings_of_nobody(home) | {"PIP_INDEX_URL": index.simple, "PIP_CONFIG_FILE": os.devnull}
    command = [sys.executable, "-m", "wheelbase", "build", "one", "two", "three", "--base", base, "--no-bytecode"]
    command += ["-o", f"oci:{tmp_path}/made", "--format", "json"]
    began = time.monotonic()
    whole = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
    seconds, right = time.monotonic() - began, json.loads(whole.stdout)["digest"]
    moments = random.Random(SEED)
    for _ in range(KILLS):
        shutil.rmtree(home)
        shutil.rmtree(tmp_path / "made", ignore_errors=True)
        process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path)
        time.sleep(moments.uniform(0.1, 1.0) * seconds)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        again = subprocess.run(command, env=env, capture_output=True, text=True, cwd=tmp_path)
        assert (again.returncode, json.loads(again.stdout)["digest"]) == (0, right), again.stderr
        assert_whole(Layout(tmp_path / "made"))


def assert_whole(layout: Layout) -> None:
    """Every blob is read, and verified by that."""
    for layer in read_image(layout).layers:
        with Blob(descriptor=layer.descriptor, source=layout).open() as reader:
            assert sum(map(len, chunks(reader))) == layer.descriptor.size


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", disk]).returncode:
        pytest.skip("needs root, to mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


@pytest.mark.parametrize("what", ["cache", "output"])
def test_a_full_disk(cli: Cli, index: FakeIndex, base: str, small_disk: Path, tmp_path: Path, what: str) -> None:
    env = {"PIP_INDEX_URL": index.simple} | ({"WHEELBASE_CACHE_DIR": str(small_disk)} if what == "cache" else {})
    output = small_disk / "app.tar" if what == "output" else tmp_path / "app.tar"
    done = cli("build", "one", "two", "three", "--base", base, "--no-bytecode", "-o", str(output), env=env)
    assert done.returncode == 1, done.stderr
    assert "No space left on device" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.stderr
    assert not output.exists()
    assert not [left for left in small_disk.rglob("*") if left.is_file() and left.name.startswith(".")]


def test_a_hostile_wheel_is_named_and_nothing_is_published(
    cli: Cli, fake_index: FakeIndex, base: str, tmp_path: Path
) -> None:
    fake_index.add("evil", {"evil-1.0-py3-none-any.whl": wheel("evil", files={"../../etc/cron.d/x": "* * * * *"})})
    done = cli("build", "evil", "--base", base, "-o", f"oci:{tmp_path}/made", env={"PIP_INDEX_URL": fake_index.simple})
    assert done.returncode == 1
    assert "evil-1.0-py3-none-any.whl" in done.stderr and "../../etc/cron.d/x" in done.stderr
    assert not (tmp_path / "made" / "index.json").exists()

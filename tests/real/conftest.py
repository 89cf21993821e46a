"""What the tests against real things share: the bases of tests/testbed/make-bases, and an engine that holds them."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.real.engine import Engine, EngineUnavailable, running_engine

RECIPE = Path(__file__).parents[1] / "testbed" / "make-bases"


@pytest.fixture(scope="session")
def real_base() -> Callable[[str], Path]:
    """NAME -> the OCI layout of that base; `NAME.tar` beside it is its root filesystem.

    A base is made once and kept in $WHEELBASE_TEST_CACHE, or ~/.cache/wheelbase-tests, under the recipe's hash.
    """
    home = Path(os.environ.get("WHEELBASE_TEST_CACHE") or Path.home() / ".cache" / "wheelbase-tests")
    folder = home / f"bases-{hashlib.sha256(RECIPE.read_bytes()).hexdigest()[:12]}"

    def made(name: str) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another test run may be making it
            if not (folder / name).exists():
                _make_base(folder, name)
        return folder / name

    return made


def _make_base(folder: Path, name: str) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        pytest.skip(f"needs the real base {name}: run once, as root on Debian: {RECIPE} {folder} {name}")
    done = subprocess.run([RECIPE, folder, name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert done.returncode == 0, f"make-bases {name} failed:\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="session")
def engine() -> Iterator[Engine]:
    try:
        with running_engine() as running:
            yield running
    except EngineUnavailable as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def base_image(engine: Engine, real_base: Callable[[str], Path]) -> Callable[[str], str]:
    """NAME -> the reference of that base's image in the engine."""

    def imported(name: str) -> str:
        layout = real_base(name)
        # Named after the folder, so that the image that a user's own engine keeps is never that of an older recipe.
        image = f"wheelbase-test/{name}:{layout.parent.name}"
        if not engine.run("image", "ls", "--quiet", image):
            engine.import_rootfs(layout.with_name(f"{name}.tar"), image)
        return image

    return imported

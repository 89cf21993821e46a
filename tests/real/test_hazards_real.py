"""What `compare` says that a wheel lacks on a base, against what Python says there when it imports it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from wheelbase.oci.blobfolder import blob_name
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout

pytestmark = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(os.geteuid() != 0, reason="needs root, for chroot"),
]

# By base: what is installed, and the module of each. Some bring their libraries, some do not; numba has modules for
# libraries that it does without.
ASKED = {
    "debian13-py313": {"lightgbm": "lightgbm", "numba": "numba", "psycopg2-binary": "psycopg2", "pyodbc": "pyodbc"},
    "alpine323-py313": {"lxml": "lxml.etree", "psycopg2-binary": "psycopg2", "pyodbc": "pyodbc"},
}
LACKING = {"debian13-py313": {"lightgbm": "libgomp.so.1", "pyodbc": "libodbc.so.2"}}
LACKING["alpine323-py313"] = {"pyodbc": "libodbc.so.2"}


def wheelbase(*arguments: str, cwd: Path) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "wheelbase", *arguments, "--format", "json"],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(params=ASKED)
def built(
    request: pytest.FixtureRequest, real_base: Callable[[str], Path], tmp_path: Path
) -> Iterator[tuple[str, str, Path]]:
    """The name of a base, its reference, and the root of an image with the packages on it."""
    name: str = request.param
    layout, root = real_base(name), tmp_path / "root"
    wheelbase("build", *ASKED[name], "--base", f"oci:{layout}", "--no-bytecode", "-o", "oci:made", cwd=tmp_path)
    root.mkdir()
    image = read_image(Layout(tmp_path / "made"), None)
    for layer in image.layers:
        subprocess.run(["tar", "-xzf", tmp_path / "made" / blob_name(layer.descriptor.digest), "-C", root], check=True)
    yield name, f"oci:{layout}", root
    shutil.rmtree(root)


def test_what_is_lacking_is_what_cannot_be_imported(built: tuple[str, str, Path], tmp_path: Path) -> None:
    name, base, root = built
    (answer,) = wheelbase("compare", *ASKED[name], "--base", base, cwd=tmp_path)["bases"]
    assert {one["package"]: one["lacks"] for one in answer["hazards"]} == LACKING[name]
    for package, module in ASKED[name].items():
        command = ["chroot", str(root), "/opt/venv/bin/python", "-c", f"import {module}"]
        done = subprocess.run(command, capture_output=True, text=True)
        missing = LACKING[name].get(package, "")
        assert bool(done.returncode) is bool(missing), done.stderr
        assert missing in done.stderr

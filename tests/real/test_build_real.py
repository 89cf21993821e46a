"""What `wheelbase build` makes, run for real: in Docker, in podman's and umoci's hands, on Debian and on Alpine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.real.engine import Engine

pytestmark = [pytest.mark.real, pytest.mark.network]

BASES = ["debian13-py313", "alpine323-py313"]
MAIN = """
import io, json, threading, urllib.request
import fastapi, matplotlib, pandas, uvicorn
matplotlib.use("Agg")
import matplotlib.pyplot as plt

app = fastapi.FastAPI()

@app.get("/mean")
def mean() -> float:
    plt.plot(pandas.Series([1, 2, 3]))
    drawn = io.BytesIO()
    plt.savefig(drawn)
    assert drawn.getvalue().startswith(b"\\x89PNG")
    return float(pandas.Series([1, 2, 3]).mean())

server = uvicorn.Server(uvicorn.Config(app, port=8471, log_level="warning"))
threading.Thread(target=server.run, daemon=True).start()
while not server.started:
    pass
print(json.dumps(json.load(urllib.request.urlopen("http://127.0.0.1:8471/mean"))))
"""
# Every module that a package brings at its top is imported; what it says that it needs must be there.
CHECK = """
import importlib, importlib.metadata as metadata, json, os, re, sys
imported, missing, uncompiled = [], [], []
for found in metadata.distributions():
    for name in {str(file).partition("/")[0].removesuffix(".py") for file in found.files or () if "/" in str(file)}:
        if name.isidentifier() and os.path.exists(f"{found.locate_file(name)}/__init__.py"):
            module = importlib.import_module(name)
            imported.append(name)
            if module.__cached__ is None or not os.path.exists(module.__cached__):
                uncompiled.append(name)
    for need in found.requires or ():
        if ";" not in need:
            name = re.match(r"[A-Za-z0-9._-]+", need)[0]
            try:
                metadata.version(name)
            except metadata.PackageNotFoundError:
                missing.append(name)
print(json.dumps({"imported": imported, "missing": missing, "uncompiled": uncompiled, "uid": os.getuid(),
                  "prefix": sys.prefix, "cwd": os.getcwd()}))
"""


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("application")
    (folder / "requirements.txt").write_text("fastapi\nuvicorn\nmatplotlib\npandas\n")
    (folder / "main.py").write_text(MAIN)
    return folder


def build(folder: Path, *arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "wheelbase", "build", *arguments, "--format", "json"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


@pytest.fixture(scope="module", params=BASES)
def archive(
    request: pytest.FixtureRequest,
    application: Path,
    real_base: Callable[[str], Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Path, str]]:
    """The image as a file, and its name."""
    path, name = tmp_path_factory.mktemp("built") / "app.tar", f"wheelbase-test/built:{request.param}"
    build(
        application, "--base", f"oci:{real_base(request.param)}", "-t", name, "-o", str(path), "--entrypoint", "python"
    )
    yield path, name
    path.unlink()


def test_it_runs_in_docker(archive: tuple[Path, str], engine: Engine) -> None:
    path, name = archive
    engine.run("load", "--input", str(path))
    try:
        told = json.loads(engine.run("run", "--rm", "--network", "host", name, "-c", CHECK))
        assert {"fastapi", "matplotlib", "pandas", "uvicorn", "numpy"} <= set(told["imported"])
        assert told["missing"] == []
        assert told["uncompiled"] == [] or not shutil.which("python3.13")
        assert (told["uid"], told["prefix"], told["cwd"]) == (65532, "/opt/venv", "/app")
        read_only = ("--read-only", "--tmpfs", "/tmp", "--user", "12345:12345", "--env", "HOME=/tmp")
        for how in ((), read_only):
            assert json.loads(engine.run("run", "--rm", "--network", "host", *how, name, "main.py")) == 2.0
    finally:
        engine.run("image", "rm", "--force", name)


def test_it_runs_in_podman(archive: tuple[Path, str]) -> None:
    if os.geteuid() != 0 or not shutil.which("podman"):
        pytest.skip("needs root and podman: apt-get install podman")
    # Where root itself may not raise its limits, podman's defaults are refused.
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
    read_only = ("--read-only", "--tmpfs", "/tmp", "--user", "12345:12345", "--env", "HOME=/tmp")
    # Its paths may have no more than 50 characters.
    with tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as home:
        podman = ("podman", "--root", f"{home}/root", "--runroot", f"{home}/run", "--cgroup-manager", "cgroupfs")
        try:
            loaded = run(*podman, "load", "--input", str(archive[0])).strip().rpartition("Loaded image: ")[2]
            for how in ((), read_only):
                told = run(*podman, "run", "--rm", "--network", "host", *limits, *how, loaded, "main.py")
                assert json.loads(told) == 2.0
        finally:
            run(*podman, "system", "reset", "--force")


def test_skopeo_and_umoci_take_it(archive: tuple[Path, str], tmp_path: Path) -> None:
    path, _ = archive
    for tool in ("skopeo", "umoci"):
        if not shutil.which(tool):
            pytest.skip(f"needs {tool}: apt-get install {tool}")
    run("skopeo", "copy", f"docker-archive:{path}", f"oci:{tmp_path}/copy:latest")
    run("umoci", "unpack", "--image", f"{tmp_path}/copy:latest", str(tmp_path / "bundle"))
    root = tmp_path / "bundle" / "rootfs"
    assert (root / "opt/venv/pyvenv.cfg").is_file() and (root / "app/main.py").read_text() == MAIN
    told = run("chroot", str(root), "/opt/venv/bin/python", "-c", "import pandas; print(pandas.__file__)")
    assert told.strip() == "/opt/venv/lib/python3.13/site-packages/pandas/__init__.py"


def test_two_builds_have_one_digest(
    real_base: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two clones, with caches of their own, whatever the umask, whatever the order of requirements."""
    digests = set()
    for number, lines in enumerate(("fastapi\nuvicorn\n", "uvicorn\nfastapi\n")):
        monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / f"cache{number}"))
        clone = tmp_path / f"clone{number}"
        clone.mkdir()
        (clone / "main.py").write_text(MAIN)
        before = os.umask(0o077 if number else 0o022)
        try:
            (tmp_path / "requirements.txt").write_text(lines)
            base = f"oci:{real_base(BASES[0])}"
            built = build(clone, ".", "-r", "../requirements.txt", "--base", base, "-o", f"oci:{tmp_path}/{number}")
        finally:
            os.umask(before)
        digests.add(built["digest"])
    assert len(digests) == 1


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return done.stdout

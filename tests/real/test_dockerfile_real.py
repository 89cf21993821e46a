"""Dockerfiles that are really built: by Docker with and without BuildKit, podman and buildah, on Debian and Alpine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.real.engine import Engine

pytestmark = [pytest.mark.real, pytest.mark.network]

DEBIAN, ALPINE = "debian13-py313", "alpine323-py313"
VALUE = 'a "b" $HOME \\c'
MAIN = """
import fastapi, importlib.metadata, json, lxml.etree, os, pathlib, sys
def compiled(source):
    # Python takes bytecode that holds the source's time.
    found = list(source.parent.glob(f"__pycache__/{source.stem}.*.pyc"))
    return found and int.from_bytes(found[0].read_bytes()[8:12], "little") == int(source.stat().st_mtime)
venv = pathlib.Path(sys.prefix)
sources = {p for folder in (venv, pathlib.Path.cwd()) for p in folder.rglob("*.py")}
print(json.dumps({
    "user": [os.getuid(), os.getgid()], "prefix": sys.prefix, "folder": os.getcwd(), "mode": os.environ["MODE"],
    "packages": sorted(found.name.lower() for found in importlib.metadata.distributions()),
    "uncompiled": [str(p) for p in sources if not compiled(p)],
    "left": [p for p in ("/root/.cache", "/opt/tools", "/src", "certificates.pem") if os.path.exists(p)],
    "writable": [str(p) for p in (venv, *venv.rglob("*"), pathlib.Path.cwd()) if os.access(p, os.W_OK)
                 and not p.is_symlink()],
}))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An application whose files nobody but their owner may read."""
    root = tmp_path / "shop"
    root.mkdir()
    (root / "requirements.txt").write_text("fastapi\nlxml\n")
    (root / "main.py").write_text(MAIN)
    (root / "main.py").chmod(0o600)
    entrypoint = json.dumps(["python", "main.py"])
    (root / "wheelbase.toml").write_text(
        f"[image]\nentrypoint = {entrypoint}\nenv = {{ MODE = {json.dumps(VALUE)} }}\n"
    )
    return root


def write_dockerfile(folder: Path, *arguments: str, host: str | None = None) -> str:
    """Write the Dockerfile, and return it."""
    env = os.environ | ({"DOCKER_HOST": host} if host else {})
    command = [sys.executable, "-m", "wheelbase", "dockerfile", *arguments, "-o", "Dockerfile"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, env=env)
    assert done.returncode == 0, done.stderr
    return (folder / "Dockerfile").read_text()


def secrets(text: str) -> list[str]:
    """The options that hand a build the user's files that the Dockerfile asks for."""
    bundle = os.environ.get("PIP_CERT") or os.environ.get("SSL_CERT_FILE")
    wanted = bundle and "id=certificates.pem" in text
    return ["--secret", f"id=certificates.pem,src={bundle}"] if wanted else []


@pytest.fixture
def build(engine: Engine, folder: Path) -> Iterator[Callable[[str, bool], str]]:
    """(what Dockerfile is built, whether with BuildKit) -> the image's name; it is gone after the test."""
    image = "wheelbase-test/from-dockerfile:1"

    def built(text: str, buildkit: bool) -> str:
        env = (
            os.environ | {"DOCKER_BUILDKIT": str(int(buildkit))} | ({"DOCKER_HOST": engine.host} if engine.host else {})
        )
        command = [engine.program, "build", "--network", "host", "-t", image, *secrets(text), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, env=env, timeout=900)
        assert done.returncode == 0, f"{text}\n{done.stdout[-3000:]}{done.stderr[-3000:]}"
        return image

    yield built
    engine.run("image", "rm", "--force", image)


def check(told: dict[str, object], *, keeps_times: bool = True) -> None:
    assert (told["user"], told["prefix"], told["folder"]) == ([65532, 65532], "/opt/venv", "/app")
    assert told["mode"] == VALUE
    assert (told["uncompiled"] == [] or not keeps_times) and told["left"] == [] and told["writable"] == []
    packages = told["packages"]
    assert isinstance(packages, list) and {"fastapi", "lxml"} <= set(packages) and not {"pip", "uv"} & set(packages)


@pytest.mark.parametrize(
    ("name", "builder", "installer"),
    [
        (DEBIAN, "buildkit", "pip"),
        (DEBIAN, "docker", "uv"),
        (ALPINE, "buildkit", "uv"),
        (ALPINE, "docker", "pip"),
    ],
)
def test_docker_builds_what_runs(
    engine: Engine,
    base_image: Callable[[str], str],
    folder: Path,
    build: Callable[[str, bool], str],
    name: str,
    builder: str,
    installer: str,
) -> None:
    base = f"docker-daemon:{base_image(name)}"
    text = write_dockerfile(folder, "--base", base, "--builder", builder, "--installer", installer, host=engine.host)
    image = build(text, builder == "buildkit")
    check(json.loads(engine.run("run", "--rm", "--network", "none", "--read-only", image)))
    history = engine.run("history", "--no-trunc", image)
    assert "certificates" not in history and "pip install" not in history


def test_what_is_compiled_finds_its_libraries(
    engine: Engine,
    base_image: Callable[[str], str],
    folder: Path,
    build: Callable[[str, bool], str],
) -> None:
    """psycopg2 has no wheels for Linux: a compiler in the build stage, libpq in the last."""
    (folder / "requirements.txt").write_text("psycopg2\n")
    base = f"docker-daemon:{base_image(DEBIAN)}"
    image = build(write_dockerfile(folder, "--base", base, host=engine.host), True)
    code = "import os, psycopg2; print(psycopg2.__libpq_version__ > 0, os.path.exists('/usr/bin/gcc'))"
    told = engine.run("run", "--rm", "--network", "none", "--entrypoint", "/opt/venv/bin/python", image, "-c", code)
    assert told.split() == ["True", "False"]


def test_a_locked_package_runs_its_script(
    engine: Engine, base_image: Callable[[str], str], folder: Path, build: Callable[[str, bool], str]
) -> None:
    for path in folder.iterdir():
        path.unlink()
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\ndependencies = ["idna"]\n'
        '[project.scripts]\nshop = "shop:main"\n[build-system]\nrequires = ["hatchling"]\n'
        'build-backend = "hatchling.build"\n'
    )
    (folder / ".python-version").write_text("3.12\n")
    (folder / "shop").mkdir()
    (folder / "shop/__init__.py").write_text("def main():\n    import idna\n    print('open', idna.__name__)\n")
    subprocess.run(["uv", "lock", "--quiet", "--python", sys.executable], cwd=folder, check=True)  # no 3.12 is needed
    for name, installer in ((DEBIAN, "uv"), (ALPINE, "pip")):
        base = f"docker-daemon:{base_image(name)}"
        text = write_dockerfile(folder, "--base", base, "--installer", installer, "--force", host=engine.host)
        assert ("--require-hashes" in text) == (installer == "pip")
        image = build(text, True)
        assert engine.run("run", "--rm", "--network", "none", image).split() == ["open", "idna"]


@pytest.mark.parametrize("program", ["podman", "buildah"])
def test_podman_and_buildah_build_it(program: str, folder: Path, real_base: Callable[[str], Path]) -> None:
    if os.geteuid() != 0 or not shutil.which(program):
        pytest.skip(f"needs root and {program}: apt-get install {program}")
    base = folder.with_name("base")
    base.symlink_to(real_base(DEBIAN))  # its own path has a name in it that no image can have
    text = write_dockerfile(folder, "--base", f"oci:{base}", "--builder", program)
    # Where root itself may not raise its limits, podman's defaults are refused; its paths may have 50 characters.
    limits = ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=4096:4096")
    with tempfile.TemporaryDirectory(prefix="wb-", ignore_cleanup_errors=True) as home:
        store = ("--root", f"{home}/root", "--runroot", f"{home}/run")
        podman = ("podman", *store, "--cgroup-manager", "cgroupfs")
        building = podman if program == "podman" else ("buildah", *store)
        isolation = () if program == "podman" else ("--isolation", "chroot")
        try:
            run(*building, "build", "--network", "host", *isolation, *limits, *secrets(text), "-t", "shop", str(folder))
            if program == "podman" or shutil.which("podman"):
                # Buildah 1.28 copies some files with another time, by which their bytecode is taken for old.
                check(json.loads(run(*podman, "run", "--rm", "--network", "host", *limits, "shop")), keeps_times=False)
        finally:
            if shutil.which("podman"):
                run(*podman, "system", "reset", "--force")


def run(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done.stdout

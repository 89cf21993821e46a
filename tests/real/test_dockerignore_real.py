"""The files of a plain folder are those that Docker copies: the same .dockerignore, read by `docker build`."""

import io
import json
import os
import random
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.real.engine import Engine

from wheelbase.errors import RequirementsError
from wheelbase.project.folder import files_of

NAMES = ("a", "b", "ab", "a.py", "b.txt", "#h", "é", "foo", "dir", "a+b", "x(1)")
PARTS = (
    *("*", "**", "a*", "*.py", "*b", "a**b", "**b", "**.py", "?", "a.??", "a", "b", "ab", "foo", "dir", "é", "."),
    *("[ab]", "[^a]*", "[a-c]*", "\\a", "#h", "a+b", "x(1)", "..", ""),
)

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def client() -> str:
    """A Docker client that reads patterns as BuildKit does; in older ones some match otherwise."""
    for folder in os.environ["PATH"].split(os.pathsep):
        if program := shutil.which("docker", path=folder):
            said = subprocess.run([program, "--version"], capture_output=True, text=True).stdout
            version = re.search(r"version (\d+)", said)
            if version and int(version[1]) >= 23:
                return program
    pytest.skip("needs a docker command of version 23 or later")


def pattern(chance: random.Random) -> str:
    # Of what `!` brings back, the builder without BuildKit finds in folders that are left out what has no wildcard.
    negated = chance.random() < 0.4
    parts = [part for part in PARTS if part.isalnum()] if negated else PARTS
    text = "/".join(chance.choice(parts) for _ in range(chance.choice([1, 1, 1, 2, 2, 3])))
    text = chance.choice(["", "", "/"]) + text + chance.choice(["", "", "/"])
    return (chance.choice(["!", "! "]) if negated else "") + text + chance.choice(["", "", "  "])


def make_tree(root: Path, chance: random.Random) -> None:
    for _ in range(30):
        path = root.joinpath(*(chance.choice(NAMES) for _ in range(chance.choice([1, 2, 3]))))
        if not any(parent.is_file() for parent in path.parents) and not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("")
    patterns = [pattern(chance) for _ in range(chance.choice([1, 2, 3, 5]))]
    (root / ".dockerignore").write_text("\n".join(patterns) + "\n")


def copied(engine: Engine, client: str, folder: Path, dockerfile: Path) -> set[str]:
    """What `COPY .` puts into an image."""
    variables = os.environ | {"DOCKER_BUILDKIT": "0"} | ({"DOCKER_HOST": engine.host} if engine.host else {})
    command = [client, "build", "-q", "--network", "none", "-f", str(dockerfile), str(folder)]
    built = subprocess.run(command, env=variables, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    image = built.stdout.split()[-1]
    saved = subprocess.run([client, "save", image], env=variables, capture_output=True, check=True).stdout
    engine.run("image", "rm", "--force", image)
    with tarfile.open(fileobj=io.BytesIO(saved)) as archive:
        (manifest,) = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
        names: set[str] = set()
        for layer in manifest["Layers"]:
            with tarfile.open(fileobj=archive.extractfile(layer)) as files:
                names |= {member.name.removeprefix("x/") for member in files if member.isfile()}
    return names


@pytest.mark.parametrize("seed", range(15))
def test_docker_copies_the_same_files(engine: Engine, client: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    folder = tmp_path / "folder"
    folder.mkdir()
    make_tree(folder, chance)
    dockerfile = tmp_path / "Dockerfile"
    dockerfile.write_text("FROM scratch\nCOPY . /x/\n")
    try:
        found = {file.path for file in files_of(folder)[0]}
    except RequirementsError:
        found = set()
    names = copied(engine, client, folder, dockerfile)
    assert found == names, (folder / ".dockerignore").read_text()

"""Images that a container engine keeps, through its command line: `docker`, or `podman` where there is no docker.

Runs programs, with the user's environment (DOCKER_HOST, DOCKER_CONTEXT), and writes to a temporary folder.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wheelbase.oci.docker_archive import DockerArchive, docker_archive_sink, docker_archive_source
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.layout import Layout


@contextmanager
def daemon_source(name: str) -> Iterator[DockerArchive]:
    """Open an image by its name or ID. The engine writes it out whole; its layers come uncompressed as a rule."""
    where = f"docker-daemon:{name}"
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as scratch:
        path = Path(scratch) / "image.tar"
        _run(where, "save", "--output", str(path), name)
        with docker_archive_source(path, None, where) as source:
            yield source


@contextmanager
def daemon_sink(name: str) -> Iterator[Layout]:
    """Give an image to the engine when the block ends without an error."""
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as scratch:
        path = Path(scratch) / "image.tar"
        with docker_archive_sink(path, name) as sink:
            yield sink
        _run(f"docker-daemon:{name}", "load", "--input", str(path))


def _run(where: str, *arguments: str) -> None:
    program = shutil.which("docker") or shutil.which("podman")
    if program is None:
        raise ImageError(f"{where} cannot be reached: there is neither docker nor podman", hint="install one of them")
    command = [program, "image", *arguments]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    if done.returncode:
        said = done.stderr.strip()[-1000:] or f"it ended with {done.returncode}"
        kind = MissingError if "no such image" in said.lower() or "reference does not exist" in said else ImageError
        raise kind(
            f"{where}: {Path(program).name} image {arguments[0]} failed: {said}",
            hint="see `docker image ls`, and DOCKER_HOST",
        )

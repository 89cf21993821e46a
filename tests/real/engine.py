"""A real container engine for the tests: a private dockerd of our own, or else the one that answers this user.

Our own comes first because it is the same everywhere: its images, its storage and its socket are in a folder that goes
when the session ends, it sets up no network (containers use the host's), and it leaves what the user has alone.

Runs programs and writes to a temporary folder.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

NEEDED = (
    "needs a container engine: run as root with Docker Engine installed (on Debian: apt-get install docker.io), "
    "or as a user for whom `docker version` answers"
)
START_SECONDS = 60.0


class EngineUnavailable(Exception):
    """No engine can be had here; the text says what would enable one."""


class CommandFailed(Exception):
    """A docker command, or what it ran, ended with an error; `output` is all that it said."""

    def __init__(self, command: Sequence[str], code: int, output: str) -> None:
        super().__init__(f"{' '.join(command)} ended with {code}:\n{output[-4000:]}")
        self.output = output


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """Docker's command line, pointed at one daemon."""

    program: str
    host: str | None
    """Value for DOCKER_HOST; None is whatever the user's docker command talks to."""

    def run(self, *arguments: str, stdin: str | None = None, timeout: float = 1800) -> str:
        """Run `docker ARGUMENTS` and return its standard output; raise CommandFailed unless it ends with 0."""
        command = [self.program, *arguments]
        env = os.environ | ({"DOCKER_HOST": self.host} if self.host else {})
        done = subprocess.run(command, input=stdin or "", capture_output=True, text=True, env=env, timeout=timeout)
        if done.returncode:
            raise CommandFailed(command, done.returncode, done.stdout + done.stderr)
        return done.stdout

    def import_rootfs(self, tar: Path, image: str) -> str:
        """Make a root filesystem's tar the one-layer `image`, and return that name."""
        path = "PATH=/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
        self.run("import", "--change", f"ENV {path}", "--change", "ENV LANG=C.UTF-8", str(tar), image)
        return image

    def image_bytes(self, image: str) -> int:
        """What `docker image ls` shows as the size, exact: in the classic store, all files of all layers."""
        return int(self.run("image", "inspect", "--format", "{{.Size}}", image))

    def sizes_are_unpacked(self) -> bool:
        """Whether `image_bytes` is of unpacked files alone: containerd's store adds the compressed blobs."""
        status = json.loads(self.run("info", "--format", "{{json .DriverStatus}}"))
        return not any("io.containerd.snapshotter" in value for pair in status or [] for value in pair)


@contextmanager
def running_engine() -> Iterator[Engine]:
    """The engine for a session; one that was started here is stopped and removed at the end.

    Raise EngineUnavailable where there is none.
    """
    # Debian's client before another one on PATH: it is of the daemon's version, and neither refuses the other.
    client = next((p for p in ("/usr/bin/docker", shutil.which("docker")) if p and Path(p).exists()), None)
    if client is None:
        raise EngineUnavailable(NEEDED)
    daemon = shutil.which("dockerd", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    complaint = ""
    if daemon and os.geteuid() == 0:
        # Not pytest's temporary folder: a socket's path may have 107 characters, and pytest keeps its folders.
        with tempfile.TemporaryDirectory(prefix="wheelbase-dockerd-", ignore_cleanup_errors=True) as scratch:
            process = _start(daemon, Path(scratch))
            try:
                engine = Engine(program=client, host=f"unix://{scratch}/docker.sock")
                complaint = _wait(engine, process, Path(scratch) / "log")
                if not complaint:
                    yield engine
                    return
            finally:
                _stop(process, Path(scratch))
    engine = Engine(program=client, host=None)
    if not _answers(engine):
        raise EngineUnavailable(NEEDED + complaint)
    yield engine


def _start(daemon: str, scratch: Path) -> subprocess.Popen[bytes]:
    config = scratch / "daemon.json"
    # The classic store counts an image's size as its unpacked files, which is what the tests compare with.
    config.write_text(json.dumps({"features": {"containerd-snapshotter": False}}))
    command = [
        *("setpriv", "--pdeathsig", "TERM"),  # a killed test run takes its daemon with it
        *(daemon, "--config-file", str(config), "--host", f"unix://{scratch}/docker.sock"),
        *("--data-root", f"{scratch}/data", "--exec-root", f"{scratch}/exec", "--pidfile", f"{scratch}/pid"),
        *("--bridge", "none", "--iptables=false", "--ip6tables=false"),  # the host's network stays as it is
    ]
    with (scratch / "log").open("wb") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def _stop(process: subprocess.Popen[bytes], scratch: Path) -> None:
    process.terminate()
    process.wait(timeout=60)
    for namespace in scratch.glob("exec/netns/*"):  # the daemon leaves the host network's mounted there
        subprocess.run(["umount", namespace], check=True)


def _wait(engine: Engine, process: subprocess.Popen[bytes], log: Path) -> str:
    """Wait until the daemon answers; return "" then, and else why it never will."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        if _answers(engine):
            return ""
        time.sleep(0.1)
    last_words = " | ".join(log.read_text(errors="replace").splitlines()[-3:])
    return f" (dockerd was tried and did not start: {last_words})"


def _answers(engine: Engine) -> bool:
    try:
        engine.run("version", timeout=20)
    except (CommandFailed, subprocess.TimeoutExpired):
        return False
    return True

"""Programs of an image run by bubblewrap, on the image's unpacked files: no daemon, no root, no network. Runs programs.

What is run has namespaces of its own for everything, the image's files read-only, and a user who owns nothing outside;
root runs it as nobody. Limits are set from outside, between the sandbox's making and the program's beginning.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from wheelbase.engines.bounded import watch
from wheelbase.engines.errors import EngineError
from wheelbase.engines.unpack import is_folder, unpack
from wheelbase.engines.values import Limits, Ran
from wheelbase.oci.image import Image
from wheelbase.oci.places import Source

_NOBODY = 65534
_SCRATCH_BYTES = 64 << 20
_STACK_BYTES = 8 << 20
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_INSTALL = "install bubblewrap (on Debian: apt-get install bubblewrap), docker or podman"


def lacks() -> str | None:
    """Return why bubblewrap cannot run anything here, None where it can."""
    program = shutil.which("bwrap")
    if program is None:
        return "there is no bwrap"
    if shutil.which("prlimit") is None:
        return "there is no prlimit (of util-linux)"
    trial = [program, "--unshare-all", "--unshare-user", "--ro-bind", "/", "/", "--dev", "/dev", "--", "true"]
    done = subprocess.run(trial, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **_user())
    return None if done.returncode == 0 else f"bwrap does not work: {done.stderr.strip()[-300:]}"


@contextmanager
def opened(source: Source, image: Image) -> Iterator[Bubblewrap]:
    """Unpack an image into a temporary folder, for as long as its programs are run."""
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as scratch:
        Path(scratch).chmod(0o711)
        root = Path(scratch) / "root"
        root.mkdir()
        unpack(source, image, root)
        yield Bubblewrap(root=root, env_vars=image.config.env_vars)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubblewrap:
    """An unpacked image; `env_vars` are `NAME=value`, as its configuration has them."""

    root: Path
    env_vars: tuple[str, ...] = ()

    @property
    def engine(self) -> str:
        """The name of the engine."""
        return "bubblewrap"

    def run(self, arguments: Sequence[str], limits: Limits) -> Ran:
        """Run a program in the image's files, of which it can change nothing but /tmp and /etc/resolv.conf."""
        with contextlib.ExitStack() as files:
            told, tells = _pipe(files)
            waits, go = _pipe(files)
            resolv, empty = _pipe(files)
            empty.close()
            descriptors = tells.fileno(), waits.fileno(), resolv.fileno()
            command = [*self._command(*descriptors), "--", *arguments]
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=descriptors,
                cwd="/",
                env={},
                **_user(),
            ) as process:
                tells.close()
                child = _child(told)
                try:
                    if child:
                        _limit(child, limits)
                        go.write(b"\n")
                    ran = watch(process, limits, lambda: _stop(process, child))
                except BaseException:
                    _stop(process, child)
                    raise
        if child is None or ran.stderr.startswith(b"bwrap: "):
            said = ran.stderr.decode(errors="replace").strip()[-500:]
            there = "bwrap: execvp" in said
            hint = "`wheelbase inspect` says which Pythons the image has, and where" if there else _INSTALL
            raise EngineError(f"{arguments[0]} cannot be run: {said}", hint=hint)
        return ran

    def _command(self, tells: int, waits: int, resolv: int) -> list[str]:
        program = shutil.which("bwrap")
        if program is None:
            raise EngineError("there is no bwrap", hint=_INSTALL)
        command = [program, "--unshare-all", "--unshare-user", "--uid", "0", "--gid", "0", "--die-with-parent"]
        # The server of the probes of DNS listens where a C library asks.
        command += ["--new-session", "--cap-add", "CAP_NET_BIND_SERVICE", "--hostname", "probe", "--clearenv"]
        env_vars = dict(line.partition("=")[::2] for line in (f"PATH={_PATH}", "HOME=/root", *self.env_vars))
        for name, value in env_vars.items():
            command += ["--setenv", name, value]
        command += ["--ro-bind", str(self.root), "/", "--proc", "/proc", "--dev", "/dev"]
        for place in ("/dev/shm", *(["/tmp"] if is_folder(self.root / "tmp") else [])):
            command += ["--perms", "1777", "--size", str(_SCRATCH_BYTES), "--tmpfs", place]
        # A mount follows no link of the image's: where it would, there is none.
        if is_folder(self.root / "etc"):
            command += ["--bind-data", str(resolv), "/etc/resolv.conf"]
        return [*command, "--chdir", "/", "--info-fd", str(tells), "--block-fd", str(waits)]


def _user() -> dict[str, Any]:
    """Return what makes a program of root's one of nobody's."""
    return {"user": _NOBODY, "group": _NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _pipe(files: contextlib.ExitStack) -> tuple[FileIO, FileIO]:
    reader, writer = os.pipe()
    return files.enter_context(FileIO(reader, "r")), files.enter_context(FileIO(writer, "w"))


def _child(told: FileIO) -> int | None:
    """Return the process that will be the program, which waits; None where the sandbox could not be made."""
    said = b""
    while b"}" not in said and (chunk := told.read(4096)):
        said += chunk
    return int(json.loads(said)["child-pid"]) if said else None


def _limit(child: int, limits: Limits) -> None:
    """Limit a process and all that it will begin. Where memory runs out it is the first that the kernel ends.

    Another program does it, as the same user: root may lack the right to limit the processes of others.
    """
    # New threads get a stack as large as the first one may grow, in some C libraries: it is the same on every machine.
    most = {"as": limits.memory, "nproc": limits.processes, "fsize": _SCRATCH_BYTES, "core": 0}
    options = [f"--stack={_STACK_BYTES}:", *(f"--{name}={value}" for name, value in most.items())]
    command = ["prlimit", "--pid", str(child), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd="/", **_user())
    if done.returncode:
        raise EngineError(f"the sandbox cannot be limited: {done.stderr.strip()[-300:]}", hint=_INSTALL)
    with contextlib.suppress(OSError):
        Path(f"/proc/{child}/oom_score_adj").write_text("1000")


def _stop(process: subprocess.Popen[bytes], child: int | None) -> None:
    """End the first process of the sandbox, with which the kernel ends all others in it."""
    if child:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    process.kill()

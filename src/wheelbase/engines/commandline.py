"""Programs of an image run by docker or podman, through the command line. Runs programs, with the user's settings."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from wheelbase.engines.bounded import watch
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Limits, Ran

# What `docker run` and `podman run` end with where they could not begin the program.
_NOT_BEGUN = (125, 126, 127)
# Some that every machine allows: podman asks for those of its own, which root may not have in a container.
_LIMITS = ("core=0", "nofile=1024:1024", "nproc=4096:4096")


def lacks(program: str) -> str | None:
    """Return why an engine cannot be used here, None where it answers."""
    if shutil.which(program) is None:
        return f"there is no {program}"
    try:
        done = subprocess.run(
            [program, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=20
        )
    except subprocess.TimeoutExpired:
        return f"{program} does not answer"
    return None if done.returncode == 0 else f"{program} does not answer: {done.stderr.strip()[-300:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineContainer:
    """An image that an engine has, or can pull; `engine` is the name of the program."""

    engine: str
    image: str

    def run(self, arguments: Sequence[str], limits: Limits) -> Ran:
        """Run a program in a container of its own, as root within it, which is removed at the end."""
        name = f"wheelbase-probe-{secrets.token_hex(8)}"
        command = [self.engine, "run", "--rm", "--name", name, "--network", "none", "--user", "0", "--entrypoint"]
        command += [arguments[0], "--memory", str(limits.memory), "--pids-limit", str(limits.processes)]
        command += [word for limit in _LIMITS for word in ("--ulimit", limit)]
        command += ["--security-opt", "no-new-privileges", self.image, *arguments[1:]]
        with subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            ran = watch(process, limits, lambda: self._stop(name, process))
        if ran.end == "exited" and ran.status in _NOT_BEGUN:
            said = ran.stderr.decode(errors="replace").strip()[-500:]
            raise EngineError(f"{self.engine} did not run {self.image}: {said}", hint="see `wheelbase probe --help`")
        return ran

    def _stop(self, name: str, process: subprocess.Popen[bytes]) -> None:
        subprocess.run([self.engine, "rm", "--force", name], stdin=subprocess.DEVNULL, capture_output=True)
        process.kill()

"""podman and buildah, by their command lines, with a storage of their own in our scratch. Runs programs."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelbase.engines.builders import PREFIX, Job, build_options
from wheelbase.engines.errors import EngineError
from wheelbase.engines.interruptions import undisturbed
from wheelbase.engines.timed import Watched, watch_lines
from wheelbase.oci.registry.settings import is_loopback

# A path of sockets, which would be too long elsewhere.
_LONGEST_RUNROOT = 50


@dataclass(slots=True, kw_only=True)
class StorageBuilder:
    """`podman build` or `buildah build`: nothing of the user's images or caches is read or written."""

    scratch: Path
    name: str
    dialect: str = "steps"

    def lacks(self) -> str | None:
        """Return why it cannot be used here, None where it can."""
        if shutil.which(self.name) is None:
            return f"there is no {self.name}"
        if len(str(self._runroot)) > _LONGEST_RUNROOT:
            return f"{self.scratch} is too long a path for {self.name}: set TMPDIR to a shorter one"
        done = self._run("images")
        return None if done.returncode == 0 else f"{self.name} does not work: {done.stderr.strip()[-300:]}"

    def versions(self) -> Mapping[str, str]:
        """Return its version."""
        return {self.name: self._do("--version").split("version", 1)[-1].strip()}

    def take_base(self, layout: Path, name: str) -> str:
        """Take a layout under a name of ours."""
        image = f"localhost/{name}:1"
        # It makes a name of the path, in which it does not allow all that a path may have.
        pulled = self._do("pull", "--quiet", f"oci:{layout.name}", folder=layout.parent)
        self._do("tag", pulled.splitlines()[-1], image)
        return image

    def build(self, job: Job) -> Watched:
        """Build an image."""
        command = [*self._command, "build", "--layers", *build_options(job, self.scratch)]
        # A container within a container may lack the right to be one; files are the same either way.
        command += ["--isolation", "chroot"] if self.name == "buildah" else []
        return watch_lines([*command, str(job.context)], seconds=job.seconds, env=self._env)

    def save(self, image: str, target: Path) -> str:
        """Write an image, compressed as a push would."""
        self._do("push", "--quiet", image, f"oci:{target}:latest")
        return f"oci:{target}"

    def push(self, image: str, target: str) -> None:
        """Push an image; a registry on this machine is taken as it is, as Docker does."""
        plain = ["--tls-verify=false"] if is_loopback(target.partition("/")[0]) else []
        self._do("push", "--quiet", *plain, image, f"docker://{target}")

    @undisturbed()
    def forget(self, job: Job) -> None:
        """Take away the images of a marker, what no name leads to then, and the caches that were mounted."""
        found = self._run("images", "--quiet", "--filter", f"label={PREFIX}={job.marker}").stdout.split()
        if found:
            self._run("rmi", "--force", *dict.fromkeys(found))
        self._run(*(("image", "prune", "--force") if self.name == "podman" else ("rmi", "--prune")))
        for cache in self.scratch.glob("*buildah-cache*"):
            shutil.rmtree(cache, ignore_errors=True)

    @undisturbed()
    def clean(self) -> None:
        """Take away the storage, and what it has mounted."""
        if self._root.exists():
            self._run("rm", "--all", "--force")
            self._run("rmi", "--all", "--force")
        remove_storage(self.scratch)

    @property
    def _root(self) -> Path:
        return self.scratch / "root"

    @property
    def _runroot(self) -> Path:
        return self.scratch / "r"  # the shorter, the better

    @property
    def _command(self) -> list[str]:
        command = [self.name, "--root", str(self._root), "--runroot", str(self._runroot)]
        # Its state lies beside the user's otherwise.
        return [*command, "--tmpdir", str(self.scratch / "t")] if self.name == "podman" else command

    @property
    def _env(self) -> dict[str, str]:
        # Caches that are mounted lie there.
        return os.environ | {"TMPDIR": str(self.scratch)}

    def _run(self, *arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self._command, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            env=self._env,
            cwd=folder,
        )

    def _do(self, *arguments: str, folder: Path | None = None) -> str:
        done = self._run(*arguments, folder=folder)
        if done.returncode:
            raise EngineError(
                f"{self.name} {arguments[0]} failed: {done.stderr.strip()[-500:]}", hint="see what it says"
            )
        return done.stdout.strip()


def remove_storage(scratch: Path) -> None:
    """Take away the folder that a storage is in, and what is mounted there."""
    for mounted in sorted(_mounts_below(scratch), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mounted], stdin=subprocess.DEVNULL, capture_output=True)
    shutil.rmtree(scratch, ignore_errors=True)
    if os.geteuid() == 0 or not scratch.exists():
        return
    # Files in it may belong to those of its users who are not root.
    program = next(filter(shutil.which, ("podman", "buildah")), None)
    if program:
        command = [program, "unshare", "rm", "-rf", str(scratch)]
        subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True)


def _mounts_below(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        places = [line.split(" ")[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
        return [place for place in places if place.startswith(f"{folder}/")]
    return []

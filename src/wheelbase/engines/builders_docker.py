"""Docker's two builders, by its command line: the old one, and BuildKit. Runs programs, with the user's settings.

The daemon is the user's: what is made there has our prefix in a name or a label, and is taken away by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wheelbase.engines.builders import PREFIX, Job, build_options
from wheelbase.engines.commandline import lacks
from wheelbase.engines.errors import EngineError
from wheelbase.engines.timed import Watched, watch_lines
from wheelbase.oci.copying import copy_image
from wheelbase.oci.docker_archive import docker_archive_sink
from wheelbase.oci.layout import Layout

_QUICK = 600.0


@dataclass(slots=True, kw_only=True)
class DockerBuilder:
    """`docker build`, with BuildKit or without; `scratch` is a folder of its own, and `run` is in all its names."""

    scratch: Path
    run: str
    buildkit: bool
    _records: set[str] = field(default_factory=set)
    _bases: list[str] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The name of the builder."""
        return "buildkit" if self.buildkit else "docker"

    @property
    def dialect(self) -> str:
        """How its output is read."""
        return "buildkit" if self.buildkit else "steps"

    def lacks(self) -> str | None:
        """Return why it cannot be used here, None where it can."""
        if why := lacks("docker"):
            return why
        if self.buildkit and self._client() >= 23 and _try("docker", "buildx", "version") is None:
            return "this docker needs its plugin buildx for BuildKit"
        return None

    def versions(self) -> Mapping[str, str]:
        """Return the versions of client and daemon."""
        told = json.loads(_try("docker", "version", "--format", "{{json .}}") or "{}")
        return {"docker": f"{told['Client']['Version']}, daemon {told['Server']['Version']}"} if told else {}

    def take_base(self, layout: Path, name: str) -> str:
        """Load a layout under a name of ours."""
        image = f"{PREFIX}-{self.run}/{self.name}/{name}:1"
        self._bases.append(image)
        archive = self.scratch / f"{name}.tar"
        with docker_archive_sink(archive, image) as sink:
            copy_image(Layout(layout), sink)
        _do("docker", "load", "--quiet", "--input", str(archive))
        archive.unlink()
        return image

    def build(self, job: Job) -> Watched:
        """Build an image."""
        command = ["docker", "build", *build_options(job, self.scratch)]
        command += ["--progress", "plain"] if self.buildkit else ["--rm", "--force-rm"]
        before = {one["ID"] for one in self._cache()}
        try:
            return watch_lines(
                [*command, str(job.context)],
                seconds=job.seconds,
                env=os.environ | {"DOCKER_BUILDKIT": "1" if self.buildkit else "0", "BUILDKIT_PROGRESS": "plain"},
            )
        finally:
            self._records |= {one["ID"] for one in self._cache() if one["ID"] not in before and _is_ours(one, job)}

    def save(self, image: str, target: Path) -> str:
        """Write an image, compressed as a push would, where skopeo is there to do it."""
        archive = target.with_suffix(".tar")
        _do("docker", "save", "--output", str(archive), image)
        if shutil.which("skopeo") is None:
            return f"docker-archive:{archive}"
        _do("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{target}:latest")
        archive.unlink()
        return f"oci:{target}"

    def forget(self, job: Job) -> None:
        """Take away images of a marker, and what the build cache has of it."""
        self._remove(f"label={PREFIX}={job.marker}")
        # One that is used by another build is kept by the daemon.
        if self._records:
            _try("docker", "builder", "prune", "--all", "--force", "--filter", f"id=^({'|'.join(self._records)})$")
        self._records.clear()

    def clean(self) -> None:
        """Take away the bases, and what interrupted builds have left."""
        for image in self._bases:
            _try("docker", "image", "rm", "--force", image)

    def _remove(self, filter_: str) -> None:
        for listing, removal in ((("ps", "-a"), ("rm",)), (("image", "ls", "-a"), ("image", "rm"))):
            found = (_try("docker", *listing, "-q", "--filter", filter_) or "").split()
            if found:
                _try("docker", *removal, "--force", *dict.fromkeys(found))

    def _client(self) -> int:
        version = _try("docker", "version", "--format", "{{.Client.Version}}") or "0"
        return int(version.partition(".")[0])

    def _cache(self) -> list[dict[str, str]]:
        """Return the records of the build cache."""
        told = (
            _try("docker", "system", "df", "--verbose", "--format", "{{json .BuildCache}}") if self.buildkit else None
        )
        with contextlib.suppress(ValueError):
            return json.loads(told or "[]") or []
        return []


def _is_ours(record: Mapping[str, str], job: Job) -> bool:
    """Say whether a new record is of this build: a step names the marker, a copy or a context cannot."""
    said = record["Description"]
    return job.marker in said or said.startswith(("fileop", "local source", "[")) or PREFIX in said


def _try(*command: str) -> str | None:
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace")
    return done.stdout.strip() if done.returncode == 0 else None


def _do(*command: str) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_QUICK
    )
    if done.returncode:
        raise EngineError(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-500:]}", hint="see what it says")

"""Docker's two builders, by its command line: the old one, and BuildKit. Runs programs, with the user's settings.

The daemon is the user's: what is made there has our prefix in a name or a label, and is taken away by it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wheelbase.engines.builders import PREFIX, Job, build_options
from wheelbase.engines.commandline import lacks
from wheelbase.engines.errors import EngineError
from wheelbase.engines.interruptions import undisturbed
from wheelbase.engines.timed import Watched, watch_lines
from wheelbase.oci.copying import copy_image
from wheelbase.oci.docker_archive import docker_archive_sink
from wheelbase.oci.layout import Layout

_QUICK = 600.0
# What a build has the client send: the Dockerfile, what is ignored, the context; another's sends two of them at least.
_READ = 3


@dataclass(slots=True, kw_only=True)
class DockerBuilder:
    """`docker build`, with BuildKit or without; `scratch` is a folder of its own, and `run` is in all its names."""

    scratch: Path
    run: str
    buildkit: bool
    _new: set[str] = field(default_factory=set)
    _used: bool = False

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
        if "podman" in (_try("docker", "--version") or "").lower():
            return "this docker is podman, which is measured by its own name"
        if self.buildkit and _needs_buildx() and _try("docker", "buildx", "version") is None:
            return "this docker needs its plugin buildx for BuildKit"
        return None

    def versions(self) -> Mapping[str, str]:
        """Return the versions of client and daemon."""
        told = json.loads(_try("docker", "version", "--format", "{{json .}}") or "{}")
        client, server = ((told.get(side) or {}).get("Version", "unknown") for side in ("Client", "Server"))
        return {"docker": f"{client}, daemon {server}"}

    def take_base(self, layout: Path, name: str) -> str:
        """Load a layout under a name of ours."""
        image = f"{PREFIX}-{self.run}/{self.name}/{name}:1"
        self._used = True
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
        before = self._records()
        try:
            return watch_lines(
                [*command, str(job.context)],
                seconds=job.seconds,
                env=os.environ | {"DOCKER_BUILDKIT": "1" if self.buildkit else "0", "BUILDKIT_PROGRESS": "plain"},
            )
        finally:
            with undisturbed():
                self._new |= made_alone(before, self._records())

    def save(self, image: str, target: Path) -> str:
        """Write an image, compressed as a push would, where skopeo is there to do it."""
        archive = target.with_suffix(".tar")
        _do("docker", "save", "--output", str(archive), image)
        if shutil.which("skopeo") is None:
            return f"docker-archive:{archive}"
        _do("skopeo", "copy", "--quiet", f"docker-archive:{archive}", f"oci:{target}:latest")
        archive.unlink()
        return f"oci:{target}"

    def push(self, image: str, target: str) -> None:
        """Push an image; the name that it gets for that has the marker, and goes with the others."""
        _do("docker", "tag", image, target)
        _do("docker", "push", target)

    @undisturbed()
    def forget(self, job: Job) -> None:
        """Take away images of a marker, and what the build cache has of it."""
        _remove(job.marker)
        _prune(own_records(self._records(), job.marker) | self._new)
        self._new.clear()

    @undisturbed()
    def clean(self) -> None:
        """Take away the bases, and what interrupted builds have left."""
        if self._used:
            forget_run(self.run)

    def _records(self) -> dict[str, Record]:
        return _cache() if self.buildkit else {}


def docker_folder() -> Path | None:
    """Return where the daemon keeps images, None where that is not of this machine."""
    told = _try("docker", "info", "--format", "{{.DockerRootDir}}")
    return Path(told) if told and Path(told).is_dir() else None


def forget_run(run: str) -> None:
    """Take away all that has the name of a run: containers, images, and what the build cache has of it."""
    if lacks("docker") is None:
        name = f"{PREFIX}-{run}"
        _remove(name)
        _prune(own_records(_cache(), name))


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What a build cache has of one step, and of which others that is made.

    A `source` is what a client has sent; `used` is when and how often, and `busy` says that it is just now.
    """

    description: str
    parents: frozenset[str] = frozenset()
    source: bool = False
    used: str = ""
    busy: bool = False


def own_records(records: Mapping[str, Record], name: str) -> set[str]:
    """Return those of builds with a name: all that say it, and what is made of these."""
    own = {id_ for id_, one in records.items() if _says(one.description, name)}
    while made := {id_ for id_, one in records.items() if one.parents & own} - own:
        own |= made
    return own


def made_alone(before: Mapping[str, Record], after: Mapping[str, Record]) -> set[str]:
    """Return the records that came with a build: none where somebody else was building, as they do not say whose.

    Every build reads a Dockerfile and a context: where more was read meanwhile, it was another's.
    """
    read = [id_ for id_, one in after.items() if one.source and one != before.get(id_)]
    others = len(read) > _READ or any(one.busy for one in (*before.values(), *after.values()))
    return set() if others else after.keys() - before.keys()


def _cache() -> dict[str, Record]:
    """Return the records of the build cache."""
    told = _try("docker", "system", "df", "--verbose", "--format", "{{json .BuildCache}}")
    with contextlib.suppress(ValueError):
        return dict(map(_record, json.loads(told or "[]") or []))
    return {}


def _record(told: Mapping[str, Any]) -> tuple[str, Record]:
    """Read a record: one that is in use has a star, and the command line writes all parents as one."""
    above = told.get("Parents") or str(told.get("Parent") or "").split(", ")
    said = told.get("Description", "")
    return told["ID"].rstrip("*"), Record(
        description=said,
        parents=frozenset(one for one in above if one),
        source=said.startswith("local source") or str(told.get("CacheType")).startswith("source."),
        used=f"{told.get('LastUsedAt')} {told.get('UsageCount')}",
        busy=told["ID"].endswith("*") or str(told.get("InUse")).lower() == "true",
    )


def _prune(records: Iterable[str]) -> None:
    # One that is used by another build is kept by the daemon.
    if named := "|".join(map(re.escape, records)):
        _try("docker", "builder", "prune", "--all", "--force", "--filter", f"id=^({named})$")


def _remove(name: str) -> None:
    """Take away containers and images that have a name in their own or in their label."""
    label = f'"{PREFIX}"'
    ours = ("--all", "--filter", f"label={PREFIX}")
    containers = _try("docker", "ps", *ours, "--format", f"{{{{.ID}}}} {{{{.Label {label}}}}}") or ""
    images = _try("docker", "image", "ls", "--format", "{{.Repository}}:{{.Tag}} {{.Repository}}") or ""
    if labelled := (_try("docker", "image", "ls", *ours, "--quiet") or "").split():
        form = f"{{{{.Id}}}} {{{{index .Config.Labels {label}}}}}"
        images += "\n" + (_try("docker", "image", "inspect", "--format", form, *dict.fromkeys(labelled)) or "")
    for listed, removal in ((containers, ("rm",)), (images, ("image", "rm"))):
        found = [id_ for id_, _, text in (line.partition(" ") for line in listed.splitlines()) if _says(text, name)]
        if found:
            _try("docker", *removal, "--force", *found)


def _says(text: str, name: str) -> bool:
    return re.search(rf"{re.escape(name)}(?![0-9A-Za-z])", text) is not None


def _needs_buildx() -> bool:
    """Say whether the client has BuildKit as a plugin, as all do since 23 and those that were built by hand."""
    major = (_try("docker", "version", "--format", "{{.Client.Version}}") or "").partition(".")[0]
    return not (major.isdecimal() and int(major) < 23)


def _run(*command: str) -> subprocess.CompletedProcess[str] | None:
    """Run a program; None where it does not end."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=_QUICK
        )
    return None


def _try(*command: str) -> str | None:
    done = _run(*command)
    return done.stdout.strip() if done and done.returncode == 0 else None


def _do(*command: str) -> None:
    done = _run(*command)
    if done is None or done.returncode:
        why = done.stderr.strip()[-500:] if done else f"it took more than {_QUICK:.0f} s"
        raise EngineError(f"{' '.join(command[:3])} failed: {why}", hint="see what it says")

"""What builds images, as seen by whoever measures it: one Protocol, and what is handed to it. Writes a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from wheelbase.engines.timed import Watched

#: What the names of all begin with that is made for measuring.
PREFIX = "wheelbase-measure"
_FROM = re.compile(r"^FROM .*$", re.MULTILINE)
_STAGE = re.compile(r"^FROM .* AS (\S+)$", re.MULTILINE)
_RUN = re.compile(r"^(RUN (?:--mount=\S+(?: \\\n *| ))*)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A build. `marker` is the same for builds that share what was built before; another one makes a cold build.

    `context` is the folder that is sent, and `dockerfile` a text; `secrets` are files by their IDs. `own` is what our
    own builder gets in place of all that. `image` is the name of what is made. `seconds` is the limit.
    """

    marker: str
    image: str
    context: Path
    dockerfile: str
    secrets: Mapping[str, Path] = field(default_factory=dict)
    arguments: Mapping[str, str] = field(default_factory=dict)
    own: tuple[str, ...] = ()
    seconds: float


class Builder(Protocol):
    """A builder. All that it makes has the prefix in its name or is in its scratch, and `clean` takes it away."""

    @property
    def name(self) -> str:
        """The name of the builder."""

    @property
    def dialect(self) -> str:
        """How its output is to be read: "buildkit", "steps" or "wheelbase"."""

    def lacks(self) -> str | None:
        """Return why it cannot be used here, None where it can."""

    def versions(self) -> Mapping[str, str]:
        """Return the versions of its programs."""

    def take_base(self, layout: Path, name: str) -> str:
        """Take an OCI layout as an image, and return what FROM says."""

    def build(self, job: Job) -> Watched:
        """Build; that it fails or takes too long is an answer too. EngineError where nothing could be begun."""

    def save(self, image: str, target: Path) -> str:
        """Write an image to a place beside `target`, and return the reference of what was written."""

    def push(self, image: str, target: str) -> None:
        """Push an image, one that was built or a base, under a name in a registry; EngineError where it cannot be."""

    def forget(self, job: Job) -> None:
        """Take away what builds of a marker have left."""

    def clean(self) -> None:
        """Take away all that is left."""


def build_options(job: Job, folder: Path) -> list[str]:
    """Write the Dockerfile of a job to a folder, and return what all commands that build from one are given."""
    path = folder / "Dockerfile"
    path.write_text(marked(job.dockerfile, job.marker), encoding="utf-8")
    options = ["--network", "host", "--file", str(path), "--tag", job.image]
    links = folder / "secrets"  # a comma in a secret's own path would end it
    for name, secret in job.secrets.items():
        links.mkdir(exist_ok=True)
        (links / name).unlink(missing_ok=True)
        (links / name).symlink_to(secret.absolute())
        options += ["--secret", f"id={name},src={links / name}"]
    for name, value in job.arguments.items():
        options += ["--build-arg", f"{name}={value}"]
    return options


def marked(dockerfile: str, marker: str) -> str:
    """Return a Dockerfile of which nothing is in any cache but what was built with the same marker.

    Each step that runs something names the marker, caches that it mounts are its own, and the stages have a label by
    which what an engine leaves of them is found again. All stages have the marker in their names: newer BuildKits
    write these beside what they keep of any step.
    """
    owned = dockerfile.replace("--mount=type=cache,target=", f"--mount=type=cache,id={marker}-cache,target=")
    for name in _STAGE.findall(owned):
        used = re.compile(rf"(^FROM (?:.* AS )?|from=){re.escape(name)}(?=[\s,]|$)", re.MULTILINE)
        owned = used.sub(rf"\g<1>{marker}-{name}", owned)
    labelled = _FROM.sub(lambda found: f"{found[0]}\nLABEL {PREFIX}={marker}", owned)
    return _RUN.sub(lambda found: f"{found[1]}: {marker} && ", labelled)

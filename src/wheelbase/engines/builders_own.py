"""Our own builder, as a program of its own with caches of its own. Runs wheelbase."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wheelbase import __version__
from wheelbase.engines.builders import Job
from wheelbase.engines.interruptions import undisturbed
from wheelbase.engines.timed import Watched, watch_lines
from wheelbase.oci.copying import copy_image
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.reference import parse_reference


@dataclass(slots=True, kw_only=True)
class OwnBuilder:
    """`wheelbase build`: each marker has a folder with caches of its own, and with images as OCI layouts."""

    scratch: Path
    name: str = "wheelbase"
    dialect: str = "wheelbase"

    def lacks(self) -> str | None:
        """Return None: it is here."""
        return None

    def versions(self) -> Mapping[str, str]:
        """Return its version."""
        return {"wheelbase": __version__}

    def take_base(self, layout: Path, name: str) -> str:
        """Name a layout as a base."""
        return f"oci:{layout}"

    def build(self, job: Job) -> Watched:
        """Build an image."""
        temporary = self._folder(job) / "t"  # what it leaves there where it is ended by force goes with the rest
        temporary.mkdir(parents=True, exist_ok=True)
        caches = {
            "TMPDIR": str(temporary),
            "WHEELBASE_CACHE_DIR": str(self._folder(job) / "cache"),
            "UV_CACHE_DIR": str(self._folder(job) / "uv"),
            "WHEELBASE_PROGRESS": "lines",
        }
        command = [sys.executable, "-m", "wheelbase", "build", *job.own]
        command += ["--output", f"oci:{self._image(job.image)}"]
        return watch_lines(command, seconds=job.seconds, cwd=job.context, env=os.environ | caches)

    def save(self, image: str, target: Path) -> str:
        """Return where an image is."""
        return f"oci:{self._image(image)}"

    def push(self, image: str, target: str) -> None:
        """Copy an image to a registry, as `wheelbase build --push` does."""
        source = image if image.startswith("oci:") else self.save(image, self.scratch)
        with open_source(parse_reference(source)) as built, open_sink(parse_reference(f"docker://{target}")) as sink:
            copy_image(built, sink)

    @undisturbed()
    def forget(self, job: Job) -> None:
        """Take away caches and images of a marker."""
        shutil.rmtree(self._folder(job), ignore_errors=True)

    @undisturbed()
    def clean(self) -> None:
        """Take away the scratch."""
        shutil.rmtree(self.scratch, ignore_errors=True)

    def _folder(self, job: Job) -> Path:
        return self.scratch / job.marker

    def _image(self, name: str) -> Path:
        return self.scratch / name.replace(":", "-")  # it begins with its marker, as the folder does

"""Where `measure` works: is there room, which builders are usable, the bases. Reads images, writes its scratch."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from wheelbase.engines.builders import Builder
from wheelbase.engines.builders_docker import DockerBuilder
from wheelbase.engines.builders_own import OwnBuilder
from wheelbase.engines.builders_podman import StorageBuilder
from wheelbase.engines.errors import EngineError
from wheelbase.errors import BaseError
from wheelbase.measuring.values import BuilderName, Skipped
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.platform import Platform
from wheelbase.recipes.base import open_base
from wheelbase.recipes.measurebuilds import BaseLayout
from wheelbase.recipes.reporting import Report
from wheelbase.recipes.values import Comparison

# Room for an application's image, several times over: as files, as an archive, as a storage's layers, as blobs.
_TIMES = 6
_LEAST = 2_000_000_000


def check_room(scratch: Path, comparison: Comparison) -> None:
    """Refuse to begin where the disk would be full before the end: EngineError."""
    needed = max(_LEAST, _TIMES * max((cost.image_bytes or 0 for cost in comparison.bases), default=0))
    free = shutil.disk_usage(scratch).free
    if free < needed:
        raise EngineError(
            f"{scratch.parent} has {free / 1e9:.1f} GB left; measuring this takes {needed / 1e9:.1f} GB",
            hint="make room, or set TMPDIR to a folder with more of it",
        )


def usable_builders(
    stack: ExitStack, names: Sequence[BuilderName], scratch: Path, run: str
) -> tuple[dict[BuilderName, Builder], list[Skipped]]:
    """Return the builders that can be used, each to be cleaned with the stack, and why others cannot be."""
    builders: dict[BuilderName, Builder] = {}
    skipped = []
    for number, name in enumerate(names):
        builder = _builder(name, scratch / f"b{number}", run)  # podman wants short paths
        stack.callback(builder.clean)
        if why := builder.lacks():
            skipped.append(Skipped(builder=name, reason=why))
        else:
            builders[name] = builder
    if not builders:
        raise EngineError(
            f"nothing can build here: {'; '.join(one.reason for one in skipped)}", hint="take --builder wheelbase"
        )
    return builders, skipped


def _builder(name: BuilderName, scratch: Path, run: str) -> Builder:
    """Return a builder that works in a scratch of its own."""
    scratch.mkdir(parents=True)
    if name == "wheelbase":
        return OwnBuilder(scratch=scratch)
    if name in ("podman", "buildah"):
        return StorageBuilder(scratch=scratch, name=name)
    return DockerBuilder(scratch=scratch, run=run, buildkit=name == "buildkit")


def base_layouts(comparison: Comparison, folder: Path, report: Report) -> dict[str, BaseLayout]:
    """Copy each base that the application fits, so that all builders start from the same bytes, on this machine."""
    found = {}
    for number, cost in enumerate(comparison.bases):
        if cost.verdict not in ("wheels", "compiles"):
            continue
        report(f"fetching {cost.base}", 0, 0)
        path = folder / f"base-{number}"
        platform = Platform(os="linux", architecture=comparison.arch)
        with open_base(cost.base, platform, report=report) as source:
            copy_image(source, Layout(path, "latest"), platform)
        image = read_image(Layout(path))
        found[cost.base] = BaseLayout(
            path=path,
            name=f"base-{number}",
            digest=image.raw_manifest.digest,
            layers=tuple(layer.descriptor.size for layer in image.layers),
        )
    if not found:
        raise BaseError("the application fits none of these bases", hint="`wheelbase compare` says why")
    return found

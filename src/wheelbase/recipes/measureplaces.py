"""Where `measure` works: is there room, which builders are usable, the bases. Reads images, writes its scratch."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from wheelbase.engines.builders import Builder
from wheelbase.engines.builders_docker import DockerBuilder, docker_folder
from wheelbase.engines.builders_own import OwnBuilder
from wheelbase.engines.builders_podman import StorageBuilder
from wheelbase.engines.errors import EngineError
from wheelbase.engines.scratch import require_room
from wheelbase.errors import BaseError
from wheelbase.measuring.values import BuilderName, Skipped
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.platform import Platform
from wheelbase.recipes.base import open_base
from wheelbase.recipes.measurebuilds import BaseLayout
from wheelbase.recipes.reporting import Report
from wheelbase.recipes.values import BaseCost, Comparison

# Room for an application's image, several times over: as files, as an archive, as a storage's layers, as blobs.
_TIMES = 6
_LEAST = 2_000_000_000


def check_room(scratch: Path, comparison: Comparison, builders: Sequence[BuilderName] = ()) -> None:
    """Refuse to begin where the disk would be full before the end, that of Docker's daemon too: EngineError."""
    needed = max(_LEAST, _TIMES * max((cost.image_bytes or 0 for cost in comparison.bases), default=0))
    require_room(scratch.parent, needed)
    if {"docker", "buildkit"}.intersection(builders) and (folder := docker_folder()):
        require_room(folder, needed, way="take another builder: --builder podman,wheelbase")


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


def takes_dockerfiles(cost: BaseCost) -> bool:
    """Say whether Dockerfiles that are measured can start from a base: both of their stages do."""
    return cost.facts.has_pip is not False and cost.facts.shell is not False


def left_out(cost: BaseCost, builders: Sequence[BuilderName]) -> str | None:
    """Return a sentence on what is not built on a base, and why; None where all builders build on it."""
    if not _fits(cost):
        why = f"{cost.missing[0][0]}: {cost.missing[0][1]}" if cost.missing else "`wheelbase compare` says why"
        return f"{cost.base} is left out, as the application does not fit it: {why}"
    dockerfiles = [name for name in builders if name != "wheelbase"]
    if dockerfiles and not takes_dockerfiles(cost):
        lacks = "pip" if cost.facts.shell is not False else "shell"
        return f"{cost.base} is not built on by {', '.join(dockerfiles)}: it has no {lacks}"
    return None


def _fits(cost: BaseCost) -> bool:
    return cost.verdict in ("wheels", "compiles")


def base_layouts(comparison: Comparison, folder: Path, report: Report) -> dict[str, BaseLayout]:
    """Copy each base that the application fits, so that all builders start from the same bytes, on this machine."""
    found = {}
    for number, cost in enumerate(comparison.bases):
        if not _fits(cost):
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

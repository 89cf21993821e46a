"""What a build answers. Pure values; sizes in bytes, times in seconds, None is "not known"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from wheelbase.oci.assembly import Runtime
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.image import Layer
from wheelbase.project.settings import Settings
from wheelbase.recipes.base import Debs


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How an image shall be, beside what is in it.

    `base` and `platforms` (`linux/amd64`, ...) are what it stands on; without a base the one that a comparison
    recommends. `python` is a minor version ("3.13") for that. `cures` are the hazards that something is done against.
    What is left open the project says, then the base.
    """

    base: str | None = None
    python: str | None = None
    platforms: tuple[str, ...] | None = None
    bytecode: bool = True
    cures: tuple[str, ...] = ()
    debs: Debs = field(default_factory=Debs)
    runtime: Runtime = field(default_factory=Runtime)

    @property
    def on(self) -> tuple[str, ...]:
        """The platforms, one at least."""
        return self.platforms or ("linux/amd64",)

    def over(self, settings: Settings) -> Wish:
        """Return this wish, with what it leaves open as a project's settings have it."""
        asked, image = self.runtime, settings.image
        runtime = replace(
            asked,
            env_vars={**image.env, **asked.env_vars},
            entrypoint=_first(asked.entrypoint, image.entrypoint),
            cmd=_first(asked.cmd, image.cmd),
            user=asked.user or image.user,
            working_dir=asked.working_dir or image.workdir,
            ports=asked.ports or tuple(image.ports),
            stop_signal=asked.stop_signal or image.stop_signal,
            labels={**image.labels, **asked.labels},
        )
        platforms = self.platforms or _first(None, image.platforms)
        debs = replace(self.debs, packages=(*settings.deb, *self.debs.packages))
        return replace(self, base=self.base or settings.base, platforms=platforms, debs=debs, runtime=runtime)


def _first(asked: tuple[str, ...] | None, stated: Sequence[str] | None) -> tuple[str, ...] | None:
    return asked if asked is not None else tuple(stated) if stated is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltLayer:
    """A layer on top of the base: what is in it, and whether it was there before. `tar_bytes` is its size unpacked."""

    layer: Layer
    tar_bytes: int
    contents: tuple[str, ...]
    reused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """An image of one platform. `image_bytes` is its size unpacked, the base's included; `settings` say how it runs.

    `sbom` is the CycloneDX document of what it is made of.
    """

    platform: str
    base: str
    base_digest: str
    python: str
    digest: str
    layers: tuple[BuiltLayer, ...]
    image_bytes: int | None
    image_compressed_bytes: int
    settings: ImageConfig
    sbom: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """What was made, and where it is now. `digest` is that of the index where there are several platforms."""

    digest: str
    destinations: tuple[str, ...]
    images: tuple[BuiltImage, ...]
    seconds: float
    notes: tuple[str, ...] = ()

"""An image made of another one and layers on top of it. Pure.

Source: OCI image specification 1.1, config.md (history, rootfs), annotations.md.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from wheelbase.oci import media_types
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.image import Image, Layer
from wheelbase.oci.manifest import Descriptor, Manifest, RawManifest, encode

_OCI_TYPES = {
    media_types.DOCKER_LAYER_GZIP: media_types.LAYER_GZIP,
    "application/vnd.docker.image.rootfs.diff.tar": media_types.LAYER_TAR,
}

_SIGNAL = re.compile(r"SIG[A-Z]{2,8}[12]?|SIGRTM(?:IN|AX)(?:[+-]\d{1,2})?|\d{1,2}")
_USER = re.compile(r"[\w.-]+(?::[\w.-]+)?", re.ASCII)
_PORT = re.compile(r"(\d{1,5})/(?:tcp|udp|sctp)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A layer to be put on top of others, and what the history says of it."""

    layer: Layer
    created_by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Runtime:
    """How the image runs, where that differs from its base. None leaves what the base says.

    `env_vars` go over those of the base. `labels` and `annotations` are added. `created` is a time as RFC 3339 has it.
    """

    env_vars: Mapping[str, str] = field(default_factory=dict, hash=False)
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    user: str | None = None
    working_dir: str | None = None
    ports: tuple[str, ...] = ()
    stop_signal: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    created: str = "1970-01-01T00:00:00Z"

    def __post_init__(self) -> None:
        """Refuse what no engine would start; ImageError says what."""
        if self.working_dir is not None and not self.working_dir.startswith("/"):
            raise _unfit("working directory", self.working_dir, "it begins with a slash: /app")
        if self.stop_signal is not None and not _SIGNAL.fullmatch(self.stop_signal):
            raise _unfit("signal", self.stop_signal, "write it like SIGTERM or 15")
        if self.user is not None and not _USER.fullmatch(self.user):
            raise _unfit("user", self.user, "write a name or an ID, with a group after a colon if need be: 1000:1000")
        for port in self.ports:
            found = _PORT.fullmatch(port)
            if not found or not 0 < int(found[1]) < 65536:
                raise _unfit("port", port, "write it like 8000/tcp or 53/udp")
        for name, value in self.env_vars.items():
            if not name or "=" in name or "\0" in name + value:
                raise _unfit("environment variable", f"{name}={value}", "a name has no = in it")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """An image that is not stored yet: its manifest, its configuration (as bytes and as a value), its layers."""

    manifest: RawManifest
    config: bytes
    settings: ImageConfig
    layers: tuple[Layer, ...]

    @property
    def config_descriptor(self) -> Descriptor:
        """What points to the configuration."""
        return Descriptor(media_type=media_types.CONFIG, digest=Digest.of(self.config), size=len(self.config))


def assemble(base: Image, additions: Sequence[Addition], runtime: Runtime, *, author: str) -> Assembled:
    """Return the image that has the layers of a base, then those added; `author` is what says that it made them.

    It is OCI's whatever the base was: the types of Docker's layers are other names of the same bytes.
    """
    layers = (*map(_as_oci, base.layers), *(addition.layer for addition in additions))
    config = replace(
        _runs(base.config, runtime),
        diff_ids=tuple(layer.diff_id for layer in layers),
        created=runtime.created,
        history=(*_history(base), *(_entry(addition, runtime.created, author) for addition in additions)),
    )
    body = encode_config(config)
    described = Descriptor(media_type=media_types.CONFIG, digest=Digest.of(body), size=len(body))
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        config=described,
        layers=tuple(layer.descriptor for layer in layers),
        annotations=runtime.annotations,
    )
    return Assembled(manifest=encode(manifest), config=body, settings=config, layers=layers)


def _unfit(what: str, text: str, hint: str) -> ImageError:
    return ImageError(f"{text[:200]!r} is no {what} of an image", hint=hint)


def _as_oci(layer: Layer) -> Layer:
    stored = layer.descriptor
    return replace(
        layer, descriptor=replace(stored, media_type=_OCI_TYPES.get(stored.media_type, stored.media_type), urls=())
    )


def _runs(config: ImageConfig, runtime: Runtime) -> ImageConfig:
    """Return a base's configuration with what runs on it. An own entrypoint takes the base's command away."""
    names = dict(line.partition("=")[::2] for line in config.env_vars) | dict(runtime.env_vars)
    cmd = () if runtime.entrypoint is not None and runtime.cmd is None else runtime.cmd
    # What ONBUILD says is for a Dockerfile, and done once by whoever builds on that base.
    other: dict[str, Any] = {name: value for name, value in config.other_runtime.items() if name != "OnBuild"}
    if runtime.ports:
        exposed = other.get("ExposedPorts")
        other["ExposedPorts"] = (exposed if isinstance(exposed, dict) else {}) | {port: {} for port in runtime.ports}
    if runtime.stop_signal:
        other["StopSignal"] = runtime.stop_signal
    return replace(
        config,
        env_vars=tuple(f"{name}={value}" for name, value in names.items()),
        entrypoint=config.entrypoint if runtime.entrypoint is None else runtime.entrypoint,
        cmd=config.cmd if cmd is None else cmd,
        user=config.user if runtime.user is None else runtime.user,
        working_dir=config.working_dir if runtime.working_dir is None else runtime.working_dir,
        labels={**config.labels, **runtime.labels},
        other_runtime=other,
    )


def _history(base: Image) -> tuple[Mapping[str, Any], ...]:
    """Return the base's history. Engines count its layers, so one that does not tell of all is no use to them."""
    told = [entry for entry in base.config.history if not entry.get("empty_layer")]
    if len(told) == len(base.layers):
        return base.config.history
    return tuple({"created_by": "base image"} for _ in base.layers)


def _entry(addition: Addition, created: str, author: str) -> Mapping[str, str]:
    return {"created": created, "created_by": addition.created_by, "comment": author}

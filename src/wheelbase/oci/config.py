"""The configuration of an image: what it runs on, what it runs, and the diff_ids of its layers. Pure.

What is not known here is kept, so that an image made from another says all that the other said.
Source: OCI image specification 1.1, config.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec
import msgspec.structs

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import MAX_LAYERS
from wheelbase.oci.platform import Platform

MAX_CONFIG = 8 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What a configuration states. `env_vars` are `NAME=value`, `history` is as it is stored.

    `other` holds the keys of the document that have no field here, `other_runtime` those of its "config".
    """

    platform: Platform
    diff_ids: tuple[Digest, ...]
    created: str | None = None
    author: str | None = None
    env_vars: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] | None = None
    cmd: tuple[str, ...] | None = None
    user: str = ""
    working_dir: str = ""
    labels: Mapping[str, str] = field(default_factory=dict, hash=False)
    history: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    other: Mapping[str, Any] = field(default_factory=dict, hash=False)
    other_runtime: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def env_var(self, name: str) -> str | None:
        """Return the value of an environment variable, None where the image does not set it."""
        return dict(line.partition("=")[::2] for line in self.env_vars).get(name)


class _Runtime(msgspec.Struct, rename="pascal"):
    env: list[str] | None = None
    entrypoint: list[str] | None = None
    cmd: list[str] | None = None
    user: str | None = None
    working_dir: str | None = None
    labels: dict[str, str] | None = None


class _RootFs(msgspec.Struct):
    diff_ids: list[str] | None = None


class _Document(msgspec.Struct, rename={"os_version": "os.version"}):
    os: str = ""
    architecture: str = ""
    variant: str | None = None
    os_version: str | None = None
    created: str | None = None
    author: str | None = None
    config: _Runtime | None = None
    rootfs: _RootFs | None = None
    history: list[dict[str, Any]] | None = None


_KNOWN = frozenset(info.encode_name for info in msgspec.structs.fields(_Document))
_KNOWN_RUNTIME = frozenset(info.encode_name for info in msgspec.structs.fields(_Runtime))


def parse_config(body: bytes, where: str) -> ImageConfig:
    """Return what the bytes state; ImageError, which names `where`, unless they are a sound configuration."""
    if len(body) > MAX_CONFIG:
        raise _bad(where, f"it has {len(body)} bytes, more than {MAX_CONFIG}")
    try:
        document = msgspec.json.decode(body, type=_Document)
        everything = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _bad(where, str(error)) from error
    diff_ids = (document.rootfs and document.rootfs.diff_ids) or []
    if len(diff_ids) > MAX_LAYERS:
        raise _bad(where, f"it has {len(diff_ids)} layers, and nothing runs more than {MAX_LAYERS}")
    runtime = document.config or _Runtime()
    try:
        digests = tuple(map(Digest.parse, diff_ids))
    except ImageError as error:
        raise _bad(where, str(error)) from error
    return ImageConfig(
        platform=Platform(
            os=document.os,
            architecture=document.architecture,
            variant=document.variant or "",
            os_version=document.os_version or "",
        ),
        diff_ids=digests,
        created=document.created,
        author=document.author,
        env_vars=tuple(runtime.env or ()),
        entrypoint=None if runtime.entrypoint is None else tuple(runtime.entrypoint),
        cmd=None if runtime.cmd is None else tuple(runtime.cmd),
        user=runtime.user or "",
        working_dir=runtime.working_dir or "",
        labels=runtime.labels or {},
        history=tuple(document.history or ()),
        other={key: value for key, value in everything.items() if key not in _KNOWN},
        other_runtime={
            key: value for key, value in (everything.get("config") or {}).items() if key not in _KNOWN_RUNTIME
        },
    )


def encode_config(config: ImageConfig) -> bytes:
    """Return the canonical bytes of a configuration."""
    runtime = dict(config.other_runtime) | _present(
        Env=list(config.env_vars),
        Entrypoint=config.entrypoint,
        Cmd=config.cmd,
        User=config.user,
        WorkingDir=config.working_dir,
        Labels=dict(config.labels),
    )
    content = dict(config.other) | _present(
        os=config.platform.os,
        architecture=config.platform.architecture,
        variant=config.platform.variant,
        created=config.created,
        author=config.author,
        history=[dict(entry) for entry in config.history],
        config=runtime,
    )
    content |= {"os.version": config.platform.os_version} if config.platform.os_version else {}
    content["rootfs"] = {"type": "layers", "diff_ids": list(map(str, config.diff_ids))}
    return msgspec.json.encode(content, order="sorted")


def _present(**fields: Any) -> dict[str, Any]:
    """Return the fields that say something. An empty entrypoint or command does: it takes away the base's."""
    return {name: value for name, value in fields.items() if value or (value == () and name in ("Entrypoint", "Cmd"))}


def _bad(where: str, why: str) -> ImageError:
    return ImageError(f"the configuration of {where} cannot be used: {why}", hint="ask whoever made the image")

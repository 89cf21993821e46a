"""Descriptors, manifests and indexes, parsed at the border; nothing is believed about what they point to. Pure.

Source: OCI image specification 1.1, descriptor.md, manifest.md, image-index.md; Docker's schema 2 is read as the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.platform import Platform

MAX_MANIFEST = 4 << 20
MAX_LAYERS = 512
_EMPTY: Mapping[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptor:
    """What points to a blob or a manifest: its type, digest and size in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    urls: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RawManifest:
    """The bytes of a manifest or an index as they are stored, whose digest is that of the image."""

    body: bytes
    media_type: str
    algorithm: str = "sha256"

    @property
    def digest(self) -> Digest:
        """The digest by which these bytes are found."""
        return Digest.of(self.body, self.algorithm)

    def descriptor(self) -> Descriptor:
        """Return what points to these bytes."""
        return Descriptor(media_type=self.media_type, digest=self.digest, size=len(self.body))


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """One image of one platform, or an artifact: a configuration and layers, the lowest first."""

    media_type: str
    config: Descriptor
    layers: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    subject: Descriptor | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageIndex:
    """Images of several platforms; it may list other indexes."""

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Mapping[str, str] = field(default_factory=dict, hash=False)
    artifact_type: str | None = None
    subject: Descriptor | None = None


class _Platform(msgspec.Struct, rename={"os_version": "os.version"}):
    os: str = ""
    architecture: str = ""
    variant: str = ""
    os_version: str = ""


class _Descriptor(msgspec.Struct, rename="camel"):
    digest: str
    size: int
    media_type: str = ""
    platform: _Platform | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None
    urls: list[str] | None = None


class _Document(msgspec.Struct, rename="camel"):
    """Both kinds of documents, and so much of schema 1 that it is known for what it is."""

    schema_version: int
    media_type: str | None = None
    config: _Descriptor | None = None
    layers: list[_Descriptor] | None = None
    manifests: list[_Descriptor] | None = None
    annotations: dict[str, str] | None = None
    artifact_type: str | None = None
    subject: _Descriptor | None = None


def parse_manifest(raw: RawManifest, where: str) -> Manifest | ImageIndex:
    """Return what the bytes state; ImageError, which names `where`, unless they are a sound manifest or index."""
    document = _decode(raw.body, where)
    stated = document.media_type or raw.media_type
    if stated in media_types.INDEXES or (stated not in media_types.MANIFESTS and document.manifests is not None):
        kind, wrong = media_types.INDEX, document.layers is not None or document.config is not None
    else:
        kind, wrong = media_types.MANIFEST, document.manifests is not None
    # One document must not be an image to one reader and an index to the next (CVE-2021-41190).
    if wrong:
        raise _bad(where, "it is an index and an image's manifest at once")
    known = media_types.INDEXES | media_types.MANIFESTS
    media_type = stated if stated in known else kind
    if raw.media_type in known and media_type != raw.media_type:
        raise _bad(where, f"it says that it is {media_type}, and came as {raw.media_type}")
    try:
        return _index(document, media_type) if kind == media_types.INDEX else _manifest(document, media_type)
    except ImageError as error:
        raise _bad(where, str(error)) from error


def checked(raw: RawManifest, digest: Digest, where: str) -> RawManifest:
    """Return the same bytes as what a digest names; DamagedError where they are not."""
    if Digest.of(raw.body, digest.algorithm) != digest:
        raise DamagedError(
            f"the manifest {digest} of {where} has other bytes than its digest promises",
            hint="the place it was read from is damaged, or was changed meanwhile",
        )
    return replace(raw, algorithm=digest.algorithm)


def stored_manifest(body: bytes, digest: Digest, where: str) -> RawManifest:
    """Return what a digest names, out of a place that keeps no media types; DamagedError where it has other bytes."""
    raw = checked(RawManifest(body=body, media_type=""), digest, where)
    return replace(raw, media_type=media_type_of(body, where))


def media_type_of(body: bytes, where: str) -> str:
    """Return the media type of a manifest that came without one."""
    document = _decode(body, where)
    return document.media_type or (media_types.MANIFEST if document.manifests is None else media_types.INDEX)


def encode(document: Manifest | ImageIndex) -> RawManifest:
    """Return the canonical bytes of a manifest or an index."""
    content: dict[str, Any] = {"schemaVersion": 2, "mediaType": document.media_type}
    if document.artifact_type:
        content["artifactType"] = document.artifact_type
    if isinstance(document, Manifest):
        content["config"] = to_json(document.config)
        content["layers"] = [to_json(layer) for layer in document.layers]
    else:
        content["manifests"] = [to_json(manifest) for manifest in document.manifests]
    if document.subject:
        content["subject"] = to_json(document.subject)
    if document.annotations:
        content["annotations"] = dict(document.annotations)
    return RawManifest(body=msgspec.json.encode(content, order="sorted"), media_type=document.media_type)


def to_json(descriptor: Descriptor) -> dict[str, Any]:
    """Return a descriptor as JSON has it."""
    content: dict[str, Any] = {
        "mediaType": descriptor.media_type,
        "digest": str(descriptor.digest),
        "size": descriptor.size,
    }
    if descriptor.platform:
        stated = descriptor.platform
        content["platform"] = {"os": stated.os, "architecture": stated.architecture}
        content["platform"] |= {"variant": stated.variant} if stated.variant else {}
        content["platform"] |= {"os.version": stated.os_version} if stated.os_version else {}
    if descriptor.annotations:
        content["annotations"] = dict(descriptor.annotations)
    if descriptor.artifact_type:
        content["artifactType"] = descriptor.artifact_type
    if descriptor.urls:
        content["urls"] = list(descriptor.urls)
    return content


def _decode(body: bytes, where: str) -> _Document:
    if len(body) > MAX_MANIFEST:
        raise _bad(where, f"it has {len(body)} bytes, and no registry takes more than {MAX_MANIFEST}")
    try:
        document = msgspec.json.decode(body, type=_Document)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise _bad(where, str(error)) from error
    if document.schema_version == 1 or document.media_type in media_types.DOCKER_SCHEMA_1:
        raise ImageError(
            f"{where} has a manifest of Docker's schema 1, which wheelbase does not read",
            hint="pull it with an old Docker and push it again: that writes schema 2",
        )
    if document.schema_version != 2:
        raise _bad(where, f"its schema version is {document.schema_version}, not 2")
    return document


def _manifest(document: _Document, media_type: str) -> Manifest:
    if document.config is None or document.layers is None:
        raise ImageError("it lacks its configuration or its layers")
    if len(document.layers) > MAX_LAYERS:
        raise ImageError(f"it has {len(document.layers)} layers, and nothing runs more than {MAX_LAYERS}")
    return Manifest(
        media_type=media_type,
        config=_descriptor(document.config),
        layers=tuple(map(_descriptor, document.layers)),
        annotations=document.annotations or _EMPTY,
        artifact_type=document.artifact_type,
        subject=_descriptor(document.subject) if document.subject else None,
    )


def _index(document: _Document, media_type: str) -> ImageIndex:
    if document.manifests is None:
        raise ImageError("it lacks its list of manifests")
    return ImageIndex(
        media_type=media_type,
        manifests=tuple(map(_descriptor, document.manifests)),
        annotations=document.annotations or _EMPTY,
        artifact_type=document.artifact_type,
        subject=_descriptor(document.subject) if document.subject else None,
    )


def _descriptor(stated: _Descriptor) -> Descriptor:
    if not 0 <= stated.size < 1 << 62:
        raise ImageError(f"it lists {stated.digest[:140]} with a size of {stated.size} bytes")
    return Descriptor(
        media_type=stated.media_type,
        digest=Digest.parse(stated.digest),
        size=stated.size,
        platform=_platform(stated.platform) if stated.platform else None,
        annotations=stated.annotations or _EMPTY,
        artifact_type=stated.artifact_type,
        urls=tuple(stated.urls or ()),
    )


def _platform(stated: _Platform) -> Platform:
    return Platform(
        os=stated.os, architecture=stated.architecture, variant=stated.variant, os_version=stated.os_version
    )


def _bad(where: str, why: str) -> ImageError:
    return ImageError(f"the manifest of {where} cannot be used: {why}", hint="ask whoever made the image")

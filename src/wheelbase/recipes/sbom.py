"""What an image is made of as a CycloneDX document, and how it is attached to the image. Uses the cache.

Sources: CycloneDX 1.6; OCI image specification 1.1, "Guidelines for artifact usage"; the package URL specification.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Literal

import msgspec

from wheelbase.cache import Cache
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.manifest import Descriptor, Manifest, RawManifest, encode

if TYPE_CHECKING:
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component

MEDIA_TYPE = "application/vnd.cyclonedx+json"
EMPTY_TYPE, EMPTY = "application/vnd.oci.empty.v1+json", b"{}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """A package in an image, with the hash of its wheel or its .deb, or the base. Empty is not known."""

    name: str
    version: str
    sha256: str = ""
    kind: Literal["pypi", "deb", "base"] = "pypi"
    arch: str = ""


def bill_of_materials(parts: list[Part]) -> bytes:
    """Return the document, always the same bytes for the same parts: it has no time in it."""
    stated = msgspec.msgpack.encode(parts)
    kept, key = Cache("sbom-1"), Digest.of(stated).hex
    if body := kept.get(key):
        return body
    body = _document(parts, key)
    kept.put(key, body)
    return body


def attached(subject: RawManifest, body: bytes) -> tuple[RawManifest, Descriptor, Descriptor]:
    """Return the manifest that attaches a document to an image, and what points to the document and its config."""
    document = Descriptor(media_type=MEDIA_TYPE, digest=Digest.of(body), size=len(body))
    config = Descriptor(media_type=EMPTY_TYPE, digest=Digest.of(EMPTY), size=len(EMPTY))
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        artifact_type=MEDIA_TYPE,
        config=config,
        layers=(document,),
        subject=subject.descriptor(),
    )
    return encode(manifest), document, config


def _document(parts: list[Part], key: str) -> bytes:
    # Half of a warm build would go into this import.
    from cyclonedx.model.bom import Bom
    from cyclonedx.output.json import JsonV1Dot6

    bom: Bom = Bom(serial_number=uuid.uuid5(uuid.NAMESPACE_OID, key), components=[_component(part) for part in parts])
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the same parts are the same document
    return JsonV1Dot6(bom).output_as_string(indent=1).encode()


def _component(part: Part) -> Component:
    from cyclonedx.model import HashAlgorithm, HashType
    from cyclonedx.model.component import Component, ComponentType
    from packageurl import PackageURL

    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=part.sha256)] if part.sha256 else []
    if part.kind == "base":
        return Component(
            type=ComponentType.CONTAINER, name=part.name, version=part.version, bom_ref="base", hashes=hashes
        )
    if part.kind == "deb":
        url = PackageURL("deb", "debian", part.name, part.version, {"arch": part.arch})
    else:
        url = PackageURL("pypi", None, part.name, part.version)
    return Component(
        type=ComponentType.LIBRARY, name=part.name, version=part.version, purl=url, bom_ref=str(url), hashes=hashes
    )

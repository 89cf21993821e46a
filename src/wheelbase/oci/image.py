"""An image of one platform, with the bytes that its digests are of. Reads from sources.

Source: OCI image specification 1.1, manifest.md and image-index.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from wheelbase.oci import media_types
from wheelbase.oci.config import MAX_CONFIG, ImageConfig, parse_config
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import Descriptor, ImageIndex, Manifest, RawManifest, parse_manifest
from wheelbase.oci.places import Blob, Source
from wheelbase.oci.platform import Platform, best_of

# Indexes within indexes are allowed, and a few are made; there is no use for more.
MAX_DEPTH = 4
_MOST_INDEXES = 32
_MOST_LISTED = 100_000
_MOST_SILENT = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Layer:
    """A layer: `descriptor` has digest, size and type of the blob as stored, `diff_id` is of the uncompressed tar."""

    descriptor: Descriptor
    diff_id: Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image of one platform."""

    raw_manifest: RawManifest
    manifest: Manifest
    raw_config: bytes
    config: ImageConfig

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers, the lowest first."""
        pairs = zip(self.manifest.layers, self.config.diff_ids, strict=True)
        return tuple(Layer(descriptor=descriptor, diff_id=diff_id) for descriptor, diff_id in pairs)


def read_image(source: Source, platform: Platform | None = None) -> Image:
    """Return the image for a platform, that of this machine if none is given; layers are not read.

    An image which is there for one platform alone is taken as it is, unless another platform is asked for.
    """
    root = source.read_manifest()
    parsed = parse_manifest(root, source.where)
    if isinstance(parsed, Manifest):
        image = _image(source, root, parsed)
        if platform and platform.runs(image.config.platform) is None:
            raise _other_platform(source, platform, [image.config.platform])
        return image
    return _image(source, *_choose(source, parsed, platform or Platform.of_this_machine()))


def read_listed(source: Source, descriptor: Descriptor) -> tuple[RawManifest, Manifest | ImageIndex]:
    """Return what an index lists, if it is what the index says."""
    raw = source.read_manifest(descriptor.digest)
    if len(raw.body) != descriptor.size:
        raise ImageError(
            f"{descriptor.digest} in {source.where} has {len(raw.body)} bytes; the index says {descriptor.size}",
            hint="ask whoever made the image",
        )
    return raw, parse_manifest(RawManifest(body=raw.body, media_type=descriptor.media_type), source.where)


def read_config(source: Source, manifest: Manifest) -> tuple[bytes, ImageConfig]:
    """Return the configuration of an image, as bytes and as a value."""
    body = Blob(descriptor=manifest.config, source=source).read(MAX_CONFIG)
    return body, parse_config(body, source.where)


def _image(source: Source, raw: RawManifest, manifest: Manifest) -> Image:
    if manifest.config.media_type not in media_types.CONFIGS:
        kind = manifest.artifact_type or manifest.config.media_type
        raise ImageError(f"{source.where} is no image but {kind[:200]}", hint="name an image")
    body, config = read_config(source, manifest)
    if len(config.diff_ids) != len(manifest.layers):
        raise ImageError(
            f"{source.where} has {len(manifest.layers)} layers; its configuration says {len(config.diff_ids)}",
            hint="ask whoever made the image",
        )
    return Image(raw_manifest=raw, manifest=manifest, raw_config=body, config=config)


def _choose(source: Source, index: ImageIndex, wanted: Platform) -> tuple[RawManifest, Manifest]:
    listed = list(leaves(source, index))
    offered = [(leaf.platform, leaf) for leaf in listed if leaf.platform]
    found = best_of(wanted, offered)
    if found is None:
        # A platform may be left out of an index; then the configuration states it.
        silent = [leaf for leaf in listed if not leaf.platform][:_MOST_SILENT]
        offered += [(_stated_platform(source, leaf), leaf) for leaf in silent]
        found = best_of(wanted, offered)
    if found is None:
        raise _other_platform(source, wanted, [one for one, _ in offered])
    raw, manifest = read_listed(source, found)
    assert isinstance(manifest, Manifest)  # a leaf's media type is that of a manifest
    return raw, manifest


def leaves(source: Source, index: ImageIndex) -> Iterator[Descriptor]:
    """Yield the manifests that an index lists, at any depth, in its order."""
    pending, indexes, listed = [(child, 1) for child in reversed(index.manifests)], 0, 0
    while pending:
        child, depth = pending.pop()
        if child.media_type in media_types.MANIFESTS:
            yield child
        elif child.media_type in media_types.INDEXES:
            indexes += 1
            if depth == MAX_DEPTH or indexes > _MOST_INDEXES or listed > _MOST_LISTED:
                raise too_deep(source)
            _, parsed = read_listed(source, child)
            assert isinstance(parsed, ImageIndex)  # an index's media type is that of an index
            listed += len(parsed.manifests)
            pending += [(grandchild, depth + 1) for grandchild in reversed(parsed.manifests)]


def _stated_platform(source: Source, leaf: Descriptor) -> Platform:
    _, manifest = read_listed(source, leaf)
    assert isinstance(manifest, Manifest)
    if manifest.config.media_type not in media_types.CONFIGS:
        return Platform(os="unknown", architecture="unknown")
    return read_config(source, manifest)[1].platform


def too_deep(source: Source) -> ImageError:
    """Return the error for an index that lists indexes without end."""
    return ImageError(
        f"{source.where} is an index of indexes, deeper than {MAX_DEPTH} or more than wheelbase reads",
        hint="name the image by the digest of its own manifest",
    )


def _other_platform(source: Source, wanted: Platform, offered: list[Platform]) -> ImageError:
    there = ", ".join(dict.fromkeys(str(one) for one in offered if one.os != "unknown")) or "none that is stated"
    return ImageError(
        f"{source.where} has no image for {wanted}", hint=f"choose a platform that it is made for: {there[:1000]}"
    )

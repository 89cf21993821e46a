"""Images made from dicts, in memory: what tests read, copy and lay over one another."""

from __future__ import annotations

import gzip
import io
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from wheelbase.oci import media_types
from wheelbase.oci.blobfolder import missing
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.manifest import Descriptor, ImageIndex, Manifest, RawManifest, checked, encode, parse_manifest
from wheelbase.oci.platform import Platform

AMD64 = Platform(os="linux", architecture="amd64")
ARM64 = Platform(os="linux", architecture="arm64", variant="v8")
FOLDER, SYMLINK, HARDLINK, CHAR, FIFO = (
    tarfile.DIRTYPE,
    tarfile.SYMTYPE,
    tarfile.LNKTYPE,
    tarfile.CHRTYPE,
    tarfile.FIFOTYPE,
)
# The content of a file, or (kind, link).
What = bytes | tuple[bytes, str]


def tar(entries: Mapping[str, What] | Sequence[tuple[str, What]]) -> bytes:
    """Return a tar of these entries, in their order."""
    pairs = entries.items() if isinstance(entries, Mapping) else entries
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, what in pairs:
            member = tarfile.TarInfo(name)
            if isinstance(what, bytes):
                member.size = len(what)
                archive.addfile(member, io.BytesIO(what))
            else:
                member.type, member.linkname = what
                archive.addfile(member)
    return buffer.getvalue()


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, 1, mtime=0)


@dataclass(slots=True)
class MemorySource:
    """A place in memory. What was opened is counted."""

    where: str = "memory"
    root: RawManifest | None = None
    manifests: dict[Digest, RawManifest] = field(default_factory=dict)
    blobs: dict[Digest, bytes] = field(default_factory=dict)
    opened: list[Digest] = field(default_factory=list)

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        raw = self.root if digest is None else self.manifests.get(digest)
        if raw is None:
            raise missing(str(digest), self.where)
        return checked(raw, digest, self.where) if digest else raw

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        if descriptor.digest not in self.blobs:
            raise missing(str(descriptor.digest), self.where)
        self.opened.append(descriptor.digest)
        data = self.blobs[descriptor.digest][start:]
        yield io.BytesIO(data if length is None else data[:length])

    def add(self, data: bytes, media_type: str, algorithm: str = "sha256") -> Descriptor:
        digest = Digest.of(data, algorithm)
        self.blobs[digest] = data
        return Descriptor(media_type=media_type, digest=digest, size=len(data))

    def add_image(self, layers: Sequence[bytes], platform: Platform = AMD64, docker: bool = False) -> RawManifest:
        """Add an image of layers: tars, or what is given with `stored`; it becomes what the source names."""
        config = ImageConfig(platform=platform, diff_ids=tuple(map(Digest.of, layers)), cmd=("sh",))
        config_type = media_types.DOCKER_CONFIG if docker else media_types.CONFIG
        layer_type = media_types.DOCKER_LAYER_GZIP if docker else media_types.LAYER_GZIP
        manifest = Manifest(
            media_type=media_types.DOCKER_MANIFEST if docker else media_types.MANIFEST,
            config=self.add(encode_config(config), config_type),
            layers=tuple(self.add(zipped(layer), layer_type) for layer in layers),
        )
        return self.add_manifest(manifest)

    def add_manifest(self, manifest: Manifest | ImageIndex) -> RawManifest:
        self.root = encode(manifest)
        self.manifests[self.root.digest] = self.root
        return self.root

    def add_index(self, images: Mapping[Platform | None, RawManifest]) -> RawManifest:
        listed = tuple(replace(raw.descriptor(), platform=platform) for platform, raw in images.items())
        return self.add_manifest(ImageIndex(media_type=media_types.INDEX, manifests=listed))


def image_of(*layers: Mapping[str, What] | Sequence[tuple[str, What]]) -> MemorySource:
    """Return a source of one image with these layers."""
    source = MemorySource()
    source.add_image([tar(layer) for layer in layers])
    return source


def two_platforms() -> MemorySource:
    """Return a source of an index, in which an index lists one of two images."""
    source = MemorySource()
    amd64 = source.add_image([tar({"bin/sh": b"amd64"}), tar({"etc/a": b"a"})])
    arm64 = source.add_image([tar({"bin/sh": b"arm64"})], ARM64)
    inner = source.add_index({ARM64: arm64})
    source.add_index({AMD64: amd64, None: inner})
    return source


def manifest_of(source: MemorySource) -> Manifest:
    parsed = parse_manifest(source.read_manifest(), source.where)
    assert isinstance(parsed, Manifest)
    return parsed

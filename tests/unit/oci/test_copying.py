"""Which image is read and copied out of indexes, and how much is read for it."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from tests.unit.oci.small_images import AMD64, ARM64, MemorySource, image_of, manifest_of, tar, two_platforms

from wheelbase.oci import media_types
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Descriptor, ImageIndex, Manifest, RawManifest
from wheelbase.oci.places import Blob
from wheelbase.oci.platform import Platform

ATTESTATION = Platform(os="unknown", architecture="unknown")


class Sink:
    """A sink in memory that counts."""

    takes_indexes = True
    keeps_referrers = False

    def __init__(self, seconds: float = 0.01) -> None:
        """Each blob takes `seconds`."""
        self.seconds = seconds
        self.blobs: dict[str, bytes] = {}
        self.manifests: list[tuple[RawManifest, bool]] = []
        self.busy = self.busiest = 0
        self._lock = threading.Lock()

    def has_blob(self, descriptor: Descriptor, /) -> bool:
        return str(descriptor.digest) in self.blobs

    def put_blob(self, blob: Blob, /) -> None:
        with self._lock:
            self.busy += 1
            self.busiest = max(self.busiest, self.busy)
        time.sleep(self.seconds)
        self.blobs[str(blob.descriptor.digest)] = blob.read(1 << 30)
        with self._lock:
            self.busy -= 1

    def put_manifest(self, manifest: RawManifest, /, *, named: bool) -> None:
        self.manifests.append((manifest, named))


def index_of(*listed: Descriptor) -> ImageIndex:
    return ImageIndex(media_type=media_types.INDEX, manifests=listed)


def test_what_is_listed_comes_before_what_lists_it() -> None:
    source, sink = two_platforms(), Sink()
    assert copy_image(source, sink) == source.read_manifest().digest
    order = [raw.digest for raw, _ in sink.manifests]
    assert len(order) == len(set(order)) == 4 and order[-1] == source.read_manifest().digest
    assert [named for _, named in sink.manifests] == [False, False, False, True]
    assert order.index(read_image(source, ARM64).raw_manifest.digest) < 2
    assert set(sink.blobs) == set(map(str, source.blobs))


def test_what_is_there_is_not_read() -> None:
    source, sink = two_platforms(), Sink()
    copy_image(source, sink)
    source.opened.clear()
    copy_image(source, sink)
    assert source.opened == []


def test_blobs_are_copied_at_once() -> None:
    source, sink = image_of(*({f"f{number}": b"x"} for number in range(12))), Sink()
    copy_image(source, sink)
    assert 1 < sink.busiest <= 6


def test_a_missing_blob_ends_the_copy() -> None:
    source, sink = image_of(*({f"f{number}": b"x"} for number in range(30))), Sink(0.2)
    source.blobs.pop(manifest_of(source).layers[7].digest)
    with pytest.raises(MissingError):
        copy_image(source, sink)
    assert sink.manifests == [] and len(sink.blobs) < 30


def test_of_several_platforms_little_is_read() -> None:
    source = two_platforms()
    reads: list[Digest | None] = []
    read = source.read_manifest

    class Counting(MemorySource):
        def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
            reads.append(digest)
            return read(digest)

    image = read_image(Counting(root=source.root, blobs=source.blobs), AMD64)
    assert image.config.platform == AMD64
    assert len(reads) == 3  # the index, the index that it lists, the image


def test_an_index_that_does_not_say_platforms() -> None:
    source = MemorySource()
    images = {platform: source.add_image([tar({str(platform): b"x"})], platform) for platform in (AMD64, ARM64)}
    source.add_manifest(index_of(*(raw.descriptor() for raw in images.values())))
    for platform, raw in images.items():
        assert read_image(source, platform).raw_manifest == raw


def test_attestations_are_no_images() -> None:
    source = MemorySource()
    image = source.add_image([tar({"a": b"x"})], ARM64)
    statement = source.add_manifest(
        Manifest(media_type=media_types.MANIFEST, config=source.add(b"{}", "application/x-empty"), layers=())
    )
    source.add_manifest(
        index_of(
            replace(statement.descriptor(), platform=ATTESTATION),
            statement.descriptor(),
            Descriptor(media_type="application/x-other", digest=statement.digest, size=1),
            replace(image.descriptor(), platform=ARM64),
        )
    )
    assert read_image(source, ARM64).raw_manifest == image
    with pytest.raises(ImageError, match="no image for linux/amd64") as caught:
        read_image(source, AMD64)
    assert caught.value.hint == "choose a platform that it is made for: linux/arm64/v8"
    source.root = statement
    with pytest.raises(ImageError, match="is no image but application/x-empty"):
        read_image(source)


def test_one_platform_that_is_another() -> None:
    source = MemorySource()
    source.add_image([tar({"a": b"x"})], Platform(os="linux", architecture="s390x"))
    assert read_image(source).config.platform.architecture == "s390x"
    with pytest.raises(ImageError, match="no image for linux/amd64"):
        read_image(source, AMD64)


def test_indexes_without_end() -> None:
    source = image_of({"a": b"x"})
    raw = source.read_manifest()
    for _ in range(3):
        raw = source.add_manifest(index_of(replace(raw.descriptor(), platform=AMD64)))
    assert read_image(source, AMD64).config.platform == AMD64
    copy_image(source, Sink())
    for _ in range(3):
        raw = source.add_manifest(index_of(raw.descriptor()))
    with pytest.raises(ImageError, match="index of indexes"):
        read_image(source, AMD64)
    with pytest.raises(ImageError, match="index of indexes"):
        copy_image(source, Sink())


def test_an_index_of_very_many_indexes() -> None:
    source = image_of({"a": b"x"})
    image = source.read_manifest().descriptor()
    inner = [source.add_manifest(index_of(replace(image, annotations={"n": str(n)}))).descriptor() for n in range(40)]
    source.add_manifest(index_of(*inner))
    with pytest.raises(ImageError, match="index of indexes"):
        read_image(source, AMD64)


def test_an_index_that_lies_about_what_it_lists() -> None:
    source = image_of({"a": b"x"})
    image = source.read_manifest()
    source.add_manifest(index_of(replace(image.descriptor(), platform=AMD64, size=3)))
    with pytest.raises(ImageError, match="the index says 3"):
        read_image(source, AMD64)
    source.add_manifest(index_of(replace(image.descriptor(), platform=AMD64, media_type=media_types.DOCKER_MANIFEST)))
    with pytest.raises(ImageError, match="came as"):
        read_image(source, AMD64)
    source.add_manifest(index_of(replace(image.descriptor(), platform=AMD64)))
    source.manifests[image.digest] = replace(image, body=image.body + b" ")
    with pytest.raises(ImageError, match="other bytes"):
        read_image(source, AMD64)


def test_a_configuration_that_is_too_large_is_not_read() -> None:
    source = image_of({"a": b"x"})
    manifest = manifest_of(source)
    source.add_manifest(replace(manifest, config=replace(manifest.config, size=1 << 40)))
    source.opened.clear()
    with pytest.raises(ImageError, match="more than"):
        read_image(source)
    assert source.opened == []


def test_into_a_layout_and_back(tmp_path: Path) -> None:
    source = two_platforms()
    for name in ("a", "b"):
        copy_image(source, Layout(tmp_path / name, "app"))
        source = MemorySource(root=source.root, manifests=source.manifests, blobs=source.blobs)
    first, second = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file()
        }
        for name in ("a", "b")
    )
    assert first == second and len(first) == 4 + len(source.blobs) + 2

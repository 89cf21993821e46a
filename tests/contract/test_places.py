"""What every place that keeps images does: the same tests for each."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.conftest import Place
from tests.unit.oci.small_images import AMD64, ARM64, MemorySource, image_of, manifest_of, tar, two_platforms

from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import DamagedError, ImageError, MissingError
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.places import Blob, Sink
from wheelbase.oci.reference import parse_reference
from wheelbase.oci.tree import read_tree

LAYERS = ({"etc/os-release": b"ID=x\n", "bin/sh": b"#" * 70_000}, {"app/main.py": b"print()\n"})


def copy(source: MemorySource, sink: AbstractContextManager[Sink]) -> Digest:
    with sink as opened:
        return copy_image(source, opened)


def some_blob(source: MemorySource) -> Blob:
    return Blob(descriptor=manifest_of(source).layers[0], source=source)


def test_what_is_put_is_got(place: Place) -> None:
    source = image_of(*LAYERS)
    digest = copy(source, place.sink())
    with place.source() as there:
        image = read_image(there)
        if place.keeps_digests:
            assert there.read_manifest() == source.root
            assert there.read_manifest(digest).body == image.raw_manifest.body
        assert image.raw_config == read_image(source).raw_config
        assert [entry.path for entry in read_tree(there, image).walk() if entry.kind == "file"] == [
            "app/main.py",
            "bin/sh",
            "etc/os-release",
        ]


def test_a_blob_by_range(place: Place) -> None:
    copy(image_of(*LAYERS), place.sink())
    with place.source() as there:
        blob = Blob(descriptor=read_image(there).layers[0].descriptor, source=there)
        whole = blob.read(1 << 20)
        for start, length in ((0, 10), (5, 7), (len(whole) - 3, 100), (len(whole), 5), (3, None), (0, 0)):
            with blob.open_range(start, length) as reader:
                assert reader.read(1 << 20) == whole[start : None if length is None else start + length]


def test_a_blob_that_is_not_there(place: Place) -> None:
    copy(image_of(*LAYERS), place.sink())
    other = image_of({"other": b"x"})
    descriptor = some_blob(other).descriptor
    with place.source() as there, pytest.raises(MissingError), there.open_blob(descriptor) as reader:
        reader.read(1)
    with place.source() as there, pytest.raises(MissingError):
        there.read_manifest(descriptor.digest)


def test_an_image_that_is_not_there(place: Place) -> None:
    with pytest.raises(MissingError), place.source("nobody/none:9") as there:
        there.read_manifest()
    copy(image_of(*LAYERS), place.sink())
    with pytest.raises(MissingError), place.source("nobody/none:9") as there:
        there.read_manifest()


def test_has_blob(place: Place) -> None:
    source = image_of(*LAYERS)
    blob = some_blob(source)
    with pytest.raises(ZeroDivisionError), place.sink() as sink:
        assert not sink.has_blob(blob.descriptor)
        sink.put_blob(blob)
        assert sink.has_blob(blob.descriptor)
        assert 1 / 0


@pytest.mark.parametrize("wrong", ["bytes", "short", "long", "empty"])
def test_a_wrong_blob_is_refused(place: Place, wrong: str) -> None:
    source = image_of(*LAYERS)
    blob = some_blob(source)
    right = source.blobs[blob.descriptor.digest]
    source.blobs[blob.descriptor.digest] = {
        "bytes": right[:-1] + bytes([right[-1] ^ 1]),
        "short": right[:-1],
        "long": right + b"x",
        "empty": b"",
    }[wrong]
    with place.sink() as sink:
        with pytest.raises(DamagedError, match=str(blob.descriptor.digest)):
            sink.put_blob(blob)
        assert not sink.has_blob(blob.descriptor)
        source.blobs[blob.descriptor.digest] = right
        copy_image(source, sink)
    with place.source() as there:
        assert read_image(there).raw_config == read_image(source).raw_config


def test_a_copy_that_fails_changes_nothing(place: Place) -> None:
    first, second = image_of(*LAYERS), image_of({"second": b"2"})
    copy(first, place.sink())
    second.blobs.pop(manifest_of(second).layers[0].digest)
    with pytest.raises(MissingError):
        copy(second, place.sink())
    with place.source() as there:
        assert read_image(there).raw_config == read_image(first).raw_config


def test_a_name_moves(place: Place) -> None:
    first, second = image_of(*LAYERS), image_of({"second": b"2"})
    copy(first, place.sink())
    copy(second, place.sink())
    with place.source() as there:
        assert read_image(there).raw_config == read_image(second).raw_config


def test_names_side_by_side(place: Place) -> None:
    if not place.holds_names:
        pytest.skip("an archive is written as a whole, with one name")
    images = {"app:1": image_of(*LAYERS), "other/app:2": image_of({"second": b"2"})}
    for name, source in images.items():
        copy(source, place.sink(name))
    for name, source in images.items():
        with place.source(name) as there:
            assert read_image(there).raw_config == read_image(source).raw_config


def test_several_platforms(place: Place) -> None:
    source = two_platforms()
    digest = copy(source, place.sink())
    with place.source() as there:
        if place.holds_indexes:
            assert there.read_manifest() == source.root and digest == source.read_manifest().digest
            for platform in (AMD64, ARM64):
                image = read_image(there, platform)
                assert image == read_image(source, platform)
                read_tree(there, image)
            with pytest.raises(ImageError, match="no image for linux/s390x"):
                read_image(there, replace(AMD64, architecture="s390x"))
        else:
            assert read_image(there).raw_config == read_image(source).raw_config


def test_one_platform_of_several(place: Place) -> None:
    source = two_platforms()
    with place.sink() as sink:
        copy_image(source, sink, ARM64)
    with place.source() as there:
        assert read_image(there, ARM64).raw_config == read_image(source, ARM64).raw_config
        with pytest.raises(ImageError, match="no image for linux/amd64"):
            read_image(there, AMD64)


def test_docker_media_types(place: Place) -> None:
    source = MemorySource()
    raw = source.add_image([tar(layer) for layer in LAYERS], docker=True)
    copy(source, place.sink())
    with place.source() as there:
        if place.keeps_digests:
            assert there.read_manifest() == raw
        read_tree(there, read_image(there))


def test_from_place_to_place(place: Place, tmp_path: Path) -> None:
    source = image_of(*LAYERS)
    copy(source, place.sink())
    last = place.source()
    for text in ("oci-archive:{}/a.tar:x", "docker-archive:{}/b.tar:x:1", "oci:{}/c"):
        step = parse_reference(text.format(tmp_path))
        with last as opened, open_sink(step) as sink:
            copy_image(opened, sink)
        last = open_source(step)
    copy_image(Layout(tmp_path / "c"), Layout(tmp_path / "d"))
    image = read_image(Layout(tmp_path / "d"))
    assert image.raw_config == read_image(source).raw_config
    if place.keeps_digests:
        assert image.raw_manifest == source.root
    read_tree(Layout(tmp_path / "d"), image)


def test_the_same_layer_twice(place: Place) -> None:
    source = image_of(LAYERS[0], LAYERS[1], LAYERS[0])
    copy(source, place.sink())
    with place.source() as there:
        image = read_image(there)
        assert len(image.layers) == 3
        assert read_tree(there, image).entry("bin/sh")

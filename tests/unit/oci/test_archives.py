"""Layouts and archives as other tools write them, and as they should not be."""

from __future__ import annotations

import json
import tarfile
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tests.unit.oci.small_images import (
    AMD64,
    ARM64,
    SYMLINK,
    MemorySource,
    What,
    image_of,
    manifest_of,
    tar,
    two_platforms,
    zipped,
)

from wheelbase.oci import archive, media_types
from wheelbase.oci.archive import archive_sink, archive_source
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.docker_archive import docker_archive_sink, docker_archive_source
from wheelbase.oci.errors import DamagedError, ImageError, MissingError
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Manifest, parse_manifest
from wheelbase.oci.tree import read_tree

LAYERS = [tar({"bin/sh": b"#!"}), tar({"etc/x": b"x"})]


def saved(path: Path, entries: dict[str, What] | list[tuple[str, What]]) -> Path:
    path.write_bytes(tar(entries))
    return path


def config_of(layers: list[bytes]) -> bytes:
    diff_ids = [str(Digest.of(layer)) for layer in layers]
    return json.dumps(
        {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    ).encode()


def listing(*entries: dict[str, Any]) -> bytes:
    return json.dumps(entries).encode()


def as_docker_saves(layers: list[bytes] = LAYERS, tags: list[str] | None = None) -> dict[str, What]:
    """Return what Docker before 25 writes: a folder a layer, with links where a layer comes again."""
    config = config_of(layers)
    found: dict[str, What] = {}
    names = []
    for number, layer in enumerate(layers):
        first = layers.index(layer)
        found[f"{number}/layer.tar"] = layer if first == number else (SYMLINK, f"../{first}/layer.tar")
        found[f"{number}/json"] = b"{}"
        names.append(f"{number}/layer.tar")
    name = f"{Digest.of(config).hex}.json"
    found[name] = config
    found["manifest.json"] = listing({"Config": name, "RepoTags": tags, "Layers": names})
    return found


def unpacked(path: Path) -> dict[str, bytes]:
    with tarfile.open(path) as opened:
        files = {member.name: opened.extractfile(member) for member in opened if member.isreg()}
        return {name: file.read() for name, file in files.items() if file}


def paths(path: Path, name: str | None = None) -> list[str]:
    with docker_archive_source(path, name) as source:
        return [entry.path for entry in read_tree(source, read_image(source)).walk() if entry.kind == "file"]


def test_what_docker_saves(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.tar", as_docker_saves([*LAYERS, LAYERS[0]], ["python:3.13", "other/app:1"]))
    for name in (None, "python:3.13", "other/app:1"):
        assert paths(path, name) == ["bin/sh", "etc/x"]
    with docker_archive_source(path) as source:
        raw = source.read_manifest()
        manifest = parse_manifest(raw, "it")
        assert isinstance(manifest, Manifest) and {layer.media_type for layer in manifest.layers} == {
            media_types.LAYER_TAR
        }
        assert source.read_manifest(raw.digest) == raw
    with pytest.raises(MissingError, match="no image of that name") as caught, docker_archive_source(path, "python:4"):
        pass
    assert caught.value.hint == "it holds: python:3.13, other/app:1"


@pytest.mark.parametrize("pack", [zipped, lambda data: data])
def test_layers_in_an_archive_may_be_compressed(tmp_path: Path, pack: Any) -> None:
    entries = as_docker_saves()
    for number, layer in enumerate(LAYERS):
        entries[f"{number}/layer.tar"] = pack(layer)
    assert paths(saved(tmp_path / "x.tar", entries)) == ["bin/sh", "etc/x"]


def test_a_compressed_archive(tmp_path: Path) -> None:
    path = tmp_path / "x.tar.gz"
    path.write_bytes(zipped(tar(as_docker_saves())))
    assert paths(path) == ["bin/sh", "etc/x"]
    with archive_sink(tmp_path / "oci.tar") as sink:
        copy_image(image_of({"a": b"1"}), sink)
    path.write_bytes(zipped((tmp_path / "oci.tar").read_bytes()))
    with archive_source(path) as source:
        assert read_tree(source, read_image(source)).entry("a")


def test_several_images_in_one_archive(tmp_path: Path) -> None:
    first, second = as_docker_saves(tags=["a:1"]), as_docker_saves([LAYERS[0]], ["b:1"])
    both = json.loads(first["manifest.json"]) + json.loads(second["manifest.json"])  # type: ignore[arg-type]
    path = saved(tmp_path / "x.tar", first | second | {"manifest.json": listing(*both)})
    assert paths(path, "a:1") == ["bin/sh", "etc/x"] and paths(path, "b:1") == ["bin/sh"]
    with pytest.raises(ImageError, match="has 2 images"):
        paths(path)


def test_a_layer_that_is_not_the_one_of_the_configuration(tmp_path: Path) -> None:
    path = saved(tmp_path / "x.tar", as_docker_saves() | {"0/layer.tar": LAYERS[1]})
    with pytest.raises(DamagedError):
        paths(path)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"manifest.json": b""}, "cannot be used"),
        ({"manifest.json": b"{}"}, "cannot be used"),
        ({"manifest.json": b"[]"}, "no image"),
        ({"manifest.json": b"[" * 100_000}, "cannot be used"),
        ({"manifest.json": b" " * (5 << 20)}, "cannot be used"),
        ({"manifest.json": listing({"Config": "none", "Layers": []})}, "does not hold none"),
        ({"manifest.json": listing({"Config": "../../etc/passwd", "Layers": []})}, "does not hold"),
        ({"manifest.json": listing({"Config": "/etc/passwd", "Layers": []})}, "does not hold /etc/passwd"),
        (
            {"manifest.json": listing({"Config": "0/json", "Layers": ["0/layer.tar"]})},
            "1 layers; its configuration says 0",
        ),
        ({"manifest.json": listing({"Config": "0/json", "Layers": [], "RepoTags": ["Bad Name"]})}, "no reference"),
        ({"1/layer.tar": (SYMLINK, "../1/layer.tar")}, "does not hold"),
        ({"1/layer.tar": (SYMLINK, "/etc/passwd")}, "does not hold"),
        ({"0/layer.tar": b"no tar"}, "."),
    ],
)
def test_archives_that_are_none(tmp_path: Path, changes: dict[str, What], says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        paths(saved(tmp_path / "x.tar", as_docker_saves() | changes))
    assert caught.value.hint


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 5000, zipped(b"x" * 5000), zipped(b"")[:9]])
def test_files_that_are_no_archive(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tar"
    path.write_bytes(content)
    for opened in (docker_archive_source, archive_source):
        with pytest.raises(ImageError, match=str(path)), opened(path) as source:
            source.read_manifest()
        with pytest.raises(MissingError), opened(tmp_path / "none") as source:
            source.read_manifest()
        with pytest.raises(MissingError), opened(tmp_path) as source:
            source.read_manifest()


def test_very_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "_MOST_MEMBERS", 3)
    with pytest.raises(ImageError, match="more than 3 files"):
        paths(saved(tmp_path / "x.tar", as_docker_saves()))


def test_what_is_written_is_what_docker_loads(tmp_path: Path) -> None:
    source = image_of({"a": b"1"}, {"b": b"2"})
    for path in (tmp_path / "x.tar", tmp_path / "y.tar"):
        with docker_archive_sink(path, "python:3.13") as sink:
            copy_image(source, sink)
    assert (tmp_path / "x.tar").read_bytes() == (tmp_path / "y.tar").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.tar", "y.tar"]
    contents = unpacked(tmp_path / "x.tar")
    with tarfile.open(tmp_path / "x.tar") as opened:
        assert {(member.mtime, member.uid, member.mode) for member in opened} == {(0, 0, 0o644), (0, 0, 0o755)}
    (entry,) = json.loads(contents["manifest.json"])
    assert entry["RepoTags"] == ["python:3.13"]
    assert contents[entry["Config"]] == source.blobs[manifest_of(source).config.digest]
    assert [contents[name] for name in entry["Layers"]] == [
        source.blobs[one.digest] for one in manifest_of(source).layers
    ]
    (listed,) = json.loads(contents["index.json"])["manifests"]
    assert listed["digest"] == str(source.read_manifest().digest)
    assert listed["annotations"]["org.opencontainers.image.ref.name"] == "3.13"
    assert listed["annotations"]["io.containerd.image.name"].endswith("/library/python:3.13")


def test_an_archive_of_docker_that_lacks_a_layer_of_its_layout(tmp_path: Path) -> None:
    """Docker with containerd's store lists platforms that it does not save."""
    with docker_archive_sink(tmp_path / "x.tar", "app:1") as sink:
        copy_image(image_of({"bin/sh": b"#!"}), sink)
    entries: dict[str, What] = {**unpacked(tmp_path / "x.tar")}
    index = json.loads(entries["index.json"])  # type: ignore[arg-type]
    index["manifests"].insert(0, index["manifests"][0] | {"digest": str(Digest.of(b"none"))})
    entries["index.json"] = json.dumps(index).encode()
    assert paths(saved(tmp_path / "y.tar", entries)) == ["bin/sh"]


def test_memory_does_not_grow_with_blobs(tmp_path: Path) -> None:
    layer = bytes(24 << 20)
    source = MemorySource()
    config = source.add(config_of([layer]), media_types.CONFIG)
    source.add_manifest(
        Manifest(media_type=media_types.MANIFEST, config=config, layers=(source.add(layer, media_types.LAYER_TAR),))
    )
    copy_image(source, Layout(tmp_path / "layout"))
    tracemalloc.start()
    with docker_archive_sink(tmp_path / "x.tar") as sink:
        copy_image(Layout(tmp_path / "layout"), sink)
    with docker_archive_source(tmp_path / "x.tar") as archived:
        read_tree(archived, read_image(archived))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 << 20


def test_nothing_is_left_where_nothing_was_made(tmp_path: Path) -> None:
    for opened in (archive_sink, docker_archive_sink):
        with pytest.raises(MissingError), opened(tmp_path / "x.tar") as sink:
            copy_image(MemorySource(), sink)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("in the way")
    for opened in (archive_sink, docker_archive_sink):
        with pytest.raises(ImageError, match="cannot be written"), opened(tmp_path / "file" / "x.tar"):
            pass


def test_names_in_a_layout(tmp_path: Path) -> None:
    first, second = image_of({"a": b"1"}), two_platforms()
    copy_image(first, Layout(tmp_path))
    assert Layout(tmp_path).names() == [None] and Layout(tmp_path).read_manifest() == first.root
    copy_image(second, Layout(tmp_path, "app:1"))
    assert Layout(tmp_path).names() == [None, "app:1"]
    assert Layout(tmp_path).read_manifest() == first.root and Layout(tmp_path, "app:1").read_manifest() == second.root
    copy_image(second, Layout(tmp_path))
    assert sorted(map(str, Layout(tmp_path).names())) == ["None", "app:1"]
    with pytest.raises(MissingError, match="no image of that name") as caught:
        Layout(tmp_path, "app:2").read_manifest()
    assert caught.value.hint == "it holds: (without a name), app:1"
    assert (tmp_path / "oci-layout").read_bytes() == b'{"imageLayoutVersion":"1.0.0"}'


def test_a_layout_of_one_name_needs_none(tmp_path: Path) -> None:
    copy_image(image_of({"a": b"1"}), Layout(tmp_path, "only"))
    assert Layout(tmp_path).read_manifest() == Layout(tmp_path, "only").read_manifest()
    copy_image(image_of({"b": b"1"}), Layout(tmp_path, "another"))
    with pytest.raises(MissingError, match="no image without a name"):
        Layout(tmp_path).read_manifest()


def test_a_layout_of_platforms_without_a_name(tmp_path: Path) -> None:
    """What bazel's rules and others write: the index of the layout is that of the image."""
    source = two_platforms()
    images = [read_image(source, platform) for platform in (AMD64, ARM64)]
    for image in images:
        copy_image(source, Layout(tmp_path / "in", str(image.config.platform)), image.config.platform)
    index = json.loads((tmp_path / "in" / "index.json").read_bytes())
    for listed, image in zip(index["manifests"], images, strict=True):
        del listed["annotations"]
        listed["platform"] = {"os": "linux", "architecture": image.config.platform.architecture}
    (tmp_path / "in" / "index.json").write_text(json.dumps(index))
    assert [read_image(Layout(tmp_path / "in"), one.config.platform) for one in images] == images
    copy_image(Layout(tmp_path / "in"), Layout(tmp_path / "out", "app"))
    assert [read_image(Layout(tmp_path / "out"), one.config.platform) for one in images] == images
    del index["manifests"][0]["platform"]
    (tmp_path / "in" / "index.json").write_text(json.dumps(index))
    with pytest.raises(ImageError, match="has 2 images without a name"):
        Layout(tmp_path / "in").read_manifest()


def test_folders_that_are_no_layout(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none"):
        with pytest.raises(MissingError, match="does not hold"):
            Layout(path).read_manifest()
    (tmp_path / "index.json").write_text("[]")
    with pytest.raises(ImageError, match="cannot be used"):
        Layout(tmp_path).read_manifest()


def test_a_damaged_layout(tmp_path: Path) -> None:
    copy_image(image_of({"a": b"1"}), Layout(tmp_path))
    image = read_image(Layout(tmp_path))
    for digest, read in (
        (image.layers[0].descriptor.digest, lambda: read_tree(Layout(tmp_path), image)),
        (image.manifest.config.digest, lambda: read_image(Layout(tmp_path))),
        (image.raw_manifest.digest, lambda: read_image(Layout(tmp_path))),
    ):
        path = tmp_path / "blobs" / digest.algorithm / digest.hex
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + b" ")
        with pytest.raises(DamagedError):
            read()
        path.unlink()
        with pytest.raises(MissingError):
            read()
        path.write_bytes(whole)

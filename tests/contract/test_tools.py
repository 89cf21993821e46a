"""What skopeo and umoci make of our images, and we of theirs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
from tests.contract.conftest import Place, use_engine
from tests.real.engine import Engine
from tests.real.test_registry_real import PROGRAM, running
from tests.unit.oci.small_images import (
    ARM64,
    FOLDER,
    HARDLINK,
    SYMLINK,
    MemorySource,
    What,
    image_of,
    manifest_of,
    tar,
    two_platforms,
)

from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.reference import parse_reference
from wheelbase.oci.tree import Tree, read_tree

pytestmark = pytest.mark.real
Tool = Callable[..., bytes]
LAYERS: list[dict[str, What]] = [
    {
        "usr": (FOLDER, ""),
        "usr/bin": (FOLDER, ""),
        "usr/bin/python3.13": b"ELF",
        "usr/bin/python3": (SYMLINK, "python3.13"),
        "usr/bin/python": (HARDLINK, "usr/bin/python3.13"),
        "bin": (SYMLINK, "usr/bin"),
        "etc": (FOLDER, ""),
        "etc/old": b"1",
        "etc/deep/er/file": b"1",
        "opt/app/a": b"1",
        "opt/app/b": b"1",
    },
    {
        "etc": (FOLDER, ""),
        "etc/.wh..wh..opq": b"",
        "etc/new": b"2",
        "opt/app": (FOLDER, ""),
        "opt/app/.wh.a": b"",
        "opt/app/c": b"2",
        "usr/bin/.wh.python3": b"",
    },
    {"etc/old": b"3", "opt": (FOLDER, ""), "opt/.wh.app": b"", "opt/app": b"now a file"},
]


def tool(name: str, *options: str, package: str = "") -> Tool:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"needs {name}: apt-get install {package or name}")

    def run(*arguments: str) -> bytes:
        done = subprocess.run([found, *options, *arguments], capture_output=True, stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    return run


@pytest.fixture(scope="session")
def skopeo() -> Tool:
    return tool("skopeo", "--insecure-policy")


@pytest.fixture(scope="session")
def umoci() -> Tool:
    return tool("umoci")


def reaching(place: str, prefix: str = "--") -> list[str]:
    """Tell skopeo of the engine, for which it does not ask the environment, and that the tests' registry has no TLS."""
    host = os.environ.get("DOCKER_HOST")
    if host and place.startswith("docker-daemon:"):
        return [f"{prefix}daemon-host", host]
    return [f"{prefix}tls-verify=false"] if place.startswith("docker://") else []


def copied(source: MemorySource, reference: str) -> str:
    with open_sink(parse_reference(reference)) as sink:
        copy_image(source, sink)
    return reference


def tree_at(reference: str) -> Tree:
    with open_source(parse_reference(reference)) as source:
        return read_tree(source, read_image(source), lambda entry: 1 << 20)


def as_dict(tree: Tree) -> dict[str, tuple[str, str | bytes | None]]:
    """Paths to kinds, contents and links; a hard link is a file, as it is on a disk."""
    return {
        entry.path: ("file", entry.content) if entry.kind in ("file", "hardlink") else (entry.kind, entry.link)
        for entry in tree.walk()
    }


def on_disk(root: Path) -> dict[str, tuple[str, str | bytes | None]]:
    found: dict[str, tuple[str, str | bytes | None]] = {}
    for path in root.rglob("*"):
        name = path.relative_to(root).as_posix()
        if path.is_symlink():
            found[name] = ("symlink", str(path.readlink()))
        else:
            found[name] = ("folder", "") if path.is_dir() else ("file", path.read_bytes())
    return found


def test_skopeo_reads_what_is_written(place: Place, skopeo: Tool) -> None:
    source = image_of(*LAYERS)
    reference = copied(source, place.reference("localhost/app:1"))
    if not reference.startswith("docker-"):  # whose manifest skopeo makes up, as Docker has none
        assert skopeo("inspect", "--raw", reference) == source.read_manifest().body
    config = skopeo("inspect", "--raw", "--config", *reaching(reference), reference)
    assert Digest.of(config) == manifest_of(source).config.digest


def test_skopeo_and_we_read_each_other(place: Place, skopeo: Tool, tmp_path: Path) -> None:
    source = image_of(*LAYERS)
    there = copied(source, place.reference("localhost/app:1"))
    skopeo("copy", *reaching(there, "--src-"), there, f"oci:{tmp_path}/theirs:app")
    copy = Layout(tmp_path / "theirs", "app")
    if not there.startswith("docker-"):
        assert copy.read_manifest() == source.read_manifest()
    assert read_image(copy).config.diff_ids == read_image(source).config.diff_ids
    assert as_dict(read_tree(copy, read_image(copy), lambda entry: 1 << 20)) == as_dict(tree_at(there))


@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_we_read_what_skopeo_writes(skopeo: Tool, tmp_path: Path, kind: str) -> None:
    source = image_of(*LAYERS)
    ours = copied(source, f"oci:{tmp_path}/ours:app")
    theirs = f"{kind}:{tmp_path}/theirs.tar:localhost/app:1"
    skopeo("copy", ours, theirs)
    assert as_dict(tree_at(theirs)) == as_dict(tree_at(ours))
    if kind == "oci-archive":
        with open_source(parse_reference(theirs)) as opened:
            assert opened.read_manifest() == source.read_manifest()


def test_skopeo_keeps_all_platforms(skopeo: Tool, tmp_path: Path) -> None:
    source = two_platforms()
    images = [read_image(source, ARM64), read_image(source)]
    flat = MemorySource(manifests=source.manifests, blobs=source.blobs)
    flat.add_index({image.config.platform: image.raw_manifest for image in images})
    copied(flat, f"oci:{tmp_path}/ours:app")
    skopeo("copy", "--all", f"oci:{tmp_path}/ours:app", f"oci:{tmp_path}/theirs:app")
    theirs = Layout(tmp_path / "theirs", "app")
    assert theirs.read_manifest() == flat.read_manifest()
    assert read_image(theirs, ARM64).raw_manifest == images[0].raw_manifest


def unpacked(umoci: Tool, image: str, bundle: Path) -> Path:
    """Let umoci unpack an image of a layout as root does, with all owners and modes, where this is root."""
    umoci("unpack", *(["--rootless"] if os.geteuid() else []), "--image", image, str(bundle))
    return bundle / "rootfs"


def modes(tree: Tree) -> dict[str, int]:
    return {entry.path: entry.mode for entry in tree.walk() if entry.kind != "symlink"}


def test_umoci_unpacks_what_we_see(umoci: Tool, tmp_path: Path) -> None:
    copied(image_of(*LAYERS), f"oci:{tmp_path}/ours:app")
    root = unpacked(umoci, f"{tmp_path}/ours:app", tmp_path / "bundle")
    tree = tree_at(f"oci:{tmp_path}/ours:app")
    assert as_dict(tree) == on_disk(root)
    if not os.geteuid():
        assert modes(tree) == {path: (root / path).stat().st_mode & 0o7777 for path in modes(tree)}


def test_we_read_what_umoci_writes(umoci: Tool, tmp_path: Path) -> None:
    layout = f"{tmp_path}/theirs"
    umoci("init", "--layout", layout)
    umoci("new", "--image", f"{layout}:app")
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(name)
    umoci("insert", "--image", f"{layout}:app", f"{tmp_path}/one", "/opt/one")
    umoci("insert", "--image", f"{layout}:app", "--opaque", f"{tmp_path}/two", "/opt")
    umoci("config", "--image", f"{layout}:app", "--config.env", "A=b")
    image = read_image(Layout(Path(layout), "app"))
    assert image.config.env_var("A") == "b"
    found = tree_at(f"oci:{layout}:app")
    assert [(entry.path, entry.content) for entry in found.walk() if entry.kind == "file"] == [("opt/two", b"two")]
    names = sorted(map(str, Layout(Path(layout)).names()))
    copied(image_of({"a": tar({})}), f"oci:{layout}:ours")
    assert sorted(map(str, Layout(Path(layout)).names())) == sorted([*names, "ours"])
    assert set(umoci("list", "--layout", layout).decode().split()) == {"app", "ours"}


def test_from_place_to_place_and_back(
    engine: Engine, skopeo: Tool, umoci: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An image goes round: both tools see the same in every place, under the same digests where the place has any."""
    if PROGRAM is None:
        pytest.skip("needs a registry: apt-get install docker-registry")
    use_engine(engine, monkeypatch)
    source = image_of(*LAYERS)
    with running(tmp_path) as host:
        keeping = [f"{host}/app:1", f"oci:{tmp_path}/a:app", f"oci-archive:{tmp_path}/b.tar:app"]
        docker = [f"docker-archive:{tmp_path}/c.tar:localhost/app:1", "docker-daemon:localhost/app:1"]
        places = [*keeping, *docker, f"{host}/again:1", f"oci:{tmp_path}/d:app"]
        copied(source, places[0])
        for before, after in pairwise(places):
            with open_source(parse_reference(before)) as opened, open_sink(parse_reference(after)) as sink:
                copy_image(opened, sink)
        for number, place in enumerate(places):
            with open_source(parse_reference(place)) as opened:
                image = read_image(opened)
            assert image.raw_config == read_image(source).raw_config, place
            assert image.raw_manifest == source.root or place not in [*keeping, docker[0]], place
            named = f"docker://{place}" if place.startswith(host) else place
            assert skopeo("inspect", "--raw", "--config", *reaching(named), named) == image.raw_config, place
            if place not in docker:  # whose manifests skopeo makes up
                assert skopeo("inspect", "--raw", *reaching(named), named) == image.raw_manifest.body, place
            skopeo("copy", *reaching(named, "--src-"), named, f"oci:{tmp_path}/theirs-{number}:app")
            root = unpacked(umoci, f"{tmp_path}/theirs-{number}:app", tmp_path / f"bundle-{number}")
            assert on_disk(root) == as_dict(tree_at(place)) == as_dict(tree_at(places[0])), place

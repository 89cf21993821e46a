"""Layers of many gzip members, whole and joined, in the hands of umoci, skopeo and Docker."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from tests.real.engine import Engine
from tests.unit.oci.small_images import AMD64, MemorySource
from tests.unit.oci.test_layerwriter import EXPECTED, some_layer, whole

from wheelbase.oci import media_types
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.layerwriter import LayerWriter, joined
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Manifest

pytestmark = pytest.mark.real


def other_layer(file: io.BytesIO) -> None:
    writer = LayerWriter(file)
    writer.file("opt/other", b"1" * 100_000)
    writer.finish()


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A layout with an image of two layers, the second of them joined."""
    file = io.BytesIO()
    joined([io.BytesIO(whole(some_layer)), io.BytesIO(whole(other_layer))], file)
    blobs = [whole(other_layer), file.getvalue()]
    source = MemorySource()
    diff_ids = tuple(Digest.of(gzip.decompress(blob)) for blob in blobs)
    config = ImageConfig(platform=AMD64, diff_ids=diff_ids, cmd=("none",))
    manifest = Manifest(
        media_type=media_types.MANIFEST,
        config=source.add(encode_config(config), media_types.CONFIG),
        layers=tuple(source.add(blob, media_types.LAYER_GZIP) for blob in blobs),
    )
    source.add_manifest(manifest)
    folder = tmp_path_factory.mktemp("layout")
    copy_image(source, Layout(folder, "app"))
    return folder


def run(*command: str) -> None:
    program = shutil.which(command[0])
    if not program:
        pytest.skip(f"needs {command[0]}: apt-get install {command[0]}")
    done = subprocess.run([program, *command[1:]], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr


def test_umoci(layout: Path, tmp_path: Path) -> None:
    rootless = ["--rootless"] if os.geteuid() else []
    run("umoci", "unpack", *rootless, "--image", f"{layout}:app", str(tmp_path / "bundle"))
    root = tmp_path / "bundle" / "rootfs"
    assert {str(path.relative_to(root)) for path in root.rglob("*")} == {*EXPECTED, "opt/other"}
    assert (root / "opt/a/text").read_bytes() == b"line of text\n" * 9000
    assert (root / "opt/b/link").readlink() == Path("../a/small")
    assert (root / "opt/a/tool").stat().st_mode & 0o777 == 0o755


def test_skopeo_and_docker(layout: Path, tmp_path: Path, engine: Engine) -> None:
    """skopeo unpacks and hashes layers that it writes for Docker; Docker verifies the diff_ids when it loads them."""
    archive = tmp_path / "app.tar"
    run("skopeo", "--insecure-policy", "copy", f"oci:{layout}:app", f"docker-archive:{archive}:wheelbase-test/layers:1")
    engine.run("load", "--input", str(archive))
    container = engine.run("create", "wheelbase-test/layers:1").strip()
    try:
        engine.run("export", "--output", str(tmp_path / "root.tar"), container)
    finally:
        engine.run("rm", container)
        engine.run("image", "rm", "wheelbase-test/layers:1")
    with tarfile.open(tmp_path / "root.tar") as tar:
        found = {one.name.rstrip("/"): one.mode & 0o7777 for one in tar if one.name.startswith("opt")}
    assert found == {**{path: mode for path, (_, mode, _) in EXPECTED.items()}, "opt/other": 0o644}

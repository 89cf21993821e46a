"""What containerd's own converter makes of our images is read by its index, and is the same as the whole."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.contract.test_tools import LAYERS, Tool, tool
from tests.unit.oci.small_images import image_of
from tests.unit.oci.test_estargz import Counting, seen, tree_of, without_index

from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import parse_reference

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("containerd") is None,
        reason="needs to be root, with containerd: apt-get install containerd",
    ),
]


@pytest.fixture
def converter(tmp_path: Path) -> Iterator[Tool]:
    """Run containerd with a folder of its own for as long as it takes; it has nothing to do with any other."""
    run = tool("ctr-remote", "--address", str(tmp_path / "socket"), package="stargz-snapshotter")
    (tmp_path / "config.toml").write_text(
        f"""version = 2
root = "{tmp_path}/root"
state = "{tmp_path}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri"]
[grpc]
address = "{tmp_path}/socket"
[ttrpc]
address = "{tmp_path}/ttrpc"
"""
    )
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(["containerd", "--config", tmp_path / "config.toml"], stdout=log, stderr=log)
        try:
            for _ in range(200):
                if (tmp_path / "socket").exists():
                    break
                assert process.poll() is None, (tmp_path / "log").read_text()
                time.sleep(0.05)
            yield run
        finally:
            process.terminate()
            process.wait(10)


@pytest.mark.parametrize("chunk", ["0", "1000"])
def test_converted_layers(converter: Tool, tmp_path: Path, chunk: str) -> None:
    large = {"opt/large": os.urandom(300_000), "opt/app/small": b"small"}
    with open_sink(parse_reference(f"oci-archive:{tmp_path}/ours.tar:reg.example/app:1")) as sink:
        copy_image(image_of(*LAYERS, large), sink)
    converter("images", "import", "--no-unpack", f"{tmp_path}/ours.tar")
    names = ["reg.example/app:1", "reg.example/app:2"]
    converter("images", "convert", "--oci", "--estargz", "--estargz-chunk-size", chunk, *names)
    converter("images", "export", f"{tmp_path}/theirs.tar", names[1])
    with open_source(parse_reference(f"oci-archive:{tmp_path}/theirs.tar")) as source:
        manifest = read_image(source).manifest
        blobs = [Blob(descriptor=one, source=source) for one in (manifest.config, *manifest.layers)]
        theirs = Counting(blobs={blob.descriptor.digest: blob.read(1 << 20) for blob in blobs})
    theirs.add_manifest(manifest)
    indexed = tree_of(theirs)
    assert theirs.whole == 0
    assert seen(indexed) == seen(tree_of(without_index(theirs)))
    found = indexed.entry("opt/large")
    assert found and found.content == large["opt/large"] and len(manifest.layers) == len(LAYERS) + 1

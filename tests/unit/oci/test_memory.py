"""Whatever is done with an image takes no more memory where its layers are large."""

from __future__ import annotations

import hashlib
import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry
from tests.unit.oci.small_images import AMD64, MemorySource

from wheelbase.bases.inspect import inspect_image
from wheelbase.oci import media_types
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.docker_archive import docker_archive_sink, docker_archive_source
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Descriptor, Manifest
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource

SMALL, LARGE = 1 << 20, 200 << 20
GROWTH = 12 << 20
ZEROS = bytes(1 << 20)


class Zeros(MemorySource):
    """An image of one layer with one file of zeros, which are made as they are read."""

    def __init__(self, size: int) -> None:
        super().__init__()
        header = tarfile.TarInfo("zeros")
        header.size = size
        self._header, self._end = header.tobuf(), size + 2 * 512
        hasher = hashlib.sha256(self._header)
        for _ in range(size // len(ZEROS)):
            hasher.update(ZEROS)
        hasher.update(bytes(1024))
        digest = Digest("sha256", hasher.hexdigest())
        config = encode_config(ImageConfig(platform=AMD64, diff_ids=(digest,)))
        self.layer = Descriptor(media_type=media_types.LAYER_TAR, digest=digest, size=len(self._header) + size + 1024)
        described = self.add(config, media_types.CONFIG)
        self.add_manifest(Manifest(media_type=media_types.MANIFEST, config=described, layers=(self.layer,)))

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        if descriptor != self.layer:
            with super().open_blob(descriptor, start, length) as reader:
                yield reader
            return
        head, left = io.BytesIO(self._header), [self._end]

        class Made:
            def read(self, size: int, /) -> bytes:
                if data := head.read(size):
                    return data
                data = ZEROS[: min(size, left[0])]
                left[0] -= len(data)
                return data

        yield Made()


def peak() -> int:
    # Not by getrusage, which says at least what the process had that made this one.
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) << 10


def everything(size: int, name: str, folder: Path) -> dict[str, int]:
    """Do all that there is to do with an image of a size; return how much memory there was at most after each."""
    found, source, settings = {}, Zeros(size), RegistrySettings()
    with Registry(parse_name(name), settings) as sink:
        copy_image(source, sink)
    found["push"] = peak()
    with RegistrySource(parse_name(name), settings) as registry:
        copy_image(registry, Layout(folder / f"layout-{size}"))
    found["pull"] = peak()
    with docker_archive_sink(folder / f"{size}.tar") as archive:
        copy_image(Layout(folder / f"layout-{size}"), archive)
    found["archive"] = peak()
    with docker_archive_source(folder / f"{size}.tar") as archived:
        inspect_image(archived, read_image(archived))
    found["inspect"] = peak()
    return found


def test_memory_is_flat_in_the_size_of_a_layer(tmp_path: Path) -> None:
    """In a process of its own, which does all with a small image first."""
    with FaultServer(MemoryRegistry()) as server:
        done = subprocess.run(
            [sys.executable, "-m", "tests.unit.oci.test_memory", f"{server.host}/x:1", tmp_path],
            cwd=Path(__file__).parents[3],
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr + done.stdout


def main(name: str, folder: Path) -> None:
    os.fsync = lambda fd: None  # which takes time, and no memory
    before = everything(SMALL, name, folder)["inspect"]
    wrong = {what: after - before for what, after in everything(LARGE, name, folder).items() if after > before + GROWTH}
    if wrong:
        sys.exit(f"with {LARGE} instead of {SMALL} bytes, memory grew: {wrong}")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))

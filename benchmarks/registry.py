"""Push and pull an image beside skopeo and Docker: `python -m benchmarks.registry LAYOUT_OR_FOLDER...`.

Run it as root, from the top of the repository, with docker-registry, skopeo and Docker Engine installed. The image has
the layers of every OCI layout that is named, and one of every other folder, packed: see tests/testbed/make-bases.

Everybody talks to Debian's docker-registry on loopback. A push goes to an empty registry, a pull to an empty place, and
no cache of any tool holds anything; the files that are read are in the memory of the machine for all. Wall-clock
seconds and largest memory are of whole processes, in six rounds, one for each order of the tools.

What they do is not quite the same. skopeo and wheelbase move the blobs as they are, and verify them. Docker's engine
also compresses what it pushes and unpacks what it pulls, in a daemon whose memory is not seen here.

Everything is in TMPDIR: in memory, if that is /dev/shm, so that no disk is measured. With debian13-py313,
alpine323-py313, /usr/lib/gcc and /usr/lib/llvm-14, in /dev/shm, on a machine that had other work to do (which the
ranges show, and the CPU seconds do not):

    212 MB in 4 layers, 2 cores, 6 rounds
    push wheelbase   2.12 s    1.71 to  2.50    100 MB/s   0.38 s of CPU, 31 MB of memory
    push skopeo      1.96 s    1.41 to  2.53    108 MB/s   0.69 s of CPU, 23 MB of memory
    push docker     28.73 s   22.28 to 43.37      7 MB/s
    pull wheelbase   1.67 s    1.07 to  2.17    127 MB/s   0.47 s of CPU, 32 MB of memory
    pull skopeo      1.50 s    1.40 to  1.82    141 MB/s   0.73 s of CPU, 23 MB of memory
    pull docker      9.39 s    8.64 to 11.07     23 MB/s

Of wheelbase's CPU seconds, 0.15 are the start of Python.
"""

from __future__ import annotations

import gzip
import hashlib
import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.real.engine import Engine, running_engine
from tests.real.test_registry_real import running

from wheelbase.oci import media_types
from wheelbase.oci.blobfolder import blob_name
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.docker_archive import docker_archive_sink
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Descriptor, Manifest, encode
from wheelbase.oci.places import Blob
from wheelbase.oci.platform import Platform

NAMES = ["wheelbase", "skopeo", "docker"]
# Every order once, as what a tool has left to the disk to do is paid by the next one.
ROUNDS = list(itertools.permutations(NAMES))
LOADED = "wheelbase-benchmark:1"
COPY = """
import sys
from wheelbase.oci.copying import copy_image
from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.reference import parse_reference
with open_source(parse_reference(sys.argv[1])) as source, open_sink(parse_reference(sys.argv[2])) as sink:
    copy_image(source, sink)
"""


# A child is said to have at least the memory of the process that made it, so a small one does.
WATCH = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([seconds, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6]))
"""


@dataclass(frozen=True, slots=True)
class Spent:
    seconds: float
    cpu_seconds: float
    megabytes: float


def spent(command: list[str], home: Path) -> Spent:
    """Run a program that finds nothing of the user's in its home."""
    environment = os.environ | {"HOME": str(home), "XDG_RUNTIME_DIR": str(home), "XDG_DATA_HOME": str(home)}
    os.sync()
    time.sleep(0.5)
    watched = [sys.executable, "-ISc", WATCH, *command]
    done = subprocess.run(watched, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}")
    return Spent(*json.loads(done.stdout))


class Peers:
    """How each of the three pushes an image, and pulls it."""

    def __init__(self, layout: Path, engine: Engine, home: Path) -> None:
        self._layout, self._engine, self._home = layout, engine, home
        self._docker = [engine.program, *(["--host", engine.host] if engine.host else [])]

    def push(self, peer: str, host: str) -> Spent:
        name = f"{host}/app:1"
        match peer:
            case "wheelbase":
                return self._spent(sys.executable, "-c", COPY, f"oci:{self._layout}:app", name)
            case "skopeo":
                return self._skopeo("--dest-tls-verify=false", f"oci:{self._layout}:app", f"docker://{name}")
        self._engine.run("tag", LOADED, name)
        try:
            return self._spent(*self._docker, "push", name)
        finally:
            self._engine.run("image", "rm", name)

    def pull(self, peer: str, host: str) -> Spent:
        name, target = f"{host}/app:1", self._home / "pulled"
        shutil.rmtree(target, ignore_errors=True)
        match peer:
            case "wheelbase":
                return self._spent(sys.executable, "-c", COPY, name, f"oci:{target}:app")
            case "skopeo":
                return self._skopeo("--src-tls-verify=false", f"docker://{name}", f"oci:{target}:app")
        try:
            return self._spent(*self._docker, "pull", name)
        finally:
            self._engine.run("image", "rm", name)

    def _skopeo(self, *arguments: str) -> Spent:
        # It remembers in a file of root's which registry has which blob.
        shutil.rmtree("/var/lib/containers/cache", ignore_errors=True)
        return self._spent("skopeo", "--insecure-policy", "copy", *arguments)

    def _spent(self, *command: str) -> Spent:
        return spent(list(command), self._home)


def packed(folder: Path, path: Path) -> Digest:
    """Write a folder as a gzip layer; return the digest of its tar."""
    plain = path.with_suffix(".tar")
    with tarfile.open(plain, "w") as archive:
        archive.add(folder, folder.relative_to("/"))
    hasher = hashlib.sha256()
    with plain.open("rb") as tar, path.open("wb") as file, gzip.GzipFile("", "wb", 6, file, mtime=0) as target:
        while chunk := tar.read(1 << 20):
            hasher.update(chunk)
            target.write(chunk)
    plain.unlink()
    return Digest("sha256", hasher.hexdigest())


def image_of(named: list[Path], target: Path) -> Manifest:
    """Make a layout of the layers of layouts, and of folders."""
    sink = Layout(target, "app")
    layers: list[Descriptor] = []
    diff_ids: list[Digest] = []

    def put(file: Path, media_type: str) -> Descriptor:
        with file.open("rb") as opened:
            digest = Digest("sha256", hashlib.file_digest(opened, "sha256").hexdigest())
        descriptor = Descriptor(media_type=media_type, digest=digest, size=file.stat().st_size)
        file.rename(target / blob_name(digest))
        return descriptor

    (target / "blobs/sha256").mkdir(parents=True)
    for path in named:
        if (path / "oci-layout").exists():
            source = Layout(path)
            for layer in read_image(source).layers:
                sink.put_blob(Blob(descriptor=layer.descriptor, source=source))
                layers.append(layer.descriptor)
                diff_ids.append(layer.diff_id)
        else:
            diff_ids.append(packed(path.resolve(), target / "layer"))
            layers.append(put(target / "layer", media_types.LAYER_GZIP))
    platform = Platform(os="linux", architecture="amd64")
    config = ImageConfig(platform=platform, diff_ids=tuple(diff_ids), cmd=("sh",))
    (target / "config").write_bytes(encode_config(config))
    described = put(target / "config", media_types.CONFIG)
    manifest = Manifest(media_type=media_types.MANIFEST, config=described, layers=tuple(layers))
    sink.put_manifest(encode(manifest), named=True)
    return manifest


def show(what: str, samples: dict[str, list[Spent]], size: float) -> None:
    for name, spent_by in samples.items():
        seconds = sorted(one.seconds for one in spent_by)
        middle = statistics.median(seconds)
        row = f"{what} {name:10} {middle:6.2f} s   {seconds[0]:5.2f} to {seconds[-1]:5.2f} {size / middle:6.0f} MB/s"
        if name != "docker":
            cpu = statistics.median(one.cpu_seconds for one in spent_by)
            row += f"   {cpu:.2f} s of CPU, {max(one.megabytes for one in spent_by):.0f} MB of memory"
        print(row, flush=True)


def main(named: list[Path]) -> None:
    with tempfile.TemporaryDirectory(prefix="wheelbase-benchmark-") as folder, running_engine() as engine:
        scratch = Path(folder)
        manifest = image_of(named, scratch / "image")
        with docker_archive_sink(scratch / "image.tar", LOADED) as sink:
            copy_image(Layout(scratch / "image", "app"), sink)
        engine.run("load", "--input", str(scratch / "image.tar"))
        (scratch / "image.tar").unlink()
        (scratch / "home").mkdir()
        size = sum(layer.size for layer in manifest.layers) / 1e6
        print(f"{size:.0f} MB in {len(manifest.layers)} layers, {os.cpu_count()} cores, {len(ROUNDS)} rounds")
        peers = Peers(scratch / "image", engine, scratch / "home")
        samples: dict[str, list[Spent]] = {name: [] for name in NAMES}
        for name in itertools.chain(*ROUNDS):
            with registry(scratch) as host:
                samples[name].append(peers.push(name, host))
        show("push", samples, size)
        engine.run("image", "rm", LOADED)  # what it has, it would not pull
        samples = {name: [] for name in NAMES}
        with registry(scratch) as host:
            peers.push("wheelbase", host)
            for name in itertools.chain(*ROUNDS):
                samples[name].append(peers.pull(name, host))
        show("pull", samples, size)


@contextmanager
def registry(scratch: Path) -> Iterator[str]:
    folder = scratch / "registry"
    folder.mkdir()
    with running(folder) as host:
        yield host
    shutil.rmtree(folder)


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]] or sys.exit(__doc__))

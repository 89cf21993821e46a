"""`wheelbase inspect` of images that mean harm: one clear error or a sound answer, in bounded time and memory.

The command runs as a program that may have 384 MiB of memory. That layers may unpack to gigabytes is brought down to
64 MiB, so that the tests are fast; nothing else is changed.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from tests.conftest import settings_of_nobody
from tests.faulty_registry import Fault, FaultServer, Reply
from tests.memory_registry import MANIFEST, MemoryRegistry
from tests.unit.images_with_python import Files, elf, glibc, image, python
from tests.unit.oci.small_images import CHAR, FIFO, FOLDER, HARDLINK, SYMLINK, MemorySource, What, manifest_of, tar

from wheelbase.oci import media_types
from wheelbase.oci.compression import _zstd
from wheelbase.oci.config import encode_config, parse_config
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest
from wheelbase.oci.layout import Layout
from wheelbase.oci.manifest import Descriptor, encode

MEMORY, LIMIT, SECONDS = 384 << 20, 64 << 20, 20
PROGRAM = f"""
import resource
resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))
from wheelbase.oci import compression
compression._ALWAYS_ALLOWED = {LIMIT}
from wheelbase.cli import main
main()
"""
SOUND: Files = {**glibc("2.41"), **python("3.13.5")}
Inspect = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def inspect(tmp_path: Path) -> Inspect:
    """Run `wheelbase inspect ARGUMENTS` in little memory and a short time."""
    home = tmp_path / "home"
    home.mkdir()

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-W", "error", "-c", PROGRAM, "inspect", *arguments, "--format", "json"]
        began = time.monotonic()
        done = subprocess.run(command, env=settings_of_nobody(home), capture_output=True, text=True, timeout=120)
        assert time.monotonic() - began < SECONDS
        return done

    return run


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """Assert that there is one error with a hint, and nothing else."""
    assert (done.returncode, done.stdout) == (1, ""), done.stdout + done.stderr
    error, hint = done.stderr.splitlines()
    assert error.startswith("error: ") and hint.startswith("hint: ") and "fault of" not in hint
    for word in words:
        assert word in error, error


def pythons(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return [one["path"] for one in json.loads(done.stdout)["pythons"]]


def put(folder: Path, body: bytes) -> str:
    """Put a blob into a layout."""
    digest = Digest.of(body)
    path = folder / "blobs" / digest.algorithm / digest.hex
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(body)
    return str(digest)


def listing(folder: Path, *listed: tuple[str, int], kind: str = media_types.MANIFEST) -> str:
    """Write the index of a layout, which lists (digest, size)."""
    manifests = [{"mediaType": kind, "digest": digest, "size": size} for digest, size in listed]
    folder.mkdir(exist_ok=True)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": manifests}))
    (folder / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return f"oci:{folder}"


def laid_out(source: MemorySource, folder: Path) -> str:
    copy_image(source, Layout(folder))
    return f"oci:{folder}"


def image_of_blob(blob: bytes, unpacked: Digest, folder: Path, kind: str = media_types.LAYER_GZIP) -> str:
    """Lay out an image whose only layer is a blob, whatever it has."""
    source = image(SOUND)
    manifest = manifest_of(source)
    config = parse_config(source.blobs[manifest.config.digest], source.where)
    body = encode_config(replace(config, diff_ids=(unpacked,)))
    descriptors = source.add(body, manifest.config.media_type), source.add(blob, kind)
    source.add_manifest(replace(manifest, config=descriptors[0], layers=descriptors[1:]))
    return laid_out(source, folder)


@pytest.mark.parametrize("stated", [True, False])
def test_a_manifest_of_100_mb_in_a_registry(inspect: Inspect, stated: bool) -> None:
    large = Reply(200, b" " * (100 << 20), {"Content-Type": MANIFEST} | ({} if stated else {"Content-Length": ""}))
    with FaultServer(MemoryRegistry()) as server:
        server.faults.append(Fault(method="GET", path="manifests/", reply=large, times=10))
        refused(inspect(f"{server.host}/team/base:1"), "more than 4194304 bytes")


@pytest.mark.parametrize("which", ["index", "manifest", "configuration"])
def test_100_mb_in_a_layout(inspect: Inspect, tmp_path: Path, which: str) -> None:
    large, folder = b"{" + b" " * (100 << 20) + b"}", tmp_path / "image"
    reference = laid_out(image(SOUND), folder)
    if which == "index":
        (folder / "index.json").write_bytes(large)
    elif which == "manifest":
        listing(folder, (put(folder, large), len(large)))
    else:
        stated = {"mediaType": media_types.CONFIG, "digest": put(folder, large), "size": len(large)}
        body = json.dumps({"schemaVersion": 2, "config": stated, "layers": []}).encode()
        listing(folder, (put(folder, body), len(body)))
    refused(inspect(reference))


def test_100_mb_in_an_archive_of_docker(inspect: Inspect, tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "image.tar", "w") as archive:
        member = tarfile.TarInfo("manifest.json")
        member.size = 100 << 20
        archive.addfile(member, io.BytesIO(b" " * member.size))
    refused(inspect(f"docker-archive:{tmp_path}/image.tar"))


def index_of(*listed: bytes, kind: str = media_types.INDEX) -> bytes:
    manifests = [{"mediaType": kind, "digest": str(Digest.of(body)), "size": len(body)} for body in listed]
    return json.dumps({"schemaVersion": 2, "mediaType": media_types.INDEX, "manifests": manifests}).encode()


def test_indexes_within_indexes(inspect: Inspect, tmp_path: Path) -> None:
    folder = tmp_path / "image"
    laid_out(image(SOUND), folder)
    manifest = image(SOUND).read_manifest().body
    deep = [index_of(manifest, kind=media_types.MANIFEST)]
    for _ in range(50):
        deep.append(index_of(deep[-1]))
    for body in deep:
        put(folder, body)
    assert pythons(inspect(listing(folder, (put(folder, deep[2]), len(deep[2])), kind=media_types.INDEX)))
    refused(inspect(listing(folder, (put(folder, deep[-1]), len(deep[-1])), kind=media_types.INDEX)), "deeper than 4")


def test_indexes_that_fan_out(inspect: Inspect, tmp_path: Path) -> None:
    """Each of three levels lists a thousand times the same index below it."""
    folder = tmp_path / "image"
    folder.mkdir()
    levels = [index_of()]
    for _ in range(3):
        levels.append(index_of(*[levels[-1]] * 1000))
    for body in levels:
        put(folder, body)
    refused(inspect(listing(folder, (put(folder, levels[-1]), len(levels[-1])), kind=media_types.INDEX)), "index of")


@pytest.mark.parametrize("lie", ["other", "fewer", "more", "swapped", "none"])
def test_a_configuration_that_lies_about_diff_ids(inspect: Inspect, tmp_path: Path, lie: str) -> None:
    source = image(SOUND, {"etc/x": b"x"})
    manifest = manifest_of(source)
    config = parse_config(source.blobs[manifest.config.digest], source.where)
    first, second = config.diff_ids
    stated = {
        "other": (first, Digest.of(b"other")),
        "fewer": (first,),
        "more": (first, second, second),
        "swapped": (second, first),
        "none": (),
    }[lie]
    body = encode_config(replace(config, diff_ids=stated))
    source.add_manifest(replace(manifest, config=source.add(body, manifest.config.media_type)))
    kept = laid_out(source, tmp_path / "image")
    for _ in range(2):  # nothing of it is remembered
        refused(inspect(kept), "diff_id" if lie in ("other", "swapped") else "2 layers; its configuration says")


OUTSIDE: Sequence[tuple[str, What]] = [
    ("../../../../tmp/outside/bin/python3.12", elf(data=b"\x003.12.1\0")),
    ("usr/../../bin/python3.11", elf(data=b"\x003.11.1\0")),
    ("/absolute/bin/python3.10", elf(data=b"\x003.10.1\0")),
    ("etc/os-release", (SYMLINK, "../../../../../../etc/os-release")),
    ("usr/lib/os-release", (SYMLINK, "/proc/self/root/etc/os-release")),
    ("var/lib/dpkg", (SYMLINK, "/../../../../var/lib/dpkg")),
    ("opt/bin/python3.9", (HARDLINK, "../../../usr/bin/python3")),
    ("usr/bin/python3.14", (SYMLINK, "python3.14")),
    ("opt/a", (SYMLINK, "b")),
    ("opt/b", (SYMLINK, "a")),
    ("usr/bin/python3", (CHAR, "")),
    ("usr/bin/sh", (FIFO, "")),
    ("dev/sda", (tarfile.BLKTYPE, "")),
    ("usr/local/lib/python3.13/site-packages/pip-1.0.dist-info", (FOLDER, "")),
]


def test_entries_that_lead_out_of_the_root(inspect: Inspect, tmp_path: Path) -> None:
    """Nothing of this machine is read, and nothing is written: what leads out is as if it were not there."""
    before = {path for path in tmp_path.rglob("*") if "home" not in path.parts}
    done = inspect(laid_out(image(SOUND, OUTSIDE), tmp_path / "image"))
    assert pythons(done) == ["/usr/local/bin/python3.13", "/absolute/bin/python3.10"]
    answer = json.loads(done.stdout)
    assert (answer["os_release"], answer["packages"], answer["shell"]) == ({}, [], None)
    assert not Path("/tmp/outside").exists()
    made = {path for path in tmp_path.rglob("*") if "home" not in path.parts} - before
    assert all((tmp_path / "image") in (path, *path.parents) for path in made)


def zeros(size: int) -> bytes:
    """Return the start of a tar with one large file of zeros."""
    member = tarfile.TarInfo("zeros")
    member.size = size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(size)


@pytest.mark.parametrize("pack", ["gzip", "zstd", "gzip of many members"])
def test_a_bomb(inspect: Inspect, tmp_path: Path, pack: str) -> None:
    content = zeros(LIMIT * 2)
    match pack:
        case "gzip":
            blob = gzip.compress(content, 9)
        case "zstd":
            blob = _zstd().compress(content)
        case _:
            blob = gzip.compress(content[: 1 << 20], 9) + gzip.compress(bytes(1 << 20), 9) * 200
    assert len(blob) < LIMIT // 100
    reference = image_of_blob(blob, Digest.of(content), tmp_path / "image")
    refused(inspect(reference), f"unpacks to more than {LIMIT} bytes")


def test_a_frame_of_zstd_that_asks_for_much_memory(inspect: Inspect, tmp_path: Path) -> None:
    """A window of 2 GiB (RFC 8878, 3.1.1.1.2), of which an unpacker would have to keep the bytes."""
    blob = b"\x28\xb5\x2f\xfd" + bytes((0x00, 21 << 3)) + b"\x03\x00\x00" + b"\0"
    refused(inspect(image_of_blob(blob, Digest.of(b""), tmp_path / "image", media_types.LAYER_ZSTD)), "unpack")


def test_a_large_file_of_interest_is_no_bomb(inspect: Inspect, tmp_path: Path) -> None:
    """Many files that inspect looks into are more than it keeps."""
    large = elf(data=b"3.13.5\0" + bytes(16 << 20))
    layer = {f"opt/{number}/bin/python3.13": large for number in range(3)}
    assert len(pythons(inspect(laid_out(image(SOUND, layer), tmp_path / "image")))) == 4


def test_a_layer_that_is_larger_than_the_memory(inspect: Inspect, tmp_path: Path) -> None:
    """It is no bomb, as it is stored as it is; a file with a hole takes no disk."""
    folder, size = tmp_path / "image", MEMORY + (32 << 20)
    member = tarfile.TarInfo("zeros")
    member.size = size
    head, rest = member.tobuf(tarfile.GNU_FORMAT), tar(SOUND)
    hasher = hashlib.sha256(head)
    for _ in range(size >> 20):
        hasher.update(bytes(1 << 20))
    hasher.update(rest)
    digest = Digest("sha256", hasher.hexdigest())
    source = image(SOUND)
    manifest = manifest_of(source)
    config = parse_config(source.blobs[manifest.config.digest], source.where)
    body = encode_config(replace(config, diff_ids=(digest,)))
    layer = Descriptor(media_type=media_types.LAYER_TAR, digest=digest, size=len(head) + size + len(rest))
    raw = encode(replace(manifest, config=source.add(body, media_types.CONFIG), layers=(layer,)))
    folder.mkdir()
    for blob in (body, raw.body):
        put(folder, blob)
    with (folder / "blobs" / "sha256" / digest.hex).open("wb") as file:
        file.write(head)
        file.seek(size, os.SEEK_CUR)
        file.write(rest)
    assert pythons(inspect(listing(folder, (str(raw.digest), len(raw.body)))))


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.99])
@pytest.mark.parametrize("honest", [True, False])
def test_a_truncated_layer(inspect: Inspect, tmp_path: Path, kept: float, honest: bool) -> None:
    """Whether its descriptor tells the size and digest of the whole, or those of what is left."""
    whole = manifest_of(source := image({**SOUND, "noise": bytes(range(256)) * 4000})).layers[0]
    blob = source.blobs[whole.digest]
    cut = blob[: int(len(blob) * kept)]
    if honest:
        reference = image_of_blob(cut, Digest.of(gzip.decompress(blob)), tmp_path / "image")
    else:
        reference = laid_out(source, tmp_path / "image")
        (tmp_path / "image" / "blobs" / "sha256" / whole.digest.hex).write_bytes(cut)
    refused(inspect(reference))


def test_a_layer_that_a_registry_cuts_off(inspect: Inspect) -> None:
    source, registry = image(SOUND), MemoryRegistry()
    for body in source.blobs.values():
        registry.add_blob("team/base", body)
    registry.add_manifest("team/base", "1", source.read_manifest().body)
    layer = manifest_of(source).layers[0].digest
    registry.blobs["team/base", str(layer)] = source.blobs[layer][:-20]
    with FaultServer(registry) as server:
        refused(inspect(f"{server.host}/team/base:1"), str(layer))


def test_very_many_entries(inspect: Inspect, tmp_path: Path) -> None:
    """A million packages that a database lists, half a million lines of an os-release, very many folders."""
    layer: Files = {
        "var/lib/dpkg/status": b"Package: a\nVersion: 1\n\n" * 1_000_000,
        "etc/os-release": b"A=1\n" * 500_000,
    }
    done = inspect(laid_out(image(SOUND, layer), tmp_path / "image"))
    assert pythons(done) and json.loads(done.stdout)["packages"] is None


def test_documents_that_nest(inspect: Inspect, tmp_path: Path) -> None:
    body = b'{"schemaVersion":2,"layers":' + b"[" * 100_000
    folder = tmp_path / "image"
    folder.mkdir()
    refused(inspect(listing(folder, (put(folder, body), len(body)))), "cannot be used")


def test_an_image_of_very_many_layers(inspect: Inspect, tmp_path: Path) -> None:
    source = image({"a": b"1"})
    manifest = manifest_of(source)
    source.add_manifest(replace(manifest, layers=manifest.layers * 600))
    folder = tmp_path / "image"
    folder.mkdir()
    for blob in source.blobs.values():
        put(folder, blob)
    body = source.read_manifest().body
    refused(inspect(listing(folder, (put(folder, body), len(body)))), "600 layers")

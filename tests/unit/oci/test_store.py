"""The store of blobs: whole and right, whatever happens to processes, disks and files."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.unit.oci.small_images import MemorySource, image_of, manifest_of

from wheelbase.oci.blobfolder import BlobFolder
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import DamagedError, MissingError, UnwritableError
from wheelbase.oci.image import read_image
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.places import Blob
from wheelbase.oci.store import CachedSource, Store
from wheelbase.oci.tree import read_tree

# Writes the same three blobs again and again until it is killed.
WRITER = """
import sys
from pathlib import Path
from tests.unit.oci.small_images import MemorySource
from wheelbase.oci.places import Blob
from wheelbase.oci.store import Store
source, store = MemorySource(), Store(Path(sys.argv[1]))
blobs = [Blob(descriptor=source.add(letter * 3_000_000, "x"), source=source) for letter in (b"a", b"b", b"c")]
print("ready", flush=True)
while True:
    for blob in blobs:
        store.put(blob)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def files(tmp_path: Path) -> list[Path]:
    return [path for path in (tmp_path / "store").rglob("*") if path.is_file()]


def stored(source: MemorySource, data: bytes) -> Blob:
    return Blob(descriptor=source.add(data, "x"), source=source)


def content(store: Store, descriptor: Descriptor) -> bytes:
    with store.open(descriptor.digest) as reader:
        return reader.read(1 << 20)


def test_what_is_put_is_got(store: Store, tmp_path: Path) -> None:
    blob = stored(MemorySource(), b"12345")
    assert not store.has(blob.descriptor) and store.blobs() == []
    with pytest.raises(MissingError), store.open(blob.descriptor.digest):
        pass
    store.put(blob)
    assert store.has(blob.descriptor)
    assert content(store, blob.descriptor) == b"12345"
    with store.open(blob.descriptor.digest, 1, 2) as reader:
        assert reader.read(100) == b"23"
    (found,) = store.blobs()
    assert (found.digest, found.bytes) == (blob.descriptor.digest, 5)
    assert [path.relative_to(tmp_path / "store").parts[:2] for path in files(tmp_path)] == [("blobs", "sha256")]


def test_a_sha512_blob(store: Store) -> None:
    source = MemorySource()
    descriptor = source.add(b"12345", "x", "sha512")
    store.put(Blob(descriptor=descriptor, source=source))
    assert content(store, descriptor) == b"12345" and store.blobs()[0].digest == descriptor.digest


@pytest.mark.parametrize("wrong", [b"", b"1234", b"123456", b"12346"])
def test_a_wrong_blob_is_not_kept(store: Store, tmp_path: Path, wrong: bytes) -> None:
    source = MemorySource()
    blob = stored(source, b"12345")
    source.blobs[blob.descriptor.digest] = wrong
    with pytest.raises(DamagedError):
        store.put(blob)
    assert files(tmp_path) == []


def test_verify_removes_what_is_damaged(store: Store, tmp_path: Path) -> None:
    blobs = [stored(MemorySource(), data) for data in (b"12345", b"67890", b"abcde")]
    for blob in blobs:
        store.put(blob)
    assert store.verify() == []
    for blob, damage in zip(blobs, (b"12346", b"678901"), strict=False):
        (tmp_path / "store" / "blobs" / "sha256" / blob.descriptor.digest.hex).write_bytes(damage)
    assert {found.digest for found in store.verify()} == {blob.descriptor.digest for blob in blobs[:2]}
    assert [found.digest for found in store.blobs()] == [blobs[2].descriptor.digest]


def test_prune_removes_what_is_not_used(store: Store, tmp_path: Path) -> None:
    old, used = (stored(MemorySource(), data) for data in (b"old", b"used"))
    for blob in (old, used):
        store.put(blob)
    for path in files(tmp_path):
        os.utime(path, (time.time() - 1000,) * 2)
    assert content(store, used.descriptor) == b"used"
    assert [found.digest for found in store.blobs()] == [old.descriptor.digest, used.descriptor.digest]
    assert [found.digest for found in store.prune(500)] == [old.descriptor.digest]
    assert not store.has(old.descriptor) and store.has(used.descriptor)
    assert [found.digest for found in store.prune(0)] == [used.descriptor.digest]
    assert store.blobs() == []


def test_what_is_no_blob_is_left_alone(store: Store, tmp_path: Path) -> None:
    for name in ("blobs/sha256/readme", "blobs/other/x"):
        path = tmp_path / "store" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("mine")
    assert store.blobs() == [] and store.verify() == [] and store.prune(0) == []
    assert len(files(tmp_path)) == 2


def writer(tmp_path: Path) -> subprocess.Popen[bytes]:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", WRITER, str(tmp_path / "store")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root)
    assert process.stdout and process.stdout.readline() == b"ready\n"
    return process


def end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.communicate()


def test_killed_writers_leave_right_blobs(store: Store, tmp_path: Path) -> None:
    for number in range(6):
        process = writer(tmp_path)
        time.sleep(0.02 + number * 0.011)
        end(process)
        assert store.verify() == []
        store.prune(0)
    left = [path for path in files(tmp_path) if path.name.startswith(".new-")]
    for path in left:
        os.utime(path, (time.time() - 7200,) * 2)
    store.put(stored(MemorySource(), b"x"))
    assert len(files(tmp_path)) == 1


def test_two_writers_a_pruner_and_a_reader_at_once(store: Store, tmp_path: Path) -> None:
    processes = [writer(tmp_path), writer(tmp_path)]
    digests = [Digest.of(letter * 3_000_000) for letter in (b"a", b"b", b"c")]
    seen = 0
    try:
        until = time.monotonic() + 1.5
        while time.monotonic() < until:
            assert store.verify() == []
            for digest in digests:
                try:
                    with store.open(digest) as reader:
                        assert Digest.of(reader.read(4_000_000)) == digest
                        seen += 1
                except MissingError:
                    pass
            store.prune(0)
        assert seen > 3
    finally:
        for process in processes:
            end(process)


def test_blobs_are_fetched_once(store: Store) -> None:
    source = image_of({"a": b"1"}, {"b": b"2"})
    for _ in range(2):
        through = CachedSource(source, store)
        read_tree(through, read_image(through))
    assert len(source.opened) == len(set(source.opened)) == 3


def test_manifests_are_fetched_once_by_digest(store: Store) -> None:
    source = image_of({"a": b"1"})
    raw = source.read_manifest()
    assert CachedSource(source, store).read_manifest(raw.digest) == raw
    source.manifests.clear()
    assert CachedSource(source, store).read_manifest(raw.digest) == raw
    source.root = image_of({"b": b"2"}).root
    assert CachedSource(source, store).read_manifest() == source.root


def test_a_part_is_not_kept(store: Store) -> None:
    source = image_of({"a": b"1"})
    descriptor = manifest_of(source).layers[0]
    through = CachedSource(source, store)
    with through.open_blob(descriptor, 2, 3) as reader:
        assert reader.read(10) == source.blobs[descriptor.digest][2:5]
    assert store.blobs() == []
    Blob(descriptor=descriptor, source=through).read(1 << 20)
    source.blobs.clear()
    with through.open_blob(descriptor, 2, 3) as reader:
        assert len(reader.read(10)) == 3


@pytest.mark.parametrize("place", [0, 5, 40, -12, -1])
def test_a_layer_that_is_damaged_in_the_store(store: Store, tmp_path: Path, place: int) -> None:
    source = image_of({"a": bytes(range(256)) * 300, "b": b"1"})
    through, image = CachedSource(source, store), read_image(source)
    read_tree(through, image)
    path = tmp_path / "store" / "blobs" / "sha256" / image.layers[0].descriptor.digest.hex
    data = bytearray(path.read_bytes())
    data[place] ^= 0x55
    path.write_bytes(data)
    with pytest.raises(DamagedError):
        read_tree(through, image)
    assert read_tree(through, image).entry("b")


def test_a_damaged_copy_is_told_and_fetched_anew(store: Store, tmp_path: Path) -> None:
    source = image_of({"a": b"1"})
    blob = Blob(descriptor=manifest_of(source).layers[0], source=CachedSource(source, store))
    right = blob.read(1 << 20)
    (path,) = files(tmp_path)
    path.write_bytes(right[:-1] + b"x")
    with pytest.raises(DamagedError) as caught:
        blob.read(1 << 20)
    assert caught.value.hint == "try again"
    assert blob.read(1 << 20) == right
    raw = source.read_manifest()
    through = CachedSource(source, store)
    through.read_manifest(raw.digest)
    (tmp_path / "store" / "blobs" / "sha256" / raw.digest.hex).write_bytes(raw.body.replace(b"2", b"3"))
    assert through.read_manifest(raw.digest) == raw


def test_a_store_that_cannot_be_written_costs_no_answer(tmp_path: Path) -> None:
    (tmp_path / "store").write_text("in the way")
    store = Store(tmp_path / "store")
    source = image_of({"a": b"1"})
    with pytest.raises(UnwritableError):
        store.put(Blob(descriptor=manifest_of(source).layers[0], source=source))
    through = CachedSource(source, store)
    raw = source.read_manifest()
    assert through.read_manifest() == through.read_manifest(raw.digest) == raw
    assert read_tree(through, read_image(through)).entry("a")
    assert store.blobs() == [] == store.verify() == store.prune(0)


def test_what_the_source_lacks_is_said(store: Store) -> None:
    source = image_of({"a": b"1"})
    blob = Blob(descriptor=manifest_of(source).layers[0], source=CachedSource(source, store))
    source.blobs.clear()
    with pytest.raises(MissingError, match="memory does not hold"):
        blob.read(1 << 20)


def test_a_blob_whose_digest_is_not_known_before(store: Store, tmp_path: Path) -> None:
    with store.new() as new:
        new.file.write(b"12345")
        path = new.keep(Digest.of(b"12345"))
    assert path.read_bytes() == b"12345" and store.find(Digest.of(b"12345")) == path
    assert store.find(Digest.of(b"other")) is None
    assert files(tmp_path) == [path] and store.verify() == []


def test_what_is_not_kept_is_gone(store: Store, tmp_path: Path) -> None:
    with store.new() as new:
        new.file.write(b"12345")
    with pytest.raises(KeyError), store.new() as new:
        new.file.write(b"12345")
        raise KeyError
    assert files(tmp_path) == []


def test_to_find_a_blob_is_to_use_it(store: Store, tmp_path: Path) -> None:
    blob = stored(MemorySource(), b"old")
    store.put(blob)
    os.utime(files(tmp_path)[0], (time.time() - 1000,) * 2)
    assert store.find(blob.descriptor.digest)
    assert store.prune(500) == []


def test_a_blob_of_the_store_that_proves_damaged_is_removed(store: Store, tmp_path: Path) -> None:
    blob = stored(MemorySource(), b"12345")
    store.put(blob)
    own = Blob(descriptor=blob.descriptor, source=store)
    assert own.read(100) == b"12345"
    files(tmp_path)[0].write_bytes(b"12346")
    with pytest.raises(DamagedError) as caught:
        own.read(100)
    assert caught.value.hint == "try again" and files(tmp_path) == []


@pytest.mark.parametrize(("durable", "synced"), [(True, 1), (False, 0)])
def test_only_what_has_to_last_waits_for_the_disk(
    durable: bool, synced: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    BlobFolder(tmp_path, durable=durable).put_bytes(Digest.of(b"1"), b"1")
    assert len(calls) == synced

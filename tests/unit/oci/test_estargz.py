"""Layers with an index: by ranges the same is read as of the whole, and nothing that the index says wrongly."""

from __future__ import annotations

import gzip
import io
import json
import random
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry
from tests.unit.images_with_python import glibc, python
from tests.unit.oci.small_images import (
    CHAR,
    FIFO,
    FOLDER,
    HARDLINK,
    SYMLINK,
    MemorySource,
    What,
    manifest_of,
    tar,
    zipped,
)

from wheelbase.bases.inspect import inspect_image
from wheelbase.oci.copying import copy_image
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.estargz import INDEX_DIGEST, INDEX_NAME, TAR_BYTES
from wheelbase.oci.image import read_image
from wheelbase.oci.layers import Entry
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource
from wheelbase.oci.tree import Tree, read_files, read_tree

Pairs = list[tuple[str, What]]
Change = Callable[[dict[str, Any]], object]
KINDS = {
    FOLDER: "dir",
    SYMLINK: "symlink",
    HARDLINK: "hardlink",
    CHAR: "char",
    FIFO: "fifo",
    tarfile.REGTYPE: "reg",
}
NOISE = random.Random(1)
LOWER: Pairs = [
    (".no.prefetch.landmark", b"\x0f"),
    ("usr/", (FOLDER, "")),
    ("usr/bin/sh", b"#!" + NOISE.randbytes(5000)),
    ("usr/bin/ash", (HARDLINK, "usr/bin/sh")),
    ("usr/empty", b""),
    ("./usr/lib", (SYMLINK, "../lib")),
    ("dev/null", (CHAR, "")),
    ("run/pipe", (FIFO, "")),
    ("../out", b"flagged"),
    ("l" * 200 + "/long", b"x"),
    ("etc/old", NOISE.randbytes(700)),
]
UPPER: Pairs = [("etc/.wh.old", b""), ("etc/new", b"2" * 3000), ("opt/.wh..wh..opq", b""), ("usr/bin/sh", b"new")]


@dataclass(kw_only=True)
class Made:
    """A layer: the bytes of its tar and of the blob, and what its descriptor says of it."""

    plain: bytes
    stored: bytes
    annotations: dict[str, str]
    index: dict[str, Any]


def made(pairs: Pairs, chunk: int = 4 << 20, together: int = 1, change: Change = lambda index: None) -> Made:
    """Pack files as the specification has it; `together` is how many bytes a member of gzip has at least."""
    plain, stored, pending = io.BytesIO(), io.BytesIO(), io.BytesIO()
    items: list[dict[str, Any]] = []

    def flush() -> None:
        if pending.getvalue():
            stored.write(zipped(pending.getvalue()))
            pending.seek(0)
            pending.truncate()

    def put(data: bytes) -> None:
        plain.write(data)
        pending.write(data)

    with tarfile.open(fileobj=io.BytesIO(tar(pairs))) as archive:
        for (name, _), member in zip(pairs, archive, strict=True):
            put(member.tobuf(tarfile.PAX_FORMAT))
            item = {"name": name, "type": KINDS[member.type], "mode": member.mode | 0o100000, "size": member.size}
            items.append(item | ({"linkName": member.linkname} if member.linkname else {}))
            opened = archive.extractfile(member) if member.isreg() else None
            content = opened.read() if opened else b""
            for start in range(0, len(content), chunk):
                piece = content[start : start + chunk]
                if len(pending.getvalue()) >= together:
                    flush()
                here = {
                    "offset": len(stored.getvalue()),
                    "innerOffset": len(pending.getvalue()),
                    "chunkOffset": start,
                    "chunkSize": chunk if start + chunk < len(content) else 0,
                    "chunkDigest": str(Digest.of(piece)),
                }
                if start:
                    items.append({"name": name, "type": "chunk"})
                items[-1] |= here
                put(piece)
            if content and together == 1:
                flush()
            put(bytes(-len(content) % 512))
    flush()
    index = {"version": 1, "entries": items}
    change(index)
    body = json.dumps(index).encode()
    offset = len(stored.getvalue())
    last = tarfile.TarInfo(INDEX_NAME)
    last.size, last.mode = len(body), 0o444
    put(last.tobuf(tarfile.USTAR_FORMAT) + body + bytes(-len(body) % 512 + 1024))
    flush()
    stored.write(b"\x1f\x8b\x08\x04\0\0\0\0\0\xff\x1a\0SG\x16\0%016xSTARGZ\1\0\0\xff\xff" % offset + bytes(8))
    said = {INDEX_DIGEST: str(Digest.of(body)), TAR_BYTES: str(len(plain.getvalue()))}
    return Made(plain=plain.getvalue(), stored=stored.getvalue(), annotations=said, index=index)


@dataclass(slots=True)
class Counting(MemorySource):
    """A place that counts the bytes that are read of layers."""

    read: int = 0
    whole: int = 0
    requests: list[tuple[int, int | None]] = field(default_factory=list)

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        with super(Counting, self).open_blob(descriptor, start, length) as reader:
            layer = "config" not in descriptor.media_type
            self.whole += layer and not start and length is None
            counting = self

            class Counted:
                def read(self, size: int, /) -> bytes:
                    data = reader.read(size)
                    counting.read += len(data) if layer else 0
                    return data

            yield Counted()


def image_of(*layers: Made) -> Counting:
    source = Counting()
    source.add_image([layer.plain for layer in layers])
    described = [
        replace(source.add(layer.stored, manifest_of(source).layers[0].media_type), annotations=layer.annotations)
        for layer in layers
    ]
    source.add_manifest(replace(manifest_of(source), layers=tuple(described)))
    return source


def without_index(source: MemorySource) -> MemorySource:
    """Return the same image, of which nothing says that it has an index."""
    other = MemorySource(blobs=source.blobs)
    layers = tuple(replace(layer, annotations={}) for layer in manifest_of(source).layers)
    other.add_manifest(replace(manifest_of(source), layers=layers))
    return other


def everything(entry: Entry) -> int:
    return 1 << 20


def seen(tree: Tree) -> tuple[list[Entry], list[Entry], list[int]]:
    return list(tree.walk()), tree.flagged, tree.layer_bytes


def tree_of(source: MemorySource, keep: Callable[[Entry], int] = everything) -> Tree:
    return read_tree(source, read_image(source), keep)


@pytest.mark.parametrize(("chunk", "together"), [(4 << 20, 1), (1000, 1), (1, 1), (1000, 2500), (1 << 20, 1 << 20)])
@pytest.mark.parametrize("kept", [0, 1, 1500, 1 << 20])
def test_the_same_is_read_as_of_the_whole(chunk: int, together: int, kept: int) -> None:
    lower = LOWER if chunk > 1 else LOWER[:2] + LOWER[3:6]
    source = image_of(made(lower, chunk, together), made(UPPER[:2] if chunk == 1 else UPPER, chunk, together))
    assert seen(tree_of(source, lambda entry: kept)) == seen(tree_of(without_index(source), lambda entry: kept))
    assert source.whole == 0
    assert gzip.decompress(made(lower, chunk, together).stored) == made(lower, chunk, together).plain


def test_the_facts_are_the_same_and_little_is_read() -> None:
    noise: Pairs = [(f"usr/share/{number}", NOISE.randbytes(100_000)) for number in range(40)]
    files: Pairs = [*glibc("2.41").items(), *noise[:20], *python("3.13.9").items(), *noise[20:]]
    source = image_of(made([*files, ("etc/os-release", b"ID=x\n")]))
    facts = inspect_image(source, read_image(source))
    size = manifest_of(source).layers[0].size
    assert (source.whole, facts.pythons[0].version) == (0, "3.13.9")
    assert source.read < size / 100
    plain = without_index(source)
    streamed = inspect_image(plain, read_image(plain))
    assert replace(facts, digest="") == replace(streamed, digest="")


def test_some_files() -> None:
    source = image_of(made(LOWER, 1000))
    image, tree = read_image(source), tree_of(source, lambda entry: 0)
    before = source.read
    assert read_files(source, image, tree, ["usr/bin/ash", "usr/empty", "none"], 2) == {
        "usr/bin/ash": b"#!",
        "usr/empty": b"",
    }
    assert source.read - before < 4000 and source.whole == 0


def test_a_file_is_asked_for_once() -> None:
    def asked(source: MemorySource) -> list[str]:
        found: list[str] = []
        tree_of(source, lambda entry: found.append(entry.path) or 0)  # type: ignore[func-returns-value]
        return found

    right = image_of(made(LOWER))
    wrong = image_of(made(LOWER, change=lambda index: index.update(version=2)))
    assert asked(right) == asked(without_index(right)) == asked(wrong)


def entry(index: dict[str, Any], number: int = 2) -> dict[str, Any]:
    found = index["entries"][number]
    assert isinstance(found, dict)
    return found


UNFIT: dict[str, Change] = {
    "version": lambda index: index.update(version=2),
    "kind": lambda index: entry(index).update(type="door"),
    "no list": lambda index: index.pop("entries"),
    "no chunk": lambda index: entry(index).update(size=99_999),
    "a chunk of nothing": lambda index: index["entries"].insert(0, entry(index, 3)),
    "order": lambda index: index["entries"].reverse(),
    "a chunk less": lambda index: index["entries"].pop(3),
    "a chunk twice": lambda index: index["entries"].insert(3, entry(index, 3)),
    "no digest": lambda index: entry(index).pop("chunkDigest"),
    "no such digest": lambda index: entry(index).update(chunkDigest="sha256:x"),
    "beyond the end": lambda index: entry(index).update(offset=1 << 40),
    "negative": lambda index: entry(index).update(offset=-1),
    "too far within": lambda index: entry(index).update(innerOffset=1 << 40),
    "one over another": lambda index: entry(index, 3).update(offset=entry(index)["offset"], innerOffset=10),
    "a negative rest": lambda index: entry(index).update(chunkSize=9999),
    "a chunk past the end": lambda index: index["entries"].insert(
        8, {"name": "usr/bin/sh", "type": "chunk", "chunkOffset": 5002, "chunkDigest": str(Digest.of(b""))}
    ),
    "large": lambda index: entry(index).update(size=1 << 60),
    "a name that is none": lambda index: entry(index).update(name=None),
}


@pytest.mark.parametrize("name", UNFIT)
def test_an_index_that_cannot_be_used(name: str) -> None:
    source = image_of(made(LOWER, 1000, change=UNFIT[name]))
    assert seen(tree_of(source)) == seen(tree_of(without_index(source)))
    assert source.whole == 1


@pytest.mark.parametrize(
    "said",
    [
        {},
        {INDEX_DIGEST: ""},
        {INDEX_DIGEST: str(Digest.of(b"other"))},
        {INDEX_DIGEST: "sha256:x"},
        {TAR_BYTES: ""},
        {TAR_BYTES: "x"},
        {TAR_BYTES: "-1"},
        {TAR_BYTES: "1000"},
        {TAR_BYTES: "9" * 18},
        {TAR_BYTES: "9" * 5000},
    ],
)
def test_a_manifest_that_does_not_vouch_for_the_index(said: dict[str, str]) -> None:
    layer = made(LOWER)
    source = image_of(replace(layer, annotations=layer.annotations | said if said else {}))
    assert seen(tree_of(source)) == seen(tree_of(without_index(source)))
    assert source.whole == 1


@pytest.mark.parametrize("end", [b"", bytes(51), b"%016xSTARGZ\1\0\0\xff\xff" % (1 << 60) + bytes(8)])
def test_another_footer(end: bytes) -> None:
    layer = made(LOWER)
    stored = layer.stored[: -len(end)] + end if end else zipped(layer.plain)
    source = image_of(replace(layer, stored=stored))
    try:
        assert seen(tree_of(source)) == seen(tree_of(without_index(source)))
    except ImageError as error:
        assert end and "cannot be unpacked" in str(error)
    assert source.whole >= 1


@pytest.mark.parametrize("small", [b"", b"x", b"\x1f\x8b\x08" + bytes(60)])
def test_a_layer_that_is_none(small: bytes) -> None:
    source = image_of(replace(made([]), stored=small))
    with pytest.raises(ImageError, match="layer 1"):
        tree_of(source)


def test_contents_are_those_that_the_index_says() -> None:
    layer = made(LOWER, 1000, change=lambda index: entry(index).update(chunkDigest=str(Digest.of(b"other"))))
    source = image_of(layer)
    with pytest.raises(DamagedError, match=r"layer 1 .* other bytes than its index says") as caught:
        tree_of(source)
    assert caught.value.hint
    assert tree_of(source, lambda entry: 0).entry("usr/bin/sh")  # which is not read


def test_a_blob_that_was_changed_on_the_way() -> None:
    source = image_of(made(LOWER))
    one = manifest_of(source).layers[0].digest
    offset = made(LOWER).index["entries"][2]["offset"]
    source.blobs[one] = source.blobs[one][: offset + 2000] + b"\0\1\2\3" + source.blobs[one][offset + 2004 :]
    with pytest.raises(ImageError, match=r"layer 1 .* (other bytes|cannot be unpacked)"):
        tree_of(source)


def test_an_index_that_unpacks_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.oci.estargz._MOST_INDEX", 1 << 20)
    layer = made(LOWER)
    offset = len(layer.stored) - 51
    bomb = gzip.compress(tarfile.TarInfo(INDEX_NAME).tobuf() + bytes(40 << 20), 1)
    footer = layer.stored[-51:].replace(layer.stored[-35:-19], b"%016x" % offset)
    source = image_of(replace(layer, stored=layer.stored[:-51] + bomb + footer))
    tracemalloc.start()
    with pytest.raises(ImageError):
        tree_of(source)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20 and source.whole == 1


def test_more_than_is_of_interest_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.oci.estargz._MOST_KEPT", 5000)
    source = image_of(made(LOWER))
    with pytest.raises(ImageError, match="more than 5000 bytes of layer 1"):
        tree_of(source)
    assert tree_of(source, lambda entry: 100).entry("usr/bin/sh")


@pytest.mark.parametrize("ranges", [True, False])
def test_from_a_registry(ranges: bool) -> None:
    memory = MemoryRegistry()
    memory.has_ranges = ranges
    layer = made([*LOWER, ("noise", NOISE.randbytes(5_000_000))])
    with FaultServer(memory) as server:
        name, settings = parse_name(f"{server.host}/team/app:1"), RegistrySettings()
        with Registry(name, settings) as sink:
            copy_image(image_of(layer), sink)
        server.seen.clear()
        with RegistrySource(name, settings) as source:
            tree = read_tree(source, read_image(source), lambda entry: 2 if entry.path == "usr/bin/sh" else 0)
        found = tree.entry("usr/bin/sh")
        assert found and found.content == b"#!"
        parts = [one.headers.get("Range") for one in server.asked("GET", "blobs/")]
        # Of the configuration, the footer, the index and the file; or of the footer in vain, and of all.
        assert [bool(part) for part in parts] == ([False, True, True, True] if ranges else [False, True, False])


names = st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}", fullmatch=True)


@settings(deadline=None, max_examples=50)
@given(st.dictionaries(names, st.binary(max_size=300), max_size=8), st.integers(1, 200), st.integers(1, 400))
def test_what_was_packed_is_read(files: dict[str, bytes], chunk: int, together: int) -> None:
    source = image_of(made(list(files.items()), max(chunk, 10), together))
    assert seen(tree_of(source)) == seen(tree_of(without_index(source)))
    assert source.whole == 0

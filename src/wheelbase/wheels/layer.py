"""A wheel as a layer of an image, in the virtual environment; made once for each Python and kept. Uses the store.

The layer has the files of the wheel sorted by path, and after them its bytecode. It does not depend on the order of the
wheel's entries, on the base, the time or this machine. Bytecode of tests is left out, which nobody runs in production.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from wheelbase.cache import Cache
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.image import Layer
from wheelbase.oci.layerwriter import CODEC, LayerWriter, WrittenLayer
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.store import Store
from wheelbase.wheels.archive import WheelArchive, open_wheel
from wheelbase.wheels.compiling import Compiler
from wheelbase.wheels.install import VENV, Installation, Installed, VenvPython, installation_of
from wheelbase.wheels.paths import is_test
from wheelbase.wheels.record import check_claim

if TYPE_CHECKING:
    from hashlib import _Hash

# Raised whenever the same wheel becomes another layer.
_FORMAT = 2
# A file up to this size is compressed anew, together with the headers around it, which is faster and smaller.
_SMALL = 4096
# How much source is in memory at once. Which modules are compiled together must not depend on the machine.
_BATCH = 8 << 20
# Compiling takes some hundred times the memory of the source.
_LARGEST_MODULE = 8 << 20
# The path of a module in the image, and its source.
Source = tuple[str, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelLayer:
    """A wheel's layer: the package by its normalised name, and whether the layer was there before."""

    package: str
    version: str
    layer: Layer
    tar_bytes: int
    reused: bool


class _Kept(msgspec.Struct, frozen=True, kw_only=True):
    package: str
    version: str
    digest: str
    size: int
    diff_id: str
    tar_bytes: int


def wheel_layer(
    path: Path, sha256: str, *, filename: str, python: VenvPython, compiler: Compiler | None, store: Store
) -> WheelLayer:
    """Return the layer of a wheel's file, whose blob is in the store then; `filename` is the one that the wheel has.

    WheelError, and nothing in the store, where the file has another hash or is not a sound wheel.
    """
    cache, key = Cache("layer-1"), _key(sha256, filename, python, compiler)
    if kept := cache.get(key):
        known = _layer(msgspec.msgpack.decode(kept, type=_Kept), reused=True)
        if store.has(known.layer.descriptor):
            return known
    with open_wheel(path, filename) as archive:
        if (found := archive.sha256()) != sha256:
            # In the store a power cut may have damaged it, and it would be taken again and again.
            if store.find(expected := Digest("sha256", sha256)) == path:
                store.remove(expected)
            raise archive.error(f"has the SHA-256 {found}, not {sha256}")
        installation = installation_of(archive, python)
        with store.new() as new:
            written = _write(archive, installation, python, compiler, LayerWriter(new.file))
            new.keep(written.digest)
    made = _Kept(
        package=installation.package,
        version=installation.version,
        digest=str(written.digest),
        size=written.size,
        diff_id=str(written.diff_id),
        tar_bytes=written.tar_bytes,
    )
    cache.put(key, msgspec.msgpack.encode(made))
    return _layer(made, reused=False)


def _key(sha256: str, filename: str, python: VenvPython, compiler: Compiler | None) -> str:
    compiled = compiler.key if compiler else "no bytecode"
    return f"{_FORMAT} {sha256} {filename} {python.lib} {python.cache_tag} {compiled} {CODEC}"


def _layer(kept: _Kept, *, reused: bool) -> WheelLayer:
    descriptor = Descriptor(media_type=media_types.LAYER_GZIP, digest=Digest.parse(kept.digest), size=kept.size)
    return WheelLayer(
        package=kept.package,
        version=kept.version,
        layer=Layer(descriptor=descriptor, diff_id=Digest.parse(kept.diff_id)),
        tar_bytes=kept.tar_bytes,
        reused=reused,
    )


def _write(
    archive: WheelArchive,
    installation: Installation,
    python: VenvPython,
    compiler: Compiler | None,
    writer: LayerWriter,
) -> WrittenLayer:
    try:
        # The first modules are compiled while the files are written.
        compiled = _compiled(archive, installation, python, compiler) if compiler else iter(())
        first = list(islice(compiled, 1))
        for file in installation.files:
            _write_file(archive, file, writer)
        for batch, files in chain(first, compiled):
            _write_bytecode(batch, files.result(), python, writer)
    except ImageError as error:
        raise archive.error(f"cannot be in a layer: {error}") from error
    return writer.finish()


def _write_file(archive: WheelArchive, file: Installed, writer: LayerWriter) -> None:
    path, entry, claim = f"{VENV}/{file.path}", file.entry, file.claim
    if entry is None:
        writer.file(path, file.data, mode=file.mode)
    elif entry.size <= _SMALL:
        data = archive.read(entry)
        check_claim(archive, entry, claim, claim.hasher(data))
        writer.file(path, data, mode=file.mode)
    else:
        hasher = claim.hasher()
        if entry.deflated:
            writer.deflated(
                path, archive.raw(entry), size=entry.size, crc=entry.crc, mode=file.mode, watch=hasher.update
            )
        else:
            chunks = _watched(archive.raw(entry), hasher)
            writer.streamed(path, chunks, size=entry.size, crc=entry.crc, mode=file.mode)
        check_claim(archive, entry, claim, hasher)


def _watched(chunks: Iterable[bytes], hasher: _Hash) -> Iterator[bytes]:
    for chunk in chunks:
        hasher.update(chunk)
        yield chunk


def _compiled(
    archive: WheelArchive, installation: Installation, python: VenvPython, compiler: Compiler
) -> Iterator[tuple[list[Source], Future[list[bytes | None]]]]:
    """Yield some modules at a time, with what comes of compiling them, which has begun."""
    with ThreadPoolExecutor(1) as ahead:
        for batch in _batches(archive, installation, python):
            yield batch, ahead.submit(compiler.compile, batch)


def _batches(archive: WheelArchive, installation: Installation, python: VenvPython) -> Iterator[list[Source]]:
    """Yield the modules that bytecode is made of, some at a time, in the order of the layer."""
    batch: list[Source] = []
    size = 0
    for file in installation.files:
        if file.entry and _is_compiled(file, python):
            batch.append((f"/{VENV}/{file.path}", archive.read(file.entry)))
            size += file.entry.size
            if size >= _BATCH:
                yield batch
                batch, size = [], 0
    if batch:
        yield batch


def _is_compiled(file: Installed, python: VenvPython) -> bool:
    path = file.path.removeprefix(f"{python.site_packages}/")
    if path == file.path or not path.endswith(".py") or file.claim.size > _LARGEST_MODULE:
        return False
    # Modules of these two names are no tests: jinja2's are tests in templates.
    return not is_test(path) or path.rpartition("/")[2] in ("test.py", "tests.py")


def _write_bytecode(batch: list[Source], files: list[bytes | None], python: VenvPython, writer: LayerWriter) -> None:
    for (path, _), bytecode in zip(batch, files, strict=True):
        if bytecode is not None:
            folder, _, name = path[1:].rpartition("/")
            writer.file(f"{folder}/__pycache__/{name.removesuffix('.py')}.{python.cache_tag}.pyc", bytecode)

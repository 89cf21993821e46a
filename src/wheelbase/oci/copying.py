"""Copy an image from place to place, several blobs at once; every byte stays as it is. Reads and writes places."""

from __future__ import annotations

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.image import MAX_DEPTH, read_image, read_listed, too_deep
from wheelbase.oci.manifest import Descriptor, ImageIndex, Manifest, RawManifest, parse_manifest
from wheelbase.oci.places import Blob, Sink, Source
from wheelbase.oci.platform import Platform

_AT_ONCE = 6
_MOST_MANIFESTS = 1000
_MOST_BYTES = 64 << 20


def copy_image(source: Source, sink: Sink, platform: Platform | None = None) -> Digest:
    """Copy an image, and return the digest under which it is known.

    Without a platform, all platforms are copied; that of this machine alone, where the sink takes but one. Blobs that
    the sink has are not read. The name is given at the end, when all that it needs is there.
    """
    one = bool(platform) or not sink.takes_indexes
    manifests = [read_image(source, platform).raw_manifest] if one else _closure(source)
    _copy_blobs(source, sink, _blobs(source, manifests))
    for raw in manifests:
        sink.put_manifest(raw, named=raw is manifests[-1])
    return manifests[-1].digest


def _closure(source: Source) -> list[RawManifest]:
    """Return the manifest of a source and those that it lists, each after all that it lists."""
    found: dict[Digest, RawManifest] = {}

    def visit(raw: RawManifest, parsed: Manifest | ImageIndex, depth: int) -> None:
        for child in parsed.manifests if isinstance(parsed, ImageIndex) else ():
            if child.digest not in found:
                if depth == MAX_DEPTH:
                    raise too_deep(source)
                visit(*read_listed(source, child), depth + 1)
        found[raw.digest] = raw
        if len(found) > _MOST_MANIFESTS or sum(len(one.body) for one in found.values()) > _MOST_BYTES:
            raise ImageError(
                f"{source.where} lists more than {_MOST_MANIFESTS} manifests or {_MOST_BYTES} bytes of them",
                hint="copy one platform of it",
            )

    root = source.read_manifest()
    visit(root, parse_manifest(root, source.where), 0)
    return list(found.values())


def _blobs(source: Source, manifests: Iterable[RawManifest]) -> list[Blob]:
    """Return the blobs that manifests need, each once, the largest first so that none is left for the end."""
    needed: dict[Digest, Descriptor] = {}
    for raw in manifests:
        parsed = parse_manifest(raw, source.where)
        if not isinstance(parsed, ImageIndex):
            needed |= {one.digest: one for one in (parsed.config, *parsed.layers)}
    return [
        Blob(descriptor=one, source=source) for one in sorted(needed.values(), key=lambda one: one.size, reverse=True)
    ]


def _copy_blobs(source: Source, sink: Sink, blobs: list[Blob]) -> None:
    def copy(blob: Blob) -> None:
        if not sink.has_blob(blob.descriptor):
            sink.put_blob(blob)

    with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="copy") as pool:
        running = [pool.submit(copy, blob) for blob in blobs]
        try:
            for done in as_completed(running):
                done.result()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise

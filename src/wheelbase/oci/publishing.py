"""An image on its way to several places while it is still being made. Writes to places, in threads.

Each blob is sent as soon as it is there; the name is given at the end, when all that it needs is in place.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from types import TracebackType
from typing import Self

from wheelbase.oci.digest import Digest
from wheelbase.oci.manifest import RawManifest
from wheelbase.oci.places import Blob, Sink

_AT_ONCE = 6


class Publishing:
    """Sends blobs to all of some sinks, each once. What goes wrong with one is raised when all are waited for."""

    def __init__(self, sinks: Sequence[Sink]) -> None:
        """Send nothing yet. The sinks are closed by whoever opened them."""
        self._sinks = sinks
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="publish")
        self._running: dict[Digest, list[Future[None]]] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        """Return this."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Begin nothing more; after an error what is on its way is not waited for, as it may take long."""
        self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def send(self, blob: Blob) -> None:
        """Begin to send a blob to each sink that does not have it, unless that has begun. Any thread may ask for it."""
        with self._lock:
            if blob.descriptor.digest not in self._running:
                begun = [self._pool.submit(_send, blob, sink) for sink in self._sinks]
                self._running[blob.descriptor.digest] = begun

    def wait(self) -> None:
        """Return when all that was sent has arrived; raise the first error."""
        for done in as_completed([one for begun in self._running.values() for one in begun]):
            done.result()

    def name(self, manifests: Sequence[RawManifest]) -> None:
        """Store manifests, each after all that it lists; the last becomes what the sinks' references refer to."""
        self.wait()
        for sink in self._sinks:
            for manifest in manifests:
                sink.put_manifest(manifest, named=manifest is manifests[-1])

    def attach(self, manifest: RawManifest, blobs: Sequence[Blob]) -> None:
        """Store a manifest that refers to one that is in place already, where such are found again."""
        for sink in self._sinks:
            if sink.keeps_referrers:
                for sent in [self._pool.submit(_send, blob, sink) for blob in blobs]:
                    sent.result()
                sink.put_manifest(manifest, named=False)


def _send(blob: Blob, sink: Sink) -> None:
    if not sink.has_blob(blob.descriptor):
        sink.put_blob(blob)

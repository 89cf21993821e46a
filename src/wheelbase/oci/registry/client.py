"""An image in a registry, as a source and as a sink. Talks to the network.

Source: OCI distribution specification 1.1; Docker's registry API 2 is the same where it matters.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import TracebackType
from typing import Self, TypeVar

import urllib3

from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor, RawManifest, checked, media_type_of, parse_manifest
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import RegistryReference
from wheelbase.oci.registry import discovery
from wheelbase.oci.registry.auth import pull_scope, push_scope
from wheelbase.oci.registry.blobs import BlobReader
from wheelbase.oci.registry.errors import TransientError
from wheelbase.oci.registry.session import Ask, Session, registry_path
from wheelbase.oci.registry.settings import RegistrySettings, endpoints
from wheelbase.oci.registry.uploads import has_blob, upload

_ACCEPT = ", ".join(media_types.ACCEPTED)
T = TypeVar("T")


class RegistrySource:
    """An image to be read: from the mirrors that the user has for it, and from its own registry."""

    def __init__(self, reference: RegistryReference, settings: RegistrySettings) -> None:
        """Talk to nobody yet."""
        self.reference = reference
        self._sessions = tuple(
            Session(endpoint, settings, (pull_scope(endpoint.repository),))
            for endpoint in endpoints(reference, settings)
        )

    def __enter__(self) -> Self:
        """Return this: nothing is opened before it is needed."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the connections."""
        for session in self._sessions:
            session.close()

    @property
    def where(self) -> str:
        """What errors call it: its reference."""
        return str(self.reference)

    @property
    def home(self) -> Session:
        """The registry itself, where mirrors do not count."""
        return self._sessions[-1]

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest or index of the reference, or the one of a digest; MissingError where there is none."""
        wanted = digest or self.reference.digest
        return self._first(lambda session: self._manifest(session, wanted))

    @contextmanager
    def open_blob(self, descriptor: Descriptor, /, start: int = 0, length: int | None = None) -> Iterator[Reader]:
        """Open a blob, or a part of it; what breaks off in between is asked for again from there on."""
        end = None if length is None else min(start + length, descriptor.size)
        what = f"the blob {descriptor.digest} of {self.where}"

        def opened(session: Session) -> BlobReader:
            def open_at(position: int) -> urllib3.BaseHTTPResponse:
                last = "" if end is None else end - 1
                headers = {"Range": f"bytes={position}-{last}"} if position or end is not None else {}
                target = f"blobs/{descriptor.digest}"
                return session.open(Ask(method="GET", target=target, what=what, accept=(200, 206), headers=headers))

            return BlobReader(open_at, session.endpoint.registry, what, start, end)

        if (end is not None and start >= end) or start >= max(descriptor.size, 1):
            yield _Nothing()
            return
        with closing(self._first(opened)) as reader:
            yield reader

    def tags(self) -> list[str]:
        """Return the tags of the repository, in the registry's order."""
        return discovery.list_tags(self.home, self._repository)

    def referrers(self, digest: Digest, artifact_type: str | None = None) -> tuple[Descriptor, ...]:
        """Return the manifests that say that they refer to the one of a digest: signatures, lists of packages."""
        return discovery.list_referrers(self.home, digest, artifact_type, self._repository)

    @property
    def _repository(self) -> str:
        return f"{self.reference.domain}/{self.reference.repository}"

    def _manifest(self, session: Session, digest: Digest | None) -> RawManifest:
        target = f"manifests/{registry_path(str(digest or self.reference.tag))}"
        what = f"the manifest {digest} of {self._repository}" if digest else f"the manifest of {self.where}"
        answer = session.ask(
            Ask(method="GET", target=target, what=what, headers={"Accept": _ACCEPT}), limit=MAX_MANIFEST
        )
        stated = answer.headers.get("Content-Type", "").partition(";")[0].strip()
        known = stated if stated.startswith("application/vnd.") else media_type_of(answer.body, self.where)
        raw = RawManifest(body=answer.body, media_type=known)
        promised = answer.headers.get("Docker-Content-Digest")
        # A registry that is asked for a tag may promise a digest, which may only be of the same bytes.
        return checked(raw, digest or (Digest.parse(promised) if promised else raw.digest), self.where)

    def _first(self, attempt: Callable[[Session], T]) -> T:
        """Return what the first of the mirrors has that has it, or else the registry itself."""
        failures: list[ImageError] = []
        for session in self._sessions[:-1]:
            try:
                return attempt(session)
            except ImageError as error:
                failures.append(error)
                if isinstance(error, TransientError):
                    # It was asked several times, and shall not be for every layer.
                    self._sessions = tuple(one for one in self._sessions if one is not session)
        try:
            return attempt(self.home)
        except ImageError as error:
            if not failures:
                raise
            raise type(error)(f"{error}; and before that, from a mirror: {failures[0]}", hint=error.hint) from error


class Registry(RegistrySource):
    """An image to be written, and to be read from where it was written to."""

    takes_indexes = True
    keeps_referrers = True

    def __init__(
        self, reference: RegistryReference, settings: RegistrySettings, *, mount_from: str | None = None
    ) -> None:
        """Talk to nobody yet. Blobs that the repository `mount_from` of the same registry has are not sent."""
        super().__init__(reference, settings)
        endpoint = self.home.endpoint
        self._sessions = (Session(endpoint, settings, (push_scope(endpoint.repository),)),)
        self._mount_from = mount_from

    def has_blob(self, descriptor: Descriptor, /) -> bool:
        """Return whether the repository has the blob."""
        return has_blob(self.home, descriptor.digest, f"the blob {descriptor.digest} of {self.where}")

    def put_blob(self, blob: Blob, /) -> None:
        """Send a blob, unless the registry has it in the repository that it comes from."""
        upload(self.home, blob, f"the blob {blob.descriptor.digest} of {self.where}", self._neighbour(blob))

    def put_manifest(self, manifest: RawManifest, /, *, named: bool) -> None:
        """Store a manifest, under the reference's tag where it is `named`."""
        wanted = self.reference.digest
        if named and wanted and wanted != Digest.of(manifest.body, wanted.algorithm):
            raise ImageError(
                f"{self.where} names another image than the one with the digest {manifest.digest}",
                hint="push to a tag instead of a digest",
            )
        name = self.reference.tag if named and self.reference.tag else str(manifest.digest)
        what = f"the manifest of {self.where}" if named else f"the manifest {manifest.digest} of {self._repository}"
        answer = discovery.put_manifest(self.home, name, manifest, what)
        stored = answer.headers.get("Docker-Content-Digest", "")
        if stored.startswith("sha256:") and stored != str(Digest.of(manifest.body)):
            raise DamagedError(
                f"{self.home.endpoint.registry} has stored {what} as {stored[:80]}, which is not its digest",
                hint="ask who runs the registry",
            )
        parsed = parse_manifest(manifest, self.where)
        if parsed.subject and "OCI-Subject" not in answer.headers:
            discovery.tag_referrer(self.home, manifest, parsed, self._repository)

    def _neighbour(self, blob: Blob) -> str | None:
        """Return the repository of this registry that has a blob, as far as is known."""
        own, other = self.home.endpoint, None
        if isinstance(blob.source, RegistrySource):
            other = blob.source.home.endpoint
        found = other.repository if other and other.host == own.host else self._mount_from
        return found if found != own.repository else None


class _Nothing:
    """What is beyond the end of a blob."""

    def read(self, size: int, /) -> bytes:
        """Return no bytes."""
        return b""

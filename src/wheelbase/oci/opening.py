"""From a reference to the place that it names. Reads the user's settings of registries; places do the rest later."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from wheelbase.oci.archive import archive_sink, archive_source
from wheelbase.oci.daemon import daemon_sink, daemon_source
from wheelbase.oci.docker_archive import docker_archive_sink, docker_archive_source
from wheelbase.oci.layout import Layout
from wheelbase.oci.places import Sink, Source
from wheelbase.oci.reference import DaemonReference, FileReference, Reference, RegistryReference


def open_source(reference: Reference) -> AbstractContextManager[Source]:
    """Open what a reference names for reading."""
    match reference:
        case DaemonReference(name=name):
            return daemon_source(name)
        case FileReference(kind="oci", path=path, name=of):
            return nullcontext(Layout(Path(path), of))
        case FileReference(kind="oci-archive", path=path, name=of):
            return archive_source(Path(path), of)
        case FileReference(path=path, name=of):
            return docker_archive_source(Path(path), of)
    # Its client is imported where it is needed: most of the time of a command that reads a file would go into that.
    from wheelbase.oci.registry import RegistrySource, user_registry_settings

    return RegistrySource(reference, user_registry_settings())


def open_sink(reference: Reference, beside: Reference | None = None) -> AbstractContextManager[Sink]:
    """Open what a reference names for writing: it is complete when the block ends without an error.

    What is written may have blobs of the image `beside`; one in the same registry has them already.
    """
    match reference:
        case DaemonReference(name=name):
            return daemon_sink(name)
        case FileReference(kind="oci", path=path, name=of):
            return nullcontext(Layout(Path(path), of))
        case FileReference(kind="oci-archive", path=path, name=of):
            return archive_sink(Path(path), of)
        case FileReference(path=path, name=of):
            return docker_archive_sink(Path(path), of)
    from wheelbase.oci.registry import Registry, user_registry_settings

    near = beside.repository if isinstance(beside, RegistryReference) and beside.domain == reference.domain else None
    return Registry(reference, user_registry_settings(), mount_from=near)

"""`wheelbase inspect`: the facts of any image, read from its own bytes. Reads images, by the network or an engine.

Layers from a registry are kept in the user's cache, and facts by the digest of the image, or of a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from wheelbase.bases.inspected import Inspection
from wheelbase.cache import Cache
from wheelbase.oci.image import read_image
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform
from wheelbase.recipes.base import open_base
from wheelbase.recipes.reporting import Report, silent

# To be raised whenever an image would be read in another way: what is in a user's cache is then read anew.
_VERSION = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspected:
    """An image as the user named it, and its facts."""

    reference: str
    inspection: Inspection


def inspect(reference: str, *, platform: str | None = None, report: Report = silent) -> Inspected:
    """Return the facts of an image: a name in a registry, `oci:PATH`, `docker-archive:PATH`, `docker-daemon:NAME`,
    `deb:trixie`.

    `platform` is `linux/arm64` or the like, None for that of this machine or the only one that there is. Nothing of
    the image is run. ImageError where it cannot be read.
    """
    wanted = Platform.parse(platform) if platform else None
    report(f"reading {reference}", 0, 0)
    with open_base(reference, wanted, report=report) as source:
        return Inspected(reference=reference, inspection=inspect_source(source, wanted))


def inspect_source(source: Source, platform: Platform | None) -> Inspection:
    """Return the facts of the image of a platform; those of one that was inspected before are known by its digest."""
    image = read_image(source, platform)
    kept, key = Cache(f"inspection-{_VERSION}"), str(image.raw_manifest.digest)
    if known := kept.get(key):
        return msgspec.msgpack.decode(known, type=Inspection)
    # What reads layers takes a while to import.
    from wheelbase.bases.inspect import inspect_image

    inspection = inspect_image(source, image, Cache(f"inspected-layers-{_VERSION}"))
    kept.put(key, msgspec.msgpack.encode(inspection))
    return inspection

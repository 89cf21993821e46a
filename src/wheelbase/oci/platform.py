"""Platforms of images: operating system, architecture and its variant.

Sources: OCI image specification 1.1, image-index.md; containerd's platforms package for what stands for what.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from wheelbase.oci.errors import ImageError

_ARCHITECTURES = {"x86_64": "amd64", "x86-64": "amd64", "aarch64": "arm64", "i386": "386", "i686": "386"}
# The variant that an architecture has when none is written.
_USUAL = {"amd64": "v1", "arm64": "v8", "arm": "v7"}
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """A platform as an image states it; `variant` and `os_version` are empty where it states none."""

    os: str
    architecture: str
    variant: str = ""
    os_version: str = ""

    def __str__(self) -> str:
        """Return `os/architecture` or `os/architecture/variant`."""
        return "/".join(filter(None, (self.os, self.architecture, self.variant)))

    @classmethod
    def parse(cls, text: str) -> Platform:
        """Return the platform that `linux/arm64/v8`, `linux/amd64` or `amd64` names."""
        parts = text.split("/")
        if len(parts) > 3 or not all(map(_WORD.fullmatch, parts)):
            raise ImageError(f"{text!r} is no platform", hint="write os/architecture, as linux/amd64 or linux/arm/v7")
        os, architecture, *variant = ["linux", *parts] if len(parts) == 1 else parts
        return cls(os=os, architecture=_ARCHITECTURES.get(architecture, architecture), variant="".join(variant))

    @classmethod
    def of_this_machine(cls) -> Platform:
        """Return the platform of the Linux containers that this machine runs."""
        machine = platform.machine().lower()
        if found := re.fullmatch(r"armv(\d)\w*", machine):
            return cls(os="linux", architecture="arm", variant=f"v{found[1]}")
        return cls(os="linux", architecture=_ARCHITECTURES.get(machine, machine))

    def runs(self, image: Platform) -> int | None:
        """Return how far `image` is from what a machine of this platform runs best, None where it does not run it.

        0 is the very platform; an older variant of the same architecture is as far as there are steps to it.
        """
        if (self.os, self._kind()) != (image.os, image._kind()):
            return None
        own, other = self._level(), image._level()
        if own is None or other is None:
            return 0 if self.variant == image.variant else None
        return own - other if other <= own else None

    def _kind(self) -> str:
        return _ARCHITECTURES.get(self.architecture, self.architecture)

    def _level(self) -> int | None:
        """Return the number of the variant, None where it is a word."""
        found = re.fullmatch(r"v?(\d{1,3})(\.\d{1,3})?", self.variant or _USUAL.get(self._kind(), "v0"))
        return int(found[1]) if found else None


def best_of(wanted: Platform, choices: Iterable[tuple[Platform, T]]) -> T | None:
    """Return what a machine of the wanted platform runs best, the first of equals; None where it runs none."""
    ranked = [(distance, choice) for offered, choice in choices if (distance := wanted.runs(offered)) is not None]
    return min(ranked, key=lambda pair: pair[0])[1] if ranked else None

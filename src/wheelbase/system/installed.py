"""What base images have installed already, so that it is not counted again. Reads `installed.toml`."""

import tomllib
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

import msgspec

from wheelbase.bases.facts import BaseFacts


class _Family(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    images: tuple[str, ...]
    source: str
    packages: str
    base: str = ""


def installed_packages(image: BaseFacts) -> frozenset[str]:
    """Return the names of the system packages of an image; none where neither they nor its family are known.

    What is installed for its Python is not among them where that is not in the image itself (`image.added_packages`).
    """
    if image.userland:
        return frozenset(image.userland.packages or ())
    family = _family_of(image.image)
    return _packages(family.name) if family else frozenset()


def knows_installed(image: BaseFacts) -> bool:
    """Say whether `installed_packages` knows those of an image."""
    if image.userland:
        return image.userland.packages is not None
    return _family_of(image.image) is not None


def _family_of(name: str) -> _Family | None:
    fitting = (family for family in _families().values() if any(fnmatchcase(name, image) for image in family.images))
    return next(fitting, None)


@cache
def _packages(name: str) -> frozenset[str]:
    family = _families()[name]
    return frozenset(family.packages.split()) | (_packages(family.base) if family.base else frozenset())


@cache
def _families() -> dict[str, _Family]:
    raw = tomllib.loads(Path(__file__).with_name("installed.toml").read_text(encoding="utf-8"))
    return {family.name: family for family in msgspec.convert(raw["family"], tuple[_Family, ...])}

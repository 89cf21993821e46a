"""Which packages share a layer: those that change together, so that an update changes few layers. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Literal, get_args

from wheelbase.deb.chosen import LockedDeb

#: From the lowest layer up.
Group = Literal["libc", "libraries", "data", "python", "added"]
#: What a base is made of, beside what these need and what the user adds.
ROOTS = ("base-files", "ca-certificates", "libc-bin", "libstdc++6", "ncurses-base", "netbase", "python3", "tzdata")
_OF: tuple[tuple[Group, re.Pattern[str]], ...] = (
    ("libc", re.compile(r"libc6|libc-bin|libgcc-s1|libstdc\+\+6|gcc-\d+-base|libcrypt1")),
    ("python", re.compile(r"(lib)?python3.*")),
    ("data", re.compile(r"base-files|ca-certificates|media-types|ncurses-base|netbase|tzdata|.*-common")),
)


def grouped(packages: Iterable[LockedDeb]) -> dict[Group, tuple[LockedDeb, ...]]:
    """Return the packages of each layer, the lowest first."""
    found: dict[Group, list[LockedDeb]] = {group: [] for group in get_args(Group)}
    for package in sorted(packages):
        found[_group(package)].append(package)
    return {group: tuple(members) for group, members in found.items() if members}


def _group(package: LockedDeb) -> Group:
    if package.added:
        return "added"
    return next((group for group, names in _OF if names.fullmatch(package.name)), "libraries")

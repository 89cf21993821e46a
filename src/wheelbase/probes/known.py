"""What probes have found before, and for which bases that holds: nothing is run. Reads `known.toml`.

A result holds for a base with the same C library in the same version, and the same minor version of Python where that
matters; what is decided by all that is in an image holds for that image alone, which only those that wheelbase makes
are at any time.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files

import msgspec
from packaging.version import Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.probes.run import Verdict
from wheelbase.probes.table import KnownHazard, known_hazards

_DEB = "deb:"


class ProbedBase(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The results of one image. `image` is its name where it means the same everywhere, else "".

    `bites` and `fine` are ids of hazards; of others nothing is known.
    """

    probed: date
    image: str
    system: str
    arch: str
    libc: str
    libc_version: str
    python: str
    note: str = ""
    bites: tuple[str, ...]
    fine: tuple[str, ...]

    def __post_init__(self) -> None:
        """Check that each hazard has one verdict; ValueError says which has not."""
        unknown = {*self.bites, *self.fine} - known_hazards().keys()
        if trouble := unknown | (set(self.bites) & set(self.fine)):
            raise ValueError(f"{self.system}: {', '.join(sorted(trouble))}")

    def holds_for(self, hazard: KnownHazard, facts: BaseFacts) -> bool:
        """Say whether what was found of a hazard holds for a base."""
        if hazard.decided_by == "image":
            return self.image.startswith(_DEB) and (self.image, self.arch) == (facts.image, facts.arch)
        if (self.libc, self.libc_version, self.arch) != (facts.libc, facts.libc_version, facts.arch):
            return False
        minor = Version(self.python).release[:2]
        return hazard.decided_by == "libc" or minor == facts.python_minor


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: tuple[ProbedBase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a probe has found that holds for a base, and of what image it was found."""

    verdict: Verdict
    of: ProbedBase


@cache
def probed_bases() -> tuple[ProbedBase, ...]:
    """Return all results that are known."""
    text = files("wheelbase.probes").joinpath("known.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _Table).base


def known_of(facts: BaseFacts, probed: tuple[ProbedBase, ...] | None = None) -> Mapping[str, Known]:
    """Return by hazard what is known of a base; those that are not in it were never probed on such a one."""
    found: dict[str, Known] = {}
    for one in probed_bases() if probed is None else probed:
        for name, hazard in known_hazards().items():
            if name in {*one.bites, *one.fine} and name not in found and one.holds_for(hazard, facts):
                found[name] = Known(verdict="bites" if name in one.bites else "fine", of=one)
    return found

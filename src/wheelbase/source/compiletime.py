"""How long a build from source takes, in CPU seconds on one core. Reads `compiletime.toml`."""

import math
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from packaging.version import Version

# Debug information deflates well: objects with it to 0.24 to 0.30 of their size, stripped ones to 0.34 and more.
_DEFLATED_WITH_DEBUG = 0.32
# What DWARF 5 takes of DWARF 4, which is in wheels still: the median of ten projects on Debian 13, 0.61 to 0.86.
_DWARF_5 = 0.70


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Seconds: the likeliest, and a range that holds the truth in about nine of ten cases."""

    low: float
    value: float
    high: float

    @classmethod
    def total(cls, estimates: Iterable["Estimate"]) -> "Estimate":
        """Return the sum; all low or all high at once is what it allows for."""
        listed = list(estimates)
        return cls(
            low=sum(one.low for one in listed),
            value=sum(one.value for one in listed),
            high=sum(one.high for one in listed),
        )


def cpu_seconds(counts: Mapping[str, float], *, name: str = "", version: Version | None = None) -> Estimate:
    """Return the time of a build with these counts, nothing of a pure archive.

    Of a project that was measured the measured time goes before the model, scaled by how the model sees the versions.
    """
    constants = _constants()
    if not counts:
        return Estimate(low=0.0, value=0.0, high=0.0)
    value = _modelled(counts)
    spread = constants["spread"]["modelled"]
    if measured := constants["measured"].get(name):
        known = _nearest(measured, value, version)
        value *= known["cpu_seconds"] / _modelled(known["counts"])
        spread = constants["spread"]["measured" if str(version) == known["version"] else "scaled"]
    return Estimate(low=value / spread, value=value, high=value * spread)


def _nearest(measured: Sequence[Mapping[str, Any]], value: float, version: Version | None) -> Mapping[str, Any]:
    """Return what was measured of this version, else of the one that the model sees as most alike."""

    def distance(known: Mapping[str, Any]) -> tuple[bool, float]:
        return known["version"] != str(version), abs(math.log(_modelled(known["counts"]) / value))

    return min(measured, key=distance)


def debug_factor(
    files: Iterable[tuple[str, int, int]], backend: str, counts: Mapping[str, float], *, dwarf: int = 5
) -> float:
    """Return how many times larger a build's shared objects are than these of a wheel, by debug information.

    Python's own flags ask for it, and setuptools passes them on; other backends have flags of their own. Some wheels
    have it too, which their sizes as deflated (the third of each file) tell. `dwarf` is the version that the compiler
    writes.
    """
    if backend and "setuptools" not in backend and "numpy" not in backend:
        return 1.0
    objects = [(size, deflated) for path, size, deflated in files if path.endswith(".so")]
    if sum(deflated for _, deflated in objects) < sum(size for size, _ in objects) * _DEFLATED_WITH_DEBUG:
        return _DWARF_5 if dwarf >= 5 else 1.0
    return _debug_factor(counts)


def _debug_factor(counts: Mapping[str, float]) -> float:
    """Return the factor of the languages that are compiled, each as it has its share of the time."""
    constants = _constants()
    factors: dict[str, float] = constants["debug"]
    seconds = dict.fromkeys(factors, 0.0)
    for feature, count in counts.items():
        if (language := feature.partition("_")[0]) in seconds:
            seconds[language] += constants["seconds"].get(feature, 0.0) * count
    total = sum(seconds.values())
    return sum(factors[name] * share for name, share in seconds.items()) / total if total else factors["c"]


def _modelled(counts: Mapping[str, float]) -> float:
    constants = _constants()
    terms = (constants["seconds"].get(feature, 0.0) * count for feature, count in counts.items())
    return float(constants["base"] + sum(terms))


@cache
def _constants() -> dict[str, Any]:
    return tomllib.loads(Path(__file__).with_name("compiletime.toml").read_text(encoding="utf-8"))

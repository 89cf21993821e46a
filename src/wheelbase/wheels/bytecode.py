"""How large the bytecode is that pip compiles from a wheel's modules, estimated without them.

A .pyc file holds the fixed parts of a code object, the path of its source, and then about as many
bytes as the source has: more where the source is all statements, as tests are, fewer where it
repeats itself (equal constants are stored once) or is mostly prose in comments, which deflates
badly. How a project writes its code matters most, and no central directory tells that, so the
projects that were measured have a correction of their own. All constants are in `bytecode.toml`,
which `benchmarks/bytecode_model.py` writes.
"""

from __future__ import annotations

import hashlib
import math
import tomllib
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from wheelbase.cache import Cache
from wheelbase.wheels.paths import is_test

_HEADER = 16  # of a .pyc file: magic number, flags, time and size of the source
# Half the range of a project of which a sample was weighed.
_SAMPLED = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class Bytecode:
    """Estimated bytes of .pyc files: the likely sum, a range for it, and the sum under gzip."""

    value: int
    low: int
    high: int
    compressed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """The constants of one minor version of Python."""

    #: The Python measured, as (major, minor).
    version: tuple[int, int]
    #: Bytes of the .pyc file of an empty module, without the path in it.
    empty: int
    #: Bytes that every module with anything in it adds.
    per_module: float
    #: Bytes per byte of source, at these ratios of deflated to plain size and straight between.
    densities: Sequence[float]
    per_byte: Sequence[float]
    #: What a byte of source adds to that in a test.
    tests: float
    #: The share left by gzip, as an offset and a slope over the source's density.
    gzip: tuple[float, float]
    #: Which of the corrections of measured projects hold for it.
    family: int

    def code(self, path: str, size: int, deflated: int) -> float:
        """The bytes that a module adds over those of an empty one."""
        if size == 0:
            return 0.0
        ratio = _between(density(size, deflated), self.densities, self.per_byte)
        if is_test(path):
            ratio += self.tests
        return self.per_module + size * ratio


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Half the range that held 95 % of the held-out wheels, as shares of their bytecode."""

    #: For a project that was not measured.
    unknown: float
    #: For one that was, and what the logarithm of its growth since then adds.
    known: float
    growth: float
    #: What each minor version between this Python and the nearest one measured adds.
    per_version: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """The corrections of a measured folder, by the logarithm of the size of all modules in it."""

    sizes: Sequence[float]
    code: Sequence[float]
    gzip: Sequence[float]


@dataclass(frozen=True, slots=True)
class Constants:
    """All that `bytecode.toml` holds."""

    models: Sequence[Model]
    spread: Spread
    #: By family of Pythons, and by folder or module below site-packages.
    packages: Sequence[Mapping[str, Package]]


@dataclass(slots=True)
class _Group:
    """The modules below one folder of site-packages: they share the style of one project."""

    size: int = 0
    deflated: int = 0
    fixed: int = 0
    code: float = 0.0


def estimate(
    files: Iterable[tuple[str, int, int]],
    *,
    python: tuple[int, int],
    site_packages: str,
    styles: Iterable[tuple[str, float]] = (),
) -> Bytecode:
    """Estimate the bytecode of `files`, each a path in its wheel, its size and its deflated size.

    Give the files of a whole application at once: the errors of its projects partly cancel out, so
    the range of the sum is narrower than the sum of their ranges. `styles` are what a sample said of
    projects that were not measured: the first part of their path, and a factor (`style.py`).
    """
    return estimate_with(load(), files, python=python, site_packages=site_packages, styles=dict(styles))


def unmeasured(files: Iterable[tuple[str, int, int]], python: tuple[int, int]) -> dict[str, int]:
    """Return the bytes of source of the projects in a wheel that were never measured."""
    packages = load().packages[_nearest(load(), python).family]
    sizes: dict[str, int] = {}
    for name, size, _ in files:
        key = key_of(installed(name), packages)
        if name.endswith(".py") and key not in packages:
            sizes[key] = sizes.get(key, 0) + size
    return sizes


def code_bytes(path: str, size: int, deflated: int, python: tuple[int, int]) -> float:
    """Return what the model says of one module's code object, without the header and the path."""
    model = _nearest(load(), python)
    return model.empty - _HEADER + model.code(path, size, deflated)


def _nearest(constants: Constants, python: tuple[int, int]) -> Model:
    return min(constants.models, key=lambda one: (abs(one.version[1] - python[1]), one.version))


def estimate_with(
    constants: Constants,
    files: Iterable[tuple[str, int, int]],
    *,
    python: tuple[int, int],
    site_packages: str,
    styles: Mapping[str, float] = {},
) -> Bytecode:
    """The same, with other constants than the ones shipped."""
    model = _nearest(constants, python)
    packages = constants.packages[model.family]
    groups: dict[str, _Group] = {}
    for name, size, deflated in files:
        if not name.endswith(".py"):
            continue
        path = installed(name)
        group = groups.setdefault(key_of(path, packages), _Group())
        group.size += size
        group.deflated += deflated
        group.fixed += model.empty + path_bytes(f"{site_packages}/{path}")
        group.code += model.code(path, size, deflated)

    value = compressed = variance = 0.0
    for key, group in groups.items():
        code, gzip = group.code, _line(model.gzip, density(group.size, group.deflated))
        half = constants.spread.unknown
        package = packages.get(key)
        if package and group.size:
            log_size = math.log(group.size)
            code *= _between(log_size, package.sizes, package.code)
            gzip *= _between(log_size, package.sizes, package.gzip)
            growth = max(package.sizes[0] - log_size, log_size - package.sizes[-1], 0.0)
            half = min(half, constants.spread.known + constants.spread.growth * growth)
        elif key in styles:
            code *= styles[key]
            half = _SAMPLED
        value += group.fixed + code
        compressed += (group.fixed + code) * gzip
        variance += (code * half) ** 2
    half = math.sqrt(variance) + value * constants.spread.per_version * abs(python[1] - model.version[1])
    return Bytecode(
        value=round(value),
        low=max(round(value - half), 0),
        high=round(value + half),
        compressed=round(compressed),
    )


@cache
def load() -> Constants:
    """The constants shipped with this module, read once; parsed TOML of this size is kept."""
    raw = Path(__file__).with_suffix(".toml").read_bytes()
    store, key = Cache("bytecode-1"), hashlib.sha256(raw).hexdigest()
    if kept := store.get(key):
        return parse(msgspec.msgpack.decode(kept))
    document = tomllib.loads(raw.decode())
    store.put(key, msgspec.msgpack.encode(document))
    return parse(document)


def parse(document: Mapping[str, Any]) -> Constants:
    """The constants in a TOML document of the form of `bytecode.toml`."""
    models = [
        Model(
            version=(one["version"][0], one["version"][1]),
            empty=one["empty"],
            per_module=one["per_module"],
            densities=one["densities"],
            per_byte=one["per_byte"],
            tests=one["tests"],
            gzip=(one["gzip"][0], one["gzip"][1]),
            family=one["family"],
        )
        for one in document["python"]
    ]
    packages: list[dict[str, Package]] = [{} for _ in range(1 + max(one.family for one in models))]
    for key, rows in document["packages"].items():
        for family, corrections in enumerate(packages):
            # A release that no Python of the family can install has an empty list there.
            points = [(math.log(size), *families[family]) for size, *families in rows if families[family]]
            if points:
                sizes, code, gzip = zip(*points, strict=True)
                corrections[key] = Package(sizes=sizes, code=code, gzip=gzip)
    return Constants(models, Spread(**document["spread"]), packages)


def installed(name: str) -> str:
    """Where a wheel's file goes, relative to site-packages; scripts go somewhere near it."""
    first, _, rest = name.partition("/")
    if first.endswith(".data"):
        kind, _, path = rest.partition("/")
        return path if kind in ("purelib", "platlib") else f"../../../bin/{path}"
    return name


def key_of(path: str, packages: Mapping[str, object]) -> str:
    """The folder (or module) that a path's correction is filed under, else its first part."""
    parts = path.split("/", 3)[:3]
    keys = ["/".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((key for key in keys if key in packages), parts[0])


def path_bytes(path: str) -> int:
    """The bytes of a path in a .pyc file beyond those of an empty string: a long one has a longer length."""
    size = len(path.encode(errors="surrogateescape"))
    return size if size < 256 and path.isascii() else size + 3


def density(size: int, deflated: int) -> float:
    """Deflated to plain size, a usual one for modules that were stored as they are."""
    if size > 2000 and deflated >= size:
        return 0.25
    return deflated / size if size else 0.5


def _line(line: tuple[float, float], x: float) -> float:
    return line[0] + line[1] * min(x, 0.45)


def _between(x: float, knots: Sequence[float], values: Sequence[float]) -> float:
    """The value at x on the straight lines between knots, and that of the nearest knot outside."""
    right = bisect_right(knots, x)
    if right == 0:
        return values[0]
    if right == len(knots):
        return values[-1]
    share = (x - knots[right - 1]) / (knots[right] - knots[right - 1])
    return values[right - 1] + share * (values[right] - values[right - 1])

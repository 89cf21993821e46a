"""What builds from source leave, told by the wheels of the same version: the modules that are built, their sizes. Pure.

A wheel of an index was built with all libraries that its project can use. A build here goes without those that are
optional and not installed: modules that cannot be compiled without them are left out, and the build succeeds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import PurePosixPath

from wheelbase.bases.target import Target
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.fit import Fit
from wheelbase.recipes.reading import Contents, nearest_wheel
from wheelbase.source.compiletime import debug_factor
from wheelbase.source.findings import Evidence, Findings
from wheelbase.wheels.contents import Listing

# What machine code with debug information deflates to, as compilers of today write it: of 15 builds, 0.33 to 0.44.
_DEFLATED = 0.40
# GCC 11 was the first to write it: distributions that have it have a C library of these versions or later.
_DWARF_5_SINCE = {"glibc": (2, 34), "musl": (1, 2, 3)}
_SETUPTOOLS = re.compile(r"setuptools(?![\w.-])")
# Backends that have setuptools beside them, and compile with flags of their own.
_OWN_FLAGS = ("mesonpy", "scikit_build_core", "maturin", "hatchling")
_UNREAD = Findings(backend="")


def as_built(contents: Contents, fit: Fit, building: BuildNeeds | None, target: Target) -> Contents:
    """Return the contents with what is built from each archive, where there is a wheel that is like it."""
    dwarf = 5 if target.libc_version >= _DWARF_5_SINCE[target.libc] else 4
    lacking = dict(_lacking(building)) if building else {}
    built = {
        picked.taken.url: listing_as_built(
            contents.listings[like.url],
            contents.findings.get(picked.taken.url, _UNREAD),
            lacking.get(picked.package.name, frozenset()),
            dwarf=dwarf,
        )
        for picked in fit.picked
        if picked.taken and not picked.taken.is_wheel and (like := nearest_wheel(picked))
    }
    return replace(contents, listings=contents.listings | built)


def listing_as_built(wheel: Listing, findings: Findings, lacking: Collection[str], *, dwarf: int = 5) -> Listing:
    """Return the listing of a wheel as a build has it; `lacking` are places that ask for what is not installed."""
    lacked = [one for one in findings.evidence if one.where in lacking and one.need == "optional" and not one.bundled]
    files = [
        file
        for file in wheel.without_bundled_libraries().files
        if not (_is_module(file[0]) and any(_is_made_of(PurePosixPath(file[0]), one) for one in lacked))
    ]
    factor = debug_factor(files, _compiles_with(findings), findings.counts, dwarf=dwarf)
    return Listing(
        bytes=wheel.bytes,
        files=tuple(
            (path, int(size * factor), max(deflated, int(size * factor * _DEFLATED)) if factor > 1 else deflated)
            if _is_module(path)
            else (path, size, deflated)
            for path, size, deflated in files
        ),
    )


def _lacking(building: BuildNeeds) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the name of each archive, and the places in it that ask for a package that its build goes without."""
    there = building.system.installed | {package.name for package in building.build.packages}
    for one in building.archives:
        places = (place for need in one.needs.optional if need.package not in there for place in need.evidence)
        yield one.archive.name, frozenset(places)


def _is_made_of(module: PurePosixPath, evidence: Evidence) -> bool:
    """Say whether a module is not built without what is asked for there.

    A file that includes a header in any case is of the module beside it that has its name; from outside of the package,
    of one that has its name or that of its folder. An extension whose failure a setup.py catches often has the name of
    the library that it wraps.
    """
    name = module.name.partition(".")[0]
    if evidence.kind == "header" and not evidence.condition:
        source = PurePosixPath(evidence.where.partition(":")[0])
        named = name in (source.stem, source.stem.removesuffix("module"))
        if source.parts[0] == module.parts[0]:
            return named and source.parent == module.parent
        return named or name == source.parent.name
    caught = evidence.kind == "library" and evidence.condition.startswith("unless ")
    return caught and name.removeprefix("_") == evidence.name


def _is_module(path: str) -> bool:
    return path.endswith(".so")


def _compiles_with(findings: Findings) -> str:
    """Return the backend whose flags are compiled with: one in the archive itself mostly wraps setuptools."""
    wraps = any(map(_SETUPTOOLS.match, findings.build_requires))
    return "setuptools" if wraps and not findings.backend.startswith(_OWN_FLAGS) else findings.backend

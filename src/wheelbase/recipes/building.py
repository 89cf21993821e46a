"""What a base's compiles and the user's own system packages cost there. Talks to package indexes."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target
from wheelbase.index.client import CONCURRENCY
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.settings import PerManager, Settings
from wheelbase.recipes.buildneeds import Archive, BuildNeeds, needs_of, together
from wheelbase.recipes.fit import Fit
from wheelbase.recipes.overrule import system_names
from wheelbase.recipes.reading import Contents
from wheelbase.source.findings import Findings
from wheelbase.system.packages import Closure
from wheelbase.system.platform import system_of

# Backends that use all cores; setuptools compiles one file after the other.
_PARALLEL = ("mesonpy", "scikit_build_core", "maturin", "skbuild")
_CORES = min(os.cpu_count() or 1, 8)  # whoever compares mostly builds on the same machine; more are never all at work
_SLOW = 1.5  # times the machine that was measured on
_UNREAD = Findings(backend="")


def building_on(
    fit: Fit,
    names: Sequence[str],
    *,
    facts: BaseFacts,
    target: Target,
    contents: Contents,
    index: Index,
    asked: Asked,
    settings: Settings,
) -> BuildNeeds | None:
    """Return what the packages of these names need to be compiled on a base; None where its packages are not known."""
    system = system_of(facts)
    if system is None or not names:
        return None
    archives = [
        Archive(
            name=picked.package.name,
            version=str(picked.package.version),
            source=picked.taken.filename,
            findings=contents.findings.get(picked.taken.url, _UNREAD),
        )
        for picked in fit.picked
        if picked.taken and picked.package.name in names
    ]
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        found = pool.map(
            lambda archive: needs_of(
                archive, asked=asked, facts=facts, target=target, system=system, settings=settings, index=index
            ),
            archives,
        )
        return together(list(found), system)


def own_packages(entries: Sequence[PerManager], facts: BaseFacts) -> Closure | None:
    """Return what the system packages that the user asks for bring along; None where nothing is known of the base's."""
    system = system_of(facts)
    if system is None or not entries:
        return None
    return system.closure(system_names(entries, system))


def wall_seconds(building: BuildNeeds) -> tuple[float, float]:
    """Return the least and the most that compiling takes: on all cores where a backend uses them, or on a slow one."""
    builds = [
        *((one.archive.findings.backend, one.cpu_seconds) for one in building.archives),
        *((built.findings.backend, built.cpu_seconds) for built in building.first),
    ]
    parallel = sum(seconds.low for backend, seconds in builds if any(name in backend for name in _PARALLEL))
    return building.cpu_seconds.low - parallel * (1 - 1 / _CORES), building.cpu_seconds.high * _SLOW

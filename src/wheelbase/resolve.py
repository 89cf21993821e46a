"""From requirements to pinned packages, once for each Python version, by uv. Runs uv; talks to the network.

uv resolves for all machines and C libraries at once, and builds nothing. With that it passes over releases that are
source archives alone, which pip would take. So each such release that would be newer is looked at: where its archive
states what it depends on, uv is told so and resolves once more; where only a build would tell, that is said.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING

import msgspec
from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase import __version__
from wheelbase.cache import Cache
from wheelbase.errors import ResolutionError
from wheelbase.index.indexes import Index
from wheelbase.index.settings import uv_project
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked, NeedsSource, Source, dotted, pin
from wheelbase.project.requirements_txt import read_requirements_files
from wheelbase.project.values import Package
from wheelbase.releases import has_wheel, newer_source, newest_source, newest_wheel
from wheelbase.uv import uv_identity

if TYPE_CHECKING:
    from wheelbase.source.archive import SourceFacts

_FRESH = 600.0
_MAX_ROUNDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """Pinned packages for one Python version, and what has to be said about how they were found."""

    packages: tuple[Package, ...]
    notes: tuple[str, ...] = ()


def resolve(asked: Asked, index: Index) -> Resolution:
    """Return the packages that the requirements lead to; what cannot be satisfied is an error in uv's words.

    A lock file that names its files leaves nothing to resolve.
    """
    requirements = asked.requirements
    skipped = tuple(f"not counted: {reason}" for reason in requirements.skipped)
    if requirements.locked is not None:
        return Resolution(packages=requirements.locked, notes=skipped)
    if not requirements.requirements:
        return Resolution(packages=(), notes=skipped)
    resolution = _kept_or_new(_with_constraint_files(asked), index)
    return replace(resolution, notes=(*skipped, *resolution.notes))


def _kept_or_new(asked: Asked, index: Index) -> Resolution:
    store, key = Cache("resolution-4"), _key(asked)
    age = 30 * 86400.0 if asked.as_of and asked.as_of < datetime.now(UTC).date() - timedelta(days=1) else _FRESH
    if (key in index.resolved or not index.refresh) and (kept := store.get(key, max_age=age)):
        return _decode(kept)
    resolution = _in_pip_order(asked, index)
    store.put(key, _encode(resolution))
    index.resolved.add(key)
    return resolution


def _in_pip_order(asked: Asked, index: Index) -> Resolution:
    """Where requirements conflict pip holds on to the newest of what is named first; uv may give way just there."""
    resolution = _with_sources(asked, index)
    if asked.requirements.complete:
        return resolution
    narrowed = {Requirement(step).name for step in asked.narrowed}
    for requirement in asked.requirements.requirements:
        name = canonicalize_name(requirement.name)
        newest = None if name in narrowed else newest_wheel(asked, index, name)
        while (found := _version(resolution, name)) and newest and found < newest:
            try:
                newer = _with_sources(replace(asked, narrowed=(*asked.narrowed, f"{name}>{found}")), index)
            except ResolutionError:
                break
            if not _unfinished(newer) <= _unfinished(resolution):  # pip does not go that far
                break
            resolution = newer
        asked = replace(asked, narrowed=(*asked.narrowed, f"{name}>={found}")) if found else asked
    return resolution


def _unfinished(resolution: Resolution) -> set[str]:
    return {package.name for package in resolution.packages if package.version.is_prerelease}


def _version(resolution: Resolution, name: str) -> Version | None:
    versions = [package.version for package in resolution.packages if package.name == name]
    return versions[0] if len(versions) == 1 else None


def _with_sources(asked: Asked, index: Index) -> Resolution:
    sources: dict[str, tuple[Source, ...]] = {}
    settled: set[tuple[str, Version]] = set()
    notes: dict[str, str] = {}
    for _ in range(_MAX_ROUNDS):
        try:
            packages = pin(asked, sources)
        except NeedsSource as needed:
            _add_forced(asked, index, needed.names, sources)
            continue
        except ResolutionError:
            optional = [name for name, known in sources.items() if not known[0].forced]
            if not optional:
                raise
            del sources[optional[-1]]  # that newer release does not go with the rest
            continue
        index.fetch(package.name for package in packages)
        changed = False
        for package in packages:
            known = sources.get(package.name, ())
            if known:
                changed |= _recheck(asked, index, package, known, sources, settled)
            elif (newer := newer_source(asked, index, package)) and (package.name, newer.version) not in settled:
                settled.add((package.name, newer.version))
                facts = _read_source(index, newer)
                if facts.requires_dist is None and package.name not in asked.allow_build:
                    notes[package.name] = (
                        f"{package.name} {newer.version} is newer, but its archive does not state its dependencies; "
                        f"--allow-build {package.name} lets uv build it to ask"
                    )
                else:
                    sources[package.name] = (Source(version=newer.version, facts=facts, forced=False),)
                    changed = True
        if not changed:
            return Resolution(packages=packages, notes=(*notes.values(), *_source_notes(packages, sources)))
    raise ResolutionError(
        f"no stable resolution was found in {_MAX_ROUNDS} rounds over source archives: {', '.join(sorted(sources))}",
        hint="pin their versions (name==version)",
    )


def _add_forced(asked: Asked, index: Index, names: frozenset[str], sources: dict[str, tuple[Source, ...]]) -> None:
    """Let uv take these packages from source, with the dependencies that their newest fitting archive states.

    uv names all that it gave up on, those too that only depend on what has no wheel: where one has none at all, it is
    the one.
    """
    for name in {name for name in names if not has_wheel(index.files(name), asked.python)} or names:
        archive = newest_source(asked, index, name, above=None)
        if archive is None or any(source.forced for source in sources.get(name, ())):
            raise ResolutionError(
                f"{name} has no file that the requirements and Python {dotted(asked.python)} allow",
                hint="loosen its version, or choose another --python",
            )
        facts = _read_source(index, archive)
        if facts.requires_dist is None and name not in asked.allow_build:
            raise ResolutionError(
                f"{name} {archive.version} has no wheel, and only a build of its archive would tell what it depends on",
                hint=f"--allow-build {name} lets uv build it on this machine, which runs its code",
            )
        sources[name] = (Source(version=archive.version, facts=facts, forced=True),)


def _recheck(
    asked: Asked,
    index: Index,
    package: Package,
    known: tuple[Source, ...],
    sources: dict[str, tuple[Source, ...]],
    settled: set[tuple[str, Version]],
) -> bool:
    """Correct a package taken from source whose resolved version is another than the one that was read."""
    if any(source.version == package.version for source in known):
        return False
    files = index.release(package.name, package.version)
    if has_wheel(files, asked.python) and not known[0].forced:
        del sources[package.name]  # what is newer does not satisfy all: the version with wheels stands
        return True
    archive = next((file for file in files if not file.is_wheel), None)
    if archive is None or (package.name, package.version) in settled:
        return False
    settled.add((package.name, package.version))
    sources[package.name] = (
        *known,
        Source(version=package.version, facts=_read_source(index, archive), forced=known[0].forced),
    )
    return True


def _read_source(index: Index, archive: Candidate) -> SourceFacts:
    # Most applications have wheels alone, and what reads archives takes a while to import.
    from wheelbase.source.read import read_source

    return read_source(index.client, archive)


def _source_notes(packages: Iterable[Package], sources: Mapping[str, tuple[Source, ...]]) -> Iterator[str]:
    for package in packages:
        for source in sources.get(package.name, ()):
            if source.version == package.version and not source.facts.stated and source.facts.requires_dist is not None:
                yield f"{package.name} {package.version}: its dependencies are those that its maintainers' build found"


def _with_constraint_files(asked: Asked) -> Asked:
    """Add the constraint files of the user's pip settings to the constraints."""
    if not asked.settings.constraints:
        return asked
    read, _ = read_requirements_files((), asked.settings.constraints)
    return replace(
        asked,
        requirements=replace(asked.requirements, constraints=(*asked.requirements.constraints, *read.constraints)),
    )


def _key(asked: Asked) -> str:
    requirements = asked.requirements
    parts = {
        "wheelbase": __version__,
        "uv": uv_identity(),
        "requirements": [*map(str, requirements.requirements)],
        "constraints": sorted(map(str, requirements.constraints)),
        "complete": requirements.complete,
        "narrowed": asked.narrowed,
        "machine": asked.machine,
        "tables": uv_project(asked.settings),
        "formats": [
            sorted(asked.settings.format_control.no_binary),
            sorted(asked.settings.format_control.only_binary),
            asked.settings.prefer_binary,
        ],
        "python": asked.python,
        "as_of": str(asked.as_of),
        "allow_build": sorted(asked.allow_build),
    }
    # The settings may hold passwords: the key is a digest, and nothing of it is written down.
    return hashlib.sha256(msgspec.json.encode(parts, order="sorted")).hexdigest()


def _encode(resolution: Resolution) -> bytes:
    packages = [
        (package.name, str(package.version), str(package.marker) if package.marker else None)
        for package in resolution.packages
    ]
    return msgspec.json.encode((packages, resolution.notes))


@lru_cache(maxsize=32)
def _decode(raw: bytes) -> Resolution:
    packages, notes = msgspec.json.decode(raw, type=tuple[list[tuple[str, str, str | None]], tuple[str, ...]])
    return Resolution(
        packages=tuple(
            Package(name=name, version=Version(version), marker=Marker(marker) if marker else None)
            for name, version, marker in packages
        ),
        notes=notes,
    )

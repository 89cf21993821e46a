"""Build requirements that have no wheel for a base either, and are compiled first. Talks to package indexes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target
from wheelbase.errors import WheelbaseError
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.values import Requirements
from wheelbase.recipes.fit import fit
from wheelbase.source.backend import LEGACY
from wheelbase.source.compiletime import Estimate, cpu_seconds
from wheelbase.source.findings import Findings
from wheelbase.source.read import read_findings

_MAX_DEPTH = 3
# From this version on `pip wheel`, by which setuptools gets what a setup.py asks for, keeps what it built.
_KEEPS = Version("20.0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A build requirement that is itself compiled, and for whom.

    `kept` says that pip keeps what it built, and takes it again for whatever else asks for the same version.
    """

    name: str
    version: str
    needed_by: str
    findings: Findings
    cpu_seconds: Estimate
    kept: bool = True


def builds_of(
    findings: Findings, asked: Asked, facts: BaseFacts, target: Target, index: Index, *, needed_by: str, depth: int = 0
) -> tuple[Built, ...]:
    """Return what has to be compiled before an archive can be, deepest first.

    What cannot be resolved or read is left out: the archive itself is still worth an answer.
    """
    wanted = tuple(_requirements(findings, target))
    if not wanted or depth >= _MAX_DEPTH:
        return ()
    own = replace(asked, requirements=Requirements(source="build requirements", requirements=wanted), narrowed=())
    try:
        # A build environment is new and empty: what the base brings is not in it.
        fitted = fit(own, replace(facts, pip=None, setuptools=None, wheel=None), target, index)
    except WheelbaseError:
        return ()
    kept = not _is_got_by_setuptools(findings) or target.pip is None or target.pip >= _KEEPS
    found: list[Built] = []
    for picked in fitted.picked:
        if picked.taken is None or picked.taken.is_wheel:
            continue
        try:
            inner = read_findings(index.client, picked.taken)
        except WheelbaseError:
            continue
        name, version = picked.package.name, picked.package.version
        found += builds_of(inner, asked, facts, target, index, needed_by=name, depth=depth + 1)
        if inner.counts:  # else it is pure Python
            found.append(
                Built(
                    name=name,
                    version=str(version),
                    needed_by=needed_by,
                    findings=inner,
                    cpu_seconds=cpu_seconds(inner.counts, name=name, version=version),
                    kept=kept,
                )
            )
    return tuple(found)


def each_time(builds: Iterable[Built], besides: frozenset[tuple[str, str]]) -> tuple[Built, ...]:
    """Return the builds that really take place: once of what pip keeps, and not of what is built `besides` anyway."""
    done = set(besides)
    found = []
    for built in builds:
        key = (built.name, built.version)
        if built.kept and key in done:
            continue
        if built.kept:
            done.add(key)
        found.append(built)
    return tuple(found)


def _requirements(findings: Findings, target: Target) -> Iterator[Requirement]:
    for line in (*findings.build_requires, *_asked_by_setup(findings)):
        try:
            requirement = Requirement(line)
        except InvalidRequirement:
            continue
        if requirement.url is None and (
            requirement.marker is None or requirement.marker.evaluate(target.marker_variables())
        ):
            yield requirement


def _asked_by_setup(findings: Findings) -> Iterator[str]:
    """Yield the `setup_requires` of a setup.py, less what it asks for on commands that no installation runs."""
    for one in findings.evidence:
        if one.kind == "requirement" and "argv" not in one.condition:
            yield one.name


def _is_got_by_setuptools(findings: Findings) -> bool:
    """Say whether setuptools, rather than pip, gets what the build of an archive starts with: there is no PEP 517."""
    return findings.backend == LEGACY and findings.build_requires == ("setuptools",)

"""What source archives need of a base to be built, one by one and together. Talks to package indexes."""

from collections.abc import Sequence
from dataclasses import dataclass

from packaging.version import Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.settings import Settings
from wheelbase.recipes.buildrequires import Built, builds_of, each_time
from wheelbase.recipes.overrule import overruled
from wheelbase.source.compiletime import Estimate, cpu_seconds
from wheelbase.source.findings import Findings
from wheelbase.source.needs import Need, Needs, merged, needs_on
from wheelbase.system.packages import Closure
from wheelbase.system.platform import System

_CONFIRMED = 0.9  # the confidence of what Debian's own package of a project is built with


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """A source archive or folder with what was found in it. `version` is None where it does not say."""

    name: str
    version: str | None
    source: str
    findings: Findings


@dataclass(frozen=True, slots=True, kw_only=True)
class ArchiveNeeds:
    """What one archive needs. `cpu_seconds` is of its own build; `first` are build requirements that have no wheel."""

    archive: Archive
    needs: Needs
    cpu_seconds: Estimate
    first: tuple[Built, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildNeeds:
    """What all archives need together, with what must be compiled before them.

    `first` are the builds that take place before, the same one again where it is built again. `advised` are optional
    packages that Debian builds the project with, without which something is lost. `build` and `run` are the system
    packages with all that they pull in, beyond what the base has; `left_in` those to build with and the advised ones.
    """

    system: System
    archives: tuple[ArchiveNeeds, ...]
    first: tuple[Built, ...]
    needs: Needs
    advised: tuple[Need, ...]
    cpu_seconds: Estimate
    build: Closure
    left_in: Closure
    run: Closure


def needs_of(
    archive: Archive,
    *,
    asked: Asked,
    facts: BaseFacts,
    target: Target | None,
    system: System,
    settings: Settings,
    index: Index,
) -> ArchiveNeeds:
    """Return what one archive needs on a base; what the user's settings say of it goes before what was found."""
    needs = needs_on(archive.findings, system, project=archive.name)
    version = Version(archive.version) if archive.version else None
    seconds = cpu_seconds(archive.findings.counts, name=archive.name, version=version)
    if override := settings.override_of(archive.name):
        needs, seconds = overruled(needs, seconds, override, system, settings.source)
    first = builds_of(archive.findings, asked, facts, target, index, needed_by=archive.name) if target else ()
    return ArchiveNeeds(archive=archive, needs=needs, cpu_seconds=seconds, first=first)


def together(archives: Sequence[ArchiveNeeds], system: System) -> BuildNeeds:
    """Return what archives need together, with each build that takes place before theirs."""
    themselves = frozenset((one.archive.name, one.archive.version or "") for one in archives)
    first = each_time((built for one in archives for built in one.first), themselves)
    own = {built.name: needs_on(built.findings, system, project=built.name) for built in first}
    needs = merged([*(one.needs for one in archives), *own.values()])
    seconds = [*(one.cpu_seconds for one in archives), *(built.cpu_seconds for built in first)]
    build = system.closure(needs.build_packages)
    brought = {package.name for package in build.packages}
    advised = tuple(
        need
        for need in needs.optional
        if need.lost and need.confidence >= _CONFIRMED and need.package not in brought | system.installed
    )
    return BuildNeeds(
        system=system,
        archives=tuple(archives),
        first=first,
        needs=needs,
        advised=advised,
        cpu_seconds=Estimate.total(seconds),
        build=build,
        left_in=system.closure((*needs.build_packages, *(need.package for need in advised))),
        run=system.closure(needs.run_packages),
    )

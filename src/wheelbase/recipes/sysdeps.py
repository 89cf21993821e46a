"""`wheelbase sysdeps`: what source archives need of a system to be built, and to run. Talks to package indexes.

Nothing is built and no code of an archive is run.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.errors import BaseError, RequirementsError, SourceError
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked
from wheelbase.project.read import is_folder
from wheelbase.project.values import Requirements, parse_requirement, pinned
from wheelbase.recipes.asking import ask, base_facts, project_settings
from wheelbase.recipes.buildneeds import Archive, BuildNeeds, needs_of, together
from wheelbase.recipes.reporting import Report, silent
from wheelbase.source.read import findings_of_path, read_findings
from wheelbase.system.platform import system_of
from wheelbase.system.refresh import refresh_packages
from wheelbase.wheels.select import Policy, usable

_PYTHON = "3.13"  # asked about where no Python is known to install on a base
_ARCHIVES = (".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
_PROJECT_FILES = ("pyproject.toml", "setup.py")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemNeeds:
    """What source archives need on a base: all together, and each."""

    base: str
    facts: BaseFacts
    building: BuildNeeds


def sysdeps(
    items: Sequence[str],
    *,
    base: str,
    arch: Arch = "amd64",
    as_of: date | None = None,
    refresh: bool = False,
    report: Report = silent,
) -> SystemNeeds:
    """Return what source archives need on a base; with `refresh`, by its packages as the user's mirror has them now.

    `items` are PEP 508 lines, of which the newest fitting source archive is read, paths of archives, or folders.
    Raises `WheelbaseError` where one of them, or the base, cannot be had.
    """
    facts = base_facts(base, arch=arch, as_of=as_of, report=report)
    system = system_of(facts)
    if system and refresh:
        report("reading the packages of the base's distribution", 0, 0)
        refresh_packages(system)
        system = system_of(facts)
    if system is None:
        raise BaseError(f"{base} has no package manager that is known", hint="name the base that it is built on")
    own = project_settings(items)
    target = target_of(facts) or target_of(replace(facts, python=_PYTHON))
    assert target is not None
    asked, index = ask(Requirements(source="arguments"), python=target.python_minor, as_of=as_of, refresh=refresh)
    found = []
    for number, item in enumerate(dict.fromkeys(items), 1):
        report("reading archives", number, len(items))
        archive = _archive(item, asked, target, index)
        found.append(
            needs_of(archive, asked=asked, facts=facts, target=target, system=system, settings=own, index=index)
        )
    return SystemNeeds(base=base, facts=facts, building=together(found, system))


def _archive(item: str, asked: Asked, target: Target, index: Index) -> Archive:
    if "://" not in item and (is_folder(item) or "/" in item or item.lower().endswith(_ARCHIVES)):
        return _local(Path(item))
    requirement = parse_requirement(item, "argument")
    candidate = _newest_archive(requirement, asked, target, index)
    return Archive(
        name=canonicalize_name(requirement.name),
        version=str(candidate.version),
        source=candidate.filename,
        findings=read_findings(index.client, candidate),
    )


def _local(path: Path) -> Archive:
    if not path.exists():
        raise SourceError(f"{path} does not exist", hint="give an archive, a project's folder, or a package's name")
    if path.is_dir() and not any((path / name).is_file() for name in _PROJECT_FILES):
        raise SourceError(
            f"{path.resolve()} is no project: it has neither {' nor '.join(_PROJECT_FILES)}",
            hint="give the folder that these files are in",
        )
    findings = findings_of_path(path)
    name, version = findings.name or path.resolve().name, findings.version or None
    return Archive(name=canonicalize_name(name), version=version, source=str(path), findings=findings)


def _newest_archive(requirement: Requirement, asked: Asked, target: Target, index: Index) -> Candidate:
    """Return the newest source archive that pip would build: by the requirement, the base's Python and the date."""
    name = canonicalize_name(requirement.name)
    policy = Policy(not_after=asked.not_after, yanked=pinned((requirement,), name))
    files = index.files(name)
    allowed = [file for file in files if requirement.specifier.contains(file.version, prereleases=True)]
    archives = [file for file in allowed if not file.is_wheel]
    fitting = [file for file in archives if usable(name, file, target, policy)]
    if fitting:
        final = [file for file in fitting if not file.version.is_prerelease] or fitting
        return max(final, key=lambda file: file.version)
    when = f" as of {asked.as_of}" if asked.as_of else ""
    why = (
        f"no source archive of {requirement} is for Python {target.python}{when}"
        if archives
        else f"{requirement} has wheels only, no source archive"
        if allowed
        else f"there is no {requirement} on the package index"
        if files
        else f"{name} is not on the package index"
    )
    raise RequirementsError(why, hint="check the name and the version, or name another version")

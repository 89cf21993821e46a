"""`wheelbase sysdeps`: what source archives need of a system to be built, and to run. Talks to package indexes.

Nothing is built and no code of an archive is run.
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import target_of
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked
from wheelbase.project.settings import Settings, read_settings
from wheelbase.project.values import Requirements, parse_requirement
from wheelbase.recipes.buildneeds import Archive, BuildNeeds, needs_of, together
from wheelbase.recipes.values import Report, silent
from wheelbase.source.read import findings_of_path, read_findings
from wheelbase.system.platform import system_of


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
    settings: Settings | None = None,
    report: Report = silent,
) -> SystemNeeds:
    """Return what source archives need on a base.

    `items` are PEP 508 lines, of which the newest fitting source archive is read, paths of archives, or folders.
    Raises `WheelbaseError` where one of them, or the base, cannot be had.
    """
    facts = load_catalogue().find(base, arch=arch, on=as_of or datetime.now(UTC).date())
    system = system_of(facts)
    if system is None:
        raise BaseError(f"{base} has no package manager that is known", hint="name the base that it is built on")
    known = read_settings() if settings is None else settings
    indexes = user_settings(None)
    index = Index(Client(indexes), indexes, refresh=refresh)
    target = target_of(facts)
    asked = Asked(
        requirements=Requirements(source="arguments"),
        settings=indexes,
        python=target.python_minor if target else (3, 13),
        as_of=as_of,
        allow_build=frozenset(),
    )
    found = []
    for number, item in enumerate(items, 1):
        report("reading archives", number, len(items))
        archive = _archive(item, asked, index)
        found.append(
            needs_of(archive, asked=asked, facts=facts, target=target, system=system, settings=known, index=index)
        )
    return SystemNeeds(base=base, facts=facts, building=together(found, system))


def _archive(item: str, asked: Asked, index: Index) -> Archive:
    if os.path.exists(item) and ("/" in item or item in (".", "..") or os.path.isfile(item)):  # noqa: PTH110, PTH113
        return _local(Path(item))
    requirement = parse_requirement(item, "argument")
    candidate = _newest_archive(requirement, asked, index)
    return Archive(
        name=canonicalize_name(requirement.name),
        version=str(candidate.version),
        source=candidate.filename,
        findings=read_findings(index.client, candidate),
    )


def _local(path: Path) -> Archive:
    findings = findings_of_path(path)
    name, version = findings.name or path.resolve().name, findings.version or None
    return Archive(name=canonicalize_name(name), version=version, source=str(path), findings=findings)


def _newest_archive(requirement: Requirement, asked: Asked, index: Index) -> Candidate:
    """Return the newest source archive that a requirement allows, not later than the date asked about."""
    name = canonicalize_name(requirement.name)
    files = [file for file in index.files(name) if requirement.specifier.contains(file.version, prereleases=True)]
    archives = [file for file in files if not file.is_wheel and not _is_later(file, asked)]
    final = [file for file in archives if not file.version.is_prerelease] or archives
    if not final:
        what = "no files" if not index.files(name) else "no source archive"
        raise RequirementsError(
            f"{requirement} has {what} on the index", hint="check the name and the version, or name another version"
        )
    return max(final, key=lambda file: file.version)


def _is_later(file: Candidate, asked: Asked) -> bool:
    return asked.not_after is not None and file.upload_time is not None and file.upload_time > asked.not_after

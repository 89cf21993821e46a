"""Which releases of a package a question allows, of those that the indexes have. Talks to package indexes."""

from collections.abc import Iterable
from functools import cache

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.bases.target import Target
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked, dotted
from wheelbase.project.values import Package, pinned
from wheelbase.wheels.select import parse_tags, python_allowed


def has_wheel(files: Iterable[Candidate], python: tuple[int, int]) -> bool:
    """Say whether one of the files is a wheel for this Python."""
    return any(file.is_wheel and _for_python(file, python) for file in files)


def newest_wheel(asked: Asked, index: Index, name: str) -> Version | None:
    """Return the newest final version with a wheel for this Python that the requirements themselves allow."""
    versions = {
        file.version
        for file in index.files(name)
        if file.is_wheel and _considered(file, name, asked) and _for_python(file, asked.python)
    }
    return max((v for v in versions if not v.is_prerelease and _fits(asked, name, v)), default=None)


def newer_source(asked: Asked, index: Index, package: Package) -> Candidate | None:
    """Return the archive of a newer release that uv has passed over; none where wheels are preferred."""
    if asked.settings.prefer_binary:
        return None
    return newest_source(asked, index, package.name, above=package.version)


def newest_source(asked: Asked, index: Index, name: str, *, above: Version | None) -> Candidate | None:
    """Return the newest source archive, above a version, of a release that has no wheel for this Python."""
    by_version: dict[Version, list[Candidate]] = {}
    for file in index.files(name):
        if above is None or file.version > above:
            by_version.setdefault(file.version, []).append(file)
    if not by_version:
        return None
    prereleases = asked.settings.prereleases or (all(version.is_prerelease for version in by_version) and above is None)
    for version in sorted(by_version, reverse=True):
        if not _fits(asked, name, version, prereleases=prereleases):
            continue
        files = [file for file in by_version[version] if _considered(file, name, asked)]
        if has_wheel(files, asked.python):
            continue  # uv has seen this one, and found that it does not go with the rest
        archive = next((file for file in files if not file.is_wheel), None)
        if archive:
            return archive
    return None


def _fits(asked: Asked, name: str, version: Version, *, prereleases: bool = False) -> bool:
    """Say whether the requirements themselves, without what other packages require, allow a version."""
    stated = (*asked.requirements.requirements, *asked.requirements.constraints)
    asked_for = [r for r in stated if canonicalize_name(r.name) == name and _concerns(r, asked.python)]
    if version.is_prerelease and not prereleases and not any(r.specifier.prereleases for r in asked_for):
        return False
    return all(r.specifier.contains(version, prereleases=True) for r in asked_for)


def _concerns(requirement: Requirement, python: tuple[int, int]) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate(_describing(python).marker_variables())


def _considered(file: Candidate, name: str, asked: Asked) -> bool:
    dated = asked.not_after is None or (file.upload_time is not None and file.upload_time <= asked.not_after)
    python = python_allowed(file.requires_python, dotted(asked.python) + ".99") if file.requires_python else True
    asked_for = (*asked.requirements.requirements, *asked.requirements.constraints)
    sound = not file.yanked or pinned(asked_for, name)
    return dated and python and sound and asked.settings.format_control.allows(name, wheel=file.is_wheel)


def _for_python(wheel: Candidate, python: tuple[int, int]) -> bool:
    """Say whether a wheel is for this Python on any Linux at all, which is what uv looks at."""
    tags, _ = parse_tags(wheel.filename)
    return any(
        (tag.interpreter, tag.abi) in _describing(python).interpreters
        and (tag.platform == "any" or "linux" in tag.platform)
        for tag in tags
    )


@cache
def _describing(python: tuple[int, int]) -> Target:
    return Target(python=dotted(python), libc="glibc", libc_version=(2, 17), machine="x86_64")

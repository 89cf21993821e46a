"""What was asked for, parsed. Pure values."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from packaging.markers import Marker
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.errors import RequirementsError
from wheelbase.index.simple import Candidate

_SHOWN = 120
# `extra == "x"` as core metadata has it, `"x" in extras` as PEP 751 has it; the way `str(Marker)` spells both.
_QUESTION = re.compile(
    r'extra (?P<operator>==|!=) "(?P<name>[^"]*)"|'
    r'"(?P<value>[^"]*)" (?P<how>in|not in) (?P<variable>extras|dependency_groups)'
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One resolved package. `candidates` are the files that a lock file allows; None: whatever the index has."""

    name: str
    version: Version
    marker: Marker | None = None
    candidates: tuple[Candidate, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirements:
    """What an application requires, and where that was read.

    `hashes` are the allowed SHA-256 digests by package. `complete` says that the list has everything already, pinned,
    so that nothing is to be added to it. `locked` are the packages of a lock file that names their files too; there
    is nothing left to resolve then. `options` are the index options of requirements files, by their long names.
    `skipped` are parts that no index has, each with the reason: they are not counted.
    """

    source: str
    requirements: tuple[Requirement, ...] = ()
    constraints: tuple[Requirement, ...] = ()
    hashes: Mapping[str, frozenset[str]] = field(default_factory=dict)
    options: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    requires_python: SpecifierSet | None = None
    complete: bool = False
    locked: tuple[Package, ...] | None = None
    skipped: tuple[str, ...] = ()
    tool_uv: Mapping[str, Any] | None = None


def parse_requirement(text: str, where: str) -> Requirement:
    """Parse a PEP 508 line that an index can answer; a URL, a path or a typing error is refused with a clear word."""
    line = text.strip()
    shown = line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"
    place = line.split(";")[0].split("@")[0].strip()
    if "/" in place or place.startswith((".", "~")) or place.lower().endswith((".whl", ".tar.gz", ".zip")):
        raise RequirementsError(
            f"{where}: {shown} is a URL or a path; only packages of an index are known here",
            hint="name the package and version instead (name==1.0), or leave it out and add what it depends on",
        )
    try:
        requirement = Requirement(line)
    except (ValueError, RecursionError) as error:  # too many digits or brackets end in the latter two
        raise RequirementsError(
            f"{where}: {shown!r} is not a requirement: {str(error).partition(chr(10))[0]}",
            hint='write it as PEP 508 has it: name, name[extra]>=1.0, or "name; marker"',
        ) from error
    if requirement.url:
        raise RequirementsError(
            f"{where}: {requirement.name} comes from {requirement.url}, and only packages of an index are known here",
            hint=f"use the released package ({requirement.name}), or leave it out and add what it depends on",
        )
    return requirement


def answered(marker: str, *, extras: Collection[str] = (), groups: Collection[str] = ()) -> Marker:
    """Return a marker with its questions about extras and dependency groups answered.

    What is left can be asked of any target. The answers are spelled as comparisons, as PEP 508 has no constants.
    """
    wanted = {"extra": extras, "extras": extras, "dependency_groups": groups}

    def answer(found: re.Match[str]) -> str:
        name = canonicalize_name(found["name"] or found["value"])
        negated = (found["how"] or found["operator"]) in ("not in", "!=")
        is_wanted = name in map(canonicalize_name, wanted[found["variable"] or "extra"])
        return 'python_version >= "0"' if is_wanted != negated else 'python_version < "0"'

    return Marker(_QUESTION.sub(answer, str(Marker(marker))))


def pinned(requirements: tuple[Requirement, ...], name: str) -> bool:
    """Say whether a package is asked for with `==` or `===`, which lets a yanked file in (PEP 592)."""
    return any(
        canonicalize_name(requirement.name) == name
        and any(s.operator in ("==", "===") and "*" not in s.version for s in requirement.specifier)
        for requirement in requirements
    )

"""From what was found in an archive to what a build of it needs on one system: packages, groups, confidence. Pure.

The order of trust: the user's own file, `[external]` tables, what build scripts ask for without condition, then what
sources include. What the distribution's own package of the project is built with confirms, and never adds.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import msgspec

from wheelbase.source.brought import is_stood_in_for, lacking_in
from wheelbase.source.candidates import Meant, settle
from wheelbase.source.findings import Findings, Flag
from wheelbase.source.judging import CERTAIN, REQUIRED, is_tool, judge
from wheelbase.source.own_headers import C_SUFFIXES
from wheelbase.source.versions import Told, against_release
from wheelbase.system.platform import System

_Group = Literal["build", "optional", "tools"]
Status = Literal["likely complete", "maybe incomplete", "cannot build here"]

_SHOWN = 0.3
_MOST_PLACES = 8
_TLS = frozenset("openssl gnutls nss mbedtls wolfssl libressl".split())
_CHOSEN = re.compile(r"environ|getenv|option|static|force|update|\bgit\b", re.IGNORECASE)
"""Conditions that hold where somebody asked for them."""
_ASKED_BY_NAME = frozenset(("pkg-config", "cmake", "library", "program", "crate", "virtual"))


_OF_C = (*C_SUFFIXES, ".h", ".hh", ".hpp", ".hxx", ".inl", ".inc")
_MADE = re.compile(r"\.pb\.h|(?:export|config|version|generated)\w*\.h")  # by a build, often
_INCLUDED = "usr/include/"
_IN_FOLDER = re.compile(r"/?[\w.+-]+/[\w./+-]+\.(?:h|hh|hpp|hxx)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One system package: its name on the base, confidence in 0 to 1, places that tell of it ("setup.py:12").

    `pkg_config` is the name that it has on every system, where it has one. `lost` says what an application goes without
    where an optional one is not there.
    """

    package: str
    pkg_config: str | None = None
    confidence: float
    evidence: tuple[str, ...]
    lost: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What a build needs on one system. `run` is what the built files load, `missing` what the system does not have."""

    build: tuple[Need, ...] = ()
    optional: tuple[Need, ...] = ()
    tools: tuple[Need, ...] = ()
    run: tuple[Need, ...] = ()
    missing: tuple[str, ...] = ()
    flags: tuple[Flag, ...] = ()
    status: Status = "likely complete"

    @property
    def build_packages(self) -> tuple[str, ...]:
        """Return the names of the packages to install for a build, each once."""
        return tuple(dict.fromkeys(need.package for need in (*self.tools, *self.build)))

    @property
    def run_packages(self) -> tuple[str, ...]:
        """Return the names of the packages that the built files need at run time."""
        return tuple(need.package for need in self.run)


def needs_on(findings: Findings, system: System, *, project: str = "") -> Needs:
    """Return what a build of an archive needs on a system. `project` is its normalised name, for confirmation."""
    recipe = system.recipe_of(project)
    libraries: dict[str, list[Meant]] = {}
    unknown: list[Meant] = []
    for meant in _with_alternatives(list(settle(findings.evidence, system))):
        if meant.package:
            libraries.setdefault(meant.package, []).append(meant)
        elif _matters(meant):
            unknown.append(meant)
    groups: dict[_Group, dict[str, Need]] = {"build": {}, "optional": {}, "tools": {}}
    chosen = _chosen(libraries, system)
    for package, places in sorted(libraries.items()):
        # Debian's recipes do not name what its toolchain brings, such as the kernel's headers.
        known = frozenset() if system.contents.is_toolchain(package) else recipe
        if weighed := _weighed(package, places, known, system, chosen=package == chosen):
            groups[weighed[0]][package] = weighed[1]
    asked, spare = groups["build"], dict[str, Need]()
    for package in [name for name in asked if is_stood_in_for(name, tuple(asked), libraries, system)]:
        spare[package] = asked.pop(package)
    build = (*asked.values(), *_of_headers(asked, libraries, system))
    named = {need.package for need in build}
    missing = tuple(dict.fromkeys(_missing(one) for one in unknown if one.row))
    told = (*against_release(findings.flags, system), *_without_compiler(findings, system))
    return Needs(
        build=build,
        optional=tuple(need for need in (*groups["optional"].values(), *spare.values()) if need.package not in named),
        tools=(*_toolchain(findings, system), *groups["tools"].values()),
        run=_union(_run(asked, libraries, system)),
        missing=missing,
        flags=(*(one.flag for one in told), *_unknown_flags(unknown)),
        status=_status(told, unknown, missing),
    )


def _weighed(
    package: str, places: Sequence[Meant], recipe: frozenset[str], system: System, *, chosen: bool
) -> tuple[_Group, Need] | None:
    """Return what the places that ask for a package come to, None where that is too little to be shown."""
    confidence, required = judge(places, recipe)
    required = required or chosen
    # Scripts run programs in many cases that nobody meets.
    seldom = not required and confidence < REQUIRED and is_tool(places, package)
    if confidence < _SHOWN or seldom:
        return None
    group: _Group = "optional" if not required else "tools" if is_tool(places, package) else "build"
    return group, _need(package, places, confidence, system)


def _with_alternatives(settled: list[Meant]) -> list[Meant]:
    """Return the same with the first alternative there is in the place of each required piece that is not there."""
    others: dict[str, list[int]] = {}
    for number, one in enumerate(settled):
        if one.evidence.instead_of and one.package:
            others.setdefault(one.evidence.instead_of, []).append(number)
    for number, one in enumerate(settled) if others else ():
        found = others.get(f"{one.evidence.kind} {one.evidence.name}") if _matters(one) and not one.package else None
        if found:
            other = settled[found[0]]
            weight = max(other.weight, one.weight)
            evidence = msgspec.structs.replace(other.evidence, need="required", weight=weight, bundled=False)
            settled[found[0]] = replace(other, evidence=evidence, weight=weight)
            settled[number] = replace(one, evidence=msgspec.structs.replace(one.evidence, need="optional"))
    return settled


def _chosen(libraries: Mapping[str, list[Meant]], system: System) -> str | None:
    """Return the one that is likely built with, where scripts choose one of several TLS libraries by what there is."""
    found = {
        package
        for package, places in libraries.items()
        if any(one.row and one.row.name in _TLS and one.evidence.kind != "header" for one in places)
    }
    settled = any(one.evidence.need == "required" for package in found for one in libraries[package])
    return max(found, key=system.contents.popularity) if len(found) > 1 and not settled else None


def merged(all_needs: Sequence[Needs]) -> Needs:
    """Return what all of them need together: each package once, the surest first, with the places of all."""
    build = _union(need for needs in all_needs for need in needs.build)
    named = {need.package for need in build}
    order: tuple[Status, ...] = ("cannot build here", "maybe incomplete", "likely complete")
    return Needs(
        build=build,
        optional=tuple(
            one for one in _union(need for needs in all_needs for need in needs.optional) if one.package not in named
        ),
        tools=_union(need for needs in all_needs for need in needs.tools),
        run=_union(need for needs in all_needs for need in needs.run),
        missing=tuple(dict.fromkeys(one for needs in all_needs for one in needs.missing)),
        flags=tuple(dict.fromkeys(flag for needs in all_needs for flag in needs.flags)),
        status=next((status for status in order if any(needs.status == status for needs in all_needs)), order[-1]),
    )


def _union(needs: Iterable[Need]) -> tuple[Need, ...]:
    found: dict[str, Need] = {}
    for need in needs:
        other = found.get(need.package)
        found[need.package] = (
            replace(
                need,
                confidence=max(need.confidence, other.confidence),
                evidence=tuple(dict.fromkeys((*other.evidence, *need.evidence)))[:_MOST_PLACES],
            )
            if other
            else need
        )
    return tuple(sorted(found.values(), key=lambda need: (-need.confidence, need.package)))


def _matters(meant: Meant) -> bool:
    """Say whether it tells of a gap that a place which asks by name found nothing in this release."""
    one = meant.evidence
    known = one.kind in _ASKED_BY_NAME or (
        one.kind == "header" and (not one.made or _is_of_library(one.name, one.where))
    )
    return one.need == "required" and not one.bundled and known and meant.weight >= REQUIRED


def _is_of_library(header: str, where: str) -> bool:
    """Say whether a header is likely another project's: it stands in a folder, and not in one of who includes it."""
    ours = where.partition(":")[0].endswith(_OF_C) and header.partition("/")[0] in where.split("/")
    return not ours and _IN_FOLDER.fullmatch(header) is not None and not _MADE.search(header)


def _need(package: str, places: Sequence[Meant], confidence: float, system: System) -> Need:
    row = next((one.row for one in places if one.row), None)
    modules = system.contents.modules_of(package)
    asked = [one.evidence.name for one in places if one.evidence.kind == "pkg-config" and one.evidence.name in modules]
    known = row.pkg_config if row else ()
    module = next(iter((*asked, *known, *sorted(modules, key=lambda name: (len(name), name)))), None)
    best = sorted(places, key=lambda one: (one.evidence.need != "required", -one.weight, one.evidence.where))
    return Need(
        package=system.name_of(package, row, module),
        pkg_config=module,
        confidence=round(confidence, 2),
        evidence=tuple(dict.fromkeys(one.evidence.where for one in best))[:_MOST_PLACES],
        lost=row.lost if row else "",
    )


def _of_headers(build: Mapping[str, Need], libraries: Mapping[str, list[Meant]], system: System) -> Iterable[Need]:
    """Return what headers and modules of the packages of a build ask for, and these do not depend on."""
    found: dict[str, Need] = {}
    for package, where, lack in lacking_in(tuple(build), libraries, system):
        modules = system.contents.modules_of(lack.other)
        told = f"{where}, as {lack.header.removeprefix(_INCLUDED)} of {package} asks for {lack.include}"
        need = Need(
            package=system.contents.commonly(lack.other),
            pkg_config=min(modules, key=lambda name: (len(name), name), default=None),
            confidence=build[package].confidence,
            evidence=(told,),
        )
        found.setdefault(need.package, need)
    return found.values()


def _toolchain(findings: Findings, system: System) -> Iterable[Need]:
    """Yield compilers and what goes with them, once each."""
    places: dict[str, list[str]] = {}
    for one in findings.evidence:
        if one.kind == "language" and one.need == "required":
            for package in system.toolchain(one.name):
                places.setdefault(package, []).append(one.where)
    for package, where in places.items():
        yield Need(package=package, confidence=CERTAIN, evidence=tuple(dict.fromkeys(where))[:_MOST_PLACES])


def _without_compiler(findings: Findings, system: System) -> Iterable[Told]:
    """Yield the languages that the build compiles and no package of the system does."""
    places = {one.name: one.where for one in findings.evidence if one.kind == "language" and one.need == "required"}
    for language, where in places.items():
        row = system.names.row_for("language", language)
        if row and system.manager in row.absent:
            text = f"a compiler for {language} is in no package of this release that is known"
            yield Told(flag=Flag(kind="dynamic", text=text, where=where), fails=False)


def _run(build: Mapping[str, Need], libraries: Mapping[str, list[Meant]], system: System) -> Iterable[Need]:
    """Yield the run-time packages of what is linked; before a build, from what their -dev packages depend on."""
    for package, need in build.items():
        row = next((one.row for one in libraries[package] if one.row), None)
        for name in system.runtime_of(package, row):
            yield Need(package=name, confidence=need.confidence, evidence=need.evidence)


def _missing(meant: Meant) -> str:
    assert meant.row is not None
    return meant.row.module or meant.evidence.name


def _unknown_flags(unknown: Iterable[Meant]) -> Iterable[Flag]:
    for one in unknown:
        yield Flag(
            kind="dynamic" if not one.row else "version",
            text=f"{one.evidence.kind} {one.evidence.name} is in no package of this release that is known",
            where=one.evidence.where,
        )


def _status(told: Sequence[Told], unknown: Sequence[Meant], missing: Sequence[str]) -> Status:
    if missing or any(one.fails for one in told):
        return "cannot build here"
    in_doubt = (one.flag for one in told if not _CHOSEN.search(one.flag.condition))
    if unknown or any(flag.kind in ("unreadable", "dynamic", "download") for flag in in_doubt):
        return "maybe incomplete"
    return "likely complete"

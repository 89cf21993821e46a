"""What builds need, as rows and sentences that are the same in every form of report. Pure."""

import shlex
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.report.units import clock, count, few, names
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Flag
from wheelbase.source.needs import Need
from wheelbase.system.packages import Closure

_MOST_FLAGS = 8
_COLUMNS = 78
_INSTALL = {
    "apt": "apt-get install -y --no-install-recommends",
    "apk": "apk add --no-cache",
    "dnf": "dnf install -y",
}
# What no package mends is said first.
_ORDER = ("version", "download", "unreadable", "dynamic")


def title(answer: SystemNeeds) -> str:
    """Return what was read, for which base."""
    read = [f"{one.archive.name} {one.archive.version or ''}".strip() for one in answer.building.archives]
    return f"{names(few(read))} on {answer.base} ({answer.building.system.title})"


def rows(building: BuildNeeds) -> Iterator[tuple[str, str, str, str]]:
    """Yield (what for, package, how sure, where found) of all that a build needs, and of what it makes to run."""
    needs = building.needs
    for group, listed in (("build", (*needs.build, *needs.tools)), ("run", needs.run)):
        for number, need in enumerate(listed):
            yield (
                "" if number else group,
                need.package,
                f"{need.confidence:.0%}",
                ", ".join(few(places(building, need), 1)),
            )


def optional_rows(building: BuildNeeds) -> Iterator[tuple[str, str, str, str]]:
    """Yield (package, how sure, what is lost without it, where found) of what a build uses if it is there."""
    for need in building.needs.optional:
        yield need.package, f"{need.confidence:.0%}", need.lost, ", ".join(few(places(building, need), 1))


def places(building: BuildNeeds, need: Need) -> list[str]:
    """Return where a package was found to be needed; of several archives the first place in each, after its name."""
    if len(building.archives) == 1:
        return list(need.evidence)
    found: dict[str, str] = {}
    for one in building.archives:
        for own in chain(one.needs.build, one.needs.tools, one.needs.optional, one.needs.run):
            if own.package == need.package:
                found.setdefault(one.archive.name, f"{one.archive.name}: {own.evidence[0]}")
    return list(found.values()) or list(need.evidence)


def install_line(manager: str, packages: Iterable[str]) -> str:
    """Return the command that installs packages."""
    return f"{_INSTALL[manager]} {shlex.join(packages)}"


def stages(building: BuildNeeds) -> Iterator[tuple[str, str]]:
    """Yield sentences about what to install to build, to build all of it, and to run, with the commands, if any."""
    needs = building.needs
    more = [need.package for need in building.advised]
    if needs.build_packages or building.cpu_seconds.value:
        yield _stage("To build", building, needs.build_packages, building.build)
    if more:
        yield _stage(
            "Or with all that Debian builds it with", building, (*needs.build_packages, *more), building.left_in
        )
    if needs.run_packages:
        yield _stage("To run", building, needs.run_packages, building.run)


def _stage(what: str, building: BuildNeeds, wanted: Sequence[str], closure: Closure) -> tuple[str, str]:
    if not closure.packages and not closure.missing:
        return f"{what}: all that is needed is in the base.", ""
    command = install_line(building.system.manager, wanted)
    lines = textwrap.wrap(
        command, _COLUMNS - 2, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False
    )
    return f"{what}: {amount(closure)}.", " \\\n".join(lines)


def amount(closure: Closure) -> str:
    """Return how much packages and what they pull in take."""
    if closure.missing and not closure.packages:
        return f"{count(len(closure.missing), 'package')} and what they bring along; sizes are not known"
    said = (
        f"{count(len(closure.packages), 'package')}, {closure.installed_bytes / 1e6:.0f} MB installed, "
        f"{closure.download_bytes / 1e6:.0f} MB to download"
    )
    return f"{said}; size not known of {names(few(list(closure.missing)))}" if closure.missing else said


def time_of(estimate: Estimate) -> str:
    """Return the time of a compile on one core."""
    low, high = clock(estimate.low), clock(estimate.high)
    return f"about {clock(estimate.value)}{f' ({low} to {high})' if low != high else ''} of CPU time"


def sentences(building: BuildNeeds) -> Iterator[str]:
    """Yield what has to be said beside the packages."""
    seconds = building.cpu_seconds
    yield f"Compiling takes {time_of(seconds)}." if seconds.value else "There is nothing to compile."
    if before := compiled_before(building):
        yield f"That counts {before}, compiled before it to build with."
    yield from building.system.notes


def compiled_before(building: BuildNeeds) -> str:
    """Return what is compiled first, and for whom again: empty where there is nothing."""
    again: dict[str, list[str]] = {}
    for built in building.first:
        again.setdefault(f"{built.name} {built.version}", []).extend([] if built.kept else [built.needed_by])
    listed = [f"{what} (again for {names(users)})" if users else what for what, users in sorted(again.items())]
    return names(few(listed))


def doubts(building: BuildNeeds) -> Iterator[str]:
    """Yield what is not sure, and what no package mends."""
    said = [line for _, line in told(building)]
    yield from said[:_MOST_FLAGS]
    if len(said) > _MOST_FLAGS:
        yield f"{len(said) - _MOST_FLAGS} more of the kind: see --format json"


def told(building: BuildNeeds) -> list[tuple[str, str]]:
    """Return (kind, sentence with its place) of every flag; of several archives it says which."""
    named: dict[Flag, str] = {}
    for one in building.archives if len(building.archives) > 1 else ():
        for flag in one.needs.flags:
            named.setdefault(flag, f"{one.archive.name}: ")
    flags = sorted(building.needs.flags, key=lambda flag: _ORDER.index(flag.kind))
    return [(flag.kind, f"{flag} ({named.get(flag, '')}{flag.where})") for flag in flags]

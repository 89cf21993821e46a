"""The sentences about what source archives need, the same in every form of report. Pure."""

from collections.abc import Iterable, Iterator

from wheelbase.recipes.buildneeds import ArchiveNeeds, BuildNeeds
from wheelbase.recipes.sysdeps import SystemNeeds
from wheelbase.report.units import clock, few, names
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Flag
from wheelbase.source.needs import Need, Needs
from wheelbase.system.packages import Closure

_MOST_FLAGS = 8
_INSTALL = {
    "apt": "apt-get install -y --no-install-recommends",
    "apk": "apk add --no-cache",
    "dnf": "dnf install -y",
}


def title(answer: SystemNeeds) -> str:
    """Return what was read, for which base."""
    read = [f"{one.archive.name} {one.archive.version or ''}".strip() for one in answer.building.archives]
    return f"{names(few(read))} on {answer.base} ({answer.building.system.title})"


def groups(needs: Needs) -> Iterator[tuple[str, tuple[Need, ...]]]:
    """Yield the groups that are not empty, by what they are for."""
    listed = (("build", needs.build), ("tool", needs.tools), ("optional", needs.optional), ("run", needs.run))
    return ((title, group) for title, group in listed if group)


def places(need: Need, most: int = 3) -> str:
    """Return where a need was found, and what is lost without it."""
    found = ", ".join(few(list(need.evidence), most))
    return f"{found}; without it: {need.lost}" if need.lost else found


def install_line(manager: str, packages: Iterable[str]) -> str:
    """Return the command that installs packages."""
    return f"{_INSTALL[manager]} {' '.join(packages)}"


def amount(closure: Closure) -> str:
    """Return how much packages and what they pull in take."""
    count = len(closure.packages)
    said = f"{count} package{'s' if count != 1 else ''}"
    if closure.installed_bytes:
        said += f", {closure.installed_bytes / 1e6:.0f} MB installed"
    if closure.download_bytes:
        said += f", {closure.download_bytes / 1e6:.0f} MB to download"
    return f"{said}; size not known of {names(few(list(closure.missing)))}" if closure.missing else said


def time_of(estimate: Estimate) -> str:
    """Return the time of a compile on one core."""
    return f"about {clock(estimate.value)} ({clock(estimate.low)} to {clock(estimate.high)}) of CPU time"


def sentences(answer: BuildNeeds) -> Iterator[str]:
    """Yield what has to be said below the table."""
    needs = answer.needs
    if needs.build_packages:
        yield f"To build: {amount(answer.build)}."
    if needs.run:
        yield f"To run: {amount(answer.run)}."
    yield (
        f"Compiling takes {time_of(answer.cpu_seconds)}."
        if answer.cpu_seconds.value
        else "There is nothing to compile."
    )
    for one in answer.archives:
        yield from _first(one)


def _first(one: ArchiveNeeds) -> Iterator[str]:
    if one.first:
        built = [f"{each.name} {each.version}" for each in one.first]
        yield f"{one.archive.name} builds with {names(few(built))}, which must be compiled first: in the time above."


def warnings(needs: Needs) -> Iterator[str]:
    """Yield what is not sure, and what no package fixes."""
    for name in needs.missing:
        yield f"{name} is in no package of this release"
    yield from (flag_line(flag) for flag in needs.flags[:_MOST_FLAGS])
    if len(needs.flags) > _MOST_FLAGS:
        yield f"{len(needs.flags) - _MOST_FLAGS} more of the kind: see --format json"


def flag_line(flag: Flag) -> str:
    """Return a flag as a sentence with its place."""
    return f"{flag.text} ({flag.where})"

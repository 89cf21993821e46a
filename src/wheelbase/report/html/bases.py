"""What is to be said of each base: what is compiled and why, what to install, hazards, files, how to build it. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from wheelbase.measuring.values import Measurement, Outcome
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.hazards import hazard_notes
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.report import needs
from wheelbase.report.details import details, packages
from wheelbase.report.html.tables import Cell, Table, table
from wheelbase.report.html.times import how
from wheelbase.report.units import few, megabytes, names

Files = Mapping[str, Mapping[str, str]]
"""What a base's build needs: the Dockerfile and what goes with it, by base and name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """How one combination is built: its files by name, the commands, why it failed and the end of its log."""

    title: str
    files: tuple[tuple[str, str], ...] = ()
    commands: str = ""
    cause: str = ""
    log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """The section of one base."""

    name: str
    recommended: bool
    facts: str
    status: str
    compiled: Table | None
    needed: Table | None
    optional: Table | None
    commands: tuple[tuple[str, str], ...]
    doubts: tuple[str, ...]
    hazards: tuple[str, ...]
    notes: tuple[str, ...]
    files: Table | None
    built: tuple[Built, ...]


def bases(
    comparison: Comparison, measurement: Measurement | None, dockerfiles: Mapping[str, Mapping[str, str]]
) -> tuple[Base, ...]:
    """Return a section for each base: first the recommended one, then the others in the order that was asked for."""
    built: dict[str, list[Built]] = {}
    for base, files in dockerfiles.items():
        built.setdefault(base, []).append(Built(title="Dockerfile", files=tuple(files.items())))
    for outcome in measurement.outcomes if measurement else ():
        built.setdefault(outcome.combination.base, []).append(_built(outcome))
    recommended = comparison.recommendation.base
    ordered = sorted(comparison.bases, key=lambda cost: cost.base != recommended)
    return tuple(_base(cost, cost.base == recommended, built.get(cost.base, ())) for cost in ordered)


def _base(cost: BaseCost, recommended: bool, built: Sequence[Built]) -> Base:
    building = cost.building
    # What tables say here stands in sentences elsewhere.
    beside = replace(cost, building=None, compiles=(), hazards=())
    return Base(
        name=cost.base,
        recommended=recommended,
        facts=_facts(cost),
        status=building.needs.status if building else "",
        compiled=_compiled(cost, building) if building else None,
        needed=_needed(building) if building else None,
        optional=_optional(building) if building else None,
        commands=tuple(needs.stages(building)) if building else (),
        doubts=tuple(needs.doubts(building)) if building else (),
        hazards=tuple(hazard_notes(cost.hazards)),
        notes=(*details(beside), *(_said(cost, building) if building else ())),
        files=_files(cost),
        built=tuple(built),
    )


def _facts(cost: BaseCost) -> str:
    facts = cost.facts
    known = "inspected" if facts.userland else "catalogued"
    return ", ".join(
        (
            f"{facts.libc} {facts.libc_version}",
            f"Python {cost.python}" if cost.python else "no Python",
            packages(cost),
            f"{known} as {facts.exact or facts.image} of {facts.date}",
        )
    )


def _compiled(cost: BaseCost, building: BuildNeeds) -> Table | None:
    """Return which packages are compiled, why, and how long that takes."""
    by_name = {one.archive.name: one for one in building.archives}
    rows = []
    for file in cost.files:
        if file.name in cost.compiles:
            own = by_name.get(file.name)
            seconds = needs.time_of(own.cpu_seconds).removesuffix(" of CPU time") if own else "?"
            rows.append((Cell(text=f"{file.name} {file.version}", below=file.filename), file.reason, seconds))
    return table("Compiled there", ("Package", "Why", "CPU time"), rows)


def _needed(building: BuildNeeds) -> Table | None:
    group = ""
    rows = []
    for what, package, sure, place in needs.rows(building):
        group = what or group
        rows.append((package, f"to {group}", sure, place))
    return table("System packages that this needs", ("Package", "For", ">Sure", "Found in"), rows)


def _optional(building: BuildNeeds) -> Table | None:
    heads = ("Package", ">Sure", "Lost without it", "Found in")
    return table("Optional system packages", heads, [*needs.optional_rows(building)])


def _said(cost: BaseCost, building: BuildNeeds) -> Iterator[str]:
    yield from needs.sentences(building)
    if building.needs.missing:
        yield f"{names(few(list(building.needs.missing)))} is in none of its packages"
    if cost.image_with_compilers_bytes:
        left = megabytes(cost.image_with_compilers_bytes, about=True)
        yield f"With what it builds with left in, its image is {left} MB; the size above is of a build in stages."


def _files(cost: BaseCost) -> Table | None:
    """Return all files that pip takes, the largest first."""
    rows = [
        (
            Cell(text=file.name, below=file.filename),
            file.version,
            "wheel" if file.kind == "wheel" else "source, pure" if file.name not in cost.compiles else "compiled",
            megabytes(file.bytes),
            megabytes(file.installed_bytes, about=file.estimated),
            file.reason,
        )
        for file in sorted(cost.files, key=lambda file: (-(file.installed_bytes or 0), file.name))
    ]
    return table("What pip takes", ("Package", "Version", "Comes as", ">Fetch MB", ">Installed MB", "Why"), rows)


def _built(outcome: Outcome) -> Built:
    failed = next((sample.failure for sample in outcome.samples if sample.failure), None)
    return Built(
        title=how(outcome.combination),
        files=(("Dockerfile", outcome.dockerfile),) if outcome.dockerfile else (),
        commands="\n".join(outcome.commands),
        cause=failed.cause if failed else "",
        log=failed.log if failed else "",
    )

"""The sentences under a table of bases, the same in every form of report. Pure."""

from collections.abc import Iterator

from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.hazards import hazard_notes
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.report.needs import amount, compiled_before, install_line, places, time_of, told
from wheelbase.report.units import few, fitted, megabytes, names


def heading(comparison: Comparison) -> str:
    """Return what was compared, in one line."""
    when = f" as of {comparison.as_of}" if comparison.as_of else ""
    return f"read {comparison.source}: Python {comparison.python} on {comparison.arch}{when}"


def packages(cost: BaseCost) -> str:
    """Return how the packages come: `12 wheels`, or `6 wheels, 4 compiled`."""
    if cost.verdict == "no-python":
        return "no Python"
    built = len(cost.files) - cost.wheels - len(cost.compiles)
    counts = (
        (cost.wheels, "wheels"),
        (built, "pure"),
        (len(cost.compiles), "compiled"),
        (len(cost.missing), "missing"),
    )
    return (
        ", ".join(f"{count} {what if count > 1 else what.removesuffix('s')}" for count, what in counts if count)
        or "nothing"
    )


def details(cost: BaseCost) -> Iterator[str]:
    """Yield what has to be said of a base beyond its row."""
    versions = {file.name: f"{file.name} {file.version}" for file in cost.files}
    if cost.compiles:
        yield f"compiles {names([versions[name] for name in cost.compiles])}"
    if len(cost.missing) == 1:
        yield f"cannot install {cost.missing[0][0]} {cost.missing[0][1]}"
    elif cost.missing:
        missing = names(few([name for name, _ in cost.missing]))
        yield f"cannot install {missing}: no wheel fits, and there is no source archive"
    if cost.building:
        yield from _building(cost, cost.building)
    if added := cost.facts.added_packages:
        yield f"needs {names(added)} installed for its Python"
    if cost.system:
        yield f"the system packages that were asked for: {amount(cost.system)}"
    yield from hazard_notes(cost.hazards)
    yield from cost.notes
    yield from cost.advice


def _building(cost: BaseCost, building: BuildNeeds) -> Iterator[str]:
    """Yield what compiling takes: the packages to install, how they were found, the time, the image with them left."""
    needs = building.needs
    if needs.build_packages:
        yield f"to build: {install_line(building.system.manager, needs.build_packages)}"
    found = [
        f"{need.package} {need.confidence:.0%} ({places(building, need)[0]})" for need in needs.build or needs.tools
    ]
    yield fitted(f"{needs.status}: ", found) if found else needs.status
    if needs.missing:
        yield f"{names(few(list(needs.missing)))} is in none of its packages"
    elif reason := next((line for kind, line in told(building) if kind != "version"), None):
        yield reason
    if building.advised:
        yield fitted("better with ", [f"{need.package} for {need.lost}" for need in building.advised])
    if before := compiled_before(building):
        yield f"compiles {before} before that, to build with"
    yield f"compiling takes {time_of(building.cpu_seconds)}"
    if needs.run_packages:
        yield f"what it compiles loads {names(needs.run_packages)} when it runs"
    if cost.image_with_compilers_bytes:
        left = megabytes(cost.image_with_compilers_bytes, about=True)
        yield f"with what it builds with left in, its image is {left} MB; the size above is of a build in stages"


def verdict(comparison: Comparison) -> str:
    """Return the recommendation as one sentence."""
    advice = comparison.recommendation
    return f"Take {advice.base}: {advice.reason}." if advice.base else f"Nothing to recommend: {advice.reason}."


def footnote(comparison: Comparison) -> str:
    """Return how the numbers were come by."""
    known = " or ".join(sorted({"inspected" if cost.facts.userland else "catalogued" for cost in comparison.bases}))
    share = [cost.added_bytecode for cost in comparison.bases if cost.added_bytecode and cost.added_bytecode.value]
    spread = ""
    if share:
        half = round((share[0].high - share[0].low) / 2e6)
        spread = f", of which bytecode is estimated ({f'+-{half} MB' if half else 'within 1 MB'})"
    return (
        f"MB are 10^6 bytes. Image: base as {known}, plus files and bytecode{spread}; pulled: compressed. "
        "Build: without pulling the base. ?: not known. ~: estimated."
    )

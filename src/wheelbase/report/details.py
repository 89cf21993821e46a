"""The sentences under a table of bases, the same in every form of report. Pure."""

from collections.abc import Iterator

from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.report.needs import install_line, time_of
from wheelbase.report.units import few, megabytes, names


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
    if cost.run_packages:
        yield f"needs {names(cost.run_packages)} installed for its Python"
    yield from cost.notes
    yield from cost.advice


def _building(cost: BaseCost, building: BuildNeeds) -> Iterator[str]:
    """Yield what compiling takes: the packages to install, the time, and the image with them left in."""
    needs = building.needs
    sure = "" if needs.status == "likely complete" else f" ({needs.status})"
    yield f"to build: {install_line(building.system.manager, building.needs.build_packages)}{sure}"
    if missing := needs.missing:
        yield f"{names(few(list(missing)))} is in none of its packages"
    first = [f"{built.name} {built.version}" for one in building.archives for built in one.first]
    if first:
        yield f"compiles {names(few(sorted(set(first))))} before that, to build the others with"
    yield f"compiling takes {time_of(building.cpu_seconds)}"
    if cost.image_with_compilers_bytes:
        left = megabytes(cost.image_with_compilers_bytes, about=True)
        yield f"with what it builds with left in, its image is {left} MB; the size above is of a build in stages"


def verdict(comparison: Comparison) -> str:
    """Return the recommendation as one sentence."""
    advice = comparison.recommendation
    return f"Take {advice.base}: {advice.reason}." if advice.base else f"Nothing to recommend: {advice.reason}."


def footnote(comparison: Comparison) -> str:
    """Return how the numbers were come by."""
    share = [cost.added_bytecode for cost in comparison.bases if cost.added_bytecode and cost.added_bytecode.value]
    spread = ""
    if share:
        half = round((share[0].high - share[0].low) / 2e6)
        spread = f", of which bytecode is estimated ({f'+-{half} MB' if half else 'within 1 MB'})"
    return (
        f"MB are 10^6 bytes. Image: base as catalogued, plus files and bytecode{spread}; pulled: compressed. "
        "Build: without pulling the base. ?: not known. ~: estimated."
    )

"""The sentences under a table of bases, the same in every form of report. Pure."""

from collections.abc import Iterator

from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.report.units import few, names


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
    if cost.build_packages:
        least = names(cost.build_packages)
        yield f"needs at least {least} to build; what else the archives ask for was not looked into"
    if cost.compiles and cost.verdict != "impossible":
        yield "its build time is a rough guess from the size of the archives; compilers are not in its image size"
    if cost.run_packages:
        yield f"needs {names(cost.run_packages)} installed for its Python"
    yield from cost.notes
    yield from cost.advice


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

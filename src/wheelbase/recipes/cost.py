"""What an application that was fitted to a base costs there: files, bytes, seconds. Talks to package indexes.

Sizes are read from wheels' directories. What is built from source is estimated from the wheel of the same version
that is most like it, or from the archive of a pure package; where there is neither, the sums are not known.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.buildtime import Work, build_seconds
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.settings import Settings
from wheelbase.recipes.asbuilt import as_built
from wheelbase.recipes.building import building_on, own_packages, wall_seconds
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.fit import Fit, Picked, advice_parts
from wheelbase.recipes.hazards import hazards_of
from wheelbase.recipes.reading import Contents, nearest_wheel
from wheelbase.recipes.values import BaseCost, PickedFile
from wheelbase.system.packages import Closure
from wheelbase.wheels import bytecode
from wheelbase.wheels.contents import Files
from wheelbase.wheels.pip_bytecode import left_by_pip

# Bases of one C library take the same wheels, so the same estimate is asked for again and again.
_bytecode = lru_cache(maxsize=32)(bytecode.estimate)
_MOST_NAMES = 8
# What machine code takes as podman, buildah, skopeo and BuildKit push it, by that in the wheel: their deflate is not
# zlib's. Layers of umoci from the wheels of scipy, cryptography, pillow, aiohttp and lxml: 1.050 to 1.074.
_PUSHED = 1.055


def cost_of(
    name: str,
    facts: BaseFacts,
    fit: Fit | None,
    *,
    contents: Contents,
    index: Index,
    asked: Asked,
    settings: Settings,
    megabits: float,
) -> BaseCost:
    """Return the costs on one base: `name` is the reference as the user wrote it, `megabits` the download speed."""
    target = target_of(facts)
    if fit is None or target is None:
        return BaseCost(
            base=name,
            facts=facts,
            verdict="no-python",
            python=None,
            notes=("no Python is known to install on this base",),
        )
    missing = tuple((picked.package.name, _why_missing(picked)) for picked in fit.picked if not picked.taken)
    compiled = tuple(picked.package.name for picked in fit.picked if _is_compiled(picked, contents))
    building = building_on(
        fit, compiled, facts=facts, target=target, contents=contents, index=index, asked=asked, settings=settings
    )
    contents = as_built(contents, fit, building, target)
    files = tuple(_file(picked, contents) for picked in fit.picked if picked.taken)
    system = own_packages(settings.system, facts)
    cost = BaseCost(
        base=name,
        facts=facts,
        verdict="impossible" if missing else "compiles" if compiled else "wheels",
        python=target.python,
        files=files,
        compiles=compiled,
        missing=missing,
        building=building,
        system=system,
        run_packages=(*facts.added_packages, *(building.needs.run_packages if building else ())),
        hazards=hazards_of(facts, fit.wheels, added=_installed_on(building, system)),
        notes=(*_base_notes(name, facts, asked), *(f"{present} is in the base already" for present in fit.present)),
        advice=tuple(_advice(asked, fit, set(compiled), target, name, index)),
    )
    return _sized(cost, fit, contents, megabits) if not missing else cost


def _installed_on(building: BuildNeeds | None, system: Closure | None) -> list[str]:
    """Return the system packages that end up in the image for what is compiled, and for the user."""
    closures = [closure for closure in (building.run if building else None, system) if closure]
    return [package.name for closure in closures for package in closure.packages]


def _file(picked: Picked, contents: Contents) -> PickedFile:
    taken = picked.taken
    assert taken is not None
    pure = not taken.is_wheel and not _is_compiled(picked, contents)
    return PickedFile(
        name=picked.package.name,
        version=str(picked.package.version),
        filename=taken.filename,
        kind=taken.kind,
        bytes=contents.listings[taken.url].bytes if taken.is_wheel else taken.size,
        installed_bytes=_installed(picked, contents)[0],
        reason=_why_taken(picked, pure),
        pure=pure,
        estimated=not taken.is_wheel,
    )


def _is_compiled(picked: Picked, contents: Contents) -> bool:
    """Say whether a package is compiled: what its wheels are, or its archive where it has none, tells."""
    taken = picked.taken
    if taken is None or taken.is_wheel:
        return False
    if like := nearest_wheel(picked):
        return not like.filename.endswith("-none-any.whl")
    source = contents.sources.get(taken.url)
    return not (source and source.pure)


def _why_taken(picked: Picked, pure: bool) -> str:
    taken = picked.taken
    wheels = [judged for judged in picked.choice.judged if judged.candidate.is_wheel]
    if taken and taken.is_wheel:
        return f"the best of {sum(judged.against is None for judged in wheels)} wheels that fit, of {len(wheels)}"
    how = "built without a compiler" if pure else "compiled"
    if not wheels:
        return f"this version has no wheel at all; {how}"
    nearest = wheels[0]
    return f"no wheel fits ({nearest.candidate.filename}: {nearest.against}); {how}"


def _why_missing(picked: Picked) -> str:
    if not picked.choice.judged:
        return f"{picked.package.version}: it has no files"
    nearest = picked.choice.judged[0]
    why = f"{nearest.candidate.filename}: {nearest.against}"
    archive = any(not judged.candidate.is_wheel for judged in picked.choice.judged)
    how = "no file of it can be taken" if archive else "it has no source archive, and no wheel fits"
    return f"{picked.package.version}: {how} ({why})"


def _base_notes(name: str, facts: BaseFacts, asked: Asked) -> Iterable[str]:
    if target_of(facts) and facts.python_minor != asked.python:
        # The recipe replaced the Python for this base: it has its own.
        yield f"its Python is {facts.python_version}"
    if facts.later:
        yield f"no figures of {asked.as_of} are known; those of {facts.date} stand in"
    if facts.has_pip is False:
        yield "it has no pip: use `wheelbase build`, or copy the virtual environment of a build stage"


def _advice(asked: Asked, fit: Fit, compiled: set[str], target: Target, base: str, index: Index) -> Iterable[str]:
    """Yield what would make the packages fit that do not, those of which the same is to be said together."""
    together: dict[str, list[str]] = {}
    for picked in fit.picked:
        if picked.taken is None or picked.package.name in compiled:
            subject, sentence = advice_parts(asked, picked, target, base, index)
            together.setdefault(sentence, []).append(subject)
    for sentence, subjects in together.items():
        more = [f"{len(subjects) - _MOST_NAMES} more"] if len(subjects) > _MOST_NAMES else []
        yield sentence.format(", ".join([*subjects[:_MOST_NAMES], *more]))


def _sized(cost: BaseCost, fit: Fit, contents: Contents, megabits: float) -> BaseCost:
    """Add sizes and times, as far as all that they are the sum of is known."""
    facts = cost.facts
    installed = tuple(entry for picked in fit.picked for entry in _installed(picked, contents)[1])
    python = facts.python_minor or (3, 13)
    compiled = _compiled(installed, python, facts.site_packages, contents.styles)
    download = _sum(*(file.bytes for file in cost.files))
    timed = replace(
        cost,
        download_bytes=download,
        build_seconds=build_seconds(_work(cost, installed, download, compiled.value), megabits=megabits),
    )
    added = _sum(*(file.installed_bytes for file in cost.files))
    if added is None:
        return timed
    # What needs no compiler is installed right in the image, by its own pip; the rest is copied from a build stage.
    in_place = facts.stdlib_bytecode is False and facts.has_pip is not False
    by_pip, by_pip_compressed = left_by_pip(python) if in_place else (0, 0)
    left, left_compressed = (0, 0) if cost.compiles else (by_pip, by_pip_compressed)
    deflated = round(sum(size * (_PUSHED if _is_shared(path) else 1) for path, _, size in installed))
    installed_bytes, download_bytes = _system_bytes(cost)
    return replace(
        timed,
        added_files=added,
        added_bytecode=compiled,
        left_by_pip=left,
        image_bytes=_sum(facts.uncompressed_bytes, added, compiled.value, left, installed_bytes),
        image_compressed_bytes=_sum(
            facts.compressed_bytes, deflated, compiled.compressed, left_compressed, download_bytes
        ),
        image_with_compilers_bytes=_with_compilers(
            cost, _sum(facts.uncompressed_bytes, added, compiled.value, by_pip, _system_bytes(cost, left_in=True)[0])
        ),
    )


def _is_shared(path: str) -> bool:
    return path.endswith(".so") or ".so." in path.rpartition("/")[2]


def _with_compilers(cost: BaseCost, size: int | None) -> int | None:
    """Return the size of the image with compilers left in; not known where that of what they bring along is not."""
    return size if cost.building and not cost.building.left_in.missing else None


def _system_bytes(cost: BaseCost, *, left_in: bool = False) -> tuple[int | None, int | None]:
    """Return (installed, downloaded) bytes of system packages: Python's, what built files load, the user's own."""
    python = cost.facts.system_python if cost.facts.added_packages else None
    closures = [cost.system] if cost.system else []
    if cost.building:
        closures.append(cost.building.left_in if left_in else cost.building.run)
    return (
        _sum(python.installed_bytes if python else 0, *(closure.installed_bytes for closure in closures)),
        _sum(python.download_bytes if python else 0, *(closure.download_bytes for closure in closures)),
    )


def _compiled(
    installed: Files, python: tuple[int, int], site_packages: str | None, styles: tuple[tuple[str, float], ...]
) -> bytecode.Bytecode:
    """Estimate bytecode. Each module holds its path once, so one estimate serves all places for packages."""
    usual = f"/usr/local/lib/python{python[0]}.{python[1]}/site-packages"
    estimate = _bytecode(installed, python=python, site_packages=usual, styles=styles)
    longer = (len(site_packages or usual) - len(usual)) * sum(path.endswith(".py") for path, _, _ in installed)
    return replace(estimate, value=estimate.value + longer, low=estimate.low + longer, high=estimate.high + longer)


def _work(cost: BaseCost, installed: Files, download: int | None, compiled: int) -> Work:
    """Return what a build of this has to do."""
    return Work(
        packages=len(cost.files),
        download_bytes=download or 0,
        files=len(installed),
        file_bytes=sum(size for _, size, _ in installed),
        source_bytes=sum(size for path, size, _ in installed if path.endswith(".py")),
        bytecode_bytes=compiled,
        package_manager=cost.facts.package_manager if cost.build_packages or cost.run_packages or cost.system else None,
        compile_seconds=wall_seconds(cost.building) if cost.building else (0.0, 0.0),
        musl=cost.facts.libc == "musl",
        stdlib_bytecode=cost.facts.stdlib_bytecode,
    )


def _installed(picked: Picked, contents: Contents) -> tuple[int | None, Files]:
    """Return (bytes, files) of what a package installs; None where it cannot be told."""
    taken = picked.taken
    if taken is None:
        return None, ()
    if listing := contents.listings.get(taken.url):
        return listing.installed_bytes, listing.files
    source = contents.sources.get(taken.url)
    if source and source.pure:
        return sum(size for _, size, _ in source.files), source.files
    return None, ()


def _sum(*parts: int | None) -> int | None:
    return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)

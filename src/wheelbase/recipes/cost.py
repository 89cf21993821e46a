"""What an application that was fitted to a base costs there: files, bytes, seconds. Talks to package indexes.

Sizes are read from wheels' directories. What is built from source is estimated from the wheel of the same version
that is most like it, or from the archive of a pure package; where there is neither, the sums are not known.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import lru_cache

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.buildtime import Work, build_seconds
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked
from wheelbase.recipes.fit import Fit, Picked, advice_parts
from wheelbase.recipes.values import BaseCost, PickedFile, Report
from wheelbase.source.archive import SourceFacts, read_source
from wheelbase.source.estimate import build_packages, compile_seconds
from wheelbase.wheels import bytecode
from wheelbase.wheels.contents import Files, Listing, read_listing
from wheelbase.wheels.pip_bytecode import left_by_pip
from wheelbase.wheels.style import read_style

_MAX_SOURCE = 20_000_000
# Bases of one C library take the same wheels, so the same estimate is asked for again and again.
_bytecode = lru_cache(maxsize=32)(bytecode.estimate)
_MOST_NAMES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was read of files: listings of wheels and facts of source archives by URL, styles of projects by name."""

    listings: dict[str, Listing]
    sources: dict[str, SourceFacts]
    styles: tuple[tuple[str, float], ...]

    @classmethod
    def read(cls, fits: Iterable[Fit | None], index: Index, report: Report) -> "Contents":
        """Read each file once, all at the same time."""
        wheels: dict[str, Candidate] = {}
        archives: dict[str, Candidate] = {}
        for picked in (one for each in fits if each for one in each.picked):
            taken = picked.taken
            if taken and taken.is_wheel:
                wheels[taken.url] = taken
            elif taken and (like := _nearest_wheel(picked)):
                wheels[like.url] = like
            elif taken and (taken.size or 0) <= _MAX_SOURCE:
                archives[taken.url] = taken
        listings: dict[str, Listing] = {}
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            for done, (url, listing) in enumerate(
                pool.map(lambda wheel: (wheel.url, read_listing(index.client, wheel)), wheels.values()), 1
            ):
                listings[url] = listing
                report("reading wheels", done, len(wheels))
            styles = pool.map(lambda wheel: read_style(index.client, wheel, listings[wheel.url]), wheels.values())
            found = pool.map(lambda archive: _source_or_none(index.client, archive), archives.values())
            sources = {url: facts for url, facts in zip(archives, found, strict=True) if facts}
            merged = {project: style for each in styles for project, style in each.items()}
        return cls(listings=listings, sources=sources, styles=tuple(sorted(merged.items())))


def _source_or_none(client: Client, archive: Candidate) -> SourceFacts | None:
    """A source archive that cannot be read is one of which nothing is known: it costs an estimate, not the answer."""
    try:
        return read_source(client, archive)
    except PackageIndexError:
        return None


def _nearest_wheel(picked: Picked) -> Candidate | None:
    """Return the wheel of the same version that came nearest to being taken: its contents are most like a build's."""
    return next((judged.candidate for judged in picked.choice.judged if judged.candidate.is_wheel), None)


def cost_of(
    name: str, facts: BaseFacts, fit: Fit | None, contents: Contents, index: Index, asked: Asked, megabits: float
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
    files = tuple(_file(picked, contents) for picked in fit.picked if picked.taken)
    missing = tuple((picked.package.name, _why_missing(picked)) for picked in fit.picked if not picked.taken)
    compiled = tuple(file for file in files if file.kind == "sdist" and not file.pure)
    cost = BaseCost(
        base=name,
        facts=facts,
        verdict="impossible" if missing else "compiles" if compiled else "wheels",
        python=target.python,
        files=files,
        compiles=tuple(file.name for file in compiled),
        missing=missing,
        build_packages=build_packages(facts) if compiled else (),
        run_packages=facts.added_packages,
        notes=(*_base_notes(name, facts, asked), *(f"{present} is in the base already" for present in fit.present)),
        advice=tuple(_advice(asked, fit, {file.name for file in compiled}, target, name, index)),
    )
    return _sized(cost, fit, contents, megabits) if not missing else cost


def _file(picked: Picked, contents: Contents) -> PickedFile:
    taken = picked.taken
    assert taken is not None
    size, _, pure = _installed(picked, contents)
    listing = contents.listings.get(taken.url)
    return PickedFile(
        name=picked.package.name,
        version=str(picked.package.version),
        filename=taken.filename,
        kind=taken.kind,
        bytes=taken.size if listing is None else listing.bytes,
        installed_bytes=size,
        reason=_why_taken(picked, pure),
        pure=pure,
        estimated=not taken.is_wheel,
    )


def _is_pure(wheel: Candidate) -> bool:
    return wheel.filename.endswith("-none-any.whl")


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
        yield "it has no pip: install in a build stage and copy the virtual environment"


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
    in_place = facts.stdlib_bytecode is False and facts.has_pip is not False and not cost.compiles
    left, left_compressed = left_by_pip(python) if in_place else (0, 0)
    system = facts.system_python if facts.added_packages else None
    deflated = sum(entry[2] for entry in installed)
    return replace(
        timed,
        added_files=added,
        added_bytecode=compiled,
        left_by_pip=left,
        image_bytes=_sum(
            facts.uncompressed_bytes, added, compiled.value, left, system.installed_bytes if system else 0
        ),
        image_compressed_bytes=_sum(
            facts.compressed_bytes,
            deflated,
            compiled.compressed,
            left_compressed,
            system.download_bytes if system else 0,
        ),
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
    rough = [compile_seconds(file.bytes) for file in cost.files if file.name in cost.compiles]
    return Work(
        packages=len(cost.files),
        download_bytes=download or 0,
        files=len(installed),
        file_bytes=sum(size for _, size, _ in installed),
        source_bytes=sum(size for path, size, _ in installed if path.endswith(".py")),
        bytecode_bytes=compiled,
        package_manager=cost.facts.package_manager if cost.build_packages or cost.run_packages else None,
        compile_seconds=(sum(low for low, _ in rough), sum(high for _, high in rough)),
    )


def _installed(picked: Picked, contents: Contents) -> tuple[int | None, Files, bool]:
    """Return (bytes, files, whether it is a pure archive) of what a package installs; None where it cannot be told."""
    taken = picked.taken
    if taken is None:
        return None, (), False
    if listing := contents.listings.get(taken.url):
        return listing.installed_bytes, listing.files, False
    if like := _nearest_wheel(picked):
        listing = contents.listings[like.url].without_bundled_libraries()
        return listing.installed_bytes, listing.files, _is_pure(like)
    source = contents.sources.get(taken.url)
    if source and source.pure:
        return sum(size for _, size, _ in source.files), source.files, True
    return None, (), False


def _sum(*parts: int | None) -> int | None:
    return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)

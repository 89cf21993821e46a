"""`wheelbase compare`: what an application costs on each base image. Talks to package indexes; builds nothing."""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path

from packaging.specifiers import SpecifierSet

from wheelbase.bases.catalogue import Catalogue, load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.buildtime import Work, build_seconds
from wheelbase.errors import BaseError, PackageIndexError, RequirementsError
from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings, with_requirements_options
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked
from wheelbase.project.read import read_requirements
from wheelbase.project.values import Requirements
from wheelbase.recipes.fit import Fit, Picked, advice_parts, candidates_of, fit
from wheelbase.recipes.recommend import recommend
from wheelbase.recipes.values import BaseCost, Comparison, PickedFile
from wheelbase.source.archive import SourceFacts, read_source
from wheelbase.source.estimate import build_packages, compile_seconds
from wheelbase.wheels import bytecode
from wheelbase.wheels.contents import Listing, read_listing

DEFAULT_MEGABITS = 100.0
_MAX_SOURCE = 20_000_000
Report = Callable[[str, int, int], None]


def _silent(step: str, done: int, total: int) -> None:
    """Report nothing."""


def compare(
    requirements: Sequence[str] | Requirements = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    bases: Sequence[str] = (),
    python: str | None = None,
    arch: Arch = "amd64",
    as_of: date | None = None,
    megabits: float = DEFAULT_MEGABITS,
    allow_build: Iterable[str] = (),
    refresh: bool = False,
    report: Report = _silent,
) -> Comparison:
    """Compare base images for an application and return the whole answer.

    `requirements` are PEP 508 lines, a project's folder, or none for the project in this one. `python` is a minor
    version ("3.13"), else the project's newest, else the newest stable one. `megabits` is the download speed a second.
    `report(step, done, total)` hears of progress. What cannot be read, resolved or found raises `WheelbaseError`.
    """
    report("reading requirements", 0, 0)
    wanted = (
        requirements
        if isinstance(requirements, Requirements)
        else read_requirements(requirements, files=files, constraints=constraints, extras=extras, groups=groups)
    )
    settings = with_requirements_options(user_settings(wanted.tool_uv), wanted.options)
    on = as_of or datetime.now(UTC).date()
    catalogue = load_catalogue()
    minor = _python(python, wanted, catalogue, on)
    asked = Asked(requirements=wanted, settings=settings, python=minor, as_of=as_of, allow_build=frozenset(allow_build))
    rows = _rows(catalogue, bases, minor, arch, on)
    index = Index(Client(settings), settings, refresh=refresh)

    report("resolving", 0, 0)
    fits = [_fit(asked, facts, index) for _, facts in rows]
    contents = _Contents.read(fits, index, report)
    costs = tuple(
        _cost(name, facts, one, contents, index, asked, megabits) for (name, facts), one in zip(rows, fits, strict=True)
    )
    return Comparison(
        source=wanted.source,
        index=settings.source,
        python=f"{minor[0]}.{minor[1]}",
        arch=arch,
        as_of=as_of,
        bases=costs,
        recommendation=recommend(costs, minor),
        notes=tuple(dict.fromkeys(note for one in fits if one for note in one.notes)),
    )


def _python(python: str | None, wanted: Requirements, catalogue: Catalogue, on: date) -> tuple[int, int]:
    """Return the minor version asked for, else the newest stable one that the project allows."""
    if python is not None:
        parts = python.split(".")
        if len(parts) not in (2, 3) or not all(part.isdigit() for part in parts) or parts[0] != "3":
            raise RequirementsError(
                f"--python {python} is not a minor version of Python 3", hint="write it like --python 3.13"
            )
        return int(parts[0]), int(parts[1])
    newest = catalogue.stable_python(on)
    allowed = wanted.requires_python or SpecifierSet()
    for minor in sorted({*catalogue.pythons(), newest}, reverse=True):
        # `>=3.11.4` allows 3.11, so the last patch release that there could be is what is asked about.
        if minor <= newest and (
            allowed.contains(f"{minor[0]}.{minor[1]}.99") or allowed.contains(f"{minor[0]}.{minor[1]}")
        ):
            return minor
    raise RequirementsError(
        f"{wanted.source} requires Python {allowed}, of which no image is known", hint="name one with --python"
    )


def _rows(
    catalogue: Catalogue, names: Sequence[str], python: tuple[int, int], arch: Arch, on: date
) -> list[tuple[str, BaseFacts]]:
    if names:
        return [(name, catalogue.find(name, arch=arch, on=on)) for name in dict.fromkeys(names)]
    rows = [(facts.image, facts) for facts in catalogue.defaults(python, arch=arch, on=on)]
    if not rows:
        known = ", ".join(f"{major}.{minor}" for major, minor in catalogue.pythons())
        raise BaseError(
            f"no base image with Python {python[0]}.{python[1]} is known for {arch}",
            hint=f"known are {known}; or name one with --base",
        )
    return rows


def _fit(asked: Asked, facts: BaseFacts, index: Index) -> Fit | None:
    target = target_of(facts)
    return fit(replace(asked, python=target.python_minor), facts, target, index) if target else None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Contents:
    """What was read of files: listings of wheels by URL, facts of source archives by URL."""

    listings: dict[str, Listing]
    sources: dict[str, SourceFacts]

    @classmethod
    def read(cls, fits: Iterable[Fit | None], index: Index, report: Report) -> "_Contents":
        """Read each file once, all at the same time."""
        wheels: dict[str, Candidate] = {}
        archives: dict[str, Candidate] = {}
        for picked in (one for each in fits if each for one in each.picked):
            taken = picked.taken
            if taken and taken.is_wheel:
                wheels[taken.url] = taken
            elif taken and (like := nearest_wheel(picked, index)):
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
            found = pool.map(lambda archive: _source_or_none(index.client, archive), archives.values())
            sources = {url: facts for url, facts in zip(archives, found, strict=True) if facts}
        return cls(listings=listings, sources=sources)


def _source_or_none(client: Client, archive: Candidate) -> SourceFacts | None:
    """A source archive that cannot be read is one of which nothing is known: it costs an estimate, not the answer."""
    try:
        return read_source(client, archive)
    except PackageIndexError:
        return None


def nearest_wheel(picked: Picked, index: Index) -> Candidate | None:
    """Return the wheel of the same version whose contents are most like what a build from source would install."""
    wheels = [file for file in candidates_of(picked.package, index) if file.is_wheel]
    python = picked.choice.judged and picked.taken and picked.taken.filename

    def likeness(wheel: Candidate) -> tuple[bool, bool, str]:
        return (
            "linux" in wheel.filename or wheel.filename.endswith("-any.whl"),
            "x86_64" in wheel.filename,
            wheel.filename,
        )

    return max(wheels, key=likeness) if wheels and python else None


def _cost(
    name: str, facts: BaseFacts, fit: Fit | None, contents: _Contents, index: Index, asked: Asked, megabits: float
) -> BaseCost:
    target = target_of(facts)
    if fit is None or target is None:
        return BaseCost(
            base=name,
            facts=facts,
            verdict="no-python",
            python=None,
            notes=("no Python is known to install on this base",),
        )
    files = tuple(_file(picked, contents, index) for picked in fit.picked if picked.taken)
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
    return _sized(cost, fit, contents, index, megabits) if not missing else cost


def _file(picked: Picked, contents: _Contents, index: Index) -> PickedFile:
    taken = picked.taken
    assert taken is not None
    source = contents.sources.get(taken.url)
    size: int | None
    if taken.is_wheel:
        size, pure = contents.listings[taken.url].installed_bytes, False
    elif like := nearest_wheel(picked, index):
        size, pure = contents.listings[like.url].without_bundled_libraries().installed_bytes, _is_pure(like)
    elif source and source.pure:
        size, pure = sum(file[1] for file in source.files), True
    else:
        size, pure = None, False
    return PickedFile(
        name=picked.package.name,
        version=str(picked.package.version),
        filename=taken.filename,
        kind=taken.kind,
        bytes=taken.size,
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
        return f"{picked.package.version} has no files"
    nearest = picked.choice.judged[0]
    why = f"{nearest.candidate.filename}: {nearest.against}"
    return f"{picked.package.version} has no source archive, and no wheel fits ({why})"


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
            subject, sentence = advice_parts(asked, picked.package, target, base, index)
            together.setdefault(sentence, []).append(subject)
    for sentence, subjects in together.items():
        yield sentence.format(names(subjects, "or" if sentence.startswith("no version") else "and"))


def _sized(cost: BaseCost, fit: Fit, contents: _Contents, index: Index, megabits: float) -> BaseCost:
    """Add sizes and times, as far as all that they are the sum of is known."""
    facts = cost.facts
    installed = [entry for picked in fit.picked for entry in _entries(picked, contents, index)]
    known = all(file.installed_bytes is not None for file in cost.files)
    python = facts.python_minor
    assert python is not None
    compiled = bytecode.estimate(
        installed, python=python, site_packages=facts.site_packages or "/usr/local/lib/python3/site-packages"
    )
    added = sum(file.installed_bytes or 0 for file in cost.files) if known else None
    download = (
        sum(file.bytes or 0 for file in cost.files) if all(file.bytes is not None for file in cost.files) else None
    )
    system = facts.system_python if facts.added_packages else None
    image = _sum(facts.uncompressed_bytes, added, compiled.value, system.installed_bytes if system else 0)
    deflated = sum(entry[2] for entry in installed) if known else None
    rough = [compile_seconds(file.bytes) for file in cost.files if file.name in cost.compiles]
    work = Work(
        packages=len(cost.files),
        download_bytes=download or 0,
        files=len(installed),
        file_bytes=sum(entry[1] for entry in installed),
        source_bytes=sum(size for path, size, _ in installed if path.endswith(".py")),
        bytecode_bytes=compiled.value,
        package_manager=facts.package_manager if cost.build_packages or cost.run_packages else None,
        compile_seconds=(sum(low for low, _ in rough), sum(high for _, high in rough)),
    )
    return replace(
        cost,
        download_bytes=download,
        added_files=added,
        added_bytecode=compiled if known else None,
        image_bytes=image if known else None,
        image_compressed_bytes=_sum(
            facts.compressed_bytes, deflated, compiled.compressed, system.download_bytes if system else 0
        )
        if known
        else None,
        build_seconds=build_seconds(work, megabits=megabits),
    )


def _entries(picked: Picked, contents: _Contents, index: Index) -> tuple[tuple[str, int, int], ...]:
    """Return (path, size, deflated size) of what a package installs, as far as it can be told."""
    taken = picked.taken
    if taken is None:
        return ()
    if taken.is_wheel:
        return contents.listings[taken.url].files
    if like := nearest_wheel(picked, index):
        return contents.listings[like.url].without_bundled_libraries().files
    source = contents.sources.get(taken.url)
    return source.files if source and source.pure else ()


def names(words: Sequence[str], last: str) -> str:
    """Return `a, b and c`."""
    return f" {last} ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else words[0]


def _sum(*parts: int | None) -> int | None:
    return None if any(part is None for part in parts) else sum(part for part in parts if part is not None)

"""`wheelbase compare`: what an application costs on each base image. Talks to package indexes; builds nothing."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import msgspec
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelbase.bases.catalogue import Catalogue, load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import target_of
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.read import read_requirements
from wheelbase.project.settings import PerManager, Settings
from wheelbase.project.values import Requirements
from wheelbase.recipes.asking import ask, base_facts, project_settings
from wheelbase.recipes.cost import cost_of
from wheelbase.recipes.fit import Fit, fit
from wheelbase.recipes.fitting import fitted
from wheelbase.recipes.reading import Contents
from wheelbase.recipes.recommend import recommend
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.values import Comparison

DEFAULT_MEGABITS = 100.0


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
    system: Sequence[PerManager] = (),
    megabits: float = DEFAULT_MEGABITS,
    no_binary: Sequence[str] = (),
    allow_build: Iterable[str] = (),
    refresh: bool = False,
    report: Report = silent,
) -> Comparison:
    """Compare base images for an application and return the whole answer.

    `requirements` are PEP 508 lines, a project's folder, or none for the project in this one. `python` is a minor
    version ("3.13"), else that of the bases named, else the newest stable one that the project allows. `system` are
    system packages that the application asks for itself, `megabits` is the download speed a second. `no_binary` are
    packages to be built from source, as pip takes them. `report(step, done, total)` hears of progress. What cannot be
    read, resolved or found raises `WheelbaseError`.
    """
    if not megabits > 0:  # not a number is not greater either
        raise RequirementsError(f"a bandwidth of {megabits} Mbit/s is none", hint="write it like --bandwidth 100")
    report("reading requirements", 0, 0)
    wanted = (
        requirements
        if isinstance(requirements, Requirements)
        else read_requirements(requirements, files=files, constraints=constraints, extras=extras, groups=groups)
    )
    if no_binary:
        refused = (*wanted.options.get("no-binary", ()), *no_binary)
        wanted = replace(wanted, options={**wanted.options, "no-binary": refused})
    on = as_of or datetime.now(UTC).date()
    catalogue = load_catalogue()
    rows = [(name, base_facts(name, arch=arch, as_of=as_of, report=report)) for name in dict.fromkeys(bases)]
    minor = _python(python, [facts for _, facts in rows], wanted, catalogue, on)
    rows = rows or _default_rows(catalogue, minor, arch, on)
    _check_python(python, rows)
    asked, index = ask(wanted, python=minor, as_of=as_of, allow_build=allow_build, refresh=refresh)
    own = _settings(requirements, system)
    report("resolving", 0, 0)
    fits = _fit_all(asked, rows, index)
    contents = Contents.read(fits, index, report)
    costs = tuple(
        cost_of(name, facts, one, contents=contents, index=index, asked=asked, settings=own, megabits=megabits)
        for (name, facts), one in zip(rows, fits, strict=True)
    )
    costs, said = fitted(costs)
    return Comparison(
        source=wanted.source,
        index=asked.settings.source,
        python=f"{minor[0]}.{minor[1]}",
        arch=arch,
        as_of=as_of,
        bases=costs,
        recommendation=recommend(costs, minor if python or not bases else None),
        notes=(*_python_notes(wanted, minor), *dict.fromkeys(note for one in fits if one for note in one.notes), *said),
        requests=index.client.traffic.requests,
        received_bytes=index.client.traffic.received,
    )


def _settings(requirements: Sequence[str] | Requirements, system: Sequence[PerManager]) -> Settings:
    """Return the settings of the project that is compared, or of this folder, with the packages asked for here."""
    arguments = () if isinstance(requirements, Requirements) else requirements
    own = project_settings(arguments)
    return msgspec.structs.replace(own, system=[*own.system, *system])


def _python(
    python: str | None, bases: Sequence[BaseFacts], wanted: Requirements, catalogue: Catalogue, on: date
) -> tuple[int, int]:
    """Return the minor version asked for, else that of the bases named, else the newest stable one allowed."""
    if python is not None:
        parts = python.split(".")
        if len(parts) not in (2, 3) or not all(part.isdecimal() for part in parts) or parts[0] != "3":
            raise RequirementsError(
                f"--python {python} is not a minor version of Python 3", hint="write it like --python 3.13"
            )
        return int(parts[0]), int(parts[1])
    if of_bases := [facts.python_minor for facts in bases if facts.python_minor]:
        return of_bases[0]
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


def _check_python(python: str | None, rows: Sequence[tuple[str, BaseFacts]]) -> None:
    """Refuse a Python that none of the bases has: the answer would be about others."""
    known = {facts.python_version for _, facts in rows if facts.python_version}
    if python and known and not any(Version(one).release[:2] == Version(python).release[:2] for one in known):
        raise BaseError(
            f"none of these bases has Python {python}: {', '.join(f'{n} has {f.python_version}' for n, f in rows)}",
            hint="leave --python out, or name bases that have it: `wheelbase bases`",
        )


def _python_notes(wanted: Requirements, python: tuple[int, int]) -> Iterable[str]:
    allowed = wanted.requires_python
    minor = f"{python[0]}.{python[1]}"
    if allowed is not None and not (allowed.contains(minor) or allowed.contains(f"{minor}.99")):
        yield f"{wanted.source} requires Python {allowed}; what is shown is for {minor}"


def _default_rows(catalogue: Catalogue, python: tuple[int, int], arch: Arch, on: date) -> list[tuple[str, BaseFacts]]:
    rows = [(facts.image, facts) for facts in catalogue.defaults(python, arch=arch, on=on)]
    if not rows:
        known = ", ".join(f"{major}.{minor}" for major, minor in catalogue.pythons())
        raise BaseError(
            f"no base image with Python {python[0]}.{python[1]} is known for {arch}",
            hint=f"known are {known}; or name one with --base",
        )
    return rows


def _fit_all(asked: Asked, rows: Sequence[tuple[str, BaseFacts]], index: Index) -> list[Fit | None]:
    """Fit the application to each base. Those of one Python share its resolution; several Pythons resolve at once."""
    firsts = {facts.python_minor: facts for _, facts in reversed(rows)}
    if len(firsts) > 1:
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda facts: _fit(asked, facts, index), firsts.values()))
    return [_fit(asked, facts, index) for _, facts in rows]


def _fit(asked: Asked, facts: BaseFacts, index: Index) -> Fit | None:
    target = target_of(facts)
    return fit(replace(asked, python=target.python_minor), facts, target, index) if target else None

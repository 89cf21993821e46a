"""`wheelbase probe`: what in an image bites Python programs, measured in it. Reads images and files, runs programs.

Programs of the image run in an engine, without a network; nothing of an application is run. Its packages are fetched
from package indexes where they are to be read.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from wheelbase.engines.choose import EngineName, choose_engine, opened
from wheelbase.engines.values import Container
from wheelbase.errors import RequirementsError
from wheelbase.oci.platform import Platform
from wheelbase.probes.application import Relevance, places_in, relevance_of
from wheelbase.probes.run import Identity, Result, identify, run_probes
from wheelbase.probes.table import KnownHazard, known_hazards
from wheelbase.recipes.base import open_base
from wheelbase.recipes.probedpackages import package_places
from wheelbase.recipes.reporting import Report, silent


@dataclass(frozen=True, slots=True, kw_only=True)
class Probed:
    """An image as the user named it, what answers in it, and what each probe found, in the order of the hazards."""

    image: str
    identity: Identity
    results: tuple[Result, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    """Images side by side. `relevance` has what concerns the application, in the hazards' order; None without one.

    `app` is the application's folder, from the current one on.
    """

    engine: EngineName
    hazards: tuple[KnownHazard, ...]
    images: tuple[Probed, ...]
    relevance: tuple[Relevance, ...] | None = None
    app: str = ""


def probe(
    images: Sequence[str],
    *,
    app: Path | None = None,
    packages: bool = False,
    engine: EngineName | None = None,
    python: str = "python3",
    platform: str | None = None,
    only: Sequence[str] = (),
    report: Report = silent,
) -> Probes:
    """Return what the probes find in images; with `app`, what of it concerns the code in that folder.

    With `packages` the wheels that it needs are fetched and read too. `only` are the ids of the hazards to look for,
    all of them if empty. EngineError where nothing runs images here.
    """
    hazards = _chosen(only)
    wanted = Platform.parse(platform) if platform else None
    places = {hazard: [*found] for hazard, found in places_in(app).items()} if app else None
    chosen = choose_engine(engine)
    probed = []
    for image in images:
        if app and places is not None and packages:
            for hazard, found in package_places(app, image, wanted, report).items():
                places.setdefault(hazard, []).extend(found)
        report(f"unpacking {image}", 0, 0)
        with opened(chosen, image, wanted, lambda name=image: open_base(name, wanted, report=report)) as container:  # type: ignore[misc]
            identity = identify(container, python)
            results = tuple(_reported(container, python, hazards, image, report))
        probed.append(Probed(image=image, identity=identity, results=results))
    relevance = (
        None
        if places is None
        else tuple(
            relevance_of({name: tuple(dict.fromkeys(found)) for name, found in places.items()}, hazard.id)
            for hazard in hazards
        )
    )
    return Probes(
        engine=chosen, hazards=hazards, images=tuple(probed), relevance=relevance, app=_from_here(app) if app else ""
    )


def _from_here(app: Path) -> str:
    """Return a folder as it is called from the current one, "" of one that is not below it."""
    path = os.path.relpath(app)
    return "" if path == "." or path.startswith("..") else Path(path).as_posix()


def _reported(
    container: Container, python: str, hazards: Sequence[KnownHazard], image: str, report: Report
) -> Iterator[Result]:
    for number, result in enumerate(run_probes(container, python, hazards), 1):
        report(f"probing {image}", number, len(hazards))
        yield result


def _chosen(only: Sequence[str]) -> tuple[KnownHazard, ...]:
    known = known_hazards()
    for name in only:
        if name not in known:
            raise RequirementsError(f"there is no hazard {name}", hint=f"known are {', '.join(known)}")
    return tuple(hazard for hazard in known.values() if not only or hazard.id in only)

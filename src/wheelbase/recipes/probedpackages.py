"""What the packages of an application have to do with hazards on an image. Talks to package indexes, fetches wheels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from wheelbase.bases.target import target_of
from wheelbase.oci.platform import Platform
from wheelbase.probes.application import Place
from wheelbase.probes.packages import places_in_wheel
from wheelbase.project.read import read_requirements
from wheelbase.recipes.asking import ask, base_facts
from wheelbase.recipes.base import user_store
from wheelbase.recipes.fit import fit
from wheelbase.recipes.hazards import hazards_of
from wheelbase.recipes.plan import arch_of
from wheelbase.recipes.reporting import Report
from wheelbase.wheels.fetch import fetch_wheel


def package_places(
    folder: Path, image: str, platform: Platform | None, report: Report
) -> Mapping[str, tuple[Place, ...]]:
    """Return the places in the wheels that an application would have on an image, by hazard.

    Sure are the libraries and the files that a wheel needs and the image lacks. Nothing is known of an image without a
    Python.
    """
    wanted = read_requirements(folder=folder, allow_none=True)
    arch = arch_of(str(platform or Platform.of_this_machine()))
    facts = base_facts(image, arch=arch, as_of=None, report=report)
    target = target_of(facts)
    if target is None:
        return {}
    asked, index = ask(wanted, python=target.python_minor, as_of=None)
    found: dict[str, list[Place]] = {}
    wheels, store = fit(asked, facts, target, index).wheels, user_store()
    for number, (package, wheel) in enumerate(wheels, 1):
        report(f"reading {package}", number, len(wheels))
        path, sha256 = fetch_wheel(index.client, wheel, store)
        for hazard, place in places_in_wheel(path, wheel.filename, sha256, package):
            found.setdefault(hazard, []).append(place)
    for one in hazards_of(facts, wheels):
        hazard = {"library": "shared-libraries", "time zones": "tzdata", "certificates": "ca-store"}[one.kind]
        what = f"{one.package} needs {one.lacks}, which {image} lacks"
        file = one.why if one.kind == "library" else ""
        found.setdefault(hazard, []).append(Place(file=file, line=0, what=what, sure=True, package=one.package))
    return {hazard: tuple(places) for hazard, places in found.items()}

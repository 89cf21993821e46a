"""`wheelbase explain`: every file of a package, why pip takes it on a base or not, and what a build of it needs there.

Talks to package indexes.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from packaging.utils import canonicalize_name

from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.indexes import Index
from wheelbase.pins import Asked
from wheelbase.project.values import Requirements, parse_requirement
from wheelbase.recipes.asking import ask, base_facts, project_settings
from wheelbase.recipes.building import building_on
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.fit import Fit, Picked, advice, candidates_of, fit, policy_for
from wheelbase.recipes.hazards import Hazard, hazards_of
from wheelbase.recipes.reading import Contents
from wheelbase.recipes.reporting import Report, silent
from wheelbase.wheels.select import Choice, Judged, choose

_NEXT = 2  # versions shown after the one that is taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """One file, and the reason for or against it."""

    filename: str
    version: str
    kind: Literal["wheel", "sdist"]
    bytes: int | None
    taken: bool
    fits: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """All files of the version of a package that is chosen on a base, the best first.

    `building` is what a build needs, None where nothing is built, or no package manager of the base is known; `hazards`
    what the package is known to lack on the base.
    """

    name: str
    version: str
    base: str
    facts: BaseFacts
    python: str
    taken: str | None
    candidates: tuple[Explained, ...]
    advice: tuple[str, ...]
    building: BuildNeeds | None = None
    hazards: tuple[Hazard, ...] = ()


def explain(
    package: str,
    *,
    base: str,
    requirements: Requirements | None = None,
    arch: Arch = "amd64",
    as_of: date | None = None,
    allow_build: Iterable[str] = (),
    refresh: bool = False,
    report: Report = silent,
) -> Explanation:
    """Explain which file of a package pip takes on a base.

    `package` is a PEP 508 line. With `requirements` its version is the one that these lead to, else its own newest.
    Raises `WheelbaseError` where the base, the package or a file for it cannot be had.
    """
    requirement = parse_requirement(package, "argument")
    name = canonicalize_name(requirement.name)
    wanted = requirements or Requirements(source="arguments", requirements=(requirement,))
    facts = base_facts(base, arch=arch, as_of=as_of, report=report)
    target = target_of(facts)
    if target is None:
        raise BaseError(
            f"no Python is known to install on {base}", hint="choose a base that has one: `wheelbase bases`"
        )
    asked, index = ask(wanted, python=target.python_minor, as_of=as_of, allow_build=allow_build, refresh=refresh)
    report("resolving", 0, 0)
    fitted = fit(asked, facts, target, index)
    picked = next((one for one in fitted.picked if one.package.name == name), None)
    if picked is None:
        present = [one for one in fitted.present if one.startswith(f"{name} ")]
        why = f"the base brings {present[0]}" if present else f"{wanted.source} does not need it there"
        raise RequirementsError(f"{name} is not installed on {base}: {why}", hint="compare shows what is")
    return Explanation(
        name=name,
        version=str(picked.package.version),
        base=base,
        facts=facts,
        python=target.python,
        taken=picked.taken.filename if picked.taken else None,
        candidates=tuple(_explained(picked.choice, _newer(asked, picked, target, index))),
        advice=tuple(_to_see_a_build(picked, base, arch, as_of))
        if picked.taken and picked.taken.is_wheel
        else (advice(asked, picked, target, base, index),),
        building=_building(asked, replace(fitted, picked=(picked,)), facts, target, index, report),
        hazards=tuple(hazard for hazard in hazards_of(facts, fitted.wheels) if hazard.package == name),
    )


def _building(
    asked: Asked, fitted: Fit, facts: BaseFacts, target: Target, index: Index, report: Report
) -> BuildNeeds | None:
    """Return what a build of the one package needs, None where pip takes a wheel."""
    built = [one.package.name for one in fitted.picked if one.taken and not one.taken.is_wheel]
    return building_on(
        fitted,
        built,
        facts=facts,
        target=target,
        contents=Contents.read([fitted] if built else [], index, report),
        index=index,
        asked=asked,
        settings=project_settings(),
    )


def _to_see_a_build(picked: Picked, base: str, arch: Arch, as_of: date | None) -> Iterator[str]:
    """Yield how to see what a build would take, where a wheel is taken that was compiled."""
    archive = any(not judged.candidate.is_wheel for judged in picked.choice.judged)
    if archive and picked.taken and not picked.taken.filename.endswith("-none-any.whl"):
        options = (" --arch arm64" if arch == "arm64" else "") + (f" --as-of {as_of}" if as_of else "")
        command = f"wheelbase sysdeps {picked.package.name}=={picked.package.version} --base {base}{options}"
        yield f"what a build from source would need: {command}"


def _newer(asked: Asked, picked: Picked, target: Target, index: Index) -> Sequence[Judged]:
    """Return what would be taken of newer versions with what keeps it out: the date, the Python, a hold on versions."""
    package = picked.package
    if package.candidates is not None:
        return ()
    versions = sorted({file.version for file in index.files(package.name) if file.version > package.version})
    final = [version for version in versions if not version.is_prerelease] or versions
    found: list[Judged] = []
    # All that came after a date in the past would bury the answer: the newest one, and those that were next.
    for version in sorted({*final[:_NEXT], *final[-1:]}, reverse=True):
        newer = replace(package, version=version)
        policy = policy_for(asked, newer)
        undated = choose(package.name, candidates_of(newer, index), target, replace(policy, not_after=None))
        shown = [one.candidate for one in undated.judged if one.against is None] or [undated.judged[0].candidate]
        for judged in choose(package.name, shown, target, policy).judged:
            held = "a pre-release" if version.is_prerelease else f"the requirements lead to {package.version}"
            found.append(replace(judged, against=judged.against or held))
    return found


def _explained(choice: Choice, newer: Sequence[Judged]) -> Iterable[Explained]:
    for judged in (*choice.judged, *newer):
        taken = judged.candidate is choice.taken
        reason = judged.against or (
            "taken: the best match" if taken and judged.candidate.is_wheel else _reason(choice, judged, taken)
        )
        yield Explained(
            filename=judged.candidate.filename,
            version=str(judged.candidate.version),
            kind=judged.candidate.kind,
            bytes=judged.candidate.size,
            taken=taken,
            fits=judged.against is None,
            reason=reason,
        )


def _reason(choice: Choice, judged: Judged, taken: bool) -> str:
    if taken:
        return "taken: no wheel fits, so it is built from source"
    if judged.candidate.is_wheel:
        return "fits, but a tag that pip likes better is there"
    return "not needed: a wheel fits" if choice.taken and choice.taken.is_wheel else "another archive is taken"

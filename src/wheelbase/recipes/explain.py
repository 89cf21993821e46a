"""`wheelbase explain`: every file of a package, and why pip takes it on a base or not. Talks to package indexes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Literal

from packaging.utils import canonicalize_name

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import Target, target_of
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings, with_requirements_options
from wheelbase.pins import Asked
from wheelbase.project.values import Requirements, parse_requirement
from wheelbase.recipes.fit import Picked, advice, candidates_of, fit, policy_for
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
    """All files of the version of a package that is chosen on a base, the best first."""

    name: str
    version: str
    base: str
    facts: BaseFacts
    python: str
    taken: str | None
    candidates: tuple[Explained, ...]
    advice: tuple[str, ...]


def explain(
    package: str,
    *,
    base: str,
    requirements: Requirements | None = None,
    arch: Arch = "amd64",
    as_of: date | None = None,
    allow_build: Iterable[str] = (),
    refresh: bool = False,
) -> Explanation:
    """Explain which file of a package pip takes on a base.

    `package` is a PEP 508 line. With `requirements` its version is the one that these lead to, else its own newest.
    Raises `WheelbaseError` where the base, the package or a file for it cannot be had.
    """
    requirement = parse_requirement(package, "argument")
    name = canonicalize_name(requirement.name)
    wanted = requirements or Requirements(source="arguments", requirements=(requirement,))
    facts = load_catalogue().find(base, arch=arch, on=as_of or datetime.now(UTC).date())
    target = target_of(facts)
    if target is None:
        raise BaseError(
            f"no Python is known to install on {base}", hint="choose a base that has one: `wheelbase bases`"
        )
    settings = with_requirements_options(user_settings(wanted.tool_uv), wanted.options)
    asked = Asked(
        requirements=wanted,
        settings=settings,
        python=target.python_minor,
        as_of=as_of,
        allow_build=frozenset(allow_build),
    )
    index = Index(Client(settings), settings, refresh=refresh)
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
        advice=() if picked.taken and picked.taken.is_wheel else (advice(asked, picked, target, base, index),),
    )


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

"""Fit an application to one base: which packages it needs there, which file of each pip takes, and why.

Where a package's resolved version has no file at all that could be taken on a base, pip goes back to an older one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target
from wheelbase.errors import ResolutionError
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.pins import Asked
from wheelbase.project.values import Package, Requirements, pinned
from wheelbase.resolve import Resolution, resolve
from wheelbase.wheels.select import HASH_AGAINST, Choice, Policy, choose, usable

_MAX_STEPS = 8
_ANY_GLIBC = (2, 99)


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A package on a base with the file that pip takes for it, None where there is none to take."""

    package: Package
    choice: Choice

    @property
    def taken(self) -> Candidate | None:
        """Return the file taken."""
        return self.choice.taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """All packages that an application needs on a base, beyond those that the base brings in a fitting version."""

    picked: tuple[Picked, ...]
    present: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def wheels(self) -> tuple[tuple[str, Candidate], ...]:
        """Return the wheels that are taken, each with the name of its package."""
        return tuple((one.package.name, one.taken) for one in self.picked if one.taken and one.taken.is_wheel)


def policy_for(asked: Asked, package: Package) -> Policy:
    """Return what the user's settings allow of a package's files."""
    requirements: Requirements = asked.requirements
    locked = package.candidates is not None
    return Policy(
        hashes=requirements.hashes.get(package.name),
        format_control=asked.settings.format_control,
        # A lock file says what is installed, on whatever date it is read.
        not_after=None if locked else asked.not_after,
        yanked=locked or pinned((*requirements.requirements, *requirements.constraints), package.name),
    )


def candidates_of(package: Package, index: Index) -> tuple[Candidate, ...]:
    """Return the files of a package in its resolved version: its lock file's, else the index's."""
    if package.candidates is not None:
        return package.candidates
    return index.release(package.name, package.version)


def fit(asked: Asked, facts: BaseFacts, target: Target, index: Index) -> Fit:
    """Return what an application needs on a base, in versions that have a file for it where there are such."""
    asked = replace(asked, machine=target.machine)
    resolution = resolve(asked, index)
    picked = _pick(asked, resolution, target, index)
    for _ in range(_MAX_STEPS):
        steps = [step for one in picked if (step := _step_back(asked, one, target, index))]
        narrower = _narrower(asked, steps, index)
        if narrower == asked:
            break
        asked = narrower
        resolution = resolve(asked, index)
        picked = _pick(asked, resolution, target, index)
    present = _present(asked, picked, facts, index)
    kept = tuple(one for one in picked if one.package.name not in present)
    return Fit(picked=kept, present=tuple(present.values()), notes=(*resolution.notes, *_step_notes(asked)))


def _pick(asked: Asked, resolution: Resolution, target: Target, index: Index) -> tuple[Picked, ...]:
    environment = target.marker_variables()
    wanted = [
        package for package in resolution.packages if package.marker is None or package.marker.evaluate(environment)
    ]
    index.fetch(package.name for package in wanted if package.candidates is None)
    return tuple(
        Picked(
            package=package,
            choice=choose(package.name, candidates_of(package, index), target, policy_for(asked, package)),
        )
        for package in sorted(wanted, key=lambda package: package.name)
    )


def _step_back(asked: Asked, picked: Picked, target: Target, index: Index) -> str | None:
    """Return the constraint that leads to the newest older version with a file that pip would rather take."""
    package, taken = picked.package, picked.taken
    wheel = taken is not None and asked.settings.prefer_binary
    if package.candidates is not None or (taken and (taken.is_wheel or not wheel)):
        return None
    newest = newest_usable(asked, package, target, index, below=package.version, wheel=wheel)
    return f"{package.name}<={newest}" if newest else None


def _narrower(asked: Asked, steps: Sequence[str], index: Index) -> Asked:
    """Add the constraints: all of them, else each that can be satisfied with those before it."""
    for group in (steps, *([step] for step in steps if len(steps) > 1)):
        narrower = replace(asked, narrowed=(*asked.narrowed, *group))
        try:
            resolve(narrower, index)
        except ResolutionError:
            continue
        asked = narrower
        if group is steps:
            break
    return asked


def newest_usable(
    asked: Asked, package: Package, target: Target, index: Index, *, below: Version | None = None, wheel: bool = True
) -> Version | None:
    """Return the newest version with a file that installs on the target, of wheels alone if asked so."""
    policy = replace(policy_for(asked, package), hashes=None, yanked=False)
    versions: dict[Version, list[Candidate]] = {}
    for file in index.files(package.name):
        if (file.is_wheel or not wheel) and (below is None or file.version < below) and not file.version.is_prerelease:
            versions.setdefault(file.version, []).append(file)
    for version in sorted(versions, reverse=True):
        if any(usable(package.name, file, target, policy) for file in versions[version]):
            return version
    return None


def advice(asked: Asked, picked: Picked, target: Target, base: str, index: Index) -> str:
    """Return what would make a package fit on a base: another version, or another Python."""
    subject, sentence = advice_parts(asked, picked, target, base, index)
    return sentence.format(subject)


def hash_advice(picked: Picked) -> tuple[str, str] | None:
    """Return (package, sentence) where only the hashes that the requirements allow keep a fitting file out."""
    if picked.taken or not any(judged.against == HASH_AGAINST for judged in picked.choice.judged):
        return None
    return picked.package.name, "the hash of no file that fits is allowed: add those of {} for this base"


def advice_parts(asked: Asked, picked: Picked, target: Target, base: str, index: Index) -> tuple[str, str]:
    """Return (package, sentence with a place for it), so that packages with the same sentence can share it."""
    if about_hashes := hash_advice(picked):
        return about_hashes
    package, name = picked.package, picked.package.name
    if not asked.settings.format_control.allows(name, wheel=True):
        return name, "no wheel of {} is taken: --no-binary"
    if newest := newest_usable(asked, package, target, index):
        return name, f"{name} {newest} is the newest with a wheel for {base}"
    for minor in range(target.python_minor[1] - 1, 7, -1):
        older = replace(target, python=f"3.{minor}")
        if newest := newest_usable(asked, package, older, index):
            return f"{name} {newest}", f"with Python 3.{minor} there is a wheel for {target.libc}: {{}}"
    when = f" as of {asked.as_of}" if asked.as_of else ""
    glibc = replace(target, libc="glibc", libc_version=_ANY_GLIBC)
    if target.libc == "musl" and (newest := newest_usable(asked, package, glibc, index)):
        return f"{name} {newest}", f"there is no wheel for musl{when}, but there is for glibc: {{}}"
    return name, f"no version of {{}} has a wheel for {target.libc_name} on {target.machine}{when}"


def _step_notes(asked: Asked) -> tuple[str, ...]:
    return tuple(
        f"{step.replace('<=', ' ')} is taken: newer versions have no file for this base" for step in asked.narrowed
    )


def _present(asked: Asked, picked: tuple[Picked, ...], facts: BaseFacts, index: Index) -> Mapping[str, str]:
    """Return the packages that the base brings in a version that satisfies the application, which pip then leaves."""
    brought = {"pip": facts.pip, "setuptools": facts.setuptools, "wheel": facts.wheel}
    present = {}
    for one in picked:
        version = brought.get(one.package.name)
        if not version or version == "none":
            continue
        if one.package.candidates is not None or asked.requirements.complete:
            satisfied = one.package.version == Version(version)
        else:
            try:
                resolve(replace(asked, narrowed=(*asked.narrowed, f"{one.package.name}=={version}")), index)
                satisfied = True
            except ResolutionError:
                satisfied = False
        if satisfied:
            present[one.package.name] = f"{one.package.name} {version}"
    return present

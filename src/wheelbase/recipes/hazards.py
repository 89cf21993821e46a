"""What an application lacks on a base when it runs: shared libraries, time zones, certificates. Reads wheels on disk.

Only what is known to be missing is named: a wheel that is not on this machine is not read, and a base of which neither
the files nor the packages are known lacks nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from wheelbase.bases.facts import BaseFacts
from wheelbase.index.simple import Candidate
from wheelbase.oci.store import Store
from wheelbase.recipes.base import DEB, user_store
from wheelbase.system.libraries import Libraries, libraries_of
from wheelbase.system.platform import system_of
from wheelbase.wheels.loaded import loaded
from wheelbase.wheels.needed import Binary, binaries_of, local_wheel
from wheelbase.wheels.system_files import Files, uses_of

_MOST_NAMED = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Hazard:
    """One thing that a package needs and a base lacks.

    `lacks` is the name of a library, or says which of the system's files; `why` is the file in the wheel that needs the
    library, or what the others are for; `install` the system's package that has it, None where that is not known.
    """

    kind: Literal["library", "time zones", "certificates"]
    package: str
    lacks: str
    why: str
    install: str | None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Found:
    """A compiled file, and the wheel that it is in; equal to nothing but itself."""

    package: str
    wheel: Candidate
    binary: Binary


def hazards_of(
    facts: BaseFacts, wheels: Sequence[tuple[str, Candidate]], *, added: Iterable[str] = ()
) -> tuple[Hazard, ...]:
    """Return what wheels, each with the name of its package, lack on a base.

    `added` are system packages that are installed on the base, by name; what they bring along is counted too.
    """
    if facts.image.startswith(DEB):  # without apt in it, but made of apt's packages
        facts = replace(facts, package_manager="apt")
    wanted = [*facts.added_packages, *added]
    system = system_of(facts)
    brought = [one.name for one in system.closure(wanted).packages] if system and wanted else []
    libraries = libraries_of(facts, [*wanted, *brought])
    store = user_store()
    return (*_missing_libraries(wheels, libraries, store), *_missing_files(wheels, facts, libraries))


def hazard_notes(hazards: Iterable[Hazard]) -> Iterator[str]:
    """Yield a sentence for what each package lacks of one kind."""
    groups: dict[tuple[str, str], list[Hazard]] = defaultdict(list)
    for hazard in hazards:
        groups[hazard.package, hazard.kind].append(hazard)
    for (package, _), group in groups.items():
        named = [hazard.lacks for hazard in group[:_MOST_NAMED]]
        more = [f"{len(group) - _MOST_NAMED} more"] if len(group) > _MOST_NAMED else []
        others = " and others" if len({hazard.why for hazard in group}) > 1 else ""
        install = " ".join(dict.fromkeys(hazard.install for hazard in group if hazard.install))
        cure = f": install {install}" if install else ""
        yield f"{package} needs {_listed([*named, *more])} ({group[0].why}{others}), which this base lacks{cure}"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else names[0]


def _missing_libraries(wheels: Sequence[tuple[str, Candidate]], libraries: Libraries, store: Store) -> list[Hazard]:
    """Return the libraries that nothing has, of those that Python's code leads to, each once for a package."""
    found = [
        _Found(package=package, wheel=wheel, binary=binary)
        for package, wheel in wheels
        for binary in binaries_of(wheel, store)
    ]
    needing: dict[str, list[_Found]] = defaultdict(list)
    for one in found:
        for name in one.binary.needed:
            needing[name].append(one)
    brought = {name for one in found for name in one.binary.names}
    missing = {name: users for name, users in needing.items() if name not in brought and libraries.lacks(name)}
    above = {user: _above(user, needing) for users in missing.values() for user in users}
    alive = _loaded(set().union(*above.values()), store)
    first: dict[tuple[str, str], _Found] = {}
    for name, users in missing.items():
        for user in sorted(users, key=lambda user: (not user.binary.module, user.binary.path)):
            if alive & above[user]:
                first.setdefault((user.package, name), user)
    return [
        Hazard(kind="library", package=package, lacks=name, why=user.binary.path, install=libraries.package(name))
        for (package, name), user in sorted(first.items())
    ]


def _above(one: _Found, needing: dict[str, list[_Found]]) -> set[_Found]:
    """Return a file and all that load it, however indirectly."""
    seen = {one}
    left = [one]
    while left:
        for name in left.pop().binary.names:
            new = set(needing.get(name, ())) - seen
            seen |= new
            left += new
    return seen


def _loaded(found: Iterable[_Found], store: Store) -> set[_Found]:
    """Return those of some files that Python's code loads by itself."""
    by_wheel: dict[str, list[_Found]] = defaultdict(list)
    for one in found:
        by_wheel[one.wheel.url].append(one)
    alive: set[_Found] = set()
    for group in by_wheel.values():
        wheel = group[0].wheel
        if path := local_wheel(wheel, store):
            sure = loaded(path, wheel.filename, frozenset(one.binary for one in group))
            alive |= {one for one in group if one.binary in sure}
    return alive


def _missing_files(wheels: Sequence[tuple[str, Candidate]], facts: BaseFacts, libraries: Libraries) -> Iterator[Hazard]:
    names = {package for package, _ in wheels}
    manager = libraries.system.manager if libraries.system else ""
    for package, wheel in wheels:
        for use, files in uses_of(package, wheel.version):
            if not names & set(use.instead) and _lacks(files, facts, libraries):
                yield Hazard(
                    kind=use.kind,
                    package=package,
                    lacks=files.named,
                    why=use.why,
                    install=files.packages.get(manager),
                )


def _lacks(files: Files, facts: BaseFacts, libraries: Libraries) -> bool:
    """Say whether it is known that a base has no such files."""
    owners, system = set(files.owners), libraries.system
    if owners & libraries.added:
        return False
    if facts.userland:
        return (facts.userland.tzdata if files.kind == "time zones" else facts.userland.ca_store) is False
    return system is not None and system.knows_installed and not system.installed & owners

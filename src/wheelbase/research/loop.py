"""Research: build, read why it failed, add the packages that this asks for, and build again. Knows no engine."""

from collections.abc import Callable, Iterable, Sequence, Set
from dataclasses import dataclass, replace
from typing import Literal

from wheelbase.measuring.values import Research
from wheelbase.research.logs import Finding, read_log
from wheelbase.research.naming import candidates
from wheelbase.system.platform import System

ROUNDS = 5
A_ROUND = 2
"""How many missing things one round adds the packages of; a compiler with the headers that it needs is one thing."""
_SAYS_NOTHING = 5  # the rank of what does not say why: what else the log has may


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """One attempt: whether it built, and all that it wrote, in the order in which it did."""

    ok: bool
    log: str


Attempt = Callable[[tuple[str, ...]], Tried]
"""Installs exactly these packages, in order of name, beyond what the base has, and builds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cure:
    """What was added for what: the kind and the name of a finding."""

    of: tuple[str, str]
    packages: tuple[str, ...]


def research(attempt: Attempt, system: System, *, start: Sequence[str] = ()) -> Research:
    """Return what came of at most six builds: one with the packages of `start`, and five rounds of research."""
    given = tuple(dict.fromkeys(start))
    cures: list[_Cure] = []
    seen: set[_Cure] = set()
    rounds: list[tuple[str, ...]] = []
    while True:
        packages = _together(given, cures)
        tried = attempt(packages)
        if tried.ok:
            return Research(rounds=tuple(rounds), packages=packages, outcome="built")
        found = read_log(tried.log)
        more = _next(found, packages, seen, system)
        if isinstance(more, Research):
            return replace(more, rounds=tuple(rounds), packages=packages)
        if len(rounds) == ROUNDS:
            cause = f"after {ROUNDS} rounds: {found[0].cause}"
            return Research(rounds=tuple(rounds), packages=packages, outcome="given up", cause=cause)
        # What was added for a thing that is missing still did not have it: another package takes its place.
        repeated = {cure.of for cure in more}
        cures = [cure for cure in cures if cure.of not in repeated] + more
        seen.update(more)
        rounds.append(tuple(name for name in _together((), more) if name not in packages))


def _together(given: tuple[str, ...], cures: Iterable[_Cure]) -> tuple[str, ...]:
    return tuple(sorted({*given, *(name for cure in cures for name in cure.packages)}))


def _next(
    found: Sequence[Finding], packages: tuple[str, ...], seen: Set[_Cure], system: System
) -> list[_Cure] | Research:
    """Return what to add for the likeliest causes, or why there is nothing to add."""
    chosen: list[_Cure] = []
    rank = 0
    for finding in found:
        if chosen and (finding.rank > rank or len(chosen) == A_ROUND):
            break
        if not finding.curable and not chosen and finding.rank < _SAYS_NOTHING:
            break
        present = {*packages, *system.installed, *(name for cure in chosen for name in cure.packages)}
        cure = _cure(finding, present, seen, system)
        if cure:
            chosen.append(cure)
            rank = finding.rank
    return chosen or _ended(found, seen, system)


def _cure(finding: Finding, present: set[str], seen: Set[_Cure], system: System) -> _Cure | None:
    """Return the likeliest packages that are not all there already and were not tried for the same."""
    of = (finding.kind, finding.name)
    untried = (_Cure(of=of, packages=group) for group in candidates(finding, system) if not present.issuperset(group))
    return next((cure for cure in untried if cure not in seen), None)


def _ended(found: Sequence[Finding], seen: Set[_Cure], system: System) -> Research:
    """Return why nothing is left to try."""
    if not found:
        return _end("not found", "the build failed, and its log says nothing that is known")
    first = found[0]
    if not first.curable:
        unknown = first.kind in ("package", "failed")
        return _end("not found" if unknown else "no package cures it", first.cause)
    tried = [cure.packages for cure in seen if cure.of == (first.kind, first.name)]
    if tried:
        return _end("given up", f"{first.cause} still, with {' or '.join(sorted(' '.join(one) for one in tried))}")
    if candidates(first, system):
        return _end("given up", f"{first.cause}, though its packages are installed")
    return _end("not found", f"{first.cause}, in no package that is known")


def _end(outcome: Literal["no package cures it", "not found", "given up"], cause: str) -> Research:
    return Research(rounds=(), packages=(), outcome=outcome, cause=cause)

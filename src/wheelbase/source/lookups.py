"""What a build file that is followed looks for: on which conditions, and what has to be found after all. Pure.

Something looked for optionally is required where its absence ends in an error, or in another required lookup. So a
condition that is not known here carries the places whose absence makes it true, and a place within a branch knows them.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import msgspec

from wheelbase.source.findings import Evidence, Flag

_MAX_STEPS = 300_000
_MAX_EVIDENCE = 5_000
_MAX_PLACES = 100  # of one condition
_MAX_TEXT = 300  # characters of a flag


class Maybe(msgspec.Struct, frozen=True):
    """A condition that is not known, with the places whose absence makes it true, and those that make it false."""

    absent_if_true: tuple[int, ...] = ()
    absent_if_false: tuple[int, ...] = ()


UNKNOWN = Maybe()
Truth = bool | Maybe
Guards = Sequence[tuple[int, ...]]
"""Of each condition that is not known here: what is absent where it holds."""


class TooMuch(Exception):
    """Evaluation has taken more steps than an honest build does."""


def negated(value: Truth) -> Truth:
    """Return the opposite."""
    return Maybe(value.absent_if_false, value.absent_if_true) if isinstance(value, Maybe) else not value


def both(left: Truth, right: Truth) -> Truth:
    """Return the conjunction: true only with both, so either one's absence is an alternative to the other's."""
    if isinstance(left, bool):
        return right if left else False
    if isinstance(right, bool):
        return left if right else False
    true = left.absent_if_true if right.absent_if_true else ()
    return Maybe(true, (*left.absent_if_false, *right.absent_if_false)[:_MAX_PLACES])


def either(left: Truth, right: Truth) -> Truth:
    """Return the disjunction."""
    return negated(both(negated(left), negated(right)))


class Branch(NamedTuple):
    """Where a branch starts among what is found, and the number of conditions that it stands on."""

    start: int
    depth: int


class Lookups:
    """What was found so far, the conditions of the point that evaluation has reached, and how many steps are left."""

    def __init__(self) -> None:
        """Start with nothing found, on no condition."""
        self.evidence: list[Evidence] = []
        self.flags: list[Flag] = []
        self.guards: Guards = ()
        self.condition = ""
        self._steps = _MAX_STEPS
        self._wanted: dict[int, int] = {}  # what has to be found, with the number of conditions on which

    def step(self, count: int = 1) -> None:
        """Count steps. Raises TooMuch where there are too many."""
        self._steps -= count
        if self._steps < 0:
            raise TooMuch

    @contextmanager
    def under(self, guards: Guards, condition: str = "") -> Iterator[None]:
        """Evaluate on further conditions; the last one is told as it is written."""
        before = self.guards, self.condition
        self.guards, self.condition = (*self.guards, *guards), condition or self.condition
        try:
            yield
        finally:
            self.guards, self.condition = before

    def add(self, evidence: Evidence) -> int:
        """Keep evidence, and return its place."""
        self.step(_MAX_STEPS // _MAX_EVIDENCE)
        self.evidence.append(evidence)
        return len(self.evidence) - 1

    def change(self, place: int, **values: object) -> None:
        """Change the evidence at a place."""
        self.evidence[place] = msgspec.structs.replace(self.evidence[place], **values)

    def want(self, place: int) -> None:
        """Note that something has to be found where this point is reached."""
        self._wanted[place] = len(self.guards)

    def branch(self, conditions: int) -> Branch:
        """Return the branch that starts now, on further conditions."""
        return Branch(len(self.evidence), len(self.guards) + conditions)

    def want_what_all_do(self, branches: Sequence[Branch]) -> tuple[int, ...]:
        """Note what has to be found in each of several branches, of which one is taken: here too. Return its places."""
        ends = [*(branch.start for branch in branches[1:]), len(self.evidence)]
        wanted = [
            {
                (one.kind, one.name): place
                for place in range(branch.start, end)
                if self._wanted.get(place) == branch.depth and not (one := self.evidence[place]).bundled
            }
            for branch, end in zip(branches, ends, strict=True)
        ]
        places = [places[key] for key in wanted[0] for places in wanted if all(key in other for other in wanted)]
        for place in places:
            self.want(place)
        return tuple(places)

    def decisive(self, guards: Guards) -> tuple[int, ...]:
        """Return the places that have to be found so that a point is not reached where the build fails or needs more.

        Of several alternatives the first is taken; none where the point hangs on something else too.
        """
        return guards[0] if guards and all(guards) else ()

    def spared(self) -> str:
        """Return what is looked for rather than what is looked for at this point ("cmake ZLIB"), empty if none."""
        places = self.decisive(self.guards)
        return f"{self.evidence[places[0]].kind} {self.evidence[places[0]].name}" if places else ""

    def flag(self, flag: Flag) -> None:
        """Keep a flag, its text cut to a bound."""
        self.flags.append(msgspec.structs.replace(flag, text=flag.text[:_MAX_TEXT]))

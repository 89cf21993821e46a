"""The evidence of what a CMake project looks for, and which of it has to be found for the build to go on. Pure."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from wheelbase.source.cmake_evaluator import Evaluator
from wheelbase.source.cmake_reader import Command
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.lookups import Branch, Lookups
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

_SECONDARY = 0.4
_LINKED = 0.5


class Recorder(Evaluator):
    """A project with the evidence that is kept of it. One that is `secondary` is not known to be what is built."""

    def __init__(self, tree: SourceTree, root: str, options: Mapping[str, str | None], *, secondary: bool) -> None:
        """`root` is its folder ("src/")."""
        super().__init__(tree, Lookups(), options)
        self.root = self.folder = root
        self.secondary = secondary
        self.fetched: set[str] = set()  # libraries whose copies are built: lower case, without "lib"
        self.links: list[tuple[str, Evidence]] = []

    def add(self, kind: Kind, name: str, command: Command, *, required: bool, bundled: bool = False) -> int:
        """Add evidence, and return its place."""
        if required:
            self.fails()
        certain = required and self.is_sure
        one = self._evidence(kind, name, command, certain=certain, bundled=bundled)
        instead_of = self.lookups.spared() if required and not self.secondary else ""
        place = self.lookups.add(msgspec.structs.replace(one, instead_of=instead_of))
        if required and not self.secondary:
            self.lookups.want(place)
        return place

    def _evidence(
        self, kind: Kind, name: str, command: Command, *, certain: bool, bundled: bool = False, weight: float = 0.6
    ) -> Evidence:
        doubtful = self.secondary or (kind != "language" and not certain and is_vendored(self.path))
        return Evidence(
            kind=kind,
            name=name[:200],
            where=f"{self.path}:{command.line}",
            need="required" if certain else "optional",
            weight=round((self._certainty if certain else weight) * (_SECONDARY if doubtful else 1), 2),
            bundled=bundled,
            condition=self.lookups.condition,
        )

    @property
    def is_sure(self) -> bool:
        """Whether the build comes to this point whatever there is."""
        return not self.lookups.guards and not self.secondary

    @property
    def _certainty(self) -> float:
        return 0.95 if self.path == f"{self.root}CMakeLists.txt" else 0.9

    def link(self, name: str, command: Command, *, certain: bool) -> None:
        """Note what is linked by a name, which may be that of a target that follows."""
        self.links.append((name, self._evidence("library", name, command, certain=certain, weight=_LINKED)))

    def linked(self) -> Iterator[Evidence]:
        """Yield what is linked by a name that is no target's."""
        linked = dict.fromkeys(evidence for name, evidence in self.links if name not in self.targets)
        for evidence in linked:
            if _stem(evidence.name) in self.fetched:
                yield msgspec.structs.replace(evidence, need="optional", weight=_LINKED, bundled=True)
            elif self.unseen_targets:
                yield msgspec.structs.replace(evidence, need="optional", weight=min(evidence.weight, _LINKED))
            else:
                yield evidence

    def sought(self, name: str, places: list[int], required: bool) -> None:
        """Note the variables that tell whether something was found."""
        for variable in (name, f"{name}_FOUND", f"{name.upper()}_FOUND", f"{name}_LIBRARIES", f"{name}_INCLUDE_DIRS"):
            self.results[variable] = tuple(places)
            self.variables[variable] = "TRUE" if required and not self.secondary else None

    def flag(self, kind: Any, text: str, command: Command) -> None:
        """Note what no package fixes."""
        self.lookups.flag(Flag(kind=kind, text=text, where=f"{self.path}:{command.line}"))

    def _wants_version(self, text: str, command: Command) -> None:
        if self.is_sure:
            self.flag("version", text, command)

    def has_copy(self, name: str = "") -> None:
        """Note that a copy of a library is built: where the branch is about its absence, in place of the system's."""
        if name and not self.lookups.guards:
            self.fetched.add(_stem(name))
        for place in self.lookups.guards[-1] if self.lookups.guards else ():
            self.lookups.change(place, bundled=True)

    def fails(self) -> None:
        """Make required what has to be found so that this point is not reached, where a build fails or needs more."""
        for place in () if self.secondary else self.lookups.decisive(self.lookups.guards):
            self._require(place)

    def in_all(self, branches: list[Branch]) -> None:
        """Make required what every branch of a test needs."""
        self._need(self.lookups.want_what_all_do(branches))

    def _need(self, places: Iterable[int]) -> None:
        """Make required what was looked for before, where it is known here that it has to be found."""
        for place in places if self.is_sure else ():
            self._require(place)

    def _require(self, place: int) -> None:
        self.lookups.change(place, need="required", weight=self._certainty, condition="")


def _stem(name: str) -> str:
    return name.lower().removeprefix("lib")

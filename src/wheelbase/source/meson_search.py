"""How a Meson project looks for things: evidence of each, and whether the build does without it. Pure."""

from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from wheelbase.source.findings import LINKED_ANYWAY, Evidence, Flag
from wheelbase.source.lookups import UNKNOWN, Guards, Lookups
from wheelbase.source.meson_evaluator import Evaluator
from wheelbase.source.meson_names import LANGUAGES, RUN_ANYWAY
from wheelbase.source.meson_reader import Reader
from wheelbase.source.meson_values import Sought, flat, is_required, of_sought, places_that_spare, truth_of
from wheelbase.source.tree import SourceTree
from wheelbase.system.names import Kind

_SECONDARY = 0.4


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """What a project and its subprojects share.

    `wheels` are the normalized names of what is installed before the build, `provided` the dependencies that a project
    itself provides to the others. A `secondary` build is not known to be what the Python build runs.
    """

    tree: SourceTree
    lookups: Lookups
    reader: Reader
    wheels: frozenset[str]
    provided: set[str]
    secondary: bool


class Search(Evaluator):
    """A project with what it looks for, but dependencies."""

    def __init__(self, build: Build, root: str) -> None:
        """`root` is the project's folder ("subprojects/x/")."""
        super().__init__(build.reader, build.lookups)
        self.build = build
        self.root = self.folder = root

    def languages(self, names: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Note the languages of a project."""
        required = is_required(keywords)
        for name in flat(names):
            if name in ("nasm", "masm"):
                self.look("program", ["nasm"], keywords, where)
            elif required is not None and name in LANGUAGES:
                self.add("language", LANGUAGES[name], where, required=required)
        return True if required else UNKNOWN

    def of_compiler(self, name: str, names: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Return what a method of a compiler gives."""
        if name in ("get_id", "get_argument_syntax"):
            return "gcc"
        text = next((item for item in names if isinstance(item, str)), "")
        if name == "find_library":
            if text in LINKED_ANYWAY or flat([keywords.get("dirs", [])]):  # beside another package's files
                return Sought(found=True)
            return self.look("library", [text], keywords, where)
        if name in ("has_header", "check_header") and text and text != "Python.h":
            sought = self.look("header", [text], {"required": False} | keywords, where)
            return truth_of(of_sought(sought, "found"))
        return UNKNOWN

    def find_program(self, names: list[Any], keywords: dict[str, Any], where: str) -> Sought:
        """Look for a program: one of the archive's own, or that a wheel brings, is there."""
        named = [name for name in names if isinstance(name, str)]
        local = any(folder + name in self.build.tree for name in named for folder in (self.folder, ""))
        known = any(RUN_ANYWAY.match(name) or canonicalize_name(name) in self.build.wheels for name in named)
        if local or known or any("/" in name for name in named) or not named:
            return Sought(found=True if local or known else None)
        return self.look("program", named, keywords, where)

    def look(self, kind: Kind, names: list[str], keywords: dict[str, Any], where: str) -> Sought:
        """Add what is looked for: of several names the first that a system may have."""
        required = is_required(keywords)
        if required is None:
            return Sought(found=False)
        name = next((name for name in names if name and "@" not in name), "")
        if not name:
            return Sought()
        if required:
            self.fails(self.lookups.guards)
        place = self.add(kind, name, where, required=required or bool(places_that_spare(keywords)))
        return Sought(places=(place,), found=True if required else None)

    def add(
        self, kind: Kind, name: str, where: str, *, required: bool, bundled: bool = False, weight: float = 0.6
    ) -> int:
        """Add evidence, and return its place."""
        certain = required and not self.lookups.guards and not self.build.secondary
        share = _SECONDARY if self.build.secondary else 1
        evidence = Evidence(
            kind=kind,
            name=name[:200],
            where=where,
            need="required" if certain else "optional",
            weight=(self._certainty if certain else 0.4 if kind == "header" else weight) * share,
            bundled=bundled,
            condition=self.lookups.condition,
        )
        return self.lookups.add(evidence)

    @property
    def _certainty(self) -> float:
        return 0.95 if self.path == "meson.build" else 0.9

    def fails(self, guards: Guards) -> None:
        """Make required what has to be found so that a point is not reached where the build fails or needs more."""
        if not self.build.secondary:
            for place in self.lookups.decisive(guards):
                self.lookups.change(place, need="required", weight=self._certainty, condition="")

    def flag(self, kind: Any, text: str, where: str) -> None:
        """Note what no package fixes."""
        self.lookups.flag(Flag(kind=kind, text=text, where=where))

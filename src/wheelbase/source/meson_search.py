"""How a Meson project looks for things: evidence of each, and whether the build does without it. Pure."""

import posixpath
import re
from dataclasses import dataclass
from typing import Any

from packaging.utils import canonicalize_name

from wheelbase.source.findings import LINKED_ANYWAY, Evidence, Flag
from wheelbase.source.lookups import UNKNOWN, Branch, Guards, Lookups
from wheelbase.source.macros import define
from wheelbase.source.meson_evaluator import Evaluator
from wheelbase.source.meson_names import LANGUAGES, RUN_ANYWAY
from wheelbase.source.meson_reader import Reader
from wheelbase.source.meson_values import (
    MAX_ITEMS,
    Some,
    Sought,
    flat,
    is_required,
    of_sought,
    places_that_spare,
    truth_of,
)
from wheelbase.source.tree import SourceTree
from wheelbase.system.names import Kind

_SECONDARY = 0.4
_SYSTEM_FOLDERS = ("/usr", "/lib", "/opt", "/sw", "lib", "lib64")
_ALTERNATIVE = 0.3
_DOWNLOADS = re.compile(r"\burlopen\(|\burlretrieve\(|\brequests\.get\(")
_MODULE = re.compile(r"[A-Za-z][\w.+-]*")


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
            dirs = keywords.get("dirs", [])
            folders = [folder for folder in flat([list(dirs) if isinstance(dirs, Some) else dirs]) if folder]
            # In folders that are not the system's it is beside another package's files.
            elsewhere = any(not (isinstance(folder, str) and folder.startswith(_SYSTEM_FOLDERS)) for folder in folders)
            if text in LINKED_ANYWAY or elsewhere:
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

    def run_command(self, words: list[Any], keywords: dict[str, Any], where: str) -> None:
        """Note a program that is run while configuring, and the modules that pkg-config is asked for."""
        for path in (posixpath.normpath(self.folder + word) for word in words if isinstance(word, str)):
            if path.endswith(".py") and _DOWNLOADS.search(self.build.tree.text(path)):
                self.flag("download", f"{path} downloads something", where)
        program = words[0] if words else None
        if isinstance(program, str):
            self.find_program([program], {}, where)
        elif isinstance(program, Sought) and program.places:
            program = self.lookups.evidence[program.places[0]].name
        if program in ("pkg-config", "pkgconf"):
            for module in (word for word in words[1:] if isinstance(word, str) and _MODULE.fullmatch(word)):
                self.look("pkg-config", [module], {"required": keywords.get("check") is True}, where)

    def links(self, arguments: list[Any], where: str) -> tuple[int, ...]:
        """Note the libraries of `-lNAME`; those of a folder that is named may be the archive's own."""
        named = [one[2:] for one in arguments if isinstance(one, str) and one.startswith("-l")]
        own = any(not isinstance(one, str) or one.startswith("-L") for one in arguments)
        places = [self.add("library", name, where, required=False) for name in named if name not in LINKED_ANYWAY]
        return () if own else tuple(places)

    def declared(self, keywords: dict[str, Any], where: str) -> tuple[int, ...]:
        """Return the places of what something is linked with, by itself and by what it depends on."""
        used = [one for one in flat([keywords.get("dependencies") or []]) if isinstance(one, Sought)]
        own = self.links(flat([keywords.get("link_args") or []]), where)
        return (*own, *(place for one in used for place in one.links))[:MAX_ITEMS]

    def uses(self, places: tuple[int, ...]) -> None:
        """Make required what is linked with a module that is always built."""
        for place in () if self.lookups.guards or self.build.secondary else places:
            if not self.lookups.evidence[place].condition:
                self.lookups.change(place, need="required", weight=self._certainty)

    def executable(self, sources: list[Any], keywords: dict[str, Any]) -> None:
        """Note the sources of a program that is built on a condition, or with what disables it; not those of others."""
        used = flat([keywords.get("dependencies") or []])
        disabled = any(isinstance(one, Sought) and one.disables and not one.found for one in used)
        if not (self.lookups.guards or disabled) or self.build.secondary:
            return
        text = self.build.tree.text(self.path)
        for source in (one for one in sources if isinstance(one, str) and text.count(one) == 1):
            self.build.tree.conditional[posixpath.join(self.folder, source)] = self.lookups.condition or "a disabler"

    def make(self, name: str, sources: list[Any], keywords: dict[str, Any]) -> None:
        """Note what a target that is always built is made of."""
        if self.lookups.guards or self.build.secondary or keywords.get("build_by_default") is False:
            return
        for source in flat([*sources, keywords.get("sources") or []]):
            if isinstance(source, str):
                path = posixpath.normpath(posixpath.join(self.folder, source))
                self.build.tree.compiled.setdefault(path, set()).add(self.root + name)

    def defines(self, arguments: list[Any]) -> None:
        """Note the macros of `-DNAME`."""
        for word in arguments if not self.lookups.guards and not self.build.secondary else ():
            if isinstance(word, str) and word.startswith("-D"):
                define(self.build.tree, word[2:])

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
        for other in names[names.index(name) + 1 :]:
            self.add(kind, other, where, required=False, weight=_ALTERNATIVE, instead_of=f"{kind} {name}")
        return Sought(places=(place,), found=True if required else None)

    def add(
        self,
        kind: Kind,
        name: str,
        where: str,
        *,
        required: bool,
        bundled: bool = False,
        weight: float = 0.6,
        instead_of: str = "",
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
            instead_of=instead_of or (self.lookups.spared() if required and not self.build.secondary else ""),
        )
        place = self.lookups.add(evidence)
        if required and not self.build.secondary:
            self.lookups.want(place)
        return place

    def in_all(self, branches: list[Branch]) -> None:
        """Make required what every branch of a test needs."""
        places = self.lookups.want_what_all_do(branches)
        for place in () if self.lookups.guards else places:
            self.lookups.change(place, need="required", weight=self._certainty, condition="")

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

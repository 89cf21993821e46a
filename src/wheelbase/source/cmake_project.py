"""A CMake project as it is configured: its folders and targets, and what it downloads. Pure."""

import itertools
import re
from collections.abc import Sequence

from packaging.utils import canonicalize_name

from wheelbase.source.cmake_names import LANGUAGES, LINK_WORDS, RUN_ANYWAY
from wheelbase.source.cmake_reader import Command
from wheelbase.source.cmake_search import VARIABLE, Search
from wheelbase.source.cmake_values import SOURCE
from wheelbase.source.findings import Flag
from wheelbase.source.lookups import TooMuch
from wheelbase.source.macros import define
from wheelbase.source.python_commands import find_in_command, is_config_program, is_pkg_config
from wheelbase.source.python_values import Const
from wheelbase.source.tree import is_vendored

_PROGRAM = re.compile(r"[a-z][a-z0-9_+-]*")


class Project(Search):
    """One project."""

    def configure(self) -> None:
        """Evaluate the project. Failing to read stops it, with a flag; what was found stays."""
        for name in ("CMAKE_SOURCE_DIR", "PROJECT_SOURCE_DIR"):
            self.variables[name] = f"{SOURCE}/{self.root}".rstrip("/")
        try:
            self.enter(self.root)
        except (TooMuch, RecursionError):
            self.lookups.flag(Flag(kind="unreadable", text="evaluating it takes too long", where=f"{self.path}:1"))

    def _do_project(self, command: Command, words: list[str]) -> None:
        name = next(iter(self.expanded(command.arguments[0])), None) if command.arguments else None
        if name:
            self.variables[f"{name}_SOURCE_DIR"] = self.variables.get("CMAKE_CURRENT_SOURCE_DIR")
        self.variables["PROJECT_SOURCE_DIR"] = self.variables.get("CMAKE_CURRENT_SOURCE_DIR")
        self.variables["PROJECT_NAME"] = name
        is_outermost = self.folder == self.root
        self.variables["PROJECT_IS_TOP_LEVEL"] = "ON" if is_outermost else "OFF"
        if is_outermost:
            self.variables["CMAKE_PROJECT_NAME"] = name
        after = words[words.index("LANGUAGES") + 1 :] if "LANGUAGES" in words else words[1:]
        named = [word for word in after if word.upper() in LANGUAGES or word == "NONE"]
        self._do_enable_language(command, named if named or "LANGUAGES" in words else ["C", "CXX"])

    def _do_add_subdirectory(self, command: Command, words: list[str]) -> None:
        if words and not words[0].startswith("/"):
            path = self.inside(words[0])
            self.unseen_targets |= f"{path}/CMakeLists.txt".removeprefix("./") not in self.tree
            if is_vendored(f"{path}/") or not f"{path}/".startswith(self.root):
                self.has_copy()
            before = self.part
            self.part |= "EXCLUDE_FROM_ALL" in words
            self.enter(f"{path}/" if path not in ("", ".") else "")
            self.part = before
        else:
            self.unseen_targets = True

    def _do_add_library(self, command: Command, words: list[str]) -> None:
        names = self.expanded(command.arguments[0]) if command.arguments else []
        self.targets.update(name for name in names if name)
        self.unseen_targets |= None in names
        if "EXCLUDE_FROM_ALL" in words:
            self.excluded.update(words[:1])
        self._do_target_sources(command, words)

    _do_add_executable = _do_add_custom_target = _do_python_add_library = _do_pybind11_add_module = _do_add_library
    _do_nanobind_add_module = _do_python3_add_library = _do_add_library

    def _do_target_sources(self, command: Command, words: list[str]) -> None:
        if words and not self.lookups.guards and words[0] not in self.excluded and not self.part:
            for word in words[1:]:
                self.compiled.setdefault(self.inside(word), set()).add(words[0])

    def _do_add_definitions(self, command: Command, words: list[str]) -> None:
        for word in words if self.is_sure and not is_vendored(self.path) else ():
            define(self.tree, word.removeprefix("-D"))

    _do_add_compile_definitions = _do_add_definitions

    def _do_target_compile_definitions(self, command: Command, words: list[str]) -> None:
        self._do_add_definitions(command, [word for word in words[1:] if word not in LINK_WORDS])

    def _do_link_directories(self, command: Command, words: list[str]) -> None:
        self.unseen_targets = True  # or libraries that stand elsewhere

    _do_target_link_directories = _do_corrosion_import_crate = _do_link_directories

    def _do_message(self, command: Command, words: list[str]) -> None:
        if words and words[0] in ("FATAL_ERROR", "SEND_ERROR"):
            self.fails()

    def _downloads(self, name: str, url: str, command: Command) -> None:
        if self.lookups.guards:
            self.fails()  # without a network
        else:
            self.has_copy(name)
        if not self.secondary:
            may = "may be" if self.lookups.guards else "is"
            self.flag("download", f"{name} {may} downloaded{f' from {url}' if url else ''}", command)

    def _do_fetchcontent_declare(self, command: Command, words: list[str]) -> None:
        name = words[0] if words else ""
        raw = {argument.text for argument in command.arguments}
        if not raw & {"URL", "GIT_REPOSITORY", "SVN_REPOSITORY", "HG_REPOSITORY"}:
            return
        pairs = [
            (before.text, self.text_of(after.text) or "") for before, after in itertools.pairwise(command.arguments)
        ]
        url = next((after for before, after in pairs if before in ("URL", "GIT_REPOSITORY")), "")
        folders = [f"{self.inside(after)}/" for before, after in pairs if before == "SOURCE_DIR" and after]
        overridden = f"FETCHCONTENT_SOURCE_DIR_{name.upper()}" in self.variables
        disconnected = self.variables.get("FETCHCONTENT_FULLY_DISCONNECTED") == "ON"
        within = any(path.startswith(folder) for folder in folders for path in self.tree.sizes)
        if "FIND_PACKAGE_ARGS" in raw:
            self.add("cmake", name, command, required=False, bundled=True)
        if url.startswith((SOURCE, ".")) or overridden or disconnected or within:
            self.has_copy(name)
        else:
            self.unseen_targets = True
            self._downloads(name, url, command)

    _do_fetchcontent_populate = _do_externalproject_add = _do_fetchcontent_declare

    def _do_cpmaddpackage(self, command: Command, words: list[str]) -> None:
        name = words[words.index("NAME") + 1] if "NAME" in words[:-1] else words[0] if words else "a package"
        self.unseen_targets = True
        self._downloads(name, "", command)

    _do_cpmfindpackage = _do_cpmaddpackage

    def _do_file(self, command: Command, words: list[str]) -> None:
        if words[:1] == ["DOWNLOAD"]:
            self._downloads(words[1] if len(words) > 1 else "a file", "", command)
        if len(words) > 1 and words[0] in ("GLOB", "GLOB_RECURSE"):
            if "RELATIVE" in words:
                self.relative.add(words[1])
            self.globbed[words[1]] = [path for word in words[2:] for path in self._matching(words[0], word)]
            for path in self.globbed[words[1]]:
                self.source(path)

    def _matching(self, how: str, pattern: str) -> Sequence[str]:
        folder, _, name = self.inside(pattern).rpartition("/")
        inner = "/".join(filter(None, (folder, "**" if how == "GLOB_RECURSE" else "", name)))
        return self.tree.matching(inner, recursive=True) or ()

    def _do_list(self, command: Command, words: list[str]) -> None:
        super()._do_list(command, words)
        if words[:1] == ["REMOVE_ITEM"] and not self.lookups.guards:
            others = {path for name, paths in self.globbed.items() if name != words[1] for path in paths}
            # What is found has its whole path, unless it was asked for relative ones.
            whole = (word for word in words[2:] if word.startswith(SOURCE) or words[1] in self.relative)
            for path in {*self.globbed.get(words[1], ())}.intersection(map(self.inside, whole)):
                if path not in others and path not in self.compiled:
                    self.sources.pop(path, None)
        if words[:1] == ["FILTER"] and words[2:4] == ["EXCLUDE", "REGEX"] and len(words) > 4:
            left_out = words[4].replace(".*", "").replace("\\", "").strip("^$")  # whatever else it says
            for path in self.globbed.get(words[1], ()):
                if left_out in path:
                    self.sources.pop(path, None)

    def _do_execute_process(self, command: Command, words: list[str]) -> None:
        for before, after in itertools.pairwise(words):
            fetches = before.rsplit("/", 1)[-1] in ("curl", "wget") or after == "clone"
            if fetches or (before, after) == ("submodule", "update"):
                self._downloads("something", "", command)
        if not {"OUTPUT_VARIABLE", "RESULT_VARIABLE", "RESULTS_VARIABLE", "ERROR_QUIET"} & {*words} or (
            "COMMAND_ERROR_IS_FATAL" in words
        ):
            self._runs(command, words)
        for before, name in itertools.pairwise(words):
            if before == "COMMAND" and (is_config_program(name) or is_pkg_config(name)):
                self._asks(command, words[words.index(name) :], required="RESULT_VARIABLE" not in words)
        self.variables.update({word: None for word in words if word in self.variables})

    def _asks(self, command: Command, words: list[str], *, required: bool) -> None:
        """Note a program that tells how to use a library, or what pkg-config is asked for."""
        line = " ".join(itertools.takewhile(lambda word: not word.isupper(), words))
        for item in find_in_command(Const(line), "", (), sure=True):
            if isinstance(item, Flag):
                continue
            own = canonicalize_name(item.name).removesuffix("-config") in self.wheels
            if item.kind != "program" or not own:
                self.add(item.kind, item.name, command, required=required)

    def _do_add_custom_command(self, command: Command, words: list[str]) -> None:
        self._runs(command, words)
        for before, after in itertools.pairwise(command.arguments):
            if before.text == "COMMAND" and (variable := VARIABLE.fullmatch(after.text)):
                self.uses(variable[1])

    def _runs(self, command: Command, words: list[str]) -> None:
        """Note the programs that are run whatever they give."""
        for before, name in itertools.pairwise(words):
            own = name in self.targets or canonicalize_name(name) in self.wheels
            if before == "COMMAND" and _PROGRAM.fullmatch(name) and not own and not RUN_ANYWAY.match(name):
                self.add("program", name, command, required=True)

"""How a CMake project looks for things: what its commands find, and what of that it uses. Pure."""

import itertools
import re
from collections.abc import Mapping

from packaging.utils import canonicalize_name

from wheelbase.source.backend import pyproject_table
from wheelbase.source.cmake_evidence import Recorder
from wheelbase.source.cmake_generated import generated
from wheelbase.source.cmake_names import (
    HAD_ANYWAY,
    LANGUAGES,
    LINK_WORDS,
    OF_DEVELOPERS,
    OF_WINDOWS,
    PACKAGES,
    PKG_CONFIG_WORDS,
    RUN_ANYWAY,
    X11_PARTS,
    boost_libraries,
    components_of,
    names_of,
)
from wheelbase.source.cmake_reader import Argument, Command
from wheelbase.source.cmake_values import SOURCE
from wheelbase.source.findings import LINKED_ANYWAY
from wheelbase.source.lookups import Truth
from wheelbase.source.own_headers import own_header
from wheelbase.source.tree import SourceTree, is_vendored
from wheelbase.system.names import Kind

_MAX_ITEMS = 200
_MAX_LINKS = 5_000
_KEYWORDS = ("REQUIRED", "QUIET", "COMPONENTS", "CONFIG", "MODULE", "NO_MODULE", "EXACT")
_INCLUDE = re.compile(r"#\s*include\s*[<\"]([\w./+-]{1,120})[>\"]")
_IMPORTED = re.compile(r"(?!PkgConfig)(\w+)::\w+|PkgConfig::(\w+)")
_OF_X11 = re.compile(r"X11_(\w+)_(?:INCLUDE_PATH|LIB|FOUND)")
VARIABLE = re.compile(r"\$\{(\w+)\}")
"""An argument that is a variable."""


_PROJECT = re.compile(r"^\s*project\s*\(", re.IGNORECASE | re.MULTILINE)


class Search(Recorder):
    """A project with what it looks for."""

    def __init__(
        self, tree: SourceTree, root: str, options: Mapping[str, str | None], wheels: frozenset[str], *, secondary: bool
    ) -> None:
        """`root` is its folder ("src/"); `wheels` are the normalized names of what is installed before the build."""
        super().__init__(tree, root, options, secondary=secondary)
        self.wheels = wheels
        self.globbed: dict[str, list[str]] = {}  # files that patterns stand for, by the variables they are kept in
        self.relative: set[str] = set()  # those of the variables whose files have no whole paths
        self.excluded: set[str] = set()  # targets that are built only when they are asked for
        self.part = False  # whether all targets are, in the folder that is followed
        self.compiled: dict[str, set[str]] = {}  # targets, by the files that they are made of
        self.x11: tuple[str, Command] | None = None  # what looks for it and its other libraries, some of which matter
        self._demanded: dict[str, tuple[int, ...]] = {}  # places without which a find module of the archive fails
        if wheels & {"scikit-build-core", "scikit-build"}:
            self.variables["SKBUILD"] = "2"
        if "scikit-build-core" in wheels:
            self.variables |= {"SKBUILD_PROJECT_NAME": _project_name(tree), "SKBUILD_STATE": "wheel"}

    def _do_set(self, command: Command, words: list[str]) -> None:
        super()._do_set(command, words)
        variable = VARIABLE.fullmatch(command.arguments[1].text) if len(command.arguments) > 1 else None
        if variable and words and (places := self.results.get(variable[1])):
            self.results[words[0]] = places

    def _do_enable_language(self, command: Command, words: list[str]) -> None:
        for word in words:
            if word.upper() in LANGUAGES:
                self.add("language", LANGUAGES[word.upper()], command, required="OPTIONAL" not in words)
            elif word == "ASM_NASM":
                self.add("program", "nasm", command, required=True)

    def _do_find_package(self, command: Command, words: list[str]) -> None:
        name = words[0] if words else ""
        if not name or name in _KEYWORDS:  # after a name that is not known
            return
        if "NAMES" in words[:-1]:  # of which it takes the first that is there
            name = words[words.index("NAMES") + 1]
            self.variables[f"{words[0]}_VERSION_MAJOR"] = re.sub(r"\D", "", name)
        required = "REQUIRED" in words or command.name == "find_dependency"
        had = HAD_ANYWAY.match(name) or (OF_DEVELOPERS.match(name) and not (required and self.is_sure))
        if had or canonicalize_name(name) in self.wheels:
            self.variables[f"{name}_FOUND"] = "TRUE" if required else None
            return
        if self._is_brought(name):
            self.variables[f"{name}_FOUND"] = "TRUE"
            return
        kind, asked = PACKAGES.get(name, ("cmake", name))
        if asked in self.wheels:
            return
        demanded = self._by_own_module(name) if kind == "cmake" else ()
        if self._is_brought(name):
            self.variables[f"{name}_FOUND"] = "TRUE"
            return
        copied = not {"PATHS", "HINTS"}.isdisjoint(words) and self._is_copied(name)
        if demanded:
            places = list(demanded)
            if required:
                self.fails()
                self._need(places)
        else:
            # A variable in a component's name is its version.
            parts = [argument.text.partition("$")[0] for argument in command.arguments] if name == "Boost" else []
            asked_for: list[tuple[Kind, str]] = [("library", part) for part in boost_libraries(parts)] or [
                (kind, asked)
            ]
            asked_for += [("cmake", part) for part in components_of(name, words)]
            places = [self.add(kind, asked, command, required=required, bundled=copied) for kind, asked in asked_for]
        self.sought(name, places, required)
        self.x11 = (self.path, command) if name == "X11" else self.x11
        if kind == "cmake" and required and not copied and len(words) > 1 and words[1][:1].isdigit():
            self._wants_version(f"{name} >= {words[1]}", command)

    def truth(self, argument: Argument) -> Truth:
        """Return what a constant or a variable comes to as a condition."""
        part = _OF_X11.fullmatch(argument.text)
        if part and part[1] in X11_PARTS and self.x11 and argument.text not in self.results:
            here, (self.path, command) = self.path, self.x11
            self.results[argument.text] = (self.add("pkg-config", X11_PARTS[part[1]], command, required=False),)
            self.path = here
        return super().truth(argument)

    def _is_copied(self, name: str) -> bool:
        """Say whether the archive brings a project of this name, which is built before where a place is named."""
        ends = f"/{name}/CMakeLists.txt".lower()
        paths = (path for path in self.tree.headers("CMakeLists.txt") if f"/{path}".lower().endswith(ends))
        return any(is_vendored(path) or _PROJECT.search(self.tree.text(path)) for path in paths)

    def _is_brought(self, name: str) -> bool:
        """Say whether the project has said before where a package is, within the archive."""
        names = (f"{start}_INCLUDE_DIR{end}" for start in (name, name.upper()) for end in ("", "S"))
        return any((self.variables.get(variable) or "").startswith(SOURCE) for variable in names)

    def _by_own_module(self, name: str) -> tuple[int, ...]:
        """Follow a find module of the archive's own; return the places without which it finds nothing."""
        if name.lower() not in self._demanded:
            self._demanded[name.lower()] = ()
            with self.lookups.under([()]):  # what it looks for may be one of several ways to find it
                self.follow(self.modules.get(f"Find{name}.cmake", ""))
        return self._demanded[name.lower()]

    def _do_find_package_handle_standard_args(self, command: Command, words: list[str]) -> None:
        found = tuple(dict.fromkeys(self.results[word][0] for word in words[1:] if self.results.get(word)))
        if words:
            self._demanded[words[0].lower()] = found
            if f"/Find{words[0]}.cmake" not in f"/{self.path}":
                self.sought(words[0], list(found), required=False)

    # The two of jrl-cmakemodules, which robotics' projects fetch.
    _do_find_dependency = _do_add_project_dependency = _do_add_project_private_dependency = _do_find_package

    def _do_pkg_check_modules(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [word for word in words[1:] if word not in PKG_CONFIG_WORDS]
        modules = [match for match in (re.match(r"([\w.+-]+)\s*(([<>]=?|=).*)?$", name) for name in names) if match]
        if command.name == "pkg_search_module":
            modules = modules[:1]
        if modules:
            self.add("program", "pkg-config", command, required=required)
        places = [
            self.add("pkg-config", module[1], command, required=required)
            for module in modules[:_MAX_ITEMS]
            if not module[1][0].isdigit()
        ]
        for module in modules:
            if module[2] and required:
                self._wants_version(f"{module[1]} {module[2]}", command)
        if words:
            self.sought(words[0], places, required)

    _do_pkg_search_module = _do_pkg_check_modules

    def _do_find_library(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [name for name in names_of(words) if re.fullmatch(r"[A-Za-z_][\w.+-]*", name)]
        if not words or not names or LINKED_ANYWAY & set(names) or self.variables.get(words[0]):
            return  # one that is set already is looked for no more
        name = next((name for name in names if not name.startswith("lib")), names[0].removeprefix("lib"))
        self.sought(words[0], [self.add("library", name.removesuffix(".so"), command, required=required)], required)
        self.files.add(words[0])

    def _do_find_path(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = [name for name in names_of(words) if re.search(r"\.(h|hh|hpp|hxx)$", name) and name != "Python.h"]
        if not words or self.variables.get(words[0]):
            return
        folders = [word.removeprefix(SOURCE).strip("/") for word in words if word.startswith(SOURCE)]
        own = [own_header(self.tree, "", name) for name in names_of(words)] if folders else []
        if any(path and path.startswith(folder) for path in own for folder in folders):
            self.variables[words[0]] = SOURCE  # the archive has a copy
        elif names:
            self.sought(words[0], [self.add("header", names[0], command, required=required)], required)
            self.files.add(words[0])

    _do_find_file = _do_find_path

    def _do_select_library_configurations(self, command: Command, words: list[str]) -> None:
        for name in words[:1]:
            self.results[f"{name}_LIBRARY"] = self.results.get(f"{name}_LIBRARY_RELEASE", ())

    def _do_find_program(self, command: Command, words: list[str]) -> None:
        required = "REQUIRED" in words
        names = names_of(words)
        there = any(RUN_ANYWAY.match(name) or canonicalize_name(name) in self.wheels for name in names)
        if words and names and not there and re.fullmatch(r"[A-Za-z][\w.+-]*", names[0]):
            self.sought(words[0], [self.add("program", names[0], command, required=required)], required)

    def _do_check_include_file(self, command: Command, words: list[str]) -> None:
        self._checks("header", words[0].split(";")[-1:] if words else [], command, words[1:])

    _do_check_include_files = _do_check_include_file_cxx = _do_check_include_file

    def _do_check_symbol_exists(self, command: Command, words: list[str]) -> None:
        self._checks("header", words[1].split(";")[-1:] if len(words) > 2 else [], command, words[2:])

    _do_check_cxx_symbol_exists = _do_check_symbol_exists

    def _do_check_c_source_compiles(self, command: Command, words: list[str]) -> None:
        self._checks("header", _INCLUDE.findall(words[0])[-1:] if words else [], command, words[1:])

    _do_check_cxx_source_compiles = _do_check_c_source_compiles
    _do_check_c_source_runs = _do_check_cxx_source_runs = _do_check_c_source_compiles

    def _do_check_library_exists(self, command: Command, words: list[str]) -> None:
        self._checks("library", [word for word in words[:1] if word not in LINKED_ANYWAY], command, words[-1:])

    def _checks(self, kind: Kind, names: list[str], command: Command, variables: list[str]) -> None:
        """Note a check of CMake's own: of several names the last stands for all."""
        for variable in variables[:1]:
            self.variables[variable] = None
            if names and re.fullmatch(r"[\w./+-]+", names[0]) and not self.secondary:
                self.results[variable] = (self.add(kind, names[0], command, required=False),)

    def _do_protobuf_generate(self, command: Command, words: list[str]) -> None:
        if "protoc" not in self.wheels and "grpcio-tools" not in self.wheels:
            self.add("program", "protoc", command, required=True)

    _do_protobuf_generate_cpp = _do_protobuf_generate_python = _do_protobuf_generate

    def _do_target_link_libraries(self, command: Command, words: list[str]) -> None:
        self._uses(command)
        for word in itertools.chain.from_iterable(map(generated, words[1:])) if len(self.links) < _MAX_LINKS else ():
            name = word.removeprefix("-l")
            plain = re.fullmatch(r"[A-Za-z][\w.+-]*", name)
            if plain and name not in LINK_WORDS | LINKED_ANYWAY | OF_WINDOWS and not name.endswith((".a", ".lib")):
                certain = self.is_sure and words[0] not in self.excluded
                self.link(name, command, certain=certain)

    def _do_link_libraries(self, command: Command, words: list[str]) -> None:
        self._do_target_link_libraries(command, ["", *words])

    def _do_target_link_options(self, command: Command, words: list[str]) -> None:
        self._do_target_link_libraries(command, words[:1] + [word for word in words[1:] if word.startswith("-l")])

    def _do_target_include_directories(self, command: Command, words: list[str]) -> None:
        self._uses(command)

    _do_include_directories = _do_target_include_directories

    def _uses(self, command: Command) -> None:
        for argument in command.arguments:
            if target := _IMPORTED.fullmatch(argument.text):
                self.uses(target[1] or target[2])
            elif (variable := VARIABLE.fullmatch(argument.text)) and variable[1] in self.files:
                self.uses(variable[1])

    def uses(self, name: str) -> None:
        """Make required what CMake refuses to go on without: targets of packages, and what find_… looked for."""
        for place in self.results.get(name, ()) if self.is_sure else ():
            one = self.lookups.evidence[place]
            if one.need == "optional" and not one.condition and not one.bundled:
                self._require(place)


def _project_name(tree: SourceTree) -> str:
    """Return the project's name; that of any where pyproject.toml does not tell it."""
    name = pyproject_table(tree, "project").get("name")
    return name if isinstance(name, str) and name else "project"

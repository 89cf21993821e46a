"""A Meson project as it is configured: options, subprojects, and what its calls mean. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from wheelbase.source.lookups import UNKNOWN, Maybe, TooMuch
from wheelbase.source.meson_names import HAD_ANYWAY, OF_MODULES, meaning_of
from wheelbase.source.meson_reader import Subprojects
from wheelbase.source.meson_search import Build, Search
from wheelbase.source.meson_values import (
    Feature,
    Sought,
    Thing,
    as_type,
    compared,
    flat,
    is_required,
    of_dict,
    of_feature,
    of_sought,
    of_string,
    option_of,
    truth_of,
)

_TARGETS = frozenset("executable static_library shared_module shared_library library both_libraries".split())
_BUILT_IN = {"buildtype": "release", "wrap_mode": "default", "cmake_prefix_path": [], "pkg_config_path": []}


class Project(Search):
    """One project, or subproject."""

    def __init__(
        self, build: Build, root: str = "", *, settings: Mapping[str, Any], outer: Subprojects | None = None
    ) -> None:
        """`settings` are the options that are given; `outer` are the subprojects of the project around it."""
        super().__init__(build, root)
        self.settings = dict(settings)
        self.options: dict[str, Any] = dict(_BUILT_IN)
        self.subprojects = Subprojects(self.build.tree, f"{root}subprojects/", outer)
        self._outer = outer

    def configure(self) -> None:
        """Evaluate the options, then the build. Failing to read stops it, with a flag; what was found stays."""
        names = (self.root + name for name in ("meson.options", "meson_options.txt"))
        try:
            if options := next((name for name in names if name in self.build.tree), ""):
                self.follow(options)
            self.options |= {name: self._as_option(name, value) for name, value in self.settings.items()}
            self.follow(self.root + "meson.build")
        except (TooMuch, RecursionError):
            self.flag("unreadable", "evaluating it takes too long", f"{self.path or self.root}:1")

    def function(self, name: str, arguments: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Return what a call of a function gives."""
        text = arguments[0] if arguments and isinstance(arguments[0], str) else ""
        if name in _TARGETS:
            self.make(text or where, arguments[1:], keywords)
        match name:
            case "project":
                self._project(arguments[1:], keywords, where)
            case "option":
                self.options[text] = option_of(keywords)
            case "get_option":
                return self._get_option(text)
            case "add_languages":
                return self.languages(arguments, keywords, where)
            case "dependency":
                return self._dependency(flat(arguments), keywords, where)
            case "find_program":
                return self.find_program(flat(arguments), keywords, where)
            case "subproject":
                return self._subproject(text, keywords, where)
            case "subdir" if text and ".." not in text:
                self._subdir(text)
            case "error":
                self.fails(self.lookups.guards)
            case "assert" if arguments and isinstance(test := truth_of(arguments[0]), Maybe):
                self.fails([*self.lookups.guards, test.absent_if_false])
            case "set_variable" if len(arguments) == 2:
                self.variables[text] = arguments[1]
            case "get_variable":
                return self.variables.get(text, arguments[1] if len(arguments) == 2 else UNKNOWN)
            case "is_variable":
                return True if text in self.variables else UNKNOWN
            case "run_command":
                self.run_command(flat(arguments), keywords, where)
            case "add_project_arguments" | "add_global_arguments":
                self.defines(flat(arguments))
            case "add_project_link_arguments" | "add_global_link_arguments":
                self.uses(self.links(flat(arguments), where))
            case "declare_dependency":
                return Sought(found=True, links=self.declared(keywords, where))
            case "executable":
                self.executable(flat(arguments[1:]), keywords)
            case "shared_module" | "shared_library" | "library" | "both_libraries":
                self.uses(self.declared(keywords, where))
                self.defines(flat([keywords.get(key) or [] for key in ("c_args", "cpp_args")]))
            case "disabler":
                return Sought(found=False)
            case "files":
                return flat(arguments)
        return UNKNOWN

    def method(self, owner: Any, name: str, arguments: list[Any], keywords: dict[str, Any], where: str) -> Any:
        """Return what a call of a value's method gives."""
        if name == "get_variable" and arguments[:1] == ["implementation_lower"]:
            return "cpython"  # of Python, whatever module of Meson it came from
        match owner:
            case Sought():
                return of_sought(owner, name)
            case Feature():
                return of_feature(owner, name, [truth_of(item) for item in arguments])
            case Thing(name="meson"):
                return self._of_meson(name, arguments)
            case Thing(name="compiler"):
                return self.of_compiler(name, flat(arguments), keywords, where)
            case Thing():
                return "linux" if name == "system" else UNKNOWN
            case _ if name == "extension_module":
                self.function("shared_module", arguments, keywords, where)
            case str():
                return of_string(owner, name, arguments)
            case list() if name in ("contains", "length"):
                return len(owner) if name == "length" else compared("in", arguments[0] if arguments else "", owner)
            case dict() if name in ("has_key", "get", "keys"):
                return of_dict(owner, name, arguments)
        return UNKNOWN

    def _of_meson(self, name: str, arguments: list[Any]) -> Any:
        if name == "get_compiler":
            return Thing("compiler")
        if name == "override_dependency" and arguments and isinstance(arguments[0], str) and not self.lookups.guards:
            self.build.provided.add(arguments[0])
        if name in ("get_external_property", "get_cross_property", "get_native_property"):
            return arguments[1] if len(arguments) > 1 else UNKNOWN  # no file of properties is given
        return {"is_subproject": bool(self.root), "is_cross_build": False, "backend": "ninja"}.get(name, UNKNOWN)

    def _project(self, languages: list[Any], keywords: dict[str, Any], where: str) -> None:
        self.languages(languages, {}, where)
        folder = keywords.get("subproject_dir")
        if isinstance(folder, str):
            self.subprojects = Subprojects(self.build.tree, f"{self.root}{folder.strip('/')}/", self._outer)
        for name, value in _pairs(keywords.get("default_options")):
            if name not in self.settings:
                self.options[name] = self._as_option(name, value)

    def _as_option(self, name: str, value: Any) -> Any:
        return as_type(value, self.options.get(name)) if isinstance(value, str) else value

    def _get_option(self, name: str) -> Any:
        value = self.options.get(name, UNKNOWN)
        return Feature(str(self.options.get("auto_features", "auto"))) if value == Feature("auto") else value

    def _subdir(self, name: str) -> None:
        before, self.folder = self.folder, f"{self.folder}{name.strip('/')}/"
        self.follow(self.folder + "meson.build")
        self.folder = before

    def _dependency(self, names: list[Any], keywords: dict[str, Any], where: str) -> Sought:
        named = [name for name in names if isinstance(name, str)]
        name = named[0] if named else ""
        if not named or HAD_ANYWAY.match(name) or canonicalize_name(name) in self.build.wheels:
            if names and not named and is_required(keywords) and not self.lookups.guards:
                self.flag("dynamic", "a dependency whose name only the build knows", where)
            return Sought(found=None if names and names != [""] else False)
        if not self.build.provided.isdisjoint(named):
            return Sought(found=True)
        fallback = self._fallback(named, keywords) if is_required(keywords) is not None else ""
        if self.subprojects.sources_of(fallback):
            return self._bundled(fallback, named, keywords, where)
        if fallback:
            self._downloads(fallback, where, ", where the system has none")
        kind, meant = meaning_of(named, keywords, chosen=any("blas" in option.lower() for option in self.options))
        if name in OF_MODULES:
            *others, last = meant
            for other in others:
                self.look(kind, [other], keywords, where)
            meant = [last]
        sought = self.look(kind, meant, keywords, where)
        if is_required(keywords) and not self.lookups.guards and not self.build.secondary:
            for version in flat([keywords.get("version") or []]):
                self.flag("version", f"{name} {version}", where)
        return msgspec.structs.replace(sought, disables=keywords.get("disabler") is True)

    def _fallback(self, named: list[str], keywords: dict[str, Any]) -> str:
        """Return the subproject that is used where the system lacks a dependency, empty where there is none."""
        mode = self.options.get("wrap_mode")
        given = flat([keywords.get("fallback") or []])
        wanted = bool(is_required(keywords)) or bool(given) or keywords.get("allow_fallback") is True
        if mode == "nofallback" or keywords.get("allow_fallback") is False or not wanted:
            return ""
        provider = given[0] if given and isinstance(given[0], str) else self.subprojects.provider_of(named)
        downloaded = self.subprojects.wrap(provider) and mode != "nodownload"
        return provider if downloaded or self.subprojects.sources_of(provider) else ""

    def _bundled(self, project: str, named: list[str], keywords: dict[str, Any], where: str) -> Sought:
        """Follow the copy of a dependency: what it needs in turn is needed, unless the system has the dependency."""
        kind, meant = meaning_of(named, keywords, chosen=False)
        self.add(kind, meant[0], where, required=False, bundled=True)
        self._configure(project, keywords)
        return Sought(found=True if is_required(keywords) else None)

    def _subproject(self, name: str, keywords: dict[str, Any], where: str) -> Sought:
        """Follow a subproject whose sources are there; say of another that it is downloaded."""
        if is_required(keywords) is None:
            return Sought(found=False)
        wrap, there = self.subprojects.wrap(name), bool(self.subprojects.sources_of(name))
        if there or wrap:
            provided = min(wrap.provides, default=name) if wrap else name
            self.add("pkg-config", provided, where, required=False, bundled=True, weight=0.4)
        if there:
            self._configure(name, keywords)
        elif wrap:
            self._downloads(name, where)
        return Sought(found=True)

    def _configure(self, name: str, keywords: dict[str, Any]) -> None:
        """Configure a subproject, once; that it fails is no harm where it is not required."""
        source = self.subprojects.sources_of(name)
        if not self.reader.is_new(f"{source}meson.build"):
            return
        given = {
            option.removeprefix(f"{name}:"): value
            for option, value in self.settings.items()
            if option.startswith(f"{name}:")
        }
        settings = {"wrap_mode": self.options["wrap_mode"], **dict(_pairs(keywords.get("default_options"))), **given}
        with self.lookups.under([] if is_required(keywords) else [()]):
            Project(self.build, source, settings=settings, outer=self.subprojects).configure()

    def _downloads(self, name: str, where: str, when: str = "") -> None:
        wrap = self.subprojects.wrap(name)
        url = (wrap and wrap.url) or "where its .wrap file says"
        self.flag("download", f"{name} is downloaded from {url}{when}", where)


def _pairs(given: Any) -> Iterator[tuple[str, Any]]:
    """Yield the options of `default_options`: a dictionary, or texts as "name=value"."""
    if isinstance(given, dict):
        yield from given.items()
    else:
        for item in flat([given or []]):
            name, _, value = str(item).partition("=")
            yield name, value

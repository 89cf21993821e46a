"""All that can be found in a source archive by reading it. Pure; bounded in time and memory."""

from collections.abc import Callable, Iterable, Iterator
from email.parser import HeaderParser
from itertools import islice

import msgspec

from wheelbase.source.archive import purity_of
from wheelbase.source.autotools import find_in_autotools
from wheelbase.source.backend import (
    Backend,
    backend_of,
    find_in_pyproject,
    programs_of_wheels,
    project_of,
    pyproject_table,
)
from wheelbase.source.by_vcs import find_in_requirements
from wheelbase.source.cargo import find_in_cargo
from wheelbase.source.cmake import find_in_cmake
from wheelbase.source.counts import count_work
from wheelbase.source.cython import find_in_cython, find_languages
from wheelbase.source.findings import Evidence, Findings, Flag
from wheelbase.source.golang import find_in_go
from wheelbase.source.includes import find_in_c
from wheelbase.source.makefile import MAKEFILES
from wheelbase.source.meson import find_in_meson
from wheelbase.source.python_age import find_in_age, find_in_metadata
from wheelbase.source.python_evidence import OTHER_BUILDS
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree, shown

VERSION = "findings-45"
"""To be raised with any change of what is found: results are kept under it."""

_RECIPES = (*MAKEFILES, "CMakeLists.txt", "meson.build", "SConstruct", "build.ninja")
_MOST = 2_000
_LONGEST_NAME = 250  # characters: what is longer names nothing
_LONGEST_TEXT = 500

Detector = Callable[[SourceTree], Iterable[Evidence | Flag]]
_DETECTORS: dict[str, Detector] = {  # by what they read
    "pyproject.toml": find_in_pyproject,
    "build requirements": find_in_requirements,
    "Python scripts": find_in_python,
    "Meson files": find_in_meson,
    "CMake files": find_in_cmake,
    "Cargo files": find_in_cargo,
    "Go modules": find_in_go,
    "configure scripts": find_in_autotools,
    "Cython sources": find_in_cython,
    "C sources": find_in_c,
    "languages": find_languages,
    "what is too old": find_in_age,
    "PKG-INFO": find_in_metadata,
}


def analyse(tree: SourceTree) -> Findings:
    """Return what every detector finds in an archive; nothing of a pure one that runs and fetches nothing."""
    backend = backend_of(tree)
    name, version = _identity(tree)
    evidence: dict[Evidence, None] = {}
    flags: dict[Flag, None] = {}
    for what, detector in _DETECTORS.items():
        for found in _found_by(detector, tree, what):
            if isinstance(found, Flag):
                flags[_plain_flag(found)] = None
            elif len(found.name) <= _LONGEST_NAME:
                evidence[_plain_evidence(found)] = None
    if purity_of(tree):
        runs = [one for one in evidence if one.kind == "program" and one.need == "required"]
        if not runs and not any(flag.kind == "download" and not flag.condition for flag in flags):
            return Findings(name=name, version=version, backend=backend.name, build_requires=backend.requires)
        if not any(True for _ in tree.named(*_RECIPES)):
            flags |= {_without_sources(one): None for one in runs if one.name in OTHER_BUILDS}
    if not tree.whole:
        flags[Flag(kind="unreadable", text="only the start of this large archive was read", where="its end")] = None
    counts: dict[str, float] = {}
    try:
        counts = count_work(tree)
    except Exception as error:  # whatever it is: files of strangers are read here
        flags[_failed("the size of the work", error)] = None
    return Findings(
        name=name,
        version=version,
        backend=backend.name,
        build_requires=backend.requires,
        evidence=tuple(_without_wheels(evidence, backend))[:_MOST],
        flags=tuple(flags)[:_MOST],
        counts=counts,
    )


def _without_sources(build: Evidence) -> Flag:
    return Flag(
        kind="unreadable", text=f"{build.name} is run, and the archive has nothing to compile", where=build.where
    )


def _found_by(detector: Detector, tree: SourceTree, what: str) -> Iterator[Evidence | Flag]:
    """Yield what one detector finds. One that an archive defeats is said to be, and takes nothing from the others."""
    try:
        yield from islice(detector(tree), _MOST)
    except Exception as error:  # whatever it is: files of strangers are read here
        yield _failed(what, error)


def _failed(what: str, error: Exception) -> Flag:
    said = " ".join(f"{type(error).__name__} {error}".split())[:_LONGEST_NAME]
    return Flag(kind="unreadable", text=f"the analysis of {what} failed: {said}", where=what)


def _without_wheels(evidence: Iterable[Evidence], backend: Backend) -> list[Evidence]:
    """Leave out the programs that pip installs with what the build requires, and the libraries of cmeel's wheels."""
    listed = list(evidence)
    required = (project_of(one.name) for one in listed if one.kind == "requirement" and one.need == "required")
    brought = programs_of_wheels((*backend.required_names, *required))
    left = [one for one in listed if one.kind != "program" or one.name not in brought]
    if not any(name.startswith("cmeel-") for name in backend.required_names):  # "cmeel-boost"
        return left
    kept = ("program", "language", "requirement")
    return [one if one.kind in kept else msgspec.structs.replace(one, need="optional", bundled=True) for one in left]


def _plain_evidence(one: Evidence) -> Evidence:
    """Return the same without what controls a terminal: nearly always the same object."""
    name, where, condition = shown(one.name), shown(one.where), shown(one.condition)
    if (name, where, condition) == (one.name, one.where, one.condition):
        return one
    return msgspec.structs.replace(one, name=name, where=where, condition=condition)


def _plain_flag(one: Flag) -> Flag:
    return msgspec.structs.replace(
        one,
        text=shown(one.text)[:_LONGEST_TEXT],
        where=shown(one.where),
        condition=shown(one.condition)[:_LONGEST_TEXT],
    )


def _identity(tree: SourceTree) -> tuple[str, str]:
    """Return (name, version) as the archive's metadata or its pyproject.toml state them."""
    metadata = HeaderParser().parsestr(tree.text("PKG-INFO"))
    if name := metadata.get("Name"):
        return _one_line(name), _one_line(metadata.get("Version", ""))
    project = pyproject_table(tree, "project")
    return _one_line(project.get("name", "")), _one_line(project.get("version", ""))


def _one_line(value: object) -> str:
    return shown(" ".join(str(value).split()))[:_LONGEST_NAME]

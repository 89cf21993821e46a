"""All that can be found in a source archive by reading it. Pure; bounded in time and memory."""

import tomllib
from collections.abc import Callable, Iterable
from email.parser import HeaderParser

from wheelbase.source.archive import facts_of
from wheelbase.source.autotools import find_in_autotools
from wheelbase.source.backend import backend_of, find_in_pyproject
from wheelbase.source.cargo import find_in_cargo
from wheelbase.source.cmake import find_in_cmake
from wheelbase.source.counts import count_work
from wheelbase.source.cython import find_in_cython, find_languages
from wheelbase.source.findings import Evidence, Findings, Flag
from wheelbase.source.includes import find_in_c
from wheelbase.source.meson import find_in_meson
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree

VERSION = "findings-1"
"""To be raised with any change of what is found: results are kept under it."""

_MOST = 2_000

Detector = Callable[[SourceTree], Iterable[Evidence | Flag]]
_DETECTORS: tuple[Detector, ...] = (
    find_in_pyproject,
    find_in_python,
    find_in_meson,
    find_in_cmake,
    find_in_cargo,
    find_in_autotools,
    find_in_cython,
    find_in_c,
    find_languages,
)


def analyse(tree: SourceTree) -> Findings:
    """Return what every detector finds in an archive; nothing of a pure one."""
    backend = backend_of(tree)
    name, version = _identity(tree)
    if facts_of(tree).pure:
        return Findings(name=name, version=version, backend=backend.name, build_requires=backend.requires)
    evidence: list[Evidence] = []
    flags: list[Flag] = []
    for detector in _DETECTORS:
        for found in detector(tree):
            if isinstance(found, Evidence):
                evidence.append(found)
            else:
                flags.append(found)
    return Findings(
        name=name,
        version=version,
        backend=backend.name,
        build_requires=backend.requires,
        evidence=tuple(dict.fromkeys(evidence))[:_MOST],
        flags=tuple(dict.fromkeys(flags))[:_MOST],
        counts=count_work(tree),
    )


def _identity(tree: SourceTree) -> tuple[str, str]:
    """Return (name, version) as the archive's metadata or its pyproject.toml state them."""
    metadata = HeaderParser().parsestr(tree.text("PKG-INFO"))
    if name := metadata.get("Name"):
        return name, metadata.get("Version", "")
    try:
        project = tomllib.loads(tree.text("pyproject.toml")).get("project", {})
        return str(project.get("name", "")), str(project.get("version", ""))
    except (tomllib.TOMLDecodeError, RecursionError, AttributeError):
        return "", ""

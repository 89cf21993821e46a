"""What Debian's own packages of Python projects are built with: a second opinion, by project. Reads the shipped data.

They are of other versions than the one that is looked at, so they confirm what was found and never add to it. The data
is made from the indices of all releases that are shipped, by the names that installed projects go by.
"""

import json
import lzma
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from packaging.utils import canonicalize_name

from wheelbase.system.debian import contents, relations, stanzas
from wheelbase.system.owned_files import is_foreign

Recipes = dict[str, set[str]]

# The folder, or the one file, that says which project a package has: NAME-VERSION.dist-info.
_METADATA = re.compile(
    r"usr/lib/python3[\d.]*/dist-packages/_*([A-Za-z\d][\w.]*?)(?:-\d[^/]*?)?(?:-py3[.\d]*)?\.(?:dist|egg)-info(?:/|$)",
    re.ASCII,
)
_MAY_BE_METADATA = re.compile(rb"usr/lib/python3[\d.]*/dist-packages/[^/\s]+-info[/\s]")
_SOURCE = frozenset(("Binary", "Build-Depends", "Build-Depends-Arch", "Build-Depends-Indep"))
# Python's own headers, and those of Python modules, which builds get from an index.
_PYTHON = re.compile(r"(?:lib)?python3-|(?:lib)?python-(?:all-)?dev")
# Tools that compile or generate code: not those that documentation and tests ask for too, as git and doxygen.
_TOOLS = frozenset(
    "autoconf automake bison cargo cmake default-jdk-headless flex gfortran golang-go gperf libtool m4 meson nasm"
    " ninja-build nodejs pkg-config pkgconf protobuf-compiler ragel rustc swig yasm".split()
)


@cache
def load_recipes() -> Mapping[str, tuple[str, ...]]:
    """Return the -dev packages and tools that Debian builds each project with, by normalised name."""
    raw = lzma.decompress((files("wheelbase.system") / "data" / "recipes.xz").read_bytes())
    return {project: tuple(packages) for project, packages in json.loads(raw).items()}


def recipes(contents_lines: Iterable[bytes], sources_lines: Iterable[str]) -> Recipes:
    """Return the recipes of one release, from the lines of Contents and Sources."""
    projects = defaultdict(set)
    for path, owners in contents(contents_lines, _MAY_BE_METADATA):
        if found := _METADATA.match(path):
            for owner in owners:
                projects[owner].add(canonicalize_name(found[1]))
    built: Recipes = defaultdict(set)
    for stanza in stanzas(sources_lines, _SOURCE):
        binaries = stanza.pop("Binary", "").split(",")
        # Of alternatives Debian takes the first.
        needed = {group[0] for field in stanza.values() for group in relations(field) if _is_known(group[0])}
        for project in {project for binary in binaries for project in projects.get(binary.strip(), ())}:
            built[project] |= needed
    return built


def _is_known(package: str) -> bool:
    if package in _TOOLS:
        return True
    return package.endswith("-dev") and package != "dpkg-dev" and not (_PYTHON.match(package) or is_foreign(package))


def written(releases: Iterable[Recipes]) -> bytes:
    """Return the data to ship, of all releases together: the same bytes for the same recipes."""
    merged: Recipes = defaultdict(set)
    for one in releases:
        for project, packages in one.items():
            merged[project] |= packages
    table = {project: sorted(merged[project]) for project in sorted(merged) if merged[project]}
    return lzma.compress(json.dumps(table, separators=(",", ":")).encode(), preset=9 | lzma.PRESET_EXTREME)

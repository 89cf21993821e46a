"""What a CMake build asks of the system: its files are split into commands and followed as CMake would on Linux.

Only what decides is evaluated: variables set to constants, options with their defaults and the settings of
pyproject.toml, the system, and whether something was found. A branch that Linux never takes yields nothing; what stands
in one that may be taken is optional. What is looked for without REQUIRED is required after all where a fatal message
stands in the branch of its absence.
"""

import posixpath
import re
from collections.abc import Container, Iterable, Iterator, Mapping

from wheelbase.source.backend import Backend, backend_of, hooks_of
from wheelbase.source.cmake_project import Project
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.syntax import Given, plain_texts
from wheelbase.source.tree import SourceTree

_MAX_ITEMS = 200
_TELLING = ("scikit-build-core", "py-build-cmake", "cmeel")
_BACKENDS = (*_TELLING, "scikit-build", "cmake-build-extension", "cmake")

_BINDINGS = ("pybind11", "nanobind")
_TOLD = (
    r"import {0}|{0}\W?global|-m\W+{0}\b|{0}_(?:DIR|ROOT)|cmake-?_?dir|site-packages|purelib"
    r"|CMAKE_PREFIX_PATH(?![\"' =]+(?:/|\$\{{CONDA))"
)
"""How scripts and projects tell CMake where such a wheel is."""
_TO_RUN = re.compile(r"install_requires[ \t]*=[ \t]*(?:\[[^\]]*\]|[\"'][^\"']*[\"'])")

_OPTION = re.compile(r"-D([A-Za-z]\w{0,80})(?::[A-Z]{1,8})?=(\w{0,80})(?=[\"'\s\\])")
_CALLS = re.compile(
    r"[\"'/]cmake3?[\"' ]|\b(skbuild|cmake_build_extension)\b|\bcmake (--build|\.|-)|class CMake\w*", re.IGNORECASE
)
"""How a setup.py runs CMake."""


def find_in_cmake(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the CMake projects that the build configures look for; of one that it does not, doubtfully."""
    if tree.built_nothing:
        return
    backend = backend_of(tree)
    script = _scripts(tree)
    runs = backend.requires_any(*_BACKENDS) or "cmake" in tree.notes.get("run", ()) or bool(_CALLS.search(script))
    if "skbuild" in script and backend.requires_any("scikit-build"):  # which has none of its own
        yield Evidence(kind="program", name="cmake", where="setup.py:1")
    options: Mapping[str, str | None] = backend.cmake_options or _defined_in(script, tree.notes.get("defines"))
    brought = _brought(tree, backend, script)
    for folder in _projects(tree, backend, script if runs else ""):
        project = Project(tree, folder, options, brought, secondary=not runs)
        project.configure()
        if runs:
            tree.conditional.update({path: condition for path, condition in project.sources.items() if condition})
            left_out = (path for path in project.left_out() if path not in tree.built)
            tree.conditional.update(dict.fromkeys(left_out, "in no branch that Linux takes"))
            tree.built.update(project.sources)
            for path in project.compiled.keys() & tree.sizes.keys():
                tree.compiled.setdefault(path, set()).update(project.compiled[path])
            tree.fetched |= project.fetched
            if project.is_read:
                tree.followed.add(folder)
            tree.built_otherwise |= bool(project.sources) and not project.is_read
        yield from dict.fromkeys(project.lookups.evidence)
        yield from project.linked()
        yield from dict.fromkeys(project.lookups.flags)


def _scripts(tree: SourceTree) -> str:
    """Return setup.py with the modules beside it that it names, or of a folder beside it, and the backend's hooks."""
    setup = tree.text("setup.py")
    near = (path for path in tree.ending(".py") if path.count("/") < 2 and path != "setup.py")
    beside = (path for path in near if path[:-3].replace("/", ".") in setup)
    return "\n".join([setup, *(tree.text(path) for path in (*beside, *hooks_of(tree)))])


def _brought(tree: SourceTree, backend: Backend, script: str) -> frozenset[str]:
    """Return the normalized names of requirements whose wheels the projects find.

    Those of bindings are where CMake does not look unless it is told.
    """
    script = _TO_RUN.sub("", script)
    brought = backend.required_names | {name for name in _BINDINGS if name in script + tree.text("pyproject.toml")}
    bindings = brought.intersection(_BINDINGS)
    if not bindings or backend.requires_any(*_TELLING):
        return brought
    texts = [script, *(tree.text(path) for path in tree.ending("pyproject.toml", "cmakelists.txt", ".cmake"))]
    return brought - {name for name in bindings if not any(re.search(_TOLD.format(name), text) for text in texts)}


def _projects(tree: SourceTree, backend: Backend, script: str) -> list[str]:
    """Return the folders of CMake projects: the stated or the outermost one, else those that setup.py names."""
    stated = f"{backend.cmake_folder}/" if backend.cmake_folder else ""
    if f"{stated}CMakeLists.txt" in tree:
        return [stated]
    folders = [path.removesuffix("CMakeLists.txt") for path in tree.named("CMakeLists.txt")]
    outer = [
        one for one in folders if not any(one != other and one.startswith(other) for other in folders[:_MAX_ITEMS])
    ]
    return [one for one in outer[:_MAX_ITEMS] if posixpath.basename(one.rstrip("/")) in script][:8] if script else []


def _defined_in(script: str, live: Mapping[str, Given] | None) -> dict[str, str | None]:
    """Return the options that setup.py gives: None for one of several values, or that it gives on a condition.

    `live` are the texts in code that Linux may run, where they are known.
    """
    always = {match[1] for match in _options(plain_texts(script))}
    if live is None:
        return _values([script], always)
    always &= {match[1] for match in _options(text for text, given in live.items() if given.called)}
    always |= {match[1] for match in _options(text for text, given in live.items() if given.always)}
    return _values(live, set()) | _values([text for text, given in live.items() if given.likely], always)


def _values(texts: Iterable[str], always: Container[str]) -> dict[str, str | None]:
    found: dict[str, set[str]] = {}
    for match in _options(texts):
        found.setdefault(match[1], set()).add(match[2])
    return {name: values.pop() if len(values) == 1 and name in always else None for name, values in found.items()}


def _options(texts: Iterable[str]) -> Iterator[re.Match[str]]:
    for text in texts:
        yield from _OPTION.finditer(f"{text!r}")

"""Which scripts of an archive its build starts with, and where they look for modules. Pure."""

import ast
import re
from collections.abc import Iterator

from wheelbase.source.backend import Backend, hooks_of, pyproject_table
from wheelbase.source.tree import SourceTree, is_vendored

BUILDS = re.compile(rb"setuptools|distutils|pkg.?config|cffi|Extension\(|set_source|libraries", re.IGNORECASE)
"""What tells of a script that has to do with extensions."""
_BUILD_SCRIPT = re.compile(r"_?(setup|build|cffi)\w*\.py|\w+_(build|setup|cffi|ffi)\.py|build_\w+\.py|configure\.py")
_GENERATED = re.compile(r"^\s*generate-setup-file\s*=\s*true", re.MULTILINE)  # which calls its build()
_OTHER_BACKENDS = (
    "mesonpy",
    "maturin",
    "scikit_build_core",
    "hatchling",
    "flit",
    "poetry",
    "pdm",
    "whey",
    "enscons",
    "uv_build",
)


def is_program(tree: SourceTree, backend: Backend) -> bool:
    """Say whether the build script is run as a program, with none of its functions called: Poetry does so."""
    return backend.name.startswith("poetry") and not _GENERATED.search(tree.text("pyproject.toml"))


def required_names(parsed: ast.Module) -> Iterator[str]:
    """Yield the names of features that a script lists as required."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List | ast.Set | ast.Tuple):
            names = [
                t.id if isinstance(t, ast.Name) else t.attr if isinstance(t, ast.Attribute) else ""
                for t in node.targets
            ]
            if any(name.lower() in ("required", "required_features", "required_libraries") for name in names):
                for part in node.value.elts:
                    if isinstance(part, ast.Constant) and isinstance(part.value, str):
                        yield part.value


def backend_path(tree: SourceTree) -> list[str]:
    """Return the folders that pyproject.toml puts on the path of the build's own backend."""
    folders = pyproject_table(tree, "build-system").get("backend-path", [])
    return [folder.strip("./") for folder in folders if isinstance(folder, str)] if isinstance(folders, list) else []


def roots_of(tree: SourceTree, backend: Backend, folders: list[str]) -> Iterator[str]:
    """Yield the scripts that the build starts with, those that it surely runs first."""
    named = backend.name.partition(":")[0]
    inner = [
        "/".join(part for part in (folder, named.replace(".", "/") + end) if part)
        for folder in folders
        for end in (".py", "/__init__.py")
    ]
    if named.startswith(_OTHER_BACKENDS) and not any(path in tree for path in inner):
        yield from hooks_of(tree)
        return
    yield from inner
    yield "setup.py"
    told = " ".join(tree.text(path) for path in (*inner, "setup.py", "pyproject.toml", "setup.cfg"))
    commands = _modules_of_commands(tree)
    for path in tree.ending(".py"):
        name = path.rsplit("/", 1)[-1]
        if path.count("/") > 4 or is_vendored(path) or not _BUILD_SCRIPT.fullmatch(name):
            continue
        data = tree.raw(path)
        if name == "setup.py" and "/" in path and b"numpy.distutils" not in data:
            continue
        run = name == "setup.py" or (name[:-3] in told and ("/" not in path or b"set_source" in data))
        run |= any(f"/{path}".endswith(f"/{module}.py") for module in commands)
        if run and BUILDS.search(data):
            yield path


def _modules_of_commands(tree: SourceTree) -> list[str]:
    """Return the modules, as paths, of the commands that pyproject.toml puts in the place of setuptools' own."""
    settings = pyproject_table(tree, "tool").get("setuptools")
    commands = settings.get("cmdclass") if isinstance(settings, dict) else None
    named = commands.values() if isinstance(commands, dict) else ()
    return [name.rpartition(".")[0].replace(".", "/") for name in named if isinstance(name, str)]

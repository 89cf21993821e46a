"""What `measure` builds: copies of an application, as it is, edited, with one more dependency. Writes its scratch."""

from __future__ import annotations

import hashlib
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError
from wheelbase.measuring.values import Scenario
from wheelbase.project.files import read_text
from wheelbase.project.read import folder_of
from wheelbase.recipes.subject import Subject, subject_of
from wheelbase.uv import run_uv

#: The dependency that is added: one small wheel that needs nothing.
_ADDED = ("six", "iniconfig", "toolz")
_LEFT_OUT = shutil.ignore_patterns(".git", ".hg", ".venv", "venv", "__pycache__", "node_modules", ".tox", ".nox")
_NESTED = re.compile(r"\s*(?:-r|--requirement)(?:\s*=\s*|\s+)(\S+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """An application to be measured. `folders` are its copies by scenario, `context` the one that builds are given.

    `arguments` name it to a command.
    """

    source: str
    arguments: str
    folders: dict[Scenario, Path]
    subjects: dict[Scenario, Subject]
    context: Path
    notes: tuple[str, ...]

    @property
    def key(self) -> str:
        """A hash of all files of all scenarios."""
        hashed = hashlib.sha256()
        for scenario, folder in sorted(self.folders.items()):
            for path in sorted(folder.rglob("*")):
                if path.is_file():
                    hashed.update(repr((scenario, str(path.relative_to(folder)))).encode())
                    hashed.update(hashlib.sha256(path.read_bytes()).digest())
        return hashed.hexdigest()

    def lay(self, scenario: Scenario) -> None:
        """Make the context that of a scenario."""
        shutil.rmtree(self.context, ignore_errors=True)
        shutil.copytree(self.folders[scenario], self.context, symlinks=True)


def prepare(
    requirements: Sequence[str],
    *,
    files: Sequence[Path],
    extras: Sequence[str],
    groups: Sequence[str],
    no_binary: Sequence[str],
    scenarios: Sequence[Scenario],
    scratch: Path,
) -> Experiment:
    """Copy an application, or make a small one of the packages that were named.

    RequirementsError where it cannot be read, or `no_binary` cannot be said of it.
    """
    folder = folder_of(requirements)
    if files or folder is None:
        name = "app"
        first = scratch / "cold" / name
        _make(first, requirements, files, no_binary)
        source = ", ".join([*requirements, *map(str, files)])
    else:
        name = folder.resolve().name or "app"
        first = scratch / "cold" / name
        shutil.copytree(folder, first, symlinks=True, ignore=_LEFT_OUT)
        source = str(folder.resolve().name)
        _refuse_wheels(first, no_binary)
    folders: dict[Scenario, Path] = {"cold": first}
    notes = []
    for scenario in scenarios:
        if scenario == "cold":
            continue
        path = scratch / scenario / name
        shutil.copytree(first, path, symlinks=True)
        changed = _edit(path) if scenario == "edited" else _add(path)
        if changed:
            folders[scenario] = path
        else:
            shutil.rmtree(path)
            notes.append(f"{scenario} is not measured: nothing of the application could be changed for it")
    subjects = {name: subject_of([str(path)], extras=extras, groups=groups) for name, path in folders.items()}
    arguments = shlex.join(
        [*(requirements or (() if files else ".")), *(word for one in files for word in ("-r", str(one)))]
    )
    return Experiment(
        source=source,
        arguments=arguments,
        folders=folders,
        subjects=subjects,
        context=scratch / "context",
        notes=tuple(notes),
    )


def _make(folder: Path, requirements: Sequence[str], files: Sequence[Path], no_binary: Sequence[str]) -> None:
    """Write an application that has these requirements, and does nothing."""
    folder.mkdir(parents=True)
    lines = [*(f"--no-binary {name}" for name in no_binary), *requirements]
    lines += [line for path in files for line in _lines(path)]
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "main.py").write_text('print("ready")\n', encoding="utf-8")


def _lines(path: Path) -> list[str]:
    """Return the lines of a requirements file, and of those that it names."""
    lines = []
    for line in read_text(path).splitlines():
        nested = _NESTED.fullmatch(line.split(" #")[0].rstrip())
        lines += _lines(path.parent / nested[1]) if nested else [line]
    return lines


def _refuse_wheels(folder: Path, no_binary: Sequence[str]) -> None:
    """Say in the project's requirements.txt what is to be built from source: there it holds for every installer."""
    if not no_binary:
        return
    path = folder / "requirements.txt"
    if not path.is_file():
        raise RequirementsError(
            "--no-binary is for packages and requirements files",
            hint="name the packages, or export the lock: uv export -o requirements.txt",
        )
    said = "".join(f"--no-binary {name}\n" for name in no_binary)
    path.write_text(said + path.read_text(encoding="utf-8"), encoding="utf-8")


def _edit(folder: Path) -> bool:
    """Change one module of the application."""
    own = [path for path in sorted(folder.rglob("*.py")) if path.is_file() and not path.is_symlink()]
    modules = [path for path in own if path.name not in ("setup.py", "conftest.py")]
    for path in modules[:1]:
        with path.open("a", encoding="utf-8") as file:
            file.write("\n# edited\n")
    return bool(modules)


def _add(folder: Path) -> bool:
    """Add a dependency."""
    plain = folder / "requirements.txt"
    if (folder / "uv.lock").is_file():
        lock = read_text(folder / "uv.lock")
        name = next((one for one in _ADDED if f'name = "{one}"' not in lock), None)
        return bool(name) and run_uv("add", "--no-sync", str(name), directory=folder).returncode == 0
    if plain.is_file() and "--hash" not in read_text(plain):
        text = read_text(plain)
        there = {canonicalize_name(re.split(r"[\s=<>~!\[;@]", line, maxsplit=1)[0]) for line in text.splitlines()}
        name = next((one for one in _ADDED if one not in there), None)
        if name:
            plain.write_text(f"{text.rstrip()}\n{name}\n", encoding="utf-8")
        return bool(name)
    return False

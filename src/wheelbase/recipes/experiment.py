"""What `measure` builds: copies of an application, as it is, edited, with one more dependency. Writes its scratch."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelbase.engines.scratch import require_room
from wheelbase.errors import RequirementsError
from wheelbase.measuring.values import Scenario
from wheelbase.project.files import read_text
from wheelbase.project.read import folder_of, is_project_file, read_requirements
from wheelbase.recipes.subject import Subject, subject_of
from wheelbase.uv import run_uv

#: The dependency that is added: one small wheel that needs nothing.
_ADDED = ("six", "iniconfig", "toolz")
# The history stays: versions are made of it.
_LEFT_OUT = {".venv", "venv", "__pycache__", "node_modules", ".tox", ".nox"}
# `-r base.txt`, `-rbase.txt`, `--constraint=c.txt`; `-f wheels`, `-e ./lib`, `./lib[extra]`.
_NESTED = re.compile(
    r"\s*(?P<option>-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?=[^\s-]))(?P<file>\S+)(?:\s+#.*)?\s*"
)
_PLACE = re.compile(
    r"(?P<before>\s*(?:-e|--editable|-f|--find-links)(?:\s*=\s*|\s+|(?=[^\s-]))|\s*(?=\.))(?P<place>[^\s\[$]+)"
)


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
        """A hash of all files of all scenarios, but for the history, which any look at it may change."""
        hashed = hashlib.sha256()
        for scenario, folder in sorted(self.folders.items()):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and ".git" not in path.relative_to(folder).parts:
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
    # What cannot be read is said of the user's own files, and not of a copy.
    if files or folder is None:
        source, first = ", ".join([*requirements, *map(str, files)]), scratch / "cold" / "app"
        if path := next(filter(is_project_file, files), None):
            raise RequirementsError(f"{path} is a project's", hint=f"name its folder: wheelbase measure {path.parent}")
        read_requirements(requirements, files=files, extras=extras, groups=groups)
        _make(first, requirements, files, no_binary)
    else:
        source = folder.resolve().name
        first = scratch / "cold" / (source or "app")
        subject = subject_of(requirements, extras=extras, groups=groups)
        scratch.mkdir(parents=True, exist_ok=True)
        require_room(scratch, _bytes_of(folder) * len({*scenarios, "cold", "context"}))
        _copy(folder, first, subject, no_binary)
    folders, notes = _changed(first, scenarios, scratch)
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


def _changed(first: Path, scenarios: Sequence[Scenario], scratch: Path) -> tuple[dict[Scenario, Path], list[str]]:
    """Copy an application for each scenario with what changes in it, and say for which there is nothing to change."""
    folders: dict[Scenario, Path] = {"cold": first}
    notes = []
    for scenario in scenarios:
        if scenario == "cold":
            continue
        path = scratch / scenario / first.name
        shutil.copytree(first, path, symlinks=True)
        changed = _edit(path) if scenario == "edited" else _add(path)
        if changed:
            folders[scenario] = path
        else:
            shutil.rmtree(path)
            notes.append(f"{scenario} is not measured: nothing of the application could be changed for it")
    return folders, notes


def _copy(folder: Path, copy: Path, subject: Subject, no_binary: Sequence[str]) -> None:
    """Copy a project, with the requirements that it has from files out of it."""
    shutil.copytree(folder, copy, symlinks=True, ignore=_left_out)
    listed = folder / "requirements.txt"
    if subject.source == listed.name and _leads_out(listed, folder.resolve()):
        _rewrite(copy / listed.name, "".join(f"{line}\n" for line in _lines(listed, copy)))
    _refuse_wheels(copy, no_binary)


def _left_out(folder: str, names: list[str]) -> set[str]:
    """Return what is not copied: what tools have made, and what is neither file nor folder."""
    special = {one for one in names if not (Path(folder, one).is_symlink() or _is_plain(Path(folder, one)))}
    return special | _LEFT_OUT.intersection(names)


def _is_plain(path: Path) -> bool:
    return path.is_file() or path.is_dir()


def _bytes_of(folder: Path) -> int:
    """Return how much of a folder is copied."""
    total = 0
    for place, folders, names in os.walk(folder):
        folders[:] = set(folders) - _LEFT_OUT
        total += sum(os.lstat(os.path.join(place, name)).st_size for name in names)  # noqa: PTH118 (it is a hot loop)
    return total


def _make(folder: Path, requirements: Sequence[str], files: Sequence[Path], no_binary: Sequence[str]) -> None:
    """Write an application that has these requirements, and does nothing."""
    folder.mkdir(parents=True)
    lines = [*(f"--no-binary {name}" for name in no_binary), *requirements]
    lines += [line for path in files for line in _lines(path, folder)]
    (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    (folder / "main.py").write_text('print("ready")\n', encoding="utf-8")


def _lines(path: Path, folder: Path) -> list[str]:
    """Return the lines of a requirements file, and of those that it names; files of constraints go to the folder."""
    lines = []
    for line in read_text(path).splitlines():
        nested = _NESTED.fullmatch(line)
        if nested is None:
            lines.append(_whole(line, path.parent))
            continue
        named = _lines(path.parent / nested["file"], folder)
        if nested["option"] in ("-c", "--constraint"):
            copy = folder / f"constraints-{len(list(folder.iterdir()))}.txt"
            copy.write_text("".join(f"{one}\n" for one in named), encoding="utf-8")
            named = [f"-c {copy.name}"]
        lines += named
    return lines


def _leads_out(path: Path, root: Path) -> bool:
    """Say whether a requirements file, or one that it names, is out of a folder."""
    named = (path.parent / found["file"] for found in map(_NESTED.fullmatch, read_text(path).splitlines()) if found)
    return not path.resolve().is_relative_to(root) or any(_leads_out(one, root) for one in named)


def _whole(line: str, folder: Path) -> str:
    """Return a line with the whole path of the place that it names, if any: pip looks beside the file, then here."""
    found = _PLACE.match(line)
    if found is None:
        return line
    path = next((one for one in (folder / found["place"], Path(found["place"])) if one.exists()), None)
    return f"{found['before']}{path.resolve()}{line[found.end() :]}" if path else line


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
    _rewrite(path, said + read_text(path))


def _rewrite(path: Path, text: str) -> None:
    """Write a file of the copy, and never one that a link in it leads to: that is the user's own."""
    path.unlink()
    path.write_text(text, encoding="utf-8")


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
        for path in (folder / "uv.lock", folder / "pyproject.toml"):
            _rewrite(path, read_text(path))
        name = next((one for one in _ADDED if f'name = "{one}"' not in lock), None)
        return bool(name) and run_uv("add", "--no-sync", str(name), directory=folder).returncode == 0
    if plain.is_file() and "--hash" not in read_text(plain):
        text = read_text(plain)
        there = {canonicalize_name(re.split(r"[\s=<>~!\[;@]", line, maxsplit=1)[0]) for line in text.splitlines()}
        name = next((one for one in _ADDED if one not in there), None)
        if name:
            _rewrite(plain, f"{text.rstrip()}\n{name}\n")
        return bool(name)
    return False

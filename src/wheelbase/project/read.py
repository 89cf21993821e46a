"""Find what a user asked for: arguments first, then files, then the project in this folder. Reads files.

In a folder the first of these that is there is read: uv.lock, pylock.toml, poetry.lock, Pipfile.lock,
pyproject.toml, requirements.txt. A lock file goes first since it is what will be installed.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from packaging.pylock import is_valid_pylock_path

from wheelbase.errors import RequirementsError
from wheelbase.project.values import Requirements, parse_requirement

ORDER = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "pyproject.toml", "requirements.txt")


def read_requirements(
    arguments: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    folder: Path = Path(),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
) -> Requirements:
    """Return what was asked for; an argument that is a folder, or a lock file after -r, is read as a project."""
    folders = [
        Path(argument)
        for argument in arguments
        if Path(argument).is_dir() and ("/" in argument or argument in (".", ".."))
    ]
    plain = [argument for argument in arguments if Path(argument) not in folders]
    if len(folders) > 1 or (folders and (plain or files)):
        raise RequirementsError(
            "a project folder cannot be mixed with other requirements",
            hint="compare the folder alone, or name its lock file with -r",
        )
    if not plain and not files:
        return _with_constraints(_read_folder(folders[0] if folders else folder, extras, groups), constraints)
    if len(files) == 1 and not plain and _is_project_file(files[0]):
        return _with_constraints(read_project_file(files[0], extras=extras, groups=groups), constraints)
    return _read_listed(plain, files, constraints)


def _read_folder(folder: Path, extras: Sequence[str], groups: Sequence[str]) -> Requirements:
    if not folder.is_dir():
        raise RequirementsError(f"{folder} is not a folder", hint="check the path")
    for name in ORDER:
        if (folder / name).is_file() and not (name == "pyproject.toml" and _says_nothing(folder)):
            return read_project_file(folder / name, extras=extras, groups=groups)
    raise RequirementsError(
        f"there is nothing to compare in {folder.resolve()}: none of {', '.join(ORDER)}",
        hint="name requirements (wheelbase compare matplotlib pandas), a file with -r, or a project's folder",
    )


def _says_nothing(folder: Path) -> bool:
    """Say whether a pyproject.toml holds tools' settings only, and a requirements.txt beside it is what counts."""
    from wheelbase.project.pyproject import load_toml

    data = load_toml(folder / "pyproject.toml")
    return (
        not ({"project", "dependency-groups"} & data.keys() or "poetry" in data.get("tool", {}))
        and (folder / "requirements.txt").is_file()
    )


def _is_project_file(path: Path) -> bool:
    return path.name in ("uv.lock", "poetry.lock", "Pipfile.lock", "pyproject.toml") or is_valid_pylock_path(path)


def read_project_file(path: Path, *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Requirements:
    """Read a lock file, a pyproject.toml or a requirements file by its name."""
    from wheelbase.project.locks import read_pylock, read_uv_lock
    from wheelbase.project.poetry import read_pipfile_lock, read_poetry_lock
    from wheelbase.project.pyproject import read_pyproject

    if path.name == "uv.lock":
        return read_uv_lock(path, extras=extras, groups=groups)
    if path.name == "poetry.lock":
        return read_poetry_lock(path, extras=extras, groups=groups)
    if path.name == "Pipfile.lock":
        return read_pipfile_lock(path, groups=groups)
    if is_valid_pylock_path(path):
        return read_pylock(path, extras=extras, groups=groups)
    if path.name == "pyproject.toml":
        return read_pyproject(path, extras=extras, groups=groups)
    return _read_listed((), (path,), ())


def _read_listed(plain: Sequence[str], files: Sequence[Path], constraints: Sequence[Path]) -> Requirements:
    from wheelbase.project.pyproject import read_pyproject, with_project
    from wheelbase.project.requirements_txt import read_requirements_files

    requirements, projects = read_requirements_files(tuple(files), tuple(constraints))
    for project in projects:
        requirements = with_project(requirements, read_pyproject(project / "pyproject.toml"))
    arguments = tuple(parse_requirement(text, "argument") for text in plain)
    named = ["arguments"] if arguments else []
    return replace(
        requirements,
        requirements=(*arguments, *requirements.requirements),
        source=", ".join([*named, *(str(path) for path in files)]),
    )


def _with_constraints(requirements: Requirements, constraints: Sequence[Path]) -> Requirements:
    from wheelbase.project.requirements_txt import read_requirements_files

    if not constraints:
        return requirements
    read, _ = read_requirements_files((), tuple(constraints))
    return replace(requirements, constraints=(*requirements.constraints, *read.constraints))

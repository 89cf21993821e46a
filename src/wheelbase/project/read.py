"""Find what a user asked for: arguments first, then files, then the project in this folder. Reads files.

In a folder the first of these that is there is read: uv.lock, pylock.toml, poetry.lock, Pipfile.lock,
pyproject.toml, requirements.txt. A lock file goes first since it is what will be installed.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from wheelbase.errors import RequirementsError
from wheelbase.project.values import Requirements, parse_requirement

# What says more of an application than is read here: beside it, a folder without requirements does not mean none.
_UNREAD = ("setup.py", "Pipfile", "requirements.in", "requirements", "environment.yml")
_SHOWN = 120
# packaging.pylock.is_valid_pylock_path says the same, and takes a while to import.
_PYLOCK = re.compile(r"pylock\.([^.]+\.)?toml")
ORDER = ("uv.lock", "pylock.toml", "poetry.lock", "Pipfile.lock", "pyproject.toml", "requirements.txt")


def read_requirements(
    arguments: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    folder: Path = Path(),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    allow_none: bool = False,
) -> Requirements:
    """Return what was asked for; an argument that is a folder, or a lock file after -r, is read as a project.

    With `allow_none` an application may need no package: its folder, or its requirements files, need not name one.
    """
    folders = [argument for argument in arguments if is_folder(argument)]
    plain = [argument for argument in arguments if argument not in folders]
    if len(folders) > 1 or (folders and (plain or files)):
        raise RequirementsError(
            "a project folder cannot be mixed with other requirements",
            hint="name the folder alone, or its lock file with -r",
        )
    if not plain and not files:
        read = _read_folder(Path(folders[0]) if folders else folder, extras, groups, allow_none)
    elif len(files) == 1 and not plain and is_project_file(files[0]):
        read = read_project_file(files[0], extras=extras, groups=groups)
    else:
        _refuse_choices("arguments and requirements files", "extra", extras)
        _refuse_choices("arguments and requirements files", "group", groups)
        return _read_listed(plain, files, constraints, allow_none)
    return _with_constraints(read, constraints)


def is_folder(argument: str) -> bool:
    """Say whether an argument means a project's folder."""
    # A bare word is a package, as for pip, even where a folder has its name. `isdir` is False for what is no path.
    return ("/" in argument or argument in (".", "..")) and os.path.isdir(argument)  # noqa: PTH112


def folder_of(arguments: Sequence[str]) -> Path | None:
    """Return the project's folder that arguments mean, this one where there are none; None where packages are named."""
    if not arguments:
        return Path()
    return Path(arguments[0]) if len(arguments) == 1 and is_folder(arguments[0]) else None


def _refuse_choices(source: str, kind: str, names: Sequence[str]) -> None:
    if names:
        raise RequirementsError(
            f"{source} have no {kind} {names[0]!r}",
            hint="extras and groups belong to a project: write name[extra], or name the project's folder",
        )


def _read_folder(folder: Path, extras: Sequence[str], groups: Sequence[str], allow_none: bool) -> Requirements:
    may_be_none = allow_none and not any(os.path.lexists(folder / name) for name in _UNREAD)
    for name in ORDER:
        if not os.path.isfile(folder / name):  # noqa: PTH113
            continue
        if name != "pyproject.toml" or not _yields(folder, may_be_none):
            return read_project_file(folder / name, extras=extras, groups=groups, allow_none=allow_none)
    if may_be_none:
        _refuse_choices("applications without requirements", "extra", extras)
        _refuse_choices("applications without requirements", "group", groups)
        return Requirements(source=str(folder))
    raise RequirementsError(
        f"there is nothing to install in {folder.absolute()}: none of {', '.join(ORDER)}",
        hint="name requirements (matplotlib pandas), a file with -r, or a project's folder",
    )


def _yields(folder: Path, may_be_none: bool) -> bool:
    """Say whether a pyproject.toml holds tools' settings only, where a requirements.txt, or nothing, is what counts."""
    from wheelbase.project.files import load_toml
    from wheelbase.project.pyproject import Pyproject

    path, listed = folder / "pyproject.toml", (folder / "requirements.txt").is_file()
    if not (listed or may_be_none):
        return False
    # With a build system the project's own code may say what it needs.
    return load_toml(path, Pyproject).says_nothing and (listed or "build-system" not in load_toml(path, dict))


def is_project_file(path: Path) -> bool:
    """Say whether a file is a project's by its name, and no list of requirements."""
    return path.name in ("uv.lock", "poetry.lock", "Pipfile.lock", "pyproject.toml") or _is_pylock(path)


def _is_pylock(path: Path) -> bool:
    return _PYLOCK.fullmatch(path.name) is not None


def read_project_file(
    path: Path, *, extras: Sequence[str] = (), groups: Sequence[str] = (), allow_none: bool = False
) -> Requirements:
    """Read a lock file, a pyproject.toml or a requirements file by its name."""
    from wheelbase.project.locks import read_pylock, read_uv_lock
    from wheelbase.project.pinned import read_pipfile_lock, read_poetry_lock
    from wheelbase.project.pyproject import read_pyproject

    if path.name == "uv.lock":
        return read_uv_lock(path, extras=extras, groups=groups)
    if path.name == "poetry.lock":
        return read_poetry_lock(path, extras=extras, groups=groups)
    if path.name == "Pipfile.lock":
        _refuse_choices("Pipfiles", "extra", extras)
        return read_pipfile_lock(path, groups=groups)
    if _is_pylock(path):
        return read_pylock(path, extras=extras, groups=groups)
    if path.name == "pyproject.toml":
        return read_pyproject(path, extras=extras, groups=groups)
    _refuse_choices("requirements files", "extra", extras)
    _refuse_choices("requirements files", "group", groups)
    return _read_listed((), (path,), (), allow_none)


def _read_listed(
    plain: Sequence[str], files: Sequence[Path], constraints: Sequence[Path], allow_none: bool
) -> Requirements:
    from wheelbase.project.pyproject import read_pyproject, with_project
    from wheelbase.project.requirements_txt import read_requirements_files

    if projects := [path for path in files if is_project_file(path)]:
        raise RequirementsError(
            f"{projects[0]} cannot be mixed with other requirements", hint="name it alone: it is an application's"
        )
    for text in plain:
        if text.endswith((".txt", ".in", ".toml", ".lock")):
            raise RequirementsError(f"{text} looks like a file, not a package", hint=f"name files with -r: -r {text}")
        if text.startswith(("./", "../", "/")) and not os.path.lexists(text):
            raise RequirementsError(
                f"{text[:_SHOWN]} does not exist", hint="check the path: it is to be the folder of a project"
            )
    requirements, local = read_requirements_files(tuple(files), tuple(constraints))
    for project in local:
        read = read_pyproject(project.folder / "pyproject.toml", extras=project.extras)
        requirements = with_project(requirements, read)
    arguments = tuple(parse_requirement(text, "argument") for text in plain)
    if not (allow_none or arguments or requirements.requirements or local):
        raise RequirementsError(
            f"{', '.join(map(str, files))} asks for no package", hint="add a requirement, or name another file"
        )
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
    if requirements.locked is not None or requirements.complete:
        raise RequirementsError(
            f"{constraints[0]} cannot constrain {requirements.source}, whose versions are fixed",
            hint="leave -c out, or lock again with the constraints",
        )
    read, _ = read_requirements_files((), tuple(constraints))
    return replace(requirements, constraints=(*requirements.constraints, *read.constraints))

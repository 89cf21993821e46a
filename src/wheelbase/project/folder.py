"""The files of an application's folder: what of it goes into an image, and what its build may read. Reads files."""

import os
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from wheelbase.errors import RequirementsError
from wheelbase.project.ignoring import DockerIgnore, GitIgnore, git_ignore_above, read_dockerignore

_NEVER = {
    *(".git", ".hg", ".svn", ".bzr", ".venv", "__pycache__"),
    *(".tox", ".nox", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis"),
}
_EXAMPLES = (".example", ".sample", ".template", ".dist")
_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationFile:
    """A file, or a symbolic link, of an application."""

    #: Below the application's folder, with "/"; bytes that are not UTF-8 are as in Python's file names.
    path: str
    source: Path
    #: 0o755 where its owner may run it, else 0o644.
    mode: int
    size: int
    #: The target of a symbolic link: a relative path that stays in the folder.
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies in a folder, and is no folder."""

    path: str
    source: Path
    status: os.stat_result
    #: .gitignore leaves it out.
    ignored: bool


def files_of(folder: Path, *, outputs: Collection[Path] = ()) -> tuple[tuple[ApplicationFile, ...], list[str]]:
    """Return the files of a folder that neither .gitignore nor .dockerignore leaves out, and what is to be said.

    Version control, virtual environments, bytecode and files of secrets (.env) are left out in any case, and `outputs`.
    """
    root = folder.resolve()
    files, outside, secrets, special = [], [], [], []
    for entry in _sorted(_walk(root, {path.resolve() for path in outputs}, read_dockerignore(root), ignored=False)):
        if _is_secret(entry.source.name):
            secrets.append(entry.path)
        elif stat.S_ISLNK(entry.status.st_mode):
            target = _inside(root, entry)
            if target is None:
                outside.append(f"{entry.path} -> {os.readlink(entry.source)}")  # noqa: PTH115 (the text as it is)
            else:
                files.append(ApplicationFile(path=entry.path, source=entry.source, mode=0o777, size=0, link=target))
        elif stat.S_ISREG(entry.status.st_mode):
            files.append(_file(entry))
        else:
            special.append(entry.path)
    if not files and not outside:
        raise RequirementsError(
            f"{folder} has no file that goes into an image",
            hint="see what .gitignore and .dockerignore leave out there",
        )
    if outside:
        raise RequirementsError(
            f"{folder} has links that lead out of it: {_shown(outside)}",
            hint="copy there what they lead to, or name them in .dockerignore",
        )
    notes = [f"Left out, as they may hold secrets: {_shown(secrets)}."] if secrets else []
    notes += [f"Left out, as they are neither files nor links: {_shown(special)}."] if special else []
    return tuple(files), notes


def entries_of(folder: Path) -> Iterator[Entry]:
    """Yield what a build of a folder may read, sorted by path."""
    yield from _sorted(_walk(folder.resolve(), set(), DockerIgnore(), ignored=True))


def _sorted(entries: Iterator[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: os.fsencode(entry.path))


def _walk(root: Path, outputs: Collection[Path], docker: DockerIgnore, *, ignored: bool) -> Iterator[Entry]:
    """Yield what is in a folder and not left out; with `ignored`, what .gitignore leaves out too."""
    above, start = git_ignore_above(root)
    waiting: list[tuple[Path, str, GitIgnore, tuple[bool, ...], bool]] = [(root, "", above, (), False)]
    while waiting:
        folder, prefix, git, matches, all_ignored = waiting.pop()
        git = git.below(folder, start + prefix)
        for found in _scan(folder):
            path, is_folder = prefix + found.name, found.is_dir(follow_symlinks=False)
            source = folder / found.name
            if source in outputs or _is_never(found, is_folder):
                continue
            left_out = all_ignored or git.ignores(start + path, folder=is_folder)
            docker_left_out, below = docker.matches(path, matches)
            if (left_out and not ignored) or (docker_left_out and not (is_folder and docker.brings_back)):
                continue
            if is_folder:
                waiting.append((source, f"{path}/", git, below, left_out))
            else:
                yield Entry(path, source, found.stat(follow_symlinks=False), left_out)


def _scan(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as found:
            return list(found)
    except OSError as error:
        raise _unreadable(folder, error.strerror) from error


def _is_never(found: os.DirEntry[str], is_folder: bool) -> bool:
    if found.name in _NEVER or found.name.endswith((".pyc", ".pyo")):
        return True
    return is_folder and os.path.lexists(f"{found.path}/pyvenv.cfg")


def _is_secret(name: str) -> bool:
    return name == ".env" or (name.startswith(".env.") and not name.endswith(_EXAMPLES))


def _file(entry: Entry) -> ApplicationFile:
    if not os.access(entry.source, os.R_OK):
        raise _unreadable(entry.source, "Permission denied")
    mode = 0o755 if entry.status.st_mode & stat.S_IXUSR else 0o644
    return ApplicationFile(path=entry.path, source=entry.source, mode=mode, size=entry.status.st_size)


def _inside(root: Path, link: Entry) -> str | None:
    """Return the target of a link as a relative path that never leaves the folder; None where it leads out."""
    target = os.readlink(link.source)  # noqa: PTH115 (the text as it is)
    real = Path(os.path.realpath(link.source))
    if not real.is_relative_to(root):
        return None
    parent = os.path.dirname(link.path)  # noqa: PTH120
    lexical = os.path.normpath(os.path.join(parent, target))  # noqa: PTH118
    if os.path.isabs(target) or lexical == ".." or lexical.startswith("../"):  # noqa: PTH117
        return os.path.relpath(real, link.source.parent)
    return target


def _unreadable(path: Path, reason: str | None) -> RequirementsError:
    return RequirementsError(
        f"{path} cannot be read: {reason}", hint="make it readable for the user who builds, or ignore it"
    )


def _shown(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")

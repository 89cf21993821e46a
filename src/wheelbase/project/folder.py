"""The files of an application's folder: what of it goes into an image, and what its build may read. Reads files."""

import os
import re
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
# A build may read what these hold, but an image has no use for it.
_NEVER_IN_IMAGES = {"node_modules"}
_LOCK = "wheelbase.lock"
# What is written beside an output until it is whole.
_UNFINISHED = ".new-"
_SECRET = re.compile(
    r"\.env|\.env\..*(?<!\.example)(?<!\.sample)(?<!\.template)(?<!\.dist)|[._]netrc|\.pypirc|\.git-credentials|"
    r"id_(rsa|dsa|ecdsa|ed25519).*(?<!\.pub)(?<!\.py)",
    re.DOTALL,
)
_KEEP = "A line !PATH in .dockerignore keeps one."
_SECRET_FOLDERS = {".ssh", ".aws"}
_KEYS = (".pem", ".key")
_PRIVATE_KEY = re.compile(rb"^-----BEGIN [A-Z0-9 ]*PRIVATE KEY", re.MULTILINE)
_HEAD = 65536
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

    Version control, virtual environments, caches and secrets are left out too, but what .dockerignore names after "!".
    `outputs`, files and folders, are left out in any case, and so is `wheelbase.lock`.
    """
    root = folder.resolve()
    docker = read_dockerignore(root)
    files, outside, secrets, special = [], [], [], []
    for entry in _sorted(_walk(root, _Outputs.of(root, outputs), docker, ignored=False)):
        if secret := _secret(entry, docker):
            secrets.append(secret)
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
    notes = [f"Left out, as they may hold secrets: {_shown(list(dict.fromkeys(secrets)))}. {_KEEP}"] if secrets else []
    notes += [f"Left out, as they are neither files nor links: {_shown(special)}."] if special else []
    return tuple(files), notes


def entries_of(folder: Path, *, outputs: Collection[Path] = ()) -> Iterator[Entry]:
    """Yield what a build of a folder may read, sorted by path; `outputs` are what the build writes."""
    root = folder.resolve()
    yield from _sorted(_walk(root, _Outputs.of(root, outputs), DockerIgnore(), ignored=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Outputs:
    """What wheelbase writes: `paths`, and beside them, in `folders`, what is not whole yet."""

    paths: frozenset[Path]
    folders: frozenset[Path]

    @classmethod
    def of(cls, root: Path, outputs: Collection[Path]) -> "_Outputs":
        """Return what is written where a build of `root` has these outputs."""
        # Both the name and what it leads to, where it is a link.
        named = [path.parent.resolve() / path.name for path in map(Path.absolute, [*outputs, root / _LOCK])]
        paths = frozenset([*named, *(path.resolve() for path in outputs)])
        if root in paths:
            raise RequirementsError(
                f"{root} is what the image is made of, and cannot be where it is written",
                hint="write it to a folder of its own, such as oci:./image",
            )
        return cls(paths=paths, folders=frozenset(path.parent for path in paths))

    def has(self, path: Path) -> bool:
        """Say whether a file or a folder is one of them."""
        if path in self.paths:
            return True
        beside = path.name.startswith(".") and path.parent in self.folders
        return beside and (
            path.name.startswith(_UNFINISHED)
            or any(path.name.startswith(f".{one.name}-") for one in self.paths if one.parent == path.parent)
        )


def _sorted(entries: Iterator[Entry]) -> list[Entry]:
    return sorted(entries, key=lambda entry: os.fsencode(entry.path))


def _walk(root: Path, outputs: _Outputs, docker: DockerIgnore, *, ignored: bool) -> Iterator[Entry]:
    """Yield what is in a folder and not left out; with `ignored`, what .gitignore leaves out too."""
    above, start = git_ignore_above(root)
    waiting: list[tuple[Path, str, GitIgnore, tuple[bool, ...], bool]] = [(root, "", above, (), False)]
    while waiting:
        folder, prefix, git, matches, all_ignored = waiting.pop()
        git = git.below(folder, start + prefix)
        for found in _scan(folder):
            path, is_folder = prefix + found.name, found.is_dir(follow_symlinks=False)
            source = folder / found.name
            named = docker.names(path)
            if outputs.has(source) or (not named and _is_never(found, is_folder, in_image=not ignored)):
                continue
            left_out = not named and (all_ignored or git.ignores(start + path, folder=is_folder))
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


def _is_never(found: os.DirEntry[str], is_folder: bool, *, in_image: bool) -> bool:
    if found.name in _NEVER or (in_image and found.name in _NEVER_IN_IMAGES) or found.name.endswith((".pyc", ".pyo")):
        return True
    return is_folder and os.path.lexists(f"{found.path}/pyvenv.cfg")


def _secret(entry: Entry, docker: DockerIgnore) -> str | None:
    """Return what of an entry's path may hold secrets, a folder with "/" after it; None if .dockerignore names it."""
    *folders, name = entry.path.split("/")
    depth = next((depth for depth, folder in enumerate(folders, 1) if folder in _SECRET_FOLDERS), None)
    if depth is None and not (
        _SECRET.fullmatch(name)
        or (name == "config.json" and folders[-1:] == [".docker"])
        or (name.endswith(_KEYS) and _is_private_key(entry))
    ):
        return None
    parts = [*folders, name]
    if any(docker.names("/".join(parts[:end])) for end in range(depth or len(parts), len(parts) + 1)):
        return None
    return f"{'/'.join(folders[:depth])}/" if depth else entry.path


def _is_private_key(entry: Entry) -> bool:
    if not stat.S_ISREG(entry.status.st_mode):
        return False
    try:
        with entry.source.open("rb") as file:
            return _PRIVATE_KEY.search(file.read(_HEAD)) is not None
    except OSError as error:
        raise _unreadable(entry.source, error.strerror) from error


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

"""Requirements files as pip reads them. Reads files.

Source: pip's documentation, "Requirements File Format". Options that have no bearing on which files are taken are
passed over; what cannot be read is refused with its place.
"""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from optparse import OptionParser
from pathlib import Path
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError
from wheelbase.project.files import read_text
from wheelbase.project.values import Requirements, parse_requirement

# pip's options by their long names: those that a value follows, those that stand alone, those of a single requirement.
_VALUED = (
    "requirement constraint editable index-url extra-index-url find-links no-binary only-binary trusted-host "
    "use-feature all-releases only-final".split()
)
_FLAGS = "no-index prefer-binary require-hashes no-require-hashes pre process-dependency-links".split()
_OF_REQUIREMENT = "hash global-option install-option config-settings".split()
_OTHER_NAMES = {
    "requirement": ["-r"],
    "constraint": ["-c"],
    "editable": ["-e"],
    "index-url": ["-i", "--pypi-url"],
    "find-links": ["-f"],
    "config-settings": ["-C", "--config-setting"],
}
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}
_MAX_DEPTH = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalProject:
    """A project's folder that a requirements file names (`-e ./lib[extra]`); its pyproject.toml says what it needs."""

    folder: Path
    extras: tuple[str, ...] = ()


@dataclass(slots=True)
class _Found:
    """What the files read so far hold."""

    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    hashed: set[str] = field(default_factory=set)
    hashes: dict[str, set[str]] = field(default_factory=dict)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    projects: list[LocalProject] = field(default_factory=list)


def read_requirements_files(
    paths: tuple[Path, ...], constraints: tuple[Path, ...] = ()
) -> tuple[Requirements, tuple[LocalProject, ...]]:
    """Return what the files require, and the local projects that they name."""
    found = _Found()
    for path in paths:
        _read(path, found, constraint=False, trail=())
    for path in constraints:
        _read(path, found, constraint=True, trail=())
    bare = [r.name for r in found.requirements if canonicalize_name(r.name) not in found.hashed]
    if "require-hashes" in found.options and bare:
        raise RequirementsError(
            f"{bare[0]} has no --hash, and --require-hashes is set",
            hint="add its hashes, as `pip-compile --generate-hashes` does",
        )
    requirements = Requirements(
        source=", ".join(str(path) for path in paths),
        requirements=tuple(found.requirements),
        constraints=tuple(found.constraints),
        hashes={name: frozenset(digests) for name, digests in found.hashes.items()},
        options=found.options,
    )
    return requirements, tuple(found.projects)


def _read(path: Path, found: _Found, *, constraint: bool, trail: tuple[Path, ...]) -> None:
    text = read_text(path)
    resolved = path.resolve()
    if resolved in trail or len(trail) > _MAX_DEPTH:
        raise RequirementsError(
            f"{path} includes itself, by way of {trail[-1]}", hint="take one of the -r or -c lines out"
        )
    for number, line in _logical_lines(text):
        where = f"{path}:{number}"
        # pip's rule: the options of a line begin at its first word with a dash.
        options = re.search(r"(?:^|\s)-", line)
        requirement = line[: options.start()].strip() if options else line
        given = _options(line[options.start() :], where) if options else {}
        if requirement:
            _take(requirement, given.get("hash", ()), where, path, found, constraint=constraint)
        else:
            _obey(given, where, path, found, constraint=constraint, trail=(*trail, resolved))


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Yield (number, line): continued lines joined, comments and blank lines dropped, ${VARIABLES} put in."""
    start, parts = 0, []
    for number, line in enumerate([*text.splitlines(), ""], 1):
        start = start or number
        comment = line.lstrip().startswith("#")
        if line.endswith("\\") and not comment:
            parts.append(line[:-1])
            continue
        joined = "".join([*parts, "" if comment else line])
        cleaned = re.sub(r"(^|\s+)#.*$", "", joined).strip()
        if cleaned:
            yield start, re.sub(r"\$\{([A-Z0-9_]+)\}", lambda found: os.environ.get(found[1]) or found[0], cleaned)
        start, parts = 0, []


class _Parser(OptionParser):
    """The parser that pip itself uses, with pip's options; what it refuses is a `ValueError`."""

    def __init__(self) -> None:
        super().__init__(add_help_option=False)
        for name in (*_VALUED, *_OF_REQUIREMENT):
            self.add_option(*_OTHER_NAMES.get(name, ()), f"--{name}", dest=name, action="append")
        for name in _FLAGS:
            self.add_option(f"--{name}", dest=name, action="append_const", const="")

    def error(self, msg: str) -> NoReturn:
        """Leave the process alone, which optparse would end."""
        raise ValueError(msg)


_parser = cache(_Parser)


def _options(text: str, where: str) -> dict[str, tuple[str, ...]]:
    """Return the options of a line by their long names."""
    try:
        values, rest = _parser().parse_args(shlex.split(text))
        if rest:
            raise ValueError(f"{rest[0]!r} belongs to no option")
    except ValueError as error:
        raise RequirementsError(
            f"{where}: {text[:80]} is not an option that requirements files have: {error}",
            hint="pip's documentation, Requirements File Format, lists them",
        ) from error
    return {name: tuple(given) for name, given in vars(values).items() if given}


def _take(text: str, hashes: tuple[str, ...], where: str, path: Path, found: _Found, *, constraint: bool) -> None:
    """Take down a requirement with its hashes."""
    if not constraint and (project := _local_project(text, path)):
        found.projects.append(project)
        return
    requirement = parse_requirement(text, where)
    (found.constraints if constraint else found.requirements).append(requirement)
    for hash_ in hashes:
        algorithm, _, digest = hash_.partition(":")
        if not re.fullmatch(rf"[0-9a-fA-F]{{{_HEX_DIGITS.get(algorithm, 0)}}}", digest) or not digest:
            raise RequirementsError(
                f"{where}: --hash={hash_[:80]} is not a hash that pip takes",
                hint="write --hash=sha256: and the 64 hexadecimal digits",
            )
        found.hashed.add(canonicalize_name(requirement.name))
        if algorithm == "sha256":
            found.hashes.setdefault(canonicalize_name(requirement.name), set()).add(digest.lower())


def _obey(
    given: dict[str, tuple[str, ...]],
    where: str,
    path: Path,
    found: _Found,
    *,
    constraint: bool,
    trail: tuple[Path, ...],
) -> None:
    """Read the files and take down the settings that a line of options names."""
    for name, values in given.items():
        for value in values:
            if name in ("requirement", "constraint"):
                included = path.parent / _local(value, where)
                _read(included, found, constraint=constraint or name == "constraint", trail=trail)
            elif name == "editable":
                _take(value, (), where, path, found, constraint=constraint)
            else:
                value = _beside(value, path) if name == "find-links" else value
                found.options[name] = (*found.options.get(name, ()), value)


def _local(value: str, where: str) -> str:
    if value.startswith("file:"):
        return unquote(urlsplit(value).path)
    if "://" in value:
        raise RequirementsError(
            f"{where}: {value} is on the network, and only local files are read",
            hint="download the file and name its path",
        )
    return value


def _beside(link: str, path: Path) -> str:
    """Return a find-links folder as pip finds it: from the file's folder if it is there, else from here."""
    beside = path.parent / link
    return str(beside.resolve()) if "://" not in link and os.path.exists(beside) else link  # noqa: PTH110 (NUL: False)


def _local_project(line: str, path: Path) -> LocalProject | None:
    """Return the local project that a line names (`.`, `./lib[extra]`, `name @ file:///src`), if it names one."""
    named = re.fullmatch(
        r"(?:[\w.-]+\s*(?:\[(?P<before>[^\]]*)\])?\s*@\s*)?(?P<place>[^;\[]+)(?:\[(?P<after>[^\]]*)\])?.*", line
    )
    if not named or not named["place"].strip().startswith((".", "/", "file:")):
        return None
    place = named["place"].strip()
    location = unquote(urlsplit(place).path) if place.startswith("file:") else place
    extras = tuple(extra.strip() for extra in (named["before"] or named["after"] or "").split(",") if extra.strip())
    for folder in (path.parent / location, Path(location)):
        if os.path.isfile(folder / "pyproject.toml"):  # noqa: PTH113 (False for what is no path)
            return LocalProject(folder=folder, extras=extras)
    return None

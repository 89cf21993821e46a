"""Requirements files as pip reads them. Reads files.

Source: pip's documentation, "Requirements File Format". Options that have no bearing on which files are taken are
passed over; what cannot be compared is refused with its place.
"""

import os
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError
from wheelbase.project.values import Requirements, parse_requirement

# Long names of the options that a value follows, and of those that stand alone.
_VALUED = frozenset(
    "requirement constraint editable index-url pypi-url extra-index-url find-links no-binary only-binary trusted-host "
    "use-feature".split()
)
_FLAGS = frozenset("no-index prefer-binary require-hashes pre process-dependency-links".split())
_SHORT = {"-r": "requirement", "-c": "constraint", "-e": "editable", "-i": "index-url", "-f": "find-links"}
_MAX_DEPTH = 20


@dataclass(slots=True)
class _Found:
    """What the files read so far hold."""

    requirements: list[Requirement] = field(default_factory=list)
    constraints: list[Requirement] = field(default_factory=list)
    hashes: dict[str, set[str]] = field(default_factory=dict)
    options: dict[str, tuple[str, ...]] = field(default_factory=dict)
    projects: list[Path] = field(default_factory=list)


def read_requirements_files(
    paths: tuple[Path, ...], constraints: tuple[Path, ...] = ()
) -> tuple[Requirements, tuple[Path, ...]]:
    """Return what the files require, and the folders of local projects that they name (`-e .`)."""
    found = _Found()
    for path in paths:
        _read(path, found, constraint=False, trail=())
    for path in constraints:
        _read(path, found, constraint=True, trail=())
    if "require-hashes" in found.options and (
        bare := [r for r in found.requirements if canonicalize_name(r.name) not in found.hashes]
    ):
        raise RequirementsError(
            f"{bare[0].name} has no --hash, and --require-hashes is set",
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
    if path.resolve() in trail or len(trail) > _MAX_DEPTH:
        raise RequirementsError(
            f"{path} includes itself, by way of {trail[-1]}", hint="take one of the -r or -c lines out"
        )
    for number, line in _logical_lines(_text(path)):
        where = f"{path}:{number}"
        if line.startswith("-"):
            _option(line, where, path, found, constraint=constraint, trail=(*trail, path.resolve()))
            continue
        if not constraint and _local_project(line, path, found):
            continue
        text, hashes = _split_hashes(line, where)
        requirement = parse_requirement(text, where)
        (found.constraints if constraint else found.requirements).append(requirement)
        if hashes:
            found.hashes.setdefault(canonicalize_name(requirement.name), set()).update(hashes)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise RequirementsError(
            f"{path} does not exist", hint="check the path; -r and -c inside a file start from that file's folder"
        ) from error
    except UnicodeDecodeError as error:
        raise RequirementsError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error


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


def _option(line: str, where: str, path: Path, found: _Found, *, constraint: bool, trail: tuple[Path, ...]) -> None:
    words = re.split(r"[ =]\s*", line, maxsplit=1) if line.startswith("--") else [line[:2], line[2:].strip()]
    name = _SHORT.get(words[0], words[0].removeprefix("--"))
    value = (words[1] if len(words) > 1 else "").strip().strip("\"'")
    if name not in _VALUED | _FLAGS:
        raise RequirementsError(
            f"{where}: {words[0]} is not an option of requirements files",
            hint="pip's documentation, Requirements File Format, lists them",
        )
    if name in _VALUED and not value:
        raise RequirementsError(f"{where}: {words[0]} lacks its value", hint="write it on the same line")
    if name in ("requirement", "constraint"):
        if "://" in value:
            raise RequirementsError(
                f"{where}: {value} is on the network, and only local files are read",
                hint="download the file and name its path",
            )
        _read(path.parent / value, found, constraint=constraint or name == "constraint", trail=trail)
    elif name == "editable":
        if not _local_project(value, path, found):
            parse_requirement(value, where)
            raise RequirementsError(f"{where}: {value} is not a folder with a pyproject.toml", hint="check the path")
    else:
        name = "index-url" if name == "pypi-url" else name
        value = _located(value, path) if name == "find-links" else value
        found.options[name] = (*found.options.get(name, ()), value)


def _located(link: str, path: Path) -> str:
    """Return a find-links folder as pip finds it: from the file's folder if it is there, else from here."""
    beside = path.parent / link
    return str(beside.resolve()) if "://" not in link and beside.exists() else link


def _local_project(line: str, path: Path, found: _Found) -> bool:
    """Take down a local project (`.`, `./lib`, `-e .[extra]`) whose pyproject.toml says what it needs."""
    location = (
        re.sub(r"\[[^\]]*\]$", "", line.split(" @ ")[-1].split(";")[0].strip())
        .removeprefix("file://")
        .removeprefix("file:")
    )
    if not (location.startswith((".", "/")) or line.startswith("file:") or " @ file:" in line):
        return False
    folder = next((f for f in (path.parent / location, Path(location)) if (f / "pyproject.toml").is_file()), None)
    if folder is None:
        return False
    found.projects.append(folder)
    return True


def _split_hashes(line: str, where: str) -> tuple[str, list[str]]:
    """Return the requirement and its SHA-256 digests; other options on the line are about building."""
    text, *rest = re.split(r"\s+(?=--?[a-zA-Z])", line, maxsplit=1)
    if not rest:
        return text, []
    try:
        words = shlex.split(rest[0].replace("=", " ", 1) if rest[0].startswith("--hash ") else rest[0])
    except ValueError as error:
        raise RequirementsError(f"{where}: {error} in {rest[0]!r}", hint="close the quotation marks") from error
    digests = []
    for word in re.findall(r"--hash[= ]\s*(\S+)", " ".join(words)):
        algorithm, _, digest = word.partition(":")
        if algorithm not in ("sha256", "sha384", "sha512") or not re.fullmatch(r"[0-9a-fA-F]+", digest):
            raise RequirementsError(
                f"{where}: --hash={word} is not a hash that pip takes", hint="write --hash=sha256:HEX"
            )
        if algorithm == "sha256":
            digests.append(digest.lower())
    return text, digests

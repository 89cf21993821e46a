"""poetry.lock and Pipfile.lock, read as pinned input: versions and hashes, without the files' URLs. Reads files.

Sources: poetry-core's lock file versions 1.1 to 2.1; pipenv's Pipfile specification (version 6).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from wheelbase.errors import RequirementsError
from wheelbase.project.files import load_json, load_toml, shaped
from wheelbase.project.poetry import poetry_specifier
from wheelbase.project.pyproject import parse_python, read_pyproject
from wheelbase.project.values import Requirements, answered, parse_requirement


class _File(msgspec.Struct, frozen=True):
    hash: str = ""


class _Origin(msgspec.Struct, frozen=True):
    type: str = "legacy"


class _Locked(msgspec.Struct, frozen=True, rename="kebab"):
    """A package of a poetry.lock; `groups` and `markers` came with version 2.1."""

    name: str
    version: str
    python_versions: str = "*"
    groups: list[str] = []
    markers: str | dict[str, str] | None = None
    files: list[_File] = []
    source: _Origin = _Origin()

    @property
    def from_index(self) -> bool:
        return self.source.type not in ("git", "url", "file", "directory")


class _Metadata(msgspec.Struct, frozen=True, rename="kebab"):
    lock_version: str = ""
    python_versions: str | None = None
    files: dict[str, list[_File]] = {}


class _PoetryLock(msgspec.Struct, frozen=True):
    package: list[_Locked] = []
    extras: dict[str, list[str]] = {}
    metadata: _Metadata = _Metadata()


def read_poetry_lock(path: Path, *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Requirements:
    """Return the pins of a poetry.lock.

    From version 2.1 on it says for whom each package is. Before that only the pyproject.toml beside it does, whose
    requirements are then constrained to the versions of the lock file.
    """
    lock = load_toml(path, _PoetryLock)
    version = lock.metadata.lock_version
    if version.split(".")[0] not in ("1", "2"):
        raise RequirementsError(
            f"{path} has lock-version {version or 'none'}; versions 1 and 2 are known here",
            hint="write it again with a Poetry of versions 1.1 to 2",
        )
    python = lock.metadata.python_versions
    requires_python = poetry_specifier(python) if python else None
    beside = path.with_name("pyproject.toml")
    if version not in ("1.0", "1.1", "2.0"):
        return _marked(path, lock, extras, groups, requires_python)
    if not beside.is_file():
        raise RequirementsError(
            f"{path} has no pyproject.toml beside it, which says what was asked for",
            hint="keep both files in one folder, or write the lock file again with Poetry 2",
        )
    project = read_pyproject(beside, extras=extras, groups=groups)
    pins = tuple(_constraints(path, lock))
    pinned = {pin.name for pin in pins}
    return Requirements(
        source=path.name,
        requirements=project.requirements,
        constraints=pins,
        hashes={name: digests for name, digests in _hashes(lock).items() if name in pinned},
        requires_python=project.requires_python or requires_python,
        skipped=project.skipped,
        tool_uv=project.tool_uv,
    )


def _hashes(lock: _PoetryLock) -> dict[str, frozenset[str]]:
    hashes: dict[str, frozenset[str]] = {}
    for package in lock.package:
        name = canonicalize_name(package.name)
        # Before version 2.0 the files stand in a table of their own.
        files = package.files or lock.metadata.files.get(package.name, [])
        if package.from_index and (digests := _sha256(file.hash for file in files)):
            hashes[name] = hashes.get(name, frozenset()) | digests
    return hashes


def _marked(
    path: Path, lock: _PoetryLock, extras: Sequence[str], groups: Sequence[str], python: SpecifierSet | None
) -> Requirements:
    """Return the pins of the main group, of the groups and of the extras asked for, each with its conditions."""
    known = {canonicalize_name(group) for package in lock.package for group in package.groups}
    for kind, asked, there in (("extra", extras, set(map(canonicalize_name, lock.extras))), ("group", groups, known)):
        if missing := [name for name in asked if canonicalize_name(name) not in there]:
            raise RequirementsError(
                f"{path} has no package of {kind} {missing[0]!r}",
                hint=f"it has packages of {', '.join(sorted(there)) or 'none'}",
            )
    chosen = {"main", *map(canonicalize_name, groups)}
    pins, skipped = [], []
    for package in lock.package:
        markers = package.markers or ""
        conditions = [
            markers.get(group, "") if isinstance(markers, dict) else markers
            for group in package.groups
            if canonicalize_name(group) in chosen
        ]
        if conditions and not package.from_index:
            skipped.append(f"{package.name}: from {package.source.type}, not from an index")
        elif conditions:
            condition = f"; {' or '.join(f'({each})' for each in conditions)}" if all(conditions) else ""
            pin = parse_requirement(f"{package.name}=={package.version}{condition}", str(path))
            pin.marker = answered(str(pin.marker), extras=extras) if pin.marker else None
            pins.append(pin)
    return Requirements(
        source=path.name,
        requirements=tuple(pins),
        hashes=_hashes(lock),
        complete=True,
        requires_python=python,
        skipped=tuple(skipped),
    )


def _constraints(path: Path, lock: _PoetryLock) -> Iterable[Requirement]:
    """Yield a pin for each package; of several versions of one, the newest where its Python allows it.

    Before version 2.1 a lock file does not say which of them is for whom. Mostly the older one is there for the
    Pythons that the newer one has dropped; where it is not, the project's own requirements have to tell them apart.
    """
    forks: dict[str, list[_Locked]] = {}
    for package in lock.package:
        if package.from_index:
            forks.setdefault(canonicalize_name(package.name), []).append(package)
    for name, packages in forks.items():
        newest_first = sorted(packages, key=lambda p: _version(path, p), reverse=True)
        lowest = [_lowest_python(package) for package in newest_first]
        if len(set(lowest)) < len(lowest):
            continue
        for package, own, above in zip(newest_first, lowest, [None, *lowest], strict=False):
            bounds = [f"python_full_version >= '{own}'"] + ([f"python_full_version < '{above}'"] if above else [])
            condition = f"; {' and '.join(bounds)}" if len(packages) > 1 else ""
            yield parse_requirement(f"{name}=={package.version}{condition}", str(path))


def _lowest_python(package: _Locked) -> str:
    return next((s.version for s in poetry_specifier(package.python_versions) if s.operator == ">="), "0")


def _version(path: Path, package: _Locked) -> Version:
    try:
        return Version(package.version)
    except InvalidVersion as error:
        raise RequirementsError(
            f"{path}: {package.name} has version {package.version!r}, which is none", hint="write it with `poetry lock`"
        ) from error


class _Entry(msgspec.Struct, frozen=True):
    """A package of a Pipfile.lock."""

    version: str | None = None
    extras: list[str] = []
    markers: str | None = None
    hashes: list[str] = []


class _Requires(msgspec.Struct, frozen=True):
    python_version: str | None = None


class _Meta(msgspec.Struct, frozen=True, rename="kebab"):
    pipfile_spec: int
    requires: _Requires = _Requires()


def read_pipfile_lock(path: Path, *, groups: Iterable[str] = ()) -> Requirements:
    """Return the pins of a Pipfile.lock: its `default` section, and the sections named as groups."""
    data = load_json(path, dict[str, Any])
    if "_meta" not in data or "default" not in data:
        raise RequirementsError(f"{path} is not a Pipfile.lock", hint="write it again with `pipenv lock`")
    meta = shaped(data.pop("_meta"), _Meta, f"{path}, _meta")
    if meta.pipfile_spec != 6:
        raise RequirementsError(
            f"{path} has pipfile-spec {meta.pipfile_spec}; 6 is known here", hint="write it again with `pipenv lock`"
        )
    requirements, skipped = [], []
    hashes: dict[str, set[str]] = {}
    for section in ("default", *("develop" if group == "dev" else group for group in groups)):
        if section not in data:
            raise RequirementsError(f"{path} has no group {section!r}", hint=f"it has {', '.join(data)}")
        for name, entry in shaped(data[section], dict[str, _Entry], f"{path}, {section}").items():
            if entry.version is None or (entry.version == "*" and not entry.markers):
                # pipenv leaves `*` where the machine that locked did not need the package.
                reason = "without a version" if entry.version else "from version control, a URL or a folder"
                skipped.append(f"{name}: {reason} in {path.name}")
                continue
            extras = f"[{','.join(entry.extras)}]" if entry.extras else ""
            version = "" if entry.version == "*" else entry.version
            marker = f"; {entry.markers}" if entry.markers else ""
            requirements.append(parse_requirement(f"{name}{extras}{version}{marker}", f"{path}, {section}"))
            if digests := _sha256(entry.hashes):
                hashes.setdefault(canonicalize_name(name), set()).update(digests)
    python = meta.requires.python_version
    return Requirements(
        source=path.name,
        requirements=tuple(requirements),
        hashes={name: frozenset(digests) for name, digests in hashes.items()},
        complete=True,
        requires_python=parse_python(f"=={python}.*" if python else None, path),
        skipped=tuple(skipped),
    )


def _sha256(hashes: Iterable[str]) -> set[str]:
    return {each.removeprefix("sha256:") for each in hashes if each.startswith("sha256:")}

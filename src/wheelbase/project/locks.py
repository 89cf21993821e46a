"""uv.lock and pylock.toml (PEP 751): packages with their files. Reads files; runs uv, which alone knows uv.lock."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import msgspec
from packaging.markers import Marker
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase import __version__
from wheelbase.cache import Cache
from wheelbase.errors import RequirementsError
from wheelbase.index.simple import Candidate, split_filename
from wheelbase.project.files import load_toml, read_text
from wheelbase.project.pyproject import Pyproject, located_uv
from wheelbase.project.values import Package, Requirements, answered
from wheelbase.uv import refusal, run_uv, uv_identity

if TYPE_CHECKING:
    from packaging.pylock import Package as LockPackage
    from packaging.pylock import PackageSdist, PackageWheel


class _Exported(msgspec.Struct, frozen=True):
    locked: tuple[Package, ...] | None
    requires_python: SpecifierSet | None
    skipped: tuple[str, ...]


def read_uv_lock(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return the packages of a uv.lock, as `uv export` gives them; the project itself is left out.

    So are its default groups, which are for developers: a group counts where it is asked for.
    """
    text = read_text(path)
    project = path.with_name("pyproject.toml")
    if not project.is_file():
        load_toml(path, dict[str, Any])  # what is wrong with the file itself goes first
        raise RequirementsError(
            f"{path} has no pyproject.toml beside it, without which uv cannot read it",
            hint="keep both files in one folder",
        )
    data = load_toml(project, Pyproject)
    command = "export --frozen --format pylock.toml --no-emit-project --no-default-groups --quiet".split()
    command += [word for extra in extras for word in ("--extra", extra)]
    command += [word for group in groups for word in ("--group", group)]
    # With --frozen, uv goes by the lock file, and by what the project calls its own.
    parts = (__version__, uv_identity(), str(path.parent.resolve()), *command, text, read_text(project))
    kept, key = Cache("exported-1"), "\0".join(parts)
    if known := kept.get(key):
        exported = msgspec.msgpack.decode(known, type=_Exported, dec_hook=lambda kind, said: kind(said))
    else:
        exported = _export(path, command)
        kept.put(key, msgspec.msgpack.encode(exported, enc_hook=str))
    return Requirements(
        source=path.name,
        locked=exported.locked,
        requires_python=exported.requires_python,
        skipped=exported.skipped,
        tool_uv=located_uv(path.parent, data.tool.uv),
    )


def _export(path: Path, command: Sequence[str]) -> _Exported:
    load_toml(path, dict[str, Any])
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as name:
        output = Path(name, "pylock.toml")
        result = run_uv(*command, "--output-file", str(output), directory=path.parent.resolve())
        if result.returncode:
            message, hint = refusal(result)
            raise RequirementsError(
                f"{path}: {' '.join(message.split())}", hint=hint or "mend it, or write it again with `uv lock`"
            )
        read = read_pylock(output)
    return _Exported(locked=read.locked, requires_python=read.requires_python, skipped=read.skipped)


def read_pylock(path: Path, *, extras: Sequence[str] = (), groups: Sequence[str] = ()) -> Requirements:
    """Return the packages of a pylock.toml with the files that it allows."""
    from packaging.pylock import Pylock, PylockValidationError

    try:
        lock = Pylock.from_dict(load_toml(path, dict[str, Any]))
    except PylockValidationError as error:
        raise RequirementsError(
            f"{path} is not a lock file of PEP 751: {error}", hint="write it again with the tool that made it"
        ) from error
    for kind, asked, known in (("extra", extras, lock.extras), ("dependency group", groups, lock.dependency_groups)):
        if missing := [n for n in asked if canonicalize_name(n) not in map(canonicalize_name, known or ())]:
            raise RequirementsError(
                f"{path} has no {kind} {missing[0]!r}",
                hint=f"it has {', '.join(known or ()) or 'none'}; lock again with what is to be counted",
            )
    packages, skipped = [], []
    for package in lock.packages:
        marker = _settled(path, package, extras, [*(lock.default_groups or ()), *groups])
        place = _place(package)
        if place or package.version is None:
            skipped.append(f"{package.name}: from {place or 'a place with no fixed version'}, not from an index")
        else:
            files = tuple(_candidate(file, package, package.version, path) for file in _files(package))
            packages.append(Package(name=package.name, version=package.version, marker=marker, candidates=files))
    return Requirements(
        source=path.name, locked=tuple(packages), requires_python=lock.requires_python, skipped=tuple(skipped)
    )


def _place(package: LockPackage) -> str | None:
    """Return where a package comes from that is not from an index."""
    if package.vcs:
        return "version control"
    if package.directory:
        return "a folder"
    return "a URL or a file" if package.archive else None


def _settled(path: Path, package: LockPackage, extras: Iterable[str], groups: Iterable[str]) -> Marker | None:
    if package.marker is None:
        return None
    try:
        marker = answered(str(package.marker), extras=set(extras), groups=set(groups))
        marker.evaluate()  # on whatever machine this is: a comparison without a meaning comes to light here
    except (ValueError, LookupError, TypeError) as error:
        raise RequirementsError(
            f"{path}: {package.name} has the marker {package.marker}, which cannot be answered: {error}",
            hint="write it again with the tool that made it",
        ) from error
    return marker


def _files(package: LockPackage) -> list[PackageWheel | PackageSdist]:
    return [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]


def _candidate(file: PackageWheel | PackageSdist, package: LockPackage, version: Version, path: Path) -> Candidate:
    location = file.url or (path.parent / str(file.path)).resolve().as_uri()
    filename = file.name or unquote(urlsplit(location).path.rpartition("/")[2])
    found = split_filename(filename, package.name)
    return Candidate(
        filename=filename,
        url=location,
        version=version,
        kind=found[0] if found else "wheel" if filename.endswith(".whl") else "sdist",
        size=file.size,
        sha256=file.hashes.get("sha256"),
        upload_time=file.upload_time,
        requires_python=str(package.requires_python) if package.requires_python else None,
    )

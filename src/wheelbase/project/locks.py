"""uv.lock and pylock.toml (PEP 751): packages with their files. Reads files; runs uv, which alone knows uv.lock."""

import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from packaging.markers import Marker
from packaging.pylock import Package as LockPackage
from packaging.pylock import PackageSdist, PackageWheel, Pylock, PylockValidationError
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.errors import RequirementsError
from wheelbase.index.simple import Candidate, split_filename
from wheelbase.project.pyproject import load_toml, located_uv, parse_python
from wheelbase.project.values import Package, Requirements
from wheelbase.uv import refusal, run_uv


def read_uv_lock(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return the packages of a uv.lock, as `uv export` gives them; the project itself is left out."""
    project = path.with_name("pyproject.toml")
    if not project.is_file():
        raise RequirementsError(
            f"{path} has no pyproject.toml beside it, without which uv cannot read it",
            hint="keep both files in one folder",
        )
    chosen = [word for extra in extras for word in ("--extra", extra)] + [
        word for group in groups for word in ("--group", group)
    ]
    with tempfile.TemporaryDirectory(prefix="wheelbase-") as name:
        output = Path(name, "pylock.toml")
        export = [
            "export",
            "--frozen",
            "--format",
            "pylock.toml",
            "--no-emit-project",
            "--no-default-groups",
            "--quiet",
        ]
        result = run_uv(*export, *chosen, "--output-file", str(output), directory=path.parent.resolve())
        if result.returncode:
            message, hint = refusal(result)
            raise RequirementsError(
                f"{path}: {message}", hint=hint or "write it again with `uv lock`, or install a newer uv"
            )
        read = read_pylock(output)
    data = load_toml(project)
    return Requirements(
        source=path.name,
        locked=read.locked,
        requires_python=read.requires_python or parse_python(load_toml(path).get("requires-python"), path),
        skipped=read.skipped,
        tool_uv=located_uv(path.parent, data.get("tool", {}).get("uv")),
    )


def read_pylock(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return the packages of a pylock.toml with the files that it allows."""
    try:
        lock = Pylock.from_dict(load_toml(path))
    except PylockValidationError as error:
        raise RequirementsError(
            f"{path} is not a lock file of PEP 751: {error}", hint="write it again with the tool that made it"
        ) from error
    packages, skipped = [], []
    chosen = {"extras": set(extras), "dependency_groups": {*(lock.default_groups or ()), *groups}}
    for package in lock.packages:
        kind = (
            "version control"
            if package.vcs
            else "a folder"
            if package.directory
            else "a URL"
            if package.archive
            else None
        )
        if kind or package.version is None:
            skipped.append(f"{package.name}: from {kind or 'a place with no fixed version'}, not from an index")
        elif (marker := _settled(package.marker, chosen)) is not False:
            packages.append(
                Package(
                    name=canonicalize_name(package.name),
                    version=package.version,
                    marker=marker,
                    candidates=tuple(_candidates(package, path)),
                )
            )
    return Requirements(
        source=path.name, locked=tuple(packages), requires_python=lock.requires_python, skipped=tuple(skipped)
    )


def _settled(marker: Marker | None, chosen: Mapping[str, set[str]]) -> Marker | Literal[False] | None:
    """Return a marker with the questions of extras and groups answered; False where the package is not wanted.

    A marker that asks for them is answered for a plain Linux, since it cannot be carried further half evaluated.
    """
    if marker is None or not ("extras" in str(marker) or "dependency_groups" in str(marker)):
        return marker
    environment: dict[str, Any] = {**chosen, "sys_platform": "linux", "os_name": "posix", "platform_system": "Linux"}
    return None if marker.evaluate(environment, context="lock_file") else False


def _candidates(package: LockPackage, path: Path) -> Iterable[Candidate]:
    files: list[PackageWheel | PackageSdist] = [*(package.wheels or ()), *([package.sdist] if package.sdist else ())]
    for file in files:
        location = file.url or (path.parent / str(file.path)).resolve().as_uri()
        filename = file.name or unquote(urlsplit(location).path.rpartition("/")[2])
        found = split_filename(filename, canonicalize_name(package.name))
        yield Candidate(
            filename=filename,
            url=location,
            version=package.version or Version("0"),
            kind=found[0] if found else "wheel" if filename.endswith(".whl") else "sdist",
            size=file.size,
            sha256=file.hashes.get("sha256"),
            upload_time=file.upload_time,
            requires_python=str(package.requires_python) if package.requires_python else None,
        )

"""Poetry's own tables and lock file, and Pipfile.lock, read as pinned input. Reads files.

Sources: Poetry's documentation ("Dependency specification"), poetry-core's lock file versions 1.1 to 2.1, pipenv's
Pipfile specification (version 6).
"""

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.errors import RequirementsError
from wheelbase.project.pyproject import load_toml, read_pyproject
from wheelbase.project.values import Requirements, parse_requirement


def poetry_requirements(
    poetry: Mapping[str, Any], *, extras: Iterable[str], groups: Iterable[str], where: str
) -> tuple[list[Requirement], str | None]:
    """Return the dependencies in `[tool.poetry]` as PEP 508, and its Python constraint as a specifier."""
    tables = [poetry.get("dependencies", {})]
    optional = {canonicalize_name(name) for extra in extras for name in poetry.get("extras", {}).get(extra, ())}
    for group in groups:
        found = poetry.get("group", {}).get(group, {}).get("dependencies")
        if found is None:
            raise RequirementsError(
                f"{where} has no group {group!r}", hint=f"it has {', '.join(poetry.get('group', {})) or 'none'}"
            )
        tables.append(found)
    lines = []
    python = None
    for name, value in (item for table in tables for item in table.items()):
        if name.lower() == "python":
            python = ",".join(str(specifier) for specifier in poetry_specifier(str(value)))
            continue
        for one in value if isinstance(value, list) else [value]:
            spec = {"version": one} if isinstance(one, str) else one
            if spec.get("optional") and canonicalize_name(name) not in optional:
                continue
            lines.append(_requirement(name, spec, where))
    return lines, python


def _requirement(name: str, spec: Mapping[str, Any], where: str) -> Requirement:
    for kind in ("git", "path", "url", "file"):
        if kind in spec:
            parse_requirement(
                f"{name} @ {spec[kind]}" if "://" in str(spec[kind]) else str(Path(str(spec[kind]))) + "/",
                f"{where}, {name}",
            )
    markers = [f"({spec['markers']})"] if "markers" in spec else []
    if "python" in spec:
        markers += [f"python_full_version {s.operator} '{s.version}'" for s in poetry_specifier(str(spec["python"]))]
    if "platform" in spec:
        markers.append(f"sys_platform == '{spec['platform']}'")
    extras = f"[{','.join(spec['extras'])}]" if spec.get("extras") else ""
    specifier = poetry_specifier(str(spec.get("version", "*")))
    return parse_requirement(f"{name}{extras}{specifier}" + (f"; {' and '.join(markers)}" if markers else ""), where)


def poetry_specifier(constraint: str) -> SpecifierSet:
    """Return Poetry's `^1.2`, `~1.2`, `1.*` or `>=1,<2` as a specifier; of alternatives (`||`) their whole span."""
    alternatives = [_one_specifier(part) for part in constraint.split("||")]
    if len(alternatives) == 1:
        return alternatives[0]
    lower = [s for alternative in alternatives for s in alternative if s.operator in (">=", "==", ">")]
    return SpecifierSet(f">={min((Version(s.version.removesuffix('.*')) for s in lower), default=Version('0'))}")


def _one_specifier(constraint: str) -> SpecifierSet:
    parts = []
    for part in re.split(r"\s*,\s*|\s+(?=[<>=!^~])", constraint.strip()):
        text = part.replace(" ", "")
        if text in ("", "*"):
            continue
        if text[0] == "^" or (text[0] == "~" and not text.startswith("~=")):
            release = Version(text[1:]).release
            parts.append(f">={text[1:]},<{_upper(release, caret=text[0] == '^')}")
        else:
            parts.append(text if text[0] in "<>=!~" else f"=={text}")
    try:
        return SpecifierSet(",".join(parts))
    except InvalidSpecifier as error:
        raise RequirementsError(
            f"{constraint!r} is not a version constraint of Poetry",
            hint="see Poetry's documentation, Dependency specification",
        ) from error


def _upper(release: tuple[int, ...], *, caret: bool) -> str:
    """Return the version below which `^` or `~` stays: the first number that is not zero, or the second, goes up."""
    first = next((i for i, number in enumerate(release) if number), len(release) - 1)
    place = first if caret else min(1, len(release) - 1)
    return ".".join(str(number) for number in (*release[:place], release[place] + 1))


def read_poetry_lock(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return what the pyproject.toml beside a poetry.lock needs, constrained to the versions of the lock file."""
    data = load_toml(path)
    version = str(data.get("metadata", {}).get("lock-version", ""))
    if version.split(".")[0] not in ("1", "2"):
        raise RequirementsError(
            f"{path} has lock-version {version or 'none'}; versions 1 and 2 are known here",
            hint="write it again with a Poetry of versions 1.1 to 2",
        )
    beside = path.with_name("pyproject.toml")
    if not beside.is_file():
        raise RequirementsError(
            f"{path} has no pyproject.toml beside it, which says what was asked for",
            hint="keep both files in one folder",
        )
    project = read_pyproject(beside, extras=extras, groups=groups)
    packages: dict[str, list[Mapping[str, Any]]] = {}
    for package in data.get("package", ()):
        packages.setdefault(canonicalize_name(str(package["name"])), []).append(package)
    pins: list[Requirement] = []
    hashes: dict[str, frozenset[str]] = {}
    old_files = data.get("metadata", {}).get("files", {})
    for name, forks in packages.items():
        if any(fork.get("source", {}).get("type") in ("git", "url", "file", "directory") for fork in forks):
            continue
        pins += [_pin(name, fork, alone=len(forks) == 1) for fork in forks]
        files = [file for fork in forks for file in fork.get("files") or old_files.get(fork["name"], ())]
        hashes[name] = frozenset(
            str(f["hash"]).removeprefix("sha256:") for f in files if str(f.get("hash", "")).startswith("sha256:")
        )
    return Requirements(
        source=path.name,
        requirements=project.requirements,
        constraints=tuple(pins),
        hashes={name: digests for name, digests in hashes.items() if digests},
        requires_python=project.requires_python or _python_of(data, path),
        tool_uv=project.tool_uv,
    )


def _python_of(data: Mapping[str, Any], path: Path) -> SpecifierSet | None:
    constraint = data.get("metadata", {}).get("python-versions")
    return poetry_specifier(str(constraint)) if constraint else None


def _pin(name: str, package: Mapping[str, Any], *, alone: bool) -> Requirement:
    """Return `name==version`, for the Pythons of this entry where the package has several."""
    pin = f"{name}=={package['version']}"
    if alone:
        return Requirement(pin)
    if isinstance(package.get("markers"), str):
        return Requirement(f"{pin}; {package['markers']}")
    marker = " and ".join(
        f"python_full_version {s.operator} '{s.version}'"
        for s in poetry_specifier(str(package.get("python-versions", "*")))
    )
    return Requirement(f"{pin}; {marker}" if marker else pin)


def read_pipfile_lock(path: Path, *, groups: Iterable[str] = ()) -> Requirements:
    """Return the pins of a Pipfile.lock: its `default` section, and the sections named as groups."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        meta, sections = data["_meta"], [data["default"], *(data[_section(group)] for group in groups)]
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise RequirementsError(
            f"{path} is not a Pipfile.lock, or lacks a section: {error}", hint="write it again with `pipenv lock`"
        ) from error
    if meta.get("pipfile-spec") != 6:
        raise RequirementsError(
            f"{path} has pipfile-spec {meta.get('pipfile-spec')}; 6 is known here",
            hint="write it again with `pipenv lock`",
        )
    lines, skipped = [], []
    hashes: dict[str, frozenset[str]] = {}
    for name, entry in (item for section in sections for item in section.items()):
        if "version" not in entry:
            skipped.append(f"{name}: not from an index")
            continue
        extras = f"[{','.join(entry['extras'])}]" if entry.get("extras") else ""
        marker = f"; {entry['markers']}" if entry.get("markers") else ""
        lines.append(parse_requirement(f"{name}{extras}{entry['version']}{marker}", str(path)))
        if digests := [h.removeprefix("sha256:") for h in entry.get("hashes", ()) if h.startswith("sha256:")]:
            hashes[canonicalize_name(name)] = frozenset(digests)
    python = meta.get("requires", {}).get("python_version")
    return Requirements(
        source=path.name,
        requirements=tuple(lines),
        hashes=hashes,
        complete=True,
        requires_python=SpecifierSet(f"=={python}.*") if python else None,
        skipped=tuple(skipped),
    )


def _section(group: str) -> str:
    return "develop" if group == "dev" else group

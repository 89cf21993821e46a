"""What a pyproject.toml says an application needs: PEP 621, extras, dependency groups (PEP 735). Reads files."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError
from wheelbase.project.files import load_toml, shaped
from wheelbase.project.poetry import PoetryTable, poetry_python, poetry_requirements
from wheelbase.project.requirements_txt import read_requirements_files
from wheelbase.project.values import Requirements, parse_requirement


class _Project(msgspec.Struct, frozen=True, rename="kebab"):
    """The `[project]` table."""

    name: str = ""
    dependencies: list[str] | None = None
    optional_dependencies: dict[str, list[str]] = {}
    requires_python: str | None = None
    dynamic: list[str] = []


class _DynamicTable(msgspec.Struct, frozen=True):
    file: str | list[str] = []


class _Dynamic(msgspec.Struct, frozen=True):
    dependencies: _DynamicTable = _DynamicTable()


class _Setuptools(msgspec.Struct, frozen=True):
    dynamic: _Dynamic = _Dynamic()


class _Tool(msgspec.Struct, frozen=True):
    poetry: PoetryTable | None = None
    setuptools: _Setuptools = _Setuptools()
    uv: dict[str, Any] | None = None


class Pyproject(msgspec.Struct, frozen=True, rename="kebab"):
    """The tables of a pyproject.toml that bear on what is installed."""

    project: _Project | None = None
    dependency_groups: dict[str, list[Any]] = {}
    tool: _Tool = _Tool()

    @property
    def says_nothing(self) -> bool:
        """Say whether the file holds tools' settings only."""
        return self.project is None and self.tool.poetry is None and not self.dependency_groups


class _UvTable(msgspec.Struct, frozen=True, rename="kebab"):
    """The settings of uv that may hold paths, and its sources."""

    find_links: list[str] = []
    index: list[dict[str, Any]] = []
    sources: dict[str, dict[str, Any] | list[dict[str, Any]]] = {}


def read_pyproject(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return the dependencies of a project with those of the extras and dependency groups named."""
    data = load_toml(path, Pyproject)
    if data.says_nothing:
        raise RequirementsError(
            f"{path} has no [project] table, so it does not say what the project needs",
            hint="name the requirements as arguments, or a requirements file with -r",
        )
    project, poetry = data.project or _Project(), data.tool.poetry
    lines = [*_dependencies(path, data, project), *(r for extra in extras for r in _extra(path, data, extra))]
    lines += [r for group in groups for r in _group(path, data, group)]
    lines = _without_self(lines, project.name or (poetry.name if poetry else ""), path, data)
    elsewhere = _elsewhere(path, data.tool.uv)
    python = parse_python(project.requires_python, path)
    return Requirements(
        source=path.name,
        requirements=tuple(line for line in lines if canonicalize_name(line.name) not in elsewhere),
        requires_python=poetry_python(poetry) if python is None and poetry else python,
        skipped=tuple(
            f"{line.name}: from {elsewhere[canonicalize_name(line.name)]} (tool.uv.sources), not from an index"
            for line in lines
            if canonicalize_name(line.name) in elsewhere
        ),
        tool_uv=located_uv(path.parent, data.tool.uv),
    )


def _elsewhere(path: Path, tool_uv: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the packages that uv takes from elsewhere than an index, which may have a stranger under their name."""
    sources = shaped(tool_uv or {}, _UvTable, f"{path}, tool.uv").sources
    return {
        canonicalize_name(name): kind
        for name, value in sources.items()
        for one in (value if isinstance(value, list) else [value])
        for kind in ("git", "url", "path", "workspace")
        if one.get(kind)
    }


def parse_python(specifier: str | None, path: Path) -> SpecifierSet | None:
    """Parse a requires-python."""
    if specifier is None:
        return None
    try:
        return SpecifierSet(specifier)
    except InvalidSpecifier as error:
        raise RequirementsError(
            f"{path}: requires-python is {specifier!r}, which is not a version specifier", hint='write it like ">=3.11"'
        ) from error


def located_uv(folder: Path, table: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the uv settings of a project folder (uv.toml before [tool.uv]), with paths that hold from anywhere."""
    own = folder / "uv.toml"
    table = load_toml(own, dict[str, Any]) if own.is_file() else table
    if not table:
        return None
    paths = shaped(table, _UvTable, f"the uv settings in {folder}")
    located = dict(table)
    if paths.find_links:
        located["find-links"] = [_from(folder, link) for link in paths.find_links]
    if paths.index:
        located["index"] = [index | {"url": _from(folder, str(index.get("url", "")))} for index in paths.index]
    return located


def _from(folder: Path, link: str) -> str:
    return link if "://" in link else str((folder / link).resolve())


def _dependencies(path: Path, data: Pyproject, project: _Project) -> list[Requirement]:
    if project.dependencies is not None:
        return _parsed(project.dependencies, f"{path}, project.dependencies")
    if data.tool.poetry and data.tool.poetry.dependencies:
        return poetry_requirements(data.tool.poetry.dependencies, where=f"{path}, tool.poetry.dependencies")
    if "dependencies" not in project.dynamic:
        return []
    files = data.tool.setuptools.dynamic.dependencies.file
    if not files:
        raise RequirementsError(
            f"{path} leaves its dependencies to its build backend (dynamic), and no code of a project is run here",
            hint="name its requirements file with -r, or a lock file",
        )
    read, _ = read_requirements_files(tuple(path.parent / n for n in ([files] if isinstance(files, str) else files)))
    return list(read.requirements)


def _parsed(lines: Iterable[str], where: str) -> list[Requirement]:
    return [parse_requirement(line, where) for line in lines]


def _named(path: Path, kind: str, name: str, known: Iterable[str]) -> str:
    """Return the spelling in which the file has an extra or a group."""
    spelled = {canonicalize_name(one): one for one in known}
    if canonicalize_name(name) not in spelled:
        raise RequirementsError(
            f"{path} has no {kind} {name!r}", hint=f"it has {', '.join(spelled.values()) or 'none'}"
        )
    return spelled[canonicalize_name(name)]


def _extra(path: Path, data: Pyproject, extra: str) -> list[Requirement]:
    standard = data.project.optional_dependencies if data.project else {}
    poetry = data.tool.poetry or PoetryTable()
    name = _named(path, "extra", extra, [*standard, *poetry.extras])
    where = f"{path}, extra {name}"
    if name in standard:
        return _parsed(standard[name], where)
    members = {canonicalize_name(member) for member in poetry.extras[name]}
    optional = {n: value for n, value in poetry.dependencies.items() if canonicalize_name(n) in members}
    return poetry_requirements(optional, where=where, optional=True)


def _group(path: Path, data: Pyproject, group: str, trail: tuple[str, ...] = ()) -> list[Requirement]:
    """Return a group's requirements; Poetry adds its own table of a group to the standard one of that name."""
    poetry = data.tool.poetry.groups if data.tool.poetry else {}
    name = canonicalize_name(_named(path, "dependency group", group, [*data.dependency_groups, *poetry]))
    where = f"{path}, group {group}"
    if name in trail:
        raise RequirementsError(
            f"{path}: group {name!r} includes itself, by way of {trail[-1]!r}", hint="take one include-groups out"
        )
    lines: Sequence[str] = ()
    if name in map(canonicalize_name, data.dependency_groups):
        try:
            lines = resolve_dependency_groups(data.dependency_groups, group)
        except (ValueError, TypeError, LookupError, RecursionError, ExceptionGroup) as error:
            causes = error.exceptions if isinstance(error, ExceptionGroup) else [error]
            raise RequirementsError(
                f"{path}: dependency group {group!r} cannot be read: {'; '.join(map(str, causes))}",
                hint="see PEP 735 for its form",
            ) from error
    tables = [table for spelled, table in poetry.items() if canonicalize_name(spelled) == name]
    return [
        *_parsed(lines, where),
        *(r for table in tables for r in poetry_requirements(table.dependencies, where=where)),
        *(
            r
            for table in tables
            for included in table.include_groups
            for r in _group(path, data, included, (*trail, name))
        ),
    ]


def _without_self(lines: Iterable[Requirement], own: str, path: Path, data: Pyproject) -> list[Requirement]:
    """Put the contents of the project's own extras in place of `name[extra]`, as installers do."""
    done: set[tuple[str, str]] = set()
    result, queue = [], list(lines)
    while queue:
        requirement = queue.pop(0)
        if canonicalize_name(requirement.name) != canonicalize_name(own):
            result.append(requirement)
            continue
        marker = requirement.marker
        wanted = {(extra, str(marker)) for extra in requirement.extras} - done
        done |= wanted
        members = [member for extra, _ in sorted(wanted) for member in _extra(path, data, extra)]
        for member in members:
            member.marker = member.marker & marker if member.marker and marker else member.marker or marker
        queue = [*members, *queue]
    return result


def with_project(requirements: Requirements, other: Requirements) -> Requirements:
    """Return the requirements with those of a local project added."""
    pythons = [each.requires_python for each in (requirements, other) if each.requires_python]
    return replace(
        requirements,
        requirements=(*requirements.requirements, *other.requirements),
        skipped=(*requirements.skipped, *other.skipped),
        requires_python=pythons[0] & pythons[1] if len(pythons) == 2 else next(iter(pythons), None),
        tool_uv=requirements.tool_uv or other.tool_uv,
    )

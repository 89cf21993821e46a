"""What a pyproject.toml says an application needs: PEP 621, extras, dependency groups (PEP 735). Reads files."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from packaging.dependency_groups import resolve_dependency_groups
from packaging.requirements import Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError
from wheelbase.project.requirements_txt import read_requirements_files
from wheelbase.project.values import Requirements, parse_requirement


def load_toml(path: Path) -> dict[str, Any]:
    """Return a TOML file's tables; one that cannot be read is an error that says where."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise RequirementsError(f"{path} is not valid TOML: {error}", hint="mend the file at that place") from error
    except UnicodeDecodeError as error:
        raise RequirementsError(f"{path} is not UTF-8 text (byte {error.start})", hint="save it as UTF-8") from error
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}", hint="check the path and its permissions"
        ) from error


def read_pyproject(path: Path, *, extras: Iterable[str] = (), groups: Iterable[str] = ()) -> Requirements:
    """Return the dependencies of a project with those of the extras and dependency groups named."""
    data = load_toml(path)
    project = data.get("project")
    poetry = data.get("tool", {}).get("poetry", {})
    if not isinstance(project, dict) and not poetry and not data.get("dependency-groups"):
        raise RequirementsError(
            f"{path} has no [project] table, so it does not say what the project needs",
            hint="name the requirements as arguments, or a requirements file with -r",
        )
    if not isinstance(project, dict) or ("dependencies" not in project and poetry.get("dependencies")):
        from wheelbase.project.poetry import poetry_requirements

        lines, requires_python = poetry_requirements(poetry, extras=extras, groups=groups, where=str(path))
    else:
        lines = [*_dependencies(path, data, project), *_extras(path, project, extras), *_groups(path, data, groups)]
        requires_python = project.get("requires-python")
    return Requirements(
        source=path.name,
        requirements=_without_self(lines, project or {}, path),
        requires_python=parse_python(requires_python, path),
        tool_uv=located_uv(path.parent, data.get("tool", {}).get("uv")),
    )


def parse_python(specifier: Any, path: Path) -> SpecifierSet | None:
    """Parse a requires-python."""
    if specifier is None:
        return None
    try:
        return SpecifierSet(str(specifier))
    except InvalidSpecifier as error:
        raise RequirementsError(
            f"{path}: requires-python is {specifier!r}, which is not a version specifier", hint='write it like ">=3.11"'
        ) from error


def located_uv(folder: Path, table: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the uv settings of a project folder (uv.toml before [tool.uv]), with paths that hold from anywhere."""
    own = folder / "uv.toml"
    table = load_toml(own) if own.is_file() else table
    if not table:
        return None
    located = dict(table)
    if "find-links" in located:
        located["find-links"] = [_from(folder, str(link)) for link in located["find-links"]]
    if "index" in located:
        located["index"] = [index | {"url": _from(folder, str(index.get("url", "")))} for index in located["index"]]
    return located


def _from(folder: Path, link: str) -> str:
    return link if "://" in link else str((folder / link).resolve())


def _dependencies(path: Path, data: Mapping[str, Any], project: Mapping[str, Any]) -> list[Requirement]:
    where = f"{path}, project.dependencies"
    if "dependencies" not in project.get("dynamic", ()):
        return [parse_requirement(str(line), where) for line in project.get("dependencies", ())]
    dynamic = data.get("tool", {}).get("setuptools", {}).get("dynamic", {}).get("dependencies", {})
    files = dynamic.get("file") if isinstance(dynamic, dict) else None
    if not files:
        raise RequirementsError(
            f"{path} leaves its dependencies to its build backend (dynamic), and no code of a project is run here",
            hint="name its requirements file with -r, or a lock file",
        )
    names = [files] if isinstance(files, str) else files
    read, _ = read_requirements_files(tuple(path.parent / name for name in names))
    return list(read.requirements)


def _extras(path: Path, project: Mapping[str, Any], extras: Iterable[str]) -> Iterable[Requirement]:
    known = {canonicalize_name(name): (name, lines) for name, lines in project.get("optional-dependencies", {}).items()}
    for extra in extras:
        if canonicalize_name(extra) not in known:
            raise RequirementsError(
                f"{path} has no extra {extra!r}", hint=f"it has {', '.join(n for n, _ in known.values()) or 'none'}"
            )
        name, lines = known[canonicalize_name(extra)]
        yield from (parse_requirement(str(line), f"{path}, extra {name}") for line in lines)


def _groups(path: Path, data: Mapping[str, Any], groups: Iterable[str]) -> Iterable[Requirement]:
    known = data.get("dependency-groups", {})
    for group in groups:
        if canonicalize_name(group) not in {canonicalize_name(name) for name in known}:
            raise RequirementsError(
                f"{path} has no dependency group {group!r}", hint=f"it has {', '.join(known) or 'none'}"
            )
        try:
            lines = resolve_dependency_groups(known, group)
        except (ValueError, TypeError, LookupError, ExceptionGroup) as error:
            raise RequirementsError(
                f"{path}: dependency group {group!r} cannot be read: {error}", hint="see PEP 735 for its form"
            ) from error
        yield from (parse_requirement(line, f"{path}, group {group}") for line in lines)


def _without_self(lines: Iterable[Requirement], project: Mapping[str, Any], path: Path) -> tuple[Requirement, ...]:
    """Put the contents of the project's own extras in place of `name[extra]`, as installers do."""
    own = canonicalize_name(str(project.get("name", "")))
    done: set[str] = set()
    result, queue = [], list(lines)
    while queue:
        requirement = queue.pop(0)
        if canonicalize_name(requirement.name) != own:
            result.append(requirement)
            continue
        wanted = requirement.extras - done
        done |= wanted
        queue = [*_extras(path, project, sorted(wanted)), *queue]
    return tuple(result)


def with_project(requirements: Requirements, other: Requirements) -> Requirements:
    """Return the requirements with those of a local project added."""
    return replace(
        requirements,
        requirements=(*requirements.requirements, *other.requirements),
        requires_python=requirements.requires_python or other.requires_python,
        tool_uv=requirements.tool_uv or other.tool_uv,
    )

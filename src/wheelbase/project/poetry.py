"""Poetry's own tables in a pyproject.toml, and its version constraints. Pure.

Source: Poetry's documentation, "Dependency specification" and "Managing dependencies".
"""

import re

import msgspec
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from wheelbase.errors import RequirementsError
from wheelbase.project.values import parse_requirement


class Dependency(msgspec.Struct, frozen=True):
    """A dependency that is a table."""

    version: str = "*"
    optional: bool = False
    extras: list[str] = []
    markers: str | None = None
    python: str | None = None
    platform: str | None = None
    git: str | None = None
    path: str | None = None
    url: str | None = None
    file: str | None = None


Dependencies = dict[str, str | Dependency | list[str | Dependency]]


class Group(msgspec.Struct, frozen=True, rename="kebab"):
    """A dependency group."""

    dependencies: Dependencies = {}
    include_groups: list[str] = []


class PoetryTable(msgspec.Struct, frozen=True, rename="kebab"):
    """The parts of `[tool.poetry]` that say what is installed."""

    name: str = ""
    dependencies: Dependencies = {}
    dev_dependencies: Dependencies = {}
    group: dict[str, Group] = {}
    extras: dict[str, list[str]] = {}

    @property
    def groups(self) -> dict[str, Group]:
        """The groups; `dev-dependencies` is what Poetry 1.1 had of them."""
        return ({"dev": Group(dependencies=self.dev_dependencies)} if self.dev_dependencies else {}) | self.group


def poetry_requirements(table: Dependencies, *, where: str, optional: bool = False) -> list[Requirement]:
    """Return the dependencies of a table as PEP 508, without the optional ones or with them alone."""
    return [
        _requirement(name, spec, where)
        for name, value in table.items()
        if name.lower() != "python"
        for one in (value if isinstance(value, list) else [value])
        for spec in [Dependency(version=one) if isinstance(one, str) else one]
        if spec.optional == optional
    ]


def poetry_python(table: PoetryTable) -> SpecifierSet | None:
    """Return the Python that Poetry's dependencies ask for."""
    python = table.dependencies.get("python")
    return poetry_specifier(python) if isinstance(python, str) else None


def _requirement(name: str, spec: Dependency, where: str) -> Requirement:
    if place := spec.git or spec.path or spec.url or spec.file:
        raise RequirementsError(
            f"{where}: {name} comes from {place}, not from an index; it cannot be read",
            hint=f"use the released package ({name}), or leave it out and add what it depends on",
        )
    markers = [f"({spec.markers})"] if spec.markers else []
    if spec.python and (python := python_marker(spec.python)):
        markers.append(f"({python})")
    if spec.platform:
        markers.append(f"sys_platform == '{spec.platform}'")
    extras = f"[{','.join(spec.extras)}]" if spec.extras else ""
    condition = f"; {' and '.join(markers)}" if markers else ""
    return parse_requirement(f"{name}{extras}{poetry_specifier(spec.version)}{condition}", where)


def poetry_specifier(constraint: str) -> SpecifierSet:
    """Return Poetry's `^1.2`, `~1.2`, `1.*` or `>=1,<2` as a specifier; of alternatives (`||`) their whole span."""
    alternatives = _alternatives(constraint)
    if len(alternatives) == 1:
        return alternatives[0]
    # The ends of the span are those of the lowest and the highest alternative, where none is open.
    lows = [_ends(one, ">=", ">", "==", "~=") for one in alternatives]
    highs = [_ends(one, "<", "<=") for one in alternatives]
    low = [f">={min(version for ends in lows for version, _ in ends)}"] if all(lows) else []
    high = ["{1}{0}".format(*max(end for ends in highs for end in ends))] if all(highs) else []
    return SpecifierSet(",".join(low + high))


def _ends(alternative: SpecifierSet, *operators: str) -> list[tuple[Version, str]]:
    return [(Version(s.version.removesuffix(".*")), s.operator) for s in alternative if s.operator in operators]


def python_marker(constraint: str) -> str:
    """Return a constraint on Python as a marker; empty where it allows any."""
    alternatives = [
        " and ".join(_comparison(s.operator, s.version) for s in sorted(a, key=str)) for a in _alternatives(constraint)
    ]
    return " or ".join(f"({each})" for each in alternatives) if all(alternatives) else ""


def _comparison(operator: str, version: str) -> str:
    # Poetry takes `python = "3.9"` for all of 3.9, while 3.9.1 == 3.9 is false.
    variable = "python_version" if operator in ("==", "!=") and version.count(".") == 1 else "python_full_version"
    return f"{variable} {operator} '{version}'"


def _alternatives(constraint: str) -> list[SpecifierSet]:
    try:
        return [_one_specifier(part) for part in re.split(r"\|\|?", constraint)]
    except ValueError as error:
        raise RequirementsError(
            f"{constraint[:80]!r} is not a version constraint of Poetry",
            hint="see Poetry's documentation, Dependency specification",
        ) from error


def _one_specifier(constraint: str) -> SpecifierSet:
    parts = []
    for operator, version in re.findall(r"([<>=!^~]*)\s*([^\s,<>=!^~]*)", constraint):
        if version == "*" or not operator + version:
            continue
        if operator in ("^", "~"):
            parts.append(f">={version},<{_upper(Version(version), caret=operator == '^')}")
        else:
            parts.append(f"{'==' if operator in ('', '=') else operator}{version}")
    return SpecifierSet(",".join(parts))


def _upper(version: Version, *, caret: bool) -> str:
    """Return the version below which `^` or `~` stays: the first number that is not zero, or the second, goes up."""
    release = version.release
    first = next((i for i, number in enumerate(release) if number), len(release) - 1)
    place = first if caret else min(1, len(release) - 1)
    epoch = f"{version.epoch}!" if version.epoch else ""
    return epoch + ".".join(str(number) for number in (*release[:place], release[place] + 1))

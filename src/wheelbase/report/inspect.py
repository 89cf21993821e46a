"""What an image says of itself, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from wheelbase.bases.inspected import FoundPython, InspectedLayer, Inspection
from wheelbase.recipes.inspect import Inspected
from wheelbase.report.units import count, megabytes, names

_NO_PYTHON = "no Python here"
_INSTRUCTION = 200


def inspection_text(inspected: Inspected) -> RenderableType:
    """Return the facts of an image, then its layers."""
    inspection = inspected.inspection
    facts = Table.grid(padding=(0, 2, 0, 0))
    for label, value in _facts(inspection):
        style = "yellow" if value == _NO_PYTHON else ""
        facts.add_row(label, Text("\n".join(map(_printable, value.splitlines())), overflow="fold", style=style))
    # A digest with a label before it would not fit in 80 columns.
    parts: list[RenderableType] = [
        Text(inspected.reference, style="bold", overflow="fold"),
        Text(inspection.digest, style="dim"),
        "",
        facts,
    ]
    return Group(*parts, "", _layers(inspection.layers)) if inspection.layers else Group(*parts)


def _facts(inspection: Inspection) -> Iterator[tuple[str, str]]:
    yield "Platform", inspection.platform
    release = inspection.os_release
    yield "System", release.get("PRETTY_NAME") or release.get("ID") or "it does not say"
    libc = inspection.libc
    yield "C library", f"{libc.family} {libc.version or '(version not known)'}" if libc else "none that is known"
    for number, python in enumerate(inspection.pythons):
        yield "" if number else "Python", _python(python)
    if not inspection.pythons:
        yield "Python", _NO_PYTHON
    yield "Packages", _packages(inspection)
    yield "Compilers", names(inspection.compilers) or "none"
    yield "Shell", inspection.shell or "none"
    yield "User", inspection.user
    yield "CA store", inspection.ca_store or "none"
    yield "Time zones", "there" if inspection.tzdata else "none"
    there = [name for name, path in inspection.libraries.items() if path]
    absent = [name for name, path in inspection.libraries.items() if not path]
    yield "Libraries", names(there) or "none of those that wheels often load"
    if there and absent:
        yield "", f"not there: {names(absent)}"
    compressed = inspection.compressed_bytes
    pulled = f"{megabytes(compressed)} MB compressed" if compressed is not None else "stored uncompressed"
    yield "Size", f"{megabytes(inspection.uncompressed_bytes)} MB, {pulled}"


def _python(python: FoundPython) -> str:
    kind = {"cpython": "", "pypy": "PyPy, "}[python.implementation]
    threads = ", free-threaded" if python.free_threaded else ""
    lines = [f"{kind}{python.version}{threads}, {python.path}, {f'pip {python.pip}' if python.pip else 'no pip'}"]
    lines.append(f"  installs to {python.site_packages}")
    said = {
        "standard library with bytecode": python.stdlib_bytecode is True,
        "standard library without bytecode": python.stdlib_bytecode is False,
        "optimised by profile": python.optimised is True,
        "not optimised by profile": python.optimised is False,
    }
    if known := ", ".join(words for words, holds in said.items() if holds):
        lines.append(f"  {known}")
    return "\n".join(lines)


def _packages(inspection: Inspection) -> str:
    manager, database, packages = inspection.package_manager, inspection.package_database, inspection.packages
    more = f"{manager} installs more" if manager else "no package manager"
    if packages is None:
        return f"those of {database} are not read; {more}"
    return f"{count(len(packages), 'package')} of {database}; {more}" if database else more


def _layers(layers: tuple[InspectedLayer, ...]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="bold")
    for title in ("Layer", "Stored\nMB", "Tar\nMB"):
        table.add_column(title, justify="right", no_wrap=True)
    table.add_column("Digest", no_wrap=True)
    table.add_column("Made by", overflow="fold")
    for number, layer in enumerate(layers, 1):
        made = _printable(" ".join((layer.created_by or "").split()))
        made = made if len(made) <= _INSTRUCTION else f"{made[:_INSTRUCTION]}..."
        digest = layer.digest.partition(":")[2][:12]
        table.add_row(str(number), megabytes(layer.bytes), megabytes(layer.tar_bytes), digest, Text(made))
    return table


def _printable(text: str) -> str:
    """Return what an image says without what a terminal would take for commands."""
    return "".join(character if character.isprintable() else "?" for character in text)


def inspection_json(inspected: Inspected) -> str:
    """Return `wheelbase.inspect/1`."""
    return json.dumps(_content(inspected.reference, inspected.inspection), indent=2, ensure_ascii=False)


def _content(reference: str, inspection: Inspection) -> dict[str, Any]:
    return {
        "schema": "wheelbase.inspect/1",
        "reference": reference,
        "digest": inspection.digest,
        "platform": inspection.platform,
        "created": inspection.created,
        "os_release": inspection.os_release,
        "libc": {"family": inspection.libc.family, "version": inspection.libc.version} if inspection.libc else None,
        "pythons": [_python_content(python) for python in inspection.pythons],
        "package_manager": inspection.package_manager,
        "package_database": inspection.package_database,
        "packages": None
        if inspection.packages is None
        else [{"name": package.name, "version": package.version} for package in inspection.packages],
        "compilers": inspection.compilers,
        "shell": inspection.shell,
        "user": inspection.user,
        "ca_store": inspection.ca_store,
        "tzdata": inspection.tzdata,
        "uncompressed_bytes": inspection.uncompressed_bytes,
        "compressed_bytes": inspection.compressed_bytes,
        "libraries": inspection.libraries,
        "layers": [_layer_content(layer) for layer in inspection.layers],
    }


def _python_content(python: FoundPython) -> dict[str, Any]:
    return {
        "version": python.version,
        "path": python.path,
        "implementation": python.implementation,
        "free_threaded": python.free_threaded,
        "site_packages": python.site_packages,
        "pip": python.pip,
        "setuptools": python.setuptools,
        "wheel": python.wheel,
        "headers": python.headers,
        "stdlib_bytecode": python.stdlib_bytecode,
        "optimised": python.optimised,
    }


def _layer_content(layer: InspectedLayer) -> dict[str, Any]:
    return {
        "digest": layer.digest,
        "diff_id": layer.diff_id,
        "media_type": layer.media_type,
        "bytes": layer.bytes,
        "tar_bytes": layer.tar_bytes,
        "created_by": layer.created_by,
    }

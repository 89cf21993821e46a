"""What a project says of itself, as images say it. Reads files.

Sources: the pyproject.toml specification; Poetry's documentation, "The pyproject.toml file"; OCI image specification
1.1, annotations.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from wheelbase.project.files import load_toml

PREFIX = "org.opencontainers.image"
# As projects call the place of their code, the most telling first.
_SOURCE = ("source", "source code", "repository", "code", "github")


class _Project(msgspec.Struct, frozen=True):
    name: str = ""
    version: str = ""
    description: str = ""
    license: str | dict[str, Any] = ""
    urls: dict[str, str] = {}


class _Poetry(msgspec.Struct, frozen=True):
    """The same, as Poetry had it before there was a `[project]`."""

    name: str = ""
    version: str = ""
    description: str = ""
    license: str = ""
    homepage: str = ""
    repository: str = ""
    urls: dict[str, str] = {}

    @property
    def project(self) -> _Project:
        """Return it as the `[project]` that Poetry makes of it."""
        urls = {"homepage": self.homepage, "repository": self.repository, **self.urls}
        return _Project(
            name=self.name,
            version=self.version,
            description=self.description,
            license=self.license,
            urls={name: url for name, url in urls.items() if url},
        )


class _Tool(msgspec.Struct, frozen=True):
    poetry: _Poetry = _Poetry()


class _Pyproject(msgspec.Struct, frozen=True):
    project: _Project | None = None
    tool: _Tool = _Tool()


def project_labels(folder: Path) -> Mapping[str, str]:
    """Return the labels that a folder's pyproject.toml has the words for; none where it has none."""
    path = folder / "pyproject.toml"
    if not path.is_file():
        return {}
    data = load_toml(path, _Pyproject)
    project = data.project or data.tool.poetry.project
    urls = {name.lower(): url for name, url in project.urls.items()}
    found = {
        "title": project.name,
        "version": project.version,
        "description": project.description,
        "licenses": project.license if isinstance(project.license, str) else "",
        "source": next((urls[name] for name in _SOURCE if name in urls), ""),
        "url": urls.get("homepage", ""),
    }
    return {f"{PREFIX}.{name}": text for name, text in found.items() if text}

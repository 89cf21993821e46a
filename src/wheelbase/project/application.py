"""What of a project itself goes into an image: a wheel that its backend builds, or the files of a plain folder.

Reads files; runs uv, and by it the project's build backend: its own code alone runs, with what it needs for a build.
"""

import configparser
import re
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec
from packaging.utils import canonicalize_name

from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.project.building import build_wheel
from wheelbase.project.files import load_toml
from wheelbase.project.folder import ApplicationFile, files_of

_LARGE = 500_000_000
# What build backends are joined by that asks Git for the version.
_FROM_GIT = re.compile(r"setuptools[-_]scm|-vcs|versioningit|dynamic-versioning|versioneer", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a project says of itself in its pyproject.toml; no code of it has been run.

    `package`: it is built and installed, else its files are what runs. `entrypoint` is the script that is the
    application, None where none stands out and `note` says so. `local`: its uv.lock has folders beside this one.
    `from_git`: its version is that of the last tag.
    """

    name: str
    package: bool
    entrypoint: str | None
    note: str | None
    local: bool
    from_git: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """A project as it goes into an image: its wheel, or else its files."""

    name: str
    wheel: Path | None = None
    wheel_sha256: str | None = None
    #: Sorted by path.
    files: tuple[ApplicationFile, ...] = ()
    #: What the wheel puts into `bin`: an object, as in `package.module:function`, by name.
    scripts: Mapping[str, str]
    #: The script that is the application, where one stands out.
    entrypoint: str | None = None
    #: What a user is to be told.
    notes: tuple[str, ...] = ()
    #: What a user is to be told as well where nothing else says what the image runs; None with an entry point.
    entrypoint_note: str | None = None


class _Project(msgspec.Struct, frozen=True):
    name: str = ""
    dynamic: list[str] = []
    scripts: dict[str, str] = {}


class _Poetry(msgspec.Struct, frozen=True, rename="kebab"):
    package_mode: bool = True
    name: str = ""
    scripts: dict[str, object] = {}


class _Uv(msgspec.Struct, frozen=True):
    package: bool | None = None
    workspace: dict[str, object] | None = None
    sources: dict[str, object] = {}


class _Tool(msgspec.Struct, frozen=True):
    poetry: _Poetry = _Poetry()
    uv: _Uv = _Uv()


class _Pyproject(msgspec.Struct, frozen=True, rename="kebab"):
    project: _Project | None = None
    build_system: dict[str, object] | None = None
    tool: _Tool = _Tool()

    @property
    def is_package(self) -> bool:
        """Say whether it is built: uv's rule, and Poetry's own word against it."""
        if self.tool.uv.package is not None:
            return self.tool.uv.package
        return self.build_system is not None and self.tool.poetry.package_mode


def application_of(
    folder: Path, *, scratch: Path, interpreter: Path | None = None, outputs: Collection[Path] = ()
) -> Application:
    """Return what of a project goes into an image.

    `scratch` is a folder in which a wheel that is built lies from then on; `interpreter` is the Python that its backend
    runs with, else the one that runs wheelbase; `outputs` are the files and folders that the build writes, which are no
    part of the project wherever they lie.
    """
    if not folder.is_dir():
        raise RequirementsError(f"{folder} is not a folder", hint="name the folder of the application")
    path = folder / "pyproject.toml"
    data = load_toml(path, _Pyproject) if path.is_file() else _Pyproject()
    if not data.is_package:
        return _plain(folder, data, outputs)
    static = data.project is not None and not data.project.dynamic and not (folder / "setup.py").exists()
    wheel, digest = build_wheel(folder, scratch=scratch, interpreter=interpreter, keep=static, outputs=outputs)
    name, scripts = wheel.name.split("-")[0], _console_scripts(wheel)
    entrypoint, note = _entrypoint(canonicalize_name(name), scripts)
    return Application(
        name=canonicalize_name(name),
        wheel=wheel,
        wheel_sha256=digest,
        scripts=scripts,
        entrypoint=entrypoint,
        entrypoint_note=note,
    )


def declared(folder: Path) -> Declared:
    """Return what a project says of itself. Raises RequirementsError where its pyproject.toml cannot be read."""
    path = folder / "pyproject.toml"
    data = load_toml(path, _Pyproject) if path.is_file() else _Pyproject()
    project, poetry = data.project or _Project(), data.tool.poetry
    name = canonicalize_name(project.name or poetry.name or folder.resolve().name)
    entrypoint, note = None, "No entry point is known for a plain folder: name it with --entrypoint."
    if data.is_package:
        entrypoint, said = _entrypoint(name, {**dict.fromkeys(poetry.scripts, ""), **project.scripts})
        note = said or ""
    elsewhere = str(data.tool.uv.sources)
    return Declared(
        name=name,
        package=data.is_package,
        entrypoint=entrypoint,
        note=note or None,
        local=data.tool.uv.workspace is not None or "'workspace'" in elsewhere or "'path'" in elsewhere,
        from_git=data.is_package and _FROM_GIT.search(str(data.build_system)) is not None,
    )


def _plain(folder: Path, data: _Pyproject, outputs: Collection[Path]) -> Application:
    files, notes = files_of(folder, outputs=outputs)
    size = sum(file.size for file in files)
    if size > _LARGE:
        notes.append(
            f"The files of {folder} are {size / 1e6:.0f} MB: .dockerignore can name what the application does not need."
        )
    if data.project and data.project.scripts:
        notes.append(
            "[project.scripts] is not installed: pyproject.toml has no [build-system], so the project is no package."
        )
    name = (data.project.name if data.project else "") or folder.resolve().name
    return Application(
        name=canonicalize_name(name),
        files=files,
        scripts={},
        notes=tuple(notes),
        entrypoint_note="No entry point is known for a plain folder: name it with --entrypoint.",
    )


def _console_scripts(wheel: Path) -> dict[str, str]:
    """Return the console scripts of a wheel."""
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names keep their case
    try:
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                if name.count("/") == 1 and name.endswith(".dist-info/entry_points.txt"):
                    parser.read_string(archive.read(name).decode())
    except (OSError, ValueError, configparser.Error, zipfile.BadZipFile) as error:
        raise WheelbaseError(
            f"{wheel.name}, which the project's backend built, cannot be read: {error}",
            hint="see what `uv build --wheel` makes of the project",
        ) from error
    return dict(parser["console_scripts"]) if parser.has_section("console_scripts") else {}


def _entrypoint(project: str, scripts: Mapping[str, str]) -> tuple[str | None, str | None]:
    """Return the script that is the application, and what to say where none stands out."""
    own = [name for name in scripts if canonicalize_name(name) == project]
    if len(scripts) == 1 or own:
        return next(iter(own or scripts)), None
    if not scripts:
        return None, "The project has no [project.scripts]: name what the image runs with --entrypoint."
    return None, f"The project has several scripts ({', '.join(sorted(scripts))}): name one with --entrypoint."

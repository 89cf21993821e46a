"""What a Dockerfile is for: requirements, the project around them, how it runs. Reads files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelbase.dockerfiles.python import VENV
from wheelbase.dockerfiles.values import RequirementFiles, UvLock
from wheelbase.errors import RequirementsError
from wheelbase.index.settings import user_settings
from wheelbase.index.values import IndexSettings
from wheelbase.measuring.values import Installer
from wheelbase.oci.assembly import Runtime
from wheelbase.project.application import Declared, declared
from wheelbase.project.files import read_text
from wheelbase.project.labels import PREFIX, project_labels
from wheelbase.project.read import folder_of, read_requirements
from wheelbase.project.settings import Settings
from wheelbase.project.values import Package, Requirements
from wheelbase.recipes.asking import project_settings, settings_for
from wheelbase.recipes.built import Wish
from wheelbase.recipes.values import BaseCost
from wheelbase.source.findings import Findings
from wheelbase.source.read import findings_of_path

#: The file of exact versions that is written where the project has none that can be copied.
GENERATED = "requirements.wheelbase.txt"
_VERSION = f"{PREFIX}.version"
_NOTHING_SAID = Wish()
# A line that names another file, or a folder: `-r base.txt`, `--constraint=c.txt`, `-e ./lib`, `./lib`, `lib @ file:.`.
_NAMES_FILE = re.compile(r"\s*(?:-r|-c|--requirement|--constraint)(?:\s*=\s*|\s+|(?=[^\s-]))(?P<file>\S+)")
_NAMES_FOLDER = re.compile(r"\s*(?:-e|--editable|-f|--find-links|\.|/|file:|[\w.-]+\s*(?:\[[^\]]*\])?\s*@)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """An application. `folder` is the context that it is built from, None where packages alone are named.

    `files` and `constraints` are what was named beside it. `findings` are those of the project's own code where it is
    a package, `runtime` is how it runs.
    """

    requirements: Requirements
    folder: Path | None
    files: tuple[Path, ...]
    constraints: tuple[Path, ...]
    extras: tuple[str, ...]
    groups: tuple[str, ...]
    settings: Settings
    project: Declared | None
    findings: Findings | None
    runtime: Runtime
    base: str | None

    @property
    def name(self) -> str:
        """Return what an image of it may be called."""
        name = self.project.name if self.project else ""
        return re.sub(r"[^a-z0-9]+", "-", name).strip("-") or "app"

    @property
    def installer(self) -> Installer:
        """Return what installs it unless something else is asked for."""
        return "uv" if self.source == "uv.lock" else "pip"

    @property
    def source(self) -> str:
        """Return the name of the file in the folder that says what is required; "" where arguments do."""
        return Path(self.requirements.source).name if self.folder and not self.files else ""


def subject_of(
    requirements: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    wish: Wish = _NOTHING_SAID,
) -> Subject:
    """Return what a Dockerfile is for; the arguments are those of `build`."""
    settings = project_settings(requirements)
    wish = wish.over(settings)
    folder = folder_of(requirements)
    wanted = read_requirements(
        () if folder and files else requirements,
        files=files,
        constraints=constraints,
        extras=extras,
        groups=groups,
        allow_none=folder is not None,
    )
    project = declared(folder) if folder else None
    runtime = wish.runtime
    if runtime.entrypoint is None and project and project.entrypoint:
        runtime = replace(runtime, entrypoint=(f"{VENV}/bin/{project.entrypoint}",))
    # A version would be another one soon, and nobody would think of the label.
    labels = {name: text for name, text in project_labels(folder).items() if name != _VERSION} if folder else {}
    return Subject(
        requirements=wanted,
        folder=folder,
        files=tuple(files),
        constraints=tuple(constraints),
        extras=tuple(extras),
        groups=tuple(groups),
        settings=settings,
        project=project,
        findings=findings_of_path(folder) if folder and project and project.package else None,
        runtime=replace(runtime, labels={**labels, **runtime.labels}),
        base=wish.base,
    )


def index_settings(subject: Subject) -> IndexSettings:
    """Return the user's settings of indexes, with those of the application's requirements files. Runs uv."""
    return settings_for(subject.requirements)


def installed(
    subject: Subject, cost: BaseCost, installer: Installer
) -> tuple[RequirementFiles | UvLock | None, Mapping[str, str]]:
    """Return what the Dockerfile installs, and the files that the context needs for it beside its own."""
    if subject.source == "uv.lock" and installer == "uv" and not subject.constraints:
        local = subject.project is not None and subject.project.local
        return UvLock(extras=subject.extras, groups=subject.groups, local=local), {}
    wanted = subject.requirements
    if wanted.skipped:
        raise RequirementsError(
            f"{wanted.skipped[0]}: it cannot be installed from a list of packages",
            hint="lock the project with `uv lock` and take --installer uv, which installs it from there",
        )
    if own := _own_files(subject):
        return own, {}
    # pip takes hashes of all packages or of none.
    locked = wanted.locked or ()
    hashed = bool(locked) and all(one.sha256 for package in locked for one in package.candidates or ())
    lines = list(_pinned(cost) if wanted.locked is None else _locked(wanted.locked, hashed=hashed))
    if not lines:
        return None, {}
    made = RequirementFiles(
        options=_formats(subject),
        installed=(GENERATED,),
        copied=(GENERATED,),
        hashed=hashed,
        complete=wanted.locked is not None,
        made_of=wanted.source,
    )
    return made, {GENERATED: "\n".join([f"# Made of {wanted.source} by `wheelbase dockerfile`.", *lines, ""])}


def _own_files(subject: Subject) -> RequirementFiles | None:
    """Return the project's own requirements files, None where some of what they name cannot be copied with them."""
    if subject.folder is None or subject.requirements.locked is not None:
        return None
    listed = subject.files or ((subject.folder / "requirements.txt",) if subject.source == "requirements.txt" else ())
    root = Path(os.path.normpath(subject.folder.absolute()))
    named = [*listed, *subject.constraints]
    read = list(dict.fromkeys(path for one in named for path in _read(one.absolute())))
    paths = [Path(os.path.normpath(path)) for path in read]
    if not listed or any(one.suffix == ".toml" or not path.is_relative_to(root) for one in listed for path in paths):
        return None
    if any(_NAMES_FOLDER.match(line) for path in read for line in read_text(path).splitlines()):
        return None

    def inside(path: Path) -> str:
        return Path(os.path.normpath(path.absolute())).relative_to(root).as_posix()

    wanted = subject.requirements
    return RequirementFiles(
        installed=tuple(map(inside, listed)),
        constraints=tuple(map(inside, subject.constraints)),
        copied=tuple(dict.fromkeys(map(inside, paths))),
        options=_formats(subject),
        hashed=bool(wanted.requirements)
        and all(canonicalize_name(one.name) in wanted.hashes for one in wanted.requirements),
    )


def _formats(subject: Subject) -> tuple[str, ...]:
    """Return the options for the kinds of files that the user's own settings ask for or refuse."""
    control = user_settings(subject.requirements.tool_uv).format_control
    kinds = (("--no-binary", control.no_binary), ("--only-binary", control.only_binary))
    return tuple(word for option, names in kinds for name in sorted(names) for word in (option, name))


def _read(path: Path) -> Iterator[Path]:
    """Yield a requirements file and those that it names; `read_requirements` has refused those that name themselves."""
    yield path
    for line in read_text(path).splitlines():
        if found := _NAMES_FILE.match(line):
            yield from _read(path.parent / found["file"])


def _locked(packages: Sequence[Package], *, hashed: bool) -> Iterator[str]:
    """Yield a line for each package of a lock file, with the hashes of all its files where all have one."""
    for package in packages:
        marker = f" ; {package.marker}" if package.marker else ""
        hashes = sorted({f"--hash=sha256:{one.sha256}" for one in package.candidates or ()}) if hashed else []
        yield " \\\n    ".join([f"{package.name}=={package.version}{marker}", *hashes])


def _pinned(cost: BaseCost) -> Iterator[str]:
    """Yield a line for each package in the version that the base gets."""
    for file in cost.files:
        yield f"{file.name}=={file.version}"

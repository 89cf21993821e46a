"""What a Dockerfile is made of. Pure values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from wheelbase.measuring.values import Installer
from wheelbase.oci.assembly import Runtime

#: Which steps of a build see a secret: those of the system's package manager, those that install Python packages.
Steps = Literal["system", "python", "both"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageImage:
    """The image that a stage starts from. Without a digest `unpinned` says why."""

    reference: str
    digest: str | None = None
    unpinned: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """A package of the system, and who asks for it ("lxml: setupinfo.py:12")."""

    name: str
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A file of whoever builds, that steps see at `target` and no layer has. `env` are variables of the build stage."""

    id: str
    target: str
    steps: Steps = "python"
    env: Mapping[str, str] = field(default_factory=dict, hash=False)
    required: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RequirementFiles:
    """Requirements files of the context: `installed` are named to the installer, `copied` are these and what they name.

    `options` are further ones of the installer, those that pip and uv have alike. `hashed`: every package has its
    hashes. `complete`: all that is needed is named, in one version. `made_of` is what they were generated from.
    """

    installed: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    copied: tuple[str, ...]
    options: tuple[str, ...] = ()
    hashed: bool = False
    complete: bool = False
    made_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UvLock:
    """A project with a uv.lock. `local`: some of its packages are folders of the context."""

    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    local: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DockerfilePlan:
    """A Dockerfile of two stages: one that builds /opt/venv, and one that has it and what it needs to run.

    `title` is its first line. `build_image` is None where both stages start from `image`; `python` is the interpreter
    of the build stage, `manager` and `build_manager` the package managers ("apt", "apk", "dnf", "microdnf", "yum").
    `pip_beside`: the base's pip installs into another environment than its own (22.3). `installer_version` is uv's.
    `mounts`: the builder knows `RUN --mount`. `application` is None where packages alone are installed.
    `base_user` is the base's own user where that is not root. `arguments` are names of build arguments;
    `certificates` a file of the context, for a builder without mounts, that the build stage trusts.
    """

    title: str
    remarks: tuple[str, ...] = ()
    image: StageImage
    build_image: StageImage | None = None
    python: str = "python3"
    manager: str | None = None
    build_manager: str | None = None
    build_packages: tuple[Package, ...] = ()
    run_packages: tuple[Package, ...] = ()
    build_user: str | None = None
    base_user: str | None = None
    shell: bool = True
    installer: Installer = "pip"
    installer_version: str = ""
    pip_beside: bool = True
    mounts: bool = True
    secrets: tuple[Secret, ...] = ()
    arguments: tuple[str, ...] = ()
    certificates: str | None = None
    requirements: RequirementFiles | UvLock | None = None
    application: Literal["package", "folder"] | None = None
    runtime: Runtime = field(default_factory=Runtime)

"""The two stages of a Dockerfile on a base: their images, their Python, their system packages. Asks registries."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from packaging.version import Version

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import BaseFacts
from wheelbase.dockerfiles.values import Package, StageImage
from wheelbase.errors import BaseError
from wheelbase.measuring.values import BuilderName
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.reference import DaemonReference, FileReference, parse_reference
from wheelbase.recipes.base import DEB
from wheelbase.recipes.overrule import overruled, system_names
from wheelbase.recipes.subject import Subject
from wheelbase.recipes.values import BaseCost
from wheelbase.source.compiletime import Estimate
from wheelbase.source.findings import Findings
from wheelbase.source.needs import Need, Needs, merged, needs_on
from wheelbase.system.platform import System, system_of

_DOCKERS = ("docker", "buildkit")
_LAMBDA = "/var/lang/"
_CHAINGUARD = "cgr.dev/chainguard/"
# The first pip that installs into another environment than its own, and the first Python that brings one so new.
_PIP_BESIDE = Version("22.3")
_PYTHON_WITH_IT = (3, 11)
_MOST_PLACES = 2
# Seconds for a registry to answer: a digest is worth a moment, and no more.
_PATIENCE = 5.0
# podman and buildah keep an image that is a file by its path.
_STORED = re.compile(r"/?{0}(?:/{0})*".format(r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"))
_SYSTEM_PATHS = ("/usr/bin/", "/usr/local/bin/")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPython:
    """How the build stage comes by its Python: the command, packages that bring it, and whether its pip is new."""

    command: str
    packages: tuple[str, ...] = ()
    pip_beside: bool = True


def stage_image(name: str, builder: BuilderName, digest: str | None = None) -> StageImage:
    """Return what FROM says of a base; BaseError where the builder knows no such name.

    A registry is asked for the digest where that is not known.
    """
    if name.startswith(DEB):
        raise BaseError(
            f"{name} is no image that a Dockerfile can start from: `wheelbase build` makes it itself",
            hint="build with `wheelbase build`, or name an image: --base debian:trixie-slim",
        )
    reference = parse_reference(name)
    if isinstance(reference, DaemonReference):
        return StageImage(reference=reference.name, unpinned="it is known to this engine alone")
    if isinstance(reference, FileReference):
        if builder in _DOCKERS:
            raise BaseError(
                f"{name} is on this disk, and Docker builds on images that have a name",
                hint="load it and name it docker-daemon:NAME, or take --builder buildah or podman",
            )
        if not _STORED.fullmatch(reference.path):
            raise BaseError(
                f"{builder} makes a name of {reference.path}, and it is none that an image can have",
                hint="link to it from a place in lower case, such as /tmp/base, and name that",
            )
        return StageImage(reference=name, unpinned="it is a file")
    if reference.digest:
        tagged = name.removeprefix("docker://").partition("@")[0]
        return StageImage(reference=tagged, digest=str(reference.digest))
    plain = name.removeprefix("docker://")
    if digest:
        return StageImage(reference=plain, digest=digest)
    # Its client is imported where it is needed, as it takes a while.
    from wheelbase.oci.registry import RegistrySource, user_registry_settings

    settings = replace(user_registry_settings(), timeout=_PATIENCE)
    try:
        with RegistrySource(reference, settings) as source:
            return StageImage(reference=plain, digest=str(source.read_manifest().digest))
    except MissingError:
        return StageImage(reference=plain, unpinned="its registry does not have it")
    except ImageError:
        return StageImage(reference=plain, unpinned="its registry could not be asked")


def build_image(facts: BaseFacts) -> str | None:
    """Return the image that packages are installed in where the base itself cannot; None where it can."""
    if (facts.python_path or "").startswith(_LAMBDA):
        raise BaseError(
            f"{facts.image} starts functions by a runtime of its own, which knows no virtual environment",
            hint="install with `pip install --target /var/task`, as its documentation has it, or name another base",
        )
    if facts.shell is not False:
        return None
    name = facts.image
    if name.startswith(_CHAINGUARD):
        return f"{name}-dev"
    # The environment's links lead to the interpreter, so that has to lie in the same place: where packages put it.
    alike = [
        row
        for row in load_catalogue().base
        if (row.libc, row.libc_version, row.arch) == (facts.libc, facts.libc_version, facts.arch)
        and (row.added_packages and row.python_minor == facts.python_minor)
        and (facts.python_path or "").startswith("/usr/bin/")
    ]
    if alike:
        return min(alike, key=lambda row: row.compressed_bytes or sys.maxsize).image
    raise BaseError(
        f"{name} has no shell, and no image is known that has the same Python and C library and one",
        hint="name another base, or build with `wheelbase build`, which needs neither",
    )


def build_python(facts: BaseFacts) -> BuildPython:
    """Return the Python of a build stage on an image, and the packages that bring it or its pip."""
    pip = Version(facts.pip) if facts.pip and facts.pip != "none" else None
    minor = facts.python_minor or _PYTHON_WITH_IT
    beside = pip >= _PIP_BESIDE if pip else minor >= _PYTHON_WITH_IT and facts.has_pip is not False
    packages = facts.added_packages
    apt = facts.package_manager == "apt"
    if not beside and apt and (packages or (facts.python_path or "").startswith("/usr/bin/")):
        packages = (*run_python(facts), "python3-venv")
    return BuildPython(command=_command(facts), packages=packages, pip_beside=beside)


def _command(facts: BaseFacts) -> str:
    numbered = [name for name in facts.added_packages if re.fullmatch(r"python3\.\d+", name)]
    if numbered and facts.package_manager != "apt":
        return numbered[0]
    path = facts.python_path or ""
    return path if facts.userland and not path.startswith(_SYSTEM_PATHS) and path else "python3"


def run_python(facts: BaseFacts) -> tuple[str, ...]:
    """Return the packages that bring a base its Python without its pip."""
    if not facts.added_packages:
        return ()
    return tuple(name for name in facts.added_packages if "pip" not in name) or ("python3",)


def needs_of_stages(subject: Subject, cost: BaseCost) -> Needs:
    """Return what compiling needs on a base: that of the packages, and that of the project's own code."""
    found = [cost.building.needs] if cost.building else []
    system = system_of(cost.facts)
    if system and subject.findings:
        found.append(_own_needs(subject, subject.findings, system))
    return merged(found)


def _own_needs(subject: Subject, findings: Findings, system: System) -> Needs:
    """Return what the project's own code needs; what its settings say of it goes before what was found."""
    needs = needs_on(findings, system, project=subject.name)
    if override := subject.settings.override_of(subject.name):
        needs, _ = overruled(needs, Estimate.total([]), override, system, subject.settings.source)
    return needs


def asked_to_build(subject: Subject, cost: BaseCost, names: Sequence[str] | None = None) -> list[Package]:
    """Return the packages of a build stage on a base, each with who asks for it.

    Packages that are named take the place of those that the analysis says: not of Python, and of Git.
    """
    needs = needs_of_stages(subject, cost)
    python = [Package(name=name, why="Python and its pip") for name in build_python(cost.facts).packages]
    compiling = list(_evidence([*needs.tools, *needs.build], subject, cost))
    if names is not None:
        known = {package.name: package for package in compiling}
        compiling = [known.get(name) or Package(name=name, why="a build stopped without it") for name in names]
    return _once([*python, *_git(subject), *compiling])


def _git(subject: Subject) -> Iterator[Package]:
    if subject.project and subject.project.from_git:
        yield Package(name="git", why="this project: its version is that of the last tag")
    for skipped in subject.requirements.skipped:
        if "version control" in skipped:
            yield Package(name="git", why=skipped)


def asked_to_run(subject: Subject, cost: BaseCost, inside: BaseCost) -> list[Package]:
    """Return the packages of the run stage on a base, each with who asks for it.

    `inside` is the cost on the image of the build stage. What is compiled there may load libraries that another base,
    without a package manager, cannot get: BaseError.
    """
    if inside is not cost:
        _check_libraries(subject, cost, inside)
    needs = needs_of_stages(subject, cost)
    return _once(
        [
            *(Package(name=name, why="Python") for name in run_python(cost.facts)),
            *_evidence(needs.run, subject, cost),
            *(
                Package(name=hazard.install, why=f"{hazard.package}: {hazard.why} needs {hazard.lacks}")
                for hazard in cost.hazards
                if hazard.install
            ),
            *(Package(name=name, why="the project's settings") for name in _own(subject, cost)),
        ]
    )


def _check_libraries(subject: Subject, cost: BaseCost, inside: BaseCost) -> None:
    system = system_of(inside.facts)
    with_python = {package.name for package in system.closure(run_python(inside.facts)).packages} if system else set()
    lacking = [need.package for need in needs_of_stages(subject, inside).run if need.package not in with_python]
    if lacking:
        raise BaseError(
            f"what is compiled loads {', '.join(lacking)}, which {cost.base} has no package manager to get",
            hint=f"name a base that has one: --base {inside.base}",
        )


def _own(subject: Subject, cost: BaseCost) -> Sequence[str]:
    system = system_of(cost.facts)
    return system_names(subject.settings.system, system) if system and subject.settings.system else ()


def _evidence(needs: Sequence[Need], subject: Subject, cost: BaseCost) -> Iterator[Package]:
    """Yield packages, each with the projects that ask for it and the places in them."""
    archives = [(one.archive.name, one.needs) for one in cost.building.archives] if cost.building else []
    system = system_of(cost.facts)
    if system and subject.findings:
        archives.append(("this project", _own_needs(subject, subject.findings, system)))
    for need in needs:
        asking = [
            f"{name}: {', '.join(own.evidence[:_MOST_PLACES])}"
            for name, all_needs in archives
            for own in (*all_needs.tools, *all_needs.build, *all_needs.run)
            if own.package == need.package
        ]
        yield Package(name=need.package, why="; ".join(asking) or ", ".join(need.evidence[:_MOST_PLACES]))


def _once(packages: Sequence[Package]) -> list[Package]:
    first: dict[str, Package] = {}
    for package in packages:
        first.setdefault(package.name, package)
    return list(first.values())

"""`wheelbase dockerfile`: the Dockerfile of an application on a base. Talks to package indexes and registries."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from itertools import accumulate
from pathlib import Path
from typing import Literal

from wheelbase.dockerfiles.ignore import dockerignore
from wheelbase.dockerfiles.render import render
from wheelbase.dockerfiles.values import DockerfilePlan, RequirementFiles, Secret, StageImage, UvLock
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.index.urls import is_remote
from wheelbase.index.uv_settings import default_of_uv
from wheelbase.measuring.values import BuilderName, Installer
from wheelbase.project.files import read_text
from wheelbase.project.ignoring import read_dockerignore
from wheelbase.recipes.built import Wish
from wheelbase.recipes.compare import compare
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.stages import asked_to_build, asked_to_run, build_image, build_python, stage_image
from wheelbase.recipes.subject import Subject, index_settings, installed, subject_of
from wheelbase.recipes.values import BaseCost

_NOTHING_SAID = Wish()
_COMMANDS: Mapping[BuilderName, str] = {
    "buildkit": "docker build",
    "docker": "DOCKER_BUILDKIT=0 docker build",
    "podman": "podman build",
    "buildah": "buildah build",
}
_CERTIFICATES = "certificates.pem"
# The oldest Python that uv knows.
_UV_PYTHON = (3, 8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dockerfile:
    """A Dockerfile and what goes with it.

    `files` are those that the context must have beside the project's own, `base` is what FROM says. The packages are
    those of the system, by stage.
    """

    dockerfile: str
    dockerignore: str
    files: Mapping[str, str]
    base: str
    build_packages: tuple[str, ...]
    run_packages: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How a build reaches the user's indexes: secrets, or arguments and a file of certificates without mounts."""

    secrets: tuple[Secret, ...] = ()
    arguments: tuple[str, ...] = ()
    certificates: Path | None = None


_PLAIN = Access()


def dockerfile(
    requirements: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    wish: Wish = _NOTHING_SAID,
    installer: Installer | None = None,
    builder: BuilderName = "buildkit",
    refresh: bool = False,
    report: Report = silent,
) -> tuple[Dockerfile, Subject]:
    """Return the Dockerfile of an application, and what it is for.

    The arguments are those of `build`. Without a base it is the one that `compare` recommends; without an installer it
    is uv for a project with a uv.lock, else pip. What cannot be read, resolved or written raises `WheelbaseError`.
    """
    report("reading the project", 0, 0)
    subject = subject_of(requirements, files=files, constraints=constraints, extras=extras, groups=groups, wish=wish)
    base = subject.base
    comparison = compare(
        subject.requirements, bases=(base,) if base else (), python=wish.python, refresh=refresh, report=report
    )
    chosen = base or comparison.recommendation.base
    if chosen is None:
        raise BaseError(f"no base can be recommended: {comparison.recommendation.reason}", hint="name one with --base")
    cost = next(one for one in comparison.bases if one.base == chosen)
    made = dockerfile_of(
        cost,
        subject,
        installer=installer or subject.installer,
        builder=builder,
        build_cost=build_cost(cost, subject, report=report),
        access=user_access(subject, builder),
    )
    return made, subject


def build_cost(cost: BaseCost, subject: Subject, *, report: Report = silent) -> BaseCost | None:
    """Return what the application costs on the image of the build stage, None where that is the base itself."""
    other = build_image(cost.facts)
    if other is None:
        return None
    if not cost.compiles and cost.facts.package_manager and other.startswith(cost.facts.image):
        # The same image with a shell: nothing more has to be known of it.
        return replace(cost, base=other, facts=replace(cost.facts, image=other, shell=True, has_pip=True))
    return compare(subject.requirements, bases=(other,), arch=cost.facts.arch, report=report).bases[0]


def dockerfile_of(
    cost: BaseCost,
    subject: Subject,
    *,
    installer: Installer = "pip",
    builder: BuilderName = "buildkit",
    image: str | None = None,
    digest: str | None = None,
    build_cost: BaseCost | None = None,
    build_image: str | None = None,
    build_packages: Sequence[str] | None = None,
    access: Access = _PLAIN,
) -> Dockerfile:
    """Return the Dockerfile of an application on a base that was compared.

    `image` and `build_image` are other names of the images, as an engine has them; `digest` is the base's, where it is
    known. `build_cost` is of the image of the build stage where that is another one. `build_packages` are what
    compiling needs, None for what the analysis says.
    """
    _check(cost, installer)
    inside = build_cost or cost
    requirements, generated = installed(subject, cost, installer)
    trusted = {_CERTIFICATES: read_text(access.certificates)} if access.certificates else {}
    plan = replace(
        _plan(subject, cost, inside, installer, builder, access),
        image=_stage_image(image, cost.base, builder, digest),
        build_image=_stage_image(build_image, inside.base, builder) if build_image or build_cost else None,
        build_packages=tuple(asked_to_build(subject, inside, build_packages)),
        run_packages=tuple(asked_to_run(subject, cost, inside)),
        requirements=requirements,
    )
    return Dockerfile(
        dockerfile=render(plan),
        dockerignore=dockerignore(keep_git=subject.project is not None and subject.project.from_git),
        files={**generated, **trusted},
        base=plan.image.reference,
        build_packages=tuple(package.name for package in plan.build_packages),
        run_packages=tuple(package.name for package in plan.run_packages),
        notes=(*_notes(subject, cost), *_hidden(subject, requirements)),
    )


def _plan(
    subject: Subject, cost: BaseCost, inside: BaseCost, installer: Installer, builder: BuilderName, access: Access
) -> DockerfilePlan:
    """Return what follows from the base, the image that is built in, and the builder alone."""
    python = build_python(inside.facts)
    return DockerfilePlan(
        title=f"{subject.name} on {cost.base}, Python {cost.python}. Build it with:",
        remarks=(build_command(subject, builder, access),),
        image=StageImage(reference=cost.base),
        python=python.command,
        manager=cost.facts.package_manager,
        build_manager=inside.facts.package_manager,
        build_user=_other_than_root(inside.facts.user),
        base_user=_other_than_root(cost.facts.user),
        shell=cost.facts.shell is not False,
        installer=installer,
        installer_version=version("uv"),
        pip_beside=python.pip_beside,
        mounts=builder != "docker",
        secrets=access.secrets,
        arguments=access.arguments,
        certificates=_CERTIFICATES if access.certificates else None,
        application=_application(subject),
        runtime=subject.runtime,
    )


def _check(cost: BaseCost, installer: Installer) -> None:
    """Refuse a base on which no Dockerfile would build."""
    if cost.missing:
        name, reason = cost.missing[0]
        raise BaseError(f"{name} cannot be installed on {cost.base}: {reason}", hint="`wheelbase compare` shows bases")
    if cost.python is None:
        raise BaseError(f"no Python is known to install on {cost.base}", hint="`wheelbase compare` shows bases")
    if installer == "uv" and (cost.facts.python_minor or _UV_PYTHON) < _UV_PYTHON:
        raise BaseError(f"uv does not know Python {cost.python}", hint="take --installer pip")


def _application(subject: Subject) -> Literal["package", "folder"] | None:
    if subject.project is None:
        return None
    return "package" if subject.project.package else "folder"


def _stage_image(image: str | None, base: str, builder: BuilderName, digest: str | None = None) -> StageImage:
    """Return the image that an engine has under a name of its own, else a base by its own reference."""
    if image:
        return StageImage(reference=image, unpinned=f"it is what an engine calls {base}")
    return stage_image(base, builder, digest)


def _other_than_root(user: str | None) -> str | None:
    return user if user and user.partition(":")[0] not in ("", "0", "root") else None


def user_access(subject: Subject, builder: BuilderName) -> Access:
    """Return what a build needs to reach the indexes that the user has set up, as far as they are not the usual one."""
    settings = index_settings(subject)
    usual = default_of_uv().rstrip("/")
    private = any(url.rstrip("/") != usual for url in settings.index_urls if is_remote(url))
    certificates = settings.certificates
    if builder == "docker":
        names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX") if private else ()
        return Access(arguments=names, certificates=Path(certificates) if certificates else None)
    secrets = []
    if private:
        secrets += [Secret(id="pip.conf", target="/etc/pip.conf"), Secret(id="uv.toml", target="/etc/uv/uv.toml")]
    if certificates:
        target = f"/run/secrets/{_CERTIFICATES}"
        trusting = {"PIP_CERT": target, "SSL_CERT_FILE": target}
        secrets.append(Secret(id=_CERTIFICATES, target=target, env=trusting, required=True))
    return Access(secrets=tuple(secrets))


def build_command(subject: Subject, builder: BuilderName, access: Access, context: str = ".") -> str:
    """Return the command that builds from a Dockerfile in a folder; a FILE in it is for whoever builds to name."""
    words = [_COMMANDS[builder], f"-t {subject.name}"]
    words += [f"--secret id={secret.id},src=FILE" for secret in access.secrets]
    words += [f"--build-arg {name}" for name in access.arguments]
    return " ".join([*words, shlex.quote(context)])


def _notes(subject: Subject, cost: BaseCost) -> list[str]:
    notes = []
    if subject.project and subject.project.note and subject.runtime.entrypoint is subject.runtime.cmd is None:
        notes.append(subject.project.note)
    if cost.compiles:
        notes.append(f"Compiled from source on {cost.base}: {', '.join(cost.compiles)}")
    user = (subject.runtime.user or "").partition(":")[0]
    if user and not user.isdigit() and user not in ("root", (cost.facts.user or "").partition(":")[0]):
        notes.append(f"No step makes the user {user}: where {cost.base} has none of that name, name a number instead.")
    return notes


def _hidden(subject: Subject, requirements: RequirementFiles | UvLock | None) -> Iterator[str]:
    """Yield a note for each file that is copied and that the folder's own .dockerignore leaves out."""
    if subject.folder is None or requirements is None:
        return
    ignored = read_dockerignore(subject.folder)
    for name in ("pyproject.toml", "uv.lock") if isinstance(requirements, UvLock) else requirements.copied:
        left_out = False
        above: tuple[bool, ...] = ()
        for path in accumulate(name.split("/"), "{}/{}".format):
            left_out, above = ignored.matches(path, above)
        if left_out:
            yield f"The build needs {name}, which .dockerignore leaves out: add a line !{name} to it."


def write(made: Dockerfile, target: Path, subject: Subject, *, force: bool) -> list[Path]:
    """Write a Dockerfile, the files that its context needs, and a .dockerignore where there is none.

    Return what was written. RequirementsError where another file is in the way, unless `force` puts these in its place.
    """
    context = subject.folder if subject.folder is not None else target.parent
    texts = {target: made.dockerfile, **{context / name: text for name, text in made.files.items()}}
    in_the_way = [path for path, text in texts.items() if not force and _differs(path, text)]
    if in_the_way:
        raise RequirementsError(f"{in_the_way[0]} is there already", hint="--force writes over it")
    ignore = context / ".dockerignore"
    if not ignore.exists():
        texts[ignore] = made.dockerignore
    for path, text in texts.items():
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RequirementsError(f"{path} cannot be written: {error.strerror}", hint="check the folder") from error
    return list(texts)


def _differs(path: Path, text: str) -> bool:
    return path.exists() and (not path.is_file() or path.read_bytes() != text.encode())

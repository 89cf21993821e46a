"""The instructions that both stages have: comments, RUN with its mounts, and packages of the system. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wheelbase.dockerfiles import quoting
from wheelbase.dockerfiles.values import DockerfilePlan, Package, Secret, StageImage, Steps
from wheelbase.errors import BaseError

_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class _Manager:
    """The commands of a package manager around the names, and hadolint's rule that versions are pinned."""

    rule: str
    install: str
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()


_DNF = "--setopt=install_weak_deps=0 --setopt=tsflags=nodocs"
_MANAGERS = {
    "apt": _Manager(
        rule="DL3008",
        before=("apt-get update",),
        install="DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends",
        # The official images switch apt's caches off; others keep near 100 MB in them.
        after=("rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin",),
    ),
    "apk": _Manager(rule="DL3018", install="apk add --no-cache"),
    "dnf": _Manager(rule="DL3041", install=f"dnf install -y {_DNF}", after=("dnf clean all",)),
    "microdnf": _Manager(rule="DL3041", install=f"microdnf install -y {_DNF}", after=("microdnf clean all",)),
    "yum": _Manager(rule="DL3033", install="yum install -y", after=("yum clean all", "rm -rf /var/cache/yum")),
}


def comments(*texts: str) -> Iterator[str]:
    """Yield comment lines, broken at the width of a screen; an empty text is an empty comment."""
    for text in texts:
        line = "#"
        for part in quoting.comment(text).split(" "):
            if len(line) + 1 + len(part) > _WIDTH and line != "#":
                yield line
                line = "#"
            line += f" {part}"
        yield line.rstrip()


def listed(packages: Sequence[Package]) -> Iterator[str]:
    """Yield a comment line for each package: its name, and who asks for it."""
    width = max((len(package.name) for package in packages), default=0)
    for package in packages:
        yield f"#   {quoting.comment(f'{package.name:<{width}}  {package.why}')}"


def from_image(image: StageImage, stage: str) -> Iterator[str]:
    """Yield the FROM of an image, by its digest where it is known."""
    name = quoting.reference(image.reference)
    if image.digest:
        yield f"FROM {name}@{quoting.reference(image.digest)} AS {stage}"
        return
    yield from comments(f"Not pinned by its digest: {image.unpinned or 'it is not known'}.")
    tag = name.rpartition("/")[2].partition(":")[2]
    if "@" not in name and not name.startswith(("oci:", "oci-archive:", "docker-archive:")) and tag in ("", "latest"):
        yield f"# hadolint ignore={'DL3007' if tag else 'DL3006'}"
    yield f"FROM {name} AS {stage}"


def run(plan: DockerfilePlan, steps: Steps, commands: Sequence[str], *, cache: str | None = None) -> Iterator[str]:
    """Yield a RUN of commands that fetch something: with the mount of a cache, and the secrets of its steps."""
    mounts = [f"--mount=type=cache,target={quoting.mount(cache)}"] if cache and plan.mounts else []
    secrets = [_secret(secret) for secret in plan.secrets if plan.mounts and secret.steps in (steps, "both")]
    yield "RUN " + " \\\n    ".join([*mounts, *secrets, " && \\\n    ".join(commands)])


def _secret(secret: Secret) -> str:
    required = ",required=true" if secret.required else ""
    return f"--mount=type=secret,id={quoting.mount(secret.id)},target={quoting.mount(secret.target)}{required}"


def system_packages(plan: DockerfilePlan, manager: str | None, packages: Sequence[Package]) -> Iterator[str]:
    """Yield the RUN that installs packages of the system, and leaves nothing else behind."""
    commands = _MANAGERS.get(manager or "")
    if commands is None:
        raise BaseError(
            f"{plan.image.reference} has no package manager for {', '.join(package.name for package in packages)}",
            hint="choose a base with one: `wheelbase compare` shows which",
        )
    names = " \\\n        ".join(quoting.system_package(package.name) for package in packages)
    install = f"{commands.install} \\\n        {names}"
    yield f"# hadolint ignore={commands.rule}"
    yield from run(plan, "system", [*commands.before, install, *commands.after])

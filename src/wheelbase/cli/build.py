"""`wheelbase build`. Prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wheelbase.cli import options
from wheelbase.errors import RequirementsError

if TYPE_CHECKING:
    from wheelbase.oci.reference import Reference
    from wheelbase.recipes.built import Built


@click.command("build")
@click.argument("requirements", nargs=-1)
@options.requirement_files
@click.option("-t", "--tag", "tags", multiple=True, metavar="NAME", help="A name for the image; may be repeated.")
@click.option("--push", is_flag=True, help="Send it to the registry of each name.")
@click.option("--load", is_flag=True, help="Give it to Docker, or to podman where there is no Docker.")
@click.option(
    "-o",
    "--output",
    "outputs",
    multiple=True,
    metavar="FILE|oci:DIR",
    help="Write a file for `docker load`, or an OCI layout; may be repeated.",
)
@click.option(
    "--base",
    metavar="IMAGE",
    shell_complete=options.complete_base,
    help="The base image.  [default: what compare recommends]",
)
@click.option(
    "--deb", "debs", multiple=True, metavar="PACKAGE", help="Add a package to a base like deb:trixie; may be repeated."
)
@click.option("--mirror", metavar="URL", help="Where Debian's packages are.  [default: that of apt]")
@click.option("--python", metavar="X.Y", help="Version of Python where no base is named.")
@click.option(
    "--platform", "platforms", metavar="OS/ARCH,...", help="Platforms, as in one index.  [default: linux/amd64]"
)
@click.option(
    "--entrypoint", metavar="COMMAND", help="What runs, as a shell would split it.  [default: the project's script]"
)
@click.option("--cmd", metavar="ARGUMENTS", help="Arguments that `docker run` may replace.")
@click.option("--user", metavar="USER", help="Who runs it.  [default: that of the base, or 65532 where that is root]")
@click.option(
    "--env", "env_vars", multiple=True, metavar="NAME=VALUE", help="An environment variable; may be repeated."
)
@click.option("--label", "labels", multiple=True, metavar="NAME=VALUE", help="A label; may be repeated.")
@click.option(
    "--port", "ports", multiple=True, metavar="PORT[/udp]", help="A port that it listens on; may be repeated."
)
@click.option("--stop-signal", metavar="SIGNAL", help="What stops it.")
@click.option("--workdir", metavar="PATH", help="Where it runs.  [default: /app]")
@click.option(
    "--bytecode/--no-bytecode", default=True, help="Compile modules, so that it starts sooner.  [default: on]"
)
@click.option(
    "--cure",
    "cures",
    multiple=True,
    metavar="HAZARD",
    help="Do what an image can do against a hazard of `wheelbase probe`; may be repeated.",
)
@click.option(
    "--lock", "lock", flag_value="write", default=None, help="Write the base's digest and the wheels to wheelbase.lock."
)
@click.option("--locked", "lock", flag_value="check", help="Fail where they are others than in wheelbase.lock.")
@click.option(
    "--sbom", type=click.Path(path_type=Path), metavar="FILE", help="Write its bill of materials (CycloneDX)."
)
@options.refresh
@options.output_format("text", "json")
def command(
    requirements: tuple[str, ...],
    files: tuple[Path, ...],
    constraints: tuple[Path, ...],
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    tags: tuple[str, ...],
    push: bool,
    load: bool,
    outputs: tuple[str, ...],
    base: str | None,
    debs: tuple[str, ...],
    mirror: str | None,
    python: str | None,
    platforms: str | None,
    entrypoint: str | None,
    cmd: str | None,
    user: str | None,
    env_vars: tuple[str, ...],
    labels: tuple[str, ...],
    ports: tuple[str, ...],
    stop_signal: str | None,
    workdir: str | None,
    bytecode: bool,
    cures: tuple[str, ...],
    lock: Any,
    sbom: Path | None,
    refresh: bool,
    form: str,
) -> None:
    """Build an image from wheels, without Docker: the same bytes wherever it is built.

    REQUIREMENTS are a project's folder, packages as pip takes them, or none for the project in this folder.

    \b
        wheelbase build . -t registry.example/team/app:1.2 --push
        wheelbase build . -t app:dev --load
        wheelbase build -r requirements.txt --base python:3.13-slim --entrypoint "python -m app" -o app.tar
    """
    from wheelbase.cli.progress import progress
    from wheelbase.oci.assembly import Runtime
    from wheelbase.recipes.base import Debs
    from wheelbase.recipes.build import build
    from wheelbase.recipes.built import Wish

    runtime = Runtime(
        env_vars=options.pairs("--env", env_vars),
        entrypoint=options.words("--entrypoint", entrypoint),
        cmd=options.words("--cmd", cmd),
        user=user,
        working_dir=workdir,
        ports=tuple(map(_port, ports)),
        stop_signal=stop_signal,
        labels=options.pairs("--label", labels),
    )
    wish = Wish(
        base=base,
        python=python,
        platforms=_platforms(platforms),
        bytecode=bytecode,
        cures=cures,
        debs=Debs(packages=debs, mirror=mirror),
        runtime=runtime,
    )
    with progress() as report:
        built = build(
            requirements,
            files=files,
            constraints=constraints,
            extras=extras,
            groups=groups,
            destinations=_destinations(tags, outputs, push=push, load=load),
            wish=wish,
            lock=lock,
            left_out=(sbom,) if sbom else (),
            refresh=refresh,
            report=report,
        )
    if sbom:
        _write_sboms(sbom, built)
    options.print_result("build", form, built, module="build")


def _destinations(tags: tuple[str, ...], outputs: tuple[str, ...], *, push: bool, load: bool) -> list[Reference]:
    """Return where the image goes; RequirementsError where nothing says so."""
    from wheelbase.oci.reference import DaemonReference, FileReference, RegistryReference, parse_reference

    if (push or load) and not tags:
        raise RequirementsError("the image has no name to go by", hint="give it one: -t registry.example/app:1.0")
    found: list[Reference] = []
    for tag in tags:
        named = parse_reference(tag)
        if not isinstance(named, RegistryReference):
            raise RequirementsError(f"-t {tag} is no name of an image", hint=f"files and layouts go after -o: -o {tag}")
        found += [named] if push else []
        found += [DaemonReference(name=str(named))] if load else []
    name = str(parse_reference(tags[0])) if tags else None
    for output in outputs:
        kind = output.partition(":")[0]
        known = kind in ("oci", "oci-archive", "docker-archive", "docker-daemon")
        found.append(parse_reference(output) if known else FileReference(kind="docker-archive", path=output, name=name))
    if not found:
        raise RequirementsError(
            "nothing says where the image goes",
            hint="-o app.tar writes a file, -t NAME --load gives it to Docker, -t NAME --push to a registry",
        )
    return found


def _write_sboms(path: Path, built: Built) -> None:
    """Write the bill of each image: with several platforms, each to a file with its name in it."""
    for image in built.images:
        platform = image.platform.replace("/", "-")
        target = path if len(built.images) == 1 else path.with_stem(f"{path.stem}-{platform}")
        try:
            target.write_bytes(image.sbom)
        except OSError as error:
            raise RequirementsError(f"{target} cannot be written: {error.strerror}", hint="check the folder") from error


def _platforms(text: str | None) -> tuple[str, ...] | None:
    return tuple(dict.fromkeys(part.strip() for part in text.split(","))) if text is not None else None


def _port(text: str) -> str:
    number, _, protocol = text.partition("/")
    if not (number.isascii() and number.isdecimal() and 0 < int(number) < 65536) or protocol not in ("", "tcp", "udp"):
        raise RequirementsError(f"--port {text} is no port", hint="write it like --port 8000 or --port 53/udp")
    return f"{number}/{protocol or 'tcp'}"

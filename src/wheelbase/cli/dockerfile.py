"""`wheelbase dockerfile`. Prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from wheelbase.cli import options


@click.command("dockerfile")
@click.argument("requirements", nargs=-1)
@options.requirement_files
@click.option(
    "--base",
    metavar="IMAGE",
    shell_complete=options.complete_base,
    help="The base image.  [default: what compare recommends]",
)
@click.option("--python", metavar="X.Y", help="Version of Python where no base is named.")
@click.option(
    "--installer", type=click.Choice(["pip", "uv"]), help="What installs.  [default: uv for a uv.lock, else pip]"
)
@click.option(
    "--builder",
    type=click.Choice(["buildkit", "docker", "podman", "buildah"]),
    default="buildkit",
    show_default=True,
    help="What builds; docker is the one without BuildKit.",
)
@click.option(
    "--entrypoint", metavar="COMMAND", help="What runs, as a shell would split it.  [default: the project's script]"
)
@click.option("--cmd", metavar="ARGUMENTS", help="Arguments that `docker run` may replace.")
@click.option("-o", "--output", type=click.Path(path_type=Path), metavar="FILE", help="Write it, and a .dockerignore.")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@options.refresh
@options.output_format("text", "json")
def command(
    requirements: tuple[str, ...],
    files: tuple[Path, ...],
    constraints: tuple[Path, ...],
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    base: str | None,
    python: str | None,
    installer: Any,
    builder: Any,
    entrypoint: str | None,
    cmd: str | None,
    output: Path | None,
    force: bool,
    refresh: bool,
    form: str,
) -> None:
    """Write the Dockerfile of an application: two stages, a pinned base, only what runs in the last, no root.

    REQUIREMENTS are a project's folder, packages as pip takes them, or none for the project in this folder.

    \b
        wheelbase dockerfile -o Dockerfile
        wheelbase dockerfile --base python:3.13-alpine --entrypoint "python -m shop"
    """
    from wheelbase.cli.progress import progress
    from wheelbase.oci.assembly import Runtime
    from wheelbase.recipes.built import Wish
    from wheelbase.recipes.dockerfile import dockerfile, write

    runtime = Runtime(entrypoint=options.words("--entrypoint", entrypoint), cmd=options.words("--cmd", cmd))
    with progress() as report:
        made, subject = dockerfile(
            requirements,
            files=files,
            constraints=constraints,
            extras=extras,
            groups=groups,
            wish=Wish(base=base, python=python, runtime=runtime),
            installer=installer,
            builder=builder,
            refresh=refresh,
            report=report,
        )
    written = write(made, output, subject, force=force) if output else []
    if form == "json":
        click.echo(_json(made))
        return
    if not output:
        click.echo(made.dockerfile, nl=False)
        for name in made.files:
            click.echo(f"note: The build needs {name} in its folder: -o writes it there.", err=True)
    for path in written:
        click.echo(f"wrote {path}", err=True)
    for note in made.notes:
        click.echo(f"note: {note}", err=True)


def _json(made: Any) -> str:
    return json.dumps(
        {
            "schema": "wheelbase.dockerfile/1",
            "dockerfile": made.dockerfile,
            "dockerignore": made.dockerignore,
            "files": dict(made.files),
            "base": made.base,
            "build_packages": made.build_packages,
            "run_packages": made.run_packages,
            "notes": made.notes,
        },
        indent=2,
        ensure_ascii=False,
    )

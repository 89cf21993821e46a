"""`wheelbase explain`. Prints."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from wheelbase.cli import options


@click.command("explain")
@click.argument("package")
@click.option("--base", required=True, metavar="IMAGE", shell_complete=options.complete_base, help="The base image.")
@click.option(
    "-r",
    "--requirement",
    "files",
    multiple=True,
    type=click.Path(path_type=Path),
    help="What leads to its version: a requirements or lock file.",
)
@options.arch
@options.as_of
@options.allow_build
@options.refresh
@options.output_format("text", "json", "markdown")
def command(
    package: str,
    base: str,
    files: tuple[Path, ...],
    arch: Any,
    as_of: date | None,
    allow_build: tuple[str, ...],
    refresh: bool,
    form: str,
) -> None:
    """Explain which file of PACKAGE pip takes on a base, and why not the others; of a source archive, what it needs.

    \b
        wheelbase explain pandas --base python:3.13-alpine3.23
        wheelbase explain "numpy<2" --base python:3.9-slim --as-of 2021-03-01
    """
    from wheelbase.cli.progress import progress
    from wheelbase.project.read import read_requirements
    from wheelbase.recipes.explain import explain

    requirements = read_requirements((), files=files) if files else None
    with progress() as report:
        explanation = explain(
            package,
            base=base,
            requirements=requirements,
            arch=arch,
            as_of=as_of,
            allow_build=allow_build,
            refresh=refresh,
            report=report,
        )
    options.print_result("explanation", form, explanation)

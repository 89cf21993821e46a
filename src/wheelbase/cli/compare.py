"""`wheelbase compare`. Prints."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from wheelbase.cli import options, reports


@click.command("compare")
@click.argument("requirements", nargs=-1)
@options.requirement_files
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="IMAGE",
    shell_complete=options.complete_base,
    help="A base image; may be repeated.",
)
@click.option(
    "--python", metavar="X.Y", help="Version of Python.  [default: that of the bases, else the newest allowed]"
)
@options.arch
@options.as_of
@click.option(
    "--system",
    multiple=True,
    metavar="PACKAGE",
    help="A system package that the application asks for itself; may be repeated.",
)
@click.option(
    "--bandwidth",
    type=click.FloatRange(min=0.1),
    default=100.0,
    show_default=True,
    metavar="MBIT/S",
    help="Download speed for the build time.",
)
@options.no_binary
@options.allow_build
@options.refresh
@options.output_format("text", "json", "markdown")
@reports.report
@click.option("--hazards", is_flag=True, help="Say also what is known to bite on each base; nothing is run.")
@click.option(
    "--fail-on",
    type=click.Choice(["compile"]),
    help="Exit with 1 where a base shown compiles something, or cannot install it.",
)
def command(
    requirements: tuple[str, ...],
    files: tuple[Path, ...],
    constraints: tuple[Path, ...],
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    bases: tuple[str, ...],
    python: str | None,
    arch: Any,
    as_of: date | None,
    system: tuple[str, ...],
    bandwidth: float,
    no_binary: tuple[str, ...],
    allow_build: tuple[str, ...],
    refresh: bool,
    form: str,
    page: Path | None,
    hazards: bool,
    fail_on: str | None,
) -> int:
    """Compare base images for an application.

    REQUIREMENTS are packages as pip takes them, or a project's folder; without any, the project in this folder is
    read: uv.lock, pylock.toml, poetry.lock, Pipfile.lock, pyproject.toml or requirements.txt, the first that is there.

    \b
        wheelbase compare matplotlib pandas
        wheelbase compare -r requirements.txt --python 3.12 --base python:3.12-slim --base ubuntu:24.04
    """
    from wheelbase.cli.progress import progress
    from wheelbase.recipes.compare import compare

    with progress() as report:
        comparison = compare(
            requirements,
            files=files,
            constraints=constraints,
            extras=extras,
            groups=groups,
            bases=bases,
            python=python,
            arch=arch,
            as_of=as_of,
            system=system,
            megabits=bandwidth,
            no_binary=no_binary,
            allow_build=allow_build,
            refresh=refresh,
            report=report,
        )
    if page:
        from wheelbase.recipes.knownhazards import with_known_hazards
        from wheelbase.recipes.reported import recommended_files
        from wheelbase.report.html import render

        dockerfiles = recommended_files(
            comparison, requirements, files=files, constraints=constraints, extras=extras, groups=groups
        )
        text = render(
            comparison,
            known=with_known_hazards(comparison, requirements),
            dockerfiles=dockerfiles,
            subject=reports.subject(requirements, files),
            command=reports.command_line(),
        )
        reports.write_report(page, text)
    if hazards:
        from wheelbase.recipes.knownhazards import with_known_hazards

        options.print_result("compared", form, with_known_hazards(comparison, requirements), module="known")
    else:
        options.print_result("comparison", form, comparison)
    return int(fail_on is not None and any(cost.verdict != "wheels" for cost in comparison.bases))

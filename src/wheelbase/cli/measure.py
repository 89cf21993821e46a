"""`wheelbase measure`. Prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from wheelbase.cli import options, reports
from wheelbase.errors import RequirementsError

_LONGEST = 7 * 24 * 3600


@click.command("measure")
@click.argument("requirements", nargs=-1)
@click.option(
    "-r", "--requirement", "files", multiple=True, type=click.Path(path_type=Path), help="A requirements file."
)
@click.option("--extra", "extras", multiple=True, metavar="NAME", help="An extra of the project.")
@click.option("--group", "groups", multiple=True, metavar="NAME", help="A dependency group of the project.")
@click.option(
    "--base",
    "bases",
    multiple=True,
    metavar="IMAGE",
    shell_complete=options.complete_base,
    help="A base image; may be repeated.  [default: what compare recommends]",
)
@click.option("--python", metavar="X.Y", help="Version of Python where no base is named.")
@click.option("--builder", "builders", metavar="NAME,...", help="What builds.  [default: all that are here]")
@click.option("--installer", "installers", metavar="NAME,...", help="What installs in Dockerfiles.  [default: pip,uv]")
@click.option("--repeat", type=click.IntRange(min=1), default=3, show_default=True, help="How often all is built.")
@click.option(
    "--scenario", "scenarios", metavar="NAME,...", help="What has changed before a build.  [default: cold,edited,added]"
)
@options.no_binary
@click.option(
    "--build-env",
    "environment",
    multiple=True,
    metavar="NAME=VALUE",
    help="A variable of the build stage alone; may be repeated.",
)
@click.option(
    "--build-tool",
    "tools",
    multiple=True,
    metavar="PACKAGE",
    help="A package of Python, such as ziglang, for the build stage's /opt/build-tools; may be repeated.",
)
@click.option(
    "--build-file",
    "shown",
    multiple=True,
    metavar="FILE:PATH",
    help="A file that installing steps see at a path, such as a mirror's settings; may be repeated.",
)
@click.option(
    "--time-limit",
    type=float,
    default=1800,
    show_default=True,
    metavar="SECONDS",
    help="Of each build.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Where the application, a service, answers HTTP: how long it takes to the first answer is measured.",
)
@click.option("--push", metavar="HOST/NAME", help="Push images to a registry, and measure that; they stay there.")
@click.option("--fresh", is_flag=True, help="Measure again what was measured before.")
@reports.report
@options.output_format("text", "json", "markdown")
def command(
    requirements: tuple[str, ...],
    files: tuple[Path, ...],
    extras: tuple[str, ...],
    groups: tuple[str, ...],
    bases: tuple[str, ...],
    python: str | None,
    builders: str | None,
    installers: str | None,
    repeat: int,
    scenarios: str | None,
    no_binary: tuple[str, ...],
    environment: tuple[str, ...],
    tools: tuple[str, ...],
    shown: tuple[str, ...],
    time_limit: float,
    port: int | None,
    push: str | None,
    fresh: bool,
    page: Path | None,
    form: str,
) -> None:
    """Build an application in every way that is here, and show what it took beside what was predicted.

    REQUIREMENTS are a project's folder, packages as pip takes them, or none for the project in this folder. Every base,
    builder and installer is built without any cache (cold), after a change of the application (edited) and with one
    more dependency (added). What was measured is kept: a run that was stopped goes on where it was.

    \b
        wheelbase measure matplotlib pandas --base python:3.13-slim --builder buildkit,wheelbase
        wheelbase measure . --report report.html
    """
    from wheelbase.cli.progress import progress
    from wheelbase.measuring.values import SCENARIOS
    from wheelbase.recipes.measure import measure
    from wheelbase.recipes.measureplan import BUILDERS, INSTALLERS, Plan

    if not 1 <= time_limit <= _LONGEST:  # not a number is neither
        raise RequirementsError(f"--time-limit {time_limit:g} is not between 1 s and 7 days", hint="leave it out")
    plan = Plan(
        builders=_chosen("--builder", builders, BUILDERS),
        installers=_chosen("--installer", installers, INSTALLERS),
        scenarios=_chosen("--scenario", scenarios, SCENARIOS),
        repeat=repeat,
        seconds=time_limit,
        no_binary=no_binary,
        environment=options.pairs("--build-env", environment, example="CC=clang"),
        tools=tools,
        files=dict(map(_shown, shown)),
        port=port,
        push=_repository(push) if push else None,
        fresh=fresh,
    )
    try:
        with progress() as report:
            measured = measure(
                requirements,
                files=files,
                extras=extras,
                groups=groups,
                bases=bases,
                python=python,
                plan=plan,
                report=report,
            )
    except KeyboardInterrupt:
        click.echo("stopped: what was measured is kept, and the same command goes on from there", err=True)
        raise
    if page:
        from wheelbase.report.html import render

        text = render(
            measured.comparison,
            measured.measurement,
            subject=reports.subject(requirements, files),
            command=reports.command_line(),
        )
        reports.write_report(page, text)
    options.print_result("measured", form, measured, module="measure")


def _chosen(option: str, text: str | None, known: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the names of a list; all that are known without one."""
    if text is None:
        return known
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    wrong = [name for name in names if name not in known]
    if wrong or not names:
        raise RequirementsError(f"{option} {text} is not known", hint=f"choose of {', '.join(known)}")
    return names


def _repository(text: str) -> str:
    """Return a name in a registry, which gets a tag for each image."""
    from wheelbase.oci.errors import ImageError
    from wheelbase.oci.reference import parse_name

    try:
        name = parse_name(text)
        whole = f"{name.domain}/{name.repository}"
    except ImageError:
        whole = ""
    if text != whole:
        raise RequirementsError(
            f"--push {text} is no name in a registry",
            hint="write it like --push localhost:5000/measured, without a tag",
        )
    return whole


def _shown(line: str) -> tuple[str, Path]:
    source, _, target = line.rpartition(":")
    if not (source and target.startswith("/")):
        raise RequirementsError(
            f"--build-file {line} names no file and path", hint="write it like --build-file apt.conf:/etc/apt/apt.conf"
        )
    if not Path(source).is_file():
        raise RequirementsError(f"{source} is no file", hint="name a file of this machine, then its path in the build")
    return target, Path(source).absolute()

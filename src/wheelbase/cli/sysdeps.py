"""`wheelbase sysdeps`. Prints."""

from datetime import date
from typing import Any

import click

from wheelbase.cli import options


@click.command("sysdeps")
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--base", required=True, metavar="IMAGE", shell_complete=options.complete_base, help="The base image.")
@options.arch
@options.as_of
@click.option(
    "--refresh",
    is_flag=True,
    help="Ask the indexes again, and your mirror of the base's distribution for its packages as they are now.",
)
@options.output_format("text", "json", "markdown")
def command(sources: tuple[str, ...], base: str, arch: Any, as_of: date | None, refresh: bool, form: str) -> None:
    """Tell which system packages a build from source needs on a base, how sure that is, and how long it takes.

    SOURCE is a requirement, a source archive (.tar.gz, .zip) or the folder of a project. They are read; none of their
    code is run.

    \b
        wheelbase sysdeps psycopg2 --base python:3.13-slim
        wheelbase sysdeps lxml==6.0.2 ./dist/app-1.0.tar.gz . --base debian:trixie-slim --format json
    """
    from wheelbase.cli.progress import progress
    from wheelbase.recipes.sysdeps import sysdeps

    with progress() as report:
        answer = sysdeps(sources, base=base, arch=arch, as_of=as_of, refresh=refresh, report=report)
    options.print_result("sysdeps", form, answer)

"""`wheelbase inspect`. Prints."""

import click

from wheelbase.cli import options


@click.command("inspect")
@click.argument("reference", shell_complete=options.complete_base)
@click.option(
    "--platform", metavar="OS/ARCH", help="Of an image for several platforms.  [default: that of this machine]"
)
@options.output_format("text", "json")
def command(reference: str, platform: str | None, form: str) -> None:
    """Show what an image's own bytes say of it: C library, Pythons, packages, libraries, sizes. Nothing of it is run.

    REFERENCE is a name in a registry, or oci:PATH, oci-archive:PATH, docker-archive:PATH or docker-daemon:NAME.

    \b
        wheelbase inspect python:3.13-slim
        wheelbase inspect oci:./our-company-base --format json
    """
    from wheelbase.cli.progress import progress
    from wheelbase.recipes.inspect import inspect

    with progress() as report:
        inspected = inspect(reference, platform=platform, report=report)
    options.print_result("inspection", form, inspected, module="inspect")

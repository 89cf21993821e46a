"""`wheelbase probe`. Prints."""

from pathlib import Path

import click

from wheelbase.cli import options
from wheelbase.errors import RequirementsError


@click.command("probe")
@click.argument("images", nargs=-1, required=True, shell_complete=options.complete_base)
@click.option(
    "--app",
    type=click.Path(path_type=Path),
    metavar="FOLDER",
    help="Say which of the hazards concern the Python code in this folder, and where.",
)
@click.option(
    "--packages", is_flag=True, help="Read also the wheels that the application in --app needs; fetches them."
)
@click.option(
    "--engine",
    type=click.Choice(["bubblewrap", "docker", "podman"]),
    help="What runs the image.  [default: the first that works]",
)
@click.option("--only", multiple=True, metavar="HAZARD", help="Look for this hazard alone; may be given again.")
@click.option("--python", default="python3", show_default=True, help="The interpreter, as a container would call it.")
@click.option(
    "--platform", metavar="OS/ARCH", help="Of an image for several platforms.  [default: that of this machine]"
)
@options.output_format("text", "json", "markdown", "sarif")
def command(
    images: tuple[str, ...],
    app: Path | None,
    packages: bool,
    engine: str | None,
    only: tuple[str, ...],
    python: str,
    platform: str | None,
    form: str,
) -> None:
    """Run small probes in images: what in their C library and userland bites Python programs.

    IMAGE is a name in a registry, oci:PATH, docker-archive:PATH, docker-daemon:NAME or deb:trixie. Its Python is run,
    without a network and within limits; bubblewrap needs neither a daemon nor root.

    \b
        wheelbase probe python:3.13-alpine3.23 python:3.13-slim
        wheelbase probe oci:./our-company-base --app .
    """
    if (packages or form == "sarif") and app is None:
        raise RequirementsError("no application is named", hint="name its folder: --app .")
    from wheelbase.cli.progress import progress
    from wheelbase.recipes.probe import probe

    with progress() as report:
        probes = probe(
            images,
            app=app,
            packages=packages,
            engine=engine,  # type: ignore[arg-type]  # one of the choices
            python=python,
            platform=platform,
            only=only,
            report=report,
        )
    options.print_result("probes", form, probes, module="sarif" if form == "sarif" else "probe")

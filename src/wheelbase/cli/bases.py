"""`wheelbase bases`. Prints."""

import click

from wheelbase.cli import options


@click.command("bases")
@click.argument("pattern", required=False, shell_complete=options.complete_base)
@click.option("--all", "history", is_flag=True, help="Earlier snapshots too, not the latest of each image alone.")
@options.arch
@options.output_format("text", "json")
def command(pattern: str | None, history: bool, arch: str, form: str) -> None:
    """List the catalogue of base images, those whose name contains PATTERN."""
    from wheelbase.bases.catalogue import load_catalogue
    from wheelbase.errors import BaseError

    catalogue = load_catalogue()
    of_arch = (row for row in catalogue.base if row.arch == arch)
    rows = sorted(of_arch, key=lambda row: (row.image, row.date))
    latest = {row.image: row for row in rows}
    chosen = tuple(row for row in (rows if history else latest.values()) if pattern is None or pattern in row.image)
    if not chosen:
        raise BaseError(
            f"no base image in the catalogue has {pattern!r} in its name", hint="`wheelbase bases` lists all of them"
        )
    options.print_result("bases", form, chosen)

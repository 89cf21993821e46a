"""`wheelbase bases`. Prints."""

import click

from wheelbase.cli import options


@click.command("bases")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=options.complete_base)
@click.option("--all", "history", is_flag=True, help="Earlier snapshots too, not the latest of each image alone.")
@click.option("--refresh", is_flag=True, help="Read images anew in their registries: those named, or all (10 GB).")
@options.arch
@options.output_format("text", "json")
def command(names: tuple[str, ...], history: bool, refresh: bool, arch: str, form: str) -> int:
    """List the catalogue of base images, those that have a NAME in theirs.

    With --refresh, images are read for all architectures that the catalogue has, and are known as they are today.
    Without it no registry is asked.

    \b
        wheelbase bases python:3.13
        wheelbase bases --refresh python:3.13-slim python:3.13-alpine
    """
    if refresh:
        return _refresh(names, form)
    from wheelbase.bases.catalogue import load_catalogue
    from wheelbase.errors import BaseError

    catalogue = load_catalogue()
    of_arch = (row for row in catalogue.base if row.arch == arch)
    rows = sorted(of_arch, key=lambda row: (row.image, row.date))
    latest = {row.image: row for row in rows}
    listed = rows if history else latest.values()
    chosen = tuple(row for row in listed if not names or any(name in row.image for name in names))
    if not chosen:
        raise BaseError(
            f"no base image in the catalogue has {' or '.join(map(repr, names))} in its name",
            hint="`wheelbase bases` lists all of them",
        )
    options.print_result("bases", form, chosen)
    return 0


def _refresh(names: tuple[str, ...], form: str) -> int:
    """Refresh images; return 1 where some could not be."""
    from wheelbase.cli.progress import progress
    from wheelbase.recipes.bases import refresh_bases

    with progress() as report:
        refreshed = refresh_bases(names, report=report)
    options.print_result("refreshed", form, refreshed, module="bases")
    return int(bool(refreshed.failed))

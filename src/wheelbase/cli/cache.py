"""`wheelbase cache`. Prints."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from wheelbase.oci.store import Store, StoredBlob

_DAY = 86_400


@click.group("cache", invoke_without_command=True)
@click.pass_context
def command(ctx: click.Context) -> None:
    """Show what blobs of images the cache holds. Any of them may be removed: it is fetched again when it is needed."""
    if ctx.invoked_subcommand is None:
        from wheelbase.cache import cache_directory

        click.echo(f"{cache_directory()} holds {_amount(_store().blobs())} of images")


@command.command("verify")
def verify() -> None:
    """Read every blob, and remove those that a disk has damaged."""
    click.echo(f"removed {_amount(_store().verify())} with damage")


@command.command("prune")
@click.option(
    "--days",
    type=click.IntRange(min=0),
    default=30,
    show_default=True,
    help="Keep what was used in so many days; 0 keeps nothing.",
)
def prune(days: int) -> None:
    """Remove the blobs that were not used for long."""
    click.echo(f"removed {_amount(_store().prune(days * _DAY))}")


def _store() -> Store:
    from wheelbase.cache import cache_directory
    from wheelbase.oci.store import STORE_FOLDER, Store

    return Store(cache_directory() / STORE_FOLDER)


def _amount(blobs: Sequence[StoredBlob]) -> str:
    from wheelbase.report.units import count, megabytes

    return f"{count(len(blobs), 'blob')} ({megabytes(sum(blob.bytes for blob in blobs))} MB)"

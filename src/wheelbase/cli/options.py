"""Options that several commands share, and what turns their texts into values. Prints."""

import os
import shlex
import sys
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from wheelbase.errors import RequirementsError

Command = Callable[..., Any]


class Date(click.ParamType[date]):
    """A day, YYYY-MM-DD, that is not in the future."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:
        """Parse the day."""
        if isinstance(value, date):
            return value
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise RequirementsError(f"--as-of {value} is not a date", hint="write it like --as-of 2020-01-29") from None
        if day > datetime.now(UTC).date():
            raise RequirementsError(
                f"--as-of {value} is in the future", hint="leave --as-of out for what is true today"
            )
        return day


def complete_base(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Return the names in the catalogue that begin so."""
    from wheelbase.bases.catalogue import load_catalogue

    return sorted({row.image for row in load_catalogue().base if row.image.startswith(incomplete)})


as_of = click.option(
    "--as-of", type=Date(), metavar="DATE", help="Answer as the package index and the images stood on a day."
)
arch = click.option(
    "--arch",
    type=click.Choice(["amd64", "arm64"]),
    default="amd64",
    show_default=True,
    help="Architecture of the images.",
)
no_binary = click.option(
    "--no-binary", multiple=True, metavar="NAME|:all:", help="Build this package from source; may be repeated."
)
allow_build = click.option(
    "--allow-build",
    multiple=True,
    metavar="NAME",
    help="Let uv build this package to learn its metadata: runs its code.",
)
refresh = click.option("--refresh", is_flag=True, help="Ask the indexes again, whatever is in the cache.")


def requirement_files(command: Command) -> Command:
    """Add the options that name requirements beside the arguments."""
    path = click.Path(path_type=Path)
    for option in (
        click.option("--group", "groups", multiple=True, metavar="NAME", help="A dependency group of the project."),
        click.option("--extra", "extras", multiple=True, metavar="NAME", help="An extra of the project."),
        click.option("-c", "--constraint", "constraints", multiple=True, type=path, help="A constraints file."),
        click.option(
            "-r", "--requirement", "files", multiple=True, type=path, help="A requirements file or a lock file."
        ),
    ):
        command = option(command)
    return command


def output_format(*formats: str) -> Callable[[Command], Command]:
    """Return the option --format with these choices, the first being the default."""
    return click.option(
        "--format",
        "form",
        type=click.Choice(list(formats)),
        default=formats[0],
        show_default=True,
        help="Form of the output.",
    )


def print_result(name: str, form: str, value: Any, *, module: str | None = None) -> None:
    """Print a value in the form asked for: `report.FORM.NAME_FORM`, or that of another module, renders it."""
    rendered = getattr(import_module(f"wheelbase.report.{module or form}"), f"{name}_{form}")(value)
    if form == "text" and not isinstance(rendered, str):
        _print_rich(rendered)
    else:
        click.echo(rendered.rstrip("\n"))


def _print_rich(renderable: Any) -> None:
    """Print to standard output: as wide as the terminal (COLUMNS goes before it), 100 columns where there is none."""
    from rich.console import Console

    if sys.stdout.isatty():
        Console(highlight=False).print(renderable)
        return
    columns = os.environ.get("COLUMNS", "")
    console = Console(highlight=False, width=int(columns) if columns.isdecimal() else 100)
    with console.capture() as capture:
        console.print(renderable)
    # Tables are padded to their width, which no file wants.
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))


def words(option: str, line: str | None) -> tuple[str, ...] | None:
    """Split the value of an option as a shell does, None where it was not given."""
    try:
        return None if line is None else tuple(shlex.split(line))
    except ValueError as error:
        raise RequirementsError(
            f"{option} {line} cannot be split: {error}", hint="close the quotation marks"
        ) from error


def pairs(option: str, lines: Iterable[str], *, example: str = "NAME=value") -> dict[str, str]:
    """Return the names and values of an option that may be repeated."""
    found = {}
    for line in lines:
        name, equals, value = line.partition("=")
        if not (name and equals) or "\0" in line:
            raise RequirementsError(f"{option} {line} sets nothing", hint=f"write it like {option} {example}")
        found[name] = value
    return found

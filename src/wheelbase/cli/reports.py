"""The option --report, and the file that it writes. Writes files."""

import os
import shlex
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from wheelbase.errors import RequirementsError, hide_credentials, hide_secrets


class ReportPath(click.ParamType[Path]):
    """A file in a folder that is there: nobody wants to hear at the end of the work that it is not."""

    name = "file"

    def convert(self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        """Check the folder."""
        path = Path(value)
        if path.is_dir():
            raise RequirementsError(f"--report {path} is a folder", hint=f"name a file in it: {path / 'report.html'}")
        if not path.parent.is_dir():
            raise RequirementsError(
                f"--report {path}: there is no folder {path.parent}",
                hint=f"make it first: mkdir -p {shlex.quote(str(path.parent))}",
            )
        return path


report = click.option(
    "--report", "page", type=ReportPath(), metavar="FILE", help="Write a report too: one HTML file to pass on."
)


def write_report(path: Path, text: str) -> None:
    """Write a report, the whole of it or nothing."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as error:
        raise RequirementsError(
            f"--report {path} cannot be written: {error.strerror}", hint="name a file that you may write"
        ) from error


def subject(requirements: Iterable[str], files: Iterable[Path]) -> str:
    """Return what a report calls the application: its folder's name, or what it was asked to be."""
    asked = [*requirements, *(str(file) for file in files)]
    if not asked:
        return Path.cwd().name
    return hide_credentials(" ".join(Path(one).resolve().name if Path(one).is_dir() else one for one in asked))


def command_line() -> str:
    """Return the command that was given, to be given again, but for the secrets in it."""
    return hide_secrets(shlex.join(["wheelbase", *sys.argv[1:]]))

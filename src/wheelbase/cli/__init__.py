"""The command line: one module for each command, imported when it is called."""

import atexit
import gc
import os
import sys
from importlib import import_module

import click

from wheelbase import __version__
from wheelbase.engines.interruptions import interrupt_on_signals
from wheelbase.errors import WheelbaseError, hide_credentials

_COMMANDS = {
    "compare": "What an application costs on each base image.",
    "explain": "Which file of a package pip takes on a base, and why not the others.",
    "build": "An image from wheels, without a daemon, the same wherever it is built.",
    "dockerfile": "The Dockerfile of an application, by the rules of good practice.",
    "measure": "What really building an application takes, beside what was predicted.",
    "probe": "What in an image bites Python programs, and whether it bites yours.",
    "sysdeps": "Which system packages a build from source needs, and how long it takes.",
    "inspect": "What an image's own bytes say of it: C library, Pythons, packages, sizes.",
    "bases": "The catalogue of base images: what is known, from when, from where.",
    "cache": "Blobs of images that were fetched once: show, verify, prune.",
    "completion": "Print the completion script for a shell.",
}


class _Lazy(click.Group):
    """A group that lists its commands without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of their use."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command."""
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"wheelbase.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands from the table above."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="wheelbase")
def cli() -> None:
    """What a Python application costs on each container base image.

    Wheels or compile for each package and why, image size, build time: in seconds, without Docker.
    """


def main() -> None:
    """Run the command line; every failure ends in one message, a hint and an exit code."""
    # Imports alone make the collector look through all there is several times, and it would once more at the end.
    gc.set_threshold(50_000)
    atexit.register(gc.freeze)
    interrupt_on_signals()
    try:
        status = cli.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        status = stop.exit_code
    except click.ClickException as error:
        error.show()
        status = error.exit_code
    except WheelbaseError as error:
        _complain(str(error), error.hint)
        status = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        # Threads may be in the middle of an upload, and nobody wants to wait for that: whatever is written is written
        # under another name first.
        sys.stderr.flush()
        os._exit(130)
    except BrokenPipeError:
        # The reader has gone (`| head`); closing standard output must not complain of it once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    except Exception as error:
        if os.environ.get("WHEELBASE_TRACEBACK"):
            raise
        _complain(
            hide_credentials(f"{type(error).__name__}: {error}"),
            "this is a fault of wheelbase: report it with the output of WHEELBASE_TRACEBACK=1",
        )
        status = 1
    sys.exit(status)


def _complain(message: str, hint: str | None) -> None:
    colour = sys.stderr.isatty() and not os.environ.get("NO_COLOR")
    red, cyan, plain = ("\033[1;31m", "\033[36m", "\033[0m") if colour else ("", "", "")
    click.echo(f"{red}error:{plain} {message}", err=True, color=True)
    if hint:
        click.echo(f"{cyan}hint:{plain} {hint}", err=True, color=True)

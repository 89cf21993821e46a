"""`wheelbase completion`. Prints."""

import click
from click.shell_completion import get_completion_class


@click.command("completion")
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script for SHELL.

    \b
        wheelbase completion bash >~/.local/share/bash-completion/completions/wheelbase
    """
    kind = get_completion_class(shell)
    assert kind is not None
    click.echo(kind(ctx.find_root().command, {}, "wheelbase", "_WHEELBASE_COMPLETE").source())

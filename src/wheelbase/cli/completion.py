"""`wheelbase completion`. Prints."""

import click
from click.shell_completion import get_completion_class

# bash ends a word at a colon, and names of images have one: words are taken from the line as it was typed, and what
# stands before the last colon, which bash leaves alone, is cut from the replies.
_COLONS = r"""
_wheelbase_with_colons() {
    local typed=() line=${COMP_LINE:0:COMP_POINT} before
    IFS=$' \t' read -ra typed <<< "$line"
    [[ $line == *[[:space:]] ]] && typed+=("")
    local COMP_WORDS=("${typed[@]}") COMP_CWORD=$((${#typed[@]} - 1))
    _wheelbase_completion "$1"
    before=${COMP_WORDS[COMP_CWORD]}
    if [[ $before == *:* && $COMP_WORDBREAKS == *:* ]]; then
        before=${before%"${before##*:}"}
        COMPREPLY=("${COMPREPLY[@]#"$before"}")
    fi
}

complete -o nosort -F _wheelbase_with_colons wheelbase
"""


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
    script = kind(ctx.find_root().command, {}, "wheelbase", "_WHEELBASE_COMPLETE").source()
    click.echo(script.rstrip() + "\n" + _COLONS if shell == "bash" else script, nl=shell != "bash")

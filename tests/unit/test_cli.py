"""The command line itself: help, lazy imports, completion, exit codes."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from wheelbase.cli import cli


def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-m", "wheelbase", *arguments], capture_output=True, text=True, check=False)


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys, wheelbase.cli; wheelbase.cli.cli.main(['--help'], standalone_mode=False);"
        "print([m for m in {} if m in sys.modules])"
    )
    heavy = ["urllib3", "rich.console", "packaging.version", "msgspec", "tomllib", "wheelbase.recipes.compare"]
    result = subprocess.run([sys.executable, "-c", code.format(heavy)], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("command", ["compare", "explain", "sysdeps", "inspect", "bases", "completion"])
def test_every_command_has_help(command: str) -> None:
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_an_unknown_option_is_a_usage_error() -> None:
    result = run("compare", "--no-such-option")
    assert result.returncode == 2
    assert "--no-such-option" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_scripts(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell])
    assert result.exit_code == 0
    assert "_WHEELBASE_COMPLETE" in result.output


def test_base_names_are_completed() -> None:
    environment = {
        "_WHEELBASE_COMPLETE": "bash_complete",
        "COMP_WORDS": "wheelbase compare --base python:3.13-alp",
        "COMP_CWORD": "3",
    }
    code = "from wheelbase.cli import cli; cli.main(prog_name='wheelbase')"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**environment}, check=False
    )
    assert "python:3.13-alpine3.23" in result.stdout


def test_bash_completes_names_beyond_their_colon(tmp_path: Path) -> None:
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("there is no bash")
    script = tmp_path / "completion.bash"
    script.write_text(CliRunner().invoke(cli, ["completion", "bash"]).output, encoding="utf-8")
    program = tmp_path / "wheelbase"
    program.write_text(
        f"#!{sys.executable}\nfrom wheelbase.cli import cli\ncli.main(prog_name='wheelbase')\n", encoding="utf-8"
    )
    program.chmod(0o755)
    line = "wheelbase compare --base python:3.13-alpine3.2"
    code = f"source {script}; COMP_LINE={line!r}; COMP_POINT={len(line)}; _wheelbase_with_colons {program}"
    result = subprocess.run(
        [bash, "-c", f'{code}; printf "%s\\n" "${{COMPREPLY[@]}}"'], capture_output=True, text=True, check=False
    )
    assert "3.13-alpine3.23" in result.stdout.split()


def test_the_catalogue_is_listed() -> None:
    result = run("bases", "distroless")
    assert result.returncode == 0
    assert "gcr.io/distroless/python3" in result.stdout


def test_a_pattern_that_matches_nothing() -> None:
    result = run("bases", "nonsense")
    assert result.returncode == 1
    assert result.stderr.splitlines()[0].startswith("error: ")
    assert result.stderr.splitlines()[1].startswith("hint: ")


def test_a_closed_pipe_is_no_error() -> None:
    command = f"{sys.executable} -m wheelbase bases | head -1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert result.stderr == ""

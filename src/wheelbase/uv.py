"""Run uv, the program. Runs programs.

uv is found through the `uv` package that wheelbase depends on. It never downloads an interpreter for us, and the
interpreter that runs wheelbase is the only one it looks at: targets are described to it, not found on this machine.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from wheelbase.errors import WheelbaseError, hide_credentials

# uv runs in a folder of ours: paths that the user's variables give from here have to be made whole. Those of several
# values are separated by the character beside them.
_PATHS = {
    "UV_CONFIG_FILE": None,
    "UV_CACHE_DIR": None,
    "SSL_CERT_FILE": None,
    "NETRC": None,
    "UV_FIND_LINKS": ",",
}


@cache
def uv_binary() -> str:
    """Return the path of the uv that came with the `uv` package."""
    from uv import find_uv_bin

    try:
        return find_uv_bin()
    except FileNotFoundError as error:
        raise WheelbaseError(
            f"uv, which resolves the requirements, was not found: {error}",
            hint="install wheelbase with its dependencies: pip install --force-reinstall uv wheelbase",
        ) from error


def uv_identity() -> str:
    """Return what tells this uv from another: what it answered may be kept under that."""
    return f"{uv_binary()} {Path(uv_binary()).stat().st_mtime_ns}"


def run_uv(
    *arguments: str, directory: Path, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `uv ARGUMENTS` in `directory` and return what it printed; a failure is the caller's to judge."""
    command = [uv_binary(), "--no-python-downloads", "--color", "never", "--no-progress"]
    variables = {**_from_anywhere(os.environ), "UV_PYTHON": sys.executable, **(environment or {})}
    result = _run([*command, *arguments], directory, stdin, variables)
    if result.returncode and "Failed to initialize cache" in result.stderr:
        # A cache that cannot be written costs speed, never an answer.
        result = _run([*command, "--no-cache", *arguments], directory, stdin, variables)
    return result


def _run(
    command: list[str], directory: Path, stdin: str, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command,
            cwd=directory,
            input=stdin,
            env=variables,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise WheelbaseError(
            f"{command[0]} cannot be run: {error.strerror}",
            hint="install it again: pip install --force-reinstall uv",
        ) from error


def _from_anywhere(variables: "os._Environ[str]") -> dict[str, str]:
    whole = dict(variables)
    for name, separator in _PATHS.items():
        if value := whole.get(name):
            parts = value.split(separator) if separator else [value]
            whole[name] = (separator or "").join(
                part if "://" in part else str(Path(part).expanduser().absolute()) for part in parts if part
            )
    return whole


def refusal(result: subprocess.CompletedProcess[str]) -> tuple[str, str | None]:
    """Return what uv said of its failure, without credentials: its message and, where it gave one, its hint."""
    said = hide_credentials(result.stderr)
    message, _, hint = said.partition("\nhint:")
    kept = [line for line in message.splitlines() if line.strip() and not line.startswith("warning:")]
    text = "\n".join(kept).removeprefix("error: ").strip()
    return text or f"uv ended with exit code {result.returncode}", " ".join(hint.split()) or None

"""Run uv, the program. Runs programs.

uv is found through the `uv` package that wheelbase depends on. It never downloads an interpreter for us, and the
interpreter that runs wheelbase is the only one it looks at: targets are described to it, not found on this machine.
"""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from wheelbase.errors import WheelbaseError


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


def run_uv(
    *arguments: str, directory: Path, stdin: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `uv ARGUMENTS` in `directory` and return what it printed; a failure is the caller's to judge."""
    return subprocess.run(
        [uv_binary(), "--no-python-downloads", "--color", "never", "--no-progress", *arguments],
        cwd=directory,
        input=stdin,
        env={**os.environ, "UV_PYTHON": sys.executable, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def refusal(result: subprocess.CompletedProcess[str]) -> tuple[str, str | None]:
    """Return what uv said of its failure: its message and, where it gave one, its hint."""
    message, _, hint = result.stderr.partition("\nhint:")
    kept = [line for line in message.splitlines() if line.strip() and not line.startswith("warning:")]
    text = "\n".join(kept).removeprefix("error: ").strip()
    return text or f"uv ended with exit code {result.returncode}", " ".join(hint.split()) or None

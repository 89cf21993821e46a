"""Whether users have names, there is a place for temporary files, and semaphores can be made."""

from __future__ import annotations

import json
import multiprocessing
import pwd
import tempfile
from pathlib import Path


def main() -> None:
    """Try what needs /etc/passwd, /tmp and /dev/shm."""
    wrong = []
    try:
        pwd.getpwnam("root")
    except KeyError:
        wrong.append("there is no user root")
    try:
        tempfile.gettempdir()
    except OSError:
        wrong.append("there is no folder for temporary files")
    try:
        multiprocessing.Semaphore(1)
    except (OSError, ImportError) as error:
        wrong.append(f"no semaphore: {error}")
    if not Path("~").expanduser().is_dir():
        wrong.append("there is no home")
    evidence = "; ".join(wrong) or "there are users, a temporary folder, a home and semaphores"
    observed = {"wrong": wrong}
    print(json.dumps({"verdict": "bites" if wrong else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

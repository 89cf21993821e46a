"""Hold what is read of setup scripts against running them: `python -m benchmarks.sysdeps.scripts PYTHON ARCHIVE...`

PYTHON is the interpreter of a virtual environment with what scripts import (setuptools, numpy, Cython, cffi, pybind11).
It runs each script in bubblewrap, without a network, with a setup() that only notes what it is given. Of those that end
well and hand over extensions it prints how many of their libraries were read, and every difference.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

from wheelbase.source.findings import Evidence
from wheelbase.source.python_libraries import is_always_there
from wheelbase.source.python_scripts import find_in_python
from wheelbase.source.tree import SourceTree, tree_of_archive

_SECONDS = 20
_INSIDE = Path(__file__).with_name("noted_setup.py")


def run(python: Path, archive: Path) -> dict[str, Any] | None:
    """Return what a script hands to setup(); None where there is none, or it does not get there."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            if archive.suffix == ".zip":
                zipfile.ZipFile(archive).extractall(scratch)
            else:
                with tarfile.open(archive) as tar:
                    tar.extractall(scratch, filter="data")
        except (OSError, tarfile.TarError, zipfile.BadZipFile):
            return None
        script = next(Path(scratch).glob("*/setup.py"), None)
        if not script:
            return None
        seen = [path for path in ("/usr", "/bin", "/lib", "/lib64", "/etc") if Path(path).exists()]
        seen += [str(python.parent.parent), str(python.resolve().parent.parent), str(_INSIDE)]
        command = ["bwrap", *(word for path in seen for word in ("--ro-bind", path, path))]
        command += [
            "--bind",
            scratch,
            scratch,
            "--proc",
            "/proc",
            "--dev",
            "/dev",
            "--unshare-all",
            "--die-with-parent",
        ]
        command += ["--setenv", "PATH", f"{python.parent}:/usr/bin:/bin", "--setenv", "HOME", scratch]
        try:
            done = subprocess.run(
                [*command, python, "-W", "ignore", _INSIDE, script.parent], capture_output=True, timeout=_SECONDS
            )
            found: dict[str, Any] = json.loads(done.stdout)
        except (subprocess.TimeoutExpired, json.JSONDecodeError):
            return None
        return found if found["extensions"] and not found["error"] else None


def handed_over(found: dict[str, Any], tree: SourceTree) -> set[str]:
    """Return the libraries that the extensions need of the system."""
    names = {*found["libraries"]} - {*found["own"]}
    brought = {name for name in names if {f"lib{name}.a", f"lib{name}.so"} & tree.basenames}
    return {name for name in names - brought if not is_always_there(name)}


def main(python: str, *archives: str) -> None:
    """Compare, and print."""
    if not shutil.which("bwrap"):
        sys.exit("bubblewrap is needed")
    scripts = 0
    counted: Counter[str] = Counter()
    for archive in map(Path, archives):
        found = run(Path(python).absolute(), archive)
        if not found:
            continue
        tree = tree_of_archive(archive.read_bytes(), archive.name)
        asked = [one for one in find_in_python(tree) if isinstance(one, Evidence) and one.kind == "library"]
        required = {one.name for one in asked if one.need == "required"}
        doubted = {one.name for one in asked} - required
        true = handed_over(found, tree)
        scripts += 1
        counted += Counter(right=len(true & required), wrong=len(required - true))
        counted += Counter(optional=len(true & doubted), lost=len(true - required - doubted))
        if true - required or required - true:
            left_out = [f"{name}{' (optional)' if name in doubted else ''}" for name in sorted(true - required)]
            print(f"- {archive.name}: left out {left_out}, wrong {sorted(required - true)}", flush=True)
    print(f"{scripts} scripts: {counted['right']} libraries right, {counted['optional']} taken as optional,")
    print(f"{counted['lost']} left out, {counted['wrong']} wrong")


if __name__ == "__main__":
    main(*sys.argv[1:])

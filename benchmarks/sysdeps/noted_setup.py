"""Run a setup.py with a setup() that only notes what it is given: `python noted_setup.py FOLDER`. Prints JSON.

Runs in a sandbox, by an interpreter that has what such scripts import, not wheelbase: see scripts.py.
"""

import contextlib
import distutils.core
import json
import os
import sys
from pathlib import Path
from typing import Any

import setuptools  # type: ignore[import-untyped]

noted: dict[str, Any] = {"extensions": 0, "libraries": [], "own": [], "error": ""}


def setup(**given: Any) -> None:
    """Note what the extensions link, and the libraries that are built beside them."""
    listed = given.get("ext_modules") or []
    for one in [item for entry in listed for item in (entry if isinstance(entry, list) else [entry])]:
        noted["extensions"] += 1
        flags = [flag[2:] for flag in one.extra_link_args or [] if str(flag).startswith("-l")]
        noted["libraries"] += [str(name) for name in (*(one.libraries or []), *flags)]
    noted["own"] += [name for name, _ in given.get("libraries") or []]


def cythonize(modules: Any = (), *_: object, **__: object) -> list[setuptools.Extension]:
    """Return the extensions as they are, in the place of compiling them to C."""
    listed = modules if isinstance(modules, (list, tuple)) else [modules]
    return [one if hasattr(one, "libraries") else setuptools.Extension(str(one), [str(one)]) for one in listed]


def main(folder: str) -> None:
    """Run the script as pip does: from its own folder."""
    os.chdir(folder)
    sys.path.insert(0, folder)
    sys.argv = ["setup.py", "bdist_wheel"]
    setuptools.setup = distutils.core.setup = setup  # type: ignore[assignment]
    with contextlib.suppress(ImportError):
        import Cython.Build  # type: ignore[import-not-found]

        Cython.Build.cythonize = cythonize
    with contextlib.redirect_stdout(sys.stderr):
        try:
            script = compile(Path("setup.py").read_text(encoding="utf-8"), "setup.py", "exec")
            exec(script, {"__name__": "__main__", "__file__": f"{folder}/setup.py"})
        except BaseException as error:
            noted["error"] = f"{type(error).__name__}: {error}"
    json.dump(noted, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])

"""What Debian's own packages of Python projects are built with: a second opinion, by project. Reads the shipped data.

They are of other versions than the one that is looked at, so they confirm what was found and never add to it.
"""

import json
import lzma
from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def load_recipes() -> Mapping[str, tuple[str, ...]]:
    """Return the -dev packages and tools that Debian builds each project with, by normalised name."""
    raw = lzma.decompress((files("wheelbase.system") / "data" / "recipes.xz").read_bytes())
    return {project: tuple(packages) for project, packages in json.loads(raw).items()}

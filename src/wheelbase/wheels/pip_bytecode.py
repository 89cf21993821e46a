"""What a run of pip leaves behind besides the packages. Reads `pip_bytecode.toml`.

The official images strip the bytecode of the standard library and of pip, so that the first `pip install` in a build
compiles what it imports and leaves that in the layer: 5 to 11 MB, whatever is installed.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any


@cache
def left_by_pip(python: tuple[int, int]) -> tuple[int, int]:
    """Return (bytes, bytes under gzip) of the bytecode left for a Python; of the nearest one where not measured."""
    raw = Path(__file__).with_name("pip_bytecode.toml").read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = tomllib.loads(raw)["python"]
    nearest = min(rows, key=lambda row: abs(row["version"][1] - python[1]))
    return nearest["bytes"], nearest["compressed"]

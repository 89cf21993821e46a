"""Imports go downwards only."""

import ast
from pathlib import Path

import wheelbase

ROOT = Path(wheelbase.__file__).parent
# From the top down; a module may import what stands below its own line, and its own package.
LAYERS = [
    ["__main__"],
    ["cli"],
    ["report"],
    ["recipes"],
    ["resolve"],
    ["releases"],
    ["pins"],
    ["project"],
    ["research", "dockerfiles"],
    ["measuring"],
    ["deb"],
    ["probes"],
    ["wheels"],
    ["buildtime", "source"],
    ["system"],
    ["bases"],
    ["index"],
    ["uv"],
    ["cache"],
    ["engines"],
    ["oci"],
    ["connections"],
    ["errors"],
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("wheelbase."):
            found.add(node.module.split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("wheelbase.")}
    return found


def test_no_import_goes_upwards() -> None:
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        place = path.relative_to(ROOT).as_posix()
        own = place.split("/")[0].removesuffix(".py")
        if own == "__init__":
            continue
        wrong += [f"{place} imports {name}" for name in imports(path) if name != own and RANK[name] <= RANK[own]]
    assert wrong == []


def test_every_module_has_its_layer() -> None:
    tops = {path.name.removesuffix(".py") for path in ROOT.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert tops - {"__init__", "__pycache__"} == RANK.keys()

"""How near `compare` comes to what builds from source install: `python -m benchmarks.built_sizes WHEELS BASE NAME...`.

Run it from the top of the repository. WHEELS is a folder with what was built of each NAME (or NAME==VERSION) in a
container of BASE, with a compiler and the libraries that are needed: `pip wheel --no-deps --no-binary NAME NAME`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from wheelbase.recipes.compare import compare
from wheelbase.recipes.subject import subject_of
from wheelbase.recipes.values import PickedFile
from wheelbase.wheels.contents import Listing


def predicted(names: Sequence[str], base: str) -> Sequence[PickedFile]:
    """Return the files of an application that has these packages from source."""
    with tempfile.TemporaryDirectory() as folder:
        lines = [line for name in names for line in (f"--no-binary {name.partition('=')[0]}", name)]
        Path(folder, "requirements.txt").write_text("\n".join(lines))
        (cost,) = compare(subject_of([folder]).requirements, bases=[base]).bases
    return [file for file in cost.files if file.kind == "sdist"]


def built(folder: Path) -> dict[tuple[str, str], int]:
    """Return the bytes that each wheel of a folder installs, by the project's name and version."""
    found: dict[tuple[str, str], int] = {}
    for path in folder.glob("*.whl"):
        name, version, _, _ = parse_wheel_filename(path.name)
        with zipfile.ZipFile(path) as wheel:
            files = tuple((one.filename, one.file_size, one.compress_size) for one in wheel.infolist())
        found[name, str(version)] = Listing(bytes=path.stat().st_size, files=files).installed_bytes
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("wheels", type=Path)
    parser.add_argument("base")
    parser.add_argument("names", nargs="+", metavar="NAME")
    arguments = parser.parse_args()
    wheels = built(arguments.wheels)
    print("| Package | Predicted kB | Built kB | |\n| --- | ---: | ---: | ---: |")
    for file in predicted(arguments.names, arguments.base):
        said, real = file.installed_bytes, wheels.get((canonicalize_name(file.name), file.version))
        if said is None or real is None:
            print(f"{file.name} {file.version}: {'no wheel of it' if said else 'not known'}", file=sys.stderr)
            continue
        print(f"| {file.name} {file.version} | {said / 1000:.0f} | {real / 1000:.0f} | {said / real - 1:+.0%} |")


if __name__ == "__main__":
    main()

"""Measure the constants of the build time model: `python benchmarks/build_time.py FOLDER [PYTHON...]`.

Downloads three sets of wheels into FOLDER once, then lets each PYTHON's pip install them without the network, with
and without bytecode, into fresh folders. What is printed are CPU seconds (user and system, of the child processes),
which other work on the machine disturbs less than wall-clock seconds; pip is a single thread.
"""

import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SETS = {
    "science": ["matplotlib", "pandas"],
    "web": ["django", "fastapi", "sqlalchemy", "jinja2"],
    "cloud": ["boto3", "google-cloud-storage", "azure-identity"],
}


def cpu_seconds(command: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def measure(python: str, name: str, wheels: Path) -> str:
    """Install into fresh virtual environments: with `--target`, pip would unpack elsewhere first and move."""
    files = [str(wheel) for wheel in sorted(wheels.glob("*.whl"))]
    install = ["install", "--no-index", "--no-deps", "--quiet", "--disable-pip-version-check"]
    with tempfile.TemporaryDirectory() as scratch:
        pips = []
        for variant in ("plain", "full"):
            subprocess.run([python, "-m", "venv", f"{scratch}/{variant}"], check=True)
            pips.append([f"{scratch}/{variant}/bin/python", "-m", "pip"])
        start = cpu_seconds([*pips[0], "--version"])
        plain = cpu_seconds([*pips[0], *install, "--no-compile", *files])
        full = cpu_seconds([*pips[1], *install, *files])
        size = sum(wheel.stat().st_size for wheel in wheels.glob("*.whl")) / 1e6
        with_bytecode = sum(1 for path in Path(scratch, "full").rglob("*.pyc"))
    return (
        f"{python} {name}: start {start:.2f} s, unpack {plain - start:.2f} s for {size:.0f} MB of wheels, "
        f"compile {full - plain:.2f} s for {with_bytecode} files of bytecode"
    )


def source_megabytes(wheels: Path) -> float:
    import zipfile

    return (
        sum(
            entry.file_size
            for wheel in wheels.glob("*.whl")
            for entry in zipfile.ZipFile(wheel).infolist()
            if entry.filename.endswith(".py")
        )
        / 1e6
    )


def main(folder: Path, pythons: list[str]) -> None:
    for name, requirements in SETS.items():
        wheels = folder / name
        if not wheels.is_dir():
            partial = folder / f".{name}"
            shutil.rmtree(partial, ignore_errors=True)
            download = [sys.executable, "-m", "pip", "download", "--quiet", "--only-binary", ":all:"]
            subprocess.run([*download, "--dest", str(partial), *requirements], check=True)
            partial.rename(wheels)
        for python in pythons:
            print(f"{measure(python, name, wheels)} ({source_megabytes(wheels):.1f} MB of source)", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:] or [sys.executable])

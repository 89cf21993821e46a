"""Measure what pip compiles of itself and the standard library: `python benchmarks/pip_bytecode.py PYTHON PIP`.

PYTHON is an interpreter, PIP the version of pip to install with. The figures go to wheels/pip_bytecode.toml.
"""

import gzip
import io
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path


def main(python: str, pip: str) -> None:
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as scratch:
        subprocess.run([python, "-m", "venv", f"{scratch}/env"], check=True)
        run = [f"{scratch}/env/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*run, f"pip=={pip}"], check=True)
        # All bytecode goes to a folder of its own, and none that is there already is used.
        prefix = Path(scratch, "bytecode")
        environment = {**clean, "PYTHONPYCACHEPREFIX": str(prefix)}
        install = ["--no-cache-dir", "--no-compile", "--target", f"{scratch}/target", "cycler", "pandas"]
        subprocess.run([*run, *install], check=True, env=environment)
        size = sum(path.stat().st_size for path in prefix.rglob("*.pyc"))
        layer = io.BytesIO()
        with tarfile.open(fileobj=layer, mode="w") as tar:
            tar.add(prefix, arcname=".")
        print(f"{python} pip {pip}: {size} bytes, compressed {len(gzip.compress(layer.getvalue(), 6))}")


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How fast wheels become layers, beside compressing the same tars: `python -m benchmarks.layers WHEEL...`.

Each line is the median of five rounds, in seconds of processor time of one core, all wheels together; MB/s are of the
tars. A layer is made with all that belongs to it: the hash of the wheel, RECORD and the CRCs are verified, both digests
computed, the blob written to a store; bytecode is left out. Of the others only the compression is counted, in memory.

With the wheels of matplotlib and pandas and of all that they need, for CPython 3.13 on x86-64 (12 wheels, 53 MB, which
become 177 MB of tar), on an AMD EPYC that other programs used at the same time:

                      seconds    MB/s   MB made
    wheel to layer       0.90     196      52.2
    isal 1               0.37     480      59.6
    libdeflate 6         1.95      91      50.6
    gzip -6              5.61      32      51.1
"""

from __future__ import annotations

import gzip
import hashlib
import os
import statistics
import sys
import tempfile
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import deflate
from isal import igzip_lib

from wheelbase.oci.store import Store
from wheelbase.wheels.install import VenvPython
from wheelbase.wheels.layer import wheel_layer

ROUNDS = 5
PYTHON = VenvPython(version=(3, 13))


def main() -> None:
    wheels = [(path, hashlib.sha256(path.read_bytes()).hexdigest()) for path in map(Path, sys.argv[1:])]
    with tempfile.TemporaryDirectory() as folder:
        os.environ["WHEELBASE_CACHE_DIR"] = folder
        tars = [gzip.decompress(blob.read_bytes()) for blob in layers(wheels, Path(folder) / "first")]
        ways: dict[str, Callable[[int], int]] = {
            "wheel to layer": lambda number: sum(
                blob.stat().st_size for blob in layers(wheels, Path(folder) / f"store{number}")
            ),
            "isal 1": lambda number: sum(len(igzip_lib.compress(tar, 1, igzip_lib.COMP_GZIP)) for tar in tars),
            "libdeflate 6": lambda number: sum(len(deflate.gzip_compress(tar, 6)) for tar in tars),
            "gzip -6": lambda number: sum(len(zlib.compress(tar, 6, 31)) for tar in tars),
        }
        size = sum(map(len, tars)) / 1e6
        print(f"{'':16}{'seconds':>9}{'MB/s':>8}{'MB made':>10}")
        for name, way in ways.items():
            seconds = []
            for number in range(ROUNDS):
                os.environ["WHEELBASE_CACHE_DIR"] = f"{folder}/cache{number}"
                start = time.process_time()
                made = way(number)
                seconds.append(time.process_time() - start)
            median = statistics.median(seconds)
            print(f"{name:16}{median:9.2f}{size / median:8.0f}{made / 1e6:10.1f}")


def layers(wheels: list[tuple[Path, str]], folder: Path) -> list[Path]:
    """Make the layers of wheels, and return the files of their blobs."""
    store, blobs = Store(folder), []
    for path, sha256 in wheels:
        made = wheel_layer(path, sha256, filename=path.name, python=PYTHON, compiler=None, store=store)
        stored = store.find(made.layer.descriptor.digest)
        assert stored and not made.reused
        blobs.append(stored)
    return blobs


if __name__ == "__main__":
    main()

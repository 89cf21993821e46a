"""How large an image is, and how soon it has imported pandas: `python -m benchmarks.start_up ROOTFS.tar [ROUNDS]`.

Run it as root, from the top of the repository, with Docker Engine installed. ROOTFS.tar is Debian with Python 3.13 and
pip, as tests/testbed/make-bases makes it; it stands for python:3.13-slim, which has no bytecode of the standard
library, so that is removed first. The application is matplotlib and pandas.

`pip` is a Dockerfile in two stages; `wheelbase` builds on the same base, and on deb:trixie. Each round starts a fresh
container of each, one after the other: wall-clock seconds of `docker run`, and those of the imports alone. Sizes are
those that the engine states, of unpacked files.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.real.engine import Engine, running_engine
from tests.real.pip_truth import PASSED_ON

CA = "/etc/ssl/certs/ca-certificates.crt"
TIMED = "import time; began = time.perf_counter(); import pandas, matplotlib.pyplot; print(time.perf_counter() - began)"
DOCKERFILE = """
FROM slim AS build
COPY ca.crt /etc/ca.crt
ENV SSL_CERT_FILE=/etc/ca.crt PIP_CERT=/etc/ca.crt
{passed}RUN python3 -m venv --without-pip /opt/venv \\
  && python3 -m pip --python /opt/venv install --no-cache-dir matplotlib pandas
FROM slim
COPY --from=build /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin
"""
SLIM = """
FROM full AS full
RUN find /usr/lib/python3* /usr/lib/python3 -name __pycache__ -prune -exec rm -rf {} +
FROM scratch
COPY --from=full / /
ENV PATH=/usr/local/bin:/usr/bin:/bin
"""


def make_images(engine: Engine, tar: Path, scratch: Path) -> list[str]:
    engine.import_rootfs(tar, "full")
    shutil.copy(CA, scratch / "ca.crt")
    passed = "".join(f"ENV {name}={json.dumps(os.environ[name])}\n" for name in PASSED_ON if name in os.environ)
    for name, text in (("slim", SLIM), ("pip", DOCKERFILE.format(passed=passed))):
        (scratch / "Dockerfile").write_text(text)
        engine.run("build", "--network", "host", "-t", name, str(scratch))
    environment = os.environ | ({"DOCKER_HOST": engine.host} if engine.host else {})
    environment["PATH"] = f"{Path(engine.program).parent}{os.pathsep}{environment['PATH']}"
    for name, base in (("wheelbase", "docker-daemon:slim"), ("wheelbase-deb", "deb:trixie")):
        command = [sys.executable, "-m", "wheelbase", "build", "matplotlib", "pandas", "--base", base, "-t", name]
        subprocess.run([*command, "--load"], env=environment, check=True, stdout=subprocess.DEVNULL)
    return ["slim", "pip", "wheelbase", "wheelbase-deb"]


def main(tar: Path, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder, running_engine() as engine:
        images = make_images(engine, tar, Path(folder))
        samples: dict[str, list[tuple[float, float]]] = {image: [] for image in images[1:]}
        for _ in range(rounds):
            for image, taken in samples.items():
                began = time.perf_counter()
                inside = float(engine.run("run", "--rm", "--network", "none", image, "python", "-c", TIMED))
                taken.append((time.perf_counter() - began, inside))
        for image in images:
            row = f"{image:14} {engine.image_bytes(image) / 1e6:6.1f} MB"
            if image in samples:
                whole, inside_only = (sorted(column) for column in zip(*samples[image], strict=True))
                row += f"   docker run {statistics.median(whole):.2f} s ({whole[0]:.2f} to {whole[-1]:.2f})"
                row += (
                    f"   imports {statistics.median(inside_only):.2f} s ({inside_only[0]:.2f} to {inside_only[-1]:.2f})"
                )
            print(row)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 7)

"""Build and push an application beside what people use today: `python -m benchmarks.build LAYOUT [ROUNDS [PEER...]]`.

Run it as root, from the top of the repository, with docker-registry, skopeo, Docker Engine and buildah installed.
LAYOUT is a base with Python 3.13: see tests/testbed/make-bases. The application is matplotlib, pandas and a module of
its own, with a uv.lock. Everybody builds on the same base in the same registry on loopback, and pushes to it.

Each round takes every peer through all scenarios, one after another: `first` with all its caches empty, `edited` after
a change of the module, `added` after one more dependency was locked, `other base` on another base with the same C
library. Wall-clock seconds to the pushed image; medians, and the range.
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
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.real.engine import Engine, running_engine
from tests.real.pip_truth import PASSED_ON
from tests.real.test_registry_real import running

from wheelbase.uv import uv_binary
from wheelbase.wheels.compiling import find_interpreter

SCENARIOS = ("first", "edited", "added", "other base")
CA = "/etc/ssl/certs/ca-certificates.crt"
MAIN = "import matplotlib.pyplot, pandas\nprint(pandas.Series([1]).mean())\n"
WITH_UV = """
FROM {base}
WORKDIR /app
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from={uv},source=/uv,target=/usr/local/bin/uv \
    --mount=type=bind,source=uv.lock,target=/app/uv.lock \
    --mount=type=bind,source=pyproject.toml,target=/app/pyproject.toml \
    {env} uv sync --locked --no-install-project --no-dev
COPY . /app
CMD ["/app/.venv/bin/python", "main.py"]
"""
WITH_PIP = """
FROM {base}
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir --break-system-packages --ignore-installed -r requirements.txt
COPY . /app
CMD ["python3", "main.py"]
"""
# uv must not look for another Python, nor link out of its cache.
UV_ENV = "UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a round of one peer works: a registry, a folder for its caches, and the application."""

    host: str
    home: Path
    application: Path
    engine: Engine

    def run(self, *command: str, **env: str) -> None:
        done = subprocess.run(
            command,
            cwd=self.application,
            env=os.environ | env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stdout[-2000:]}{done.stderr[-4000:]}")

    def write_dockerfile(self, text: str, base: str, env: str = "") -> None:
        (self.home / "Dockerfile").write_text(
            text.format(base=base, uv=f"{self.host}/uv:1", env=f"{UV_ENV} {env}".strip())
        )


Build = Callable[[Place, str, str], None]


def by_wheelbase(*options: str) -> Build:
    def build(place: Place, base: str, tag: str) -> None:
        command = (sys.executable, "-m", "wheelbase", "build", ".", "--base", base, "-t", tag, "--push", *options)
        place.run(*command, WHEELBASE_CACHE_DIR=str(place.home / "cache"), UV_CACHE_DIR=str(place.home / "uv"))

    return build


def by_docker(text: str, env: str = "", buildkit: str = "1") -> Build:
    def build(place: Place, base: str, tag: str) -> None:
        place.write_dockerfile(text, base, env)
        docker = {"DOCKER_HOST": place.engine.host} if place.engine.host else {}
        dockerfile = str(place.home / "Dockerfile")
        program = place.engine.program
        place.run(
            *(program, "build", "-q", "--network", "host", "-f", dockerfile, "-t", tag, "."),
            DOCKER_BUILDKIT=buildkit,
            **docker,
        )
        place.run(program, "push", "-q", tag, **docker)

    return build


def by_buildah(place: Place, base: str, tag: str) -> None:
    place.write_dockerfile(WITH_UV, base)
    stored = ("buildah", "--root", str(place.home / "buildah"), "--runroot", str(place.home / "run"))
    own = {"TMPDIR": str(place.home)}
    place.run(
        *stored, "bud", "-q", "--isolation", "chroot", "--network", "host", "--tls-verify=false", "--layers",
        *("-f", str(place.home / "Dockerfile"), "-t", tag, "."), **own,
    )  # fmt: skip
    place.run(*stored, "push", "-q", "--tls-verify=false", tag, **own)


PEERS: dict[str, Build] = {
    "wheelbase": by_wheelbase(),
    "BuildKit + uv, bytecode": by_docker(WITH_UV, "UV_COMPILE_BYTECODE=1"),
    "wheelbase --no-bytecode": by_wheelbase("--no-bytecode"),
    "BuildKit + uv": by_docker(WITH_UV),
    "buildah + uv": by_buildah,
    "docker + pip": by_docker(WITH_PIP, buildkit="0"),
}


def forget(engine: Engine) -> None:
    """Empty the engine's caches."""
    engine.run("builder", "prune", "--all", "--force")
    engine.run("system", "prune", "--all", "--force", "--volumes")


def write_applications(folder: Path) -> dict[str, Path]:
    """Lock the application, and the one with another dependency; return them by scenario."""
    python = find_interpreter((3, 13))
    if not python:
        sys.exit("needs a Python 3.13")
    made = {}
    for scenario, more in (("first", []), ("added", ["rich"])):
        path = folder / scenario.replace(" ", "-")
        path.mkdir()
        (path / "main.py").write_text(MAIN)
        needs = json.dumps(["matplotlib", "pandas", *more])
        (path / "pyproject.toml").write_text(
            f'[project]\nname = "plotter"\nversion = "1"\nrequires-python = "==3.13.*"\ndependencies = {needs}\n'
        )
        uv = [uv_binary(), "--quiet", "--no-python-downloads"]
        subprocess.run([*uv, "lock", "--python", python.path], cwd=path, check=True)
        exported = subprocess.run(
            [*uv, "export", "--frozen", "--no-emit-project"], cwd=path, check=True, capture_output=True, text=True
        )
        (path / "requirements.txt").write_text(exported.stdout)
        made[scenario] = path
    return made


def make_bases(layout: Path, host: str, scratch: Path, engine: Engine) -> dict[str, str]:
    """Push a base that reaches the package index from a container, one more on top of it, and one that has uv."""
    source = f"{host}/bare:1"
    subprocess.run(
        ["skopeo", "copy", "-q", "--dest-tls-verify=false", f"oci:{layout}:latest", f"docker://{source}"], check=True
    )
    context = scratch / "bases"
    context.mkdir()
    shutil.copy(CA, context / "ca.crt")
    shutil.copy(uv_binary(), context / "uv")
    passed = "".join(f"ENV {name}={json.dumps(os.environ[name])}\n" for name in PASSED_ON if name in os.environ)
    ours = f"FROM {source}\nCOPY ca.crt {CA}\nENV SSL_CERT_FILE={CA} PIP_CERT={CA}\n{passed}"
    names = {"base": f"{host}/python:3.13", "other": f"{host}/company/python:3.13", "uv": f"{host}/uv:1"}
    for name, text in (
        ("base", ours),
        ("other", f"FROM {names['base']}\nCOPY ca.crt /etc/company\n"),
        ("uv", "FROM scratch\nCOPY uv /uv\n"),
    ):
        (context / "Dockerfile").write_text(text)
        engine.run("build", "--network", "host", "-t", names[name], str(context))
        engine.run("push", names[name])
    return names


def measure(
    peer: str, round_number: int, place: Place, applications: dict[str, Path], bases: dict[str, str]
) -> list[float]:
    """Take a peer through the scenarios; return the seconds of each."""
    spent = []
    for number, scenario in enumerate(SCENARIOS):
        source = applications["added" if scenario in ("added", "other base") else "first"]
        shutil.rmtree(place.application, ignore_errors=True)
        shutil.copytree(source, place.application)
        if scenario != "first":
            (place.application / "main.py").write_text(f"{MAIN}# {number}\n")
        base = bases["other" if scenario == "other base" else "base"]
        tag = f"{place.host}/app-{round_number}-{list(PEERS).index(peer)}:{number}"
        began = time.perf_counter()
        PEERS[peer](place, base, tag)
        spent.append(time.perf_counter() - began)
    return spent


def main(layout: Path, rounds: int, peers: list[str]) -> None:
    samples: dict[str, list[list[float]]] = {peer: [] for peer in peers}
    with tempfile.TemporaryDirectory(prefix="wheelbase-benchmark-") as folder, running_engine() as engine:
        scratch = Path(folder)
        (scratch / "registry").mkdir()
        with running(scratch / "registry") as host:
            applications = write_applications(scratch)
            bases = make_bases(layout, host, scratch, engine)
            for number in range(rounds):
                for peer in peers:
                    forget(engine)
                    home = scratch / "home"
                    home.mkdir()
                    place = Place(host, home, scratch / "application", engine)
                    samples[peer].append(measure(peer, number, place, applications, bases))
                    # buildah leaves its storage mounted on itself.
                    subprocess.run(["umount", "--lazy", home / "buildah" / "overlay"], capture_output=True)
                    shutil.rmtree(home)
                    print(
                        f"round {number} {peer}: {' '.join(f'{one:.2f}' for one in samples[peer][-1])}", file=sys.stderr
                    )
    print(f"{'':24}{''.join(f'{scenario:>20}' for scenario in SCENARIOS)}")
    for peer, rows in samples.items():
        columns = [sorted(column) for column in zip(*rows, strict=True)]
        told = [f"{statistics.median(one):.2f} ({one[0]:.2f}-{one[-1]:.2f})" for one in columns]
        print(f"{peer:24}{''.join(f'{one:>20}' for one in told)}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(
        Path(sys.argv[1]).resolve(),
        int(sys.argv[2]) if len(sys.argv) > 2 else 5,
        sys.argv[3:] or list(PEERS),
    )

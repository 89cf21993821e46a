"""`wheelbase measure` on a real engine: what is measured is true, and nothing is left of it, however it ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from tests.real.engine import Engine
from tests.real.test_registry_real import PROGRAM, running

from wheelbase.engines import bubblewrap
from wheelbase.measuring.values import BuilderName, Measurement, Outcome
from wheelbase.recipes.measure import measure
from wheelbase.recipes.measureplan import Plan

pytestmark = [pytest.mark.real, pytest.mark.network]
BASE = "debian13-py313"


@pytest.fixture
def docker(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """Make `docker` that of the engine, and give the test a cache and a temporary folder of its own."""
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "docker").symlink_to(engine.program)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    if engine.host:
        monkeypatch.setenv("DOCKER_HOST", engine.host)
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    # Not pytest's own, whose paths are too long for the sockets of podman.
    with tempfile.TemporaryDirectory(prefix="wm-", dir="/tmp") as scratch:
        Path(scratch).chmod(0o711)  # root's sandboxes are nobody's
        monkeypatch.setenv("TMPDIR", scratch)
        monkeypatch.setattr(tempfile, "tempdir", None)
        yield engine


def left_of(docker: Engine) -> list[str]:
    """Return what of ours an engine and the temporary folder still have."""
    found = docker.run("image", "ls", "--all", "--format", "{{.Repository}}:{{.Tag}}").split()
    found += docker.run("image", "ls", "--all", "--quiet", "--filter", "label=wheelbase-measure").split()
    found += docker.run("ps", "--all", "--format", "{{.Image}} {{.Command}}").splitlines()
    found += docker.run("system", "df", "--verbose", "--format", "{{json .BuildCache}}").splitlines()
    scratch = [path.name for path in Path(os.environ["TMPDIR"]).iterdir()]
    return [*(one for one in found if "wheelbase-measure" in one or len(one) == 12), *scratch]


def one(measurement: Measurement, builder: str) -> Outcome:
    return next(outcome for outcome in measurement.outcomes if outcome.combination.builder == builder)


def test_two_builders_are_measured_and_nothing_is_left(docker: Engine, real_base: Callable[[str], Path]) -> None:
    base = f"oci:{real_base(BASE)}"
    plan = Plan(builders=("buildkit", "wheelbase"), installers=("uv",), repeat=1)
    measured = measure(["markupsafe==3.0.2"], bases=[base], plan=plan)
    assert not measured.measurement.skipped
    predicted = measured.measurement.predictions[0]
    for builder in plan.builders:
        outcome = one(measured.measurement, builder)
        times = {sample.scenario: sample for sample in outcome.samples}
        assert [sample.failure for sample in outcome.samples] == [None] * 3
        assert list(times) == ["cold", "edited", "added"]
        for sample in outcome.samples:
            assert sum(sample.phases.values()) == pytest.approx(sample.seconds, abs=0.05)
        assert {"resolve", "install"} & times["cold"].phases.keys()
        assert outcome.image
        assert list(outcome.image.files) == list(predicted.files)
        assert predicted.image_bytes
        assert outcome.image.image_bytes == pytest.approx(predicted.image_bytes, rel=0.01)
        assert outcome.image.compressed_bytes
        assert sum(outcome.image.parts.values()) == outcome.image.image_bytes
        assert outcome.image.compiled == ()
    assert one(measured.measurement, "wheelbase").samples[0].cpu_seconds
    assert left_of(docker) == []
    again = measure(["markupsafe==3.0.2"], bases=[base], plan=plan)
    assert again.measurement.outcomes == measured.measurement.outcomes, "what was measured is not measured again"


def test_a_service_answers_and_images_are_pushed_by_every_builder(
    docker: Engine, real_base: Callable[[str], Path], tmp_path: Path
) -> None:
    if PROGRAM is None:
        pytest.skip("needs a registry: apt-get install docker-registry")
    if why := bubblewrap.lacks():
        pytest.skip(f"needs bubblewrap: {why}")
    project = tmp_path / "app"
    project.mkdir()
    (project / "requirements.txt").write_text("six\n")
    (project / "wheelbase.toml").write_text(
        '[image]\nentrypoint = ["python", "-m", "http.server", "8000"]\nports = ["8000/tcp"]\n'
    )
    registry = tmp_path / "registry"
    registry.mkdir()
    with running(registry) as host:
        ways: tuple[BuilderName, ...] = ("buildkit", "podman", "wheelbase")
        plan = Plan(builders=ways, installers=("pip",), scenarios=("cold",), repeat=1, push=f"{host}/measured")
        measured = measure([str(project)], bases=[f"oci:{real_base(BASE)}"], plan=plan).measurement
        tags = json.loads(urlopen(f"http://{host}/v2/measured/tags/list").read())["tags"]
    assert {"buildkit", "wheelbase"} <= {one.combination.builder for one in measured.outcomes}
    for outcome in measured.outcomes:
        assert outcome.image, outcome
        assert outcome.image.answer_seconds, measured.notes
        assert outcome.image.push_seconds, measured.notes
    pushed = sorted(tag.rpartition("-")[2] for tag in tags)
    assert pushed == sorted(one.combination.builder for one in measured.outcomes)
    assert all(tag.startswith("wheelbase-measure-") for tag in tags)
    assert left_of(docker) == []


def test_a_build_that_fails_or_takes_too_long_is_a_result(docker: Engine, real_base: Callable[[str], Path]) -> None:
    base = f"oci:{real_base(BASE)}"
    plan = Plan(builders=("buildkit",), installers=("pip",), scenarios=("cold",), repeat=2)
    nowhere = {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_RETRIES": "0"}
    failing = Plan(builders=plan.builders, installers=plan.installers, scenarios=("cold",), environment=nowhere)
    (sample,) = one(measure(["six"], bases=[base], plan=failing).measurement, "buildkit").samples
    assert sample.failure
    assert sample.failure.cause
    assert "127.0.0.1" in sample.failure.log
    hasty = Plan(builders=("docker",), installers=("pip",), scenarios=("cold",), seconds=1.0)
    (sample,) = one(measure(["six"], bases=[base], plan=hasty).measurement, "docker").samples
    assert sample.failure
    assert sample.failure.cause == "it took more than 1 s"
    assert left_of(docker) == []


@pytest.mark.parametrize("builder", ["docker", "buildkit", "podman", "buildah"])
def test_an_interruption_leaves_nothing(docker: Engine, real_base: Callable[[str], Path], builder: str) -> None:
    command = [sys.executable, "-m", "wheelbase", "measure", "matplotlib", "pandas", "--base", f"oci:{real_base(BASE)}"]
    command += ["--builder", builder, "--installer", "pip", "--repeat", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        deadline = time.monotonic() + 120
        while not _builds(process.pid):
            assert process.poll() is None, process.stdout.read() if process.stdout else ""
            assert time.monotonic() < deadline
            time.sleep(0.1)
        time.sleep(4)  # a step is at work
        process.send_signal(signal.SIGINT)
        process.wait(timeout=120)
        assert process.returncode != 0
    assert left_of(docker) == []
    mounts = Path("/proc/self/mounts").read_text()
    assert os.environ["TMPDIR"] not in mounts


def _builds(pid: int) -> bool:
    """Say whether a process has begun a build."""
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            try:
                parent = (place / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) == pid and b"\0build\0" in (place / "cmdline").read_bytes():
                    return True
            except (OSError, IndexError):
                continue
    return False

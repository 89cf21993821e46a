"""What is done with an image that was built: a service that is waited for, a push. Programs run here, in no sandbox."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import pytest
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry
from tests.unit.images_with_python import image
from tests.unit.test_measure_engines import Fake, fake, job
from tests.unit.test_report import COMPARISON

from wheelbase.engines.builders import Builder
from wheelbase.engines.builders_docker import DockerBuilder
from wheelbase.engines.builders_own import OwnBuilder
from wheelbase.engines.builders_podman import StorageBuilder
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Limits, Ran
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.recipes.measureimage import _answer_seconds, _exposed, _median, lost_of, push_seconds

__all__ = ["fake"]
SERVICE = """
import http.server, sys, time
time.sleep(0.3)
class Refusing(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(503)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Refusing).serve_forever()
"""
CONFIG = read_image(image({"etc/motd": b"x"})).config


@dataclass(frozen=True)
class Here:
    """A container that is no container."""

    engine: str = "none"

    def run(self, arguments: Sequence[str], limits: Limits) -> Ran:
        done = subprocess.run([sys.executable, *arguments[1:]], capture_output=True, timeout=30)
        return Ran(end="exited", status=done.returncode, stdout=done.stdout, stderr=done.stderr)


def config(*command: str) -> ImageConfig:
    return replace(CONFIG, entrypoint=(sys.executable, "-c"), cmd=command, working_dir="/")


@pytest.fixture
def port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        number: int = free.getsockname()[1]
        return number


def test_a_service_is_waited_for_until_it_says_anything(port: int) -> None:
    seconds = _answer_seconds(Here(), config(SERVICE, str(port)), port)
    assert 0.3 <= seconds < 20
    with socket.socket() as after:
        assert after.connect_ex(("127.0.0.1", port)), "it is ended"


def test_a_command_that_ends_is_no_service(port: int) -> None:
    with pytest.raises(EngineError, match="has ended with 3"):
        _answer_seconds(Here(), config("raise SystemExit(3)"), port)
    with pytest.raises(EngineError, match="no command"):
        _answer_seconds(Here(), replace(CONFIG, entrypoint=None, cmd=None), port)


def test_what_does_not_start_is_a_note() -> None:
    def fails() -> float:
        raise EngineError("it has ended", hint="")

    notes: list[str] = []
    assert _median(fails, "the first answer", notes.append) is None
    assert notes == ["the first answer is not measured: it has ended"]
    assert _median(iter((3.0, 1.0, 2.0)).__next__, "x", notes.append) == 2.0


def test_a_port_is_the_lowest_of_tcp_that_an_image_exposes() -> None:
    def exposing(*names: str) -> int | None:
        return _exposed(replace(CONFIG, other_runtime={"ExposedPorts": {name: {} for name in names}}))

    assert exposing("53/udp", "10000", "8000/tcp", "9000") == 8000
    assert exposing("53/udp") is None
    assert _exposed(CONFIG) is None


class Pushing:
    """A builder that only writes down what it was asked to push, as often as it may."""

    name = "podman"

    def __init__(self, times: int = 9) -> None:
        self.pushed: list[str] = []
        self.times = times

    def push(self, image: str, target: str) -> None:
        if len(self.pushed) == self.times:
            raise EngineError("podman push failed: denied", hint="log in")
        self.pushed.append(image)


def test_the_registry_has_the_base_before_a_push_is_measured() -> None:
    notes: list[str] = []
    builder = Pushing()
    took = push_seconds(cast("Builder", builder), "app", "localhost:1/x:t", base="base", note=notes.append)
    assert took is not None
    assert builder.pushed == ["base", "app"]
    refused = cast("Builder", Pushing(times=1))
    assert push_seconds(refused, "app", "localhost:1/x:t", base="base", note=notes.append) is None
    assert notes == ["the push by podman is not measured: podman push failed: denied"]


def test_docker_gives_the_image_a_name_that_goes_with_the_marker(tmp_path: Path, fake: Fake) -> None:
    asked = fake({"push bad": "no"})
    builder = DockerBuilder(scratch=tmp_path, run="ab12", buildkit=True)
    builder.push("app", "localhost:5000/x:m-buildkit")
    assert asked.read_text().splitlines() == ["tag app localhost:5000/x:m-buildkit", "push localhost:5000/x:m-buildkit"]
    with pytest.raises(EngineError, match="docker push bad"):
        builder.push("app", "bad")


@pytest.mark.parametrize(
    ("host", "plain"), [("localhost:5000", True), ("127.0.0.1", True), ("registry.example", False)]
)
def test_podman_takes_a_registry_of_this_machine_without_tls(
    tmp_path: Path, fake: Fake, host: str, plain: bool
) -> None:
    asked = fake({})
    (tmp_path / "bin" / "podman").symlink_to(tmp_path / "bin" / "docker")
    StorageBuilder(scratch=tmp_path, name="podman").push("app", f"{host}/x:t")
    said = asked.read_text()
    assert said.endswith(f" app docker://{host}/x:t\n")
    assert ("--tls-verify=false" in said) == plain


def test_our_own_images_and_bases_are_copied(tmp_path: Path, nobody: Path) -> None:
    builder = OwnBuilder(scratch=tmp_path / "b0")
    built = job(tmp_path)
    copy_image(image({"etc/motd": b"app"}), Layout(tmp_path / "b0" / built.image.replace(":", "-"), "latest"))
    copy_image(image({"etc/motd": b"base"}), Layout(tmp_path / "base", "latest"))
    with FaultServer(MemoryRegistry()) as server:
        for source in (built.image, f"oci:{tmp_path / 'base'}"):
            builder.push(source, f"{server.host}/x:t")
        puts = [asked.path for asked in server.seen if asked.method == "PUT" and "manifests" in asked.path]
    assert puts == ["/v2/x/manifests/t"] * 2


def test_what_was_built_as_python_alone_is_told() -> None:
    cost = next(one for one in COMPARISON.bases if one.building)
    assert cost.building
    assert lost_of(cost, {}) == (
        "Compiled modules: numpy was built without any",
        "Compiled modules: psycopg2 was built without any",
    )
    loads_all = {one.archive.name: frozenset({"libpq.so.5", "libopenblas.so.3"}) for one in cost.building.archives}
    assert not any("Compiled" in line for line in lost_of(cost, loads_all))

"""The places that keep images, each under the same tests."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.real.conftest import base_image, engine, real_base
from tests.real.engine import Engine

from wheelbase.oci.opening import open_sink, open_source
from wheelbase.oci.places import Sink, Source
from wheelbase.oci.reference import parse_reference

__all__ = ["base_image", "engine", "real_base"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One place: where an image of a name is. What a place cannot hold by its format is said here, not in the tests."""

    reference: Callable[[str], str]
    holds_indexes: bool = True
    keeps_digests: bool = True
    holds_names: bool = True
    """Whether several names are kept side by side, rather than one in place of the other."""

    def source(self, name: str = "app:1") -> AbstractContextManager[Source]:
        return open_source(parse_reference(self.reference(name)))

    def sink(self, name: str = "app:1") -> AbstractContextManager[Sink]:
        return open_sink(parse_reference(self.reference(name)))


@pytest.fixture(params=["oci", "oci-archive", "docker-archive", pytest.param("docker-daemon", marks=pytest.mark.real)])
def place(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    match request.param:
        case "oci":
            return Place(reference=lambda name: f"oci:{tmp_path}/layout:{name}")
        case "oci-archive":
            return Place(reference=lambda name: f"oci-archive:{tmp_path}/image.tar:{name}", holds_names=False)
        case "docker-archive":
            return Place(
                reference=lambda name: f"docker-archive:{tmp_path}/image.tar:{name}",
                holds_indexes=False,
                holds_names=False,
            )
    use_engine(request.getfixturevalue("engine"), monkeypatch)
    return Place(reference=lambda name: f"docker-daemon:{name}", holds_indexes=False, keeps_digests=False)


def use_engine(running: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the engine the one that `docker` talks to."""
    monkeypatch.setenv("PATH", f"{Path(running.program).parent}{os.pathsep}{os.environ['PATH']}")
    if running.host:
        monkeypatch.setenv("DOCKER_HOST", running.host)

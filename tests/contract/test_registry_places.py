"""A registry is a place like the others: their suite, over one in memory and over Debian's docker-registry."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.contract import test_places as suite
from tests.contract.conftest import Place
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry
from tests.real.test_registry_real import PROGRAM, running

from wheelbase.oci.places import Sink, Source
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlace(Place):
    """An image in a registry of a user without settings."""

    def source(self, name: str = "app:1") -> AbstractContextManager[Source]:
        return RegistrySource(parse_name(self.reference(name)), RegistrySettings())

    def sink(self, name: str = "app:1") -> AbstractContextManager[Sink]:
        return Registry(parse_name(self.reference(name)), RegistrySettings())


@pytest.fixture(scope="module")
def docker_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if PROGRAM is None:
        pytest.skip("needs a registry: apt-get install docker-registry")
    with running(tmp_path_factory.mktemp("registry")) as host:
        yield host


@pytest.fixture(params=["memory", "docker-registry"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A place in a registry of its own, or beside those of other tests in the one that takes time to start."""
    if request.param == "docker-registry":
        host = request.getfixturevalue("docker_registry")
        own = re.sub("[^a-z0-9]+", "-", tmp_path.name.lower()).strip("-")
        yield RegistryPlace(reference=lambda name: f"{host}/{own}/{name}")
        return
    with FaultServer(MemoryRegistry()) as server:
        yield RegistryPlace(reference=lambda name: f"{server.host}/{name}")


@pytest.mark.parametrize("wrong", ["bytes", "short", "long", "empty"])
def test_a_wrong_blob_is_refused(place: Place, wrong: str) -> None:
    suite.test_a_wrong_blob_is_refused(place, wrong)


@pytest.mark.parametrize("name", [name for name in vars(suite) if name.startswith("test_")])
def test_the_suite(place: Place, name: str, tmp_path: Path) -> None:
    test = getattr(suite, name)
    match test.__code__.co_varnames[: test.__code__.co_argcount]:
        case ("place",):
            test(place)
        case ("place", "tmp_path"):
            test(place, tmp_path)
        case _:
            assert name == "test_a_wrong_blob_is_refused"

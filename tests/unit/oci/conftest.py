"""What the tests of the registry client share: a registry that fails as it is told, and pauses that take no time."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry

from wheelbase.oci.registry import transport


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it would have slept between tries."""
    found: list[float] = []
    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=found.append))
    return found


@pytest.fixture
def server(registry: MemoryRegistry) -> Iterator[FaultServer]:
    """A server of the test's own registry."""
    with FaultServer(registry) as running:
        yield running

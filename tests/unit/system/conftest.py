"""Snapshots of a small archive, and no snapshot of anybody's in the cache."""

from collections.abc import Iterator

import pytest
from tests.unit.system.small_archive import CONTENTS, CONTENTS_ALL, PACKAGES, SOURCES

from wheelbase.system import snapshot_file
from wheelbase.system.releases import load_snapshot
from wheelbase.system.snapshot import sections


@pytest.fixture(autouse=True)
def no_snapshot_is_kept() -> Iterator[None]:
    load_snapshot.cache_clear()
    yield
    load_snapshot.cache_clear()


@pytest.fixture(scope="session")
def small() -> snapshot_file.Snapshot:
    lines = (CONTENTS + CONTENTS_ALL).encode().splitlines(keepends=True)
    found = sections(lines, PACKAGES.splitlines(), SOURCES.splitlines())
    raw = snapshot_file.dump(
        release="debian-13", suite="trixie", date="2026-11-21", architecture="amd64", sections=found
    )
    return snapshot_file.Snapshot(raw, "small")

"""Which release's packages are taken for a system, and what becomes of snapshots that are broken."""

import pytest

from wheelbase.errors import WheelbaseError
from wheelbase.system import releases as module
from wheelbase.system.apt_sources import CODENAMES
from wheelbase.system.contents import load_contents
from wheelbase.system.releases import load_snapshot, nearest_release, releases
from wheelbase.system.snapshot_file import Snapshot
from wheelbase.system.tables import HeaderTable, PackageTable

MOST_BYTES = 2_500_000


@pytest.mark.parametrize(
    ("os_id", "version", "expected"),
    [
        ("debian", "13", ("debian-13", True)),
        ("debian", "12", ("debian-12", True)),
        ("debian", "12.5", ("debian-12", True)),
        ("debian", "10", ("debian-11", False)),
        ("debian", "14", ("debian-13", False)),
        ("debian", "", ("debian-13", False)),
        ("raspbian", "12", ("debian-12", False)),
        ("ubuntu", "18.04", ("debian-11", False)),
        ("ubuntu", "20.04", ("debian-11", False)),
        ("ubuntu", "22.04", ("ubuntu-22.04", True)),
        ("ubuntu", "24.04", ("ubuntu-24.04", True)),
        ("ubuntu", "24.10", ("ubuntu-24.04", False)),
        ("ubuntu", "26.04", ("ubuntu-26.04", True)),
        ("ubuntu", "28.04", ("ubuntu-26.04", False)),
        ("ubuntu", "", ("ubuntu-26.04", False)),
        ("alpine", "3.23", None),
        ("fedora", "44", None),
        ("", "", None),
        ("debian", "99999999999999999999999", ("debian-13", False)),
        ("debian", "../../../etc/passwd", ("debian-13", False)),
    ],
)
def test_nearest_release(nobody: object, os_id: str, version: str, expected: object) -> None:
    assert nearest_release(os_id, version) == expected


def test_what_is_shipped_is_small_and_says_what_it_is() -> None:
    debian, ubuntu = ("debian-11", "debian-12", "debian-13"), ("ubuntu-22.04", "ubuntu-24.04", "ubuntu-26.04")
    alpine = tuple(f"alpine-3.{minor}" for minor in range(18, 25))
    assert releases() == (*alpine, *debian, *ubuntu)
    for release, file in module._shipped().items():
        snapshot = Snapshot(file.read_bytes(), file.name)
        assert len(file.read_bytes()) <= MOST_BYTES
        assert (snapshot.header.release, snapshot.header.architecture) == (release, "amd64")
        assert snapshot.header.suite == CODENAMES.get(release, release.replace("alpine-", "v"))
        assert snapshot.header.date > "2022"


def test_an_unknown_release_names_those_that_are_known(nobody: object) -> None:
    with pytest.raises(WheelbaseError, match="nothing is known of the packages of debian-4") as caught:
        load_contents("debian-4")
    assert "debian-12" in str(caught.value.hint)


@pytest.mark.parametrize("cut", [0, 5, 19, 21, 24, 60, -500, -40, -1])
def test_a_file_that_is_cut_off(small: Snapshot, cut: int) -> None:
    with pytest.raises(WheelbaseError, match="some file is damaged"):
        Snapshot(small._raw[:cut], "some file").section("packages", PackageTable)


def test_a_damaged_section(small: Snapshot) -> None:
    raw = bytearray(small._raw)
    raw[-40] ^= 0xFF
    with pytest.raises(WheelbaseError, match="is damaged"):
        Snapshot(bytes(raw), "x").section("packages", PackageTable)


def test_sections_are_read_on_their_own(small: Snapshot) -> None:
    raw = bytearray(small._raw)
    raw[-40] ^= 0xFF
    assert Snapshot(bytes(raw), "x").section("headers", HeaderTable)


def test_snapshots_are_the_same_each_time(nobody: object) -> None:
    assert load_snapshot("debian-12") is load_snapshot("debian-12")

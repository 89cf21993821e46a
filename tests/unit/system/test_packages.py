"""What an installation adds: in a small archive, and in the shipped snapshots against what apt itself said."""

import pytest

from wheelbase.system.packages import PackageIndex, SystemPackage, load_packages
from wheelbase.system.releases import releases
from wheelbase.system.snapshot_file import Snapshot
from wheelbase.system.tables import PackageTable

# `apt-get install --no-install-recommends`, with no more than `mmdebstrap --variant=minbase` installs: packages,
# megabytes to download, megabytes more on the disk, as apt printed them.
APT = {
    "debian-12": {
        "gcc": (25, 46.0, 180),
        "build-essential": (51, 69.2, 274),
        "libpq-dev": (12, 5.680, 22.9),
        "libxml2-dev libxslt1-dev": (23, 29.4, 125),
        "libopenblas-dev": (6, 12.7, 106),
        "libfreetype-dev libpng-dev": (23, 10.5, 37.2),
        "default-libmysqlclient-dev": (24, 11.3, 45.3),
        "libhdf5-dev": (44, 18.4, 72.7),
        "gfortran": (45, 65.2, 254),
        "libcairo2-dev": (98, 33.6, 122),
        "libgirepository1.0-dev": (96, 85.8, 352),
        "libopencv-dev": (372, 247, 1075),
        "ca-certificates curl": (18, 5.836, 14.7),
        "cargo": (65, 154, 676),
    },
    "debian-13": {
        "gcc": (31, 51.9, 192),
        "build-essential": (53, 82.8, 337),
        "libpq-dev": (12, 4.255, 21.1),
        "libxml2-dev libxslt1-dev": (6, 2.999, 10.8),
        "libopenblas-dev": (5, 12.7, 114),
        "libfreetype-dev libpng-dev": (13, 8.696, 33.5),
        "default-libmysqlclient-dev": (13, 9.747, 44.6),
        "libhdf5-dev": (74, 28.9, 110),
        "gfortran": (42, 70.7, 263),
        "libcairo2-dev": (92, 31.1, 118),
        "libgirepository1.0-dev": (138, 107, 438),
        "libopencv-dev": (406, 303, 1298),
        "ca-certificates curl": (25, 6.587, 17.8),
        "cargo": (71, 168, 698),
    },
}


@pytest.fixture
def index(small: Snapshot) -> PackageIndex:
    return PackageIndex(small.section("packages", PackageTable))


def names(
    index: PackageIndex, *wanted: str, installed: frozenset[str] = frozenset(), recommends: bool = False
) -> set[str]:
    return {package.name for package in index.closure(wanted, installed=installed, recommends=recommends).packages}


def test_a_package(index: PackageIndex) -> None:
    expected = SystemPackage(name="foo-tool", version="1:2.3", download_bytes=7, installed_bytes=70 * 1024)
    assert index.get("foo-tool") == expected
    assert index.get("virtual-thing") is index.get("") is None


def test_a_closure_follows_circles_and_adds_sizes(index: PackageIndex) -> None:
    closure = index.closure(["libfoo-dev", "libfoo-dev"])
    assert [package.name for package in closure.packages] == ["foo-tool", "libc6", "libc6-dev", "libfoo-dev", "libfoo1"]
    assert closure.download_bytes == 1000 + 300 + 7 + 4 + 2
    assert closure.installed_bytes == 1024 * (10 + 3 + 70 + 4 + 2)
    assert closure.missing == ()


def test_what_is_installed_is_not_added(index: PackageIndex) -> None:
    installed = frozenset(("libc6", "libfoo1", "some-libc-of-ones-own"))
    assert names(index, "libfoo-dev", installed=installed) == {"foo-tool", "libc6-dev", "libfoo-dev"}


def test_alternatives_and_virtual_packages(index: PackageIndex) -> None:
    assert index.providers("virtual-thing") == ("foo-tool", "aa-thing")
    assert names(index, "foo-data") == {"foo-data", "foo-tool"} | names(index, "libfoo-dev")
    assert names(index, "foo-data", installed=frozenset(("aa-thing",))) == {"foo-data"}
    assert names(index, "foo-data", "aa-thing") == {"foo-data", "aa-thing"}
    assert names(index, "libc-dev") == {"libc6", "libc6-dev"}


def test_recommended_packages_come_when_they_are_asked_for(index: PackageIndex) -> None:
    assert "foo-data" in names(index, "libfoo-dev", recommends=True)


def test_missing_names_are_told_and_do_no_harm(index: PackageIndex) -> None:
    closure = index.closure(["libfoo1", "no-such-package"])
    assert closure.missing == ("no-such-package",)
    assert names(index, "libbar-dev") >= {"libbar-dev", "libfoo-dev"}


def test_the_smallest_image(index: PackageIndex) -> None:
    assert index.essential() == {"base-files", "libc6", "apt", "libfoo1"}


def test_libraries_at_run_time(index: PackageIndex) -> None:
    assert index.runtime_of("libfoo-dev") == index.runtime_of("libfoo-old-dev") == ("libfoo1",)
    assert index.runtime_of("libc6-dev") == index.runtime_of("nothing") == ()


@pytest.mark.parametrize(("release", "wanted"), [(release, wanted) for release, sets in APT.items() for wanted in sets])
def test_a_closure_is_what_apt_installs(release: str, wanted: str) -> None:
    index = load_packages(release)
    closure = index.closure(wanted.split(), installed=index.essential())
    count, download, installed = APT[release][wanted]
    assert closure.missing == ()
    assert len(closure.packages) == count
    assert closure.download_bytes / 1e6 == pytest.approx(download, rel=0.005)
    assert closure.installed_bytes / 1e6 == pytest.approx(installed, rel=0.005)


@pytest.mark.parametrize("release", releases("debian", "ubuntu"))
def test_run_time_packages_of_the_shipped_releases(release: str) -> None:
    index = load_packages(release)
    assert index.runtime_of("libpq-dev") == ("libpq5",)
    on_debian = release.startswith("debian-")
    assert index.runtime_of("libjpeg-dev") == (("libjpeg62-turbo",) if on_debian else ("libjpeg-turbo8",))
    assert ("libmariadb3" in index.runtime_of("default-libmysqlclient-dev")) == on_debian
    assert not any(name.endswith("-dev") for name in index.runtime_of("libhdf5-dev"))
    assert {"apt", "bash", "dpkg", "libc6", "perl-base"} <= index.essential()
    assert "gcc" not in index.essential()

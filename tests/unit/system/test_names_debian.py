"""The table of names against what Debian has: its packages, the owners of its pkg-config modules and programs."""

from collections.abc import Iterator

import pytest

from wheelbase.system.contents import load_contents
from wheelbase.system.names import Row, load_names
from wheelbase.system.packages import load_packages
from wheelbase.system.releases import releases

RELEASES = ("debian-12", "debian-13")
# What the snapshots leave out, since nothing that Debian builds a Python package with brings it along.
NOT_IN_SNAPSHOTS = ["golang-go"]
ROWS = load_names().rows


def test_every_debian_name_is_a_package_of_a_release() -> None:
    indices = [load_packages(release) for release in RELEASES]
    unknown = [name for row in ROWS for name in row.deb if not any(index.get(name) for index in indices)]
    assert [name for name in unknown if name not in NOT_IN_SNAPSHOTS] == []


def test_names_of_older_releases_are_packages_there() -> None:
    index = load_packages("debian-11")
    listed = [name for row in ROWS for name in row.deb_in.get("debian-11", ())]
    assert listed
    assert [name for name in listed if index.get(name) is None] == []


def owned_elsewhere(release: str) -> Iterator[str]:
    """Yield the modules that the release has in another package than the row's, and what that depends on."""
    contents, index = load_contents(release), load_packages(release)
    for row in ROWS:
        brought = _brought(row, release)
        for module in row.pkg_config:
            owners = contents.pkg_config(module)
            if owners and brought and not owners & brought and index.get(row.deb[0]):
                yield f"{row.name}: {module} is in {', '.join(sorted(owners))}"


def _brought(row: Row, release: str) -> frozenset[str]:
    names = [name for name in row.on("apt", release) if load_packages(release).get(name)]
    found = load_packages(release).closure(names)
    return frozenset(package.name for package in found.packages)


@pytest.mark.parametrize("release", [*RELEASES, *releases("ubuntu")])
def test_modules_are_in_the_packages_of_their_row(release: str) -> None:
    assert list(owned_elsewhere(release)) == []


@pytest.mark.parametrize("release", releases("ubuntu"))
def test_names_of_ubuntu_are_packages_there(release: str) -> None:
    index = load_packages(release)
    listed = [name for row in ROWS for name in row.deb_in.get(release) or row.deb_in.get("ubuntu", ())]
    assert listed
    assert [name for name in listed if index.get(name) is None] == []


def test_most_modules_are_known_to_debian() -> None:
    modules = [module for row in ROWS for module in row.pkg_config]
    known = [module for module in modules if any(load_contents(release).pkg_config(module) for release in RELEASES)]
    assert len(known) / len(modules) > 0.9

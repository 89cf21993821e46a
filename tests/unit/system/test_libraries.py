"""What the package of a library is called."""

from __future__ import annotations

import pytest

from wheelbase.system.libraries import _OTHERWISE, _by_rule, debian_names
from wheelbase.system.packages import load_packages
from wheelbase.system.releases import releases


@pytest.mark.parametrize(
    ("library", "package"),
    [
        ("libGL.so.1", "libgl1"),
        ("libX11.so.6", "libx11-6"),
        ("libgcc_s.so.1", "libgcc-s1"),
        ("libstdc++.so.6", "libstdc++6"),
        ("libusb-1.0.so.0", "libusb-1.0-0"),
        ("libxcb-render-util.so.0", "libxcb-render-util0"),
        ("libz.so.1", "zlib1g"),
        ("libglib-2.0.so.0", "libglib2.0-0"),
    ],
)
def test_debian_names(library: str, package: str) -> None:
    assert debian_names(library) == (f"{package}t64", package)


def test_what_has_no_version_is_not_known() -> None:
    assert debian_names("libmimerapi.so") == debian_names("libé.so.1") == debian_names("") == ()


def test_exceptions_are_packages_of_some_release() -> None:
    """All of them are of Debian or Ubuntu, and none says what the rule would."""
    known = [load_packages(release) for release in releases("debian", "ubuntu")]
    for library, package in _OTHERWISE.items():
        assert any(index.get(name) for index in known for name in debian_names(library)), library
        assert _by_rule(library) != package

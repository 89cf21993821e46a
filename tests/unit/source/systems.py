"""Debian as the tests of needs know it: its own package lists."""

from datetime import date

from wheelbase.bases.facts import BaseFacts
from wheelbase.system.platform import System, system_of


def debian(image: str = "debian:trixie-slim", libc_version: str = "2.41", python: str = "3.13.5") -> System:
    """Return what is known of the packages of an image of Debian."""
    facts = BaseFacts(
        image=image,
        arch="amd64",
        date=date(2026, 1, 1),
        source="",
        libc="glibc",
        libc_version=libc_version,
        python=python,
        package_manager="apt",
    )
    found = system_of(facts)
    assert found
    return found

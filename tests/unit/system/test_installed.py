"""Base images by family: what they have installed."""

import re
from datetime import date

import pytest

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import BaseFacts
from wheelbase.system.installed import installed_packages, knows_installed
from wheelbase.system.packages import load_packages
from wheelbase.system.releases import releases


def image(name: str) -> BaseFacts:
    return BaseFacts(image=name, arch="amd64", date=date(2026, 1, 1), libc="glibc", libc_version="2.41", source="")


@pytest.mark.parametrize(
    ("name", "has", "lacks"),
    [
        ("debian:bookworm-slim", "libc6", "ca-certificates"),
        ("python:3.13-slim-bookworm", "libssl3", "gcc"),
        ("python:3.13-bookworm", "libpq-dev", "libsystemd-dev"),
        ("python:3.9-bullseye", "zlib1g-dev", "libsystemd-dev"),
        ("python:3.14-slim-trixie", "libsqlite3-0", "libffi-dev"),
        ("python:3.14-trixie", "libxml2-dev", "libhdf5-dev"),
        ("python:3.8-alpine3.10", "libssl1.1", "gcc"),
        ("python:3.12-alpine3.20", "libssl3", "libapk"),
        ("python:3.13-alpine3.23", "libffi", "libffi-dev"),
        ("alpine:3.24", "musl", "sqlite-libs"),
        ("ubuntu:24.04", "libssl3t64", "ca-certificates"),
        ("ghcr.io/astral-sh/uv:python3.13-trixie-slim", "libsqlite3-0", "libffi-dev"),
        ("ghcr.io/astral-sh/uv:python3.12-bookworm", "libpq-dev", "libsystemd-dev"),
        ("ghcr.io/astral-sh/uv:python3.14-alpine", "libffi", "gcc"),
    ],
)
def test_families(name: str, has: str, lacks: str) -> None:
    packages = installed_packages(image(name))
    assert knows_installed(image(name))
    assert has in packages
    assert lacks not in packages


@pytest.mark.parametrize("release", releases("ubuntu"))
def test_ubuntu_has_what_its_index_calls_essential(release: str) -> None:
    assert installed_packages(image(release.replace("-", ":"))) == load_packages(release).essential()


def test_a_full_image_has_what_the_slim_one_has() -> None:
    for release in ("bullseye", "bookworm", "trixie"):
        base, slim, full = (
            installed_packages(image(name.format(release)))
            for name in ("debian:{}-slim", "python:3.11-slim-{}", "python:3.11-{}")
        )
        assert base < slim < full
        assert {"gcc", "g++", "make", "dpkg-dev", "libssl-dev"} <= full - slim


def test_sizes_of_the_smallest_images() -> None:
    counts = [len(installed_packages(image(f"debian:{name}-slim"))) for name in ("bullseye", "bookworm", "trixie")]
    assert counts == [96, 88, 78]


@pytest.mark.parametrize("name", ["fedora:44", "ubuntu:20.04", "gcr.io/distroless/python3-debian12", "python:3.8", ""])
def test_other_images_are_not_known(name: str) -> None:
    assert not knows_installed(image(name))
    assert installed_packages(image(name)) == frozenset()


def test_the_official_images_of_the_catalogue_are_known() -> None:
    unknown = {
        row.image
        for row in load_catalogue().base
        if row.image.startswith(("python:", "alpine:", "debian:", "ghcr.io/astral-sh/uv:")) and not knows_installed(row)
    }
    assert {name for name in unknown if not re.search("-?(buster|stretch)", name)} == set()

"""The bundled catalogue: every row is sourced, every alias leads somewhere, dates choose the right snapshot."""

import re
from datetime import date

import pytest

from wheelbase.bases.catalogue import bundled_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.target import target_of
from wheelbase.errors import BaseError

CATALOGUE = bundled_catalogue()
TODAY = date(2026, 11, 25)


def find(name: str, on: date = TODAY) -> BaseFacts:
    return CATALOGUE.find(name, arch="amd64", on=on)


@pytest.mark.parametrize("row", CATALOGUE.base, ids=lambda row: f"{row.image} {row.arch} {row.date}")
def test_every_row_is_sourced_and_plausible(row: BaseFacts) -> None:
    assert row.source.strip()
    assert row.arch in ("amd64", "arm64")
    assert re.fullmatch(r"\d+\.\d+(\.\d+)?", row.libc_version)
    assert date(2018, 1, 1) < row.date <= TODAY
    fields = set(BaseFacts.__dataclass_fields__)
    assert {*row.estimated, *row.unverified} <= fields
    for size in (row.compressed_bytes, row.uncompressed_bytes):
        assert size is None or 1_000_000 < size < 3_000_000_000
    if row.compressed_bytes and row.uncompressed_bytes:
        assert row.compressed_bytes < row.uncompressed_bytes
    if row.system_python:
        assert row.system_python.source
    assert row.python_version is None or target_of(row) is not None


def test_one_row_for_an_image_an_architecture_and_a_date() -> None:
    keys = [(row.image, row.exact, row.arch, row.date) for row in CATALOGUE.base]
    assert len(keys) == len(set(keys))


def test_every_alias_leads_to_a_row() -> None:
    images = {row.image for row in CATALOGUE.base}
    for alias in CATALOGUE.alias:
        assert alias.source.strip()
        names = (
            [alias.name.replace("*", f"{a}.{b}") for a, b in CATALOGUE.pythons()] if "*" in alias.name else [alias.name]
        )
        reached = {image for name in names for image in CATALOGUE.meanings(name, on=max(alias.since, date(2018, 6, 1)))}
        assert reached & images, alias


@pytest.mark.parametrize(
    ("name", "on", "image"),
    [
        ("python:3.13-slim", TODAY, "python:3.13-slim-trixie"),
        ("docker.io/library/python:3.13-slim", TODAY, "python:3.13-slim-trixie"),
        ("docker://python:3.13-slim", TODAY, "python:3.13-slim-trixie"),
        ("python:3.12-slim", date(2024, 1, 1), "python:3.12-slim-bookworm"),
        ("python:3.8-slim", date(2020, 1, 29), "python:3.8-slim-buster"),
        ("python:3.8-alpine", date(2020, 1, 29), "python:3.8-alpine3.10"),
        ("python:3.13", TODAY, "python:3.13-trixie"),
        ("python", TODAY, "python:3.14-trixie"),
        ("ubuntu:noble", TODAY, "ubuntu:24.04"),
        ("gcr.io/distroless/python3", TODAY, "gcr.io/distroless/python3-debian13"),
    ],
)
def test_a_name_means_what_it_meant_on_the_date(name: str, on: date, image: str) -> None:
    assert find(name, on).image == image


def test_the_snapshot_that_held_is_taken() -> None:
    rows = sorted((row for row in CATALOGUE.base if row.image == "ubuntu:18.04"), key=lambda row: row.date)
    assert len(rows) == 2
    assert find("ubuntu:18.04", date(2020, 3, 1)) == rows[0]
    assert find("ubuntu:18.04", TODAY) == rows[1]


def test_before_the_first_snapshot_pip_is_that_of_the_date() -> None:
    facts = find("python:3.9-slim-bullseye", date(2021, 5, 1))
    assert facts.pip == "21.1.1" or not facts.later


@pytest.mark.parametrize("arch", ["amd64", "arm64"])
@pytest.mark.parametrize(
    ("release", "python"),
    [("debian:13", "3.13"), ("debian:12", "3.11"), ("ubuntu:24.04", "3.12"), ("alpine:3.23", "3.12")],
)
def test_a_release_has_a_python_to_install(release: str, python: str, arch: Arch) -> None:
    row = CATALOGUE.of_release(release, arch=arch, on=TODAY)
    assert row and row.arch == arch and row.system_python and row.system_python.version == python


def test_a_release_that_is_not_known() -> None:
    assert [CATALOGUE.of_release(name, arch="amd64", on=TODAY) for name in ("", "own:1", "a@b:1", "debian:99")] == [
        None
    ] * 4


def test_an_unknown_base_names_its_neighbours() -> None:
    with pytest.raises(BaseError) as error:
        find("python:3.13-slm")
    assert "python:3.13-slim" in str(error.value.hint)


def test_an_unknown_architecture_of_a_known_base() -> None:
    with pytest.raises(BaseError, match="amd64 only, not for arm64"):
        CATALOGUE.find("alpine:3.10", arch="arm64", on=TODAY)


@pytest.mark.parametrize("python", [(3, minor) for minor in range(9, 16)])
def test_defaults_have_the_python_asked_for(python: tuple[int, int]) -> None:
    rows = CATALOGUE.defaults(python, arch="amd64", on=TODAY)
    assert 2 <= len(rows) <= 8
    assert {row.python_minor for row in rows} == {python}
    assert {row.libc for row in rows} == {"glibc", "musl"}


def test_defaults_of_the_past_are_images_of_the_past() -> None:
    images = [row.image for row in CATALOGUE.defaults((3, 8), arch="amd64", on=date(2020, 1, 29))]
    assert images[:2] == ["python:3.8-slim-buster", "python:3.8-alpine3.10"]
    assert not [image for image in images if "bookworm" in image]


def test_the_newest_stable_python() -> None:
    assert CATALOGUE.stable_python(TODAY) >= (3, 14)
    assert CATALOGUE.stable_python(date(2020, 1, 29)) == (3, 8)

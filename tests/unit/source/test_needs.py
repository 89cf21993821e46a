"""What is needed, by the places that tell of it: which of them decide, and what a distribution's recipe confirms."""

from datetime import date

import pytest

from wheelbase.bases.facts import BaseFacts
from wheelbase.source.findings import Evidence, Findings
from wheelbase.source.needs import Needs, needs_on
from wheelbase.system.platform import System, system_of


@pytest.fixture(scope="module")
def debian() -> System:
    facts = BaseFacts(
        image="debian:bookworm-slim",
        arch="amd64",
        date=date(2026, 1, 1),
        source="",
        libc="glibc",
        libc_version="2.36",
        python="3.11.2",
        package_manager="apt",
    )
    found = system_of(facts)
    assert found
    return found


PROBED = Evidence(kind="pkg-config", name="libpcsclite", where="setup.py:62", need="optional", condition="unless fails")
INCLUDED = Evidence(kind="header", name="winscard.h", where="src/helpers.c:28", weight=0.8)
BUNDLED = Evidence(kind="library", name="pcsclite", where="setup.py:9", need="optional", bundled=True)


def needs(debian: System, *evidence: Evidence, project: str = "") -> Needs:
    return needs_on(Findings(backend="setuptools", evidence=evidence), debian, project=project)


def test_what_sources_include_is_needed_although_scripts_only_look_for_it(debian: System) -> None:
    assert needs(debian, PROBED, INCLUDED).build_packages == ("libpcsclite-dev",)


def test_what_scripts_look_for_alone_is_optional(debian: System) -> None:
    found = needs(debian, PROBED)
    assert (found.build, [need.package for need in found.optional]) == ((), ["libpcsclite-dev"])


def test_sources_include_what_the_archive_brings(debian: System) -> None:
    assert needs(debian, BUNDLED, INCLUDED).build == ()


def test_a_recipe_without_it_outweighs_an_include_and_no_script(debian: System) -> None:
    asked = Evidence(kind="library", name="pcsclite", where="setup.py:9", weight=0.8)
    assert needs(debian, INCLUDED, project="psycopg2").build == ()
    assert needs(debian, asked, project="psycopg2").build_packages == ("libpcsclite-dev",)

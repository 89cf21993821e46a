"""What is needed, by the places that tell of it: which of them decide, and what a distribution's recipe confirms."""

import dataclasses

import msgspec
import pytest
from tests.unit.source import systems

from wheelbase.source.findings import Evidence, Findings, Flag
from wheelbase.source.needs import Needs, needs_on
from wheelbase.system.platform import System


@pytest.fixture(scope="module")
def debian() -> System:
    return systems.debian("debian:bookworm-slim", "2.36", "3.11.2")


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


def test_headers_on_a_condition_and_otherwise_are_needed(debian: System) -> None:
    optional = msgspec.structs.replace(INCLUDED, need="optional", condition="#ifdef A")
    other = msgspec.structs.replace(optional, where="src/helpers.c:30", condition="else of #ifdef A")
    assert needs(debian, optional, other).build_packages == ("libpcsclite-dev",)
    assert needs(debian, optional, msgspec.structs.replace(other, where="src/other.c:30")).build == ()


def test_headers_of_sources_that_may_not_be_compiled_need_another_place(debian: System) -> None:
    likely, unseen = (msgspec.structs.replace(INCLUDED, weight=weight) for weight in (0.49, 0.4))
    assert needs(debian, likely).build == ()
    assert needs(debian, PROBED, likely).build_packages == ("libpcsclite-dev",)
    assert needs(debian, PROBED, unseen).build == ()
    # A recipe names what is optional too.
    assert needs(debian, likely, project="pyscard").build_packages == ("libpcsclite-dev",)
    assert needs(debian, unseen, project="pyscard").build == ()


def flagged(debian: System, flag: Flag) -> Needs:
    return needs_on(Findings(backend="mesonpy", flags=(flag,)), debian)


@pytest.mark.parametrize(
    "text", ["glib-2.0 >= 2.70", "glib-2.0 < 3", "libffi >=3.0", "rust >= 1.50", "cairo >= 1.16.0"]
)
def test_a_version_that_the_release_has_is_no_matter(debian: System, text: str) -> None:
    found = flagged(debian, Flag(kind="version", text=text, where="meson.build:1"))
    assert (found.flags, found.status) == ((), "likely complete")


@pytest.mark.parametrize("text", ["glib-2.0 >= 2.80.0", "glib-2.0 < 2.74", "rust >= 1.83.0"])
def test_a_version_that_the_release_has_not(debian: System, text: str) -> None:
    found = flagged(debian, Flag(kind="version", text=text, where="meson.build:1"))
    assert found.status == "cannot build here"
    assert found.flags[0].text.startswith(f"needs {text}, and this release has ")


@pytest.mark.parametrize("text", ["libavcodec >= 60", "nosuchthing >= 1", "rust of the nightly channel"])
def test_a_version_that_cannot_be_compared_is_told(debian: System, text: str) -> None:
    found = flagged(debian, Flag(kind="version", text=text, where="meson.build:1"))
    assert (found.flags[0].text, found.status) == (text, "likely complete")


def test_a_download_on_a_condition_leaves_the_answer_sure(debian: System) -> None:
    always = Flag(kind="download", text="fetches a file", where="setup.py:1")
    assert flagged(debian, always).status == "maybe incomplete"
    found = flagged(debian, msgspec.structs.replace(always, condition="STATIC"))
    assert (found.status, str(found.flags[0])) == ("likely complete", "fetches a file if STATIC")
    assert str(msgspec.structs.replace(always, condition="on OSError")) == "fetches a file, on OSError"


def test_an_alternative_takes_the_place_of_what_the_release_lacks(debian: System) -> None:
    first = Evidence(kind="pkg-config", name="nosuchpcsc", where="meson.build:1")
    other = Evidence(
        kind="library",
        name="pcsclite",
        where="meson.build:3",
        need="optional",
        weight=0.2,
        instead_of="pkg-config nosuchpcsc",
    )
    assert needs(debian, first, other).build_packages == ("libpcsclite-dev",)
    there = msgspec.structs.replace(first, name="libusb-1.0")
    assert needs(debian, there, msgspec.structs.replace(other, instead_of="pkg-config libusb-1.0")).build_packages == (
        "libusb-1.0-0-dev",
    )


def test_a_language_that_no_package_compiles(debian: System) -> None:
    found = needs(debian, Evidence(kind="language", name="cuda", where="CMakeLists.txt:9"))
    assert (found.status, [flag.where for flag in found.flags]) == ("maybe incomplete", ["CMakeLists.txt:9"])
    assert needs(debian, Evidence(kind="language", name="c", where="a.c:1")).status == "likely complete"


@pytest.mark.parametrize(("text", "fails"), [("Python < 3.11", True), ("Python < 3.12", False), ("FFmpeg < 5", True)])
def test_what_an_archive_is_too_old_for(debian: System, text: str, fails: bool) -> None:
    found = flagged(debian, Flag(kind="version", text=text, where="a.c:1"))
    assert found.status == ("cannot build here" if fails else "likely complete")


@pytest.mark.parametrize(
    ("python", "status"), [("3.8.1", "likely complete"), ("3.9.2", "maybe incomplete"), ("", "maybe incomplete")]
)
def test_what_setuptools_has_for_old_pythons_only(debian: System, python: str, status: str) -> None:
    text = "pkg_resources is imported, and no build requirement brings it"
    found = flagged(dataclasses.replace(debian, python=python), Flag(kind="unreadable", text=text, where="setup.py"))
    assert found.status == status


@pytest.mark.parametrize(
    ("header", "where", "status"),
    [
        ("nosuch/api.h", "src/a.c:1", "maybe incomplete"),
        ("nosuch/api.h", "nosuch/a.pxd:1", "maybe incomplete"),
        ("/home/me/curl/curl.h", "src/a.c:1", "maybe incomplete"),
        ("nosuch/api.h", "nosuch/a.c:1", "likely complete"),
        ("nosuch/api.pb.h", "src/a.c:1", "likely complete"),
        ("nosuch.h", "src/a.c:1", "likely complete"),
    ],
)
def test_a_header_of_a_library_that_no_package_has(debian: System, header: str, where: str, status: str) -> None:
    one = Evidence(kind="header", name=header, where=where, weight=0.8)
    assert needs(debian, one).status == status
    assert needs(debian, msgspec.structs.replace(one, need="optional")).status == "likely complete"


def test_a_header_that_nothing_could_bring(debian: System) -> None:
    header = Evidence(kind="header", name="not_packed.h", where="a.c:1", weight=0.8)
    assert needs(debian, header).status == "likely complete"
    found = needs(debian, msgspec.structs.replace(header, made=False))
    assert (found.status, [flag.where for flag in found.flags]) == ("maybe incomplete", ["a.c:1"])

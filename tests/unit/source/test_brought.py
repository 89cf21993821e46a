"""What the packages of a build bring for one another, and what their headers lack, with Debian's own packages."""

import pytest
from tests.unit.source import systems

from wheelbase.source.findings import Evidence, Findings
from wheelbase.source.needs import Needs, needs_on
from wheelbase.system.platform import System


@pytest.fixture(scope="module")
def debian() -> System:
    return systems.debian()


def needs(system: System, *evidence: Evidence) -> Needs:
    return needs_on(Findings(backend="setuptools", evidence=evidence), system)


FOLIA = Evidence(kind="header", name="libfolia/folia.h", where="a.pxd:6", weight=0.8)
UCTO = Evidence(kind="library", name="ucto", where="setup.py:61")


def test_a_header_of_a_needed_package_needs_others(debian: System) -> None:
    found = needs(debian, FOLIA)
    assert set(found.build_packages) == {"libfolia-dev", "libicu-dev", "libticcutils-dev", "libxml2-dev"}
    xml = next(need for need in found.build if need.package == "libxml2-dev")
    assert xml.evidence == ("a.pxd:6, as libfolia/folia.h of libfolia-dev asks for libxml/tree.h",)


def test_what_others_bring_is_not_named_again(debian: System) -> None:
    # libxslt1-dev depends on libxml2-dev
    found = needs(debian, FOLIA, Evidence(kind="library", name="xslt", where="setup.py:1"))
    assert "libxml2-dev" not in found.build_packages
    assert "libxslt1-dev" in found.build_packages


def test_a_package_alone_says_nothing_of_its_headers(debian: System) -> None:
    assert needs(debian, UCTO).build_packages == ("libucto-dev",)


@pytest.mark.parametrize("change", [{"need": "optional"}, {"bundled": True}])
def test_headers_that_are_not_surely_included(debian: System, change: dict[str, object]) -> None:
    folia = Evidence(kind="library", name="folia", where="setup.py:61")
    header = {"kind": "header", "name": "libfolia/folia.h", "where": "a.pxd:6", "weight": 0.8}
    assert needs(debian, folia, Evidence(**{**header, **change})).build_packages == ("libfolia-dev",)  # type: ignore[arg-type]


def test_what_the_archive_has_a_copy_of_does_not_lack(debian: System) -> None:
    copy = Evidence(kind="pkg-config", name="libxml-2.0", where="CMakeLists.txt:1", need="optional", bundled=True)
    assert "libxml2-dev" not in needs(debian, FOLIA, copy).build_packages


def test_a_library_that_another_package_brings_of_another(debian: System) -> None:
    blas = Evidence(kind="library", name="blas", where="setup.py:6")
    suitesparse = Evidence(kind="library", name="umfpack", where="setup.py:9")
    alone = needs(debian, blas).build_packages
    assert len(alone) == 1
    found = needs(debian, blas, suitesparse)  # libsuitesparse-dev depends on libblas-dev
    assert found.build_packages == ("libsuitesparse-dev",)
    assert alone[0] in {need.package for need in found.optional}


def test_a_header_is_of_the_package_whose_module_is_asked_for(debian: System) -> None:
    header = Evidence(kind="header", name="fuse.h", where="a.pxd:1", weight=0.8)
    module = Evidence(kind="pkg-config", name="fuse3", where="setup.py:1")
    assert needs(debian, header).build_packages == ("libfuse-dev",)
    assert needs(debian, header, module).build_packages == ("libfuse3-dev",)


def test_a_module_of_a_needed_package_needs_others(debian: System) -> None:
    found = needs(debian, Evidence(kind="pkg-config", name="libalpm", where="setup.py:9"))
    assert {"libalpm-dev", "libarchive-dev", "libgpgme-dev"} <= set(found.build_packages)
    archive = next(need for need in found.build if need.package == "libarchive-dev")
    assert archive.evidence == ("setup.py:9, as libalpm.pc of libalpm-dev asks for libarchive.pc",)
    # What links the library without pkg-config does without them.
    assert needs(debian, Evidence(kind="library", name="alpm", where="setup.py:9")).build_packages == ("libalpm-dev",)

"""Which packages pieces of evidence are taken for, on systems that differ in what their compilers bring."""

from datetime import date

import pytest
from tests.unit.source.systems import debian

from wheelbase.bases.facts import BaseFacts
from wheelbase.source.candidates import settle
from wheelbase.source.findings import Evidence
from wheelbase.system.names import Kind
from wheelbase.system.platform import System, system_of


def system(manager: str) -> System:
    libc, version = ("musl", "1.2.5") if manager == "apk" else ("glibc", "2.36")
    facts = BaseFacts(
        image="b",
        arch="amd64",
        date=date(2026, 1, 1),
        source="",
        libc=libc,  # type: ignore[arg-type]
        libc_version=version,
        python="3.13.5",
        package_manager=manager,
    )
    found = system_of(facts)
    assert found
    return found


def packages(manager: str, kind: Kind, name: str) -> set[str | None]:
    on = system(manager)
    asked = [Evidence(kind=kind, name=name, where="a.c:1")]
    return {one.package and on.name_of(one.package, one.row, None) for one in settle(asked, on)}


@pytest.mark.parametrize(
    ("header", "package"),
    [("linux/input.h", "linux-headers"), ("asm/types.h", "linux-headers"), ("sys/queue.h", "bsd-compat-headers")],
)
def test_headers_that_compilers_bring_except_on_alpine(header: str, package: str) -> None:
    assert packages("apk", "header", header) == {package}
    assert packages("apt", "header", header) == set()
    assert packages("dnf", "header", header) == set()


def test_what_every_compile_has_is_no_need() -> None:
    for manager in ("apk", "apt", "dnf"):
        assert packages(manager, "header", "Python.h") == set()
        assert packages(manager, "header", "crypt.h") == set()
        assert packages(manager, "library", "m") == set()


def test_what_pip_installs_is_no_system_package() -> None:
    assert packages("apt", "requirement", "numpy>=1.13") == set()


@pytest.mark.parametrize("name", ["libblas-dev", "liblapack-dev", "libopenblas-dev"])
def test_any_blas_of_a_recipe_confirms_blas(name: str) -> None:
    (blas,) = settle([Evidence(kind="virtual", name="interface/blas", where="setup.py:1")], system("apk"))
    assert blas.is_confirmed_by(frozenset({name}))
    assert not blas.is_confirmed_by(frozenset({"libfreetype-dev"}))


def test_headers_of_a_file_that_includes_what_no_package_has_are_weak() -> None:
    asked = [Evidence(kind="header", name=name, where=f"a.c:{n}") for n, name in enumerate(["hci.h", "nosuch/a.h"], 1)]
    weights = []
    for more in ((), (Evidence(kind="header", name="nosuch/b.h", where="a.c:9"),)):
        weights.append(
            next(one.weight for one in settle([*asked, *more], system("apt")) if one.package == "libbluetooth-dev")
        )
    assert weights[1] == weights[0] / 2


def test_a_library_that_scripts_may_link_explains_headers_that_few_others_build_with() -> None:
    on = system("apt")
    header = Evidence(kind="header", name="comedilib.h", where="x.pxd:1")
    linked = Evidence(kind="library", name="comedi", where="setup.py:1", need="optional")
    assert [one.package for one in settle([header], on)] == [None]
    assert [one.package for one in settle([header, linked], on)] == ["libcomedi-dev"] * 2


def test_a_library_of_a_program_is_not_what_is_linked() -> None:
    on = debian("b")
    assert on.contents.library("common") == {"wxformbuilder"}
    assert [one.package for one in settle([Evidence(kind="library", name="common", where="setup.py:1")], on)] == [None]


@pytest.mark.parametrize(
    ("name", "package"), [("NTL", "libntl-dev"), ("Bluetooth", "libbluetooth-dev"), ("NoSuchThing", None)]
)
def test_a_find_module_is_named_after_its_library(name: str, package: str | None) -> None:
    assert packages("apt", "cmake", name) == {package}


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        (["SDL_mixer"], {"libsdl-mixer1.2-dev", "libsdl1.2-dev"}),
        (["SDL2_mixer"], {"libsdl2-mixer-dev", "libsdl2-dev"}),
        ([], {"libsdl2-mixer-dev", "libsdl2-dev"}),
    ],
)
def test_headers_of_versions_that_stand_beside_each_other(asked: list[str], found: set[str]) -> None:
    named = [Evidence(kind="library", name=name, where="setup.py:1") for name in asked]
    headers = [Evidence(kind="header", name=name, where="a.c:1") for name in ("SDL.h", "SDL_mixer.h")]
    assert {one.package for one in settle([*named, *headers], system("apt"))} == found


@pytest.mark.parametrize(
    ("header", "where", "expected"),
    [
        ("lua.h", "src/other.c:1", "liblua5.3-dev"),  # in a folder of its own
        ("lua.h", "src/lua.c:1", None),  # named as its source
        ("utility.h", "src/other.c:1", None),  # of which many packages have one
    ],
)
def test_a_header_in_no_packages_reach_may_be_the_archives_own(header: str, where: str, expected: str | None) -> None:
    (one,) = settle([Evidence(kind="header", name=header, where=where)], system("apt"))
    assert one.package == expected

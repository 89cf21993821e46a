"""What wheels lack on a base: libraries, time zones, certificates. Wheels and bases are made up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from packaging.version import Version
from tests.fake_index import zipped
from tests.unit.images_with_python import Files, elf, glibc, image
from tests.unit.oci.small_images import SYMLINK
from tests.unit.small_elf import library

from wheelbase.bases import inspect_system
from wheelbase.bases.facts import Arch, BaseFacts, SystemPython, Userland
from wheelbase.bases.inspect import inspect_image
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.cache import cache_directory
from wheelbase.index.simple import Candidate
from wheelbase.oci.digest import Digest
from wheelbase.oci.image import read_image
from wheelbase.oci.store import STORE_FOLDER, Store
from wheelbase.recipes.hazards import Hazard, hazard_notes, hazards_of
from wheelbase.wheels import needed
from wheelbase.wheels.system_files import load_table

SUFFIX = "cpython-313-x86_64-linux-gnu.so"
GL = library(["libGL.so.1", "libc.so.6", "libm.so.6"], module="case")
AMD64: Arch = "amd64"
Wheel = tuple[str, Candidate]


@pytest.fixture(autouse=True)
def _no_cache_of_others(nobody: Path) -> None:
    """Each test has a store of its own."""


def wheel(files: Mapping[str, Any], name: str = "case", version: str = "1.0", *, here: bool = True) -> Wheel:
    """Return a wheel that lies in the store, or does not."""
    content = zipped(files)
    sha256 = hashlib.sha256(content).hexdigest()
    if here:
        with Store(cache_directory() / STORE_FOLDER).new() as new:
            new.file.write(content)
            new.keep(Digest("sha256", sha256))
    filename = f"{name}-{version}-cp313-cp313-manylinux_2_28_x86_64.whl"
    url = f"https://example.invalid/{name}/{filename}"
    return name, Candidate(filename=filename, url=url, version=Version(version), kind="wheel", sha256=sha256)


def catalogued(image: str, libc: str = "2.41", **changes: Any) -> BaseFacts:
    musl = "alpine" in image
    facts = BaseFacts(
        image=image,
        arch=AMD64,
        date=date(2026, 11, 1),
        libc="musl" if musl else "glibc",
        libc_version="1.2.5" if musl else libc,
        source="https://example.org",
        python="3.13.5",
        package_manager="apk" if musl else "apt",
    )
    return replace(facts, **changes)


def inspected(*libraries: str, tzdata: bool = True, ca_store: bool = True, manager: str = "apt") -> BaseFacts:
    userland = Userland(
        release="debian:13",
        packages=("libc6",),
        python_headers=False,
        implementation="cpython",
        free_threaded=False,
        libraries=libraries,
        tzdata=tzdata,
        ca_store=ca_store,
    )
    return catalogued("company/base:1", userland=userland, package_manager=manager)


SLIM, ALPINE = catalogued("python:3.13-slim-trixie"), catalogued("python:3.13-alpine3.23")


def lacking(facts: BaseFacts, *wheels: Wheel, added: tuple[str, ...] = ()) -> list[tuple[str, str, str | None]]:
    return [(one.package, one.lacks, one.install) for one in hazards_of(facts, wheels, added=added)]


@pytest.mark.parametrize(
    ("facts", "install"),
    [
        (SLIM, "libgl1"),
        (catalogued("python:3.13-slim-bookworm", "2.36"), "libgl1"),
        (catalogued("ubuntu:24.04", "2.39"), "libgl1"),
        (ALPINE, "mesa-gl"),
        (inspected("libc.so.6"), "libgl1"),
        (inspected("libc.so.6", manager="dnf"), "libGL.so.1()(64bit)"),
        (inspected("libc.so.6", manager="none"), None),
        (replace(inspected("libc.so.6", manager="none"), image="deb:trixie"), "libgl1"),
    ],
)
def test_a_library_that_is_not_there(facts: BaseFacts, install: str | None) -> None:
    (found,) = hazards_of(facts, [wheel({f"case/case.{SUFFIX}": GL})])
    assert found == Hazard(
        kind="library", package="case", lacks="libGL.so.1", why=f"case/case.{SUFFIX}", install=install
    )


def test_a_library_that_is_there() -> None:
    plain = wheel({f"case.{SUFFIX}": library(["libstdc++.so.6", "libgcc_s.so.1", "libz.so.1"], module="case")})
    assert lacking(SLIM, plain) == []
    assert lacking(ALPINE, plain) == [("case", "libgcc_s.so.1", "libgcc"), ("case", "libstdc++.so.6", "libstdc++")]
    opengl = wheel({f"case.{SUFFIX}": GL})
    assert lacking(inspected("libGL.so.1"), opengl) == []
    assert lacking(SLIM, opengl, added=("libgl1",)) == []
    assert lacking(SLIM, opengl, added=("libgl-dev",)) == []  # brings libgl1 along
    assert lacking(inspected("libc.so.6"), opengl, added=("libgl1",)) == []


def facts_of_image(*layers: Files) -> BaseFacts:
    source = image(*layers)
    inspection = inspect_image(source, read_image(source, None))
    return facts_of("company/base:1", inspection, arch=AMD64, as_of=None, today=date(2026, 11, 25))


def test_libraries_of_an_image_are_those_that_lie_in_it() -> None:
    folder = "usr/lib/x86_64-linux-gnu"
    below: Files = {
        **glibc("2.41"),
        f"{folder}/libGL.so.1": (SYMLINK, "libGL.so.1.7.0"),
        f"{folder}/libGL.so.1.7.0": elf(),
        f"{folder}/libX11.so.6": elf(),
        f"{folder}/libgomp.so.1": (SYMLINK, "nowhere"),
        "opt/cuda/lib64/libcudart.so.12": elf(),
        "usr/lib/python3/dist-packages/PIL.libs/libtiff.so.6": elf(),
        "usr/share/doc/libz.so.1/README": b"",
    }
    facts = facts_of_image(below, {f"{folder}/.wh.libX11.so.6": b""})
    assert facts.userland
    assert facts.userland.libraries == ("libGL.so.1", "libGL.so.1.7.0", "libc.so.6", "libcudart.so.12")
    assert (facts.userland.tzdata, facts.userland.ca_store) == (False, False)
    names = ["libGL.so.1", "libX11.so.6", "libgomp.so.1", "libcudart.so.12", "libtiff.so.6", "libz.so.1"]
    needing = wheel({f"case.{SUFFIX}": library(names, module="case")})
    assert [lacks for _, lacks, _ in lacking(facts, needing)] == [
        "libX11.so.6",
        "libgomp.so.1",
        "libtiff.so.6",
        "libz.so.1",
    ]


def test_an_image_with_more_libraries_than_any_is_not_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspect_system, "_MOST_LIBRARIES", 3)
    facts = facts_of_image({**glibc("2.41"), **{f"usr/lib/lib{n}.so.1": b"" for n in range(3)}})
    assert facts.userland
    assert facts.userland.libraries is None
    assert lacking(facts, wheel({f"case.{SUFFIX}": library(["libstrange.so.77"], module="case")})) == []


def test_what_is_not_known_is_not_said() -> None:
    opengl = {f"case.{SUFFIX}": GL}
    assert lacking(SLIM, wheel(opengl, here=False)) == []
    assert lacking(catalogued("company/base:1"), wheel(opengl)) == []  # nobody knows what it has installed
    strange = wheel({f"case.{SUFFIX}": library(["libstrange.so.77"], module="case")})
    assert lacking(SLIM, strange) == []  # no package of Debian's is called like it
    assert lacking(inspected("libc.so.6"), strange) == [("case", "libstrange.so.77", None)]
    name, unnamed = wheel(opengl)
    assert lacking(SLIM, (name, replace(unnamed, sha256="../x")), (name, replace(unnamed, sha256=None))) == []
    broken = wheel({f"case.{SUFFIX}": GL[:150]})
    assert lacking(SLIM, broken, wheel({"case.py": "not a zip" * 9})) == []


def test_a_wheel_in_the_cache_of_pip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name, asked = wheel({f"case.{SUFFIX}": GL}, here=False)
    kept = hashlib.sha224(asked.url.encode()).hexdigest()
    body = tmp_path.joinpath("http-v2", *kept[:5], f"{kept}.body")
    body.parent.mkdir(parents=True)
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path))
    body.write_bytes(b"of another file")
    assert lacking(SLIM, (name, asked)) == []
    body.write_bytes(zipped({f"case.{SUFFIX}": GL}))
    assert lacking(SLIM, (name, asked)) == [("case", "libGL.so.1", "libgl1")]


def test_a_wheel_brings_its_own_libraries_and_another_one_its() -> None:
    module = library(["libown-1a2b.so.3", "libother.so.1"], module="case")
    own = {f"case.{SUFFIX}": module, "case.libs/libown-1a2b.so.3": library()}
    other = wheel({"other/lib/anything.so": library([], "libother.so.1")}, "other")
    assert lacking(inspected("libc.so.6"), wheel(own), other) == []
    assert lacking(inspected("libc.so.6"), wheel(own)) == [("case", "libother.so.1", None)]


def test_a_library_too_large_to_be_read_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(needed, "_LARGEST", 2000)
    module = library(["libhuge.so.3", "liblarge.so"], module="case")
    large = library(["libGL.so.1"], "libhuge.so.3") + bytes(3000)
    files = {f"case.{SUFFIX}": module, "case/libhuge.so.3.2.1": large, "case/liblarge.so": large}
    assert lacking(inspected("libc.so.6"), wheel(files)) == []


def test_a_bundled_library_that_a_module_leads_to() -> None:
    bundled = {f"case.{SUFFIX}": library(["libown.so"], module="case"), "case.libs/libown.so": library(["libGL.so.1"])}
    assert lacking(SLIM, wheel(bundled)) == [("case", "libGL.so.1", "libgl1")]
    plugin = {f"case.{SUFFIX}": library([], module="case"), "case/plugins/libplugin.so": library(["libGL.so.1"])}
    assert lacking(SLIM, wheel(plugin)) == []
    toolkit = wheel({"toolkit/lib/libown.so": library(["libGL.so.1"]), "toolkit/plugins/b.so": GL}, "toolkit")
    binding = wheel({f"case.{SUFFIX}": library(["libown.so"], module="case")})
    assert lacking(SLIM, toolkit) == []
    assert lacking(SLIM, binding, toolkit) == [("toolkit", "libGL.so.1", "libgl1")]


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("from case import fast", True),
        ("import case.fast as fast", True),
        ("from .fast import x", True),
        ("try:\n    from . import fast\nexcept ImportError:\n    fast = None", False),
        ("try:\n    from .fast import x\nexcept (ImportError, OSError):\n    pass", False),
        ("try:\n    from . import fast\nexcept ImportError as error:\n    raise ImportError('sorry') from error", True),
        ("try:\n    from . import fast\nexcept KeyError:\n    pass", True),
        ("def use():\n    try:\n        import case.fast\n    except Exception:\n        return None", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from . import fast", True),
        ("import importlib\nimportlib.import_module('case.fast')", True),
        ("this is no Python: fast", True),
    ],
)
def test_a_module_whose_absence_is_expected(code: str, said: bool) -> None:
    files = {"case/__init__.py": code, f"case/fast.{SUFFIX}": library(["libGL.so.1"], module="fast")}
    assert bool(lacking(SLIM, wheel(files))) is said


def test_a_library_that_code_loads_by_its_name() -> None:
    files = {"case/lib/lib_case.so": library(["libgomp.so.1"]), "case/tests/test_it.py": "load('lib_case.so')"}
    assert lacking(SLIM, wheel(files)) == []
    loading = files | {"case/libpath.py": "names = ['lib_case.so', 'lib_case.dll']"}
    assert lacking(SLIM, wheel(loading)) == [("case", "libgomp.so.1", "libgomp1")]


def test_a_module_by_a_name_that_python_does_not_know() -> None:
    """mpi4py has one for each kind of MPI, and its own importer."""
    files = {"case/__init__.py": "from . import mpi", f"case/mpi.mpich.{SUFFIX}": library(["libGL.so.1"], module="mpi")}
    assert lacking(SLIM, wheel(files)) == []


def test_a_debian_package_with_another_name_since_2038_was_cared_for() -> None:
    glib = wheel({f"case.{SUFFIX}": library(["libglib-2.0.so.0"], module="case")})
    assert lacking(SLIM, glib) == [("case", "libglib-2.0.so.0", "libglib2.0-0t64")]
    bookworm = catalogued("python:3.13-slim-bookworm", "2.36")
    assert lacking(bookworm, glib) == [("case", "libglib-2.0.so.0", "libglib2.0-0")]


def plain(name: str, version: str) -> Wheel:
    return wheel({f"{name}.py": ""}, name, version)


def test_time_zones() -> None:
    ubuntu, django = catalogued("ubuntu:24.04", "2.39"), plain("django", "6.0")
    assert lacking(ubuntu, django) == [("django", "the system's time zones", "tzdata")]
    assert lacking(ubuntu, django, plain("tzdata", "2026.1")) == []
    assert lacking(ubuntu, plain("django", "3.2")) == []
    assert lacking(ubuntu, django, added=("tzdata",)) == []
    assert lacking(SLIM, django) == lacking(inspected(tzdata=True), django) == []
    assert lacking(inspected(tzdata=False), django) == [("django", "the system's time zones", "tzdata")]
    arrow = plain("pyarrow", "26.0.1"), plain("tzdata", "2026.1")
    assert lacking(ubuntu, *arrow) == [("pyarrow", "the system's time zones", "tzdata")]


def test_certificates() -> None:
    client = plain("aiohttp", "3.14.5")
    assert lacking(catalogued("debian:trixie-slim"), client) == [
        ("aiohttp", "the system's certificates", "ca-certificates")
    ]
    assert lacking(SLIM, client) == lacking(catalogued("alpine:3.23"), client) == lacking(inspected(), client) == []
    assert lacking(inspected(ca_store=False, manager="none"), client) == [
        ("aiohttp", "the system's certificates", None)
    ]


def test_what_brings_the_python_may_bring_the_files() -> None:
    """Debian's python3 needs tzdata; Alpine's does not."""
    python = SystemPython(version="3.13", packages=("python3",), source="https://example.org")
    django = plain("django", "6.0")
    debian = catalogued("ubuntu:24.04", "2.39", python=None, system_python=python)
    alpine = catalogued("alpine:3.23", python=None, system_python=python)
    assert lacking(debian, django) == []
    assert lacking(alpine, django) == [("django", "the system's time zones", "tzdata")]


def test_the_sentences() -> None:
    needs = [f"lib{name}.so.1" for name in ("one", "two", "three", "four", "five")]
    files = {f"case/{n}.{SUFFIX}": library([one], module=str(n)) for n, one in enumerate(needs)}
    found = hazards_of(inspected("libc.so.6"), [wheel(files)])
    assert list(hazard_notes(found)) == [
        f"case needs libfive.so.1, libfour.so.1, libone.so.1, libthree.so.1 and 1 more "
        f"(case/4.{SUFFIX} and others), which this base lacks"
    ]
    one = hazards_of(SLIM, [wheel({f"case.{SUFFIX}": GL})])
    assert list(hazard_notes(one)) == [f"case needs libGL.so.1 (case.{SUFFIX}), which this base lacks: install libgl1"]


def test_the_table_of_system_files_is_sound() -> None:
    table = load_table()
    kinds = {files.kind for files in table.files}
    assert {use.kind for use in table.use} == kinds
    assert all(files.owners and {"apt", "apk", "dnf"} == files.packages.keys() for files in table.files)
    assert all(use.why and use.source and Version(use.since) for use in table.use)
    assert len({(use.package, use.kind) for use in table.use}) == len(table.use)

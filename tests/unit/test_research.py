"""The loop without an engine, the packages of what is missing, and what a wheel was built without."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from tests.unit.small_elf import library
from tests.unit.small_wheels import wheel_bytes

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.errors import WheelError
from wheelbase.research.logs import read_log
from wheelbase.research.loop import ROUNDS, Attempt, Tried, research
from wheelbase.research.lost import libraries_needed, lost_features
from wheelbase.research.naming import candidates
from wheelbase.source.needs import Need, Needs
from wheelbase.system.platform import System, system_of

BASES = {
    "debian": "debian:bookworm-slim",
    "python": "python:3.13-slim-trixie",
    "alpine": "python:3.13-alpine3.23",
    "fedora": "fedora:43",
}


@cache
def system(name: str) -> System:
    found = system_of(load_catalogue().find(BASES[name], arch="amd64", on=date(2026, 11, 25)))
    assert found is not None
    return found


def cures(log: str, base: str) -> list[tuple[str, ...]]:
    return [group for finding in read_log(log) for group in candidates(finding, system(base))[:1]]


@pytest.mark.parametrize(
    ("base", "log", "packages"),
    [
        ("debian", "error: command 'x86_64-linux-gnu-gcc' failed: No such file", ("gcc", "libc6-dev", "python3-dev")),
        ("python", "error: command 'gcc' failed: No such file or directory", ("gcc", "libc6-dev")),
        ("alpine", "error: command 'gcc' failed: No such file or directory", ("gcc", "musl-dev")),
        ("debian", "  No CMAKE_CXX_COMPILER could be found.", ("g++", "gcc", "libc6-dev", "python3-dev")),
        ("debian", "CMake Error: CMAKE_C_COMPILER not set, after EnableLang", ("gcc", "libc6-dev", "python3-dev")),
        ("debian", "a.c:1:10: fatal error: Python.h: No such file or directory", ("python3-dev",)),
        ("alpine", "a.c:1:10: fatal error: stdio.h: No such file or directory", ("gcc", "musl-dev")),
        ("alpine", "a.c:1:10: fatal error: 'zlib.h' file not found", ("zlib-dev",)),
        ("debian", "a.c:1:10: fatal error: libxml/parser.h: No such file or directory", ("libxml2-dev",)),
        ("debian", "a.c:1: fatal error: xkbcommon/xkbregistry.h: No such file or directory", ("libxkbregistry-dev",)),
        ("debian", "/usr/bin/ld: cannot find -lzfp: No such file or directory", ("libzfp-dev",)),
        ("debian", "Package 'dbus-1', required by 'virtual:world', not found", ("libdbus-1-dev",)),
        ("alpine", "Package 'dbus-1', required by 'virtual:world', not found", ("dbus-dev",)),
        ("alpine", "Package 'libqxp-0.0', required by 'virtual:world', not found", ("libqxp-dev",)),
        ("fedora", "Package 'nothing-known', required by 'virtual:world', not found", ("pkgconfig(nothing-known)",)),
        ("debian", "/bin/sh: 1: krb5-config: not found", ("libkrb5-dev",)),
        ("debian", "make: nasm: No such file or directory", ("nasm",)),
        ("debian", "RequiredDependencyException: jpeg", ("libjpeg-dev",)),
        ("alpine", "RequiredDependencyException: jpeg", ("libjpeg-turbo-dev",)),
        ("debian", "  Please install libunwind-dev or equivalent.", ("libunwind-dev",)),
        (
            "debian",
            "Rust not found, installing into a temporary directory",
            ("cargo", "rustc", "gcc", "libc6-dev", "python3-dev"),
        ),
        ("debian", "    Could NOT find Boost (missing: Boost_INCLUDE_DIR python3)", ("libboost-python-dev",)),
    ],
)
def test_what_is_missing_is_in_a_package(base: str, log: str, packages: tuple[str, ...]) -> None:
    assert cures(log, base) == [packages]


def test_what_no_package_has_has_none() -> None:
    assert cures("a.c:1:10: fatal error: no_such_header_at_all.h: No such file or directory", "debian") == []
    assert cures("ModuleNotFoundError: No module named 'distutils'", "debian") == []
    # Boost has a header of that name, deep in its folders.
    assert cures("    Could not find nvcc, please set CUDAToolkit_ROOT.", "debian") == []


GCC = "error: command 'gcc' failed: No such file or directory"


def header(name: str) -> str:
    return f"a.c:1:10: fatal error: {name}: No such file or directory"


def wanting(
    wants: dict[str, str], log: Callable[[list[str]], str] = "\n".join
) -> tuple[Attempt, list[tuple[str, ...]]]:
    """Return builds that want packages and write so of the first that is not there; with a list of what was tried."""
    tries: list[tuple[str, ...]] = []

    def attempt(packages: tuple[str, ...]) -> Tried:
        tries.append(packages)
        missing = [said for package, said in wants.items() if package not in packages]
        return Tried(ok=not missing, log=log(missing))

    return attempt, tries


def test_a_build_that_needs_nothing_takes_no_round() -> None:
    attempt, tries = wanting({})
    found = research(attempt, system("debian"), start=("gcc",))
    assert (found.outcome, found.rounds, found.packages, found.cause) == ("built", (), ("gcc",), None)
    assert tries == [("gcc",)]


def test_each_round_adds_what_the_log_asks_for() -> None:
    attempt, tries = wanting(
        {"gcc": GCC, "zlib1g-dev": header("zlib.h")}, lambda missing: missing[0] if missing else ""
    )
    found = research(attempt, system("debian"))
    assert found.outcome == "built"
    assert found.rounds == (("gcc", "libc6-dev", "python3-dev"), ("zlib1g-dev",))
    assert found.packages == ("gcc", "libc6-dev", "python3-dev", "zlib1g-dev")
    assert tries == [(), found.packages[:3], found.packages]


def test_at_most_two_things_a_round() -> None:
    wants = {"zlib1g-dev": header("zlib.h"), "libpng-dev": header("png.h"), "libxml2-dev": header("libxml/tree.h")}
    attempt, _ = wanting(wants)
    found = research(attempt, system("debian"))
    assert found.rounds == (("libpng-dev", "zlib1g-dev"), ("libxml2-dev",))


def test_a_lookup_is_not_taken_beside_a_failure() -> None:
    attempt, _ = wanting(
        {"zlib1g-dev": f"Package 'libxslt', required by 'virtual:world', not found\n{header('zlib.h')}"}
    )
    assert research(attempt, system("debian")).packages == ("zlib1g-dev",)


def test_what_is_missing_still_is_given_up() -> None:
    attempt, tries = wanting({"nowhere": header("zlib.h")})
    found = research(attempt, system("debian"))
    assert found.outcome == "given up"
    assert found.cause is not None and found.cause.startswith("the header zlib.h is missing still, with ")
    assert len(tries) <= ROUNDS + 1


def test_another_package_that_has_it_takes_the_place_of_the_first() -> None:
    attempt, _ = wanting({"libcurl4-gnutls-dev": header("curl/curl.h")})
    found = research(attempt, system("debian"))
    assert found.rounds == (("libcurl4-openssl-dev",), ("pkg-config",), ("libcurl4-gnutls-dev",))
    assert found.packages == ("libcurl4-gnutls-dev",)


def test_a_library_that_is_there_may_want_pkg_config_to_be_found() -> None:
    attempt, _ = wanting({"libfreetype6-dev": header("ft2build.h"), "pkg-config": header("ft2build.h")})
    found = research(attempt, system("debian"))
    assert (found.outcome, found.rounds[1:]) == ("built", (("pkg-config",),))


def test_five_rounds_at_most() -> None:
    names = ("zlib.h", "png.h", "tiff.h", "lzma.h", "bzlib.h", "expat.h", "ffi.h")
    left = [header(name) for name in names]
    found = research(lambda packages: Tried(ok=False, log=left[len(packages)]), system("debian"))
    assert (found.outcome, len(found.rounds), len(found.packages)) == ("given up", ROUNDS, ROUNDS)
    assert found.cause == "after 5 rounds: the header expat.h is missing"


@pytest.mark.parametrize(
    ("log", "outcome", "cause"),
    [
        ("ModuleNotFoundError: No module named 'imp'", "no package cures it", "the build imports imp"),
        ("a.c:1:1: error: ‘foo’ undeclared (first use)", "no package cures it", "the sources do not fit"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "no package cures it", "a compiler was killed"),
        ("E: Unable to locate package foo-dev", "not found", "the package manager has no foo-dev"),
        (header("no_such_header_at_all.h"), "not found", "the header no_such_header_at_all.h is missing, in no"),
        ("RuntimeError: no luck", "not found", "RuntimeError: no luck"),
        ("", "not found", "the build failed, and its log says nothing"),
    ],
)
def test_what_cannot_be_cured_is_said(log: str, outcome: str, cause: str) -> None:
    found = research(lambda packages: Tried(ok=False, log=log), system("debian"))
    assert (found.outcome, found.rounds) == (outcome, ())
    assert found.cause is not None and found.cause.startswith(cause)


def test_what_an_attempt_raises_goes_through() -> None:
    def attempt(packages: tuple[str, ...]) -> Tried:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        research(attempt, system("debian"))


def optional(package: str, module: str, lost: str, confidence: float = 0.8) -> Need:
    return Need(package=package, pkg_config=module, confidence=confidence, evidence=("setup.py:1",), lost=lost)


NEEDS = Needs(
    optional=(
        optional("libfreetype6-dev", "freetype2", "text drawing"),
        optional("libwebp-dev", "libwebp", "WebP images"),
        optional("libxcb1-dev", "xcb", "screenshots", confidence=0.3),
    )
)


def built(folder: Path, *needed: str) -> Path:
    wheel = folder / "demo-1.0-cp313-cp313-linux_x86_64.whl"
    wheel.write_bytes(wheel_bytes({"demo/_ext.cpython-313-x86_64-linux-gnu.so": library(needed), "demo/a.py": b""}))
    return wheel


@pytest.mark.parametrize("base", ["debian", "alpine"])
def test_what_a_wheel_was_built_without(base: str, tmp_path: Path) -> None:
    webp = "WebP images (libwebp-dev): demo was built without it"
    text = "Text drawing (libfreetype6-dev): demo was built without it"
    assert lost_features(built(tmp_path, "libfreetype.so.6", "libz.so.1"), NEEDS, system(base)) == (webp,)
    assert lost_features(built(tmp_path, "libwebp.so.7"), NEEDS, system(base)) == (text,)
    assert lost_features(built(tmp_path), NEEDS, system(base)) == (text, webp)
    assert lost_features(built(tmp_path), Needs(), system(base)) == ()


def test_a_library_of_the_wheel_itself_is_loaded_too(tmp_path: Path) -> None:
    assert libraries_needed(built(tmp_path, "libwebp-0b1c2d.so.7")) == {"libwebp-0b1c2d.so.7"}
    assert lost_features(built(tmp_path, "libwebp-0b1c2d.so.7", "libfreetype.so.6"), NEEDS, system("debian")) == ()


def test_a_wheel_that_is_none(tmp_path: Path) -> None:
    broken = tmp_path / "demo-1.0-cp313-cp313-linux_x86_64.whl"
    broken.write_bytes(b"PK no zip")
    with pytest.raises(WheelError, match="cannot be read"):
        lost_features(broken, NEEDS, system("debian"))

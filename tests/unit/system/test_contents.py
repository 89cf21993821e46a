"""Who owns a file: in a small archive, and in the shipped snapshots."""

import pytest

from wheelbase.system.contents import Contents, HeaderHit, load_contents
from wheelbase.system.releases import releases
from wheelbase.system.snapshot_file import Snapshot


@pytest.fixture
def contents(small: Snapshot) -> Contents:
    return Contents(small)


def test_headers_by_depth(contents: Contents) -> None:
    assert contents.header("foo.h") == (HeaderHit(0, "libfoo-dev", "/usr/include/foo.h"),)
    assert contents.header("./foo.h") == contents.header("foo.h")
    assert [hit.depth for hit in contents.header("er.h")] == [2]
    assert [hit.depth for hit in contents.header("deep/er.h")] == [1]
    assert [hit.depth for hit in contents.header("foo/deep/er.h")] == [0]
    assert contents.header("o/deep/er.h") == ()
    assert [hit.depth for hit in contents.header("vector")] == [0]


def test_a_header_of_two_packages_lists_the_popular_one_first(contents: Contents) -> None:
    assert [hit.package for hit in contents.header("shared.h")] == ["libfoo-dev", "libbar-dev"]


@pytest.mark.parametrize("path", ["hidden.h", "game.h", "", "/", "include/", "nothing.h", "\0"])
def test_headers_that_nobody_has(contents: Contents, path: str) -> None:
    assert contents.header(path) == ()


def test_files_by_name(contents: Contents) -> None:
    assert contents.pkg_config("foo-1.0") == {"libfoo-dev"}
    assert contents.pkg_config("data") == {"foo-data"}
    assert contents.library("foo") == {"libfoo-dev"}
    assert contents.cmake("FOO") == {"libfoo-dev"}
    assert contents.program("foo-config") == {"libfoo-dev"}
    assert contents.program("mpicc") == {"openmpi-bin"}
    assert contents.program("only-for-users") == contents.library("nothing") == frozenset()


def test_a_package_that_stands_for_another(contents: Contents) -> None:
    assert contents.popularity("libfoo-dev") == 3
    assert contents.popularity("libfoo-old-dev") == 2
    assert contents.popularity("nothing") == 0
    assert contents.modules_of("libfoo-old-dev") == contents.modules_of("libfoo-dev") == ("foo-1.0",)
    assert contents.commonly("libfoo-dev") == "libfoo-old-dev"
    assert contents.commonly("libbar-dev") == "libbar-dev"


def test_the_toolchain(contents: Contents) -> None:
    there = ["libc6-dev", "g++", "libstdc++-14-dev", "libstdc++-13-dev", "python3-dev", "libpython3.13-dev", "gcc-12"]
    assert all(map(contents.is_toolchain, there))
    assert not any(map(contents.is_toolchain, ["libfoo-dev", "python3-numpy-dev", "gfortran", "g++-multilib"]))


@pytest.mark.parametrize("release", releases("debian"))
def test_what_the_shipped_releases_have(release: str) -> None:
    contents = load_contents(release)
    assert contents.pkg_config("libxml-2.0") == {"libxml2-dev"}
    assert contents.pkg_config("openssl") == {"libssl-dev"}
    assert contents.header("zlib.h")[0] == HeaderHit(0, "zlib1g-dev", "/usr/include/zlib.h")
    assert contents.header("libxml/parser.h")[0] == HeaderHit(1, "libxml2-dev", "/usr/include/libxml2/libxml/parser.h")
    assert contents.header("mysql.h")[0].package == "libmariadb-dev"
    assert contents.header("jpeglib.h")[0].package == "libjpeg62-turbo-dev"
    assert contents.header("stddef.h")[0].depth == contents.header("stdio.h")[0].depth == 0
    assert contents.library("z") == {"zlib1g-dev"}
    assert "libhdf5-dev" in contents.library("hdf5")
    assert contents.cmake("Eigen3") == {"libeigen3-dev"}
    assert "libpq-dev" in contents.program("pg_config")
    assert "openmpi-bin" in contents.program("mpicc")
    assert contents.program("mysql_config") == {"libmariadb-dev-compat"}
    assert "mysqlclient" in contents.modules_of("default-libmysqlclient-dev")
    assert contents.popularity("zlib1g-dev") > 1000
    assert contents.popularity("libjpeg62-turbo-dev") > 200
    assert all(map(contents.is_toolchain, ["libc6-dev", "linux-libc-dev", "gcc", "g++", "binutils"]))
    assert not any(map(contents.is_toolchain, ["zlib1g-dev", "libexpat1-dev", "gfortran", "make"]))


@pytest.mark.parametrize("release", releases("ubuntu"))
def test_what_ubuntu_has_otherwise(release: str) -> None:
    contents = load_contents(release)
    assert contents.header("jpeglib.h")[0].package == "libjpeg-turbo8-dev"
    assert contents.header("mysql.h")[0].package == "libmysqlclient-dev"
    assert contents.pkg_config("libxml-2.0") == {"libxml2-dev"}
    assert "openmpi-bin" in contents.program("mpicc")  # of universe
    assert contents.popularity("zlib1g-dev") > 1000
    assert all(map(contents.is_toolchain, ["libc6-dev", "linux-libc-dev", "gcc", "g++", "binutils"]))

"""What Debian builds Python projects with: made from indices, and as shipped."""

import json
import lzma
from pathlib import Path

import pytest
from tests.fake_index import FakeIndex
from tests.unit.system.small_archive import archive
from tests.unit.system.test_refresh import serve

from wheelbase.errors import MirrorError
from wheelbase.system.names import load_names
from wheelbase.system.recipes import _TOOLS, load_recipes, recipes, written
from wheelbase.system.refresh import made_recipes

FOLDER = "usr/lib/python3/dist-packages"


def recipes_of(path: str, depends: str = "libfoo-dev", binary: str = "python3-foo") -> dict[str, set[str]]:
    contents = [f"{path}   python/python3-foo\n".encode()]
    return recipes(contents, f"Package: foo\nBinary: {binary}\nBuild-Depends: {depends}\n".splitlines(keepends=True))


@pytest.mark.parametrize(
    ("name", "project"),
    [
        ("PyYAML-6.0.2.dist-info/METADATA", "pyyaml"),
        ("zope.interface-5.4.0-py3.11.egg-info/PKG-INFO", "zope-interface"),
        ("ruamel.yaml.clib-0.2.8.egg-info", "ruamel-yaml-clib"),
        ("psycopg_pool-3.3.0.dev1.dist-info/WHEEL", "psycopg-pool"),
        ("_pycbf-0.9.6.3.egg-info", "pycbf"),
        ("backports.zoneinfo-1!2.0+git.20-3.egg-info/top_level.txt", "backports-zoneinfo"),
        ("libtorrent.egg-info/PKG-INFO", "libtorrent"),
        ("2ping-4.5-py3.9.egg-info/PKG-INFO", "2ping"),
    ],
)
def test_projects_go_by_the_names_of_their_metadata(name: str, project: str) -> None:
    for folder in (FOLDER, "usr/lib/python3.13/dist-packages"):
        assert recipes_of(f"{folder}/{name}") == {project: {"libfoo-dev"}}


@pytest.mark.parametrize(
    "path",
    [
        f"{FOLDER}/tests/data/inner-1.0.egg-info/PKG-INFO",
        f"{FOLDER}/foo/__init__.py",
        f"{FOLDER}/foo-info.py",
        "usr/share/tool/foo-1.0.dist-info/METADATA",
        "usr/lib/python2.7/dist-packages/foo-1.0.egg-info",
        f"{FOLDER}/\xe9-1.0.egg-info",
    ],
)
def test_what_is_no_installed_project(path: str) -> None:
    assert recipes_of(path) == {}


@pytest.mark.parametrize(
    ("depends", "kept"),
    [
        ("libfoo-dev (>= 1) [linux-any] <!nocheck>, libbar-dev:native", {"libfoo-dev", "libbar-dev"}),
        ("pkgconf | pkg-config, cmake", {"pkgconf", "cmake"}),
        ("debhelper-compat (= 13), dh-python, git, doxygen, gcc", set()),
        ("dpkg-dev (>= 1.22.5), python3-all-dev, libpython3-dev, python3-numpy-dev, python-all-dev", set()),
        ("librust-pyo3-dev, cargo, golang-golang-x-net-dev", {"cargo"}),
        ("python-gi-dev, tk-dev", {"python-gi-dev", "tk-dev"}),
        ("", set()),
    ],
)
def test_libraries_and_tools_are_kept(depends: str, kept: set[str]) -> None:
    assert recipes_of(f"{FOLDER}/foo-1.egg-info", depends) == {"foo": kept}


def test_a_source_package_is_found_by_any_of_its_packages() -> None:
    assert recipes_of(f"{FOLDER}/foo-1.egg-info", binary="libfoo1,\n libfoo-dev, python3-foo") == {
        "foo": {"libfoo-dev"}
    }
    assert recipes_of(f"{FOLDER}/foo-1.egg-info", binary="python3-foobar") == {}


def test_all_fields_and_all_releases_count() -> None:
    contents = [f"{FOLDER}/foo-1.egg-info python/python3-foo,python/python3-foo-dbg\n".encode()]
    fields = "Build-Depends: liba-dev\nBuild-Depends-Arch: libb-dev\nBuild-Depends-Indep: libc-dev\n"
    one = recipes(contents, f"Binary: python3-foo-dbg\n{fields}".splitlines())
    assert one == {"foo": {"liba-dev", "libb-dev", "libc-dev"}}
    raw = written([one, {"foo": {"libz-dev"}, "bar": set(), "aaa": {"b-dev", "a-dev"}}])
    assert lzma.decompress(raw) == b'{"aaa":["a-dev","b-dev"],"foo":["liba-dev","libb-dev","libc-dev","libz-dev"]}'


def test_from_a_mirror_they_are_the_same_bytes_each_time(fake_index: FakeIndex, nobody: Path) -> None:
    mirror = serve(fake_index, archive())
    raw = made_recipes(mirror, ["debian-13"])
    assert json.loads(lzma.decompress(raw)) == {"foo-py": ["libbaz-dev", "swig"]}
    assert made_recipes(mirror, ["debian-13"]) == raw
    serve(fake_index, archive(codename="bookworm"))
    assert made_recipes(mirror, ["debian-12", "debian-13"]) == raw


def test_of_a_mirror_that_lacks_a_release_nothing_is_made(fake_index: FakeIndex, nobody: Path) -> None:
    with pytest.raises(MirrorError, match="bookworm/InRelease is not there"):
        made_recipes(serve(fake_index, archive()), ["debian-13", "debian-12"])


def test_what_is_shipped() -> None:
    shipped = load_recipes()
    assert len(shipped) > 700
    assert set(shipped["lxml"]) == {"libxml2-dev", "libxslt1-dev", "zlib1g-dev"}
    assert shipped["psycopg2"] == ("libpq-dev",)
    assert "libyaml-dev" in shipped["pyyaml"]


def test_tools_are_those_that_the_table_of_names_knows() -> None:
    known = {name for row in load_names().rows for name in row.deb}
    assert _TOOLS - known == {"pkgconf"}  # what pkg-config leads to

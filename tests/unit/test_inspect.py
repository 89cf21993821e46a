"""What is read in images: made-up ones, each with what is to be found in it, or not."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from tests.conftest import Cli
from tests.fake_index import FakeIndex, wheel
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry
from tests.unit.images_with_python import MUSL_LOADER, Files, elf, glibc, image, musl, python, with_config
from tests.unit.oci.small_images import AMD64, FOLDER, HARDLINK, SYMLINK, MemorySource, What, manifest_of, two_platforms

import wheelbase
from wheelbase.bases import inspect as inspect_module
from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.inspect import inspect_image
from wheelbase.bases.inspect_elf import loader_of
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.bases.inspected import FoundPython, Inspection, Libc, Package
from wheelbase.bases.target import target_of
from wheelbase.cache import Cache
from wheelbase.errors import BaseError
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.recipes.asking import base_facts
from wheelbase.recipes.inspect import inspect
from wheelbase.system.installed import installed_packages, knows_installed
from wheelbase.system.platform import system_of

TODAY = date(2026, 11, 25)
DEBIAN = b'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\n# more\nID=debian\nVERSION_ID="13"\nBROKEN="\n'
STATUS = (
    b"Package: libc6\nStatus: install ok installed\nVersion: 2.41-12\nDescription: C\n library\n\n"
    b"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n"
    b"Package: apt\nStatus: hold ok installed\nVersion: 3.0\n"
)
SLIM: Files = {
    "etc/os-release": (SYMLINK, "../usr/lib/os-release"),
    "usr/lib/os-release": DEBIAN,
    "var/lib/dpkg/status": STATUS,
    "usr/bin/apt-get": b"",
    "usr/bin/dash": elf(),
    "usr/bin/sh": (SYMLINK, "dash"),
    "bin": (SYMLINK, "usr/bin"),
    "lib": (SYMLINK, "usr/lib"),
    "usr/lib/x86_64-linux-gnu/libstdc++.so.6": (SYMLINK, "libstdc++.so.6.0.33"),
    "usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.33": b"x",
    "usr/lib/x86_64-linux-gnu/libgomp.so.1": (SYMLINK, "nowhere"),
    **glibc("2.41"),
}


def facts_in(source: MemorySource) -> Inspection:
    return inspect_image(source, read_image(source))


def pythons_in(*layers: Files | Sequence[tuple[str, What]], path: str = "") -> list[tuple[str, str]]:
    return [(found.version, found.path) for found in facts_in(image(*layers, path=path)).pythons]


def base(source: MemorySource, as_of: date | None = None) -> BaseFacts:
    return facts_of("oci:x", facts_in(source), arch="amd64", as_of=as_of, today=TODAY)


def test_an_image_like_the_official_ones() -> None:
    brought: Files = {
        "usr/local/bin/python3": (SYMLINK, "python3.13"),
        "usr/local/bin/gcc": b"#!",
        "usr/bin/cc": (SYMLINK, "/usr/local/bin/gcc"),
        "etc/ssl/certs/ca-certificates.crt": b"x",
        "usr/share/zoneinfo/Europe/London": b"x",
        "usr/local/include/python3.13/patchlevel.h": b"",
        "usr/local/lib/python3.13/_sysconfigdata__linux_x86_64-linux-gnu.py": b"{'CONFIG_ARGS': '--with-lto'}",
        "usr/local/lib/python3.13/__pycache__/abc.cpython-313.pyc": b"",
        "usr/local/lib/python3.13/site-packages/setuptools-80.9.0.dist-info/METADATA": b"",
    }
    source = image(SLIM, python("3.13.5"), brought, user="1000:1000")
    found = facts_in(source)
    assert found.os_release == {
        "PRETTY_NAME": "Debian GNU/Linux 13 (trixie)",
        "ID": "debian",
        "VERSION_ID": "13",
        "BROKEN": '"',
    }
    assert found.libc == Libc(family="glibc", version="2.41")
    assert found.pythons == (
        FoundPython(
            path="/usr/local/bin/python3.13",
            version="3.13.5",
            implementation="cpython",
            free_threaded=False,
            site_packages="/usr/local/lib/python3.13/site-packages",
            pip="25.1",
            setuptools="80.9.0",
            wheel=None,
            headers=True,
            stdlib_bytecode=False,
            optimised=False,
        ),
    )
    assert (found.package_manager, found.package_database) == ("apt", "dpkg")
    assert found.packages == (Package(name="apt", version="3.0"), Package(name="libc6", version="2.41-12"))
    assert (found.compilers, found.shell, found.user) == (("cc", "gcc"), "/bin/sh", "1000:1000")
    assert (found.ca_store, found.tzdata) == ("/etc/ssl/certs/ca-certificates.crt", True)
    assert {name: path for name, path in found.libraries.items() if path} == {
        "libstdc++.so.6": "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"
    }
    manifest, layers = manifest_of(source), (SLIM, python("3.13.5"), brought)
    assert found.compressed_bytes == sum(layer.size for layer in manifest.layers)
    assert found.uncompressed_bytes == sum(
        len(what) for layer in layers for what in layer.values() if isinstance(what, bytes)
    )
    assert [layer.digest for layer in found.layers] == [str(layer.digest) for layer in manifest.layers]
    assert (found.digest, found.platform) == (str(source.read_manifest().digest), "linux/amd64")


def test_distroless() -> None:
    """No shell, no package manager, a stanza of dpkg's in a file for each package."""
    source = image(
        {
            "usr/lib/os-release": DEBIAN,
            "var/lib/dpkg/status.d/libc6": b"Package: libc6\nVersion: 2.41-12\n",
            "var/lib/dpkg/status.d/libc6.md5sums": b"Package: no\n",
            "var/lib/dpkg/status.d/tzdata": b"Package: tzdata\nVersion: 2026b\n",
            "usr/lib/python3/dist-packages/README": b"",
            **python("3.13.5", "usr", pip=None),
            **glibc("2.41"),
        }
    )
    found = facts_in(source)
    assert found.packages == (Package(name="libc6", version="2.41-12"), Package(name="tzdata", version="2026b"))
    assert (found.package_database, found.package_manager, found.shell) == ("dpkg", None, None)
    [debians] = found.pythons
    assert (debians.pip, debians.optimised) == (None, None)
    assert debians.site_packages == "/usr/local/lib/python3.13/dist-packages"
    facts = base(source)
    assert (facts.has_pip, facts.shell, facts.package_manager, facts.user) == (False, False, "none", "root")


def test_scratch() -> None:
    for source in (image(), image({"app": b"static"})):
        found = facts_in(source)
        assert (found.libc, found.pythons, found.packages, found.os_release) == (None, (), (), {})
        with pytest.raises(BaseError, match="neither glibc nor musl"):
            base(source)
    assert not any(facts_in(image()).libraries.values())


def test_no_python_here() -> None:
    scripts: Files = {
        "usr/bin/python3-config": elf(),
        "usr/bin/python3": b"#!/bin/sh\n",
        "usr/bin/python3.11": b"",
        "usr/share/python3": elf(),
        "usr/bin/python2.7": elf(),
        "usr/lib/python2.7/os.py": b"",
        "opt/bin/python3.12": (FOLDER, ""),
    }
    source = image(SLIM, scripts)
    assert facts_in(source).pythons == ()
    assert target_of(base(source)) is None


def test_three_pythons() -> None:
    layer = {**python("3.9.2", "usr"), **python("3.14.1"), **python("3.12.7", "opt/python/cp312")}
    layer["usr/bin/python3"] = (SYMLINK, "python3.9")
    three = [
        ("3.14.1", "/usr/local/bin/python3.14"),
        ("3.9.2", "/usr/bin/python3.9"),
        ("3.12.7", "/opt/python/cp312/bin/python3.12"),
    ]
    assert pythons_in(layer, path="/usr/local/bin:/usr/bin") == [three[1], three[0], three[2]]
    layer["usr/local/bin/python"] = (SYMLINK, "python3.14")
    assert pythons_in(layer, path="/usr/local/bin:/usr/bin") == three
    assert pythons_in(layer) == three
    virtual: Files = {"venv/bin/python3": (SYMLINK, "/opt/python/cp312/bin/python3.12")}
    assert pythons_in(layer, virtual, path="/venv/bin:/usr/bin:/usr/local/bin") == [three[2], three[1], three[0]]


def test_whiteouts_that_remove_a_python() -> None:
    both = {**python("3.13.5"), **python("3.11.2", "usr")}
    assert pythons_in(both, {"usr/local/bin/.wh.python3.13": b""}) == [("3.11.2", "/usr/bin/python3.11")]
    assert pythons_in(both, {".wh.usr": b""}) == []
    assert pythons_in(both, [("usr/.wh..wh..opq", b"")], python("3.14.1")) == [("3.14.1", "/usr/local/bin/python3.14")]


def test_one_interpreter_of_several_names() -> None:
    named: list[tuple[str, What]] = [
        *python("3.13.5").items(),
        ("usr/local/bin/python3", (HARDLINK, "usr/local/bin/python3.13")),
        ("usr/local/bin/python", (SYMLINK, "python3")),
    ]
    assert pythons_in(named) == [("3.13.5", "/usr/local/bin/python3.13")]
    bare: Files = {"opt/bin/python": elf(data=b"3.12.1\0"), "opt/lib/python3.12/os.py": b""}
    assert pythons_in(bare) == [("3.12.1", "/opt/bin/python")]


@pytest.mark.parametrize(
    ("more", "version"),
    [
        ({}, "3.13"),
        ({"usr/local/bin/python3.13": elf(data=b"Python 3.13.0rc2+\0")}, "3.13.0rc2"),
        ({"usr/local/bin/python3.13": elf(data=b"13.13.7\0 3.13.7 3.12.1\0")}, "3.13"),
        ({"usr/local/lib/libpython3.13.so.1.0": b"\x003.13.4\0"}, "3.13.4"),
        ({"usr/local/lib/x86_64-linux-gnu/libpython3.13.so.1.0": b"\x003.13.4\0"}, "3.13.4"),
        ({"usr/local/include/python3.13/patchlevel.h": b'/**/\n#define PY_VERSION      "3.13.2+"\n'}, "3.13.2"),
    ],
)
def test_versions(more: Files, version: str) -> None:
    plain: Files = {"usr/local/bin/python3.13": elf(), "usr/local/lib/python3.13/os.py": b""}
    assert pythons_in({**plain, **more}) == [(version, "/usr/local/bin/python3.13")]


def test_pypy_and_python_without_a_lock() -> None:
    pypy: Files = {
        "opt/pypy/bin/pypy3.11": elf(),
        "opt/pypy/bin/python3.11": (SYMLINK, "pypy3.11"),
        "opt/pypy/lib/pypy3.11/os.py": b"",
        "opt/pypy/include/pypy3.11/patchlevel.h": b'#define PY_VERSION "3.11.13"\n#define PYPY_VERSION "7.3.20"\n',
    }
    source = image(SLIM, pypy)
    [found] = facts_in(source).pythons
    assert (found.implementation, found.version) == ("pypy", "3.11.13")
    assert found.site_packages == "/opt/pypy/lib/pypy3.11/site-packages"
    target = target_of(base(source))
    assert target and target.implementation == "pypy"
    free: Files = {"usr/bin/python3.14t": elf(data=b"3.14.0\0"), "usr/lib/python3.14t/os.py": b""}
    target = target_of(base(image(SLIM, free)))
    assert target and (target.python, target.free_threaded) == ("3.14.0", True)
    assert {abi for _, abi in target.interpreters} >= {"cp314t"}


def test_bytecode_and_optimisation() -> None:
    library = "usr/local/lib/python3.13"
    more: Files = {
        f"{library}/__pycache__/os.cpython-313.pyc": b"",
        f"{library}/_sysconfigdata__linux_.py": b"'CONFIG_ARGS': '--enable-optimizations'",
    }
    [found] = facts_in(image({**python("3.13.5"), **more})).pythons
    assert (found.stdlib_bytecode, found.optimised) == (True, True)
    [bare] = facts_in(image({"usr/bin/python3.13": elf()})).pythons
    assert (bare.stdlib_bytecode, bare.optimised, bare.version) == (None, None, "3.13")


def test_alpine() -> None:
    installed = b"C:Q1\nP:musl\nV:1.2.5-r10\nA:x86_64\nF:lib\n\nP:busybox\nV:1.37.0-r30\n\n"
    files: Files = {
        "etc/os-release": b"ID=alpine\nVERSION_ID=3.23.6\n",
        "lib/apk/db/installed": installed,
        "sbin/apk": b"",
        "bin/busybox": elf(MUSL_LOADER),
        "bin/sh": (SYMLINK, "/bin/busybox"),
        **musl("1.2.5"),
        **python("3.13.2", loader=MUSL_LOADER),
    }
    source = image(files)
    found = facts_in(source)
    assert (found.libc, found.package_manager) == (Libc(family="musl", version="1.2.5"), "apk")
    assert found.packages == (Package(name="busybox", version="1.37.0-r30"), Package(name="musl", version="1.2.5-r10"))
    system = system_of(base(source))
    assert system and (system.own, system.knows_installed) == ("alpine-3.23", True)
    assert system.installed == {"busybox", "musl"}
    silent = {**files, "lib/ld-musl-x86_64.so.1": elf()}
    assert facts_in(image(silent)).libc == Libc(family="musl", version="1.2.5")


def test_two_c_libraries() -> None:
    """The one that Python asks for counts; without a Python that of the shell."""
    both: Files = {**SLIM, **musl("1.2.5")}
    assert facts_in(image(both)).libc == Libc(family="glibc", version="2.41")
    assert facts_in(image(both, python("3.13.2", loader=MUSL_LOADER))).libc == Libc(family="musl", version="1.2.5")
    shell: Files = {"usr/bin/dash": elf(MUSL_LOADER)}
    assert facts_in(image(both, shell)).libc == Libc(family="musl", version="1.2.5")


def test_packages_that_are_not_read() -> None:
    source = image(
        {"var/lib/rpm/rpmdb.sqlite": b"x", "usr/bin/microdnf": b"", **glibc("2.34"), **python("3.12.1", "usr")}
    )
    found = facts_in(source)
    assert (found.package_database, found.packages, found.package_manager) == ("rpm", None, "microdnf")
    assert not knows_installed(base(source))


@pytest.mark.parametrize("wide", [True, False])
@pytest.mark.parametrize("order", ["<", ">"])
def test_loaders(wide: bool, order: str) -> None:
    program = elf(MUSL_LOADER, wide=wide, order=order)
    assert loader_of(program) == MUSL_LOADER
    for end in range(len(program) - len(MUSL_LOADER) - 1):
        assert not loader_of(program[:end])
    assert loader_of(None) is loader_of(b"#!/bin/sh") is None


def test_what_is_not_to_be_trusted() -> None:
    """Versions that would take for ever to count up to, names that are no text, commands to a terminal."""
    files: Files = {
        "usr/lib/x86_64-linux-gnu/libc.so.6": b"GNU C Library " * 100_000 + b"release version 2.99999999999",
        "usr/bin/python3.999999999": elf(),
        "opt/\udcff/bin/python3.12": elf(data=b"3.12.99999999\0"),
        "opt/\udcff/lib/python3.12/site-packages/pip-not.a.version.dist-info/METADATA": b"",
    }
    found = facts_in(image(files))
    assert (found.libc, [(one.version, one.path, one.pip) for one in found.pythons]) == (
        None,
        [("3.12", "/opt/?/bin/python3.12", None)],
    )


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a limit an interpreter is still found, and its version is that of its headers."""
    header: Files = {"usr/local/include/python3.13/patchlevel.h": b'#define PY_VERSION "3.13.4"\n'}
    large: Files = {**header, **python("3.13.5"), "usr/local/bin/python3.13": elf(data=b"3.13.5\0" * 100)}
    assert pythons_in(large) == [("3.13.5", "/usr/local/bin/python3.13")]
    monkeypatch.setattr(inspect_module, "_MOST_OF_ALL", 500)
    assert pythons_in(large) == [("3.13.4", "/usr/local/bin/python3.13")]


@pytest.mark.usefixtures("own_cache")
def test_a_layer_that_another_image_has_too_is_read_once() -> None:
    cache = Cache("layers")
    one = image(SLIM, python("3.13.5"))
    other = image(SLIM, python("3.13.5"), {"usr/bin/.wh.dash": b"", "etc/company": b"x"})
    strange = image({"opt/\udcff/x": b"", **python("3.13.5")})
    for source in (one, other, strange):
        assert inspect_image(source, read_image(source), cache) == facts_in(source)
    layers = [layer.descriptor.digest for layer in read_image(other).layers]
    assert [other.opened.count(layer) for layer in layers] == [1, 1, 2]
    # One whose index is another may have other files, whatever its digest.
    known = read_image(one)
    stated = [replace(layer, annotations={"index": "x"}) for layer in known.manifest.layers]
    one.opened.clear()
    inspect_image(one, replace(known, manifest=replace(known.manifest, layers=tuple(stated))), cache)
    assert one.opened == layers[:2]


@pytest.mark.usefixtures("own_cache")
def test_what_there_was_no_room_for_is_not_what_a_layer_has(monkeypatch: pytest.MonkeyPatch) -> None:
    cache, source = Cache("layers"), image(python("3.13.5"), {"usr/bin/python3.12": elf(data=b"3.12.4\0" * 100)})
    expected = facts_in(source)
    with monkeypatch.context() as tight:
        tight.setattr(inspect_module, "_MOST_OF_ALL", 500)
        assert inspect_image(source, read_image(source), cache) == facts_in(source) != expected
    assert inspect_image(source, read_image(source), cache) == expected
    with monkeypatch.context() as tight:
        tight.setattr(inspect_module, "_MOST_OF_ALL", 500)
        assert inspect_image(source, read_image(source), cache) == facts_in(source)


def test_facts_of_a_base() -> None:
    source = image(SLIM, python("3.13.5"))
    facts = base(source)
    assert (facts.python, facts.python_path, facts.pip) == ("3.13.5", "/usr/local/bin/python3.13", "25.1")
    assert (facts.date, facts.later, facts.setuptools) == (date(2026, 11, 1), False, "none")
    assert base(source, date(2025, 1, 1)).later
    assert installed_packages(facts) == {"apt", "libc6"}
    system = system_of(facts)
    assert system and (system.release, system.exact, system.compiler) == ("debian-13", True, False)
    assert not system.python_headers and "python3-dev" in system.toolchain("c")
    for created in ("long ago", "1970-01-01T00:00:00Z", "0001-01-01T00:00:00Z"):  # as reproducible builds have it
        silent = with_config(image(SLIM), ImageConfig(platform=AMD64, diff_ids=(), created=created))
        assert (base(silent).date, base(silent, date(2025, 1, 1)).date) == (TODAY, date(2025, 1, 1))


def laid_out(source: MemorySource, folder: Path) -> str:
    copy_image(source, Layout(folder))
    return f"oci:{folder}"


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.usefixtures("own_cache")
def test_a_base_without_python_has_what_its_release_installs(tmp_path: Path) -> None:
    reference = laid_out(image(SLIM), tmp_path / "image")
    facts = base_facts(reference, arch="amd64", as_of=None)
    like = base_facts("debian:13", arch="amd64", as_of=None)
    assert facts.system_python == like.system_python and like.system_python
    assert facts.added_packages == ("python3", "python3-pip")
    for number, other in enumerate(({"usr/bin/.wh.apt-get": b""}, {"usr/lib/os-release": b"ID=own\nVERSION_ID=1\n"})):
        silent = base_facts(laid_out(image(SLIM, other), tmp_path / f"{number}"), arch="amd64", as_of=None)
        assert silent.system_python is None and target_of(silent) is None


@pytest.mark.usefixtures("own_cache")
def test_the_catalogue_goes_first(tmp_path: Path) -> None:
    assert base_facts("python:3.13-slim", arch="amd64", as_of=None).userland is None
    with pytest.raises(BaseError, match=r"pyton:3.13-slim is not in the catalogue, and cannot be inspected"):
        base_facts("pyton:3.13-slim", arch="amd64", as_of=None)
    with pytest.raises(BaseError, match="is a folder") as error:
        base_facts(str(tmp_path), arch="amd64", as_of=None)
    assert f"oci:{tmp_path}" in str(error.value.hint)


@pytest.mark.usefixtures("own_cache")
def test_platforms(tmp_path: Path) -> None:
    copy_image(two_platforms(), Layout(tmp_path / "two"))
    for platform in ("linux/amd64", "linux/arm64/v8"):
        assert inspect(f"oci:{tmp_path / 'two'}", platform=platform).inspection.platform == platform


def test_layers_of_a_registry_are_fetched_once(own_cache: Path) -> None:
    source = image(SLIM, python("3.13.5"))
    registry = MemoryRegistry()
    for body in source.blobs.values():
        registry.add_blob("team/base", body)
    registry.add_manifest("team/base", "1", source.read_manifest().body)
    with FaultServer(registry) as server:
        first = inspect(f"{server.host}/team/base:1")
        fetched = len(server.asked("GET", "/blobs/"))
        assert fetched == len({layer.digest for layer in first.inspection.layers}) + 1
        assert inspect(f"{server.host}/team/base:1") == first
        for path in own_cache.glob("inspection-*/*/*"):
            path.unlink()
        assert inspect(f"{server.host}/team/base:1") == first
        assert len(server.asked("GET", "/blobs/")) == fetched
    assert first.inspection == facts_in(source)


@pytest.mark.usefixtures("own_cache")
def test_the_python_interface(tmp_path: Path) -> None:
    assert all(getattr(wheelbase, name) for name in wheelbase.__all__)
    answer = wheelbase.inspect(laid_out(image(SLIM, python("3.13.5")), tmp_path / "image"))
    assert answer.inspection.pythons[0].version == "3.13.5"


def test_the_command(cli: Cli, tmp_path: Path) -> None:
    said = ImageConfig(
        platform=AMD64,
        diff_ids=(),
        history=({"created_by": "ADD rootfs\x1b[31m # " + "x" * 300}, {"created_by": "ENV", "empty_layer": True}),
    )
    everything = {**SLIM, **python("3.13.5"), **python("3.11.2", "usr", pip=None)}
    reference = laid_out(with_config(image(everything), said), tmp_path / "image")
    done = cli("inspect", reference, env={"COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    assert "\x1b" not in done.stdout and "ADD rootfs?[31m" in done.stdout
    for line in (
        r"C library +glibc 2\.41",
        r"Python +3\.13\.5, /usr/local/bin/python3\.13, pip 25\.1",
        r" +3\.11\.2, /usr/bin/python3\.11, no pip",
        r"Packages +2 packages of dpkg; apt installs more",
    ):
        assert re.search(f"^{line}$", done.stdout, re.MULTILINE), done.stdout
    answer = json.loads(cli("inspect", reference, "--format", "json").stdout)
    assert answer["schema"] == "wheelbase.inspect/1" and answer["reference"] == reference
    assert list(answer) == [
        *("schema", "reference", "digest", "platform", "created", "os_release", "libc", "pythons", "package_manager"),
        *("package_database", "packages", "compilers", "shell", "user", "ca_store", "tzdata", "uncompressed_bytes"),
        *("compressed_bytes", "libraries", "layers"),
    ]
    assert answer["libc"] == {"family": "glibc", "version": "2.41"}
    assert [one["version"] for one in answer["pythons"]] == ["3.13.5", "3.11.2"]
    assert answer["packages"] == [{"name": "apt", "version": "3.0"}, {"name": "libc6", "version": "2.41-12"}]


@pytest.mark.parametrize("layer", [{}, {"app": b"1"}])
def test_the_command_where_nothing_is_found(cli: Cli, tmp_path: Path, layer: Files) -> None:
    done = cli("inspect", laid_out(image(layer), tmp_path / "image"), env={"COLUMNS": "80"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "no Python here" in done.stdout and "none that is known" in done.stdout


@pytest.mark.parametrize("arguments", [["oci:nowhere"], ["Not:A/Reference"], ["oci:x", "--platform", "a/b/c/d"]])
def test_the_command_where_there_is_no_image(cli: Cli, arguments: list[str]) -> None:
    done = cli("inspect", *arguments)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("error: ") and "hint: " in done.stderr and "fault of" not in done.stderr


def test_a_comparison(cli: Cli, fake_index: FakeIndex, tmp_path: Path) -> None:
    """An inspected base takes what the catalogue's base of the same C library and Python takes."""
    kinds = ("manylinux_2_40", "musllinux_1_2")
    fake_index.add("app", {f"app-1.0-cp313-cp313-{kind}_x86_64.whl": wheel("app") for kind in kinds})
    slim = laid_out(image(SLIM, python("3.13.5")), tmp_path / "slim")
    alpine = laid_out(image(musl("1.2.5"), python("3.13.5", loader=MUSL_LOADER)), tmp_path / "alpine")
    bases = (slim, "python:3.13-slim", alpine, "python:3.13-alpine")
    named = [word for one in bases for word in ("--base", one)]
    env = {"PIP_INDEX_URL": fake_index.simple}
    done = cli("compare", "app", *named, "--format", "json", env=env)
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)["bases"]
    picked = [[file["filename"] for file in row["files"]] for row in rows]
    assert picked[0] == picked[1] != picked[2] == picked[3] and all(picked)
    assert [row["base"] for row in rows] == list(bases)
    assert (
        rows[0]["python"] == "3.13.5"
        and rows[0]["base_bytes"] == facts_in(image(SLIM, python("3.13.5"))).uncompressed_bytes
    )
    told = cli("compare", "app", *named, env=env).stdout
    assert "base as catalogued or inspected" in re.sub(r"\s+", " ", told)
    assert cli("explain", "app", "--base", slim, env=env).returncode == 0


def test_scratch_cannot_be_compared(cli: Cli, tmp_path: Path) -> None:
    done = cli("compare", "app", "--base", laid_out(image({"app": b""}), tmp_path / "image"))
    assert done.returncode == 1 and "neither glibc nor musl" in done.stderr

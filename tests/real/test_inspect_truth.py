"""`wheelbase inspect` against the truth: what the image says of itself when it is run, field by field."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.contract.conftest import use_engine
from tests.real.engine import CommandFailed, Engine
from tests.real.test_compare_truth import COMPILED, STANDS_FOR

from wheelbase.bases.inspected import Inspection, Package
from wheelbase.recipes.inspect import inspect

pytestmark = pytest.mark.real

# Run by the image's own Python.
SELF_PORTRAIT = """
import ctypes, getpass, importlib.util, json, os, platform, shutil, sys, sysconfig

def loads(name):
    try:
        return bool(ctypes.CDLL(name))
    except OSError:
        return False

def version(module):
    try:
        return __import__(module).__version__
    except ImportError:
        return None

print(json.dumps({
    "os_release": platform.freedesktop_os_release(),
    "python": {
        "path": os.path.realpath(sys.executable),
        "version": platform.python_version(),
        "implementation": sys.implementation.name,
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
        "site_packages": sysconfig.get_path("purelib"),
        "pip": version("pip"),
        "setuptools": version("setuptools"),
        "wheel": version("wheel"),
        "headers": os.path.exists(sysconfig.get_path("include") + "/Python.h"),
        "stdlib_bytecode": os.path.exists(importlib.util.cache_from_source(sysconfig.get_path("stdlib") + "/os.py")),
        "optimised": any("-fprofile-use" in str(value) for value in sysconfig.get_config_vars().values()),
    },
    "compilers": [name for name in sys.argv[1].split() if shutil.which(name)],
    "user": getpass.getuser(),
    "tzdata": os.path.exists("/usr/share/zoneinfo/Europe/London"),
    "libraries": {name: loads(name) for name in sys.argv[2].split()},
}))
"""
COMPILERS = "cc gcc clang c++ g++ clang++ gfortran rustc go"
LISTINGS = {"dpkg": "dpkg-query --show --showformat '${Package} ${Version}\\n'", "apk": "apk list --installed"}


def said_by(engine: Engine, image: str, *command: str, stdin: str | None = None) -> str:
    interactive = ["--interactive"] if stdin else []
    return engine.run("run", "--rm", *interactive, "--network", "none", image, *command, stdin=stdin)


def listed_by(engine: Engine, image: str, database: str) -> set[Package]:
    lines = said_by(engine, image, "sh", "-c", LISTINGS[database]).splitlines()
    if database == "dpkg":
        return {Package(name=name, version=version) for name, version in map(str.split, lines)}
    # apk-tools-3.0.8-r0 x86_64 {apk-tools} (GPL-2.0-only) [installed]
    names = [line.split()[0].rsplit("-", 2) for line in lines]
    return {Package(name=name, version=f"{version}-{release}") for name, version, release in names}


@pytest.fixture(params=STANDS_FOR)
def name(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    base: str = request.param
    return base


def test_facts_are_what_the_image_says(
    name: str, engine: Engine, base_image: Callable[[str], str], real_base: Callable[[str], Path]
) -> None:
    found, image = inspect(f"oci:{real_base(name)}").inspection, base_image(name)
    libraries = " ".join(found.libraries)
    portrait: dict[str, Any] = json.loads(
        said_by(engine, image, "python3", "-", COMPILERS, libraries, stdin=SELF_PORTRAIT)
    )
    [python] = found.pythons
    told = portrait["python"]
    assert {key: getattr(python, key) for key in told if key != "optimised"} == {
        key: value for key, value in told.items() if key != "optimised"
    }
    assert python.optimised in (None, told["optimised"])
    assert said_by(engine, image, python.path, "-VV").startswith(f"Python {python.version} ")
    assert found.os_release == {key: value for key, value in portrait["os_release"].items() if key in found.os_release}
    assert {"ID", "VERSION_ID"} <= found.os_release.keys()
    assert (list(found.compilers), found.user, found.tzdata) == (
        portrait["compilers"],
        portrait["user"],
        portrait["tzdata"],
    )
    assert {library: bool(path) for library, path in found.libraries.items()} == portrait["libraries"]
    assert found.libc and found.libc.version
    ldd = said_by(engine, image, "sh", "-c", "ldd --version 2>&1 || true")
    assert (f"GLIBC {found.libc.version}" if found.libc.family == "glibc" else f"Version {found.libc.version}\n") in ldd
    assert found.package_database and found.packages
    assert set(found.packages) == listed_by(engine, image, found.package_database)
    assert found.package_manager and said_by(engine, image, found.package_manager, "--version")
    assert found.shell and said_by(engine, image, found.shell, "-c", "echo here") == "here\n"
    assert found.ca_store and said_by(engine, image, "sh", "-c", f"grep -c BEGIN {found.ca_store}")
    if engine.sizes_are_unpacked():
        # The engine counts the text of symbolic links too, and a few bytes of its own.
        with tarfile.open(real_base(name).with_name(f"{name}.tar")) as root:
            links = sum(len(member.linkname) for member in root if member.issym())
        assert 0 <= engine.image_bytes(image) - found.uncompressed_bytes - links < 100


def facts_alone(inspection: Inspection) -> Inspection:
    """Return what does not depend on how an image is stored, or by whom it was put there."""
    return replace(inspection, digest="", created=None, compressed_bytes=None, layers=())


def test_every_place_has_the_same_facts(
    name: str,
    engine: Engine,
    base_image: Callable[[str], str],
    real_base: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use_engine(engine, monkeypatch)
    image = base_image(name)
    engine.run("save", "--output", str(tmp_path / "saved.tar"), image)
    subprocess.run(["tar", "cf", tmp_path / "oci.tar", "-C", real_base(name), "."], check=True)
    places = [f"docker-daemon:{image}", f"docker-archive:{tmp_path}/saved.tar", f"oci-archive:{tmp_path}/oci.tar"]
    first = inspect(f"oci:{real_base(name)}").inspection
    for place in places:
        assert facts_alone(inspect(place).inspection) == facts_alone(first), place


@pytest.mark.parametrize("builder", ["0", "1"])
def test_images_that_are_built_on_it(
    name: str, builder: str, engine: Engine, base_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A virtual environment first on PATH leads to the same interpreter; what a layer removes is gone."""
    use_engine(engine, monkeypatch)
    monkeypatch.setenv("DOCKER_BUILDKIT", builder)

    def built(lines: str) -> Inspection:
        image = f"wheelbase-test/inspected-{name}:{builder}"
        engine.run("build", "--network", "none", "--tag", image, "-", stdin=f"FROM {base_image(name)}\n{lines}\n")
        return inspect(f"docker-daemon:{image}").inspection

    before = inspect(f"docker-daemon:{base_image(name)}").inspection
    try:
        after = built("RUN python3 -m venv --without-pip /venv\nENV PATH=/venv/bin:$PATH\nUSER 1234")
    except CommandFailed as error:
        if builder == "1" and "buildx" in error.output:
            pytest.skip("needs docker-buildx")
        raise
    assert (after.pythons, after.packages, after.user) == (before.pythons, before.packages, "1234")
    gone = built('RUN rm "$(readlink -f "$(command -v python3)")"')
    assert (gone.pythons, gone.packages, gone.libc) == ((), before.packages, before.libc)


Built = Callable[[str, str], Inspection]


@pytest.fixture
def built(engine: Engine, base_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Built:
    """(image, lines) -> what is found in the image of a Dockerfile, in which {NAME} is a base of the testbed."""
    use_engine(engine, monkeypatch)
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("DOCKER_BUILDKIT", "0")

    def build(image: str, lines: str) -> Inspection:
        names = {name.replace("-", "_"): base_image(name) for name in (*STANDS_FOR, "debian12-py311")}
        engine.run("build", "--network", "none", "--tag", image, "-", stdin=lines.format(**names))
        return inspect(f"docker-daemon:{image}").inspection

    return build


def test_three_pythons(built: Built, engine: Engine) -> None:
    """Of glibc and of musl, of two versions, two of them beside PATH; each runs, and is what it is said to be."""
    image = "wheelbase-test/three-pythons"
    found = built(
        image,
        """FROM {debian13_py313}
        COPY --from={debian12_py311} /usr/bin/python3.11 /opt/py311/bin/python3.11
        COPY --from={debian12_py311} /usr/lib/python3.11 /opt/py311/lib/python3.11
        COPY --from={alpine323_py313} /usr/local /opt/musl
        COPY --from={alpine323_py313} /lib/ld-musl-x86_64.so.1 /opt/musl/lib/
        """,
    )
    assert [one.path for one in found.pythons] == [
        "/usr/bin/python3.13",
        "/opt/musl/bin/python3.13",
        "/opt/py311/bin/python3.11",
    ]
    loader = ("/opt/musl/lib/ld-musl-x86_64.so.1", "--library-path", "/opt/musl/lib")
    for one in found.pythons:
        command = (*loader, one.path) if "musl" in one.path else (one.path,)
        assert said_by(engine, image, *command, "-VV").startswith(f"Python {one.version} ")
    assert found.pythons[1].pip and found.libc and found.libc.family == "glibc"


PACKAGES = (
    "base-files libc6 libgcc-s1 libstdc++6 gcc-14-base zlib1g libexpat1 libffi8 libssl3t64 libbz2-1.0 liblzma5 "
    "libpython3.13-minimal libpython3.13-stdlib python3.13-minimal python3.13 tzdata ca-certificates"
)


def test_an_image_like_distroless(built: Built, engine: Engine) -> None:
    """Python without shell, package manager and pip; dpkg's database in a file for each package."""
    image = "wheelbase-test/distroless"
    found = built(
        image,
        f"""FROM {{debian13_py313}} AS full
        RUN set -e; mkdir -p /out/etc /out/var/lib/dpkg/status.d; cp /etc/passwd /out/etc/; \\
            for p in {PACKAGES}; do \\
                dpkg-query --status "$p" | grep -v ^Status: >"/out/var/lib/dpkg/status.d/$p"; \\
                dpkg-query --control-show "$p" md5sums >"/out/var/lib/dpkg/status.d/$p.md5sums"; \\
                dpkg-query --listfiles "$p" | while read -r f; do [ ! -e "$f" ] || echo "$f"; done | \\
                    tar --create --no-recursion --files-from - 2>/dev/null | tar --extract --directory /out; \\
            done
        FROM scratch
        COPY --from=full /out /
        """,
    )
    libraries = " ".join(found.libraries)
    portrait = json.loads(said_by(engine, image, "/usr/bin/python3.13", "-", COMPILERS, libraries, stdin=SELF_PORTRAIT))
    [python] = found.pythons
    told = portrait["python"]
    assert (python.path, python.version, python.pip) == (told["path"], told["version"], told["pip"])
    assert (python.site_packages, python.stdlib_bytecode) == (told["site_packages"], told["stdlib_bytecode"])
    assert (found.user, found.tzdata, list(found.compilers)) == (portrait["user"], portrait["tzdata"], [])
    assert {library: bool(path) for library, path in found.libraries.items()} == portrait["libraries"]
    assert found.os_release["PRETTY_NAME"] == portrait["os_release"]["PRETTY_NAME"]
    assert found.package_database == "dpkg" and {one.name for one in found.packages or ()} == set(PACKAGES.split())
    assert (found.package_manager, found.shell, python.pip) == (None, None, None)
    with pytest.raises(CommandFailed):
        said_by(engine, image, "/bin/sh", "-c", "true")


def test_scratch(built: Built) -> None:
    found = built("wheelbase-test/scratch", "FROM scratch\nCOPY --from={alpine323_py313} /bin/busybox /app\n")
    assert (found.libc, found.pythons, found.packages, found.shell) == (None, (), (), None)
    assert (found.os_release, found.package_manager, found.ca_store) == ({}, None, None)
    assert found.uncompressed_bytes > 0


@pytest.mark.network
def test_an_inspected_base_takes_what_the_catalogues_takes(name: str, real_base: Callable[[str], Path]) -> None:
    bases = (f"oci:{real_base(name)}", STANDS_FOR[name])
    command = [sys.executable, "-m", "wheelbase", "compare", "matplotlib", "pandas", *COMPILED, "--format", "json"]
    done = subprocess.run(
        [*command, *(word for base in bases for word in ("--base", base))], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    inspected, catalogued = json.loads(done.stdout)["bases"]
    assert inspected["files"] == catalogued["files"] and inspected["compiles"] == catalogued["compiles"]
    assert {inspected["libc"], inspected["verdict"]} == {catalogued["libc"], catalogued["verdict"]}

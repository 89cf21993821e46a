"""`wheelbase probe` on real bases: what it finds is what is known of them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.conftest import use_engine
from tests.real.engine import Engine

from wheelbase.engines import bubblewrap
from wheelbase.engines.values import Limits
from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_source
from wheelbase.oci.reference import parse_reference
from wheelbase.probes.run import run_probes
from wheelbase.probes.table import known_hazards
from wheelbase.recipes.probe import probe

pytestmark = pytest.mark.real
DEBIAN, ALPINE = "debian13-py313", "alpine323-py313"
BUBBLEWRAP = pytest.mark.skipif(
    bubblewrap.lacks() is not None,
    reason=f"needs bubblewrap (on Debian: apt-get install bubblewrap): {bubblewrap.lacks()}",
)
BITES = {
    DEBIAN: {"dns-dead", "memory-kept", "shared-libraries", "shell"},
    ALPINE: {
        *("thread-stack", "dns-aaaa", "dns-search", "tzdata", "strftime", "allocation", "shared-libraries"),
        *("find-library", "setlocale", "posix-tz", "shell", "mime-types", "libm", "scheduler"),
    },
}
# Whether there are several processors is the machine's; the last bits of glibc are known of one architecture.
OF_THE_MACHINE = {"cpu-count", "libm"}
SERVICE = """
import json, threading

def parse(body):
    return json.loads(body)

thread = threading.Thread(target=parse, args=("[" * 7000 + "]" * 7000,))
thread.start()
thread.join()
"""


@BUBBLEWRAP
@pytest.mark.parametrize("name", [DEBIAN, ALPINE])
def test_what_bites_in_a_base(real_base: Callable[[str], Path], name: str) -> None:
    (image,) = probe([f"oci:{real_base(name)}"], engine="bubblewrap").images
    found = {one.id: one.verdict for one in image.results if one.id not in OF_THE_MACHINE}
    assert {id for id, verdict in found.items() if verdict == "bites"} == BITES[name] - OF_THE_MACHINE
    assert "unknown" not in found.values()
    assert image.identity.libc.startswith("musl 1.2" if name == ALPINE else "glibc 2.41")


@BUBBLEWRAP
def test_an_application_that_dies_there_is_told_where_and_why(real_base: Callable[[str], Path], tmp_path: Path) -> None:
    (tmp_path / "service.py").write_text(SERVICE)
    probes = probe([f"oci:{real_base(ALPINE)}"], app=tmp_path, engine="bubblewrap", only=["thread-stack"])
    assert probes.images[0].results[0].verdict == "bites"
    assert probes.relevance
    (place,) = probes.relevance[0].places
    assert (probes.relevance[0].verdict, place.file, place.line) == ("bites here", "service.py", 5)


@BUBBLEWRAP
def test_the_cure_of_the_thread_stack_cures(real_base: Callable[[str], Path]) -> None:
    cured = SERVICE.replace("thread =", "threading.stack_size(2 << 20)\nthread =")
    with (
        open_source(parse_reference(f"oci:{real_base(ALPINE)}")) as source,
        bubblewrap.opened(source, read_image(source)) as container,
    ):
        ends = [container.run(["python3", "-c", code], Limits()) for code in (SERVICE, cured)]
    assert [(ran.end, ran.status) for ran in ends] == [("killed", 11), ("exited", 0)]


def test_an_engine_finds_the_same(
    engine: Engine, base_image: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    use_engine(engine, monkeypatch)
    only = ["thread-stack", "dns-aaaa", "strftime", "user-and-tmp"]
    (image,) = probe([f"docker-daemon:{base_image(ALPINE)}"], engine="docker", only=only).images
    assert [one.verdict for one in image.results] == ["bites", "bites", "bites", "fine"], image.results


def test_podman_finds_the_same(real_base: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    if shutil.which("podman") is None or os.geteuid() != 0:
        pytest.skip("needs podman, and root for its storage (on Debian: apt-get install podman)")
    # Its storage in a folder of its own, whose path may not be long.
    with tempfile.TemporaryDirectory(prefix="pod-", dir="/tmp", ignore_cleanup_errors=True) as scratch:
        storage, settings = Path(scratch, "storage.conf"), Path(scratch, "containers.conf")
        storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{scratch}/g"\nrunroot = "{scratch}/r"\n')
        settings.write_text('[engine]\ncgroup_manager = "cgroupfs"\n')
        monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
        monkeypatch.setenv("CONTAINERS_CONF", str(settings))
        tar = real_base(ALPINE).with_name(f"{ALPINE}.tar")
        path = "ENV=PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        imported = subprocess.run(
            ["podman", "import", "--change", path, tar, "wheelbase-test:1"], capture_output=True, text=True
        )
        if imported.returncode:
            pytest.skip(f"podman does not work here: {imported.stderr.strip()[-300:]}")
        only = ["thread-stack", "dns-aaaa", "strftime", "user-and-tmp"]
        (image,) = probe(["localhost/wheelbase-test:1"], engine="podman", only=only).images
        assert [one.verdict for one in image.results] == ["bites", "bites", "bites", "fine"], image.results


@BUBBLEWRAP
def test_what_bites_in_a_base_that_is_stripped(real_base: Callable[[str], Path]) -> None:
    gone = ("etc/passwd", "etc/services", "etc/protocols", "usr/share/zoneinfo", "etc/ssl", "usr/lib/ssl", "tmp")
    programs = ("usr/sbin/ldconfig", "usr/bin/dash", "usr/bin/sh", "etc/mime.types")
    with (
        open_source(parse_reference(f"oci:{real_base(DEBIAN)}")) as source,
        bubblewrap.opened(source, read_image(source)) as container,
    ):
        places = [container.root / path for path in (*gone, *programs)]
        for place in (*places, *container.root.rglob("libgcc_s.so.1")):
            shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
        found = {one.id: one for one in run_probes(container, "python3", tuple(known_hazards().values()))}
    wanted = {"ca-store", "daemon-thread", "find-library", "mime-types", "services", "shell", "tzdata", "user-and-tmp"}
    assert {id for id in wanted if found[id].verdict != "bites"} == set(), found

"""Services that a base's hazards end: `probe` says where, they really die, `build --cure` mends them, they live."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from wheelbase.deb.mirrors import knows_mirror
from wheelbase.engines import bubblewrap
from wheelbase.engines.bubblewrap import Bubblewrap
from wheelbase.engines.values import Limits
from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_source
from wheelbase.oci.reference import parse_reference
from wheelbase.probes.run import Result, run_probes
from wheelbase.probes.table import known_hazards, script_text
from wheelbase.recipes.probe import probe

pytestmark = [
    pytest.mark.real,
    pytest.mark.network,
    pytest.mark.skipif(
        bubblewrap.lacks() is not None,
        reason=f"needs bubblewrap (on Debian: apt-get install bubblewrap): {bubblewrap.lacks()}",
    ),
]
ALPINE = "alpine323-py313"
SERVICE = """\
import json
from datetime import datetime

import httpx
from fastapi import Body, FastAPI

app = FastAPI()


@app.post("/parsed")
def parsed(body: str = Body(media_type="text/plain")):
    return len(json.loads(body))


@app.get("/hour")
async def hour():
    return int(datetime(2024, 7, 4, 15, 5).strftime("%l:%M %P").split(":")[0])


@app.get("/upstream")
async def upstream():
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.get("http://nx6.test:8001/")).status_code
"""
# Which line of it is whose, and the request that finds it out.
CASES = {"thread-stack": (12, "/parsed"), "strftime": (17, "/hour"), "dns-aaaa": (4, "/upstream")}
# Runs in the image: the service, what it calls, a name server that fails for IPv6, and one request.
DRIVER = """
import http.client, http.server, json, subprocess, sys, threading, time
names = {"__name__": "names"}
exec(sys.argv[2].replace("(10, 0, 0, 1)", "(127, 0, 0, 1)"), names)
listening = names["socket"].socket(names["socket"].AF_INET, names["socket"].SOCK_DGRAM)
listening.bind((names["FIRST"], 53))
threading.Thread(target=names["serve"], args=(listening, names["FIRST"]), daemon=True).start()
names["Path"]("/etc/resolv.conf").write_text(names["SERVER"])
upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 8001), http.server.SimpleHTTPRequestHandler)
threading.Thread(target=upstream.serve_forever, daemon=True).start()
service = subprocess.Popen([sys.executable, "-m", "uvicorn", "service:app"], cwd="/app", stderr=subprocess.DEVNULL)
said = {}
for _ in range(100):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", 8000)
        connection.connect()
        break
    except OSError:
        time.sleep(0.2)
        if service.poll() is not None:
            break
try:
    body = "[" * 7000 + "]" * 7000 if sys.argv[1] == "/parsed" else None
    connection.request("POST" if body else "GET", sys.argv[1], body, {"Content-Type": "text/plain"})
    answer = connection.getresponse()
    said = {"status": answer.status, "body": answer.read().decode()}
except (OSError, http.client.HTTPException) as error:
    said = {"error": type(error).__name__}
    service.wait(10)
print(json.dumps({"ended": service.poll(), **said}))
service.kill()
"""
DIED: dict[str, dict[str, Any]] = {
    "thread-stack": {"ended": -11, "error": "RemoteDisconnected"},
    "strftime": {"ended": None, "status": 500, "body": "Internal Server Error"},
    "dns-aaaa": {"ended": None, "status": 500, "body": "Internal Server Error"},
}
LIVES = {"thread-stack": "1", "strftime": "3", "dns-aaaa": "200"}


CURES = {hazard.id: hazard.image for hazard in known_hazards().values() if hazard.image}
PACKAGES = [name for name, cure in CURES.items() if cure.debs]
OF_ANY_BASE = [name for name, cure in CURES.items() if not cure.debs and not cure.libraries]
# What is taken out of an image first, where the base lacks nothing.
STRIPPED = {"ca-store": "etc/ssl"}
NEEDS_MIRROR = pytest.mark.skipif(
    not knows_mirror(), reason="needs a mirror of Debian's packages, as apt is set up with one"
)


def built(folder: Path, output: str, *arguments: str) -> str:
    """Build an image of a folder, and return its reference."""
    image = f"oci:{folder.parent / output}"
    command = [sys.executable, "-m", "wheelbase", "build", str(folder), "--no-bytecode", "-o", image, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return image


def application(folder: Path, service: str, requirements: str) -> Path:
    made = folder / "app"
    made.mkdir()
    (made / "service.py").write_text(service)
    (made / "requirements.txt").write_text(requirements)
    return made


@contextmanager
def opened(image: str) -> Iterator[Bubblewrap]:
    with open_source(parse_reference(image)) as source, bubblewrap.opened(source, read_image(source)) as container:
        yield container


def answers(container: Bubblewrap, path: str) -> dict[str, Any]:
    ran = container.run(["python3", "-c", DRIVER, path, script_text("dns")], Limits())
    said: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])  # before it the service tells of the request
    return said


def probed(container: Bubblewrap, hazard: str) -> Result:
    (result,) = run_probes(container, "python3", [known_hazards()[hazard]])
    return result


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return application(tmp_path_factory.mktemp("cases"), SERVICE, "fastapi\nuvicorn\nhttpx\n")


@pytest.fixture(scope="module")
def plain(service: Path, real_base: Callable[[str], Path]) -> Iterator[Bubblewrap]:
    with opened(built(service, "plain", "--base", f"oci:{real_base(ALPINE)}")) as container:
        yield container


@pytest.fixture(scope="module")
def cured(service: Path, real_base: Callable[[str], Path]) -> Iterator[Bubblewrap]:
    cures = [word for name in OF_ANY_BASE for word in ("--cure", name)]
    with opened(built(service, "cured", "--base", f"oci:{real_base(ALPINE)}", *cures)) as container:
        yield container


def test_a_probe_says_where_the_service_is_bitten(service: Path, real_base: Callable[[str], Path]) -> None:
    probes = probe([f"oci:{real_base(ALPINE)}"], app=service, only=list(CASES), engine="bubblewrap")
    assert {one.verdict for one in probes.images[0].results} == {"bites"}
    assert probes.relevance
    for hazard, relevance in zip(probes.hazards, probes.relevance, strict=True):
        places = [(place.file, place.line) for place in relevance.places]
        assert places == [("service.py", CASES[hazard.id][0])]


@pytest.mark.parametrize("hazard", CASES)
def test_a_service_that_dies_lives_when_it_is_cured(plain: Bubblewrap, cured: Bubblewrap, hazard: str) -> None:
    _, path = CASES[hazard]
    assert answers(plain, path) == DIED[hazard]
    assert answers(cured, path) == {"ended": None, "status": 200, "body": LIVES[hazard]}


@pytest.mark.parametrize("hazard", OF_ANY_BASE)
def test_each_cure_cures(plain: Bubblewrap, cured: Bubblewrap, hazard: str) -> None:
    for container in (plain, cured):
        if hazard in STRIPPED:
            shutil.rmtree(container.root / STRIPPED[hazard], ignore_errors=True)
    assert [probed(container, hazard).verdict for container in (plain, cured)] == ["bites", "fine"]


def test_what_is_done_is_told(cured: Bubblewrap, service: Path) -> None:
    with open_source(parse_reference(f"oci:{service.parent / 'cured'}")) as source:
        config = read_image(source).config
    assert config.labels["wheelbase.cures"] == " ".join(OF_ANY_BASE)
    said = [entry.get("created_by") for entry in config.history]
    assert ", ".join(f"cure of {name}" for name in OF_ANY_BASE) in said


def test_what_packages_lack_is_found_in_their_wheels(real_base: Callable[[str], Path], tmp_path: Path) -> None:
    folder, base = application(tmp_path, "print('hello')\n", "pyodbc\n"), f"oci:{real_base(ALPINE)}"
    only = ["shared-libraries"]
    probes = probe([base], app=folder, packages=True, only=only, engine="bubblewrap")
    assert probes.relevance
    assert probes.relevance[0].verdict == "bites here"
    (place,) = probes.relevance[0].places
    assert (place.package, place.what) == ("pyodbc", f"pyodbc needs libodbc.so.2, which {base} lacks")


@NEEDS_MIRROR
def test_a_missing_library_is_added(tmp_path: Path) -> None:
    folder = application(tmp_path, "import pyodbc\n\nprint(pyodbc.drivers())\n", "pyodbc\n")
    probes = probe(["deb:trixie"], app=folder, only=["shared-libraries"], engine="bubblewrap")
    assert probes.images[0].results[0].verdict == "bites"
    assert probes.relevance
    assert [(place.file, place.line) for place in probes.relevance[0].places] == [("service.py", 1)]
    with opened(built(folder, "plain", "--base", "deb:trixie")) as container:
        ran = container.run(["python3", "/app/service.py"], Limits())
        assert (ran.status, b"libodbc.so.2: cannot open" in ran.stderr) == (1, True)
    with opened(built(folder, "cured", "--base", "deb:trixie", "--cure", "shared-libraries")) as container:
        assert container.run(["python3", "/app/service.py"], Limits()).stdout == b"[]\n"
        assert "libodbc.so.2" not in probed(container, "shared-libraries").observed["absent"]


@NEEDS_MIRROR
@pytest.mark.parametrize("hazard", PACKAGES)
def test_packages_cure(tmp_path: Path, hazard: str) -> None:
    folder = application(tmp_path, "print('hello')\n", "six\n")
    found = []
    for output, arguments in (("plain", ()), ("cured", ("--cure", hazard))):
        with opened(built(folder, output, "--base", "deb:trixie", *arguments)) as container:
            found.append(probed(container, hazard).verdict)
    assert found == ["bites", "fine"]

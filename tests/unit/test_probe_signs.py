"""What in an application's code tells of a hazard, and what only looks like it."""

from __future__ import annotations

from pathlib import Path
from zipfile import ZipFile

import pytest

from wheelbase.errors import SourceError
from wheelbase.probes.application import places_in, relevance_of
from wheelbase.probes.packages import places_in_wheel

FOUND = [
    ("strftime", "import time\ntime.strftime('%l:%M %P')"),
    ("strftime", "now.strftime('%d.%m. 100%')"),
    ("strftime", "text = f'{now:%^a}'"),
    ("strftime", "import logging\nlogging.basicConfig(datefmt='%H:%M:%S.%N')"),
    ("find-library", "from ctypes.util import find_library\nfind_library('magic')"),
    ("find-library", "import ctypes\nctypes.CDLL(None).malloc_trim(0)"),
    ("setlocale", "import locale\nlocale.setlocale(locale.LC_ALL, 'de_DE.UTF-8')"),
    ("tzdata", "from zoneinfo import ZoneInfo\nZoneInfo('Europe/Paris')"),
    ("tzdata", "import os\nos.environ['TZ'] = 'Europe/Paris'"),
    ("posix-tz", "import os\nos.environ['TZ'] = 'EST5EDT'"),
    ("scheduler", "import os\nos.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))"),
    ("services", "import socket as s\ns.getservbyname('http')"),
    ("shell", "import subprocess\nsubprocess.run(['bash', '-c', 'x'])"),
    ("shell", "import os\nos.system('ps -p 1')"),
    ("daemon-thread", "import threading\nthreading.Thread(target=print, daemon=True)"),
    ("ca-store", "import ssl\nssl.create_default_context()"),
    ("thread-stack", "import json, threading\ndef work(): json.loads(x)\nthreading.Thread(target=work).start()"),
    ("thread-stack", "import json, asyncio\nasync def f(x): await asyncio.to_thread(json.loads, x)"),
    ("thread-stack", "import json\nfrom concurrent.futures import ThreadPoolExecutor as P\nP().map(json.loads, x)"),
    (
        "thread-stack",
        "import json\nfrom anyio import to_thread\nasync def f(x): await to_thread.run_sync(json.loads, x)",
    ),
    ("thread-stack", "import json, asyncio\ndef f(): return g()\ndef g(): json.loads(x)\nasyncio.to_thread(f)"),
    ("thread-stack", "import json\nfrom fastapi import FastAPI\n@app.post('/')\ndef handler(body): json.loads(body)"),
    (
        "thread-stack",
        "import json, http.server\nclass H(http.server.BaseHTTPRequestHandler):\n"
        "    def do_POST(self): json.load(self.rfile)\nhttp.server.ThreadingHTTPServer(('', 1), H)",
    ),
    (
        "thread-stack",
        "import json\nfrom concurrent.futures import ThreadPoolExecutor\n"
        "class A:\n    def parse(self): json.loads(x)\n    def go(self, pool): pool.submit(self.parse)",
    ),
]
UNSURE = [
    ("thread-stack", "import json, threading\njson.loads(x)\nthreading.Thread(target=print)"),
    ("thread-stack", "from flask import request\n@app.post('/')\ndef handler(): return request.get_json()"),
    ("thread-stack", "import flask, json\n@app.route('/')\ndef a(): return b()\ndef b(): return json.loads(x)"),
    ("shell", "import subprocess\nsubprocess.run('ls', shell=True)"),
    ("allocation", "import numpy as np"),
    ("dns-aaaa", "import requests"),
    ("find-library", "import ctypes.util\nctypes.CDLL(ctypes.util.find_library('c'))"),
    ("ca-store", "import ssl\nc = ssl.create_default_context()\nc.verify_mode = ssl.CERT_NONE"),
]
NOT_FOUND = [
    "now.strftime('%Y-%m-%d %H:%M:%S %p %% %-d %e %j')",
    "now.strftime('100%% of %Y')",
    "print('%P'); text = f'{x:%}{y:.1%}'",
    "import json\njson.loads(x)",
    "import flask, json\njson.loads(x)",
    "import json\nfrom fastapi import FastAPI\n@app.post('/')\nasync def handler(body): json.loads(body)",
    "import json, threading\ndef work(): json.loads(x)\nthreading.Thread(target=work)\nthreading.stack_size(2 << 20)",
    "import locale\nlocale.setlocale(locale.LC_ALL, '')",
    "def find_library(x): ...\nfind_library('magic')",
    "from zoneinfo import ZoneInfo\nZoneInfo('UTC')",
    "import ssl\nssl.create_default_context(cafile='x')",
    "import ssl\nssl.create_default_context(ssl.Purpose.CLIENT_AUTH)",
    "import subprocess\nsubprocess.run(['ls', '-l'])",
    "import threading\nthreading.Thread(target=print)",
    "import os\nos.environ['TZ'] = 'EST5EDT,M3.2.0,M11.1.0'",
]


def verdicts(folder: Path, code: str) -> dict[str, str]:
    (folder / "app.py").write_text(code)
    places = places_in(folder)
    return {hazard: relevance_of(places, hazard).verdict for hazard in places}


@pytest.mark.parametrize(("hazard", "code"), FOUND)
def test_what_bites_is_found(tmp_path: Path, hazard: str, code: str) -> None:
    assert verdicts(tmp_path, code).get(hazard) == "bites here"


@pytest.mark.parametrize(("hazard", "code"), UNSURE)
def test_what_may_bite_is_called_so(tmp_path: Path, hazard: str, code: str) -> None:
    assert verdicts(tmp_path, code).get(hazard) == "may bite"


@pytest.mark.parametrize("code", NOT_FOUND)
def test_what_does_not_is_left_alone(tmp_path: Path, code: str) -> None:
    assert verdicts(tmp_path, code) == {}


def test_places_have_their_lines(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg/a.py").write_text("import requests\n\n\nnow.strftime('%P')\n")
    (place,) = relevance_of(places_in(tmp_path), "strftime").places
    assert (place.file, place.line, place.what) == ("pkg/a.py", 4, "strftime with %P")


def test_large_stacks_in_one_file_clear_the_others(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text("import threading\nthreading.stack_size(16 * 1024 * 1024)")
    code = "import json, threading\ndef work(): json.loads(x)\nthreading.Thread(target=work)"
    assert verdicts(tmp_path, code) == {}


def test_tzdata_of_the_package_index_is_what_zoneinfo_needs(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("tzdata==2026.1\n")
    assert verdicts(tmp_path, "from zoneinfo import ZoneInfo\nZoneInfo('Europe/Paris')") == {}
    assert verdicts(tmp_path, "import os\nos.environ['TZ'] = 'Europe/Paris'") == {"tzdata": "bites here"}


def test_what_is_no_application_is_not_read(tmp_path: Path) -> None:
    for name in ("tests/x.py", ".venv/x.py", "mine/x.py", "test_x.py", "site_macos.py", "broken.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("now.strftime('%P')" if name != "broken.py" else "def (")
    (tmp_path / "mine/pyvenv.cfg").touch()
    assert places_in(tmp_path) == {}
    with pytest.raises(SourceError, match="is no folder"):
        places_in(tmp_path / "nowhere")


CONTAINERS = [
    ("Dockerfile", "FROM x\nENV TZ=Europe/Paris\n", {"tzdata": "bites here"}),
    ("Dockerfile", 'ENV A=1 TZ="EST5EDT"', {"posix-tz": "bites here"}),
    ("prod.Dockerfile", "ENV LANG de_DE.UTF-8", {"setlocale": "may bite"}),
    ("Containerfile", "FROM x\nUSER 1000:1000", {"user-and-tmp": "may bite"}),
    ("Dockerfile.web", "USER web\nENV LC_ALL=C.UTF-8 TZ=UTC", {}),
    ("Dockerfile", "RUN apk add tzdata\nENV TZ=Europe/Paris", {}),
    ("Dockerfile", "# ENV TZ=Europe/Paris\nRUN echo TZ=Europe/Paris", {}),
    ("compose.yaml", "services:\n  a:\n    environment:\n      - TZ=Europe/Paris", {"tzdata": "bites here"}),
    ("docker-compose.prod.yml", "a:\n  environment:\n    TZ: Europe/Paris", {"tzdata": "bites here"}),
    ("compose.yml", "a:\n  dns_search: corp.test", {"dns-search": "may bite"}),
    ("other.yml", "a:\n  dns_search: corp.test", {}),
]


@pytest.mark.parametrize(("name", "text", "wanted"), CONTAINERS)
def test_what_describes_containers_is_read(tmp_path: Path, name: str, text: str, wanted: dict[str, str]) -> None:
    (tmp_path / name).write_text(text)
    places = places_in(tmp_path)
    assert {hazard: relevance_of(places, hazard).verdict for hazard in places} == wanted


def test_a_wheel_is_read_for_what_is_sure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))
    path = tmp_path / "a-1-py3-none-any.whl"
    with ZipFile(path, "w") as wheel:
        wheel.writestr("a/x.py", "import requests\n\nnow.strftime('%P')\n")
        wheel.writestr("a/tests/test_y.py", "now.strftime('%P')\n")
        wheel.writestr("a/z.py", "def (")
    for _ in range(2):  # the second time it is known by its hash
        ((hazard, place),) = places_in_wheel(path, path.name, "0" * 64, "a")
        assert (hazard, place.file, place.line, place.package, place.sure) == ("strftime", "a/x.py", 3, "a", False)
    path.write_bytes(b"no wheel")
    assert list(places_in_wheel(path, path.name, "1" * 64, "a")) == []


def test_hazards_without_signs_say_so() -> None:
    assert relevance_of({}, "memory-kept").verdict == "not looked for"
    assert relevance_of({}, "strftime").verdict == "not found"

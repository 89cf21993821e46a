"""What a build does against hazards, and what it refuses to do."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from tarfile import open as open_tar

import pytest
from packaging.requirements import Requirement
from tests.conftest import Cli
from tests.fake_index import FakeIndex
from tests.unit.test_build import LIBRARY, base, built, files_of, index
from tests.unit.test_report import SLIM

import wheelbase.probes
from wheelbase.bases.target import target_of
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.oci.store import Store
from wheelbase.probes.table import known_hazards
from wheelbase.project.values import Package, Requirements
from wheelbase.recipes.cures import LABEL, check_cures, cure_env, cure_layer, cures_of, debs_of, with_cures
from wheelbase.wheels.install import VenvPython

__all__ = ["base", "index"]  # fixtures
PYTHON = VenvPython(version=(3, 13))
FOLDER = Path(wheelbase.probes.__file__).parent / "cures"
WANTED = Requirements(source="x", requirements=(Requirement("six"),))
# Imports a cure as if the C library were musl, which gives "" for what it does not know.
AS_MUSL = """
import sys, time
genuine = time.strftime
def musl(format, *when):
    checked = format.replace("%%", "")
    lost = any(one in checked for one in ("%P", "%k", "%l", "%N", "%^", "%#", "%_#")) or checked.endswith("%")
    return "" if lost else genuine(format, *when)
time.strftime = musl
sys.path.insert(0, sys.argv[1])
import strftime
moment = time.struct_time((2024, 7, 4, 15, 5, 3, 3, 186, 0))
for format in sys.argv[2:]:
    print(time.strftime(format, moment) == genuine(format, moment), time.strftime(format, moment))
import datetime
print(datetime.datetime(2024, 7, 4, 15, 5).strftime("%l:%M %P") == " 3:05 pm", f"{datetime.date(2024, 7, 4):%^a}")
"""


def test_a_hazard_that_is_not_known_or_cannot_be_cured_is_refused() -> None:
    assert list(cures_of(["strftime", "thread-stack"])) == ["thread-stack", "strftime"]
    with pytest.raises(RequirementsError, match="no hazard nonsense"):
        cures_of(["nonsense"])
    with pytest.raises(RequirementsError, match="no build cures libm") as caught:
        cures_of(["libm"])
    assert caught.value.hint == known_hazards()["libm"].cure


def test_packages_of_python_are_added_where_they_may_be() -> None:
    cures = cures_of(["tzdata"])
    assert [str(one) for one in with_cures(WANTED, cures).requirements] == ["six", "tzdata"]
    pinned = replace(WANTED, requirements=(Requirement("tzdata==2026.1"),), complete=True)
    assert with_cures(pinned, cures) == pinned
    for closed in (replace(WANTED, complete=True), replace(WANTED, locked=())):
        with pytest.raises(RequirementsError, match="everything pinned, and not tzdata"):
            with_cures(closed, cures)
    locked = replace(WANTED, locked=(Package(name="tzdata", version=target_of(SLIM).full_python),))  # type: ignore[union-attr,arg-type]
    assert with_cures(locked, cures) == locked


def test_packages_of_the_system_are_for_bases_of_debian_s() -> None:
    assert "bash" in debs_of(cures_of(["shell"]), "deb:trixie")
    assert debs_of(cures_of(["strftime"]), "oci:x") == ()
    for name in ("shell", "shared-libraries"):
        with pytest.raises(BaseError, match=f"--cure {name} adds packages"):
            debs_of(cures_of([name]), "oci:x")


def test_an_interpreter_that_would_not_start_is_not_given_what_it_does_not_know() -> None:
    cures = cures_of(["allocation"])
    new, old = target_of(replace(SLIM, python="3.13.1")), target_of(replace(SLIM, python="3.12.1"))
    assert new and old
    check_cures(cures, new)
    with pytest.raises(BaseError, match="for Python >=3\\.13"):
        check_cures(cures, old)
    assert cure_env(cures, PYTHON) == {"PYTHONMALLOC": "mimalloc"}


def test_a_layer_has_the_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert cure_layer(cures_of(["allocation"]), PYTHON, store) is None
    written = cure_layer(cures_of(["thread-stack", "tzdata", "mime-types"]), PYTHON, store)
    assert written
    path = store.find(written.digest)
    assert path
    with open_tar(path) as layer:
        found = {member.name.rstrip("/"): member for member in layer if not member.isdir()}
        site = "opt/venv/lib/python3.13/site-packages"
        assert found.keys() == {
            "usr/local/etc/mime.types",
            "usr/share/zoneinfo",
            f"{site}/wheelbase_cure_thread_stack.pth",
            f"{site}/wheelbase_cure_thread_stack.py",
        }
        assert found["usr/share/zoneinfo"].linkname == f"/{site}/tzdata/zoneinfo"


def test_strftime_is_then_as_with_glibc() -> None:
    formats = [
        "%P",
        "%l:%M %k",
        "%-l %_l %0k",
        "%^a %#B %#p %^p",
        "%N",
        "100%",
        "%%P %d%%",
        "%Y-%m-%d %H:%M:%S",
        "%%%P",
    ]
    done = subprocess.run([sys.executable, "-c", AS_MUSL, FOLDER, *formats], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if not line.startswith("True")] == []


def test_threads_get_large_stacks() -> None:
    code = "import sys, threading; sys.path.insert(0, sys.argv[1]); import thread_stack; print(threading.stack_size())"
    done = subprocess.run([sys.executable, "-c", code, FOLDER], capture_output=True, text=True)
    assert done.stdout == f"{8 << 20}\n", done.stderr


def test_addresses_are_asked_for_in_turn() -> None:
    code = """
import sys, _socket
sys.path.insert(0, sys.argv[1])
asked = []
def answer(host, port, family=0, type=0, proto=0, flags=0):
    asked.append(family)
    if family == _socket.AF_INET and host == "six.test":
        raise _socket.gaierror(-2, "no")
    return [family]
_socket.getaddrinfo = answer
import dns_aaaa, socket
_socket.getaddrinfo("four.test", 80); _socket.getaddrinfo("six.test", 80); _socket.getaddrinfo(None, 80)
_socket.getaddrinfo("x", 80, family=socket.AF_INET6)
print(asked == [socket.AF_INET, socket.AF_INET, socket.AF_INET6, 0, socket.AF_INET6])
"""
    done = subprocess.run([sys.executable, "-c", code, FOLDER], capture_output=True, text=True)
    assert done.stdout == "True\n", done.stderr


def test_a_build_says_what_it_has_done(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    cures = ("--cure", "allocation", "--cure", "thread-stack")
    built(cli, index, "app", "--base", base, *cures, "--env", "A=1", "-o", f"oci:{tmp_path}/made")
    found, files = files_of(tmp_path / "made")
    assert files[f"{LIBRARY}/wheelbase_cure_thread_stack.pth"] == b"import wheelbase_cure_thread_stack\n"
    assert (found.config.env_var("PYTHONMALLOC"), found.config.env_var("A")) == ("mimalloc", "1")
    assert found.config.labels[LABEL] == "thread-stack allocation"
    assert found.config.history[-1]["created_by"] == "cure of thread-stack, cure of allocation"


def test_what_a_build_cannot_cure_stops_it(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    env = {"PIP_INDEX_URL": index.simple, "NO_COLOR": "1"}
    for name in ("libm", "nonsense", "shell"):
        done = cli("build", "app", "--base", base, "--cure", name, "-o", f"oci:{tmp_path}/made", env=env)
        assert done.returncode == 1 and name in done.stderr
    assert not (tmp_path / "made").exists()

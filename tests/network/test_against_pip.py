"""The files that `fit` chooses against those that a recent pip takes, on the real index.

pip runs under the interpreter of the tests, so that markers mean the same to both. Other C libraries and machines are
asked of it with `--platform`, which goes with wheels alone; what comes as a source archive is asked for this machine.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import venv
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.bases.target import Target
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import FormatControl, user_settings
from wheelbase.pins import Asked
from wheelbase.project.values import Requirements
from wheelbase.recipes.fit import fit

pytestmark = [
    pytest.mark.network,
    pytest.mark.skipif(sys.platform != "linux", reason="pip answers for the machine it runs on, and this is of Linux"),
]

PIP = "pip>=26.1"
Pip = Callable[..., frozenset[str]]


@dataclass(frozen=True, kw_only=True)
class Application:
    """What is asked for, and where. `sources` lets source archives in, on this machine only."""

    requirements: tuple[str, ...]
    bases: tuple[str, ...] = ("glibc 2.41", "musl 1.2")
    machine: str = "x86_64"
    as_of: date | None = None
    sources: bool = False


APPLICATIONS = {
    "web": Application(requirements=("fastapi[standard]", "sqlalchemy[asyncio]", "psycopg[binary]", "cryptography")),
    "data": Application(requirements=("pandas", "matplotlib", "scipy"), bases=("glibc 2.28", "musl 1.2")),
    "arm": Application(requirements=("numpy", "lxml", "cryptography", "uvloop"), machine="aarch64"),
    # Pre-releases that nothing but other packages asks for.
    "telemetry": Application(requirements=("opentelemetry-distro", "opentelemetry-exporter-otlp"), bases=("musl 1.2",)),
    "pinned": Application(
        requirements=("Flask==2.0.3", "Werkzeug==2.0.3", "SQLAlchemy==1.4.49", "Flask-SQLAlchemy==2.5.1", "requests"),
        bases=("glibc 2.31",),
        as_of=date(2023, 9, 1),
    ),
    "yanked": Application(requirements=("attrs==21.1.0",), bases=("glibc 2.41",)),
    "limits": Application(requirements=("urllib3<2", "requests", "boto3<1.35", "pandas<3"), bases=("glibc 2.41",)),
    "sources": Application(requirements=("docopt", "termcolor", "odfpy"), sources=True),
}


@pytest.fixture(scope="module")
def clean() -> dict[str, str]:
    """An environment without the user's settings of pip and uv, beyond what it takes to reach the network."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "UV_"))}
    reach = {k: os.environ[k] for k in ("PIP_CERT", "PIP_PROXY", "PIP_INDEX_URL") if k in os.environ}
    return kept | reach | {"PIP_CONFIG_FILE": os.devnull, "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory, clean: dict[str, str]) -> Pip:
    """Ask pip, in an environment of its own, which files it would take."""
    folder = tmp_path_factory.mktemp("pip")
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    run = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*run, PIP], env=clean, check=True, stdin=subprocess.DEVNULL)

    def files_taken(*arguments: str) -> frozenset[str]:
        command = [*run, "--dry-run", "--ignore-installed", "--report", "-", *arguments]
        done = subprocess.run(command, env=clean, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        urls = [item["download_info"]["url"] for item in json.loads(done.stdout)["install"]]
        return frozenset(unquote(urlsplit(url).path.rpartition("/")[2]) for url in urls)

    return files_taken


def target_for(base: str, machine: str) -> Target:
    libc, _, version = base.partition(" ")
    return Target(
        python=platform.python_version(),
        libc="musl" if libc == "musl" else "glibc",
        libc_version=tuple(map(int, version.split("."))),
        machine=machine,
    )


def predicted(application: Application, target: Target) -> frozenset[str]:
    control = FormatControl(only_binary=frozenset([] if application.sources else [":all:"]))
    settings = replace(user_settings(), format_control=control)
    asked = Asked(
        requirements=Requirements(source="test", requirements=tuple(map(Requirement, application.requirements))),
        settings=settings,
        python=target.python_minor,
        as_of=application.as_of,
    )
    libc_version = ".".join(map(str, target.libc_version))
    facts = BaseFacts(image="", arch="amd64", date=date.today(), libc=target.libc, libc_version=libc_version, source="")
    found = fit(asked, facts, target, Index(Client(settings), settings))
    return frozenset(one.taken.filename if one.taken else f"no file of {one.package.name}" for one in found.picked)


CASES = [(name, base) for name, one in APPLICATIONS.items() for base in (one.bases if not one.sources else ("",))]


@pytest.mark.parametrize(("name", "base"), CASES)
def test_the_files_are_pip_s(
    name: str, base: str, pip: Pip, clean: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in os.environ.keys() - clean.keys():
        monkeypatch.delenv(variable)
    for variable, value in clean.items():
        monkeypatch.setenv(variable, value)
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path))
    application = APPLICATIONS[name]
    arguments = list(application.requirements)
    if application.as_of:
        arguments += ["--uploaded-prior-to", str(application.as_of + timedelta(days=1)) + "T00:00:00Z"]
    if application.sources:
        libc, version = platform.libc_ver()
        if libc != "glibc":
            pytest.skip("needs a machine with glibc")
        target = target_for(f"glibc {version}", platform.machine())
    else:
        target = target_for(base, application.machine)
        arguments += ["--only-binary", ":all:", "--target", str(tmp_path / "nothing")]
        arguments += [word for one in target.platforms() for word in ("--platform", one)]
    assert predicted(application, target) == pip(*arguments)


def test_the_pip_asked_is_a_recent_one(pip: Pip) -> None:
    (taken,) = pip("--no-deps", PIP)
    assert Version(taken.split("-")[1]) >= Version("26.1")

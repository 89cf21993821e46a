"""Research with real builds: Debian with Python and nothing else, source archives, and what their logs ask for."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from tests.real.engine import CommandFailed, Engine
from tests.real.pip_truth import MOUNT
from tests.real.pip_truth import _settings as pip_settings

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.research.loop import Attempt, Tried, research
from wheelbase.research.lost import libraries_needed
from wheelbase.system.platform import System, system_of

pytestmark = [pytest.mark.real, pytest.mark.network]
TOOLCHAIN = {"gcc", "libc6-dev", "python3-dev"}
# What each needs besides, as its documentation says (by the names that Debian mostly asks for), and what it loads.
NEEDED = {
    "netifaces==0.11.0": (set[str](), set[str]()),
    "psycopg2==2.9.10": ({"libpq-dev"}, {"libpq.so.5"}),
    "python-ldap==3.4.4": ({"libldap2-dev", "libsasl2-dev"}, {"libldap.so.2", "liblber.so.2"}),
}
INSTALL = "apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-unsafe-io"
BUILD = "python3 -m pip wheel --no-cache-dir --no-deps --no-binary {name} --wheel-dir {mount}/wheels {requirement}"


@pytest.fixture(scope="module")
def debian() -> System:
    """The system of a Debian 13 that has nothing of a build."""
    found = system_of(load_catalogue().find("debian:trixie-slim", arch="amd64", on=date(2026, 11, 25)))
    assert found is not None
    return found


@pytest.fixture(scope="module")
def image(engine: Engine, base_image: Callable[[str], str]) -> str:
    """The base with apt's lists, so that no build fetches them again."""
    asked = subprocess.run(["apt-config", "dump", "Acquire"], capture_output=True, text=True, check=True).stdout
    own = "\n".join(line for line in asked.splitlines() if "proxy" in line.lower() or "check-valid" in line.lower())
    prepare = "cat >/etc/apt/apt.conf.d/90host && apt-get update -qq"
    command = ("run", "--interactive", "--name", "research-base", "--network", "host", base_image("debian13-py313"))
    try:
        engine.run(*command, "sh", "-c", prepare, stdin=own + "\n")
        engine.run("commit", "research-base", "wheelbase-test/research")
    finally:
        engine.run("rm", "--force", "research-base")
    return "wheelbase-test/research"


def attempts(engine: Engine, image: str, requirement: str, folder: Path) -> Attempt:
    """Return builds of a requirement in a fresh container each; the wheel goes to `folder`/wheels."""
    (folder / "environment").write_text("".join(f"{key}={value}\n" for key, value in pip_settings(folder).items()))
    build = BUILD.format(name=requirement.partition("==")[0], mount=MOUNT, requirement=requirement)

    def attempt(packages: tuple[str, ...]) -> Tried:
        script = f"{INSTALL} {' '.join(packages)} && {build}" if packages else build
        mounts = ("--volume", f"{folder}:{MOUNT}", "--volume", "/tmp", "--env-file", f"{folder}/environment")
        try:
            log = engine.run("run", "--rm", "--network", "host", *mounts, image, "sh", "-c", f"({script}) 2>&1")
        except CommandFailed as failed:
            return Tried(ok=False, log=failed.output)
        return Tried(ok=True, log=log)

    return attempt


@pytest.mark.parametrize("requirement", NEEDED)
def test_an_empty_debian_gets_the_right_packages(
    engine: Engine, image: str, requirement: str, debian: System, tmp_path: Path
) -> None:
    packages, libraries = NEEDED[requirement]
    found = research(attempts(engine, image, requirement, tmp_path), debian)
    assert found.outcome == "built", found.cause
    assert set(found.packages) == TOOLCHAIN | packages
    assert 1 <= len(found.rounds) <= 3
    (wheel,) = (tmp_path / "wheels").iterdir()
    assert libraries_needed(wheel) >= libraries

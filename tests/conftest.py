"""What several kinds of tests share: a fake package index, settings of nobody, and the command line as a program."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
from tests.fake_index import FakeIndex

Cli = Callable[..., subprocess.CompletedProcess[str]]


@cache
def package_index_trouble() -> str | None:
    """Return why the user's package index cannot be asked, None where it can."""
    from wheelbase.errors import WheelbaseError
    from wheelbase.index.client import Client
    from wheelbase.index.settings import user_settings
    from wheelbase.index.simple import read_page

    try:
        settings = user_settings()
        found = [read_page(Client(settings), url, "pip", refresh=True) for url in settings.index_urls]
    except WheelbaseError as error:
        return str(error)
    return None if any(found) else "no package index has pip"


def pytest_configure() -> None:
    # Where the tests run in the background of a shell, interruptions are ignored, and so they are by what they begin.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("network") and (trouble := package_index_trouble()):
        pytest.skip(f"needs a package index, as pip or uv is set up for it: {trouble}")


@pytest.fixture
def fake_index() -> Iterator[FakeIndex]:
    with FakeIndex() as index:
        yield index


@pytest.fixture
def other_index() -> Iterator[FakeIndex]:
    with FakeIndex() as index:
        yield index


def settings_of_nobody(home: Path) -> dict[str, str]:
    """Return an environment in which neither pip nor uv has any settings, and no cache holds anything."""
    kept = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TMPDIR", "VIRTUAL_ENV", "SSL_CERT_DIR")
    return {name: os.environ[name] for name in kept if name in os.environ} | {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_CONFIG_DIRS": str(home / "xdg"),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "WHEELBASE_CACHE_DIR": str(home / "cache"),
        "UV_HTTP_RETRIES": "0",
        "NO_PROXY": "",
    }


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Clear this process's environment of the user's settings; return the home of nobody."""
    home = tmp_path / "home"
    home.mkdir()
    clean = settings_of_nobody(home)
    for name in list(os.environ):
        if name not in clean and not name.startswith("PYTEST"):
            monkeypatch.delenv(name)
    for name, value in clean.items():
        monkeypatch.setenv(name, value)
    return home


@pytest.fixture
def cli(tmp_path: Path) -> Cli:
    """Run `wheelbase ARGUMENTS` as a program: with `env` added to nobody's environment, in `cwd`."""
    home = tmp_path / "cli-home"
    home.mkdir()

    def run(
        *arguments: str, env: dict[str, str] | None = None, cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        folder = cwd or tmp_path / "empty"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "wheelbase", *arguments],
            env=settings_of_nobody(home) | {"PIP_CONFIG_FILE": os.devnull} | (env or {}),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run

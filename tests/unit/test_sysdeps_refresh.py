"""`sysdeps --refresh`: the packages of the base's distribution, as the user's mirror has them now."""

from pathlib import Path

import pytest
from tests.conftest import Cli
from tests.fake_index import Answer, FakeIndex, wheel
from tests.unit.system import small_alpine
from tests.unit.system.small_archive import archive

SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('a', ['a.c'], libraries=['foo'])])\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "setup.py").write_text(SETUP)
    (folder / "a.c").write_text("#include <Python.h>\n#include <foo.h>\n")
    return folder


@pytest.fixture
def env(fake_index: FakeIndex) -> dict[str, str]:
    fake_index.add("setuptools", {"setuptools-80.0-py3-none-any.whl": wheel("setuptools", "80.0")})
    files = archive(date="Sat, 01 Jan 2056 00:00:00 UTC") | small_alpine.mirror(when=2_700_000_000)
    for path, body in files.items():
        fake_index.route(f"/mirror{path}", Answer(body=body))
    mirror = f"{fake_index.url}/mirror"
    return {
        "UV_DEFAULT_INDEX": fake_index.simple,
        "WHEELBASE_DEBIAN_MIRROR": mirror,
        "WHEELBASE_ALPINE_MIRROR": mirror,
    }


def test_what_was_refreshed_is_used_from_then_on_and_told(cli: Cli, project: Path, env: dict[str, str]) -> None:
    asked = ("sysdeps", ".", "--base", "debian:trixie-slim")
    assert "libfoo-old-dev" not in cli(*asked, env=env, cwd=project).stdout
    for arguments in (("--refresh",), ()):
        answer = cli(*asked, *arguments, env=env, cwd=project)
        assert answer.returncode == 0, answer.stderr
        assert "libfoo-old-dev" in answer.stdout
        assert "packages are those of debian-13 as of 2056-01-01" in " ".join(answer.stdout.split())


def test_alpine_has_its_own(cli: Cli, project: Path, env: dict[str, str]) -> None:
    answer = cli("sysdeps", ".", "--base", "alpine:3.22", "--refresh", env=env, cwd=project)
    assert answer.returncode == 0, answer.stderr
    assert "packages are those of alpine-3.22 as of 2055-07-24" in " ".join(answer.stdout.split())


@pytest.mark.parametrize("base", ["debian:trixie-slim", "alpine:3.22"])
def test_a_mirror_that_cannot_be_read_is_one_error(cli: Cli, project: Path, env: dict[str, str], base: str) -> None:
    broken = env | {"WHEELBASE_DEBIAN_MIRROR": "http://127.0.0.1:1", "WHEELBASE_ALPINE_MIRROR": "http://127.0.0.1:1"}
    answer = cli("sysdeps", ".", "--base", base, "--refresh", env=broken, cwd=project)
    assert (answer.returncode, answer.stdout) == (1, "")
    error, hint = answer.stderr.splitlines()
    assert error.startswith("error: http://127.0.0.1:1/") and "cannot be read" in error
    assert hint.startswith("hint: set WHEELBASE_")

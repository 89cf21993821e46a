"""`wheelbase compare` as a program against private indexes, set up in each way that pip and uv know."""

import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from tests.conftest import Cli
from tests.fake_index import Answer, FakeIndex, html_page, sdist, wheel

BASE = ("--base", "python:3.13-slim", "--format", "json")
APP = {"app-1.0-py3-none-any.whl": wheel("app", requires=("part>=1",))}
PART = {"part-1.0-py3-none-any.whl": wheel("part"), "part-1.1-py3-none-any.whl": wheel("part", "1.1")}
Setup = Callable[[FakeIndex, Path], tuple[dict[str, str], list[str]]]


def files_taken(done: CompletedProcess[str]) -> set[str]:
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    (base,) = json.loads(done.stdout)["bases"]
    assert base["verdict"] == "wheels" and all(file["installed_bytes"] > 0 for file in base["files"])
    return {file["filename"] for file in base["files"]}


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def by_pip_variable(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    return {"PIP_INDEX_URL": index.simple}, ["app"]


def by_pip_conf(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    conf = write(folder / "own" / "pip.conf", f"[global]\nindex-url = {index.simple}\n")
    return {"PIP_CONFIG_FILE": str(conf)}, ["app"]


def by_uv_variable(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    return {"UV_DEFAULT_INDEX": index.simple}, ["app"]


def by_uv_toml(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    conf = write(folder / "own" / "uv.toml", f'[[index]]\nurl = "{index.simple}"\ndefault = true\n')
    return {"UV_CONFIG_FILE": str(conf)}, ["app"]


def by_project(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    table = f'[[tool.uv.index]]\nname = "mine"\nurl = "{index.simple}"\ndefault = true\n'
    write(folder / "pyproject.toml", f'[project]\nname = "p"\nversion = "0"\ndependencies = ["app"]\n{table}')
    return {}, []


def by_requirements(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    write(folder / "requirements.txt", f"--index-url {index.simple}\napp\n")
    return {"PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": "http://127.0.0.1:9/other"}, []


def by_requirements_over_uv(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    write(folder / "requirements.txt", f"-i {index.simple}\napp\n")
    return {"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple"}, ["-r", "requirements.txt"]


WAYS = [by_pip_variable, by_pip_conf, by_uv_variable, by_uv_toml, by_project, by_requirements, by_requirements_over_uv]


@pytest.mark.parametrize("form", ["json", "html"])
@pytest.mark.parametrize("way", WAYS)
def test_an_index_set_up_in_each_way(fake_index: FakeIndex, cli: Cli, tmp_path: Path, way: Setup, form: str) -> None:
    fake_index.add("app", APP, form=form, sizes=form == "json")
    fake_index.add("part", PART, form=form)
    folder = tmp_path / "project"
    folder.mkdir()
    env, arguments = way(fake_index, folder)
    done = cli("compare", *arguments, *BASE, env=env, cwd=folder)
    assert files_taken(done) == {"app-1.0-py3-none-any.whl", "part-1.1-py3-none-any.whl"}
    for path in ("/files/app-1.0-py3-none-any.whl", "/files/part-1.1-py3-none-any.whl"):
        assert len(fake_index.asked(path)) == 1
    for path in ("/simple/app/", "/simple/part/"):
        assert len(fake_index.asked(path)) == 1
    assert not fake_index.asked("/files/part-1.0-py3-none-any.whl")


def test_an_extra_index_in_a_requirements_file(
    fake_index: FakeIndex, other_index: FakeIndex, cli: Cli, tmp_path: Path
) -> None:
    fake_index.add("app", APP)
    fake_index.add("part", {"part-1.0-py3-none-any.whl": PART["part-1.0-py3-none-any.whl"]})
    other_index.add("part", PART)
    folder = tmp_path / "project"
    write(folder / "requirements.txt", f"-i {fake_index.simple}\n--extra-index-url {other_index.simple}\napp\n")
    done = cli("compare", *BASE, cwd=folder)
    assert files_taken(done) == {"app-1.0-py3-none-any.whl", "part-1.1-py3-none-any.whl"}


@pytest.mark.parametrize("how", ["file", "absolute", "pip", "uv"])
def test_find_links_to_a_folder_and_no_index(cli: Cli, tmp_path: Path, how: str) -> None:
    folder = tmp_path / "project"
    (folder / "wheels").mkdir(parents=True)
    for name, body in {**APP, **PART}.items():
        (folder / "wheels" / name).write_bytes(body)
    place = folder / "wheels" if how == "absolute" else "wheels"
    options = f"--no-index\n--find-links {place}\n" if how in ("file", "absolute") else "--no-index\n"
    write(folder / "requirements.txt", f"{options}app\n")
    env = {"pip": {"PIP_FIND_LINKS": "wheels"}, "uv": {"UV_FIND_LINKS": "wheels"}}.get(how, {})
    done = cli("compare", *BASE, env=env, cwd=folder)
    assert files_taken(done) == {"app-1.0-py3-none-any.whl", "part-1.1-py3-none-any.whl"}


def test_find_links_to_a_page(fake_index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    for name, body in {**APP, **PART}.items():
        fake_index.route(f"/{name}", Answer(body=body, ranges=True))
    page = html_page({name: {} for name in (*APP, *PART)})
    fake_index.route("/links.html", Answer(body=page, headers={"Content-Type": "text/html"}))
    write(tmp_path / "p" / "requirements.txt", f"--no-index\n-f {fake_index.url}/links.html\napp\n")
    assert files_taken(cli("compare", *BASE, cwd=tmp_path / "p")) == {*APP, "part-1.1-py3-none-any.whl"}
    assert len(fake_index.asked("/links.html")) == 1


def with_login_in_url(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    return {"PIP_INDEX_URL": index.simple_as("bob:p%40ss-w0rd")}, ["app"]


def with_netrc(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    netrc = write(folder / "own" / "netrc", "machine 127.0.0.1\nlogin bob\npassword p@ss-w0rd\n")
    return {"PIP_INDEX_URL": index.simple, "NETRC": str(netrc)}, ["app"]


def with_uv_variables(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    login = {"UV_INDEX_MY_CORP_USERNAME": "bob", "UV_INDEX_MY_CORP_PASSWORD": "p@ss-w0rd"}
    return {"UV_DEFAULT_INDEX": f"my-corp={index.simple}", **login}, ["app"]


def with_a_named_index_of_the_project(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    table = f'[[tool.uv.index]]\nname = "my-corp"\nurl = "{index.simple}"\ndefault = true\n'
    write(folder / "pyproject.toml", f'[project]\nname = "p"\nversion = "0"\ndependencies = ["app"]\n{table}')
    return {"UV_INDEX_MY_CORP_USERNAME": "bob", "UV_INDEX_MY_CORP_PASSWORD": "p@ss-w0rd"}, []


def with_keyring(index: FakeIndex, folder: Path) -> tuple[dict[str, str], list[str]]:
    import os

    program = write(folder / "bin" / "keyring", '#!/bin/sh\n[ "$3" = bob ] && echo p@ss-w0rd\n')
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    return {"PIP_INDEX_URL": index.simple_as("bob"), "PIP_KEYRING_PROVIDER": "subprocess", "PATH": path}, ["app"]


LOGINS = [with_login_in_url, with_netrc, with_uv_variables, with_a_named_index_of_the_project, with_keyring]


def caches_hold(folder: Path, *secrets: bytes) -> list[Path]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path for path in paths if any(secret in path.read_bytes() for secret in secrets)]


@pytest.mark.parametrize("way", LOGINS)
def test_a_login_in_each_way(fake_index: FakeIndex, cli: Cli, tmp_path: Path, way: Setup) -> None:
    fake_index.require("bob:p@ss-w0rd")
    fake_index.add("app", APP)
    fake_index.add("part", PART)
    folder = tmp_path / "project"
    folder.mkdir()
    env, arguments = way(fake_index, folder)
    done = cli("compare", *arguments, *BASE, env=env, cwd=folder)
    assert files_taken(done) == {"app-1.0-py3-none-any.whl", "part-1.1-py3-none-any.whl"}
    assert "w0rd" not in done.stdout
    assert caches_hold(tmp_path / "cli-home", b"ss-w0rd") == []


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("way", LOGINS)
def test_a_wrong_login_is_one_error_without_the_password(
    fake_index: FakeIndex, cli: Cli, tmp_path: Path, way: Setup, status: int
) -> None:
    if status == 401:
        fake_index.require("bob:another")
    fake_index.route("/simple/app/", Answer(status=status))
    folder = tmp_path / "project"
    folder.mkdir()
    env, arguments = way(fake_index, folder)
    done = cli("compare", *arguments, *BASE, env=env, cwd=folder)
    assert done.returncode == 1 and done.stdout == ""
    assert [line.split(":")[0] for line in done.stderr.splitlines()] == ["error", "hint"], done.stderr
    assert f"answers {status}" in done.stderr and "w0rd" not in done.stderr and "bob" not in done.stderr


def test_requests_run_at_once_over_kept_connections(fake_index: FakeIndex, cli: Cli) -> None:
    names = [f"part{number}" for number in range(24)]
    fake_index.add("app", {"app-1.0-py3-none-any.whl": wheel("app", requires=tuple(names))})
    for name in names:
        fake_index.add(name, {f"{name}-1.0-py3-none-any.whl": wheel(name)})
    for answers in fake_index.routes.values():
        answers[0] = Answer(body=answers[0].body, headers=answers[0].headers, ranges=answers[0].ranges, delay=0.1)
    env = {"UV_DEFAULT_INDEX": fake_index.simple}
    assert len(files_taken(cli("compare", "app", *BASE, env=env))) == 25
    own = [seen.path for seen in fake_index.seen if seen.by_wheelbase]
    assert len(own) == len(set(own)) == 50
    fake_index.seen.clear()
    assert len(files_taken(cli("compare", "app", *BASE, env=env))) == 25
    assert fake_index.seen == []


def test_a_source_archive_alone(fake_index: FakeIndex, cli: Cli) -> None:
    archive = sdist({"PKG-INFO": "Metadata-Version: 2.2\nName: app\nVersion: 2.0\nRequires-Dist: part\n", "app.py": ""})
    fake_index.add("app", {**APP, "app-2.0.tar.gz": archive})
    fake_index.add("part", PART)
    done = cli("compare", "app", *BASE, env={"UV_DEFAULT_INDEX": fake_index.simple})
    assert done.returncode == 0, done.stderr
    files = {file["filename"] for file in json.loads(done.stdout)["bases"][0]["files"]}
    assert files == {"app-2.0.tar.gz", "part-1.1-py3-none-any.whl"}

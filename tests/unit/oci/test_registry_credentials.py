"""Where logins are looked for: files of Docker and podman, and credential helpers."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path

import pytest

from wheelbase.oci.errors import ImageError
from wheelbase.oci.registry.credentials import Login, find_login


def encoded(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


def config(folder: Path, content: dict[str, object]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("keys", "user"),
    [
        (["reg.example"], "0"),
        (["https://reg.example/v1/", "reg.example.org"], "0"),
        (["reg.example/team", "reg.example"], "0"),
        (["reg.example", "reg.example/team/app", "reg.example/team"], "1"),
        (["reg.example/te", "reg.example:5000", "example"], None),
    ],
)
def test_the_key_that_tells_most_counts(tmp_path: Path, keys: list[str], user: str | None) -> None:
    auths = {key: {"auth": encoded(f"{number}:p")} for number, key in enumerate(keys)}
    found = find_login((config(tmp_path, {"auths": auths}),), "reg.example", "team/app")
    assert (None if found.anonymous else found.user) == user


@pytest.mark.parametrize("key", ["https://index.docker.io/v1/", "docker.io", "index.docker.io"])
def test_the_default_registry_has_names_of_its_own(tmp_path: Path, key: str) -> None:
    files = (config(tmp_path, {"auths": {key: {"auth": encoded("bob:p")}}}),)
    assert find_login(files, "docker.io", "library/python").user == "bob"


def test_the_first_file_that_has_a_login_counts(tmp_path: Path) -> None:
    first, second = tmp_path / "a", tmp_path / "b"
    first.mkdir()
    second.mkdir()
    files = (
        tmp_path / "none.json",
        config(first, {"auths": {"x.example": {}}, "HttpHeaders": {"a": "b"}}),
        config(second, {"auths": {"x.example": {"username": "u", "password": "p"}}}),
    )
    assert find_login(files, "x.example", "a") == Login(remark=f"the login in {files[2]}", user="u", password="p")


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "bin" / "docker-credential-test"
    path.parent.mkdir()
    monkeypatch.setenv("PATH", f"{path.parent}{os.pathsep}{os.environ['PATH']}")

    def write(text: str) -> None:
        path.write_text(f"#!/bin/sh\n{text}\n")
        path.chmod(0o755)

    write(
        'read server\necho "$1 $server" >> "$0.asked"\ncase $server in\n'
        'a.example) echo \'{"ServerURL": "a", "Username": "bob", "Secret": "s"}\';;\n'
        'https://index*) echo \'{"Username": "<token>", "Secret": "t"}\';;\n'
        "bad.example) echo secret;;\n"
        '*) echo "credentials not found in native keychain"; exit 1;;\nesac'
    )
    return path


@pytest.mark.parametrize(
    "setting", [{"credsStore": "test"}, {"credHelpers": {"a.example": "test", "docker.io": "test"}}]
)
def test_helpers_have_logins(tmp_path: Path, helper: Path, setting: dict[str, object]) -> None:
    files = (config(tmp_path, setting | {"auths": {"a.example": {"auth": encoded("other:p")}}}),)
    assert find_login(files, "a.example", "x") == Login(
        remark="the login of docker-credential-test", user="bob", password="s"
    )
    assert find_login(files, "docker.io", "x").identity_token == "t"
    asked = (helper.parent / f"{helper.name}.asked").read_text()
    assert asked == "get a.example\nget https://index.docker.io/v1/\n"


def test_helpers_that_have_none(tmp_path: Path, helper: Path) -> None:
    auths = {"c.example": {"auth": encoded("other:p")}}
    files = (config(tmp_path, {"credsStore": "test", "auths": auths}),)
    assert find_login(files, "c.example", "x").user == "other"
    assert "has no login" in find_login(files, "b.example", "x").remark
    bad = find_login(files, "bad.example", "x")
    assert "does not work" in bad.remark and "secret" not in repr(bad)


@pytest.mark.parametrize("content", ["{", '{"auths": []}', '{"auths": {"x.example": {"auth": "secret?"}}}', "\xff"])
def test_files_that_are_no_logins(tmp_path: Path, content: str) -> None:
    path = tmp_path / "config.json"
    path.write_text(content, encoding="latin-1")
    with pytest.raises(ImageError) as caught:
        find_login((path,), "x.example", "x")
    assert str(path) in str(caught.value) and "secret" not in str(caught.value)

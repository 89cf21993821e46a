"""The user's settings: mirrors, what may be asked in the clear, which files count."""

from __future__ import annotations

from pathlib import Path

import pytest

from wheelbase.oci.errors import ImageError
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry.settings import (
    Endpoint,
    RegistrySettings,
    endpoints,
    is_loopback,
    user_registry_settings,
)

DIGEST = "sha256:" + "a" * 64
CONF = """
unqualified-search-registries = ["x.example"]
[[registry]]
location = "reg.example"
[[registry.mirror]]
location = "m1.internal:5000/reg"
insecure = true
[[registry.mirror]]
location = "m2.internal"
pull-from-mirror = "digest-only"
[[registry]]
prefix = "reg.example/team"
location = "other.example/squad"
[[registry]]
location = "bad.example"
blocked = true
[[registry]]
prefix = "*.corp.example"
[[registry.mirror]]
location = "m3.internal"
"""


def user(tmp_path: Path, conf: str = CONF, **variables: str) -> RegistrySettings:
    path = tmp_path / "registries.conf"
    path.write_text(conf)
    return user_registry_settings({"HOME": str(tmp_path), "CONTAINERS_REGISTRIES_CONF": str(path), **variables})


def asked(name: str, settings: RegistrySettings) -> list[str]:
    return [f"{one.host}/{one.repository}" for one in endpoints(parse_name(name), settings)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reg.example/app:1", ["m1.internal:5000/reg/app", "reg.example/app"]),
        (f"reg.example/app@{DIGEST}", ["m1.internal:5000/reg/app", "m2.internal/app", "reg.example/app"]),
        ("reg.example/team/app:1", ["other.example/squad/app"]),
        ("reg.example/teams/app:1", ["m1.internal:5000/reg/teams/app", "reg.example/teams/app"]),
        ("reg.example:5000/app:1", ["reg.example:5000/app"]),
        ("a.corp.example/app:1", ["m3.internal/app", "a.corp.example/app"]),
        ("python:3.13", ["registry-1.docker.io/library/python"]),
    ],
)
def test_mirrors_of_registries_conf(tmp_path: Path, name: str, expected: list[str]) -> None:
    assert asked(name, user(tmp_path)) == expected


def test_mirrors_of_the_environment_go_first(tmp_path: Path) -> None:
    settings = user(
        tmp_path,
        WHEELBASE_REGISTRY_MIRRORS="reg.example=http://a.internal/x/ docker.io=b.internal docker.io=c.internal",
    )
    assert asked("reg.example/app", settings) == ["a.internal/x/app", "m1.internal:5000/reg/app", "reg.example/app"]
    assert asked("python", settings) == [
        "b.internal/library/python",
        "c.internal/library/python",
        "registry-1.docker.io/library/python",
    ]
    found = endpoints(parse_name("reg.example/app"), settings)
    assert [one.insecure for one in found] == [True, True, False]


def test_what_is_blocked(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="blocked by registries"):
        asked("bad.example/app", user(tmp_path))


@pytest.mark.parametrize("entry", ["x", "=x", "x=", "x=http://", "x=bob:secret@m.internal"])
def test_what_is_no_mirror(tmp_path: Path, entry: str) -> None:
    with pytest.raises(ImageError, match="is no mirror") as caught:
        user(tmp_path, WHEELBASE_REGISTRY_MIRRORS=entry)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("conf", ["[[registry", "[[registry]]\nlocation = 1", "[[registry]]", "registry = 3"])
def test_files_that_are_no_settings(tmp_path: Path, conf: str) -> None:
    with pytest.raises(ImageError, match=r"registries\.conf"):
        user(tmp_path, conf)


def test_the_files_of_podman_and_of_the_user(tmp_path: Path) -> None:
    folder = tmp_path / ".config" / "containers"
    (folder / "registries.conf.d").mkdir(parents=True)
    (folder / "registries.conf").write_text('[[registry]]\nprefix = "a.example"\nlocation = "b.example"')
    (folder / "registries.conf.d" / "1.conf").write_text('[[registry]]\nprefix = "c.example"\nlocation = "d.example"')
    settings = user_registry_settings({"HOME": str(tmp_path)})
    assert asked("a.example/x", settings) == ["b.example/x"]
    assert asked("c.example/x", settings) == ["d.example/x"]


def test_where_logins_and_certificates_are(tmp_path: Path) -> None:
    def files(**variables: str) -> list[str]:
        found = user(tmp_path, **variables).auth_files
        return [str(path).replace(str(tmp_path), "~") for path in found]

    assert files() == ["~/.docker/config.json", "~/.config/containers/auth.json"]
    assert files(DOCKER_CONFIG="/d", XDG_RUNTIME_DIR="/run/1", XDG_CONFIG_HOME="/c") == [
        "/d/config.json",
        "/run/1/containers/auth.json",
        "/c/containers/auth.json",
    ]
    assert files(REGISTRY_AUTH_FILE="/x.json", DOCKER_CONFIG="/d") == ["/x.json"]
    assert user(tmp_path, REQUESTS_CA_BUNDLE="/ca").certificates == "/ca"
    assert user(tmp_path, REQUESTS_CA_BUNDLE="/ca", SSL_CERT_FILE="/b").certificates == "/b"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("127.9.9.9:5000", True),
        ("[::1]:5000", True),
        ("app.localhost", True),
        ("localhost.example", False),
        ("127.0.0.1.example", False),
        ("10.0.0.1", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) == expected


@pytest.mark.parametrize(
    ("name", "schemes"),
    [
        ("127.0.0.1:5000/x", ("http", "https")),
        ("other.example/x", ("https",)),
        ("in.example/x", ("https", "http")),
        ("in.example:5000/x", ("https", "http")),
        ("port.example:5000/x", ("https", "http")),
        ("port.example/x", ("https",)),
    ],
)
def test_what_may_be_asked_in_the_clear(tmp_path: Path, name: str, schemes: tuple[str, ...]) -> None:
    settings = user(tmp_path, WHEELBASE_INSECURE_REGISTRIES="in.example port.example:5000")
    found = endpoints(parse_name(name), settings)
    assert [one.schemes for one in found] == [schemes]
    assert isinstance(found[0], Endpoint)

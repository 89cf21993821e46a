"""Logins: tokens, Basic, where they are looked for, and to whom they never go."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.faulty_registry import Asked, Fault, FaultServer, Reply, refusal, sha256
from tests.memory_registry import MemoryRegistry, TokenServer

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource, auth, transport
from wheelbase.oci.registry.auth import Challenge, parse_challenges
from wheelbase.oci.registry.credentials import find_login

PASSWORD = "pa:ss wörd"
LAYER = b"layer" * 1000
ONE = Descriptor(media_type="x", digest=Digest.of(LAYER), size=len(LAYER))


def encoded(login: str) -> str:
    return base64.b64encode(login.encode()).decode()


def config(folder: Path, content: dict[str, object]) -> Path:
    path = folder / "config.json"
    path.write_text(json.dumps(content))
    return path


@contextmanager
def guarded(tokens: TokenServer) -> Iterator[tuple[FaultServer, FaultServer, MemoryRegistry]]:
    memory = MemoryRegistry()
    memory.add_blob("team/app", LAYER)
    with FaultServer(memory) as server, FaultServer(tokens) as token_server:
        memory.check = tokens.guard(token_server.url)
        yield server, token_server, memory


def settings_for(folder: Path, host: str, login: str = f"bob:{PASSWORD}", **more: str) -> RegistrySettings:
    return RegistrySettings(auth_files=(config(folder, {"auths": {host: {"auth": encoded(login), **more}}}),))


def read(server: FaultServer, settings: RegistrySettings, name: str = "team/app:1") -> bytes:
    with RegistrySource(parse_name(f"{server.host}/{name}"), settings) as place:
        return Blob(descriptor=ONE, source=place).read(1 << 20)


def test_an_anonymous_token() -> None:
    tokens = TokenServer()
    with guarded(tokens) as (server, _, _):
        assert read(server, RegistrySettings()) == LAYER
    assert len(tokens.asked) == 1
    assert "Authorization" not in tokens.asked[0].headers
    assert tokens.asked[0].query == {"service": "here", "scope": "repository:team/app:pull"}


def test_a_token_for_a_login(tmp_path: Path) -> None:
    tokens = TokenServer(login=f"bob:{PASSWORD}")
    with guarded(tokens) as (server, _, _):
        settings = settings_for(tmp_path, server.host)
        with RegistrySource(parse_name(f"{server.host}/team/app:1"), settings) as place:
            for _ in range(3):
                Blob(descriptor=ONE, source=place).read(1 << 20)
    assert len(tokens.asked) == 1 and tokens.asked[0].query["account"] == "bob"
    assert [one.headers.get("Authorization", "")[:6] for one in server.asked()] == ["", "Bearer", "Bearer", "Bearer"]


def test_a_token_to_push_with(tmp_path: Path) -> None:
    tokens = TokenServer(login=f"bob:{PASSWORD}")
    with guarded(tokens) as (server, _, memory):
        settings = settings_for(tmp_path, server.host)
        with (
            Registry(parse_name(f"{server.host}/new:1"), settings) as place,
            RegistrySource(parse_name(f"{server.host}/team/app:1"), settings) as source,
        ):
            place.put_blob(Blob(descriptor=ONE, source=source))
        assert memory.blobs["new", str(ONE.digest)] == LAYER
    assert "repository:new:pull,push" in tokens.asked[0].path.replace("%3A", ":").replace("%2C", ",")
    assert "repository%3Ateam%2Fapp%3Apull" in tokens.asked[0].path


def test_an_identity_token_is_posted(tmp_path: Path) -> None:
    tokens = TokenServer(identity_token="identity-secret")
    with guarded(tokens) as (server, _, _):
        assert read(server, settings_for(tmp_path, server.host, "x:", identitytoken="identity-secret")) == LAYER
    assert "identity-secret" not in tokens.asked[0].path
    assert b"grant_type=refresh_token" in tokens.asked[0].body and b"client_id=wheelbase" in tokens.asked[0].body


def test_a_token_of_the_registry_is_sent_as_it_is(tmp_path: Path) -> None:
    tokens = TokenServer()
    tokens.valid["own-token"] = "repository:team/app:pull"
    with guarded(tokens) as (server, _, _):
        assert read(server, settings_for(tmp_path, server.host, "x:", registrytoken="own-token")) == LAYER
        tokens.valid.clear()
        with pytest.raises(ImageError, match="answers 401"):
            read(server, settings_for(tmp_path, server.host, "x:", registrytoken="own-token"))
    assert tokens.asked == []


def test_401_after_expiry_fetches_a_token_anew() -> None:
    tokens = TokenServer()
    with (
        guarded(tokens) as (server, _, _),
        RegistrySource(parse_name(f"{server.host}/team/app:1"), RegistrySettings()) as place,
    ):
        blob = Blob(descriptor=ONE, source=place)
        blob.read(1 << 20)
        tokens.valid.clear()
        assert blob.read(1 << 20) == LAYER
    assert len(tokens.asked) == 2


def test_a_token_is_fetched_anew_before_it_expires(monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, now = TokenServer(), [1000.0]
    tokens.extra = {"expires_in": 100}
    monkeypatch.setattr(auth, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with (
        guarded(tokens) as (server, _, _),
        RegistrySource(parse_name(f"{server.host}/team/app:1"), RegistrySettings()) as place,
    ):
        for now[0], fetched in ((1000.0, 1), (1080.0, 1), (1095.0, 2), (1100.0, 2)):
            Blob(descriptor=ONE, source=place).read(1 << 20)
            assert len(tokens.asked) == fetched


def test_expiry_while_a_blob_is_sent(tmp_path: Path) -> None:
    tokens = TokenServer()
    with guarded(tokens) as (server, _, memory):
        place = Registry(parse_name(f"{server.host}/team/new:1"), RegistrySettings())

        def expire(reply: Reply) -> Reply:
            tokens.valid.clear()
            return reply

        server.faults.append(Fault(method="POST", path="uploads/", alter=expire, times=2))
        with place, RegistrySource(parse_name(f"{server.host}/team/app:1"), RegistrySettings()) as source:
            place.put_blob(Blob(descriptor=ONE, source=source))
        assert memory.blobs["team/new", str(ONE.digest)] == LAYER


def test_many_threads_fetch_one_token() -> None:
    tokens = TokenServer()
    with (
        guarded(tokens) as (server, _, _),
        RegistrySource(parse_name(f"{server.host}/team/app:1"), RegistrySettings()) as place,
        ThreadPoolExecutor(8) as pool,
    ):
        assert all(pool.map(lambda _: Blob(descriptor=ONE, source=place).read(1 << 20) == LAYER, range(16)))
    assert len(tokens.asked) == 1


def test_a_token_server_that_fails_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "time", SimpleNamespace(sleep=lambda seconds: None))
    with guarded(TokenServer()) as (server, token_server, _):
        token_server.faults += [
            Fault(method="GET", path="token", reply=Reply(503)),
            Fault(method="GET", path="token", drop_request_after=0),
        ]
        assert read(server, RegistrySettings()) == LAYER


@pytest.mark.parametrize(
    "reply", [Reply(200, b"<html>"), Reply(200, b"{}"), Reply(200, b'{"token": "a\\r\\nb"}'), Reply(200, b"[" * 99999)]
)
def test_a_token_server_that_sends_no_token(reply: Reply) -> None:
    with guarded(TokenServer()) as (server, token_server, _):
        token_server.faults.append(Fault(method="GET", path="token", reply=reply))
        with pytest.raises(ImageError, match="for tokens, which sends none"):
            read(server, RegistrySettings())


@pytest.mark.parametrize("realm", ["", "ftp://x/", "http://[::1/", "http://registry.example/token", "x"])
def test_a_realm_that_is_no_use(realm: str) -> None:
    memory = MemoryRegistry()
    memory.check = lambda asked: refusal(401, "X", WWW_Authenticate=f'Bearer realm="{realm}",service="x"')
    with FaultServer(memory) as server, pytest.raises(ImageError, match="wants a token"):
        read(server, RegistrySettings())


def basic_check(login: str) -> Callable[[Asked], Reply | None]:
    def check(asked: Asked) -> Reply | None:
        if asked.headers.get("Authorization") == f"Basic {encoded(login)}":
            return None
        return refusal(401, "UNAUTHORIZED", f"not {asked.headers.get('Authorization')}", WWW_Authenticate="Basic")

    return check


def test_basic(tmp_path: Path) -> None:
    memory = MemoryRegistry()
    memory.add_blob("team/app", LAYER)
    memory.check = basic_check(f"bob:{PASSWORD}")
    with FaultServer(memory) as server:
        assert read(server, settings_for(tmp_path, server.host)) == LAYER
        with pytest.raises(ImageError, match="it wants a login") as caught:
            read(server, RegistrySettings())
    assert caught.value.hint and f"docker login {server.host}" in caught.value.hint


def test_no_message_and_no_log_shows_a_secret(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    memory = MemoryRegistry()
    said = f"{PASSWORD} is not it, nor {encoded(f'bob:{PASSWORD}')}"
    memory.check = lambda asked: refusal(401, "UNAUTHORIZED", said, WWW_Authenticate="Basic")
    with FaultServer(memory) as server, pytest.raises(ImageError, match="does not take the login") as refused:
        read(server, settings_for(tmp_path, server.host))
    with (
        guarded(TokenServer(login="bob:other")) as (server, _, _),
        pytest.raises(ImageError, match="for a token for") as no_token,
    ):
        read(server, settings_for(tmp_path, server.host))
    login = find_login((tmp_path / "config.json",), server.host, "x")
    shown = f"{refused.value}{refused.value.hint}{no_token.value}{no_token.value.hint}{login!r}{caplog.text}"
    assert "config.json" in shown
    for secret in (PASSWORD, "pa:ss", encoded(f"bob:{PASSWORD}")):
        assert secret not in shown


def test_a_login_never_goes_to_another_host(tmp_path: Path) -> None:
    storage = MemoryRegistry()
    storage.add_blob("x", LAYER)
    memory = MemoryRegistry()
    memory.check = basic_check(f"bob:{PASSWORD}")
    with FaultServer(memory) as server, FaultServer(storage) as other:
        moved = Reply(307, b"", {"Location": f"{other.url}/v2/x/blobs/{sha256(LAYER)}"})
        challenge = refusal(401, "X", WWW_Authenticate=f'Bearer realm="{other.url}/token"')
        settings = settings_for(tmp_path, server.host)
        with RegistrySource(parse_name(f"{server.host}/team/app:1"), settings) as place:
            server.app = lambda asked: memory.check(asked) or moved
            assert Blob(descriptor=ONE, source=place).read(1 << 20) == LAYER
            # Nor is another host's challenge answered.
            other.faults.append(Fault(method="GET", path="blobs", reply=challenge))
            with pytest.raises(ImageError, match=f"{other.host} answers 401"):
                Blob(descriptor=ONE, source=place).read(1 << 20)
        assert "Authorization" in server.asked("GET", "blobs")[-1].headers
        assert [one.headers.get("Authorization") for one in other.seen] == [None, None]
        assert other.asked("GET", "token") == []


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", []),
        ("Basic", [("basic", {})]),
        ('Basic realm="a, b=c"', [("basic", {"realm": "a, b=c"})]),
        ('Bearer realm="https://x/?a=b", Scope="repository:a:pull,push"', [
            ("bearer", {"realm": "https://x/?a=b", "scope": "repository:a:pull,push"})
        ]),
        (r'Basic realm="say \"x\"", charset=UTF-8,Bearer realm="r"', [
            ("basic", {"realm": 'say "x"', "charset": "UTF-8"}), ("bearer", {"realm": "r"})
        ]),
        ("Negotiate, Basic realm=x", [("negotiate", {}), ("basic", {"realm": "x"})]),
    ],
)  # fmt: skip
def test_challenges(header: str, expected: list[tuple[str, dict[str, str]]]) -> None:
    assert parse_challenges(header) == [Challenge(scheme=scheme, parameters=found) for scheme, found in expected]


@pytest.mark.parametrize("name", ["gone", "../../bin/sh", "a/b"])
def test_a_helper_that_is_not_there_is_named_when_the_registry_wants_a_login(tmp_path: Path, name: str) -> None:
    memory = MemoryRegistry()
    memory.check = basic_check("bob:other")
    settings = RegistrySettings(auth_files=(config(tmp_path, {"credsStore": name}),))
    with FaultServer(memory) as server, pytest.raises(ImageError, match=f"docker-credential-{name}, which .* not inst"):
        read(server, settings)

"""TLS that fails once, as some proxies make it: both clients try again, but never where a certificate is refused."""

from __future__ import annotations

import shutil
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3
from tests.faulty_registry import FaultServer, Reply
from tests.unit.oci.test_registry_errors import Certificates, make_certificates

from wheelbase.connections import is_passing
from wheelbase.errors import WheelbaseError
from wheelbase.index.client import Client
from wheelbase.index.values import IndexSettings
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import RegistrySettings, RegistrySource

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl: apt-get install openssl")
DECODE_ERROR, INTERNAL_ERROR, UNKNOWN_CA, HANDSHAKE_FAILURE, PROTOCOL_VERSION = 50, 80, 48, 40, 70
BREAKS_OFF = 0
Fetch = Callable[["Alerting", Path], None]


class Alerting(FaultServer):
    """A server that answers the first connections with a fatal alert each, as soon as it was greeted."""

    def __init__(self, tls: ssl.SSLContext) -> None:
        body = b'{"name": "team/app", "tags": ["1"]}'
        super().__init__(lambda asked: Reply(200, body, {"Content-Type": "application/json"}), tls=tls)
        self.alerts: list[int] = []

    def get_request(self) -> tuple[socket.socket, object]:
        if not self.alerts:
            return super().get_request()
        connection, _ = socket.socket.accept(self.socket)
        with connection:
            connection.recv(1 << 16)
            if alert := self.alerts.pop():
                connection.sendall(bytes([21, 3, 1, 0, 2, 2, alert]))
        raise OSError("no request")


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def server(certificates: Certificates, monkeypatch: pytest.MonkeyPatch) -> Iterator[Alerting]:
    # A registry on loopback would be asked without TLS first.
    monkeypatch.setattr("wheelbase.oci.registry.settings.is_loopback", lambda host: False)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificates.pair("server"))
    with Alerting(tls) as running:
        yield running


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    found: list[float] = []
    monkeypatch.setattr(time, "sleep", found.append)
    return found


def from_index(server: Alerting, authority: Path) -> None:
    Client(IndexSettings(source="test", index_url=None, certificates=str(authority))).get(f"{server.url}/simple/")


def from_registry(server: Alerting, authority: Path) -> None:
    with RegistrySource(parse_name(f"{server.host}/team/app"), RegistrySettings(certificates=str(authority))) as source:
        assert source.tags() == ["1"]


both = pytest.mark.parametrize("fetch", [from_index, from_registry])


@both
@pytest.mark.parametrize("alerts", [[DECODE_ERROR], [INTERNAL_ERROR], [DECODE_ERROR, DECODE_ERROR], [BREAKS_OFF]])
def test_tls_that_fails_once_or_twice(
    server: Alerting, certificates: Certificates, slept: list[float], fetch: Fetch, alerts: list[int]
) -> None:
    server.alerts += alerts
    fetch(server, certificates.authority)
    assert not server.alerts and len(slept) == len(alerts) and all(0 < pause < 2 for pause in slept)


@both
def test_tls_that_always_fails(server: Alerting, certificates: Certificates, slept: list[float], fetch: Fetch) -> None:
    server.alerts += [DECODE_ERROR] * 99
    with pytest.raises(WheelbaseError, match="DECODE_ERROR"):
        fetch(server, certificates.authority)
    assert 90 < len(server.alerts) < 98


@both
@pytest.mark.parametrize("alert", [UNKNOWN_CA, HANDSHAKE_FAILURE, PROTOCOL_VERSION])
def test_what_a_server_refuses_for_good(
    server: Alerting, certificates: Certificates, slept: list[float], fetch: Fetch, alert: int
) -> None:
    server.alerts += [alert] * 3
    with pytest.raises(WheelbaseError, match="ALERT"):
        fetch(server, certificates.authority)
    assert (len(server.alerts), slept) == (2, [])


@both
def test_a_certificate_that_is_refused_here(
    server: Alerting, certificates: Certificates, slept: list[float], fetch: Fetch
) -> None:
    with pytest.raises(WheelbaseError, match="CERTIFICATE_VERIFY_FAILED"):
        fetch(server, certificates.pair("client")[0])
    assert slept == [] and server.connections == 0


def test_connections_that_are_closed_in_the_middle_are_opened_again() -> None:
    # Which of the two it is depends on how far the handshake had come.
    for cause in (
        ssl.SSLZeroReturnError(6, "TLS/SSL connection has been closed (EOF) (_ssl.c:992)"),
        ssl.SSLEOFError(8, "[SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol"),
    ):
        assert is_passing(urllib3.exceptions.SSLError(cause))


def test_other_errors_are_not_of_tls() -> None:
    assert not is_passing(urllib3.exceptions.ProtocolError("[SSL: TLSV1_ALERT_DECODE_ERROR]"))
    assert not is_passing(urllib3.exceptions.SSLError("[SSL: WRONG_VERSION_NUMBER]"))

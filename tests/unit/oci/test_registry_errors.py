"""TLS, names and connections: what is trusted, and what the user is told. Certificates are made by openssl."""

from __future__ import annotations

import base64
import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.faulty_registry import FaultServer, Reply
from tests.memory_registry import MemoryRegistry

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import RegistrySettings, RegistrySource
from wheelbase.oci.registry.session import Session
from wheelbase.oci.registry.settings import Endpoint

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="needs openssl: apt-get install openssl")
LAYER = b"layer" * 1000
ONE = Descriptor(media_type="x", digest=Digest.of(LAYER), size=len(LAYER))


@dataclass(frozen=True)
class Certificates:
    """A certificate authority, and what it has signed: a server's for 127.0.0.1 and a client's."""

    folder: Path

    @property
    def authority(self) -> Path:
        return self.folder / "ca.crt"

    def pair(self, name: str) -> tuple[Path, Path]:
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


def make_certificates(folder: Path, *kind: str) -> Certificates:
    """Make an authority and what it signs, with keys of a kind as openssl names it; elliptic ones are made at once."""

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    kind = kind or ("ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
    new = ("req", "-x509", "-newkey", *kind, "-nodes", "-days", "2")
    openssl(*new, "-subj", "/CN=test CA", "-keyout", "ca.key", "-out", "ca.crt")
    for name in ("server", "client"):
        signed = ("-CA", "ca.crt", "-CAkey", "ca.key", "-addext", "basicConstraints=CA:FALSE")
        names = ("-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost")
        openssl(*new, *signed, *names, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.crt")
    return Certificates(folder)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificates.pair("server"))
    return context


@pytest.fixture
def server(tls: ssl.SSLContext) -> Iterator[FaultServer]:
    memory = MemoryRegistry()
    memory.add_blob("x", LAYER)
    with FaultServer(memory, tls=tls) as running:
        yield running


def read(host: str, settings: RegistrySettings) -> bytes:
    with RegistrySource(parse_name(f"{host}/x:1"), settings) as place:
        return Blob(descriptor=ONE, source=place).read(1 << 20)


def failure(host: str, settings: RegistrySettings | None = None) -> str:
    with pytest.raises(ImageError) as caught:
        read(host, settings or RegistrySettings(timeout=2))
    return f"{caught.value}\nhint: {caught.value.hint}"


@needs_openssl
def test_a_certificate_is_trusted_by_the_authority_that_is_named(
    server: FaultServer, certificates: Certificates
) -> None:
    assert read(server.host, RegistrySettings(certificates=str(certificates.authority))) == LAYER


@needs_openssl
def test_a_certificate_is_trusted_by_the_folder_of_its_host(
    server: FaultServer, certificates: Certificates, tmp_path: Path
) -> None:
    folder = tmp_path / "certs.d" / server.host
    folder.mkdir(parents=True)
    shutil.copy(certificates.authority, folder / "ca.crt")
    assert read(server.host, RegistrySettings(certificate_folders=(tmp_path / "certs.d",))) == LAYER
    elsewhere = tmp_path / "other" / "certs.d" / "127.0.0.1:1"
    elsewhere.mkdir(parents=True)
    shutil.copy(certificates.authority, elsewhere / "ca.crt")
    assert "is not trusted" in failure(server.host, RegistrySettings(certificate_folders=(elsewhere.parent,)))


@needs_openssl
def test_a_clients_certificate(
    server: FaultServer, tls: ssl.SSLContext, certificates: Certificates, tmp_path: Path
) -> None:
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_verify_locations(certificates.authority)
    tls.maximum_version = ssl.TLSVersion.TLSv1_2  # with 1.3 the refusal may come as a connection that breaks
    folder = tmp_path / server.host
    folder.mkdir()
    shutil.copy(certificates.authority, folder / "ca.crt")
    settings = RegistrySettings(certificate_folders=(tmp_path,), timeout=2)
    assert f"certs.d/{server.host}/client.cert" in failure(server.host, settings)
    for path, end in zip(certificates.pair("client"), ("cert", "key"), strict=True):
        shutil.copy(path, folder / f"client.{end}")
    assert read(server.host, settings) == LAYER


@needs_openssl
def test_a_certificate_that_nobody_vouches_for(server: FaultServer) -> None:
    said = failure(server.host)
    assert f"the certificate of {server.host} is not trusted" in said
    assert "SSL_CERT_FILE" in said and f"/etc/docker/certs.d/{server.host}/ca.crt" in said


@needs_openssl
def test_an_insecure_registry_may_have_any_certificate(server: FaultServer) -> None:
    assert read(server.host, RegistrySettings(insecure_hosts=frozenset((server.host,)))) == LAYER


@needs_openssl
def test_a_location_in_the_clear_is_not_followed(server: FaultServer, certificates: Certificates) -> None:
    """One of the same server is taken for what a proxy before the registry has made of it."""
    settings = RegistrySettings(certificates=str(certificates.authority))
    assert isinstance(server.app, MemoryRegistry)
    memory = server.app
    moved = [Reply(307, b"", {"Location": f"http://{server.host}/v2/y/blobs/{ONE.digest}"})]
    memory.add_blob("y", LAYER)
    server.app = lambda asked: moved.pop() if "/x/blobs" in asked.path and moved else memory(asked)
    assert read(server.host, settings) == LAYER
    moved.append(Reply(307, b"", {"Location": "http://storage.example/y?signature=secret"}))
    with pytest.raises(ImageError, match=r"asked in the clear, at http://storage\.example/y$"):
        read(server.host, settings)


def test_plain_http_elsewhere_than_on_loopback_is_refused() -> None:
    """The host is not asked by name: its scheme is decided before."""
    endpoint = Endpoint(registry="reg.example", host="reg.example", repository="x", insecure=False)
    session = Session(endpoint, RegistrySettings(), ())
    assert session.url("tags/list") == "https://reg.example/v2/x/tags/list"
    with pytest.raises(ImageError, match="in the clear"):
        session.url("http://other.example/")


def test_a_registry_that_does_not_speak_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.oci.registry.settings.is_loopback", lambda host: False)
    memory = MemoryRegistry()
    memory.add_blob("x", LAYER)
    with FaultServer(memory) as server:
        said = failure(server.host)
        assert f"{server.host} does not speak TLS" in said
        assert f"WHEELBASE_INSECURE_REGISTRIES={server.host}" in said
        assert read(server.host, RegistrySettings(insecure_hosts=frozenset((server.host,)))) == LAYER


def test_names_that_are_not_found() -> None:
    said = failure("registry.invalid")
    assert "registry.invalid is not found" in said and "check the name of the registry" in said


def test_nobody_listens(pauses: list[float]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        assert f"the connection to {host} failed: Failed to establish a new connection" in failure(host)


def test_a_server_that_is_no_registry() -> None:
    with FaultServer(lambda asked: Reply(404, b"<html>")) as server:
        assert f"check the name, and that {server.host} is a registry" in failure(server.host)


def test_certificates_that_cannot_be_read(tmp_path: Path) -> None:
    assert "the certificates in /gone cannot be read" in failure("reg.example", RegistrySettings(certificates="/gone"))


def test_a_proxy_is_asked(monkeypatch: pytest.MonkeyPatch, pauses: list[float]) -> None:
    memory = MemoryRegistry()
    memory.add_blob("x", LAYER)
    with FaultServer(
        lambda asked: memory(type(asked)(asked.method, asked.path[len("http://reg.example") :], {}, b""))
    ) as proxy:
        monkeypatch.setenv("http_proxy", f"http://user:p%20w@{proxy.host}")
        monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        settings = RegistrySettings(insecure_hosts=frozenset(("reg.example",)), timeout=2)
        assert read("reg.example", settings) == LAYER
        sent = {name.lower(): value for name, value in proxy.seen[-1].headers.items()}
        assert sent["proxy-authorization"] == "Basic " + base64.b64encode(b"user:p w").decode()
        assert "reg.example cannot be reached through the proxy" in failure("reg.example", RegistrySettings(timeout=2))

"""The registry client against Debian's docker-registry, as it is, behind a proxy that fails, and beside skopeo."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faulty_registry import Fault, FaultServer, Reply, forward, sha256
from tests.memory_registry import MANIFEST, TokenServer
from tests.unit.oci.small_images import MemorySource
from tests.unit.oci.test_registry_errors import make_certificates

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError, MissingError
from wheelbase.oci.manifest import Descriptor, RawManifest
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource

PROGRAM = shutil.which("docker-registry")
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="needs a registry: apt-get install docker-registry")
# As `htpasswd -nbB bob secret` prints it: docker-registry takes bcrypt alone.
HTPASSWD = "bob:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
LAYERS = [hashlib.shake_256(bytes([number])).digest(size) for number, size in enumerate((5_000_000, 70_000, 1, 0))]


@contextmanager
def running(folder: Path, **http: object) -> Iterator[str]:
    """Run docker-registry on a free port; yield its HOST:PORT."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    auth = http.pop("auth", None)
    settings = {
        "version": 0.1,
        "log": {"level": "error"},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "x", **http},
        **({"auth": auth} if auth else {}),
    }
    (folder / "config.yml").write_text(json.dumps(settings))
    assert PROGRAM
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(folder / "config.yml")], stdout=log, stderr=log)
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                assert process.poll() is None, (folder / "log").read_text()
                time.sleep(0.05)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with running(tmp_path_factory.mktemp("registry")) as found:
        yield found


def blob(data: bytes) -> Blob:
    one = Descriptor(media_type="application/vnd.oci.image.layer.v1.tar+gzip", digest=Digest.of(data), size=len(data))
    return Blob(descriptor=one, source=MemorySource(blobs={one.digest: data}))


def push(place: Registry, layers: list[bytes]) -> RawManifest:
    """Push an image, its blobs at once, and return its manifest."""
    config = json.dumps(
        {
            "os": "linux",
            "architecture": "amd64",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [sha256(layer) for layer in layers]},
        }
    ).encode()
    with ThreadPoolExecutor(6) as pool:
        list(pool.map(place.put_blob, [blob(data) for data in (*layers, config)]))
    body = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": sha256(config),
            "size": len(config),
        },
        "layers": [
            {"mediaType": blob(layer).descriptor.media_type, "digest": sha256(layer), "size": len(layer)}
            for layer in layers
        ],
    }
    raw = RawManifest(body=json.dumps(body).encode(), media_type=MANIFEST)
    place.put_manifest(raw, named=True)
    return raw


def round_trip(host: str, settings: RegistrySettings, name: str = "team/app:1") -> None:
    reference = parse_name(f"{host}/{name}")
    with Registry(reference, settings) as place:
        raw = push(place, LAYERS)
    with RegistrySource(reference, settings) as source:
        assert source.read_manifest() == raw == source.read_manifest(raw.digest)
        for layer in LAYERS:
            found = Blob(descriptor=blob(layer).descriptor, source=source)
            assert found.read(1 << 30) == layer
            with found.open_range(100, 1000) as reader:
                assert reader.read(1 << 20) == layer[100:1100]


def test_a_round_trip(host: str) -> None:
    round_trip(host, RegistrySettings())
    raw = read_manifest(host, RegistrySettings())
    with Registry(parse_name(f"{host}/team/app:2"), RegistrySettings()) as place:
        assert place.has_blob(blob(LAYERS[0]).descriptor)
        assert not place.has_blob(blob(b"other").descriptor)
        place.put_manifest(raw, named=True)
        assert sorted(place.tags()) == ["1", "2"]


def test_a_mount(host: str) -> None:
    round_trip(host, RegistrySettings(), "mounted/base:1")
    with FaultServer(forward(host)) as proxy:
        source = RegistrySource(parse_name(f"{proxy.host}/mounted/base:1"), RegistrySettings())
        with source, Registry(parse_name(f"{proxy.host}/mounted/app:1"), RegistrySettings()) as place:
            place.put_blob(Blob(descriptor=blob(LAYERS[0]).descriptor, source=source))
            assert place.has_blob(blob(LAYERS[0]).descriptor)
        assert [one.method for one in proxy.asked()] == ["POST", "HEAD"]


def test_what_is_not_there(host: str) -> None:
    with RegistrySource(parse_name(f"{host}/none/such:1"), RegistrySettings()) as source:
        with pytest.raises(MissingError, match="none/such"):
            source.read_manifest()
        with pytest.raises(MissingError, match="the blob"), source.open_blob(blob(b"x").descriptor):
            pass


def test_referrers_by_their_tag(host: str) -> None:
    with Registry(parse_name(f"{host}/signed/app:1"), RegistrySettings()) as place:
        raw = push(place, LAYERS[1:2])
        said = json.loads(raw.body) | {
            "artifactType": "application/signature",
            "subject": {"mediaType": MANIFEST, "digest": str(raw.digest), "size": len(raw.body)},
        }
        place.put_manifest(RawManifest(body=json.dumps(said).encode(), media_type=MANIFEST), named=False)
        assert [one.artifact_type for one in place.referrers(raw.digest)] == ["application/signature"]


@pytest.mark.parametrize("method", ["PUT", "POST", "GET", "HEAD"])
def test_behind_a_proxy_that_fails(host: str, method: str) -> None:
    with FaultServer(forward(host)) as proxy:
        proxy.faults += [
            Fault(method=method, path="/(blobs|manifests)/", reply=Reply(503, b"", {"Retry-After": "0"}), times=2),
            Fault(method=method, path="/(blobs|manifests)/", drop_after=0),
        ]
        round_trip(proxy.host, RegistrySettings(), f"faults/{method.lower()}:1")


def test_an_upload_in_pieces_and_one_that_is_resumed(host: str) -> None:
    with FaultServer(forward(host)) as proxy:
        data = hashlib.shake_256(b"pieces").digest(20_000_000)
        with Registry(parse_name(f"{proxy.host}/pieces:1"), RegistrySettings()) as place:
            proxy.faults += [
                Fault(method="PUT", path="uploads", reply=Reply(413)),
                Fault(method="PATCH", path="uploads", alter=lambda reply: Reply(502)),
            ]
            place.put_blob(blob(data))
            assert place.has_blob(blob(data).descriptor)
        assert [one.method for one in proxy.asked()].count("PATCH") == 4


def read_manifest(host: str, settings: RegistrySettings) -> RawManifest:
    with RegistrySource(parse_name(f"{host}/team/app:1"), settings) as source:
        return source.read_manifest()


def login(folder: Path, host: str, password: str) -> RegistrySettings:
    auth = base64.b64encode(f"bob:{password}".encode()).decode()
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return RegistrySettings(auth_files=(path,))


def test_basic(tmp_path: Path) -> None:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "here", "path": str(tmp_path / "htpasswd")}}
    with running(tmp_path, auth=auth) as host:
        round_trip(host, login(tmp_path, host, "secret"))
        for settings in (RegistrySettings(), login(tmp_path, host, "wrong")):
            with pytest.raises(ImageError, match="answers 401") as caught:
                read_manifest(host, settings)
            assert "wrong" not in str(caught.value)


def test_tls(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path)
    certificate, key = map(str, certificates.pair("server"))
    with running(tmp_path, tls={"certificate": certificate, "key": key}) as host:
        round_trip(host, RegistrySettings(certificates=str(certificates.authority)))
        with pytest.raises(ImageError, match="is not trusted"):
            read_manifest(host, RegistrySettings())


class SigningTokens(TokenServer):
    """Tokens that docker-registry believes: JSON web tokens signed with a key whose certificate it has."""

    def __init__(self, folder: Path, login: str) -> None:
        super().__init__(login)
        self.certificate, self.key = make_certificates(folder, "rsa:2048").pair("server")

    def _token(self, scope: str) -> Reply:
        access = []
        for one in scope.split():
            kind, name, actions = one.split(":")
            access.append({"type": kind, "name": name, "actions": actions.split(",")})
        der = base64.b64encode(subprocess.check_output(["openssl", "x509", "-in", self.certificate, "-outform", "DER"]))
        header = {"typ": "JWT", "alg": "RS256", "x5c": [der.decode()]}
        now = int(time.time())
        claims = {"iss": "tests", "aud": "here", "sub": "bob", "exp": now + 300, "nbf": now - 10, "iat": now}
        text = b".".join(_base64url(json.dumps(part).encode()) for part in (header, claims | {"access": access}))
        signing = ["openssl", "dgst", "-sha256", "-sign", str(self.key)]
        signature = subprocess.run(signing, input=text, capture_output=True, check=True).stdout
        token = (text + b"." + _base64url(signature)).decode()
        return Reply(200, json.dumps({"token": token, "expires_in": 300}).encode())


def _base64url(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def test_tokens(tmp_path: Path) -> None:
    tokens = SigningTokens(tmp_path, "bob:secret")
    with FaultServer(tokens) as server:
        auth = {
            "token": {
                "realm": f"{server.url}/token",
                "service": "here",
                "issuer": "tests",
                "rootcertbundle": str(tokens.certificate),
            }
        }
        with running(tmp_path, auth=auth) as host:
            settings = login(tmp_path, host, "secret")
            round_trip(host, settings)
            assert len(tokens.asked) == 2  # one to push with, one to pull with
            source = RegistrySource(parse_name(f"{host}/team/app:1"), settings)
            with source, Registry(parse_name(f"{host}/team/new:1"), settings) as place:
                place.put_blob(Blob(descriptor=blob(LAYERS[0]).descriptor, source=source))
                assert place.has_blob(blob(LAYERS[0]).descriptor)
            with pytest.raises(ImageError, match="request for a token"):
                read_manifest(host, login(tmp_path, host, "wrong"))


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="needs skopeo: apt-get install skopeo")
def test_skopeo_agrees(host: str, tmp_path: Path) -> None:
    with Registry(parse_name(f"{host}/seen/by-skopeo:1"), RegistrySettings()) as place:
        raw = push(place, [gzip.compress(bytes(1024), mtime=0)])
    environment = os.environ | {"HOME": str(tmp_path)}
    url = f"docker://{host}/seen/by-skopeo"
    seen = subprocess.check_output(["skopeo", "inspect", "--tls-verify=false", f"{url}:1"], env=environment)
    assert json.loads(seen)["Digest"] == str(raw.digest)
    copy = ["skopeo", "copy", "--src-tls-verify=false", "--dest-tls-verify=false", f"{url}:1", f"{url}:2"]
    subprocess.run(copy, env=environment, check=True, capture_output=True)
    with RegistrySource(parse_name(f"{host}/seen/by-skopeo:2"), RegistrySettings()) as source:
        assert source.read_manifest() == raw

"""Writing to a registry that fails in every way: what is sent again, what is not sent at all, what is cleaned up."""

from __future__ import annotations

import hashlib
import json

import pytest
from tests.faulty_registry import Fault, FaultServer, Reply, refusal, sha256
from tests.memory_registry import INDEX, MANIFEST, MemoryRegistry
from tests.unit.oci.small_images import MemorySource

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.manifest import Descriptor, RawManifest
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import parse_name
from wheelbase.oci.registry import Registry, RegistrySettings, RegistrySource, transport

LAYER = hashlib.shake_256(b"a layer").digest(20_000_000)
DIGEST = sha256(LAYER)
CONFIG = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b"{}"), "size": 2}
MANIFEST_BODY = {"schemaVersion": 2, "mediaType": MANIFEST, "config": CONFIG, "layers": []}


@pytest.fixture
def registry() -> MemoryRegistry:
    return MemoryRegistry()


def sink(server: FaultServer, name: str = "team/app:1", mount_from: str | None = None) -> Registry:
    return Registry(parse_name(f"{server.host}/{name}"), RegistrySettings(), mount_from=mount_from)


def blob(data: bytes = LAYER, promised: bytes | None = None, size: int | None = None) -> Blob:
    digest = Digest.of(data if promised is None else promised)
    one = Descriptor(media_type="x", digest=digest, size=len(data) if size is None else size)
    return Blob(descriptor=one, source=MemorySource(blobs={digest: data}))


def raw(**more: object) -> RawManifest:
    return RawManifest(body=json.dumps(MANIFEST_BODY | more).encode(), media_type=MANIFEST)


def put(server: FaultServer, one: Blob) -> None:
    with sink(server) as place:
        place.put_blob(one)


@pytest.mark.parametrize("data", [b"", b"x", LAYER])
def test_a_blob_is_sent_with_one_request(server: FaultServer, registry: MemoryRegistry, data: bytes) -> None:
    with sink(server) as place:
        assert not place.has_blob(blob(data).descriptor)
        place.put_blob(blob(data))
        assert place.has_blob(blob(data).descriptor)
    assert registry.blobs["team/app", sha256(data)] == data
    assert [one.method for one in server.asked()] == ["HEAD", "POST", "PUT", "HEAD"]
    assert server.connections == 1 and not registry.uploads


@pytest.mark.parametrize("after", [0, 1, 2, 5_000_000])
def test_what_breaks_off_is_continued(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float], after: int
) -> None:
    """A registry that keeps the part that it got is sent the rest; one byte cannot be told from none."""
    server.faults.append(Fault(method="PUT", path="uploads/", drop_request_after=after))
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    sent = [len(one.body) for one in server.asked("PATCH")]
    assert sent == ([len(LAYER) - after] if after > 1 else [])
    assert len(pauses) == 1


def test_what_the_registry_has_lost_is_sent_again(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float]
) -> None:
    registry.loses_parts = True
    server.faults += [
        Fault(method="PUT", path="uploads/", drop_request_after=0),
        Fault(method="GET", path="uploads/", reply=Reply(204, b"", {"Range": "0-99", "Location": "/v2/a/gone"})),
    ]
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    assert [len(one.body) for one in server.asked("PUT")][-1] == len(LAYER)


def test_breaks_without_progress_end(server: FaultServer, registry: MemoryRegistry, pauses: list[float]) -> None:
    server.faults.append(Fault(method="PUT", path="uploads/", drop_request_after=0, times=99))
    with pytest.raises(ImageError, match=r"the connection to 127.0.0.1:\d+ failed"):
        put(server, blob())
    assert len(server.asked("PUT")) == transport.TRIES
    assert not registry.blobs


def test_breaks_are_borne_while_there_is_progress(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float]
) -> None:
    server.faults += [
        Fault(method="PUT", path="uploads/", drop_request_after=1_000_000),
        Fault(method="PATCH", path="uploads/", drop_request_after=1_000_000, times=9),
    ]
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER


def test_an_answer_that_is_lost_sends_nothing_again(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float]
) -> None:
    server.faults.append(Fault(method="PUT", path="uploads/", alter=lambda reply: Reply(504)))
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    assert len(server.asked("PUT")) == 1


def test_503_while_sending(server: FaultServer, registry: MemoryRegistry, pauses: list[float]) -> None:
    server.faults.append(Fault(method="PUT", path="uploads/", reply=refusal(503, "X", Retry_After="9"), times=2))
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    assert pauses == [9.0, 9.0]


def test_a_proxy_that_takes_no_long_requests_gets_pieces(server: FaultServer, registry: MemoryRegistry) -> None:
    server.faults.append(Fault(method="PUT", path="uploads/", reply=Reply(413)))
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    pieces = server.asked("PATCH")
    assert [one.headers["Content-Range"] for one in pieces] == ["0-8388607", "8388608-16777215", "16777216-19999999"]
    assert len(server.asked("PUT")[-1].body) == 0


def test_pieces_are_as_large_as_the_registry_wants_them(server: FaultServer, registry: MemoryRegistry) -> None:
    def alter(reply: Reply) -> Reply:
        return Reply(reply.status, reply.body, {**reply.headers, "OCI-Chunk-Min-Length": "15000000"})

    server.faults += [
        Fault(method="PUT", path="uploads/", reply=Reply(413)),
        Fault(method="POST", path="uploads/", alter=alter, times=2),
        Fault(method="PATCH", path="uploads/", alter=alter, times=9),
    ]
    put(server, blob())
    assert [len(one.body) for one in server.asked("PATCH")] == [15_000_000, 5_000_000]


def test_a_piece_that_breaks_off_is_sent_again(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float]
) -> None:
    server.faults += [
        Fault(method="PUT", path="uploads/", reply=Reply(413)),
        Fault(method="PATCH", path="uploads/", reply=Reply(502)),
    ]
    put(server, blob())
    assert registry.blobs["team/app", DIGEST] == LAYER and len(pauses) == 1


def test_pieces_that_are_too_long_as_well(server: FaultServer) -> None:
    server.faults += [
        Fault(method="PUT", path="uploads/", reply=Reply(413)),
        Fault(method="PATCH", path="uploads/", reply=Reply(413), times=99),
    ]
    with pytest.raises(ImageError, match="takes neither the blob"):
        put(server, blob())


@pytest.mark.parametrize(
    "wrong",
    [
        blob(LAYER[:-1] + b"x", LAYER),
        blob(LAYER[:-1], LAYER),
        blob(LAYER, size=len(LAYER) - 1),
        blob(b"x", b"", size=0),
    ],
)
def test_a_wrong_blob_is_never_sent_whole(server: FaultServer, registry: MemoryRegistry, wrong: Blob) -> None:
    with pytest.raises(DamagedError):
        put(server, wrong)
    assert not registry.blobs
    assert [one.method for one in server.asked()][-1] == "DELETE" and not registry.uploads


def test_a_registry_that_finds_another_digest(server: FaultServer) -> None:
    server.faults.append(Fault(method="PUT", path="uploads/", reply=refusal(400, "DIGEST_INVALID", "no match")))
    with pytest.raises(ImageError, match=r"answers 400 to the blob .* \(DIGEST_INVALID no match\)"):
        put(server, blob())


def test_a_blob_of_the_same_registry_is_mounted(server: FaultServer, registry: MemoryRegistry) -> None:
    registry.add_blob("library/base", LAYER)
    with RegistrySource(parse_name(f"{server.host}/library/base:1"), RegistrySettings()) as source, sink(server) as to:
        to.put_blob(Blob(descriptor=blob().descriptor, source=source))
    assert registry.blobs["team/app", DIGEST] == LAYER
    assert [one.method for one in server.asked()] == ["POST"]


@pytest.mark.parametrize("there", [True, False])
def test_a_blob_of_a_named_repository_is_mounted_if_it_is_there(
    server: FaultServer, registry: MemoryRegistry, there: bool
) -> None:
    if there:
        registry.add_blob("library/base", LAYER)
    with sink(server, mount_from="library/base") as place:
        place.put_blob(blob())
    assert registry.blobs["team/app", DIGEST] == LAYER
    assert len(server.asked("PUT")) == (not there)


def test_manifests_by_digest_and_by_tag(server: FaultServer, registry: MemoryRegistry) -> None:
    child = raw()
    listed = [{"mediaType": MANIFEST, "digest": str(child.digest), "size": len(child.body)}]
    index = RawManifest(body=json.dumps({"schemaVersion": 2, "manifests": listed}).encode(), media_type=INDEX)
    with sink(server) as place:
        place.put_manifest(child, named=False)
        place.put_manifest(index, named=True)
        assert place.read_manifest() == index
        assert place.read_manifest(child.digest) == child
    names = [one.path.rpartition("/")[2] for one in server.asked("PUT")]
    assert names == [str(child.digest), "1"]


def test_a_manifest_is_pushed_to_its_own_digest_alone(server: FaultServer) -> None:
    with sink(server, f"team/app@{raw().digest}") as place:
        place.put_manifest(raw(), named=True)
        with pytest.raises(ImageError, match="names another image"):
            place.put_manifest(raw(annotations={"a": "b"}), named=True)


def test_a_manifest_that_is_stored_as_another(server: FaultServer) -> None:
    wrong = Reply(201, b"", {"Docker-Content-Digest": sha256(b"other")})
    server.faults.append(Fault(method="PUT", path="manifests/", reply=wrong))
    with sink(server) as place, pytest.raises(DamagedError, match="is not its digest"):
        place.put_manifest(raw(), named=True)


@pytest.mark.parametrize("reply", [refusal(400, "MANIFEST_INVALID"), Reply(415)])
def test_a_manifest_of_a_kind_that_the_registry_does_not_take(server: FaultServer, reply: Reply) -> None:
    server.faults.append(Fault(method="PUT", path="manifests/", reply=reply))
    with sink(server) as place, pytest.raises(ImageError, match="does not take manifests of this kind"):
        place.put_manifest(raw(), named=True)


@pytest.mark.parametrize("api", [True, False])
def test_what_refers_to_another_is_found(server: FaultServer, registry: MemoryRegistry, api: bool) -> None:
    registry.has_referrers = api
    subject = raw()
    said = {"mediaType": MANIFEST, "digest": str(subject.digest), "size": len(subject.body)}
    signatures = [raw(artifactType=f"application/{name}", subject=said) for name in "ab"]
    with sink(server) as place:
        place.put_manifest(subject, named=True)
        for signature in (*signatures, signatures[0]):
            place.put_manifest(signature, named=False)
        found = place.referrers(subject.digest)
    assert {(str(one.digest), one.artifact_type) for one in found} == {
        (str(one.digest), f"application/{name}") for one, name in zip(signatures, "ab", strict=True)
    }
    assert len(found) == 2


def test_no_location_is_an_error(server: FaultServer) -> None:
    server.faults.append(Fault(method="POST", path="uploads/", reply=Reply(202)))
    with pytest.raises(ImageError, match="does not say where to send"):
        put(server, blob())

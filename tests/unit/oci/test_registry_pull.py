"""Reading from a registry that fails in every way: what is tried again, what is refused, what is verified."""

from __future__ import annotations

import hashlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from email.utils import formatdate

import pytest
from tests.faulty_registry import Fault, FaultServer, Reply, refusal, sha256
from tests.memory_registry import MANIFEST, MemoryRegistry

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import DamagedError, ImageError, MissingError
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor
from wheelbase.oci.places import Blob, chunks
from wheelbase.oci.reference import RegistryReference, parse_name
from wheelbase.oci.registry import RegistrySettings, RegistrySource, transport

LAYER = hashlib.shake_256(b"a layer").digest(1_000_000)
BODY = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256(b"{}"), "size": 2},
        "layers": [],
    }
).encode()


@pytest.fixture
def registry() -> MemoryRegistry:
    memory = MemoryRegistry()
    memory.add_blob("team/app", LAYER)
    memory.add_manifest("team/app", "1", BODY)
    return memory


def reference(server: FaultServer, name: str = "team/app:1") -> RegistryReference:
    return parse_name(f"{server.host}/{name}")


def source(server: FaultServer, name: str = "team/app:1", **settings: object) -> RegistrySource:
    return RegistrySource(reference(server, name), RegistrySettings(**settings))  # type: ignore[arg-type]


def descriptor(data: bytes = LAYER, size: int | None = None) -> Descriptor:
    return Descriptor(media_type="x", digest=Digest.of(data), size=len(data) if size is None else size)


def read(place: RegistrySource, one: Descriptor | None = None) -> bytes:
    with place:
        return Blob(descriptor=one or descriptor(), source=place).read(1 << 30)


def read_part(place: RegistrySource, start: int, length: int | None = None) -> bytes:
    with place, place.open_blob(descriptor(), start, length) as reader:
        return b"".join(chunks(reader))


def test_a_manifest_by_tag_and_by_digest(server: FaultServer) -> None:
    with source(server) as place:
        raw = place.read_manifest()
        assert (raw.body, raw.media_type) == (BODY, MANIFEST)
        assert place.read_manifest(raw.digest) == raw
    with source(server, f"team/app@{raw.digest}") as place:
        assert place.read_manifest() == raw
    accept = server.asked("GET", "manifests/1")[0].headers["Accept"]
    assert "vnd.oci.image.index.v1" in accept and "vnd.docker.distribution.manifest.v2" in accept
    assert "prettyjws" not in accept


def test_a_blob_comes_over_one_kept_connection(server: FaultServer) -> None:
    with source(server) as place:
        for _ in range(3):
            place.read_manifest()
            assert Blob(descriptor=descriptor(), source=place).read(1 << 30) == LAYER
    assert server.connections == 1


@pytest.mark.parametrize(
    ("start", "length"),
    [(0, 10), (7, None), (999_990, 100), (5, 300_000), (1_000_000, 5), (2_000_000, None), (3, 0), (0, 0)],
)
@pytest.mark.parametrize("ranges", [True, False])
def test_a_part_of_a_blob(
    server: FaultServer, registry: MemoryRegistry, start: int, length: int | None, ranges: bool
) -> None:
    registry.has_ranges = ranges
    assert read_part(source(server), start, length) == LAYER[start:][:length]
    assert not any("--" in one.headers.get("Range", "") for one in server.seen)


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("after", [0, 1, 300_000, 999_999])
def test_a_blob_that_breaks_off_is_asked_for_from_there_on(
    server: FaultServer, registry: MemoryRegistry, pauses: list[float], after: int, ranges: bool
) -> None:
    registry.has_ranges = ranges
    server.faults.append(Fault(method="GET", path="blobs/", drop_after=after))
    assert read(source(server)) == LAYER
    asked = server.asked("GET", "blobs/")
    assert len(asked) == 2 and len(pauses) == 1
    assert asked[1].headers.get("Range") == (f"bytes={after}-" if after else None)


def test_a_part_that_breaks_off_ends_where_it_should(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="blobs/", drop_after=50_000))
    assert read_part(source(server), 1000, 200_000) == LAYER[1000:201_000]
    assert server.asked("GET", "blobs/")[1].headers["Range"] == "bytes=51000-200999"


def test_breaks_are_borne_while_there_is_progress(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="blobs/", drop_after=100_000, times=9))
    assert read(source(server)) == LAYER


def test_breaks_without_progress_end(server: FaultServer, pauses: list[float]) -> None:
    server.faults += [
        Fault(method="GET", path="blobs/", drop_after=100),
        Fault(method="GET", path="blobs/", drop_after=0, times=99),
    ]
    with pytest.raises(ImageError, match=r"broke off at byte 100: the connection to 127.0.0.1:\d+ failed"):
        read(source(server))
    assert len(server.asked("GET", "blobs/")) == transport.TRIES


def test_another_part_than_that_which_was_asked_for(server: FaultServer, pauses: list[float]) -> None:
    wrong = Reply(206, LAYER[:10], {"Content-Range": "bytes 0-9/1000000"})
    server.faults.append(Fault(method="GET", path="blobs/", reply=wrong))
    with pytest.raises(ImageError, match="another part of the blob"):
        read_part(source(server), 5, 10)


def test_wrong_bytes_are_no_blob(server: FaultServer) -> None:
    wrong = bytearray(LAYER)
    wrong[500_000] ^= 1
    server.faults.append(Fault(method="GET", path="blobs/", reply=Reply(200, bytes(wrong))))
    with pytest.raises(DamagedError, match="has other bytes"):
        read(source(server))


@pytest.mark.parametrize("size", [len(LAYER) - 1, len(LAYER) + 1])
def test_a_wrong_size_is_no_blob(server: FaultServer, size: int) -> None:
    with pytest.raises(DamagedError):
        read(source(server), descriptor(size=size))


def test_other_bytes_than_a_digest_promises_are_no_manifest(server: FaultServer) -> None:
    wrong = Reply(200, BODY + b" ", {"Content-Type": MANIFEST, "Docker-Content-Digest": sha256(BODY)})
    server.faults.append(Fault(method="GET", path="manifests/", reply=wrong, times=2))
    with source(server) as place:
        with pytest.raises(DamagedError, match="other bytes"):
            place.read_manifest()
        with pytest.raises(DamagedError, match="other bytes"):
            place.read_manifest(Digest.of(BODY))


@pytest.mark.parametrize("stated", [True, False])
def test_a_manifest_of_100_mb_is_not_read(server: FaultServer, stated: bool) -> None:
    large = Reply(200, b" " * (100 << 20), {"Content-Type": MANIFEST} | ({} if stated else {"Content-Length": ""}))
    server.faults.append(Fault(method="GET", path="manifests/", reply=large))
    started = time.monotonic()
    with source(server) as place, pytest.raises(ImageError, match=f"more than {MAX_MANIFEST} bytes"):
        place.read_manifest()
    assert time.monotonic() - started < 5


def test_500_twice_then_fine(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="manifests/", reply=Reply(500), times=2))
    with source(server) as place:
        assert place.read_manifest().body == BODY
    assert len(pauses) == 2 and pauses[0] < pauses[1]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_500_for_ever(server: FaultServer, pauses: list[float], status: int) -> None:
    server.faults.append(Fault(method="GET", path="manifests/", reply=Reply(status), times=99))
    with source(server) as place, pytest.raises(ImageError, match=f"answers {status} to the manifest") as caught:
        place.read_manifest()
    assert caught.value.hint and "try again later" in caught.value.hint
    assert len(server.asked("GET", "manifests/")) == transport.TRIES


@pytest.mark.parametrize("stated", ["7", "date", "soon", "-3"])
def test_429_is_left_alone_for_as_long_as_it_asks(server: FaultServer, pauses: list[float], stated: str) -> None:
    said = formatdate(time.time() + 40, usegmt=True) if stated == "date" else stated
    server.faults.append(Fault(method="GET", path="manifests/", reply=refusal(429, "BUSY", Retry_After=said)))
    with source(server) as place:
        assert place.read_manifest().body == BODY
    expected = {"7": 7.0, "date": pytest.approx(38, abs=3)}.get(stated, pytest.approx(0.4, abs=0.2))
    assert pauses == [expected]


def test_429_that_asks_for_an_hour_is_an_error_now(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="x", reply=refusal(429, "TOOMANYREQUESTS", Retry_After="3600")))
    server.faults[0].path = "manifests/"
    with source(server) as place, pytest.raises(ImageError, match="asked too often") as caught:
        place.read_manifest()
    assert pauses == []
    assert "3600 seconds" in str(caught.value)
    assert caught.value.hint and "docker login" in caught.value.hint


@pytest.mark.parametrize("status", [400, 403, 404, 405, 410, 416])
def test_nothing_else_is_tried_again(server: FaultServer, pauses: list[float], status: int) -> None:
    server.faults.append(Fault(method="GET", path="manifests/", reply=Reply(status), times=99))
    with source(server) as place, pytest.raises(ImageError):
        place.read_manifest()
    assert len(server.asked("GET", "manifests/")) == 1 and pauses == []


def test_connections_that_break_are_tried_again(server: FaultServer, pauses: list[float]) -> None:
    server.faults += [
        Fault(method="GET", path="manifests/", drop_request_after=0, times=2),
        Fault(method="GET", path="manifests/", drop_after=5),
    ]
    with source(server) as place:
        assert place.read_manifest().body == BODY
    assert len(pauses) == 3


def test_a_slow_server(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="manifests/", delay=0.5, times=99))
    with source(server, timeout=0.1) as place, pytest.raises(ImageError, match="does not answer in time"):
        place.read_manifest()
    assert len(pauses) == transport.TRIES - 1


def test_a_server_that_is_slow_once(server: FaultServer, pauses: list[float]) -> None:
    server.faults.append(Fault(method="GET", path="blobs/", delay=1.0))
    assert read(source(server, timeout=0.3)) == LAYER


def test_what_is_not_there(server: FaultServer) -> None:
    gone = Digest.of(b"gone")
    with source(server, "team/app:2") as place:
        with pytest.raises(MissingError, match=r"the manifest of 127.0.0.1:\d+/team/app:2 \(MANIFEST_UNKNOWN"):
            place.read_manifest()
        with pytest.raises(MissingError, match=f"the manifest {gone} of"):
            place.read_manifest(gone)
        with pytest.raises(MissingError, match=f"the blob {gone} of"), place.open_blob(descriptor(b"gone")):
            pass
    server.faults.append(Fault(method="GET", path="manifests/", reply=refusal(404, "NAME_UNKNOWN")))
    with source(server, "team/other:2") as place, pytest.raises(MissingError, match="does not have the repository"):
        place.read_manifest()


def test_a_redirect_is_followed_and_resumed_from_the_registry(server: FaultServer, pauses: list[float]) -> None:
    storage = MemoryRegistry()
    storage.add_blob("x", LAYER)
    with FaultServer(storage) as other:
        moved = Reply(307, b"", {"Location": f"{other.url}/v2/x/blobs/{sha256(LAYER)}?signature=secret"})
        server.faults.append(Fault(method="GET", path="blobs/", reply=moved, times=2))
        other.faults.append(Fault(method="GET", path="blobs/", drop_after=1000))
        assert read(source(server)) == LAYER
        assert [one.headers.get("Range") for one in other.asked()] == [None, "bytes=1000-"]
        assert len(server.asked("GET", "blobs/")) == 2


@pytest.mark.parametrize(
    "target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1/x", "http://x:99999/", "http:///x"]
)
def test_a_redirect_leads_nowhere_but_to_the_web(server: FaultServer, target: str) -> None:
    server.faults.append(Fault(method="GET", path="blobs/", reply=Reply(302, b"", {"Location": target})))
    with pytest.raises(ImageError):
        read(source(server))


def test_redirects_end(server: FaultServer) -> None:
    server.faults.append(Fault(method="GET", path="x", reply=Reply(302, b"", {"Location": "x"}), times=99))
    server.faults[0].path = "."
    server.faults[0].method = "GET"
    with source(server) as place, pytest.raises(ImageError, match="redirects more than"):
        place.read_manifest()


def test_no_signature_of_an_url_is_shown(server: FaultServer) -> None:
    moved = Reply(307, b"", {"Location": f"{server.url}/gone?signature=secret"})
    server.faults.append(Fault(method="GET", path="blobs/", reply=moved))
    with pytest.raises(ImageError) as caught:
        read(source(server))
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_many_threads_share_a_source(server: FaultServer) -> None:
    with source(server) as place, ThreadPoolExecutor(8) as pool:
        blob = Blob(descriptor=descriptor(), source=place)
        assert all(pool.map(lambda _: blob.read(1 << 30) == LAYER, range(24)))
    assert server.connections <= 9

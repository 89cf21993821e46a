"""Tags, referrers, and mirrors."""

from __future__ import annotations

import json

import pytest
from tests.faulty_registry import Fault, FaultServer, Reply, sha256
from tests.memory_registry import INDEX, MANIFEST, MemoryRegistry

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.places import Blob
from wheelbase.oci.reference import RegistryReference, parse_name
from wheelbase.oci.registry import RegistrySettings, RegistrySource, discovery
from wheelbase.oci.registry.settings import Namespace, Place

LAYER = b"layer" * 1000
ONE = Descriptor(media_type="x", digest=Digest.of(LAYER), size=len(LAYER))
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


def read(place: RegistrySource) -> bytes:
    with place:
        return Blob(descriptor=ONE, source=place).read(1 << 20)


def test_tags_over_several_pages(server: FaultServer, registry: MemoryRegistry) -> None:
    for number in range(2, 6):
        registry.add_manifest("team/app", str(number), BODY)
    with source(server) as place:
        assert place.tags() == ["1", "2", "3", "4", "5"]
    with source(server, "team/none") as place:
        assert place.tags() == []


def test_pages_of_tags_end(server: FaultServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(discovery, "_MOST_PAGES", 20)
    page = Reply(200, b'{"tags": ["x"]}', {"Link": '<list?n=1>; rel="next"'})
    server.faults.append(Fault(method="GET", path="tags/list", reply=page, times=99))
    with source(server) as place, pytest.raises(ImageError, match="more than 20 pages"):
        place.tags()


@pytest.mark.parametrize("api", [True, False])
def test_referrers_by_the_api_or_by_a_tag(server: FaultServer, registry: MemoryRegistry, api: bool) -> None:
    registry.has_referrers = api
    subject = {"mediaType": MANIFEST, "digest": sha256(BODY), "size": len(BODY)}
    listed = []
    for kind in ("application/a", "application/b"):
        body = json.dumps(json.loads(BODY) | {"artifactType": kind, "subject": subject}).encode()
        name = registry.add_manifest("team/app", kind[-1:], body)
        listed.append({"mediaType": MANIFEST, "digest": name, "size": len(body), "artifactType": kind})
    if not api:
        index = json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()
        registry.add_manifest("team/app", sha256(BODY).replace(":", "-"), index, INDEX)
    with source(server) as place:
        found = place.referrers(Digest.of(BODY))
        assert [str(one.digest) for one in found] == [one["digest"] for one in listed]
        assert [one.artifact_type for one in place.referrers(Digest.of(BODY), "application/b")] == ["application/b"]
        assert place.referrers(Digest.of(b"other")) == ()


def test_a_mirror_is_asked_first_and_its_failures_do_no_harm(server: FaultServer, pauses: list[float]) -> None:
    name = str(reference(server))
    with FaultServer(MemoryRegistry()) as mirror:
        home = Place(location=server.host)
        namespace = Namespace(prefix=server.host, home=home, mirrors=(Place(location=f"{mirror.host}/copy"),))
        assert read(source(server, namespaces=(namespace,))) == LAYER
        assert [one.path for one in mirror.asked()] == [f"/v2/copy/team/app/blobs/{sha256(LAYER)}"]
        cast_memory = mirror.app
        assert isinstance(cast_memory, MemoryRegistry)
        cast_memory.add_manifest("copy/team/app", "1", BODY)
        with source(server, namespaces=(namespace,)) as place:
            assert place.read_manifest().body == BODY
            assert place.where == name
        assert server.asked("GET", "manifests/") == []


def test_a_mirror_that_is_down_is_asked_for_once(server: FaultServer, pauses: list[float]) -> None:
    mirror = Place(location="127.0.0.1:9")
    namespace = Namespace(prefix=server.host, home=Place(location=server.host), mirrors=(mirror,))
    with source(server, namespaces=(namespace,)) as place:
        assert place.read_manifest().body == BODY
        tried = len(pauses)
        assert place.read_manifest().body == BODY
        assert len(pauses) == tried > 0

"""Blobs on their way to places while an image is made; what an image is put together of."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace

import pytest
from tests.unit.oci.small_images import MemorySource, image_of, tar

from wheelbase.oci.assembly import Addition, Runtime, assemble
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.image import Image, Layer, read_image
from wheelbase.oci.manifest import Descriptor, RawManifest
from wheelbase.oci.places import Blob, chunks
from wheelbase.oci.publishing import Publishing


@dataclass
class SlowSink:
    """A place that takes its time, and counts what it is given."""

    takes_indexes: bool = True
    keeps_referrers: bool = True
    put: list[Digest] = field(default_factory=list)
    named: list[RawManifest] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)

    def has_blob(self, descriptor: Descriptor, /) -> bool:
        self.go_on.wait(10)
        return descriptor.digest in self.put

    def put_blob(self, blob: Blob, /) -> None:
        with blob.open() as reader:
            for _ in chunks(reader):
                pass
        self.put.append(blob.descriptor.digest)

    def put_manifest(self, manifest: RawManifest, /, *, named: bool) -> None:
        if named:
            self.named.append(manifest)


def blob_of(data: bytes) -> Blob:
    source = MemorySource()
    return Blob(descriptor=source.add(data, "x"), source=source)


def test_a_blob_is_sent_once_however_often_it_is_given() -> None:
    sink, blob = SlowSink(), blob_of(b"layer")
    with Publishing([sink]) as publishing:
        for _ in range(5):
            publishing.send(blob)
        sink.go_on.set()
        publishing.wait()
    assert sink.put == [blob.descriptor.digest]


def test_nothing_gets_a_name_where_a_blob_is_wrong() -> None:
    sink, blob = SlowSink(), blob_of(b"layer")
    sink.go_on.set()
    wrong = replace(blob, descriptor=replace(blob.descriptor, digest=Digest.of(b"another")))
    assert isinstance(blob.source, MemorySource)
    blob.source.blobs[wrong.descriptor.digest] = b"layer"
    with Publishing([sink]) as publishing:
        publishing.send(wrong)
        with pytest.raises(ImageError):
            publishing.name([RawManifest(body=b"{}", media_type="x")])
    assert sink.named == []


def test_after_an_error_nobody_waits_for_what_is_on_its_way() -> None:
    sink = SlowSink()
    with pytest.raises(KeyboardInterrupt), Publishing([sink]) as publishing:
        publishing.send(blob_of(b"layer"))
        raise KeyboardInterrupt
    sink.go_on.set()


def base(**changes: object) -> Image:
    image = read_image(image_of({"etc/os-release": b"x"}))
    return replace(image, config=replace(image.config, **changes))  # type: ignore[arg-type]


def addition(name: str = "numpy 1") -> Addition:
    data = tar({"a": b"b"})
    descriptor = Descriptor(media_type="application/vnd.oci.image.layer.v1.tar", digest=Digest.of(data), size=len(data))
    return Addition(layer=Layer(descriptor=descriptor, diff_id=Digest.of(data)), created_by=name)


def assembled(image: Image, runtime: Runtime) -> ImageConfig:
    return assemble(image, [addition()], runtime, author="test").settings


def test_an_own_entrypoint_takes_the_command_of_the_base_away() -> None:
    image = base(cmd=("sh",), entrypoint=("tini",))
    kept = assembled(image, Runtime())
    assert (kept.entrypoint, kept.cmd) == (("tini",), ("sh",))
    own = assembled(image, Runtime(entrypoint=("app",)))
    assert (own.entrypoint, own.cmd) == (("app",), ())


def test_what_is_for_dockerfiles_alone_is_not_passed_on() -> None:
    config = assembled(base(other_runtime={"OnBuild": ["RUN x"], "Healthcheck": {}}), Runtime(ports=("80/tcp",)))
    assert config.other_runtime == {"Healthcheck": {}, "ExposedPorts": {"80/tcp": {}}}


def test_a_history_that_does_not_tell_of_all_layers_is_made_up_for() -> None:
    config = assembled(base(history=({"created_by": "a"}, {"created_by": "b"})), Runtime())
    assert [entry["created_by"] for entry in config.history] == ["base image", "numpy 1"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"working_dir": "app"},
        {"stop_signal": "FOO"},
        {"user": "no one"},
        {"ports": ("80",)},
        {"ports": ("70000/tcp",)},
        {"env_vars": {"A=B": "c"}},
        {"env_vars": {"": "c"}},
    ],
)
def test_what_no_engine_would_start_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ImageError) as caught:
        Runtime(**wrong)  # type: ignore[arg-type]
    assert caught.value.hint

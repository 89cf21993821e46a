"""Digests, platforms, manifests and configurations: parsed, printed, and refused."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.oci.small_images import AMD64, ARM64, image_of

from wheelbase.oci import media_types
from wheelbase.oci.config import MAX_CONFIG, ImageConfig, encode_config, parse_config
from wheelbase.oci.digest import Digest, VerifyingReader
from wheelbase.oci.errors import DamagedError, ImageError
from wheelbase.oci.manifest import (
    MAX_LAYERS,
    MAX_MANIFEST,
    Descriptor,
    ImageIndex,
    Manifest,
    RawManifest,
    checked,
    encode,
    parse_manifest,
    stored_manifest,
)
from wheelbase.oci.places import chunks
from wheelbase.oci.platform import Platform, best_of

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
DIGESTS = st.builds(Digest.of, st.binary(max_size=8), st.sampled_from(["sha256", "sha512"]))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
PLATFORMS = st.builds(Platform, os=WORDS, architecture=WORDS, variant=WORDS | st.just(""), os_version=st.just(""))
ANNOTATIONS = st.dictionaries(WORDS, WORDS, max_size=3)
DESCRIPTORS = st.builds(
    Descriptor,
    media_type=WORDS,
    digest=DIGESTS,
    size=st.integers(0, 1 << 60),
    platform=st.none() | PLATFORMS,
    annotations=ANNOTATIONS,
    artifact_type=st.none() | WORDS,
    urls=st.lists(WORDS, max_size=2).map(tuple),
)
MANIFESTS = st.builds(
    Manifest,
    media_type=st.sampled_from(sorted(media_types.MANIFESTS)),
    config=DESCRIPTORS,
    layers=st.lists(DESCRIPTORS, max_size=4).map(tuple),
    annotations=ANNOTATIONS,
    artifact_type=st.none() | WORDS,
    subject=st.none() | DESCRIPTORS,
)
INDEXES = st.builds(
    ImageIndex,
    media_type=st.sampled_from(sorted(media_types.INDEXES)),
    manifests=st.lists(DESCRIPTORS, max_size=4).map(tuple),
    annotations=ANNOTATIONS,
    artifact_type=st.none() | WORDS,
    subject=st.none() | DESCRIPTORS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 60), 1 << 60) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
)
CONFIGS = st.builds(
    ImageConfig,
    platform=PLATFORMS,
    diff_ids=st.lists(DIGESTS, max_size=4).map(tuple),
    created=st.none() | WORDS,
    author=st.none() | WORDS,
    env_vars=st.lists(st.builds("{}={}".format, WORDS, WORDS), max_size=3).map(tuple),
    entrypoint=st.none() | st.lists(WORDS, max_size=2).map(tuple),
    cmd=st.none() | st.lists(WORDS, max_size=2).map(tuple),
    user=WORDS | st.just(""),
    working_dir=WORDS | st.just(""),
    labels=ANNOTATIONS,
    history=st.lists(st.dictionaries(WORDS, JSON, max_size=2), max_size=2).map(tuple),
    other=st.dictionaries(WORDS.map("x-{}".format), JSON, max_size=3),
    other_runtime=st.dictionaries(WORDS.map("X{}".format), JSON, max_size=3),
)


def document(**changes: Any) -> bytes:
    blob = {"mediaType": media_types.CONFIG, "digest": EMPTY, "size": 0}
    whole = {"schemaVersion": 2, "config": blob, "layers": [blob], **changes}
    return json.dumps({name: value for name, value in whole.items() if value is not None}).encode()


def parsed(body: bytes, media_type: str = media_types.MANIFEST) -> Manifest | ImageIndex:
    return parse_manifest(RawManifest(body=body, media_type=media_type), "an image")


@settings(deadline=None)
@given(MANIFESTS | INDEXES)
def test_manifests_round_trip(value: Manifest | ImageIndex) -> None:
    raw = encode(value)
    assert parse_manifest(raw, "it") == value
    assert stored_manifest(raw.body, raw.digest, "it") == raw
    assert encode(value) == raw
    assert checked(raw, raw.digest, "it") == raw


@settings(deadline=None)
@given(CONFIGS)
def test_configurations_round_trip(config: ImageConfig) -> None:
    body = encode_config(config)
    assert parse_config(body, "it") == config
    assert encode_config(parse_config(body, "it")) == body


@settings(deadline=None)
@given(DIGESTS)
def test_digests_round_trip(digest: Digest) -> None:
    assert Digest.parse(str(digest)) == digest


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256",
        "sha256:",
        f"{EMPTY}0",
        EMPTY[:-1],
        EMPTY.upper(),
        f"md5:{'0' * 32}",
        f" {EMPTY}",
        f"{EMPTY}\n",
        "sha256:../../x",
    ],
)
def test_what_is_no_digest(text: str) -> None:
    with pytest.raises(ImageError):
        Digest.parse(text)


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(1, 50), st.data())
def test_a_verifying_reader_passes_the_right_bytes_alone(data: bytes, size: int, draw: st.DataObject) -> None:
    def read(given: bytes) -> bytes:
        reader = VerifyingReader(io.BytesIO(given), Digest.of(data), len(data))
        return b"".join(iter(lambda: reader.read(size), b""))

    assert read(data) == data
    other = draw.draw(st.binary(max_size=200))
    if other != data:
        with pytest.raises(DamagedError):
            read(other)


def test_a_wrong_reader_is_not_read_to_its_end() -> None:
    class Endless:
        def read(self, size: int, /) -> bytes:
            return b"x" * size

    with pytest.raises(DamagedError, match="more than the 10 bytes"):
        list(chunks(VerifyingReader(Endless(), Digest.parse(EMPTY), 10)))


@pytest.mark.parametrize(
    ("text", "platform"),
    [
        ("linux/amd64", AMD64),
        ("amd64", AMD64),
        ("linux/x86_64", AMD64),
        ("aarch64", Platform(os="linux", architecture="arm64")),
        ("linux/arm64/v8", ARM64),
        ("windows/amd64", Platform(os="windows", architecture="amd64")),
    ],
)
def test_platforms(text: str, platform: Platform) -> None:
    assert Platform.parse(text) == platform
    assert Platform.parse(str(platform)) == platform


@pytest.mark.parametrize("text", ["", "/", "linux/", "linux/arm64/v8/x", "li nux/amd64", "linux/../x"])
def test_what_is_no_platform(text: str) -> None:
    with pytest.raises(ImageError, match="is no platform"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("wanted", "offered", "taken"),
    [
        ("linux/arm64", ["linux/amd64", "linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm64/v8", ["linux/arm64"], "linux/arm64"),
        ("linux/arm64/v9", ["linux/arm64/v8"], "linux/arm64/v8"),
        ("linux/arm", ["linux/arm/v5", "linux/arm/v7", "linux/arm/v6"], "linux/arm/v7"),
        ("linux/arm/v6", ["linux/arm/v7", "linux/arm/v5"], "linux/arm/v5"),
        ("linux/arm/v5", ["linux/arm/v7", "linux/arm/v6"], None),
        ("linux/amd64", ["linux/amd64/v3", "linux/amd64"], "linux/amd64"),
        ("linux/amd64", ["linux/amd64/v2"], None),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], "linux/amd64/v2"),
        ("linux/amd64", ["windows/amd64"], None),
        ("linux/s390x", ["linux/amd64", "linux/s390x"], "linux/s390x"),
        ("linux/x/odd", ["linux/x/even", "linux/x/odd"], "linux/x/odd"),
        ("linux/amd64", [], None),
    ],
)
def test_which_platform_is_taken(wanted: str, offered: list[str], taken: str | None) -> None:
    assert best_of(Platform.parse(wanted), [(Platform.parse(one), one) for one in offered]) == taken


def test_this_machine_runs_its_own_images() -> None:
    here = Platform.of_this_machine()
    assert here.runs(here) == 0 and here.os == "linux"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "cannot be used"),
        (b"[]", "cannot be used"),
        (b"\xff", "cannot be used"),
        (b"[" * 100_000, "cannot be used"),
        (document(schemaVersion=1), "schema 1"),
        (document(mediaType=media_types.DOCKER_SCHEMA_1[1]), "schema 1"),
        (document(schemaVersion=3), "schema version is 3"),
        (document(config=None), "lacks"),
        (document(layers=None), "lacks"),
        (document(manifests=[]), "at once"),
        (document(mediaType=media_types.INDEX), "at once"),
        (document(mediaType=media_types.DOCKER_MANIFEST), "came as"),
        (document(layers=[{"digest": EMPTY, "size": -1}]), "size of -1"),
        (document(layers=[{"digest": EMPTY, "size": 1 << 63}]), "cannot be used"),
        (document(layers=[{"digest": "sha256:../../etc/passwd", "size": 1}]), "is no digest"),
        (document(layers=[{"digest": EMPTY, "size": 1}] * (MAX_LAYERS + 1)), f"{MAX_LAYERS + 1} layers"),
        (b" " * (MAX_MANIFEST + 1), f"more than {MAX_MANIFEST}"),
    ],
)
def test_what_is_no_manifest(body: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says) as caught:
        parsed(body)
    assert "an image" in str(caught.value) and caught.value.hint
    assert len(str(caught.value)) < 1000


def test_what_is_no_index() -> None:
    with pytest.raises(ImageError, match="lacks its list"):
        parsed(document(config=None, layers=None), media_types.INDEX)


def test_a_manifest_without_its_type() -> None:
    found = parsed(document())
    assert isinstance(found, Manifest) and found.media_type == media_types.MANIFEST
    for body, kind in (
        (document(), media_types.MANIFEST),
        (document(config=None, layers=None, manifests=[]), media_types.INDEX),
    ):
        assert stored_manifest(body, Digest.of(body), "it").media_type == kind


def test_docker_manifests_are_read_as_the_same() -> None:
    found = parsed(document(mediaType=media_types.DOCKER_MANIFEST), media_types.DOCKER_MANIFEST)
    assert isinstance(found, Manifest) and found.layers[0].digest == Digest.parse(EMPTY)


def test_a_manifest_with_other_bytes() -> None:
    raw = RawManifest(body=document(), media_type=media_types.MANIFEST)
    with pytest.raises(DamagedError, match=EMPTY):
        checked(raw, Digest.parse(EMPTY), "it")
    other = Digest.of(raw.body, "sha512")
    assert checked(raw, other, "it").digest == other


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"", "cannot be used"),
        (b"null", "cannot be used"),
        (b'{"config": []}', "cannot be used"),
        (b'{"rootfs": {"diff_ids": ["x"]}}', "no digest"),
        (json.dumps({"rootfs": {"diff_ids": [EMPTY] * (MAX_LAYERS + 1)}}).encode(), "layers"),
        (b'{"a":' * 100_000, "cannot be used"),
        (b" " * (MAX_CONFIG + 1), f"more than {MAX_CONFIG}"),
    ],
)
def test_what_is_no_configuration(body: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        parse_config(body, "it")


def test_a_configuration_as_docker_writes_it() -> None:
    body = json.dumps(
        {
            "architecture": "arm64",
            "variant": "v8",
            "os": "linux",
            "config": {
                "Env": ["PATH=/bin", "LINE=a=b", "EMPTY="],
                "Entrypoint": None,
                "Cmd": ["python3"],
                "Labels": None,
                "OnBuild": None,
                "ExposedPorts": {"80/tcp": {}},
            },
            "container": "x",
            "rootfs": {"type": "layers", "diff_ids": [EMPTY]},
        }
    ).encode()
    config = parse_config(body, "it")
    assert config.platform == ARM64
    assert [config.env_var(name) for name in ("PATH", "LINE", "EMPTY", "NONE")] == ["/bin", "a=b", "", None]
    assert config.entrypoint is None and config.cmd == ("python3",) and config.labels == {}
    again = json.loads(encode_config(replace(config, cmd=(), user="app")))
    assert again["container"] == "x"
    assert again["config"]["ExposedPorts"] == {"80/tcp": {}} and again["config"]["OnBuild"] is None
    assert again["config"]["Cmd"] == [] and again["config"]["User"] == "app"


def test_bytes_are_kept() -> None:
    source = image_of({"a": b"a"})
    raw = source.read_manifest()
    spaced = json.dumps(json.loads(raw.body), indent=3).encode()
    assert parsed(spaced) == parse_manifest(raw, "it")
    assert RawManifest(body=spaced, media_type=raw.media_type).digest != raw.digest

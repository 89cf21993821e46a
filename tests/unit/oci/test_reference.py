"""References: what Docker, podman and skopeo take them for, and back."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.oci.digest import Digest
from wheelbase.oci.errors import ImageError
from wheelbase.oci.reference import (
    DEFAULT_DOMAIN,
    DaemonReference,
    FileReference,
    Reference,
    RegistryReference,
    parse_name,
    parse_reference,
)

HEX = "a1" * 32


def registry(domain: str, repository: str, tag: str | None = "latest", digest: str | None = None) -> RegistryReference:
    found = Digest.parse(digest) if digest else None
    return RegistryReference(domain=domain, repository=repository, tag=tag, digest=found)


@pytest.mark.parametrize(
    ("text", "reference", "printed"),
    [
        ("python", registry(DEFAULT_DOMAIN, "library/python"), "python:latest"),
        ("python:3.13-slim", registry(DEFAULT_DOMAIN, "library/python", "3.13-slim"), "python:3.13-slim"),
        ("docker://python:3", registry(DEFAULT_DOMAIN, "library/python", "3"), "python:3"),
        ("docker:dind", registry(DEFAULT_DOMAIN, "library/docker", "dind"), "docker:dind"),
        ("library/python", registry(DEFAULT_DOMAIN, "library/python"), "python:latest"),
        (f"index.{DEFAULT_DOMAIN}/python", registry(DEFAULT_DOMAIN, "library/python"), "python:latest"),
        (f"{DEFAULT_DOMAIN}/us/app", registry(DEFAULT_DOMAIN, "us/app"), "us/app:latest"),
        (f"{DEFAULT_DOMAIN}/localhost/app", registry(DEFAULT_DOMAIN, "localhost/app"), None),
        (f"{DEFAULT_DOMAIN}/library/oci", registry(DEFAULT_DOMAIN, "library/oci"), None),
        (f"{DEFAULT_DOMAIN}/library/{HEX}", registry(DEFAULT_DOMAIN, f"library/{HEX}"), None),
        ("library/us/app", registry(DEFAULT_DOMAIN, "library/us/app"), "library/us/app:latest"),
        ("registry.example/app", registry("registry.example", "app"), "registry.example/app:latest"),
        ("localhost/app", registry("localhost", "app"), "localhost/app:latest"),
        ("localhost:5000/a/b:1", registry("localhost:5000", "a/b", "1"), "localhost:5000/a/b:1"),
        ("[::1]:5000/app", registry("[::1]:5000", "app"), "[::1]:5000/app:latest"),
        ("UPPER/app", registry("UPPER", "app"), "UPPER/app:latest"),
        ("registry:5000/a/b:tag", registry("registry:5000", "a/b", "tag"), "registry:5000/a/b:tag"),
        (f"a/b@sha256:{HEX}", registry(DEFAULT_DOMAIN, "a/b", None, f"sha256:{HEX}"), f"a/b@sha256:{HEX}"),
        (f"h.x/b:t@sha512:{HEX * 2}", registry("h.x", "b", "t", f"sha512:{HEX * 2}"), f"h.x/b:t@sha512:{HEX * 2}"),
        ("oci:./folder", FileReference(kind="oci", path="./folder"), "oci:./folder"),
        ("oci:/a/b:python:3", FileReference(kind="oci", path="/a/b", name="python:3"), "oci:/a/b:python:3"),
        ("oci-archive:x.tar", FileReference(kind="oci-archive", path="x.tar"), "oci-archive:x.tar"),
        (
            f"docker-archive:x.tar:{DEFAULT_DOMAIN}/library/python",
            FileReference(kind="docker-archive", path="x.tar", name="python:latest"),
            "docker-archive:x.tar:python:latest",
        ),
        ("docker-daemon:python:3", DaemonReference(name="python:3"), "docker-daemon:python:3"),
        (f"docker-daemon:sha256:{HEX}", DaemonReference(name=f"sha256:{HEX}"), f"docker-daemon:sha256:{HEX}"),
    ],
)
def test_references(text: str, reference: Reference, printed: str | None) -> None:
    assert parse_reference(text) == reference
    assert str(reference) == (printed or f"{text}:latest")
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Python",
        "a//b",
        "/a",
        "a/",
        "a:",
        "a:-b",
        f"a:{'t' * 129}",
        "a b",
        "a@sha256:12",
        "a@md5:d41d8cd98f00b204e9800998ecf8427e",
        f"a@sha256:{HEX.upper()}",
        "a/../b",
        "http://registry.example/a",
        "user:secret@registry.example/a",
        "registry.example:123456/a",
        "a" * 256,
        HEX,
        "docker://",
        "oci:",
        "oci::name",
        "oci:path:",
        "oci:path:a b",
        "oci:path:../x",
        "docker-archive:x.tar:Bad",
        f"docker-archive:x.tar:a@sha256:{HEX}",
        "docker-daemon:",
        "docker-daemon:sha256:12",
        "oci:a\0b",
        "dir:/tmp/x",
    ],
)
def test_what_is_none(text: str) -> None:
    with pytest.raises(ImageError) as caught:
        parse_reference(text)
    assert caught.value.hint


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ImageError) as caught:
        parse_reference("https://user:secret@registry.example/a")
    assert "secret" not in str(caught.value)


PART = st.from_regex(r"[a-z0-9]{1,5}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}", fullmatch=True)
LABEL = st.from_regex(r"[A-Za-z0-9]{1,4}(-[A-Za-z0-9]{1,3})?", fullmatch=True)
DOMAIN = st.builds(
    lambda labels, port: ".".join(labels) + port,
    st.lists(LABEL, min_size=2, max_size=4),
    st.sampled_from(["", ":5000"]),
)
DIGEST = st.binary(min_size=32, max_size=32).map(lambda raw: Digest("sha256", raw.hex()))
TAG = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
REPOSITORY = st.lists(PART, min_size=1, max_size=3).map("/".join)
DOTLESS = REPOSITORY.filter(lambda text: "." not in text.partition("/")[0])
FULL = st.builds(
    "{}/{}".format,
    st.sampled_from(["localhost", "localhost:80", DEFAULT_DOMAIN, f"{DEFAULT_DOMAIN}/library"]) | DOMAIN,
    REPOSITORY,
)
NAMES = st.builds(
    "{}{}{}".format,
    FULL | DOTLESS,
    st.just("") | TAG.map(":{}".format),
    st.just("") | DIGEST.map("@{}".format),
)
PATHS = st.text(st.characters(exclude_characters=":\0", exclude_categories=["Cs"]), min_size=1)


@settings(deadline=None)
@given(NAMES)
def test_names_round_trip(text: str) -> None:
    reference = parse_name(text)
    assert parse_name(str(reference)) == reference
    assert reference.tag or reference.digest
    assert parse_reference(f"docker://{text}") == reference
    assert parse_reference(str(DaemonReference(name=str(reference)))) == DaemonReference(name=str(reference))


@settings(deadline=None)
@given(st.sampled_from(["oci", "oci-archive"]), PATHS, st.none() | st.lists(TAG.filter(str.isalnum), min_size=1))
def test_files_round_trip(kind: str, path: str, name: list[str] | None) -> None:
    text = f"{kind}:{path}" + (f":{':'.join(name)}" if name else "")
    assert str(parse_reference(text)) == text


@settings(deadline=None)
@given(
    st.text()
    | st.from_regex(r"(oci|docker-daemon|docker-archive|docker)?:?(//)?[a-zA-Z0-9:/@.\[\]_-]*", fullmatch=True)
)
def test_any_text_is_a_reference_or_an_error(text: str) -> None:
    try:
        reference = parse_reference(text)
    except ImageError:
        return
    assert parse_reference(str(reference)) == reference

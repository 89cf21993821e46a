"""Listings of wheels over HTTP ranges: few requests, and archives that lie."""

import io
import random
import struct
import time
import tracemalloc
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from packaging.version import Version
from tests.fake_index import Answer, FakeIndex, wheel, zipped

from wheelbase.errors import PackageIndexError
from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.simple import Candidate
from wheelbase.index.values import IndexSettings
from wheelbase.wheels.contents import read_listing

pytestmark = pytest.mark.usefixtures("nobody")
NOISE = random.Random(1).randbytes(200_000)


def client() -> Client:
    return Client(IndexSettings(source="test", index_url=None))


def candidate(url: str, size: int | None = None) -> Candidate:
    return Candidate(filename="pkg-1.0-py3-none-any.whl", url=url, version=Version("1.0"), kind="wheel", size=size)


def listing(
    fake_index: FakeIndex, body: bytes, *, size: int | None = None, ranges: bool = True, one: Client | None = None
) -> dict[str, int]:
    path = f"/{len(fake_index.routes)}.whl"
    fake_index.route(path, Answer(body=body, ranges=ranges))
    return {name: size for name, size, _ in read_listing(one or client(), candidate(fake_index.url + path, size)).files}


def refused(fake_index: FakeIndex, body: bytes, why: str) -> None:
    with pytest.raises(PackageIndexError, match=why) as caught:
        listing(fake_index, body)
    assert "pkg-1.0-py3-none-any.whl" in str(caught.value)


@pytest.mark.parametrize(
    ("contents", "requests"),
    [
        ({"a.py": "x = 1\n"}, 1),
        ({"noise": NOISE, "a.py": "x = 1\n"}, 1),
        ({"noise": NOISE} | {f"{number:0100}.py": "x" for number in range(2000)}, 2),
    ],
)
def test_two_requests_at_most(fake_index: FakeIndex, contents: dict[str, str | bytes], requests: int) -> None:
    body = zipped(contents)
    assert listing(fake_index, body, size=len(body)) == {name: len(data) for name, data in contents.items()}
    assert len(fake_index.seen) == requests


def test_a_listing_is_kept(fake_index: FakeIndex, nobody: Path) -> None:
    fake_index.route("/x", Answer(body=wheel("pkg"), ranges=True))
    one = candidate(f"{fake_index.url}/x")
    first = read_listing(client(), one)
    assert read_listing(client(), one) == first and len(fake_index.seen) == 1
    (entry,) = [path for path in (nobody / "cache").rglob("*") if path.is_file()]
    for damaged in (b"", entry.read_bytes()[:-1], b"x" * 100):
        entry.write_bytes(damaged)
        assert read_listing(client(), one) == first
    assert len(fake_index.seen) == 4


def test_many_wheels_at_once_over_kept_connections(fake_index: FakeIndex) -> None:
    for number in range(40):
        fake_index.route(f"/{number}", Answer(body=wheel("pkg", files={"n": "x" * number}), ranges=True, delay=0.05))
    one = client()
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(lambda n: read_listing(one, candidate(f"{fake_index.url}/{n}")), range(40)))
    assert len(fake_index.seen) == 40
    assert fake_index.connections <= CONCURRENCY and fake_index.most_at_once > 8


def test_a_server_without_ranges(fake_index: FakeIndex) -> None:
    body = zipped({"noise": NOISE, "a.py": "x"})
    assert listing(fake_index, body, size=len(body), ranges=False) == {"noise": len(NOISE), "a.py": 1}
    assert len(fake_index.seen) == 1


def test_a_large_wheel_without_ranges_costs_little_memory(fake_index: FakeIndex) -> None:
    body = zipped({str(n): random.Random(n).randbytes(8 << 20) for n in range(12)})
    tracemalloc.start()
    try:
        assert len(listing(fake_index, body, ranges=False)) == 12
        assert tracemalloc.get_traced_memory()[1] < 80 << 20 < len(body)
    finally:
        tracemalloc.stop()


def test_a_server_that_refuses_ranges(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(status=416, body=b"no"), Answer(body=wheel("pkg")))
    assert read_listing(client(), candidate(f"{fake_index.url}/x")).files


@pytest.mark.parametrize(
    "stated", ["bytes 0-9/*", "bytes 0-9/5", "bytes 5-14/99", "bytes 89-98/99", "bytes 0-99999999999999999999/1", ""]
)
def test_ranges_that_are_not_what_they_say(fake_index: FakeIndex, stated: str) -> None:
    fake_index.route("/x", Answer(status=206, body=b"0123456789", headers={"Content-Range": stated}))
    with pytest.raises(PackageIndexError):
        read_listing(client(), candidate(f"{fake_index.url}/x"))


def test_a_wrong_size_and_a_truncated_wheel(fake_index: FakeIndex) -> None:
    body = wheel("pkg")
    with pytest.raises(PackageIndexError, match=f"has {len(body)} bytes at .* the index says 7"):
        listing(fake_index, body, size=7)
    with pytest.raises(PackageIndexError, match="the index says"):
        listing(fake_index, body[:-40], size=len(body))
    refused(fake_index, body[:-40], "not a whole wheel")


@pytest.mark.parametrize("body", [b"", b"x", b"<html>Sign in</html>" * 9999, b"PK\x05\x06" + bytes(18), NOISE])
def test_what_is_no_zip(fake_index: FakeIndex, body: bytes) -> None:
    if body.startswith(b"PK"):
        assert listing(fake_index, body) == {}
    else:
        refused(fake_index, body, "not a whole wheel")


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_wheel_that_may_not_be_had(fake_index: FakeIndex, status: int) -> None:
    fake_index.route("/x", Answer(status=status))
    with pytest.raises(PackageIndexError, match=str(status)):
        read_listing(client(), candidate(f"{fake_index.url}/x"))


def end_record(entries: int, size: int, offset: int) -> bytes:
    return struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, entries, entries, size, offset, 0)


def zip64(size: int, offset: int) -> bytes:
    record = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, 1, 1, size, offset)
    return record + struct.pack("<4sLQL", b"PK\6\7", 0, 0, 1) + end_record(0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)


@pytest.mark.parametrize(
    "end",
    [end_record(9, 0xFFFFFFF0, 0), end_record(1, 0, 0xFFFFFFF0), zip64(1 << 62, 0), zip64(0, 1 << 63), zip64(46, 0)],
)
def test_ends_that_lie(fake_index: FakeIndex, end: bytes) -> None:
    try:
        assert listing(fake_index, NOISE + end) == {}
    except PackageIndexError as error:
        assert "not a whole wheel" in str(error)
    assert sum(int(seen.headers["Range"] != "") for seen in fake_index.seen) <= 2


def test_a_directory_too_large_to_read(fake_index: FakeIndex) -> None:
    size = 20 << 20
    began = time.monotonic()
    refused(fake_index, bytes(size) + end_record(1, size, 0), "directory is larger than")
    assert time.monotonic() - began < 2 and len(fake_index.seen) == 1


def test_zip64_is_read(fake_index: FakeIndex) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, archive.open("a.py", "w", force_zip64=True) as file:
        file.write(b"x = 1\n")
    assert listing(fake_index, buffer.getvalue()) == {"a.py": 6}


def with_sizes(body: bytes, compressed: int | None, size: int) -> bytes:
    """Return a zip of one file whose directory states other sizes."""
    at = body.rindex(b"PK\1\2") + 20
    old = struct.unpack_from("<2L", body, at)
    return body[:at] + struct.pack("<2L", old[0] if compressed is None else compressed, size) + body[at + 8 :]


def test_sizes_that_cannot_be(fake_index: FakeIndex) -> None:
    body = zipped({"a.py": "x" * 1000})
    refused(fake_index, with_sizes(body, 0xFFFFFFF0, 0xFFFFFFF0), "lists more bytes than it has")
    refused(fake_index, with_sizes(body, None, 0xFFFFFFF0), "'a.py' cannot unpack to the 4294967280 bytes")
    assert listing(fake_index, zipped({"zeros": bytes(5_000_000)})) == {"zeros": 5_000_000}


@pytest.mark.parametrize("name", ["../evil.py", "pkg/../../evil", "/etc/passwd", "C:/x", "pkg\\..\\x", "//x"])
def test_names_that_leave_their_folder(fake_index: FakeIndex, name: str) -> None:
    refused(fake_index, zipped({name: "x"}), "leave its folder")


def test_of_a_name_listed_twice_the_last_counts_as_for_pip(fake_index: FakeIndex) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.py", "x")
        archive.writestr("a.py", "xyz")
    assert listing(fake_index, buffer.getvalue()) == {"a.py": 3}


def test_a_comment_of_64_kilobytes(fake_index: FakeIndex) -> None:
    buffer = io.BytesIO(zipped({"noise": NOISE, "a.py": "x"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"c" * 65535
    assert "a.py" in listing(fake_index, buffer.getvalue())
    assert len(fake_index.seen) <= 2


def test_any_damage_is_an_error_or_a_listing(fake_index: FakeIndex) -> None:
    chance = random.Random(7)
    body = zipped({f"pkg/{number}.py": "x" * number for number in range(20)})
    one = client()
    for _ in range(300):
        damaged = bytearray(body)
        for _ in range(chance.randint(1, 4)):
            damaged[-chance.randint(1, 1200)] = chance.randrange(256)
        with suppress(PackageIndexError):
            listing(fake_index, bytes(damaged), one=one)


def test_a_wheel_of_this_machine_is_read_in_place(tmp_path: Path) -> None:
    path = tmp_path / "pkg-1.0-py3-none-any.whl"
    path.write_bytes(wheel("pkg", files={"a": "x"}))
    first = read_listing(client(), candidate(path.as_uri()))
    path.write_bytes(wheel("pkg", files={"b": "x"}))
    assert first != read_listing(client(), candidate(path.as_uri()))
    path.write_bytes(b"junk")
    with pytest.raises(PackageIndexError, match="not a whole wheel"):
        read_listing(client(), candidate(path.as_uri()))
    path.unlink()
    with pytest.raises(PackageIndexError):
        read_listing(client(), candidate(path.as_uri()))

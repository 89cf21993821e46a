"""Wheels that are damaged or hostile: each is refused, with the names of the file and of the wheel."""

from __future__ import annotations

import io
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.small_wheels import (
    DIST_INFO,
    FILENAME,
    Member,
    deflate,
    packed,
    record_of,
    row,
    wheel_bytes,
    wheel_members,
)

from wheelbase.errors import WheelError
from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store
from wheelbase.wheels.archive import open_wheel
from wheelbase.wheels.install import VenvPython
from wheelbase.wheels.layer import WheelLayer, wheel_layer
from wheelbase.wheels.paths import collision, is_fit

PYTHON = VenvPython(version=(3, 13))
TEXT = b"x = 1\n" * 2000


def layer_of(data: bytes, tmp_path: Path, filename: str = FILENAME) -> WheelLayer:
    path = tmp_path / filename
    path.write_bytes(data)
    sha256 = Digest.of(data).hex
    return wheel_layer(path, sha256, filename=filename, python=PYTHON, compiler=None, store=Store(tmp_path / "store"))


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))


def member(name: str | bytes = "demo/x.py", **fields: object) -> list[Member]:
    """A wheel in which one file is as the fields say."""
    return wheel_members([Member(**{"name": name, "data": TEXT, **fields})])  # type: ignore[arg-type]


def with_record(files: Mapping[str, bytes], record: str) -> bytes:
    return wheel_bytes(files, record=record)


SOUND = record_of([*wheel_members({"demo/x.py": TEXT})][:-1])
NAMES = {
    "absolute": "/etc/passwd",
    "parent": "../x.py",
    "parent within": "demo/../../x.py",
    "parent at the end": "demo/..",
    "here": "./x.py",
    "empty part": "demo//x.py",
    "backslash": "demo\\x.py",
    "drive": "c:x.py",
    "newline": "demo/x\ny.py",
    "nul": "demo/x.py\0.txt",
    "whiteout": "demo/.wh.other",
    "opaque": "demo/.wh..wh..opq",
    "long": f"demo/{'x' * 256}",
    "long in bytes": f"demo/{'é' * 128}",
    "very long": "x/" * 600 + "x",
}
FIELDS: dict[str, dict[str, object]] = {
    "link": {"mode": stat.S_IFLNK | 0o777},
    "device": {"mode": stat.S_IFCHR | 0o666},
    "folder with a file's name": {"mode": stat.S_IFDIR | 0o755},
    "wrong crc": {"crc": 1},
    "wrong crc, stored": {"crc": 1, "method": 0},
    "too short": {"size": len(TEXT) + 1},
    "too long": {"size": len(TEXT) - 1},
    "ratio that deflate has not": {"size": 1 << 31},
    "stored of another size": {"method": 0, "size": 3},
    "bomb": {"data": bytes(6 << 20), "size": 1000},
    "encrypted": {"flags": 0x801},
    "strongly encrypted": {"flags": 0x841},
    "masked": {"flags": 0x2800},
    "lzma": {"method": 14},
    "deflate64": {"method": 9},
    "trailing garbage": {"stored": deflate(TEXT) + b"garbage"},
    "two streams": {"stored": deflate(TEXT) + deflate(b"x")},
    "stream cut": {"stored": deflate(TEXT)[:-3]},
    "no deflate stream": {"stored": b"\xff" * 20},
    "name that is no utf-8": {"name": b"demo/\xff.py"},
    "other name in its header": {"local": {"name": b"demo/y.py"}},
    "longer name in its header": {"local": {"name": b"../demo/x.py"}},
    "other method in its header": {"local": {"method": 0}},
    "other size in its header": {"local": {"size": 5}},
    "other stored size in its header": {"local": {"stored_size": 5}},
    "other crc in its header": {"local": {"crc": 5}},
    "encrypted in its header": {"local": {"flags": 0x801}},
    "header elsewhere": {"header_at": 3},
    "header beyond the end": {"header_at": 1 << 31},
    "zip64 without its field": {"stored_size": 0xFFFFFFFF},
}
SMALL = {name: fields | {"data": b"x = 1\n"} for name, fields in FIELDS.items() if "stored" not in fields}


def refused(data: bytes, tmp_path: Path, *names: str) -> str:
    with pytest.raises(WheelError) as caught:
        layer_of(data, tmp_path)
    assert FILENAME in str(caught.value) and caught.value.hint
    for name in names:
        assert name in str(caught.value)
    assert [path for path in (tmp_path / "store").rglob("*") if path.is_file()] == []
    return str(caught.value)


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_names(name: str, tmp_path: Path) -> None:
    refused(packed(member(name)), tmp_path, repr(name)[1:20])


@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_entries(fields: dict[str, object], tmp_path: Path) -> None:
    refused(packed(member(**fields)), tmp_path, "" if "name" in fields else "demo/x.py")  # type: ignore[arg-type]


@pytest.mark.parametrize("fields", SMALL.values(), ids=SMALL)
def test_small_entries(fields: dict[str, object], tmp_path: Path) -> None:
    refused(packed(member(**fields)), tmp_path, "" if "name" in fields else "demo/x.py")  # type: ignore[arg-type]


def test_sound_ones_are_taken(tmp_path: Path) -> None:
    sound = (
        packed(member()),
        packed(member(method=0)),
        packed(member(), comment=b"a comment"),
        packed(member(), zip64=True),
        packed(member(flags=0x808, local={"crc": 0, "size": 0, "stored_size": 0})),
        packed(member(extra=b"\x99\x99\2\0ab")),
        packed(member(mode=0o644)),
        packed([Member(name="demo/", mode=stat.S_IFDIR | 0o755, method=0), *member()]),
        packed(member("demo/grün.py")),
        packed(member(b"demo/gr\x81n.py", flags=0)),
        packed(member(data=b"")),
        packed(member(data=b"", method=0)),
    )
    for data in sound:
        assert not layer_of(data, tmp_path).reused


def test_duplicates_and_collisions(tmp_path: Path) -> None:
    twice = Member(name="demo/x.py", data=TEXT)
    refused(packed(wheel_members([twice, twice])), tmp_path, "demo/x.py", "twice")
    refused(packed(wheel_members([twice, Member(name="demo/x.py/y")])), tmp_path, "demo/x.py", "folder")
    refused(packed(wheel_members([twice, replace(twice, name="demo/X.py")])), tmp_path, "demo/X.py", "case")
    refused(packed(wheel_members([twice, replace(twice, name="Demo/y.py")])), tmp_path, "demo", "case")
    scheme = replace(twice, name="demo-1.0.data/purelib/demo/x.py")
    refused(packed(wheel_members([twice, scheme])), tmp_path, "demo/x.py", "twice")


def test_overlapping_entries(tmp_path: Path) -> None:
    """As in the bombs whose files share one stream."""
    outer = Member(name="demo/a.py", data=TEXT, method=0)
    members = wheel_members([outer, replace(outer, name="demo/b.py", header_at=0, local={"name": b"demo/a.py"})])
    refused(packed(members), tmp_path, "demo/b.py")
    inner = Member(name="demo/b.py", data=b"inner", method=0)
    whole = packed([inner])[: len(packed([inner])) - 22]
    outer = Member(name="demo/a.py", data=whole, method=0)
    refused(packed(wheel_members([outer, replace(inner, header_at=39)])), tmp_path, "demo/b.py", "shares")


def test_an_entry_that_leads_into_the_directory(tmp_path: Path) -> None:
    members = wheel_members({"demo/x.py": TEXT})
    last = replace(members[-1], method=0, size=5000, stored_size=5000)
    refused(packed([*members[:-1], last]), tmp_path, "RECORD", "directory")


def test_many_small_bombs_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.wheels.archive.most_unpacked", lambda stored: 100 * stored)
    refused(packed(wheel_members({f"demo/{n}": bytes(1 << 20) for n in range(4)})), tmp_path, "unpacked")


@pytest.mark.parametrize("cut", [1, 10, 22, 23, 60, 200, 100_000])
def test_truncated(cut: int, tmp_path: Path) -> None:
    data = wheel_bytes({"demo/x.py": TEXT})
    refused(data[: max(0, len(data) - cut)], tmp_path)


def test_around_the_archive(tmp_path: Path) -> None:
    members = wheel_members({"demo/x.py": TEXT})
    refused(packed(members, after=b"x"), tmp_path)
    refused(b"#!/bin/sh\n" + packed(members), tmp_path)
    refused(packed(members, comment=packed(members)), tmp_path)
    count = packed(members)[:-22] + packed(members[:-1])[-22:][:12] + packed(members)[-10:]
    refused(count, tmp_path, "entries")
    refused(b"", tmp_path)
    refused(bytes(100_000), tmp_path)


RECORDS = {
    "file that is not listed": SOUND.replace(row("demo/x.py", TEXT), ""),
    "other hash": SOUND.replace(row("demo/x.py", TEXT), row("demo/x.py", b"y" * len(TEXT))),
    "other size": SOUND.replace(f",{len(TEXT)}\n", f",{len(TEXT) + 1}\n"),
    "no hash": SOUND.replace(row("demo/x.py", TEXT), f"demo/x.py,,{len(TEXT)}\n"),
    "no size": SOUND.replace(f",{len(TEXT)}\n", ",\n"),
    "weak hash": SOUND.replace(row("demo/x.py", TEXT), f"demo/x.py,md5=XrY7u-Ae7tCTyyK7j1rNww,{len(TEXT)}\n"),
    "size that is no number": SOUND.replace(f",{len(TEXT)}\n", ",12x\n"),
    "two fields": SOUND.replace(row("demo/x.py", TEXT), "demo/x.py,\n"),
    "itself with a hash": SOUND.replace("RECORD,,", "RECORD,sha256=x,1"),
    "itself not listed": SOUND.replace(f"{DIST_INFO}/RECORD,,\n", ""),
}


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_a_record_that_lies(record: str, tmp_path: Path) -> None:
    assert record != SOUND
    refused(with_record({"demo/x.py": TEXT}, record), tmp_path, "RECORD")


def test_a_record_that_lies_of_a_small_file(tmp_path: Path) -> None:
    record = SOUND.replace(row("demo/x.py", TEXT), row("demo/x.py", b"two"))
    refused(with_record({"demo/x.py": b"one"}, record), tmp_path, "demo/x.py", "RECORD")


def test_the_wrong_hash(tmp_path: Path) -> None:
    data = wheel_bytes({"demo/x.py": TEXT})
    (tmp_path / FILENAME).write_bytes(data)
    store = Store(tmp_path / "store")
    with pytest.raises(WheelError, match=f"{FILENAME} has the SHA-256 {Digest.of(data).hex}, not 0000"):
        wheel_layer(tmp_path / FILENAME, "0" * 64, filename=FILENAME, python=PYTHON, compiler=None, store=store)
    assert store.blobs() == []


def test_a_wheel_that_is_damaged_in_the_store_goes(tmp_path: Path) -> None:
    store, digest = Store(tmp_path / "store"), Digest.of(b"sound")
    with store.new() as new:
        new.file.write(b"damaged")
        path = new.keep(digest)
    with pytest.raises(WheelError):
        wheel_layer(path, digest.hex, filename=FILENAME, python=PYTHON, compiler=None, store=store)
    assert store.find(digest) is None


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WheelError, match=FILENAME), open_wheel(tmp_path / "none", FILENAME):
        pass


def test_what_a_wheel_must_have(tmp_path: Path) -> None:
    members = wheel_members({"demo/x.py": TEXT})
    for name in ("METADATA", "WHEEL", "RECORD"):
        refused(packed([one for one in members if one.name != f"{DIST_INFO}/{name}"]), tmp_path, name)
    refused(packed([Member(name="demo/x.py")]), tmp_path, ".dist-info")
    refused(packed([*members, Member(name="other-1.0.dist-info/METADATA")]), tmp_path, ".dist-info")
    refused(wheel_bytes({"demo/x.py": TEXT}, wheel=b"Wheel-Version: 2.0\n"), tmp_path, "2.0")
    refused(wheel_bytes({"demo/x.py": TEXT}, wheel=b"no headers"), tmp_path, "version")
    other = [replace(one, name=str(one.name).replace("demo-", "other-")) for one in members]
    refused(packed(other), tmp_path, "other")
    refused(wheel_bytes({"demo-1.0.data/lib/x.py": TEXT}), tmp_path, "demo-1.0.data/lib/x.py")
    refused(wheel_bytes({"demo-1.0.data/x.py": TEXT}), tmp_path, "demo-1.0.data/x.py")
    with pytest.raises(WheelError, match=r"demo\.whl"):
        layer_of(packed(members), tmp_path, "demo.whl")


ENTRY_POINTS = {
    "no callable": "[console_scripts]\nx = demo\n",
    "code": '[console_scripts]\nx = demo:main(); print("x")\n',
    "path": "[console_scripts]\n../../x = demo:main\n",
    "slash": "[console_scripts]\na/b = demo:main\n",
    "twice": "[console_scripts]\nx = demo:main\nx = demo:main\n",
    "in both sections": "[console_scripts]\nx = demo:main\n[gui_scripts]\nx = demo:main\n",
    "no section": "x = demo:main\n",
    "no ini": "[console_scripts\n",
    "latin-1": b"[console_scripts]\n\xe9 = demo:main\n",
}


@pytest.mark.parametrize("text", ENTRY_POINTS.values(), ids=ENTRY_POINTS)
def test_entry_points(text: str | bytes, tmp_path: Path) -> None:
    data = text if isinstance(text, bytes) else text.encode()
    refused(wheel_bytes({f"{DIST_INFO}/entry_points.txt": data}), tmp_path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(where=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_any_damage_is_refused_or_does_no_harm(where: float, flip: int, tmp_path: Path) -> None:
    """Whatever byte is changed: either the same layer comes out, or a WheelError."""
    sound = wheel_bytes({"demo/x.py": b"x = 1\n" * 20, "demo/y.py": TEXT, "demo/z": b""})
    damaged = bytearray(sound)
    damaged[int(where * len(sound))] ^= flip
    right = content(layer_of(sound, tmp_path), tmp_path)
    try:
        found = layer_of(bytes(damaged), tmp_path)
    except WheelError:
        return
    # Times and versions mean nothing; what says whether a file is executable may be damaged unseen.
    assert content(found, tmp_path) == right


def content(made: WheelLayer, folder: Path) -> dict[str, bytes]:
    path = Store(folder / "store").find(made.layer.descriptor.digest)
    assert path
    with tarfile.open(path) as tar:
        return {one.name: read.read() for one in tar if (read := tar.extractfile(one))}


@given(files=st.lists(st.tuples(st.text("abcdefé/", min_size=1, max_size=12), st.binary(max_size=9000)), max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_zipfile_writes_is_read(files: list[tuple[str, bytes]], tmp_path: Path) -> None:
    contents = dict(files)
    contents = {name: data for name, data in contents.items() if is_fit(name)}
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for place, (name, data) in enumerate(contents.items()):
            archive.writestr(name, data, (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)[place % 2])
    path = tmp_path / FILENAME
    path.write_bytes(buffer.getvalue())
    with open_wheel(path, FILENAME) as wheel:
        assert {name: wheel.read(entry) for name, entry in wheel.entries.items()} == contents
        assert {name: wheel.head(entry, 5) for name, entry in wheel.entries.items()} == {
            name: data[:5] for name, data in contents.items()
        }
        assert all(
            entry.crc == zlib.crc32(contents[name]) and entry.size == len(contents[name])
            for name, entry in wheel.entries.items()
        )


def test_collisions() -> None:
    assert collision(["a/b", "a/c", "b"]) is None
    assert collision(["a", "a"]) and collision(["a/b", "a"]) and collision(["a/b/c", "a/b"])
    assert collision(["a/b", "A/c"]) and collision(["straße", "STRASSE"])

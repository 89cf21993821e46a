"""Where the files of a wheel go: as `installer` has it, of wheels of every kind."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from tests.installed_wheels import SITE_PACKAGES, Files, by_installer, by_layer, comparable
from tests.unit.small_wheels import DIST_INFO, FILENAME, Member, packed, row, wheel_bytes, wheel_members

from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store
from wheelbase.wheels.install import VenvPython
from wheelbase.wheels.paths import collision, is_fit

DATA = "demo-1.0.data"


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(tmp_path / "cache"))


def both(data: bytes, folder: Path) -> tuple[Files, Files]:
    wheel = folder / FILENAME
    wheel.write_bytes(data)
    with pytest.MonkeyPatch.context() as patch:
        theirs = by_installer(wheel, Path(tempfile.mkdtemp(dir=folder)), patch)
    # `installer` leaves it to the wheel which scripts can be run.
    theirs = {
        path: (0o755 if path.startswith("opt/venv/bin/") else mode, data) for path, (mode, data) in theirs.items()
    }
    return by_layer(wheel, Digest.of(data).hex, Store(folder / "store")), theirs


def installed(files: Mapping[str, bytes], folder: Path) -> Files:
    ours, theirs = both(wheel_bytes(files), folder)
    assert comparable(ours) == comparable(theirs)
    return ours


def test_schemes(tmp_path: Path) -> None:
    files = installed(
        {
            "demo/__init__.py": b"",
            f"{DATA}/purelib/pure.py": b"1",
            f"{DATA}/platlib/plat.so": b"2" * 10_000,
            f"{DATA}/headers/demo/demo.h": b"3",
            f"{DATA}/data/etc/demo.conf": b"4",
            f"{DATA}/scripts/tool": b"#!/bin/sh\n",
        },
        tmp_path,
    )
    assert {path.removeprefix("opt/venv/") for path in files if DIST_INFO not in path} == {
        "lib/python3.13/site-packages/demo/__init__.py",
        "lib/python3.13/site-packages/pure.py",
        "lib/python3.13/site-packages/plat.so",
        "include/site/python3.13/demo/demo/demo.h",
        "etc/demo.conf",
        "bin/tool",
    }
    record = files[f"{SITE_PACKAGES}/{DIST_INFO}/RECORD"][1].decode()
    assert [line[0] for line in csv.reader(io.StringIO(record))] == [
        f"{DIST_INFO}/INSTALLER",
        f"{DIST_INFO}/METADATA",
        f"{DIST_INFO}/RECORD",
        f"{DIST_INFO}/WHEEL",
        "demo/__init__.py",
        "../../../include/site/python3.13/demo/demo/demo.h",
        "../../../etc/demo.conf",
        "plat.so",
        "pure.py",
        "../../../bin/tool",
    ]
    assert row("../../../bin/tool", b"#!/bin/sh\n") in record
    assert files[f"{SITE_PACKAGES}/{DIST_INFO}/INSTALLER"] == (0o644, b"wheelbase\n")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (b"#!python\nprint(1)\n", b"#!/opt/venv/bin/python\nprint(1)\n"),
        (b"#!pythonw -E\r\nprint(1)\n", b"#!/opt/venv/bin/python\nprint(1)\n"),
        (b"#!python", b"#!/opt/venv/bin/python\n"),
        (b"#!/usr/bin/env python\n", b"#!/usr/bin/env python\n"),
        (b"# !python\n", b"# !python\n"),
        (b"#!python\n" + b"x" * 100_000, b"#!/opt/venv/bin/python\n" + b"x" * 100_000),
        (b"\x7fELF" * 50_000, b"\x7fELF" * 50_000),
        (b"", b""),
    ],
)
@pytest.mark.parametrize("method", [0, 8])
def test_scripts(source: bytes, expected: bytes, method: int, tmp_path: Path) -> None:
    member = Member(name=f"{DATA}/scripts/tool", data=source, mode=0o100755, method=method)
    ours, theirs = both(packed(wheel_members([member])), tmp_path)
    assert comparable(ours) == comparable(theirs)
    assert ours["opt/venv/bin/tool"] == (0o755, expected)
    assert row("../../../bin/tool", expected).encode() in ours[f"{SITE_PACKAGES}/{DIST_INFO}/RECORD"][1]


def test_scripts_can_be_run_whatever_the_wheel_says(tmp_path: Path) -> None:
    """Wheels that were made on Windows say of no file that it can be run."""
    contents = {"scripts/tool": b"\x7fELF" * 5000, "scripts/start": b"#!python\n", "data/tool": b""}
    members = [Member(name=f"{DATA}/{name}", data=data, mode=0o100644) for name, data in contents.items()]
    ours, _ = both(packed(wheel_members(members)), tmp_path)
    assert [ours[f"opt/venv/{path}"][0] for path in ("bin/tool", "bin/start", "tool")] == [0o755, 0o755, 0o644]


def test_entry_points(tmp_path: Path) -> None:
    text = (
        "[console_scripts]\ndemo = demo.cli:main\nDe-mo.2 = demo : Main.run [extra]\nper%cent=demo:main\n\n"
        "[gui_scripts]\ndemo-gui = demo.gui:main\n[demo.plugins]\nx = no such thing\n"
    )
    ours = by_layer_of({f"{DIST_INFO}/entry_points.txt": text.encode()}, tmp_path)
    assert {path for path in ours if "/bin/" in path} == {
        f"opt/venv/bin/{name}" for name in ("demo", "De-mo.2", "per%cent", "demo-gui")
    }
    assert ours["opt/venv/bin/De-mo.2"] == (
        0o755,
        b"#!/opt/venv/bin/python\n# -*- coding: utf-8 -*-\nimport sys\nfrom demo import Main\n"
        b'if __name__ == "__main__":\n    sys.exit(Main.run())\n',
    )
    # `installer` takes a per cent sign for the start of something else.
    assert installed({f"{DIST_INFO}/entry_points.txt": text.replace("per%cent", "p").encode()}, tmp_path)


def by_layer_of(files: Mapping[str, bytes], folder: Path) -> Files:
    data = wheel_bytes(files)
    (folder / FILENAME).write_bytes(data)
    return by_layer(folder / FILENAME, Digest.of(data).hex, Store(folder / "store"))


def test_what_is_made_anew_or_left_out(tmp_path: Path) -> None:
    data = wheel_bytes({"demo/__pycache__/x.cpython-313.pyc": b"bad", "demo/x.py": b"", "demo/__pycache__.py": b""})
    ours, theirs = both(data, tmp_path)
    assert ours == theirs and not any("__pycache__/" in path for path in ours)
    own = by_layer_of({f"{DIST_INFO}/INSTALLER": b"conda\n", f"{DIST_INFO}/REQUESTED": b""}, tmp_path)
    assert own[f"{SITE_PACKAGES}/{DIST_INFO}/INSTALLER"][1] == b"wheelbase\n"
    assert f"{SITE_PACKAGES}/{DIST_INFO}/REQUESTED" in own


def test_signatures_are_not_in_record(tmp_path: Path) -> None:
    members = wheel_members({"demo/x.py": b""})
    members.append(Member(name=f"{DIST_INFO}/RECORD.jws", data=b"{}"))
    ours, theirs = both(packed(members), tmp_path)
    assert comparable(ours) == comparable(theirs)
    assert row(f"{DIST_INFO}/RECORD.jws", b"{}").encode() in ours[f"{SITE_PACKAGES}/{DIST_INFO}/RECORD"][1]


def test_other_hashes_in_record_are_kept(tmp_path: Path) -> None:
    line = "demo/x.py,sha384=OLBgp1GsljhM2TJ-sbHjaiH9txEUvgdDTAzHv2P24donTt6_529l-9Ua0vFImLlb,0\n"
    record = line + "".join(row(str(one.name), one.data) for one in wheel_members({})[:-1]) + f"{DIST_INFO}/RECORD,,\n"
    data = wheel_bytes({"demo/x.py": b""}, record=record)
    (tmp_path / FILENAME).write_bytes(data)
    ours = by_layer(tmp_path / FILENAME, Digest.of(data).hex, Store(tmp_path / "store"))
    assert line.encode() in ours[f"{SITE_PACKAGES}/{DIST_INFO}/RECORD"][1]


@pytest.mark.parametrize(
    ("python", "lib", "tag"),
    [
        (VenvPython(version=(3, 13)), "lib/python3.13", "cpython-313"),
        (VenvPython(version=(3, 14), free_threaded=True), "lib/python3.14t", "cpython-314"),
        (VenvPython(version=(3, 10), implementation="pypy"), "lib/pypy3.10", "pypy310"),
    ],
)
def test_pythons(python: VenvPython, lib: str, tag: str) -> None:
    assert (python.lib, python.site_packages, python.cache_tag) == (lib, f"{lib}/site-packages", tag)


PARTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Z"]), min_size=1, max_size=8)
FOLDERS = st.sampled_from(
    ["", "demo", "demo/sub", f"{DATA}/purelib", f"{DATA}/scripts", f"{DATA}/data/share", f"{DATA}/headers", DIST_INFO]
)
CONTENT = st.one_of(
    st.binary(max_size=200),
    st.sampled_from([b"#!python\nprint()\n", b"#!pythonx", bytes(300_000), b"line\n" * 3000]),
)
MEMBERS = st.builds(
    lambda folder, name, data, method, mode: Member(
        name=f"{folder}/{name}".lstrip("/"), data=data, method=method, mode=mode
    ),
    FOLDERS,
    PARTS,
    CONTENT,
    st.sampled_from([0, 8]),
    st.sampled_from([0o100644, 0o100755, 0o100600, 0o755, 0, 0o104711]),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(members=st.lists(MEMBERS, max_size=8), zip64=st.booleans(), order=st.randoms(use_true_random=False))
@example(members=[Member(name='"'), Member(name='demo/",')], zip64=False, order=random.Random(0))
def test_any_wheel(members: list[Member], zip64: bool, order: object, tmp_path: Path) -> None:
    """File for file, byte for byte, mode for mode; and whatever the order of the entries."""
    paths = [str(member.name) for member in members]
    flat = [path.removeprefix(f"{DATA}/purelib/") for path in paths]
    assume(all(map(is_fit, paths)) and not collision(flat))
    members = wheel_members(members)
    ours, theirs = both(packed(members, zip64=zip64), tmp_path)
    assert comparable(ours) == comparable(theirs)
    order.shuffle(members)  # type: ignore[attr-defined]
    data = packed(members, zip64=not zip64)
    (tmp_path / FILENAME).write_bytes(data)
    again = by_layer(tmp_path / FILENAME, Digest.of(data).hex, Store(tmp_path / "store"))
    assert list(again.items()) == list(ours.items())

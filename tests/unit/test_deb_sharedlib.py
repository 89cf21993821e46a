"""Names of shared libraries, and the cache in which the loader finds them."""

import shutil
import struct
import subprocess
from pathlib import Path

import pytest
from tests.unit.fake_debian import library

from wheelbase.deb.sharedlib import library_cache, library_name

LIBRARIES = [("libz.so.1", "/usr/lib/libz.so.1.3"), ("libdb-5.3.so", "/usr/lib/libdb-5.3.so"), ("libz.so.1", "/later")]
LDCONFIG = shutil.which("ldconfig", path="/usr/sbin:/sbin:/usr/bin")


def test_the_name_of_a_library_is_read() -> None:
    assert library_name(library("libfoo.so.1")) == "libfoo.so.1"


@pytest.mark.parametrize("cut", [0, 4, 40, 64, 150, 200])
def test_what_is_no_whole_library_has_none(cut: int) -> None:
    assert library_name(library("libfoo.so.1")[:cut]) is None


def test_a_wrong_address_is_no_name() -> None:
    raw = library("libfoo.so.1")
    assert library_name(raw.replace(struct.pack("<Q", 0x1000 + 224), struct.pack("<Q", 0x999999))) is None


def test_names_are_in_the_order_of_the_loader() -> None:
    names = ["libz.so.1", "libz.so.10", "libz.so.9", "liba-2.so", "liba.so", "lib1.so", "ld-linux.so.2"]
    raw = library_cache([(name, f"/lib/{name}") for name in names], "amd64")
    (count,) = struct.unpack_from("<I", raw, 20)
    starts = [struct.unpack_from("<iI", raw, 48 + 24 * number)[1] for number in range(count)]
    # A digit comes after any other sign, and numbers are compared as such.
    assert [raw[start : raw.index(b"\0", start)].decode() for start in starts] == [
        "lib1.so",
        "libz.so.10",
        "libz.so.9",
        "libz.so.1",
        "liba.so",
        "liba-2.so",
        "ld-linux.so.2",
    ]


@pytest.mark.skipif(LDCONFIG is None, reason="needs ldconfig, which only systems with glibc have")
@pytest.mark.parametrize(("arch", "said"), [("amd64", "libc6,x86-64"), ("arm64", "libc6,AArch64")])
def test_ldconfig_reads_the_cache(tmp_path: Path, arch: str, said: str) -> None:
    (tmp_path / "cache").write_bytes(library_cache(LIBRARIES, arch))
    assert LDCONFIG is not None
    shown = subprocess.run(
        [LDCONFIG, "-p", "-C", tmp_path / "cache"], capture_output=True, text=True, check=True
    ).stdout
    assert [line.strip() for line in shown.splitlines()[1:3]] == [
        f"libz.so.1 ({said}) => /usr/lib/libz.so.1.3",
        f"libdb-5.3.so ({said}) => /usr/lib/libdb-5.3.so",
    ]

"""Archives and folders made to do harm: each ends soon, within bounds, in findings or in one error with a hint."""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fake_index import sdist, zipped

from wheelbase.errors import SourceError
from wheelbase.source import analysis
from wheelbase.source.findings import Evidence, Findings
from wheelbase.source.read import findings_of_path
from wheelbase.source.tree import SourceTree

SECONDS, MEGABYTES = 10, 1200
SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('p', ['p.c'], libraries=['z'])])\n"
HONEST: dict[str, str | bytes] = {"setup.py": SETUP, "p.c": "#include <zlib.h>\n"}
# Run apart, since memory once used is not given back: prints what came of it.
PROGRAM = """
import json, sys, time
from pathlib import Path
import msgspec
from wheelbase.errors import SourceError
from wheelbase.source.read import findings_of_path
start = time.process_time()
try:
    for path in sys.argv[1:]:
        msgspec.msgpack.encode(findings_of_path(Path(path)))
    said = ""
except SourceError as error:
    said = str(error) if error.hint else "no hint"
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(json.dumps([said, time.process_time() - start, int(peak.split()[1]) / 1024]))
"""
needs_proc = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")


def apart(tmp_path: Path, *bodies: bytes, ending: str = ".tar.gz") -> str:
    """Analyse archives in a process of their own, all within the bounds of one; return the error, empty for none."""
    paths = [tmp_path / f"{number}{ending}" for number in range(len(bodies))]
    for path, body in zip(paths, bodies, strict=True):
        path.write_bytes(body)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *paths], capture_output=True, text=True, timeout=60, check=False
    )
    assert not done.returncode, done.stderr
    error, seconds, megabytes = json.loads(done.stdout)
    assert seconds < SECONDS and megabytes < MEGABYTES, (seconds, megabytes)
    assert isinstance(error, str)
    return error


def found_in(tmp_path: Path, contents: dict[str, str | bytes]) -> Findings:
    path = tmp_path / "p-1.0.tar.gz"
    path.write_bytes(sdist({**HONEST, **contents}))
    return findings_of_path(path)


def in_gzip(*parts: tuple[bytes, int]) -> bytes:
    """Return a .tar.gz of these parts, each so many times."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        for part, times in parts:
            at_once = max(1, min(times, (1 << 20) // len(part)))
            for _ in range(times // at_once):
                file.write(part * at_once)
    return buffer.getvalue()


def header(kind: bytes, size: int, name: str = "p/setup.py") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def pax(records: bytes) -> bytes:
    """Return an empty file with an extended header."""
    padding = bytes(-len(records) % 512)
    return header(tarfile.XHDTYPE, len(records)) + records + padding + header(tarfile.REGTYPE, 0)


def sparse_of_no_end() -> bytes:
    """Return a sparse file, each block of whose map says that another one follows."""
    first = bytearray(header(tarfile.GNUTYPE_SPARSE, 0))
    first[482] = 1
    first[148:156] = b" " * 8
    first[148:156] = b"%06o\0 " % sum(first)
    return in_gzip((bytes(first), 1), (b"0" * 504 + b"\1" + bytes(7), 530 << 11))


def zip_by(method: int, megabytes: int) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, archive.open("p/setup.py", "w") as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def xz_of_large_dictionary() -> bytes:
    return lzma.compress(bytes(99), filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 512 << 20}])


MEGABYTE = bytes(1 << 20)
ZEROS = header(tarfile.REGTYPE, 500 << 20)
HALF = header(tarfile.REGTYPE, 300 << 20)
LARGE = header(tarfile.REGTYPE, 200 << 20, "p/p.c")
SMALL = header(tarfile.REGTYPE, 2, f"p/{'d/' * 9}x.c") + b"\n\n" + bytes(510)
# Name of the case -> what makes it, a word of the error; none where it is read.
SWELLING: dict[str, tuple[Callable[[], bytes], str]] = {
    "zeros in gzip": (lambda: in_gzip((ZEROS, 1), (MEGABYTE, 500)), ""),
    "more zeros than are read": (lambda: in_gzip((HALF, 1), (MEGABYTE, 300), (HALF, 1), (MEGABYTE, 300)), "unpacks"),
    "zeros in xz": (lambda: lzma.compress(HALF + bytes(300 << 20), preset=0), ""),
    "zeros in bzip2": (lambda: bz2.compress(HALF + bytes(300 << 20), 9), ""),
    "xz of a large dictionary": (xz_of_large_dictionary, "Memory usage limit"),
    "a zip of zeros": (lambda: zip_by(zipfile.ZIP_DEFLATED, 500), ""),
    "a zip by bzip2": (lambda: zip_by(zipfile.ZIP_BZIP2, 100), "method 12"),
    "a zip by lzma": (lambda: zip_by(zipfile.ZIP_LZMA, 100), "method 14"),
    "streams without end": (lambda: gzip.compress(b"") * 1_000_000, "streams"),
    "bzip2 streams without end": (lambda: bz2.compress(b"") * 1_000_000, "streams"),
    "headers of many records": (lambda: in_gzip((pax(b"6 a=b\n" * 600), 60_000)), "files"),
    "a header of many records": (lambda: in_gzip((pax(b"6 a=b\n" * 690_000), 1)), ""),
    "headers without files": (lambda: in_gzip((header(tarfile.DIRTYPE, 0), 250_000)), "headers"),
    "long names after long names": (lambda: in_gzip((header(tarfile.GNUTYPE_LONGNAME, 0), 250_000)), "headers"),
    "a sparse map without end": (sparse_of_no_end, "unpacks"),
    "fifty thousand files": (lambda: in_gzip((SMALL, 49_000)), ""),
    "a file of 200 MB": (lambda: in_gzip((LARGE, 1), (b'#if A\n/* "\n/*\n'.ljust(16), (200 << 20) >> 4)), ""),
}


@needs_proc
@pytest.mark.parametrize("case", SWELLING)
def test_what_swells(tmp_path: Path, case: str) -> None:
    make, word = SWELLING[case]
    error = apart(tmp_path, make(), ending=".zip" if case.startswith("a zip") else ".tar.gz")
    assert word in error if word else not error, error


LONG = 200_000
TEXTS: dict[str, str | bytes] = {
    "junk": random.Random(1).randbytes(LONG),
    "NUL": bytes(LONG),
    "parentheses": "x = " + "(" * 100_000 + ")" * 100_000,
    "brackets": "[" * 100_000 + "]" * 100_000,
    "braces": "x = " + "{" * 100_000,
    "open comments": "/*" * (LONG // 2),
    "quotes": '"' * (LONG + 1),
    "other quotes": "'a\n" * (LONG // 3),
    "backslashes": "\\" * (LONG + 1),
    "joined lines": "\\\n" * (LONG // 2),
    "includes": "#include<" * (LONG // 9),
    "raw strings": 'R"(' * (LONG // 3),
    "stars": "*" * LONG,
    "spaces": "x = " + " " * LONG + "y",
    "blank lines": "\n \t" * (LONG // 3),
    "one word": "a" * LONG,
    "operators": "x = " + "1+" * (LONG // 2) + "1",
    "signs": "x = " + "-" * LONG + "1",
    "negations": "x = " + "not " * (LONG // 4) + "1",
    "arguments": "f(" + "a," * (LONG // 2) + ")",
    "conditions": "#if A\n" * 30_000 + "#include <zlib.h>\n" + "#endif\n" * 30_000,
    "indentation": "".join(" " * depth + "if x:\n" for depth in range(800)),
    "placeholders": "${" * (LONG // 2),
    "Python 2": "print 'x'\nexec 'y' in z\nraise A, 'b'\n0777\n`x`\nu'' <> ur''\n" * 2000,
    "numbers": "x = " + "9" * LONG,
    "powers": "x = " + "9**" * 30 + "9\ny = 'a' * 10 ** 12\nz = [0] * 10 ** 12\nw = 1 << 10 ** 12\n",
    "doubling": "x = 'ab'\n" + "x = x + x\n" * 200 + "l = [1]\n" + "l = l + l\n" * 60 + "setup(libraries=l, name=x)",
    "code": "def f(a, b=1):\n    return a.b(c)[1:2]\n" * (10_000_000 // 42),
}
FILES = (
    "setup.py", "meson.build", "CMakeLists.txt", "Cargo.lock", "Cargo.toml", "setup.cfg", "configure", "configure.ac",
    "PKG-INFO", "p.c", "q.pyx", "h.h", "q.i", "build.rs", "meson.options", "subprojects/a.wrap", "Makefile",
)  # fmt: skip


@needs_proc
@pytest.mark.parametrize("text", TEXTS)
def test_texts_that_are_bait(tmp_path: Path, text: str) -> None:
    """Every kind of file holds the same, each in an archive of its own."""
    paths = ("setup.py", "p.c") if text == "code" else FILES
    assert not apart(tmp_path, *(sdist({**HONEST, path: TEXTS[text]}) for path in paths))


MEANT = ("setup.py", "meson.build", "CMakeLists.txt", "Cargo.lock", "pyproject.toml", "setup.cfg", "p.c", "q.pyx")
REAL = (
    SETUP,
    "project('p', 'c')\nz = dependency('zlib', required: get_option('z'))\nif z.found()\n  subdir('s')\nendif\n",
    "project(p C)\nfind_package(ZLIB 1.2 REQUIRED)\nif(WIN32 AND NOT X)\n  pkg_check_modules(A a>=${V})\nendif()\n",
    'version = 3\n[[package]]\nname = "openssl-sys"\nversion = "0.9.1"\ndependencies = [\n "cc",\n]\n',
    '[build-system]\nrequires = ["meson-python"]\nbuild-backend = "mesonpy"\n[project]\nname = "p"\nversion = "1"\n',
    "[metadata]\nname = p\n[build_ext]\nlibraries = z\ndefine = A=1\n",
    "#if defined(A) && B > 2\n# include <zlib.h>\n#elif __has_include(<x.h>)\n#include M\n#endif\n/* x */\n",
    'cdef extern from "zlib.h" nogil:\n    """\n    #include <x.h>\n    """\nIF UNAME_SYSNAME == "Linux":\n    pass\n',
)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Real files, cut, repeated and mixed with bytes that none has."""
    text = b"".join(draw(st.lists(st.sampled_from([one.encode() for one in REAL]), min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 8))):
        at, length = draw(st.integers(0, len(text))), draw(st.integers(0, 12))
        text = text[:at] + draw(st.binary(max_size=6)) + text[at + length :]
    return text


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(MEANT), st.one_of(st.binary(max_size=200), mutated()), min_size=1))
def test_files_of_junk_never_fail(contents: dict[str, bytes]) -> None:
    texts = {"setup.py": SETUP.encode(), **contents}
    found = analysis.analyse(SourceTree({path: len(text) for path, text in texts.items()}, texts))
    assert msgspec.msgpack.encode(found)
    assert not [flag for flag in found.flags if "failed" in flag.text]


@pytest.mark.parametrize("error", [RecursionError, MemoryError, ValueError, KeyError, AttributeError, IndexError])
def test_a_detector_that_fails_leaves_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def failing(tree: SourceTree) -> list[Evidence]:
        raise error("of\n\x1b this")

    monkeypatch.setitem(analysis._DETECTORS, "Meson files", failing)
    found = found_in(tmp_path, {})
    (flag,) = found.flags
    assert (flag.kind, flag.where) == ("unreadable", "Meson files")
    assert flag.text.startswith("the analysis of Meson files failed: ") and flag.text.isprintable()
    assert {"z", "zlib.h"} <= {one.name for one in found.evidence}


def test_what_is_found_may_be_printed(tmp_path: Path) -> None:
    contents = {
        "p.c": "#include <a\x1b[2Jb.h>\n",
        "\x1b]0;x\x07.c": "#include <" + "l" * 249 + ".h>\n#include <ok.h>\n",
    }
    pkg_info = "Metadata-Version: 2.2\nName: p\x1b\nVersion: " + "1" * 9999 + "\n"
    found = found_in(tmp_path, {**contents, "PKG-INFO": pkg_info})
    assert found.name == "p\ufffd" and len(found.version) <= 250
    assert all((one.name + one.where + one.condition).isprintable() for one in found.evidence)
    assert {"a\ufffd[2Jb.h", "ok.h"} <= {one.name for one in found.evidence}


def damaged() -> dict[str, bytes]:
    body = sdist(HONEST)
    tar = gzip.decompress(body)
    zip_body = zipped({f"p/{path}": text for path, text in HONEST.items()})
    at = zip_body.index(b"PK\1\2")
    return {
        "nothing": b"",
        "junk": b"junk" * 999,
        "a page": b"<html>" * 99,
        "half a gzip": body[: len(body) // 2],
        "half a tar": tar[:700],
        "half a header": tar[:100],
        "a wrong header": tar[:1024] + b"x" * 512 + tar[1024:],
        "half a zip": zip_body[: len(zip_body) // 2],
        "a zip of wrong sizes": zip_body[: at + 20] + b"\xff\xff\xff\x7f" * 2 + zip_body[at + 28 :],
        "a zip of a wrong place": zip_body[:-8] + b"\xff\xff\xff\x7f" + zip_body[-4:],
        "a zip with a password": zip_body[: at + 8] + b"\x01" + zip_body[at + 9 :],
    }


@pytest.mark.parametrize("case", damaged())
def test_what_is_damaged_is_one_error_with_a_hint(tmp_path: Path, case: str) -> None:
    path = tmp_path / ("p-1.0.zip" if "zip" in case and "gzip" not in case else "p-1.0.tar.gz")
    path.write_bytes(damaged()[case])
    with pytest.raises(SourceError, match="cannot be read as a source archive") as caught:
        findings_of_path(path)
    assert caught.value.hint


def test_paths_that_are_no_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        findings_of_path(tmp_path / "none.tar.gz")
    folder = tmp_path / "p-1.0.tar.gz"
    folder.mkdir()
    os.mkfifo(folder / "pipe.py")
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    assert findings_of_path(folder).evidence == ()

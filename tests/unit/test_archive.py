"""Source archives: what they state, and those that are broken, lie or swell. Nothing in them is run."""

import bz2
import gzip
import io
import lzma
import random
import struct
import tarfile
import time
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from packaging.version import Version
from tests.fake_index import Answer, FakeIndex, sdist, zipped

from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client
from wheelbase.index.simple import Candidate
from wheelbase.index.values import IndexSettings
from wheelbase.source import read as module
from wheelbase.source.archive import SourceFacts, purity_of
from wheelbase.source.read import read_source
from wheelbase.source.tree import SourceTree

pytestmark = pytest.mark.usefixtures("nobody")
PKG_INFO = "Metadata-Version: 2.2\nName: pkg\nVersion: 1.0\nRequires-Python: >=3.8\nRequires-Dist: six>=1\n"


def read(
    fake_index: FakeIndex,
    body: bytes,
    *,
    ending: str = ".tar.gz",
    size: int | None = None,
    client: Client | None = None,
    **answer: object,
) -> SourceFacts:
    path = f"/{len(fake_index.routes)}"
    fake_index.route(path, Answer(body=body, ranges=True, **answer))  # type: ignore[arg-type]
    candidate = Candidate(
        filename=f"pkg-1.0{ending}", url=fake_index.url + path, version=Version("1.0"), kind="sdist", size=size
    )
    return read_source(client or Client(IndexSettings(source="test", index_url=None)), candidate)


def test_static_metadata_is_stated(fake_index: FakeIndex) -> None:
    facts = read(fake_index, sdist({"PKG-INFO": PKG_INFO, "pkg/__init__.py": "x" * 10, "tests/t.c": ""}))
    assert (facts.requires_dist, facts.requires_python, facts.stated, facts.pure) == (("six>=1",), ">=3.8", True, True)
    assert facts.files == (("pkg/__init__.py", 10, 3),)
    assert read(fake_index, sdist({"PKG-INFO": PKG_INFO, "src/x.pyx": ""})).pure is False


@pytest.mark.parametrize(
    ("contents", "expected"),
    [
        ({"pyproject.toml": '[project]\nname="p"\ndependencies=["six"]'}, (("six",), True)),
        (
            {"pyproject.toml": '[project]\ndependencies=["a;os_name==\'x\'"]\noptional-dependencies.e=["b"]'},
            (('a; os_name == "x"', 'b; extra == "e"'), True),
        ),
        ({"pyproject.toml": '[project]\ndynamic=["dependencies"]'}, ((), False)),
        ({"pyproject.toml": '[project]\ndependencies="six"'}, ((), False)),
        ({"pyproject.toml": "[project]\ndependencies=[1]"}, ((), False)),
        ({"pyproject.toml": "[project]\ndynamic=3"}, ((), False)),
        ({"pyproject.toml": "[project]\noptional-dependencies=[1]"}, ((), False)),
        ({"pyproject.toml": "project = 3"}, ((), False)),
        ({"pyproject.toml": "x = " + "[" * 50_000}, ((), False)),
        ({"pyproject.toml": b"\xff\x00 junk"}, ((), False)),
        (
            {"p.egg-info/requires.txt": "six>=1\n[e:os_name=='x']\nfoo"},
            (("six>=1", 'foo; extra == "e" and os_name == "x"'), False),
        ),
        ({"p.egg-info/requires.txt": "six>=1\n!!!"}, (None, False)),
        ({"PKG-INFO": "Metadata-Version: 2.2\nRequires-Dist: not valid !!\n"}, (None, True)),
        ({"PKG-INFO": "Metadata-Version: 2.2\nDynamic: Requires-Dist\n", "setup.py": "setup()"}, ((), False)),
        ({"PKG-INFO": "Metadata-Version: " + "9" * 9999}, ((), True)),
        ({"PKG-INFO": b"\x00\xff" * 500, "setup.py": "setup()"}, ((), False)),
    ],
)
def test_what_dependencies_are_read_from(
    fake_index: FakeIndex, contents: dict[str, str | bytes], expected: tuple[object, bool]
) -> None:
    facts = read(fake_index, sdist({"setup.py": "from setuptools import setup\nsetup(name='pkg')", **contents}))
    requires = facts.requires_dist
    assert ((tuple(r.replace("'", '"') for r in requires) if requires is not None else None), facts.stated) == (
        expected[0],
        expected[1],
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("setup(install_requires=['six', 'a>1'])", ("six", "a>1")),
        ("setup(install_requires='six')", ("six",)),
        ("setup(extras_require={})", ()),
        ("setup(**given)", None),
        ("setup(install_requires=open('r').read())", None),
        ("setup(install_requires=[3])", None),
        ("setup(install_requires=3)", None),
        ("setup(install_requires=['!!'])", None),
        ("setup(); setup()", None),
        ("x = '\\d'\nsetup()", ()),
        ("(" * 5000, None),
        ("-" * 100_000 + "1", None),
        ("setup(install_requires=" + "[" * 150 + "]" * 150 + ")", None),
        (b"\x00\x01\xff\xfe" * 10_000, None),
        (random.Random(1).randbytes(100_000), None),
    ],
)
def test_a_setup_py_is_parsed_and_never_run(
    fake_index: FakeIndex, text: str | bytes, expected: tuple[str, ...] | None, tmp_path: Path
) -> None:
    mark = tmp_path / "ran"
    head = f"open({str(mark)!r}, 'w')\n" if isinstance(text, str) else b""
    assert read(fake_index, sdist({"setup.py": head + text})).requires_dist == expected  # type: ignore[operator]
    assert not mark.exists()


@pytest.mark.parametrize("ending", [".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".zip"])
def test_all_kinds_of_archives(fake_index: FakeIndex, ending: str) -> None:
    tar = gzip.decompress(sdist({"PKG-INFO": PKG_INFO}))
    body = {
        ".tar.gz": gzip.compress(tar),
        ".tgz": gzip.compress(tar),
        ".tar.bz2": bz2.compress(tar),
        ".tar.xz": lzma.compress(tar),
        ".zip": zipped({"pkg-1.0/PKG-INFO": PKG_INFO}),
    }[ending]
    assert read(fake_index, body, ending=ending).requires_dist == ("six>=1",)
    for broken in (b"", b"junk", body[: len(body) // 2], b"<html>" * 99, body[:40] + b"\xff" * 40 + body[80:]):
        try:
            read(fake_index, broken, ending=ending)
        except PackageIndexError as error:
            assert "is not a whole source archive" in str(error)


def test_an_archive_labelled_as_encoded_is_kept_as_it_is(fake_index: FakeIndex) -> None:
    body = sdist({"PKG-INFO": PKG_INFO})
    assert read(fake_index, body, headers={"Content-Encoding": "gzip"}).requires_dist == ("six>=1",)


def test_any_damage_is_an_error_or_facts(fake_index: FakeIndex) -> None:
    chance, client = random.Random(3), Client(IndexSettings(source="test", index_url=None))
    tar = gzip.decompress(sdist({"PKG-INFO": PKG_INFO, "setup.py": "setup()", "pkg/__init__.py": ""}))
    packed = zipped({"pkg-1.0/PKG-INFO": PKG_INFO, "pkg-1.0/setup.py": "setup()"})
    for round_ in range(200):
        damaged = bytearray(packed if round_ % 2 else tar)
        for _ in range(chance.randint(1, 6)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        with suppress(PackageIndexError):
            read(fake_index, bytes(damaged), ending=".zip" if round_ % 2 else ".tar.gz", client=client)


def test_an_answer_that_is_no_archive(fake_index: FakeIndex) -> None:
    for status in (401, 404):
        with pytest.raises(PackageIndexError, match=str(status)):
            read(fake_index, b"x", status=status)
        with pytest.raises(PackageIndexError, match=str(status)):
            read(fake_index, b"x", status=status, size=1 << 30)
    body = sdist({"PKG-INFO": PKG_INFO})
    with pytest.raises(PackageIndexError, match="the index says 5"):
        read(fake_index, body, size=5)


def test_members_outside_the_one_folder(fake_index: FakeIndex) -> None:
    contents = {"pkg/__init__.py": "x", "setup.py": "setup()"}
    assert read(fake_index, sdist(contents, folder="")).files == ()
    assert read(fake_index, sdist({"../../x": "1", "a//b": "2", ".": "3"}, folder="")).requires_dist is None


def bounded(fake_index: FakeIndex, body: bytes, ending: str = ".tar.gz") -> str:
    """Read a bomb within bounds of memory and time, and return what is said of it."""
    tracemalloc.start()
    began = time.monotonic()
    try:
        with pytest.raises(PackageIndexError) as caught:
            read(fake_index, body, ending=ending)
        assert tracemalloc.get_traced_memory()[1] < 150 << 20
        assert time.monotonic() - began < 30
    finally:
        tracemalloc.stop()
    return str(caught.value)


def bomb(kind: bytes, size: int, *, present: int = 700 << 20) -> bytes:
    """Return a .tar.gz of some hundred kilobytes, whose one member is of some hundred megabytes."""
    member = tarfile.TarInfo("pkg-1.0/PKG-INFO")
    member.size, member.type = size, kind
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=1) as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT))
        for _ in range(present >> 20):
            file.write(bytes(1 << 20))
    return buffer.getvalue()


def test_bombs(fake_index: FakeIndex) -> None:
    assert "unpacks to more than" in bounded(fake_index, bomb(tarfile.REGTYPE, 600 << 20))
    assert "has a header of" in bounded(fake_index, bomb(tarfile.XHDTYPE, 600 << 20))
    assert "has a header of" in bounded(fake_index, bomb(tarfile.GNUTYPE_LONGNAME, 600 << 20, present=16 << 20))


def test_a_zip_that_states_less_than_it_holds(fake_index: FakeIndex) -> None:
    body = zipped({"pkg-1.0/PKG-INFO": bytes(300 << 20)})
    at = body.rindex(b"PK\1\2") + 24
    bounded(fake_index, body[:at] + struct.pack("<L", 100) + body[at + 4 :], ".zip")
    assert "more than" in bounded(fake_index, b"PK\x01\x02" * 60_000, ".zip")
    assert "unpacks to more" in bounded(fake_index, zipped({f"p/{n}": bytes(200 << 20) for n in range(3)}), ".zip")


def test_many_members(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.source.members.MAX_MEMBERS", 500)
    with pytest.raises(PackageIndexError, match="500 files"):
        read(fake_index, sdist({str(number): "" for number in range(600)}))


def test_of_a_large_archive_the_start_is_read(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    noise = random.Random(1).randbytes(200_000)
    body = sdist({"PKG-INFO": PKG_INFO, "pkg/__init__.py": "", "pkg/noise": noise})
    monkeypatch.setattr(module, "MAX_ARCHIVE", 100_000)
    monkeypatch.setattr(module, "_HEAD", 50_000)
    facts = read(fake_index, body, size=len(body))
    assert (facts.requires_dist, facts.pure, facts.files) == (("six>=1",), None, ())
    with pytest.raises(PackageIndexError, match="larger than 100000 bytes"):
        read(fake_index, body)


def test_facts_are_kept_and_damaged_ones_replaced(fake_index: FakeIndex, nobody: Path) -> None:
    fake_index.route("/x", Answer(body=sdist({"PKG-INFO": PKG_INFO})))
    one = Candidate(filename="pkg-1.0.tar.gz", url=f"{fake_index.url}/x", version=Version("1"), kind="sdist")
    client = Client(IndexSettings(source="test", index_url=None))
    first = read_source(client, one)
    assert read_source(client, one) == first and len(fake_index.seen) == 1
    (entry,) = [path for path in next((nobody / "cache").rglob("source-4")).rglob("*") if path.is_file()]
    entry.write_bytes(entry.read_bytes()[:-1])
    assert read_source(client, one) == first and len(fake_index.seen) == 2


@pytest.mark.parametrize(
    ("files", "pure"),
    [
        ({"setup.py": "setup(cffi_modules=['gen.py:f'])", "gen.py": "f.set_source('a', '#include <a.h>')"}, False),
        ({"setup.py": "setup(cffi_modules=['gen.py:f'])", "gen.py": "f.set_source('a', None)"}, True),
        ({"pyproject.toml": "requires = ['scikit-build-core']", "CMakeLists.txt": "project(a)"}, False),
        ({"pyproject.toml": "build-backend = 'mesonpy'", "meson.build": "project('a', 'cython')"}, False),
        ({"pyproject.toml": "build-backend = 'mesonpy'", "meson.build": "project('a', version: '1')"}, True),
        ({"pyproject.toml": "requires = ['setuptools']", "a/_x.pyx.in": ""}, False),
        ({"setup.py": "Extension('a', ['contrib/a.c'])", "contrib/a.c": ""}, False),
        ({"setup.py": "setup()", "contrib/a.c": ""}, True),
    ],
)
def test_what_has_something_to_compile(files: dict[str, str], pure: bool) -> None:
    contents = {path: text.encode() for path, text in files.items()}
    assert purity_of(SourceTree({path: len(data) for path, data in contents.items()}, contents)) is pure

"""The files of archives and folders: which are kept, under which names, and what is passed over."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from tests.fake_index import sdist, zipped

from wheelbase.source.tree import SourceTree, is_unused, is_vendored, shown, tree_of_archive, tree_of_folder


def test_an_archive() -> None:
    tree = tree_of_archive(sdist({"setup.py": "x", "src/A.C": "y", "logo.png": "z", "tests/t.c": ""}), "p.tar.gz")
    assert tree.whole and tree.sizes == {"setup.py": 1, "src/A.C": 1, "logo.png": 1, "tests/t.c": 0}
    assert (tree.text("setup.py"), tree.raw("src/A.C"), tree.text("logo.png"), tree.text("none")) == ("x", b"y", "", "")
    assert list(tree.ending(".c")) == ["src/A.C"] and list(tree.named("setup.py")) == ["setup.py"]
    assert list(tree.headers("A.C")) == ["src/A.C"] and "setup.py" in tree and "A.C" not in tree


def test_the_kind_of_an_archive_is_told_by_its_start() -> None:
    body = zipped({"p-1.0/setup.py": "x"})
    assert tree_of_archive(body, "p-1.0").sizes == tree_of_archive(body, "p-1.0.zip").sizes == {"setup.py": 1}


@pytest.mark.parametrize("name", ["../../etc/x.py", "/etc/x.py", "p-1.0/../../x.py", "p-1.0", "p-1.0/" + "a/" * 3000])
def test_names_outside_of_the_one_folder(name: str) -> None:
    tree = tree_of_archive(sdist({name: "x", "p-1.0/setup.py": "y"}, folder=""), "p.tar.gz")
    assert tree.sizes == {"setup.py": 1}


def test_of_files_of_one_name_the_last_counts() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for text in (b"first", b"2nd"):
            member = tarfile.TarInfo("p/setup.py")
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    tree = tree_of_archive(buffer.getvalue(), "p.tar")
    assert (tree.text("setup.py"), tree.sizes["setup.py"]) == ("2nd", 3)


def test_links_devices_and_pipes_are_no_files() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for number, kind in enumerate(
            (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE)
        ):
            member = tarfile.TarInfo(f"p/{number}.c")
            member.type, member.linkname = kind, "/etc/passwd"
            archive.addfile(member)
        archive.addfile(tarfile.TarInfo("p/setup.py"))
    assert list(tree_of_archive(gzip.compress(buffer.getvalue()), "p.tar.gz").sizes) == ["setup.py"]


@pytest.mark.parametrize("layout", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
@pytest.mark.parametrize("name", ["a/" * 120 + "x.py", "ünï/" * 40 + "x.py", "b" * 200 + ".py", "x.py"])
def test_long_names(layout: int, name: str) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=layout) as archive:
        for path in (f"p/{name}", "p/after.py"):
            member = tarfile.TarInfo(path)
            member.size, member.mtime = 3, 1.5
            archive.addfile(member, io.BytesIO(b"abc"))
    tree = tree_of_archive(buffer.getvalue(), "p.tar")
    assert tree.sizes == {name: 3, "after.py": 3} and tree.text(name) == "abc"


@pytest.mark.parametrize(
    ("records", "name"),
    [
        (b"6 a=b\n" * 200 + b"11 path=p/b\n", "a"),  # of another length than it says
        (b"6 a=b\n" * 200 + b"12 path=p/b\n", "b"),
        (b"6 a=b " + b"12 path=p/b\n", "a"),
    ],
)
def test_the_records_of_an_extended_header(records: bytes, name: str) -> None:
    extended = tarfile.TarInfo()
    extended.type, extended.size = tarfile.XHDTYPE, len(records)
    blocks = extended.tobuf() + records + bytes(-len(records) % 512) + tarfile.TarInfo("p/a").tobuf()
    assert list(tree_of_archive(blocks, "p.tar").sizes) == [name]


def test_names_that_are_not_utf_8_or_control_a_terminal() -> None:
    assert shown("a\x1b[31mb\nc\udcff\u202e") == "a\ufffd[31mb\ufffdc\ufffd\ufffd"
    tree = tree_of_archive(sdist({"\udcff\x1b.py": "x"}), "p.tar.gz")
    assert tree.sizes == {"\ufffd\ufffd.py": 1} and tree.text("\ufffd\ufffd.py") == "x"


def test_a_folder(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / ".git").mkdir()
    for name in ("setup.py", "src/a.c", ".git/x.py", "logo.png"):
        (tmp_path / name).write_text(name)
    (tmp_path / "src/loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "passwd.c").symlink_to("/etc/passwd")
    (tmp_path / "dangling.c").symlink_to(tmp_path / "none")
    os.mkfifo(tmp_path / "pipe.c")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.py")).write_text("x")
    tree = tree_of_folder(tmp_path)
    assert sorted(tree.sizes) == ["logo.png", "setup.py", "src/a.c", "\ufffd.py"]
    assert (tree.text("src/a.c"), tree.text("\ufffd.py"), tree.raw("logo.png")) == ("src/a.c", "x", b"")


def test_a_folder_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        tree_of_folder(tmp_path / "none")


def test_a_folder_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wheelbase.source.tree.MAX_MEMBERS", 3)
    for number in range(4):
        (tmp_path / f"{number}.py").touch()
    with pytest.raises(ValueError, match="more than 3 files"):
        tree_of_folder(tmp_path)


def test_what_paths_tell() -> None:
    assert all(map(is_unused, ("tests/a.c", "src/win32/a.c", "a_test.c", "Docs/a.c", "x/test_a.c", "ftests/a.c")))
    assert all(map(is_unused, ("src/testlib/a.f", "src/unittests/a.c", ".env/lib/python3.9/site-packages/a/a.pyx")))
    assert not any(map(is_unused, ("src/a.c", "contest/a.c", "src/winning/a.c", "latest_a.c")))
    assert is_vendored("vendor/z/a.c") and is_vendored("third_party/a.c") and not is_vendored("src/deposit/a.c")


@pytest.mark.parametrize(
    ("pattern", "recursive", "expected"),
    [
        ("*.c", False, ["a.c"]),
        ("./src/?.c", False, ["src/b.c"]),
        ("src/**/*.c", False, ["src/x/c.c"]),
        ("src/**/*.c", True, ["src/b.c", "src/x/c.c", "src/x/y/d.c"]),
        ("**", True, ["a.c", "src/b.c", "src/x/c.c", "src/x/y/d.c"]),
        ("none/*.c", False, []),
        ("/usr/include/*.h", False, None),
        ("../*.c", False, None),
        ("*" * 9, False, None),
        ("a" * 300, False, None),
    ],
)
def test_patterns(pattern: str, recursive: bool, expected: list[str] | None) -> None:
    tree = SourceTree(dict.fromkeys(("a.c", "src/b.c", "src/x/c.c", "src/x/y/d.c"), 1), {})
    assert tree.matching(pattern, recursive=recursive) == expected


def test_of_too_many_patterns_no_more_are_looked_up() -> None:
    tree = SourceTree({f"{number}.h": 1 for number in range(20_000)}, {})
    found = [tree.matching(f"{number}/*.c") for number in range(100)]
    assert found[0] == [] and found[-1] is None

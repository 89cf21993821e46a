"""The file system of an image: layers one over another."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.oci.small_images import (
    CHAR,
    FOLDER,
    HARDLINK,
    SYMLINK,
    MemorySource,
    What,
    image_of,
    manifest_of,
    tar,
)

from wheelbase.oci import tree as tree_module
from wheelbase.oci.config import encode_config
from wheelbase.oci.errors import DamagedError, ImageError, MissingError
from wheelbase.oci.image import read_image
from wheelbase.oci.tree import Tree, read_files, read_tree

Layer = dict[str, What] | list[tuple[str, What]]


def tree_of(*layers: Layer) -> Tree:
    source = image_of(*layers)
    return read_tree(source, read_image(source), lambda entry: 1 << 20)


def files(*layers: Layer) -> dict[str, bytes | None]:
    return {entry.path: entry.content for entry in tree_of(*layers).walk() if entry.kind in ("file", "hardlink")}


def test_the_upper_layer_counts() -> None:
    assert files({"a": b"1", "b": b"1"}, {"b": b"2", "c/d": b"2"}) == {"a": b"1", "b": b"2", "c/d": b"2"}


@pytest.mark.parametrize(
    "upper",
    [
        {"usr/.wh.a": b""},
        {"usr/.wh.a": b"", "usr/new": b"2"},
        {"usr": (FOLDER, ""), "usr/.wh.a": b"", "usr/.wh.nothing": b"", ".wh.none": b""},
        {"./usr/.wh.a": b""},
    ],
)
def test_a_whiteout_removes_a_file(upper: Layer) -> None:
    found = files({"usr/a": b"1", "usr/b": b"1"}, upper)
    assert "usr/a" not in found and found["usr/b"] == b"1"
    assert not any(".wh." in path for path in found)


def test_a_whiteout_removes_a_folder() -> None:
    lower: Layer = {"usr/lib/a": b"1", "usr/lib/deep/b": b"1", "usr/c": b"1"}
    assert files(lower, {"usr/.wh.lib": b""}) == {"usr/c": b"1"}
    assert tree_of(lower, {"usr/.wh.lib": b""}).entry("usr/lib") is None


@pytest.mark.parametrize("first", [True, False])
def test_a_whiteout_is_for_lower_layers(first: bool) -> None:
    same: list[tuple[str, What]] = [("usr/lib/new", b"2")]
    whiteout: list[tuple[str, What]] = [("usr/.wh.lib", b"")]
    upper = whiteout + same if first else same + whiteout
    assert files({"usr/lib/a": b"1", "usr/lib/deep/b": b"1"}, upper) == {"usr/lib/new": b"2"}


@pytest.mark.parametrize("first", [True, False])
def test_an_opaque_folder(first: bool) -> None:
    same: list[tuple[str, What]] = [("etc", (FOLDER, "")), ("etc/new", b"2"), ("etc/old", b"2")]
    opaque: list[tuple[str, What]] = [("etc/.wh..wh..opq", b"")]
    upper = opaque + same if first else same + opaque
    lower: Layer = {"etc/old": b"1", "etc/other": b"1", "etc/deep/er": b"1", "bin/sh": b"1"}
    assert files(lower, upper) == {"etc/new": b"2", "etc/old": b"2", "bin/sh": b"1"}


def test_a_removed_file_comes_back() -> None:
    assert files({"a": b"1"}, {".wh.a": b""}, {"a": b"3"}) == {"a": b"3"}
    assert files({"a": b"1"}, {".wh.a": b""}, {}) == {}


def test_kinds_replace_each_other() -> None:
    lower: Layer = {"a/b": b"1", "c": b"1"}
    assert files(lower, {"a": b"2", "c/d": b"2"}) == {"a": b"2", "c/d": b"2"}
    assert files(lower, {"a": (SYMLINK, "c")}) == {"c": b"1"}
    assert files(lower, {"a": (FOLDER, "")}) == {"a/b": b"1", "c": b"1"}


def test_whiteouts_that_would_reach_out() -> None:
    lower: Layer = {"a": b"1", "b/c": b"1"}
    assert files(lower, {"b/.wh...": b"", "b/.wh..": b"", ".wh.": b"", "../.wh.a": b""}) == {"a": b"1", "b/c": b"1"}


def test_links_are_followed_within_the_root() -> None:
    found = tree_of(
        {
            "bin": (SYMLINK, "usr/bin"),
            "usr/bin/python3": (SYMLINK, "python3.13"),
            "usr/bin/python3.13": b"ELF",
            "usr/local/python": (SYMLINK, "/bin/python3"),
            "out": (SYMLINK, "../../../usr/bin"),
            "loop": (SYMLINK, "loop"),
            "loops": (SYMLINK, "loops/loops"),
            "gone": (SYMLINK, "nowhere"),
        }
    )
    for path in ("bin/python3", "/usr/local/python", "out/python3", "usr/../bin/python3", "/../bin/python3.13"):
        entry = found.resolve(path)
        assert entry and (entry.path, entry.content) == ("usr/bin/python3.13", b"ELF")
    for path in ("loop", "loops", "gone", "usr/bin/python3.13/x", "none/x"):
        assert found.resolve(path) is None
    link = found.entry("/bin/python3")
    assert link and (link.kind, link.link, link.path) == ("symlink", "python3.13", "usr/bin/python3")
    assert found.names("bin") == ["python3", "python3.13"] and found.names("none") == []
    assert [entry.path for entry in found.walk("usr/local")] == ["usr/local/python"]
    assert [entry.path for entry in found.flagged] == ["out"]
    assert found.entry("") == found.entry("/") == found.resolve("..")


def test_a_layer_that_writes_through_a_link() -> None:
    found = tree_of({"lib": (SYMLINK, "usr/lib"), "usr/lib/a": b"1"}, {"lib/b": b"2"}, {"lib/.wh.a": b""})
    assert [entry.path for entry in found.walk() if entry.kind == "file"] == ["usr/lib/b"]
    found = tree_of({"out": (SYMLINK, "../../etc")}, {"out/passwd": b"2"})
    assert [entry.path for entry in found.walk() if entry.kind == "file"] == ["etc/passwd"]


def test_hard_links() -> None:
    found = tree_of({"a": b"12", "b": (HARDLINK, "a")}, {"c": (HARDLINK, "/b"), "a": b"3"}, {".wh.a": b""})
    assert {entry.path: (entry.kind, entry.content, entry.size) for entry in found.walk()} == {
        "b": ("hardlink", b"12", 2),
        "c": ("hardlink", b"12", 2),
    }
    found = tree_of({"a": b"1", "link": (SYMLINK, "a"), "other": (HARDLINK, "link")})
    assert found.resolve("other") == found.entry("a")
    broken = tree_of({"a": (HARDLINK, "none"), "b": (HARDLINK, "../x"), "d": (FOLDER, ""), "c": (HARDLINK, "d")})
    assert [entry.path for entry in broken.walk()] == ["d"]
    assert [(entry.path, entry.flag) for entry in broken.flagged] == [("a", "link"), ("b", "link"), ("c", "link")]


def test_entries_that_are_not_to_be_trusted() -> None:
    found = tree_of({"../../etc/shadow": b"1", "dev/sda": (CHAR, ""), "a/../../b": b"1", "fine": b"1"})
    assert [entry.path for entry in found.walk()] == ["dev", "dev/sda", "fine"]
    assert [entry.flag for entry in found.flagged] == ["path", "device", "path"]


def test_a_layer_is_read_once_and_verified() -> None:
    source = image_of({"a": b"1"}, {"b": b"1"})
    image = read_image(source)
    source.opened.clear()
    found = read_tree(source, image)
    assert source.opened == [layer.descriptor.digest for layer in image.layers]
    assert found.layer_bytes == [len(tar({"a": b"1"}))] * 2
    source.blobs[image.layers[1].descriptor.digest] = source.blobs[image.layers[0].descriptor.digest]
    with pytest.raises(DamagedError):
        read_tree(source, image)


def test_a_configuration_that_lies() -> None:
    source = image_of({"a": b"1"}, {"b": b"1"})
    image = read_image(source)
    lie = replace(image.config, diff_ids=image.config.diff_ids[::-1])
    with pytest.raises(ImageError, match=r"layer 1 of memory .* another diff_id"):
        read_tree(source, replace(image, config=lie))
    for wrong in (image.config.diff_ids[:1], image.config.diff_ids * 2):
        body = encode_config(replace(image.config, diff_ids=wrong))
        other = MemorySource(blobs=dict(source.blobs))
        config = other.add(body, manifest_of(source).config.media_type)
        other.add_manifest(replace(manifest_of(source), config=config))
        with pytest.raises(ImageError, match="2 layers; its configuration says"):
            read_image(other)


def test_files_on_request() -> None:
    source = image_of(
        {"a": b"12345", "b": b"1", "big": b"x" * 9000, "link": (SYMLINK, "a")},
        {"b": b"2", "hard": (HARDLINK, "a"), ".wh.big": b""},
        {"unread": b"3"},
    )
    image = read_image(source)
    found = read_tree(source, image)
    source.opened.clear()
    paths = ["a", "/link", "b", "hard", "big", "none", ""]
    assert read_files(source, image, found, paths, 3) == {"a": b"123", "/link": b"123", "b": b"2", "hard": b"123"}
    assert source.opened == [layer.descriptor.digest for layer in image.layers[:2]]
    assert read_files(source, image, found, [], 3) == {}


def test_a_layer_that_is_not_there() -> None:
    source = image_of({"a": b"1"})
    image = read_image(source)
    source.blobs.clear()
    with pytest.raises(MissingError):
        read_tree(source, image)


@pytest.mark.parametrize(
    ("limit", "value"),
    [("_MOST_ENTRIES", 3), ("_MOST_NODES", 3), ("_MOST_STEPS", 3), ("_MOST_KEPT", 3)],
)
def test_limits(monkeypatch: pytest.MonkeyPatch, limit: str, value: int) -> None:
    monkeypatch.setattr(tree_module, limit, value)
    with pytest.raises(ImageError, match="file system has more than 3"):
        tree_of({f"d/f{number}": b"x" for number in range(5)})


def test_memory_is_for_names_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tree_module, "_MOST_KEPT", 10_000)
    assert tree_of({"a": b"x" * 5000}).entry("a")
    for layer in ({"a": b"x" * 10_000}, {f"{number}" * 150: b"" for number in range(100)}):
        with pytest.raises(ImageError, match="10000 bytes of names"):
            tree_of({**layer})
    with pytest.raises(ImageError, match="10000 bytes of names"):
        tree_of({"/".join("d" * 200): b""})
    with pytest.raises(ImageError, match="10000 bytes of names"):
        tree_of({f"{number}": (SYMLINK, "x" * 4000) for number in range(3)})


def test_deep_trees() -> None:
    deep = "/".join("d" * 250)
    found = tree_of({deep: b"1"}, {"link": (SYMLINK, deep[:-2]), "link/more": b"2"}, {".wh.d": b""})
    assert [entry.path for entry in found.walk()] == ["link"]


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
ENTRIES = st.one_of(
    st.tuples(PATHS, st.binary(max_size=2)),
    st.tuples(PATHS, st.just((FOLDER, ""))),
    st.tuples(st.tuples(st.just("") | PATHS.map("{}/".format), NAMES).map(".wh.".join), st.just(b"")),
    st.tuples((st.just("") | PATHS.map("{}/".format)).map("{}.wh..wh..opq".format), st.just(b"")),
)


def laid(layers: list[list[tuple[str, What]]]) -> dict[str, bytes | None]:
    """Lay layers one over another in the plain way: paths to contents, None for a folder; no links."""
    below: dict[str, bytes | None] = {}
    for layer in layers:
        for name, _ in layer:
            folder, _, base = name.rpartition("/")
            if base == ".wh..wh..opq":
                below = {path: what for path, what in below.items() if folder and not path.startswith(f"{folder}/")}
            elif base.startswith(".wh."):
                gone = f"{folder}/{base[4:]}".lstrip("/")
                below = {path: what for path, what in below.items() if f"{path}/".find(f"{gone}/") != 0}
        for name, what in layer:
            if ".wh." in name:
                continue
            parts = name.split("/")
            for parent in ("/".join(parts[:count]) for count in range(1, len(parts))):
                if below.get(parent) is not None:
                    del below[parent]
                below.setdefault(parent, None)
            if isinstance(what, bytes):
                below = {path: inner for path, inner in below.items() if not path.startswith(f"{name}/")}
            below[name] = what if isinstance(what, bytes) else None
    return below


@settings(deadline=None)
@given(st.lists(st.lists(ENTRIES, max_size=6), min_size=1, max_size=3))
def test_layers_are_laid_as_the_specification_says(layers: list[list[tuple[str, What]]]) -> None:
    found = {entry.path: entry.content for entry in tree_of(*layers).walk()}
    assert found == laid(layers)

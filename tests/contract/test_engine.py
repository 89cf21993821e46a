"""The file system that is read out of an image's layers is the one that an engine makes of them."""

from __future__ import annotations

import posixpath
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.contract.conftest import use_engine
from tests.real.engine import Engine

from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_source
from wheelbase.oci.reference import parse_reference
from wheelbase.oci.tree import Tree, read_files, read_tree

pytestmark = pytest.mark.real
DOCKERFILE = """
FROM {base}
RUN rm -rf /etc/os-release /etc/ssl && mkdir -p /etc/ssl /etc/x && echo new >/etc/ssl/new && ln /bin/sh /shell
RUN rm -rf /etc/x && echo file >/etc/x && mv /usr/bin /usr/moved && ln -s moved /usr/bin && chmod 4711 /etc/passwd
"""
KINDS = {tarfile.DIRTYPE: "folder", tarfile.SYMTYPE: "symlink", tarfile.LNKTYPE: "hardlink", tarfile.CHRTYPE: "device"}
# What an engine lays over every container.
ENGINES_OWN = {".dockerenv", "dev/console", "etc/hostname", "etc/hosts", "etc/mtab", "etc/resolv.conf"}


def seen(tree: Tree) -> dict[str, tuple[str, str | int, int]]:
    return {
        entry.path: (entry.kind, entry.link if entry.kind == "symlink" else entry.size, entry.mode)
        for entry in tree.walk()
        if entry.path not in ENGINES_OWN and entry.kind != "hardlink"
    }


def exported(path: Path) -> dict[str, tuple[str, str | int, int]]:
    with tarfile.open(path) as archive:
        return {
            posixpath.normpath(member.name): (
                KINDS.get(member.type, "file"),
                member.linkname if member.issym() else member.size,
                member.mode & 0o7777,
            )
            for member in archive
        }


@pytest.mark.parametrize("builder", ["0", "1"])
def test_a_built_image(
    engine: Engine,
    base_image: Callable[[str], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    builder: str,
) -> None:
    use_engine(engine, monkeypatch)
    monkeypatch.setenv("DOCKER_BUILDKIT", builder)
    image = f"wheelbase-test/laid:{builder}"
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.format(base=base_image("alpine323-py313")))
    engine.run("build", "--network", "host", "--tag", image, str(tmp_path))
    container = engine.run("create", image, "sh").strip()
    engine.run("export", "--output", str(tmp_path / "root.tar"), container)
    engine.run("rm", container)
    with open_source(parse_reference(f"docker-daemon:{image}")) as source:
        found = read_image(source)
        tree = read_tree(source, found)
        contents = read_files(source, found, tree, ["/etc/x", "/etc/ssl/new", "/etc/os-release"], 100)
    theirs = exported(tmp_path / "root.tar")
    ours = seen(tree)
    # Which of two names of one file is the link depends on the order in which they come.
    links = {path for path, (kind, *_) in theirs.items() if kind == "hardlink"}
    links |= {entry.path for entry in tree.walk() if entry.kind == "hardlink"}
    for names in (ours, theirs):
        for path in links | ENGINES_OWN:
            names.pop(path, None)
    assert ours == theirs
    assert len(found.layers) == 3 and len(ours) > 1000
    assert contents == {"/etc/x": b"file\n", "/etc/ssl/new": b"new\n"}

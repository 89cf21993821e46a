"""An image's file system, as files in an empty folder. Reads sources, writes files.

Nothing is written through a link: `Tree` has laid the layers over one another already, so that every path leads through
folders that were made here. Devices, sockets, owners and set-user-ID bits are left out. Where the engines that run
containers lay files of their own over an image's, there are empty ones. Sparse files of a tar are holes of their size.
"""

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path

from wheelbase.engines.errors import EngineError
from wheelbase.oci.compression import most_unpacked
from wheelbase.oci.image import Image
from wheelbase.oci.layers import Entry, LayerReader
from wheelbase.oci.places import Blob, Source
from wheelbase.oci.tree import read_tree

_MOST_BYTES = 16 << 30
_LARGEST_FILE = 1 << 30
_ENGINES_FOLDERS = ("dev", "proc", "sys")
_ENGINES_FILES = {
    "etc/resolv.conf": "",
    "etc/hosts": "127.0.0.1\tlocalhost\n::1\tlocalhost\n",
    "etc/hostname": "probe\n",
}
_Wanted = dict[str, list[Path]]


def unpack(source: Source, image: Image, root: Path) -> None:
    """Unpack an image into `root`, which is an empty folder.

    Everything can be read by everybody, and nothing written by others than who unpacked. ImageError where a layer is
    damaged, EngineError where the image is too large, or the folder's file system cannot hold it.
    """
    try:
        _unpack(source, image, root)
    except OSError as error:
        raise EngineError(
            f"{source.where} cannot be unpacked: {error}", hint="see that TMPDIR has room, and try another image"
        ) from error


def _unpack(source: Source, image: Image, root: Path) -> None:
    tree = read_tree(source, image)
    if sum(entry.size for entry in tree.walk() if entry.kind == "file") > _MOST_BYTES:
        raise EngineError(f"{source.where} unpacks to more than {_MOST_BYTES >> 30} GiB", hint="use another image")
    root.chmod(0o755)
    wanted: defaultdict[int, _Wanted] = defaultdict(lambda: defaultdict(list))
    for entry in tree.walk():
        path = root / entry.path
        if entry.kind == "folder":
            path.mkdir()
            path.chmod(0o755)
        elif entry.kind == "symlink":
            path.symlink_to(entry.link)
        elif origin := tree.origin(entry.path):
            wanted[origin[0]][origin[1]].append(path)
    modes = {root / entry.path: entry.mode for entry in tree.walk() if entry.kind in ("file", "hardlink")}
    for number, files in wanted.items():
        _write(source, image, number, files, modes)
    _lay_engines_files(root)


def _write(source: Source, image: Image, number: int, files: _Wanted, modes: dict[Path, int]) -> None:
    """Write the files whose content is in one layer."""

    def keep(entry: Entry) -> int:
        if entry.path in files and entry.size > _LARGEST_FILE:
            raise EngineError(f"{source.where} has a file of {entry.size} bytes: {entry.path[:200]}")
        return entry.size if entry.path in files else 0

    layer = image.layers[number]
    what = f"layer {number + 1} of {source.where} ({layer.descriptor.digest})"
    with Blob(descriptor=layer.descriptor, source=source).open() as stored:
        for entry in LayerReader(stored, layer.diff_id, most_unpacked(layer.descriptor.size), what, keep):
            if entry.kind != "file" or entry.path not in files:
                continue
            first, *others = files[entry.path]
            # A layer may have a path twice; the later one holds, for all names that the file has.
            first.write_bytes(entry.content or b"")
            if entry.content is None:
                os.truncate(first, entry.size)
            first.chmod(modes[first] & 0o755 | 0o444)
            for other in others:
                other.unlink(missing_ok=True)
                os.link(first, other)


def is_folder(path: Path) -> bool:
    """Say whether a path is a folder itself, no link to one."""
    return path.is_dir() and not path.is_symlink()


def _lay_engines_files(root: Path) -> None:
    for name in _ENGINES_FOLDERS:
        if not is_folder(root / name):
            (root / name).unlink(missing_ok=True)
            (root / name).mkdir()
    if not (root / "etc").is_symlink():
        (root / "etc").mkdir(exist_ok=True)
    if not is_folder(root / "etc"):
        return
    for name, content in _ENGINES_FILES.items():
        if not is_folder(root / name):
            (root / name).unlink(missing_ok=True)
            (root / name).write_text(content)
            (root / name).chmod(0o644)

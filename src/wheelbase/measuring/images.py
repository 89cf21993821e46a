"""What an image is made of once it was built: sizes, layers, the archives that were installed. Reads from sources."""

from __future__ import annotations

import csv
import posixpath
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from wheelbase.measuring.values import PartName
from wheelbase.oci.image import Image, read_image
from wheelbase.oci.layers import Entry
from wheelbase.oci.places import Source
from wheelbase.oci.tree import Tree, read_files, read_tree
from wheelbase.wheels.elf import read_dynamic

_VENV = "opt/venv/"
_APPLICATION = "app/"
_MOST_OF_A_FILE = 16 << 20
_LARGEST = 128 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """A distribution in an image: the name of its wheel, as far as it is known, and what can be imported of it.

    `libraries` are those that its files load (DT_NEEDED), where it was compiled.
    """

    name: str
    version: str
    filename: str
    compiled: bool
    modules: tuple[str, ...]
    files: tuple[str, ...]
    libraries: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """An image's figures. `image_bytes` are those of the files of all layers; `compressed_bytes` as it is stored."""

    image_bytes: int
    compressed_bytes: int | None
    layers: int
    installed: tuple[Installed, ...]
    parts: Mapping[PartName, int]


class _Kept:
    """Keeps the metadata of distributions, and adds up all files."""

    def __init__(self) -> None:
        self.seen = 0

    def __call__(self, entry: Entry) -> int:
        self.seen += entry.size
        folder, name = posixpath.split(entry.path)
        return _MOST_OF_A_FILE if _is_installed(folder) and name in ("WHEEL", "METADATA", "RECORD") else 0


def contents_of(source: Source, base: Sequence[int]) -> Contents:
    """Read an image; `base` are the sizes, as they are pulled, of the layers of its base, which are its lowest."""
    image = read_image(source)
    kept = _Kept()
    tree = read_tree(source, image, kept)
    installed = _with_libraries(source, image, tree, list(_installed(tree)))
    return Contents(
        image_bytes=kept.seen,
        compressed_bytes=_compressed(image, tree, base),
        layers=len(image.layers),
        installed=installed,
        parts=_parts(tree, installed, kept.seen, len(base)),
    )


def _compressed(image: Image, tree: Tree, base: Sequence[int]) -> int | None:
    """Return how much is pulled; None where layers are stored as they are, which no registry does.

    An engine may have compressed the layers of the base again, which a registry has already.
    """
    sizes = [layer.descriptor.size for layer in image.layers]
    plain = any(size == unpacked for size, unpacked in zip(sizes, tree.layer_bytes, strict=True))
    return None if plain else sum(base) + sum(sizes[len(base) :])


def _installed(tree: Tree) -> Iterable[Installed]:
    for entry in tree.walk(_VENV.rstrip("/")):
        folder, name = posixpath.split(entry.path)
        if name == "WHEEL" and _is_installed(folder):
            metadata, record = tree.entry(f"{folder}/METADATA"), tree.entry(f"{folder}/RECORD")
            tags = [line.partition(":")[2].strip() for line in _text(entry).splitlines() if line.startswith("Tag:")]
            fields = dict(line.partition(": ")[::2] for line in _text(metadata).split("\n\n")[0].splitlines())
            paths = [row[0] for row in csv.reader(_text(record).splitlines()) if row]
            site = posixpath.dirname(folder)
            yield Installed(
                name=fields.get("Name", ""),
                version=fields.get("Version", ""),
                filename=_filename(folder, tags),
                compiled=any(tag.rpartition("-")[2].startswith("linux_") for tag in tags),
                modules=tuple(_modules(paths)),
                files=tuple(posixpath.normpath(f"{site}/{path}") for path in paths),
            )


def _is_installed(folder: str) -> bool:
    """Say whether this is the metadata of a distribution; a copy within another (setuptools) has its own further in."""
    site, name = posixpath.split(folder)
    return name.endswith(".dist-info") and posixpath.basename(site) == "site-packages"


def _with_libraries(source: Source, image: Image, tree: Tree, found: Sequence[Installed]) -> tuple[Installed, ...]:
    """Return the distributions with the libraries that the compiled ones load; their layers alone are read again."""
    paths = {path for one in found if one.compiled for path in one.files if ".so" in posixpath.basename(path)}
    contents = read_files(source, image, tree, paths, _LARGEST) if paths else {}
    needed = {path: dynamic.needed for path, content in contents.items() if (dynamic := read_dynamic(content))}
    return tuple(
        replace(one, libraries=frozenset(name for path in one.files for name in needed.get(path, ()))) for one in found
    )


def _text(entry: Entry | None) -> str:
    return entry.content.decode(errors="replace") if entry and entry.content else ""


def _filename(folder: str, tags: Iterable[str]) -> str:
    """Return the name of the wheel, whose tags are the products of its parts."""
    parts = [list(dict.fromkeys(column)) for column in zip(*(tag.split("-", 2) for tag in tags), strict=True)]
    stem = posixpath.basename(folder).removesuffix(".dist-info")
    return f"{stem}-{'-'.join('.'.join(part) for part in parts)}.whl"


def _modules(paths: Iterable[str]) -> Iterable[str]:
    found: dict[str, None] = {}
    for path in paths:
        top, _, rest = path.partition("/")
        if rest == "__init__.py":
            found[top] = None
        elif not rest and top.endswith(".py"):
            found[top.removesuffix(".py")] = None
    return found


def _parts(tree: Tree, installed: Iterable[Installed], total: int, base_layers: int) -> dict[PartName, int]:
    compiled = {path for one in installed if one.compiled for path in one.files}
    found: dict[PartName, int] = {}
    base = 0
    for entry in tree.walk():
        if entry.kind != "file":
            continue
        origin = tree.origin(entry.path)
        name: PartName = "system packages"
        if entry.path.startswith(_VENV):
            name = "bytecode" if entry.path.endswith(".pyc") else "compiled" if entry.path in compiled else "wheels"
        elif entry.path.startswith(_APPLICATION):
            name = "application"
        elif origin and origin[0] < base_layers:
            name = "base"
        found[name] = found.get(name, 0) + entry.size
        base += entry.size
    # What a later layer hides is in the image all the same, and nearly always of the base.
    found["base"] = found.get("base", 0) + total - base
    return found

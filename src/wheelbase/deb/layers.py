"""Layers out of .debs: one for each group of packages, made once and kept. Reads and writes the store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path

import deflate
import msgspec

from wheelbase.cache import Cache
from wheelbase.deb.chosen import LockedDeb
from wheelbase.deb.debfile import DebEntry, DebFile, open_deb
from wheelbase.deb.errors import DebError
from wheelbase.deb.leftout import is_dropped, left_out_digest
from wheelbase.deb.rootfs import CA_BUNDLE, merged
from wheelbase.deb.sharedlib import library_name
from wheelbase.oci import media_types
from wheelbase.oci.digest import Digest
from wheelbase.oci.image import Layer
from wheelbase.oci.layerwriter import SMALLEST, LayerWriter
from wheelbase.oci.manifest import Descriptor
from wheelbase.oci.store import Store

# Raised whenever the same packages become another layer.
_FORMAT = 1
# A layer of a base is made once and downloaded often: 4 % smaller than by zlib -9 in the same time, where zopfli takes
# twenty times as long for no more (see docs/explanation/deb-base.md).
_CODEC = f"libdeflate-{deflate.__version__}-{SMALLEST}"
_MEMBER_BYTES = 1 << 20
_STATUS = "var/lib/dpkg/status.d"
_CERTIFICATES = "usr/share/ca-certificates/"
_LIBRARY_FOLDERS = "etc/ld.so.conf.d/"
#: Gives the files of packages, in their order.
Fetched = Callable[[Sequence[LockedDeb]], Sequence[Path]]


class DebLayer(msgspec.Struct, frozen=True, kw_only=True):
    """A layer, and what later ones need to know of it. Sizes in bytes, those of packages without headers.

    `libraries` are names of shared libraries with their paths, `folders` those that packages want to be searched too.
    """

    digest: str
    size: int
    diff_id: str
    tar_bytes: int
    packages: dict[str, int]
    libraries: list[tuple[str, str]]
    folders: list[str]

    @property
    def layer(self) -> Layer:
        """The layer as an image lists it."""
        descriptor = Descriptor(media_type=media_types.LAYER_GZIP, digest=Digest.parse(self.digest), size=self.size)
        return Layer(descriptor=descriptor, diff_id=Digest.parse(self.diff_id))


class LayerContents:
    """A layer while it is written. Folders and all else are given as often as packages have them."""

    def __init__(self, writer: LayerWriter) -> None:
        """Nothing is written yet."""
        self._writer = writer
        self._folders: set[str] = set()
        self.packages: dict[str, int] = {}
        self.libraries: list[tuple[str, str]] = []
        self.folders: list[str] = []

    def add(self, entry: DebEntry) -> None:
        """Write an entry; a folder that is there already is left as it is."""
        if entry.kind == "directory":
            if entry.path in self._folders:
                return
            self._writer.directory(entry.path, mode=entry.mode)
        elif entry.kind == "file":
            self._writer.file(entry.path, entry.data, mode=entry.mode)
            if name := library_name(entry.data):
                self.libraries.append((name, f"/{entry.path}"))
            if entry.path.startswith(_LIBRARY_FOLDERS):
                self.folders += _lines(entry.data)
        else:
            self._writer.symlink(entry.path, f"/{entry.link}" if entry.kind == "hardlink" else entry.link)
        self._folders.update(_with_parents(entry.path, itself=entry.kind == "directory"))

    def home(self, path: str, owner: int) -> None:
        """Write a user's folder."""
        self._writer.directory(path, uid=owner, gid=owner)


def layer_of(packages: Sequence[LockedDeb], asked: Collection[str], store: Store, fetched: Fetched) -> DebLayer:
    """Return the layer of some packages, out of the cache where the same ones became one before.

    `asked` are the names that the user asked for.
    """
    key = f"{_FORMAT} {left_out_digest()} {[(one.sha256, one.name in asked) for one in packages]}"

    def write(contents: LayerContents) -> None:
        for package, path in zip(packages, fetched(packages), strict=True):
            try:
                with open_deb(path, f"{package.name} {package.version}") as deb:
                    _add_package(contents, package.name, deb, asked)
            except DebError:
                store.remove(Digest("sha256", package.sha256))  # else it would be as damaged the next time
                raise

    return kept_layer(key, write, store)


def kept_layer(key: str, write: Callable[[LayerContents], None], store: Store) -> DebLayer:
    """Return the layer that was written for a key, and write it first where there is none."""
    cache, key = Cache("deb-layer-1"), f"{key} {_CODEC}"
    if kept := cache.get(key):
        known = msgspec.msgpack.decode(kept, type=DebLayer)
        if store.has(known.layer.descriptor):
            return known
    with store.new() as new:
        writer = LayerWriter(new.file, level=SMALLEST, member_bytes=_MEMBER_BYTES)
        contents = LayerContents(writer)
        write(contents)
        written = writer.finish()
        new.keep(written.digest)
    made = DebLayer(
        digest=str(written.digest),
        size=written.size,
        diff_id=str(written.diff_id),
        tar_bytes=written.tar_bytes,
        packages=contents.packages,
        libraries=contents.libraries,
        folders=contents.folders,
    )
    cache.put(key, msgspec.msgpack.encode(made))
    return made


def _add_package(contents: LayerContents, name: str, deb: DebFile, asked: Collection[str]) -> None:
    """Write a package, and what tells scanners of it."""
    control, written, size = deb.control(), set(), 0
    certificates: dict[str, bytes] = {}
    for raw in deb.entries():
        entry = merged(raw)
        if entry is None:
            continue
        if name == "ca-certificates" and entry.kind == "file" and entry.path.startswith(_CERTIFICATES):
            certificates[entry.path] = entry.data
        if not is_dropped(name, entry.path, asked):
            contents.add(entry)
            written.add(raw.path)
            size += len(entry.data)
    made = {CA_BUNDLE: _bundle(certificates)} if certificates else {}
    made[f"{_STATUS}/{name}"] = control["control"].rstrip() + b"\n"
    made[f"{_STATUS}/{name}.md5sums"] = _sums_of(control.get("md5sums", b""), written)
    for path, data in made.items():
        contents.add(DebEntry(path=path, kind="file", mode=0o644, data=data))
    contents.packages[name] = size + sum(map(len, made.values()))


def _bundle(certificates: dict[str, bytes]) -> bytes:
    """Return what update-ca-certificates makes of certificates."""
    return b"".join(certificates[path].rstrip(b"\n") + b"\n" for path in sorted(certificates))


def _sums_of(md5sums: bytes, written: Collection[str]) -> bytes:
    lines = md5sums.decode("utf-8", "replace").splitlines()
    return "".join(f"{line}\n" for line in lines if line.partition("  ")[2] in written).encode()


def _lines(settings: bytes) -> list[str]:
    lines = (line.partition("#")[0].strip() for line in settings.decode("utf-8", "replace").splitlines())
    return [line for line in lines if line.startswith("/")]


def _with_parents(path: str, *, itself: bool) -> Iterator[str]:
    if itself:
        yield path
    while path := path.rpartition("/")[0]:
        yield path

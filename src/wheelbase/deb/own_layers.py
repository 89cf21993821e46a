"""The layers of no package: bytecode of the standard library, and what scripts would have made. Uses the store."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Sequence

from wheelbase.bases.facts import Arch
from wheelbase.deb.chosen import LockedDeb
from wheelbase.deb.debfile import DebEntry, open_deb
from wheelbase.deb.layers import DebLayer, Fetched, LayerContents, kept_layer
from wheelbase.deb.rootfs import HOME, MERGED, NONROOT, made_entries
from wheelbase.deb.sharedlib import TRIPLETS, library_cache
from wheelbase.oci.store import Store
from wheelbase.wheels.compiling import Compiler
from wheelbase.wheels.paths import is_test

# Raised whenever the same input becomes another layer.
_FORMAT = 1
_CACHE = "etc/ld.so.cache"


def bytecode_layer(
    packages: Sequence[LockedDeb], compiler: Compiler, version: tuple[int, int], store: Store, fetched: Fetched
) -> DebLayer:
    """Return the layer with bytecode of the modules that the packages of a Python bring, `version` as in (3, 13)."""
    tag = "cpython-{}{}".format(*version)

    def write(contents: LayerContents) -> None:
        sources = sorted(_sources(packages, fetched))
        for (path, _), bytecode in zip(sources, compiler.compile(sources), strict=True):
            if bytecode is not None:
                folder, _, name = path[1:].rpartition("/")
                target = f"{folder}/__pycache__/{name.removesuffix('.py')}.{tag}.pyc"
                contents.add(DebEntry(path=target, kind="file", mode=0o644, data=bytecode))

    return kept_layer(f"bytecode {_FORMAT} {compiler.key} {[one.sha256 for one in packages]}", write, store)


def system_layer(layers: Sequence[DebLayer], arch: Arch, python: str, store: Store) -> DebLayer:
    """Return the uppermost layer: users, links, the loader's cache of all libraries; `python` is as in `3.13`."""
    entries = [*made_entries(arch, python), _loader_cache(layers, arch)]

    def write(contents: LayerContents) -> None:
        for entry in entries:
            contents.add(entry)
        contents.home(HOME, NONROOT)

    return kept_layer(f"system {_FORMAT} {entries}", write, store)


def _sources(packages: Sequence[LockedDeb], fetched: Fetched) -> Iterator[tuple[str, bytes]]:
    for package, path in zip(packages, fetched(packages), strict=True):
        with open_deb(path, package.name) as deb:
            for entry in deb.entries():
                is_module = entry.path.startswith("usr/lib/python3.") and entry.path.endswith(".py")
                if entry.kind == "file" and is_module and not is_test(entry.path):
                    yield f"/{entry.path}", entry.data


def _loader_cache(layers: Sequence[DebLayer], arch: Arch) -> DebEntry:
    """Return the cache that ldconfig would write: of folders that packages name, and of those that are usual."""
    named = [folder.rstrip("/") for layer in layers for folder in layer.folders]
    order = [_in_usr(folder) for folder in (*named, f"/lib/{TRIPLETS[arch]}", "/lib")]
    found = [library for layer in layers for library in layer.libraries if posixpath.dirname(library[1]) in order]
    found.sort(key=lambda library: (order.index(posixpath.dirname(library[1])), library))
    return DebEntry(path=_CACHE, kind="file", mode=0o644, data=library_cache(found, arch))


def _in_usr(folder: str) -> str:
    return f"/usr{folder}" if folder.split("/")[1] in MERGED else folder

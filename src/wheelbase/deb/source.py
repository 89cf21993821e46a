"""A base image out of nothing but Debian's packages: a Source like any other. Talks to a mirror, writes the store.

Nothing of the packages runs, so that any machine makes the image of any architecture.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from pysequoia import Cert

from wheelbase.bases.facts import Arch
from wheelbase.deb.choosing import choose
from wheelbase.deb.chosen import Chosen, LockedDeb
from wheelbase.deb.downloads import fetch
from wheelbase.deb.errors import DebError
from wheelbase.deb.grouping import grouped
from wheelbase.deb.layers import DebLayer, Fetched, layer_of
from wheelbase.deb.mirrors import Mirror, find_mirror
from wheelbase.deb.own_layers import bytecode_layer, system_layer
from wheelbase.deb.rootfs import NONROOT
from wheelbase.deb.sharedlib import TRIPLETS
from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.values import IndexSettings
from wheelbase.oci import media_types
from wheelbase.oci.config import ImageConfig, encode_config
from wheelbase.oci.digest import Digest, Reader
from wheelbase.oci.manifest import MAX_MANIFEST, Descriptor, Manifest, RawManifest, encode, stored_manifest
from wheelbase.oci.platform import Platform
from wheelbase.oci.store import Store
from wheelbase.wheels.compiling import Compiler, InterpreterCompiler, find_interpreter, without_bytecode

PREFIX = "deb:"
#: The releases that a base can be made of.
RELEASES = ("bookworm", "trixie")
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_CREATED = "1970-01-01T00:00:00Z"
_VARIANTS = {"amd64": "", "arm64": "v8"}
Report = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedLayer:
    """A layer of a base, and what it holds: `libc`, `libraries`, `data`, `python`, `bytecode`, `added`, `system`."""

    name: str
    written: DebLayer


@dataclass(frozen=True, slots=True, kw_only=True)
class DebImage:
    """An image in the store. `chosen` is what a lock file keeps; `compiler` is the key of what made the bytecode."""

    where: str
    chosen: Chosen
    layers: tuple[NamedLayer, ...]
    manifest: RawManifest
    store: Store
    compiler: str | None = None
    notes: tuple[str, ...] = ()

    def read_manifest(self, digest: Digest | None = None, /) -> RawManifest:
        """Return the manifest of the image, or the one of a digest."""
        if digest is None or digest == self.manifest.digest:
            return self.manifest
        with self.store.open(digest) as reader:
            return stored_manifest(reader.read(MAX_MANIFEST + 1), digest, self.where)

    def open_blob(
        self, descriptor: Descriptor, /, start: int = 0, length: int | None = None
    ) -> AbstractContextManager[Reader]:
        """Open a blob of the image."""
        return self.store.open(descriptor.digest, start, length)


def deb_source(
    name: str,
    *,
    arch: Arch,
    packages: Sequence[str] = (),
    mirror: str | None = None,
    locked: Chosen | None = None,
    bytecode: bool = True,
    keys: Sequence[Cert] | None = None,
    store: Store,
    report: Report,
) -> DebImage:
    """Make the image that a name like `deb:trixie` stands for, with further packages, and return it as a source.

    The packages are the newest that the mirror has, or those that were `locked`, with whatever was asked for then. The
    archive must be signed by one of the keys, Debian's where none are given. All of the image is in the store at the
    end. DebError where the mirror cannot be read or believed, or lacks a package.
    """
    release = release_of(name)
    if arch not in TRIPLETS:
        raise DebError(f"{name} is not made for {arch}", hint=f"there is one for {' and for '.join(TRIPLETS)}")
    where = find_mirror(mirror)
    client = Client(IndexSettings(source="apt", index_url=None))
    report("reading Debian's indices", 0, 0)
    chosen = locked or choose(client, where, release, arch, packages, store=store, now=datetime.now(UTC), keys=keys)
    version = _python_of(chosen)
    compiler, notes = _compiler(version) if bytecode else (None, ())
    with ExitStack() as stack:
        pool = stack.enter_context(ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="deb"))
        stack.callback(pool.shutdown, cancel_futures=True)
        fetched = _fetching(client, where, chosen, pool, store, report)
        layers = _layers(chosen, version, compiler, store, fetched)
    return DebImage(
        where=name,
        chosen=chosen,
        layers=layers,
        manifest=_manifest(chosen, layers, store),
        store=store,
        compiler=compiler.key if compiler else None,
        notes=notes,
    )


def release_of(name: str) -> str:
    """Return the release that `deb:trixie` names; DebError where no base can be made of it."""
    release = name.removeprefix(PREFIX)
    if not name.startswith(PREFIX) or release not in RELEASES:
        raise DebError(
            f"{name} is no base that is made of Debian's packages",
            hint=f"there are {' and '.join(PREFIX + known for known in RELEASES)}",
        )
    return release


def _python_of(chosen: Chosen) -> tuple[int, int]:
    """Return the version of the release's Python: (3, 13)."""
    versions = (re.match(r"(\d+)\.(\d+)\.", one.version) for one in chosen.packages if one.name == "python3")
    found = next(versions, None)
    if found is None:
        raise DebError("the base has no package python3", hint="the lock file is damaged: lock again")
    return int(found[1]), int(found[2])


def _compiler(version: tuple[int, int]) -> tuple[Compiler | None, tuple[str, ...]]:
    found = find_interpreter(version)
    return (InterpreterCompiler(found), ()) if found else (None, (without_bytecode(version),))


def _fetching(
    client: Client, mirror: Mirror, chosen: Chosen, pool: ThreadPoolExecutor, store: Store, report: Report
) -> Fetched:
    """Return what fetches packages, several at once."""
    done = count(1)

    def fetch_one(package: LockedDeb) -> Path:
        archive = mirror.security if package.archive == "security" else mirror.main
        path = fetch(
            client,
            f"{archive}/{package.filename}",
            sha256=package.sha256,
            size=package.size,
            what=f"{package.name} {package.version}",
            store=store,
        )
        report("fetching packages", min(next(done), len(chosen.packages)), len(chosen.packages))
        return path

    return lambda packages: list(pool.map(fetch_one, packages))


def _layers(
    chosen: Chosen, version: tuple[int, int], compiler: Compiler | None, store: Store, fetched: Fetched
) -> tuple[NamedLayer, ...]:
    """Return the layers, the lowest first."""
    groups = grouped(chosen.packages)
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        running: dict[str, Future[DebLayer]] = {
            name: pool.submit(layer_of, packages, chosen.asked, store, fetched) for name, packages in groups.items()
        }
        if compiler:
            running["bytecode"] = pool.submit(bytecode_layer, groups["python"], compiler, version, store, fetched)
        layers = [NamedLayer(name=name, written=layer.result()) for name, layer in running.items()]
    system = system_layer([layer.written for layer in layers], chosen.arch, "{}.{}".format(*version), store)
    return (*layers, NamedLayer(name="system", written=system))


def _manifest(chosen: Chosen, layers: Sequence[NamedLayer], store: Store) -> RawManifest:
    """Store the configuration and the manifest, and return that."""
    listed = [layer.written.layer for layer in layers]
    config = encode_config(
        ImageConfig(
            platform=Platform(os="linux", architecture=chosen.arch, variant=_VARIANTS[chosen.arch]),
            diff_ids=tuple(layer.diff_id for layer in listed),
            created=_CREATED,
            env_vars=(f"PATH={_PATH}", "LANG=C.UTF-8"),
            cmd=("python3",),
            user=f"{NONROOT}:{NONROOT}",
            history=tuple(
                {"created": _CREATED, "created_by": _told(layer), "comment": "wheelbase"} for layer in layers
            ),
        )
    )
    described = Descriptor(media_type=media_types.CONFIG, digest=Digest.of(config), size=len(config))
    manifest = encode(
        Manifest(
            media_type=media_types.MANIFEST,
            config=described,
            layers=tuple(layer.descriptor for layer in listed),
        )
    )
    store.put_bytes(described.digest, config)
    store.put_bytes(manifest.digest, manifest.body)
    return manifest


def _told(layer: NamedLayer) -> str:
    packages = " ".join(layer.written.packages)
    return f"{layer.name}: {packages}" if packages else layer.name

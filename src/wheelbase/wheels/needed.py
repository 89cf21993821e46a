"""The libraries that the compiled files of a wheel need and bring, read once and kept by its hash. Reads files.

Only a wheel that lies on this machine is read: nothing is fetched for it.
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
from isal import igzip_lib
from platformdirs import user_cache_path

from wheelbase.cache import Cache
from wheelbase.errors import WheelError
from wheelbase.index.simple import Candidate
from wheelbase.index.urls import file_path
from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store
from wheelbase.wheels.archive import Entry, WheelArchive, open_wheel
from wheelbase.wheels.elf import read_dynamic
from wheelbase.wheels.paths import is_test

# To be raised whenever a wheel would be read in another way.
_VERSION = 1
_SHA256 = re.compile(r"[0-9a-f]{64}")
_COMPILED = re.compile(r"\.so(?:\.[\w.]+)?$|\.data/scripts/[^/]+$")
_MODULE = re.compile(r"(\w+)\.(?:(?:abi3t?|cpython-\w+|pypy\d+-\w+)(?:-[\w-]+)?\.)?so")
_PROGRAM = re.compile(r"\.data/scripts/[^/]+$")
# A file is in memory as a whole, one at a time. Of larger ones (libtorch_cuda.so) it is not known what they need.
_LARGEST = 128 << 20
_ALONE = threading.Lock()
# The C library, by the names of glibc and of musl; the latter's loader answers to most of these itself.
_C_LIBRARY = re.compile(
    r"(?:libc|libm|libpthread|libdl|librt|libutil|libresolv|libanl|libmvec|libnsl|libthread_db|libxnet)\.so(?:\.[0-6])?"
    r"|libc\.musl-\w+\.so\.1|libBrokenLocale\.so\.1|libnss_\w+\.so\.2|ld-(?:linux|musl)[\w.-]*|ld64\.so\.[12]"
)
# In the process already where there is a Python, and what the driver of a graphics card brings into a container.
_BROUGHT = re.compile(r"libpython3[\w.]*|libcuda\.so\.1|libnvidia-[\w.-]+|libcudadebugger\.so\.1|libnvcuvid\.so\.1")


class Binary(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled file of a wheel: its path there, the names it can be needed by, and the names that it needs.

    `module` says that Python imports it, or that it is a program, `needed` leaves the C library out.
    """

    path: str
    names: tuple[str, ...]
    needed: tuple[str, ...]
    module: bool


def local_wheel(wheel: Candidate, store: Store) -> Path | None:
    """Return the file of a wheel that is on this machine, here or in pip's cache; None where it would be fetched."""
    if wheel.url.startswith("file:"):
        return file_path(wheel.url)
    sha256 = (wheel.sha256 or "").lower()
    if not _SHA256.fullmatch(sha256):  # an index or a lock file may say anything
        return None
    return store.find(Digest("sha256", sha256)) or _of_pip(wheel.url)


def _of_pip(url: str) -> Path | None:
    """Return where pip 23.3 and later keep what they fetched from a URL, if it is there."""
    name = hashlib.sha224(url.partition("#")[0].encode()).hexdigest()
    folder = Path(os.environ.get("PIP_CACHE_DIR") or user_cache_path("pip")) / "http-v2"
    path = folder.joinpath(*name[:5], f"{name}.body")
    return path if path.is_file() else None


def binaries_of(wheel: Candidate, store: Store) -> tuple[Binary, ...]:
    """Return the compiled files of a wheel; none where it is not on this machine, or not sound."""
    cache, key = Cache("needed-1"), f"{_VERSION} {wheel.sha256}"
    path = local_wheel(wheel, store)
    if path is None or wheel.filename.endswith("-any.whl"):
        return ()
    if wheel.sha256 and (kept := cache.get(key)):
        return msgspec.msgpack.decode(kept, type=tuple[Binary, ...])
    try:
        with open_wheel(path, wheel.filename) as archive:
            if wheel.sha256 and archive.sha256() != wheel.sha256.lower():
                return ()
            found = tuple(_binaries(archive))
    except WheelError:
        return ()
    if wheel.sha256:
        cache.put(key, msgspec.msgpack.encode(found))
    return found


def _binaries(archive: WheelArchive) -> Iterator[Binary]:
    for entry in archive.entries.values():
        if _COMPILED.search(entry.path):
            read = entry.size <= _LARGEST and not is_test(entry.path) and archive.head(entry, 4) == b"\x7fELF"
            yield (_binary(archive, entry) if read else None) or _unread(entry)


def _unread(entry: Entry) -> Binary:
    """Return a file by its name alone, which begins with the one that it is needed by."""
    stem, mark, version = entry.path.rpartition("/")[2].partition(".so")
    parts = version.split(".")
    names = [stem + mark + ".".join(parts[:count]) for count in range(1, len(parts) + 1)]
    return Binary(path=entry.path, names=tuple(names), needed=(), module=False)


def _binary(archive: WheelArchive, entry: Entry) -> Binary | None:
    with _ALONE:
        content = _content(archive, entry)
        dynamic = read_dynamic(content)
        if dynamic is None:
            return None
        name = entry.path.rpartition("/")[2]
        named = _MODULE.fullmatch(name)
        module = named is not None and content.find(f"PyInit_{named[1]}\0".encode()) >= 0
    return Binary(
        path=entry.path,
        names=tuple(dict.fromkeys(one for one in (name, dynamic.name) if one)),
        needed=tuple(one for one in dynamic.needed if not _C_LIBRARY.fullmatch(one) and not _BROUGHT.fullmatch(one)),
        module=module or bool(_PROGRAM.search(entry.path)),
    )


def _content(archive: WheelArchive, entry: Entry) -> bytes | bytearray:
    """Return the bytes of a file, as far as they can be inflated and are not more than is stated."""
    if not entry.deflated:
        return b"".join(archive.raw(entry))
    inflater, content = igzip_lib.IgzipDecompressor(igzip_lib.DECOMP_DEFLATE), bytearray()
    try:
        for chunk in archive.raw(entry):
            content += inflater.decompress(chunk, entry.size + 1 - len(content))
            if len(content) > entry.size:
                return b""
    except igzip_lib.error:  # type: ignore[misc]  # it is an exception
        return b""
    return content

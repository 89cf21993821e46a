"""Made-up images that have what `inspect` looks for: a C library, interpreters, databases of packages."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

from tests.unit.oci.small_images import AMD64, MemorySource, What, image_of, manifest_of

from wheelbase.oci.config import ImageConfig, encode_config, parse_config

GLIBC_LOADER, MUSL_LOADER = "/lib64/ld-linux-x86-64.so.2", "/lib/ld-musl-x86_64.so.1"
Files = Mapping[str, What]


def elf(loader: str = GLIBC_LOADER, data: bytes = b"", *, wide: bool = True, order: str = "<") -> bytes:
    """Return a program that asks for a loader, after a segment that is of no interest."""
    mark = b"\x7fELF" + bytes((2 if wide else 1, 1 if order == "<" else 2)) + bytes(10)
    size = 56 if wide else 32
    start, text = (64 if wide else 52) + 2 * size, loader.encode() + b"\0"
    if wide:
        header = struct.pack(f"{order}HHIQQQIHHHHHH", 2, 62, 1, 0, 64, 0, 0, 64, size, 2, 0, 0, 0)
        segments = [struct.pack(f"{order}IIQQQQQQ", kind, 4, start, 0, 0, len(text), 0, 1) for kind in (6, 3)]
    else:
        header = struct.pack(f"{order}HHIIIIIHHHHHH", 2, 3, 1, 0, 52, 0, 0, 52, size, 2, 0, 0, 0)
        segments = [struct.pack(f"{order}IIIIIIII", kind, start, 0, 0, len(text), 0, 4, 1) for kind in (6, 3)]
    return mark + header + b"".join(segments) + text + data


def glibc(version: str) -> dict[str, What]:
    said = f"\0GNU C Library (Debian GLIBC {version}-1) stable release version {version}.\n".encode()
    return {"usr/lib/x86_64-linux-gnu/libc.so.6": elf(data=said)}


def musl(version: str) -> dict[str, What]:
    return {"lib/ld-musl-x86_64.so.1": elf(data=f"\0{version}\0".encode())}


def python(version: str, prefix: str = "usr/local", loader: str = GLIBC_LOADER, pip: str | None = "25.1") -> Files:
    """Return an interpreter with the beginning of a standard library."""
    minor = ".".join(version.split(".")[:2])
    library = f"{prefix}/lib/python{minor}"
    files: dict[str, What] = {
        f"{prefix}/bin/python{minor}": elf(loader, f"\0{version}\0".encode()),
        f"{library}/os.py": b"pass",
    }
    return files | ({f"{library}/site-packages/pip-{pip}.dist-info/METADATA": b""} if pip else {})


def with_config(source: MemorySource, config: ImageConfig) -> MemorySource:
    """Return a source of the same image with other things said of it."""
    manifest = manifest_of(source)
    there = parse_config(source.blobs[manifest.config.digest], source.where)
    body = encode_config(replace(config, diff_ids=there.diff_ids))
    source.add_manifest(replace(manifest, config=source.add(body, manifest.config.media_type)))
    return source


def image(*layers: Files | Sequence[tuple[str, What]], path: str = "", user: str = "") -> MemorySource:
    """Return an image with a PATH and a user."""
    env_vars = (f"PATH={path}",) if path else ()
    config = ImageConfig(platform=AMD64, diff_ids=(), created="2026-11-01T00:00:00Z", env_vars=env_vars, user=user)
    return with_config(image_of(*layers), config)

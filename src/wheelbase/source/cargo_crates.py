"""Crates that bind C libraries or run tools: what each asks of the system. Pure."""

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from wheelbase.source.cargo_reader import Package
from wheelbase.source.findings import LINKED_ANYWAY, Evidence
from wheelbase.system.names import Kind

_BINDING = re.compile(r"[-_]sys(-|$)")

_SYSTEM = frozenset(
    "openssl-sys libsqlite3-sys pq-sys mysqlclient-sys odbc-sys libudev-sys alsa-sys libdbus-sys libsystemd-sys"
    " glib-sys gobject-sys gio-sys gdk-sys gdk-pixbuf-sys gtk-sys atk-sys pango-sys pangocairo-sys cairo-sys-rs"
    " gdk4-sys gtk4-sys graphene-sys gstreamer-sys soup2-sys soup3-sys webkit2gtk-sys javascriptcore-rs-sys proj-sys"
    " gdal-sys geos-sys hdf5-sys hdf5-metno-sys netcdf-sys clang-sys llvm-sys libseccomp-sys zmq-sys portaudio-sys"
    " ffmpeg-sys-next ffmpeg-sys leptonica-sys tesseract-sys yeslogic-fontconfig-sys libgssapi-sys sasl2-sys"
    " krb5-sys libpulse-sys jack-sys mpi-sys selinux-sys tss-esapi-sys pipewire-sys libspa-sys nettle-sys gpgme-sys"
    " botan-sys libheif-sys dav1d-sys imagequant-sys lilv-sys xmlsec-sys libpcap-sys".split()
)
"""Crates whose build looks for the library on the system, and fails without it."""

_EITHER = frozenset(
    "libz-sys bzip2-sys lzma-sys liblzma-sys libgit2-sys libssh2-sys curl-sys libnghttp2-sys pcre2-sys freetype-sys"
    " servo-freetype-sys expat-sys libusb1-sys libpng-sys harfbuzz-sys sdl2-sys libbpf-sys libxml2-sys".split()
)
"""Crates that take the system's library where there is one, and compile the sources that they bring where not."""

_OWN = frozenset(
    # always compiled from the sources that the crate brings
    "zstd-sys lz4-sys aws-lc-sys aws-lc-fips-sys libmimalloc-sys tikv-jemalloc-sys jemalloc-sys snmalloc-sys onig_sys"
    " librocksdb-sys rdkafka-sys libffi-sys libsodium-sys libsodium-sys-stable libwebp-sys libwebp-sys2 mozjpeg-sys"
    " turbojpeg-sys libdeflate-sys libdeflater brotli-sys blosc-sys secp256k1-sys ittapi-sys libduckdb-sys libz-ng-sys"
    " libavif-sys libaom-sys boring-sys rusty_v8 quickjs-sys lmdb-sys lmdb-rkv-sys lmdb-master-sys heed3 bzip3-sys"
    " libzstd-sys snappy_src gmp-mpfr-sys highs-sys minimap2-sys spdlog-sys cryptoki-sys"
    # declarations only: nothing is linked, or it is opened while running
    " linux-raw-sys inotify-sys dirs-sys dirs-sys-next netlink-sys wayland-sys nvml-wrapper-sys vulkano-sys cuda-sys"
    " cl-sys blas-sys cblas-sys lapack-sys lapacke-sys python3-sys fuse-sys io-uring-sys perf-event-open-sys"
    " perf-event-open-sys2 wgpu-sys libproc-sys renderdoc-sys landlock-sys".split()
)
"""Crates that need no library of the system."""

_TOOLS: dict[str, Any] = {
    "cc": ("language", "c"),
    "link-cplusplus": ("language", "c++"),
    "cmake": ("program", "cmake"),
    "pkg-config": ("program", "pkg-config"),
    "prost-build": ("program", "protoc"),
    "nasm-rs": ("program", "nasm"),
    "autotools": ("program", "autoconf"),
    "openssl-src": ("program", "perl"),
}
"""Crates that run something while others are compiled."""


_RUN_BY = {"cmake": "cmake", "prost-build": "prost-build", "tonic-build": "prost-build", "nasm-rs": "nasm-rs"}
"""Crates whose program an own build script runs where it is built with them."""

_BRINGS_PROTOC = frozenset(("protobuf-src", "protoc-bin-vendored", "protox", "protoc-prebuilt"))

_ASKS: dict[Kind, re.Pattern[str]] = {
    "pkg-config": re.compile(
        r"\bprobe_library\(\s*\"([\w.+-]+)\"|\bpkg_config::Config::new\(\)[^;{}]{0,500}?\.probe\(\s*\"([\w.+-]+)\""
    ),
    "library": re.compile(r"\"cargo::?rustc-link-lib=(?:dylib(?::[\w+,-]*)?=)?([\w.+-]+)(?:\"|\\n)"),
}
"""How a build script looks for a pkg-config module, and links a library."""

_MOST_ASKS = 200  # of one kind
_FAILS = re.compile(r"\s*\)*\s*(?:\.unwrap\(|\.expect\(|\?)")
_TEXT = re.compile(r"//[^\n]*|\"(?:[^\"\\]|\\.)*+\"", re.DOTALL)


def needs_of_crates(compiled: dict[str, Package], where: str, in_scripts: Iterable[str] = ()) -> Iterator[Evidence]:
    """Yield what the crates that are compiled look for; `in_scripts` are those that the archive's scripts use."""
    by_own = {_RUN_BY.get(name) for name in in_scripts}
    if not _BRINGS_PROTOC.isdisjoint(compiled):
        by_own.discard("prost-build")
    asks = False
    for name, package in sorted(compiled.items()):
        place = f"{where}:{package.line}"
        if not _BINDING.search(name) or name in _OWN:
            continue
        sources = any(part.split(" ")[0].endswith("-src") for part in package.dependencies)
        vendored = sources or (
            name == "libsqlite3-sys" and any(part.split(" ")[0] == "cc" for part in package.dependencies)
        )
        if name in _SYSTEM and not vendored:
            asks = asks or name not in ("clang-sys", "llvm-sys")
            yield Evidence(kind="crate", name=name, where=place, weight=0.85)
        else:
            bundled = vendored or name in _EITHER
            weight = 0.6 if name in _SYSTEM | _EITHER else 0.5
            yield Evidence(kind="crate", name=name, where=place, need="optional", weight=weight, bundled=bundled)
    for name, (kind, asked) in _TOOLS.items():
        if name in compiled:
            required = kind == "language" or (name == "pkg-config" and asks) or name in by_own
            yield Evidence(
                kind=kind,
                name=asked,
                where=f"{where}:{compiled[name].line}",
                need="required" if required else "optional",
                weight=0.85 if required else 0.6,
            )


def needs_of_script(text: str, where: str) -> Iterator[Evidence]:
    """Yield what a build script at the path `where` looks for and links: surely so outside of all `if` and `match`."""
    code = _TEXT.sub(lambda match: match[0] if match[0][0] == '"' else "", text)
    bare = _TEXT.sub(lambda match: " " * len(match[0]), code)
    for kind, pattern in _ASKS.items():
        for match in islice(pattern.finditer(code), _MOST_ASKS):
            name = next(filter(None, match.groups()), "")
            if name in LINKED_ANYWAY or name.startswith("python"):
                continue
            depth = bare.count("{", 0, match.start()) - bare.count("}", 0, match.start())
            sure = depth == 1 and (kind == "library" or _FAILS.match(code, match.end()) is not None)
            yield Evidence(
                kind=kind,
                name=name,
                where=f"{where}:{code.count(chr(10), 0, match.start()) + 1}",
                need="required" if sure else "optional",
                weight=0.85 if sure else 0.6,
            )

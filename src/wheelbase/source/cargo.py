"""What a build in Rust or Go asks of the system: the crates that bind C libraries, compilers, downloads.

Cargo.lock lists crates for all systems and features. Which are compiled on Linux is followed from the manifests that
the archive holds; of crates from a registry all that they list is taken, but what is named for another system.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wheelbase.source.backend import Backend, backend_of, read_toml
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree, is_vendored

_MAX_MANIFESTS = 1 << 20  # characters of all
_MAX_PACKAGES = 5_000
_MAX_DEPTH = 30

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

_ELSEWHERE = re.compile(
    r"(windows|winapi|winreg|schannel|security-framework|core-foundation|core-graphics|core-text|coreaudio|coremidi|objc|cocoa"
    r"|js-sys$|web-sys$|wasm-bindgen|wasi|wit-bindgen|android|ndk|jni|redox|hermit|fsevent|kqueue|mach2?$|metal$|dispatch2?$"
    r"|fuchsia|oboe|r-efi|io-kit|iokit|system-configuration|apple)"
)
_WRAPPERS = {
    "openssl": "openssl-sys", "native-tls": "openssl-sys", "postgres-native-tls": "openssl-sys", "git2": "libgit2-sys",
    "rusqlite": "libsqlite3-sys", "curl": "curl-sys", "gdal": "gdal-sys", "proj": "proj-sys", "geos": "geos-sys",
    "hdf5": "hdf5-sys", "hdf5-metno": "hdf5-metno-sys", "netcdf": "netcdf-sys", "zmq": "zmq-sys", "alsa": "alsa-sys",
    "dbus": "libdbus-sys", "fontconfig": "yeslogic-fontconfig-sys", "bindgen": "clang-sys",
}  # fmt: skip
"""Crates whose binding is not known where an archive has no Cargo.lock."""

_EDITIONS = {"2021": (1, 56), "2024": (1, 85)}
_LOCKS = {4: (1, 78)}


class _Package(NamedTuple):
    """A package of Cargo.lock, or the stand-in for one where there is no lock file."""

    name: str
    source: str
    dependencies: tuple[str, ...]
    line: int


def find_in_cargo(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the crates and the Go modules of an archive need."""
    backend = backend_of(tree)
    try:
        manifest = _main_manifest(tree, backend)
        if manifest:
            yield from _of_rust(tree, backend, manifest)
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        yield Flag(
            kind="unreadable", text=f"not valid as a manifest of Cargo: {str(error)[:100]}", where="Cargo.toml:1"
        )
    yield from _of_go(tree, backend)


def _main_manifest(tree: SourceTree, backend: Backend) -> str:
    """Return the path of the manifest that is built: the stated one, else the outermost."""
    try:
        tool = read_toml(tree.text("pyproject.toml")).get("tool", {})
    except ValueError:
        tool = {}
    parts = tool.get("setuptools-rust", {}).get("ext-modules") or [{}]
    stated = [
        tool.get("maturin", {}).get("manifest-path"),
        *(part.get("path") for part in parts if isinstance(part, dict)),
    ]
    paths = [posixpath.normpath(path) for path in stated if isinstance(path, str)]
    found = sorted(tree.named("Cargo.toml"), key=lambda path: (is_vendored(path), path.count("/"), path))
    return next((path for path in [*paths, "Cargo.toml", *found] if path in tree), "")


def _of_rust(tree: SourceTree, backend: Backend, manifest: str) -> Iterator[Evidence | Flag]:
    script = tree.text("setup.py")
    runs = backend.requires_any("maturin", "setuptools-rust") or bool(
        re.search(r"RustExtension|[\"']cargo[\"' ]", script)
    )
    manifests = dict(_manifests(tree, manifest))
    lock = _lock_of(tree, manifest)
    packages, version = _locked(tree.text(lock)) if lock else (_unlocked(manifests), 0)
    compiled = _reachable(packages, manifests, _name_of(manifests.get(manifest, {}), manifest))
    where = lock or manifest
    if runs:
        yield from _versions(manifests, version, manifest, tree)
        yield from _downloads(tree, compiled, where)
    for evidence in _of_crates(compiled, where):
        if "-".join(evidence.name.split("_")) not in backend.required_names:
            yield evidence if runs else _doubtful(evidence)


def _manifests(tree: SourceTree, main: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the manifests of the archive's own crates; those that cannot be read are left out, but for the main one."""
    paths = [path for path in tree.named("Cargo.toml") if path != main and not path.startswith("vendor/")]
    left = _MAX_MANIFESTS
    for path in [main, *paths]:
        left -= len(tree.text(path))
        if left < 0 and path != main:
            return
        try:
            yield path, read_toml(tree.text(path))
        except ValueError:
            if path == main:
                raise


def _lock_of(tree: SourceTree, manifest: str) -> str:
    """Return the Cargo.lock that Cargo uses: beside the manifest, or in the nearest folder around it."""
    folder = posixpath.dirname(manifest)
    while True:
        path = posixpath.join(folder, "Cargo.lock")
        if path in tree or not folder:
            return path if path in tree else ""
        folder = posixpath.dirname(folder)


def _locked(text: str) -> tuple[dict[str, list[_Package]], int]:
    """Return the packages of a lock file by name, and the version of its format.

    Cargo writes it one value a line, so it is read by lines: that also works where its end was cut off.
    """
    packages: dict[str, list[_Package]] = {}
    values: dict[str, str] = {}
    dependencies: list[str] = []
    version = start = 0
    for number, line in enumerate([*text.split("\n"), "[[package]]"], 1):
        if line.startswith("["):
            if name := values.get("name"):
                package = _Package(name, values.get("source", ""), tuple(dependencies), start)
                packages.setdefault(f"{name} {values.get('version', '')}", []).append(package)
                packages.setdefault(name, []).append(package)
            values, dependencies, start = {}, [], number
        elif line.startswith(' "'):
            dependencies.append(" ".join(line.strip(' ",').split()[:2]))
        else:
            key, given, value = line.partition(" = ")
            if given and key == "version" and not start:
                version = int(value) if value.strip().isdecimal() and len(value) < 5 else 0
            elif given:
                values[key] = value.strip().strip('"')
    return packages, version


def _unlocked(manifests: dict[str, dict[str, Any]]) -> dict[str, list[_Package]]:
    """Return stand-ins for packages where there is no lock file: what manifests name, and what that binds."""
    packages: dict[str, list[_Package]] = {}
    for path, manifest in manifests.items():
        names = tuple(_dependencies(manifest))
        packages[_name_of(manifest, path)] = [_Package(_name_of(manifest, path), "", names, 1)]
        for name in names:
            packages.setdefault(name, [_Package(name, "registry", tuple(filter(None, [_WRAPPERS.get(name)])), 1)])
    for name in _WRAPPERS.values():
        packages.setdefault(name, [_Package(name, "registry", (), 1)])
    return packages


def _reachable(
    packages: dict[str, list[_Package]], manifests: dict[str, dict[str, Any]], root: str
) -> dict[str, _Package]:
    """Return the packages that are compiled on Linux, by name, from the main crate on."""
    own = {_name_of(manifest, path): set(_dependencies(manifest)) for path, manifest in manifests.items()}
    roots = [root] if root in packages else [name for name, listed in packages.items() if not listed[0].source]
    reached: dict[str, _Package] = {}
    ahead, seen = list(roots), set(roots)
    while ahead and len(seen) < _MAX_PACKAGES:
        for package in packages.get(ahead.pop(), [])[:1]:
            reached.setdefault(package.name, package)
            for dependency in package.dependencies:
                name = dependency.split(" ")[0]
                dead = _ELSEWHERE.match(name) or (
                    not package.source and package.name in own and name not in own[package.name]
                )
                if not dead and dependency not in seen:
                    seen.add(dependency)
                    ahead.append(dependency)
    return reached


def _name_of(manifest: dict[str, Any], path: str) -> str:
    return str(_table(manifest, "package").get("name") or posixpath.dirname(path))


def _dependencies(manifest: dict[str, Any]) -> Iterator[str]:
    """Yield the crates that a manifest's own crate is compiled with on Linux, with its default features."""
    enabled = _enabled(_table(manifest, "features"))
    targets = [manifest, *(table for name, table in _table(manifest, "target").items() if _on_linux(name))]
    for table in (found for found in targets if isinstance(found, dict)):
        for key in ("dependencies", "build-dependencies"):
            for name, given in _table(table, key).items():
                stated = given if isinstance(given, dict) else {}
                if stated.get("optional") is not True or name in enabled:
                    yield str(stated.get("package") or name)


def _enabled(features: dict[str, Any]) -> set[str]:
    """Return the optional dependencies and features that the default ones turn on."""
    enabled: set[str] = set()
    ahead = ["default"]
    while ahead:
        name = ahead.pop().removeprefix("dep:").split("/")[0]
        if name not in enabled:
            enabled.add(name)
            listed = features.get(name)
            ahead += (
                [part for part in listed if isinstance(part, str) and "?" not in part]
                if isinstance(listed, list)
                else []
            )
    return enabled


def _on_linux(target: str) -> bool:
    """Say whether a `[target.…]` table may apply: cfg(...) of what is known of Linux, or a target's name."""
    if not target.startswith("cfg("):
        return "linux" in target
    tokens = re.findall(r'[A-Za-z_]\w*|"[^"]*"|[(),=]', target)[::-1]
    return _cfg(tokens, 0) is not False


def _cfg(tokens: list[str], depth: int) -> bool | None:
    """Evaluate one predicate, and take it off the tokens, which are in reverse; None where it is not known."""
    name = tokens.pop() if tokens else ""
    if tokens and tokens[-1] == "=" and len(tokens) > 1:
        tokens.pop()
        value = tokens.pop().strip('"')
        known = {"target_os": "linux", "target_family": "unix", "target_vendor": "unknown"}.get(name)
        return value == known if known else False if value == "msvc" else None
    if not tokens or tokens[-1] != "(" or depth > _MAX_DEPTH:
        return {"unix": True, "windows": False, "miri": False, "test": False}.get(name)
    tokens.pop()
    parts: list[bool | None] = []
    while tokens and tokens[-1] != ")":
        if tokens[-1] == ",":
            tokens.pop()
        else:
            parts.append(_cfg(tokens, depth + 1))
    tokens[-1:] = []
    if name == "not":
        return None if not parts or parts[0] is None else not parts[0]
    decisive = name == "any"
    return decisive if decisive in parts else None if None in parts else not decisive


def _of_crates(compiled: dict[str, _Package], where: str) -> Iterator[Evidence]:
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
            required = kind == "language" or (name == "pkg-config" and asks)
            yield Evidence(
                kind=kind,
                name=asked,
                where=f"{where}:{compiled[name].line}",
                need="required" if required else "optional",
                weight=0.85 if required else 0.6,
            )


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


def _doubtful(evidence: Evidence) -> Evidence:
    """Return evidence of a crate that the Python build is not seen to compile."""
    return Evidence(
        kind=evidence.kind,
        name=evidence.name,
        where=evidence.where,
        need="optional",
        weight=round(evidence.weight * 0.4, 2),
        bundled=evidence.bundled,
    )


def _downloads(tree: SourceTree, compiled: dict[str, _Package], where: str) -> Iterator[Flag]:
    config = tree.text(".cargo/config.toml")
    if "replace-with" in config or (".cargo/config" in tree and any(path.startswith("vendor/") for path in tree.sizes)):
        return
    for start, text in (
        ("registry", "the crate registry"),
        ("sparse", "the crate registry"),
        ("git+", "git repositories"),
    ):
        if any(package.source.startswith(start) for package in compiled.values()):
            yield Flag(kind="download", text=f"crates are downloaded from {text}", where=f"{where}:1")


def _versions(manifests: dict[str, dict[str, Any]], lock: int, main: str, tree: SourceTree) -> Iterator[Flag]:
    """Yield the newest Rust that a manifest, an edition or the format of the lock file asks for."""
    asked: list[tuple[int, ...]] = [_LOCKS[lock]] if lock in _LOCKS else []
    for manifest in manifests.values():
        for table in (_table(manifest, "package"), _table(_table(manifest, "workspace"), "package")):
            stated = str(table.get("rust-version"))
            if re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,2}", stated):
                asked.append(tuple(map(int, stated.split("."))))
            elif (edition := str(table.get("edition"))) in _EDITIONS:
                asked.append(_EDITIONS[edition])
    if asked:
        yield Flag(kind="version", text=f"rust >= {'.'.join(map(str, max(asked)))}", where=f"{main}:1")
    if re.search(r"channel\s*=\s*[\"']nightly", tree.text("rust-toolchain.toml")):
        yield Flag(kind="version", text="rust of the nightly channel", where="rust-toolchain.toml:1")


def _of_go(tree: SourceTree, backend: Backend) -> Iterator[Evidence | Flag]:
    """Yield the Go compiler where the build runs it, and the download of modules that the archive has not."""
    found = [path for path in tree.named("go.mod") if not is_vendored(path)]
    script = tree.text("setup.py")
    runs = backend.requires_any("setuptools-golang", "setuptools-gobuild", "hatch-gobuild", "gopy")
    if not found or not (runs or re.search(r"[\"']go[\"']\s*,\s*[\"']build|\bgo build\b|build_golang", script)):
        return
    path = min(found, key=lambda path: (path.count("/"), path))
    text = tree.text(path)
    yield Evidence(kind="language", name="go", where=f"{path}:1")
    if version := re.search(r"^go[ \t]+(\d{1,3}\.\d{1,3}(?:\.\d{1,3})?)", text, re.MULTILINE):
        yield Flag(
            kind="version", text=f"go >= {version[1]}", where=f"{path}:{text.count(chr(10), 0, version.start()) + 1}"
        )
    vendored = posixpath.join(posixpath.dirname(path), "vendor/modules.txt") in tree
    if re.search(r"^require\b", text, re.MULTILINE) and not vendored:
        yield Flag(kind="download", text="Go modules are downloaded", where=f"{path}:1")


def _table(parent: Any, key: str) -> dict[str, Any]:
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}

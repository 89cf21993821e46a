"""What Cargo reads: manifests and the lock file, and which packages of them are compiled on Linux. Pure."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from wheelbase.source.backend import read_toml
from wheelbase.source.tree import SourceTree

_MAX_MANIFESTS = 1 << 20  # characters of all
_MAX_PACKAGES = 5_000
_MAX_DEPTH = 30

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


class Package(NamedTuple):
    """A package of Cargo.lock, or the stand-in for one where there is no lock file."""

    name: str
    source: str
    dependencies: tuple[str, ...]
    line: int


def manifests_of(tree: SourceTree, main: str) -> Iterator[tuple[str, dict[str, Any]]]:
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


def lock_of(tree: SourceTree, manifest: str) -> str:
    """Return the Cargo.lock that Cargo uses: beside the manifest, or in the nearest folder around it."""
    folder = posixpath.dirname(manifest)
    while True:
        path = posixpath.join(folder, "Cargo.lock")
        if path in tree or not folder:
            return path if path in tree else ""
        folder = posixpath.dirname(folder)


def locked(text: str) -> tuple[dict[str, list[Package]], int]:
    """Return the packages of a lock file by name, and the version of its format.

    Cargo writes it one value a line, so it is read by lines: that also works where its end was cut off.
    """
    packages: dict[str, list[Package]] = {}
    values: dict[str, str] = {}
    dependencies: list[str] = []
    version = start = 0
    for number, line in enumerate([*text.split("\n"), "[[package]]"], 1):
        if line.startswith("["):
            if name := values.get("name"):
                package = Package(name, values.get("source", ""), tuple(dependencies), start)
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


def unlocked(manifests: dict[str, dict[str, Any]]) -> dict[str, list[Package]]:
    """Return stand-ins for packages where there is no lock file: what manifests name, and what that binds."""
    packages: dict[str, list[Package]] = {}
    for path, manifest in manifests.items():
        names = tuple(dependencies_of(manifest))
        packages[name_of(manifest, path)] = [Package(name_of(manifest, path), "", names, 1)]
        for name in names:
            packages.setdefault(name, [Package(name, "registry", tuple(filter(None, [_WRAPPERS.get(name)])), 1)])
    for name in _WRAPPERS.values():
        packages.setdefault(name, [Package(name, "registry", (), 1)])
    return packages


def reachable(
    packages: dict[str, list[Package]], manifests: dict[str, dict[str, Any]], root: str
) -> dict[str, Package]:
    """Return the packages that are compiled on Linux, by name, from the main crate on."""
    own = {name_of(manifest, path): set(dependencies_of(manifest)) for path, manifest in manifests.items()}
    roots = [root] if root in packages else [name for name, listed in packages.items() if not listed[0].source]
    reached: dict[str, Package] = {}
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


def name_of(manifest: dict[str, Any], path: str) -> str:
    """Return the name of a manifest's crate, of its folder where it states none."""
    return str(table_of(manifest, "package").get("name") or posixpath.dirname(path))


def dependencies_of(manifest: dict[str, Any], *keys: str) -> Iterator[str]:
    """Yield the crates that a manifest's own crate is compiled with on Linux, with its default features.

    `keys` are the tables that list them: those of the crate and of its build script where none is named.
    """
    enabled = _enabled(table_of(manifest, "features"))
    targets = [manifest, *(table for name, table in table_of(manifest, "target").items() if _on_linux(name))]
    for table in (found for found in targets if isinstance(found, dict)):
        for key in keys or ("dependencies", "build-dependencies"):
            for name, given in table_of(table, key).items():
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


def table_of(parent: Any, key: str) -> dict[str, Any]:
    """Return a table within another, empty where it is none."""
    value = parent.get(key) if isinstance(parent, dict) else None
    return value if isinstance(value, dict) else {}

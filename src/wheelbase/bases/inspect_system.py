"""The Linux userland in an image's file tree: C library, packages, compilers, shell, libraries. Pure.

Sources: os-release(5); dpkg's and apk's databases; the texts that glibc and musl carry in their own code.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from wheelbase.bases.inspect_elf import loader_of
from wheelbase.bases.inspect_rpm import FOLDERS
from wheelbase.bases.inspected import MOST_PACKAGES, Libc, LibcFamily, Package
from wheelbase.oci.tree import Tree

Database = Literal["dpkg", "apk", "rpm"]
# As multiarch systems name the folders of each architecture's libraries.
_TRIPLETS = {
    "amd64": "x86_64-linux-gnu",
    "arm64": "aarch64-linux-gnu",
    "arm": "arm-linux-gnueabihf",
    "386": "i386-linux-gnu",
    "ppc64le": "powerpc64le-linux-gnu",
    "s390x": "s390x-linux-gnu",
    "riscv64": "riscv64-linux-gnu",
}
# What wheels load without bringing it, as a rule.
_LIBRARIES = ("libstdc++.so.6", "libgcc_s.so.1", "libgomp.so.1", "libGL.so.1", "libpq.so.5")
_MANAGERS = (
    ("apt-get", "apt"),
    ("apk", "apk"),
    ("dnf", "dnf"),
    ("microdnf", "microdnf"),
    ("yum", "yum"),
    ("zypper", "zypper"),
)
_COMPILERS = ("cc", "gcc", "clang", "c++", "g++", "clang++", "gfortran", "rustc", "go")
_SHELLS = ("bin/sh", "bin/bash", "bin/dash", "bin/busybox", "usr/bin/sh", "usr/bin/bash", "usr/bin/busybox")
_CA_STORES = (
    "etc/ssl/certs/ca-certificates.crt",
    "etc/pki/tls/certs/ca-bundle.crt",
    "etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "etc/ssl/ca-bundle.pem",
    "etc/ssl/cert.pem",
)
_OS_RELEASE = ("etc/os-release", "usr/lib/os-release")
_DPKG, _DPKG_PARTS = "var/lib/dpkg/status", "var/lib/dpkg/status.d"
_APK = ("lib/apk/db/installed", "usr/lib/apk/db/installed")
_KEPT_NAMES = re.compile(r"os-release|ld-musl-\w+\.so\.1|libc\.so\.6|libc-2\.\d+\.so|dash|bash|busybox|sh")
_DPKG_FIELD = re.compile(r"^(Package|Version|Status): (.*)", re.MULTILINE)
_APK_FIELD = re.compile(r"^([PV]):(.*)", re.MULTILINE)
_GLIBC = re.compile(rb"GNU C Library [^\n]{0,200}? version (\d\.\d{1,3}(?:\.\d{1,3})?)(?!\d)")
_MUSL = re.compile(rb"\0(\d\.\d{1,3}\.\d{1,3})(?:[-_][\w.-]{1,100})?\0")
_MOST_OF_RELEASE = 64 << 10
_SONAME = re.compile(r"lib[^/]*\.so(?:\.|$)")
_PYTHON_PACKAGES = re.compile(r"(?:^|/)(?:site|dist)-packages(?:/|$)")
_MOST_LIBRARIES = 50_000


def is_of_system(path: str) -> bool:
    """Say whether the content of a file tells something of the system."""
    folder, name = posixpath.split(path)
    return (
        path == _DPKG
        or path in _APK
        or (folder == _DPKG_PARTS and not name.endswith(".md5sums"))
        or bool(_KEPT_NAMES.fullmatch(name))
    )


def os_release_in(tree: Tree) -> dict[str, str]:
    """Return what the system says that it is; nothing where it does not."""
    text = next((text for path in _OS_RELEASE if (text := _text(tree, path))), "")
    pairs = (line.partition("=") for line in text[:_MOST_OF_RELEASE].splitlines() if not line.startswith("#"))
    return {name.strip(): _unquoted(value) for name, mark, value in pairs if mark}


def libc_in(tree: Tree, architecture: str, program: str | None) -> Libc | None:
    """Return the C library: of several the one that a program asks for, else the shell, else glibc."""
    found: dict[LibcFamily, str | None] = {}
    for entry in (tree.resolve(f"{folder}/libc.so.6") for folder in _library_folders(tree, architecture)):
        if entry and (stated := _GLIBC.search(entry.content or b"")):
            found.setdefault("glibc", stated[1].decode())
    for name in tree.names("lib"):
        if name.startswith("ld-musl-") and (entry := tree.resolve(f"lib/{name}")):
            stated = _MUSL.search(entry.content or b"")
            found.setdefault("musl", stated[1].decode() if stated else _musl_of_package(tree))
    for path in (program, *_SHELLS):
        loader = loader_of(_content(tree, path)) if path else None
        family: LibcFamily | None = ("musl" if "ld-musl" in loader else "glibc") if loader else None
        if family in found:
            return Libc(family=family, version=found[family])
    return next((Libc(family=family, version=version) for family, version in found.items()), None)


def package_manager_in(tree: Tree, path: Sequence[str]) -> str | None:
    """Return what installs packages; None where nothing does."""
    return next((manager for program, manager in _MANAGERS if _on_path(tree, program, path)), None)


def packages_in(tree: Tree) -> tuple[Database | None, tuple[Package, ...] | None]:
    """Return the database of packages and what it lists, sorted; of rpm's, which is no text, nothing is known here."""
    if text := _text(tree, _DPKG):
        return "dpkg", _listed(text, _dpkg)
    if parts := [text for name in tree.names(_DPKG_PARTS) if (text := _text(tree, f"{_DPKG_PARTS}/{name}"))]:
        return "dpkg", _listed("\n\n".join(parts), _dpkg)
    if text := next((text for path in _APK if (text := _text(tree, path))), ""):
        return "apk", _listed(text, _apk)
    return ("rpm", None) if any(tree.names(folder) for folder in FOLDERS) else (None, ())


def compilers_in(tree: Tree, path: Sequence[str]) -> tuple[str, ...]:
    """Return the names of compilers on PATH."""
    return tuple(name for name in _COMPILERS if _on_path(tree, name, path))


def shell_in(tree: Tree) -> str | None:
    """Return the path of a shell."""
    return next((f"/{path}" for path in _SHELLS if _is_file(tree, path)), None)


def ca_store_in(tree: Tree) -> str | None:
    """Return the path of the certificates that TLS trusts."""
    there = ((path, tree.resolve(path)) for path in _CA_STORES)
    return next((f"/{path}" for path, entry in there if entry and entry.size), None)


def timezones_in(tree: Tree) -> bool:
    """Say whether the rules of time zones are there."""
    return tree.resolve("usr/share/zoneinfo/Europe/London") is not None


def libraries_in(tree: Tree, architecture: str) -> Mapping[str, str | None]:
    """Return where the libraries are that wheels load most often; None of those that are not there."""
    folders = _library_folders(tree, architecture)
    return {
        name: next((f"/{folder}/{name}" for folder in folders if _is_file(tree, f"{folder}/{name}")), None)
        for name in _LIBRARIES
    }


def sonames_in(tree: Tree) -> tuple[str, ...] | None:
    """Return the names of all files that are called as shared libraries are, sorted; None where there are too many.

    In which folders the loader looks depends on the image and on how a program is started: all count, but those that
    Python's packages have for themselves.
    """
    found = set()
    for entry in tree.walk():
        folder, name = posixpath.split(entry.path)
        if not _SONAME.match(name) or _PYTHON_PACKAGES.search(folder):
            continue
        # A link may lead nowhere.
        if (there := tree.resolve(entry.path)) and there.kind in ("file", "hardlink"):
            found.add(name)
    return tuple(sorted(found)) if len(found) <= _MOST_LIBRARIES else None


def _library_folders(tree: Tree, architecture: str) -> list[str]:
    triplet = _TRIPLETS.get(architecture)
    own = [f"{folder}/{triplet}" for folder in ("usr/lib", "lib") if triplet]
    return [*own, "usr/lib64", "lib64", "usr/lib", "lib", "usr/local/lib"]


def _listed(text: str, read: Callable[[str], Package | None]) -> tuple[Package, ...] | None:
    """Return the packages of a database of stanzas, sorted; None of one that has more than any real one."""
    if text.count("\n\n") > MOST_PACKAGES:
        return None
    found = (package for stanza in text.split("\n\n") if (package := read(stanza)))
    return tuple(sorted(found, key=lambda package: (package.name, package.version)))


def _dpkg(stanza: str) -> Package | None:
    """Return a package if it is installed; what was removed may have left its configuration."""
    fields = {found[1]: found[2].strip() for found in _DPKG_FIELD.finditer(stanza)}
    installed = fields.get("Status", "installed").split()[-1:] == ["installed"]
    if not installed or "Package" not in fields:
        return None
    return Package(name=fields["Package"], version=fields.get("Version", ""))


def _apk(stanza: str) -> Package | None:
    fields = {found[1]: found[2] for found in _APK_FIELD.finditer(stanza)}
    return Package(name=fields["P"], version=fields.get("V", "")) if "P" in fields else None


def _musl_of_package(tree: Tree) -> str | None:
    _, packages = packages_in(tree)
    versions = (package.version for package in packages or () if package.name == "musl")
    return next((found[0] for version in versions if (found := re.match(r"\d\.\d{1,3}\.\d{1,3}(?!\d)", version))), None)


def _on_path(tree: Tree, program: str, path: Sequence[str]) -> bool:
    return any(_is_file(tree, f"{folder}/{program}") for folder in path)


def _is_file(tree: Tree, path: str) -> bool:
    entry = tree.resolve(path)
    return entry is not None and entry.kind in ("file", "hardlink")


def _text(tree: Tree, path: str) -> str:
    return (_content(tree, path) or b"").decode("utf-8", "replace")


def _content(tree: Tree, path: str) -> bytes | None:
    entry = tree.resolve(path)
    return entry.content if entry else None


def _unquoted(value: str) -> str:
    try:
        return " ".join(shlex.split(value))
    except ValueError:
        return value.strip()

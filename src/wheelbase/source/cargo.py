"""What a build in Rust asks of the system: the crates that bind C libraries, the compiler's version, downloads.

Cargo.lock lists crates for all systems and features. Which are compiled on Linux is followed from the manifests that
the archive holds; of crates from a registry all that they list is taken, but what is named for another system.
"""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from wheelbase.source.backend import Backend, backend_of, pyproject_of
from wheelbase.source.cargo_crates import needs_of_crates, needs_of_script
from wheelbase.source.cargo_reader import (
    Package,
    dependencies_of,
    lock_of,
    locked,
    manifests_of,
    name_of,
    reachable,
    table_of,
    unlocked,
)
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree, is_vendored

_EDITIONS = {"2021": (1, 56), "2024": (1, 85)}
_LOCKS = {4: (1, 78)}


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


def _main_manifest(tree: SourceTree, backend: Backend) -> str:
    """Return the path of the manifest that is built: the stated one, else the outermost."""
    try:
        tool = pyproject_of(tree).get("tool", {})
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
    manifests = dict(manifests_of(tree, manifest))
    lock = lock_of(tree, manifest)
    packages, version = locked(tree.text(lock)) if lock else (unlocked(manifests), 0)
    compiled = reachable(packages, manifests, name_of(manifests.get(manifest, {}), manifest))
    where = lock or manifest
    if runs:
        yield from _versions(manifests, version, manifest, tree)
        yield from _downloads(tree, compiled, where)
    own = {path: one for path, one in manifests.items() if _is_compiled(name_of(one, path), compiled)}
    in_scripts = {name for one in own.values() for name in dependencies_of(one, "build-dependencies")}
    for evidence in (*needs_of_crates(compiled, where, in_scripts), *_of_scripts(tree, own)):
        if "-".join(evidence.name.split("_")) not in backend.required_names:
            yield evidence if runs else _doubtful(evidence)


def _is_compiled(name: str, compiled: dict[str, Package]) -> bool:
    return name in compiled and not compiled[name].source


def _of_scripts(tree: SourceTree, manifests: dict[str, dict[str, Any]]) -> Iterator[Evidence]:
    for path, manifest in manifests.items():
        stated = table_of(manifest, "package").get("build", "build.rs")
        if isinstance(stated, str):
            script = posixpath.normpath(posixpath.join(posixpath.dirname(path), stated))
            yield from needs_of_script(tree.text(script), script)


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


def _downloads(tree: SourceTree, compiled: dict[str, Package], where: str) -> Iterator[Flag]:
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
        for table in (table_of(manifest, "package"), table_of(table_of(manifest, "workspace"), "package")):
            stated = str(table.get("rust-version"))
            if re.fullmatch(r"\d{1,4}(\.\d{1,4}){0,2}", stated):
                asked.append(tuple(map(int, stated.split("."))))
            elif (edition := str(table.get("edition"))) in _EDITIONS:
                asked.append(_EDITIONS[edition])
    if asked:
        yield Flag(kind="version", text=f"rust >= {'.'.join(map(str, max(asked)))}", where=f"{main}:1")
    if re.search(r"channel\s*=\s*[\"']nightly", tree.text("rust-toolchain.toml")):
        yield Flag(kind="version", text="rust of the nightly channel", where="rust-toolchain.toml:1")

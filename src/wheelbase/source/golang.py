"""What a build in Go asks of the system: the compiler, and modules that the archive has not. Pure."""

import posixpath
import re
from collections.abc import Iterator

from wheelbase.source.backend import backend_of
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.tree import SourceTree, is_vendored


def find_in_go(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield the Go compiler where the build runs it, and the download of modules that the archive has not."""
    backend = backend_of(tree)
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

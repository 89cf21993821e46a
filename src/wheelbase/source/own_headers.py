"""Headers that an archive has itself, by how its sources include them, and those that its build writes. Pure."""

import re

from wheelbase.source.tree import SourceTree

CPP_SUFFIXES = (".cc", ".cpp", ".cxx", ".c++")
C_SUFFIXES = (".c", *CPP_SUFFIXES)
# A library's archive, which the build unpacks and compiles.
PACKED = re.compile(r"(?:^|/)(?:lib)?([^/]+)-(?:v?\d[\w.]*|src)\.(?:tar\.(?:gz|bz2|xz)|tgz)$")
_MOST_NAMESAKES = 100
_LARGE_SCRIPT = 400_000  # bytes
_PUT_OUT_BY = ("meson.build", "CMakeLists.txt")
_TEMPLATES = (".in", ".src", ".cmake", ".tp", ".template", ".meson")
_GENERATOR = re.compile(r"^_?(?:gen|make_)", re.IGNORECASE)
_HEADER_WORD = re.compile(r"[\"'/ (]([\w.+-]{1,80}\.(?:h|hh|hpp|inc|c))(?=[\"' \n)])")
_PUTS_OUT = re.compile(r"\boutput\s*:|configure_file|multi_targets|\bOUTPUT\b|generate_export_header", re.IGNORECASE)
_SAME_CALL = 300  # characters
_MAKES_HEADER = re.compile(r"^[ \t]*cdef[ \t]+(?:public|api)\b", re.M)


def own_header(tree: SourceTree, path: str, name: str) -> str | None:
    """Return the archive's own file that an include means: "" if the build makes it, None if there is none."""
    folder = path.rpartition("/")[0]
    return tree.noted(f"header {folder} {name}", lambda: _resolve(tree, folder, name.removeprefix("./")))


def _resolve(tree: SourceTree, folder: str, plain: str) -> str | None:
    beside = f"{folder}/{plain}" if folder else plain
    if beside in tree:
        return beside
    base = plain.rsplit("/", 1)[-1]
    if plain.startswith("../") or base in tree.basenames:
        ends = "/" + plain.rsplit("../", 1)[-1]
        own = next((other for other in tree.headers(base)[:_MOST_NAMESAKES] if f"/{other}".endswith(ends)), None)
        if own or plain.startswith("../"):
            return own or ""
        first, below, _ = plain.partition("/")  # what a build copies or links to where it is looked for
        own = next(
            (other for other in tree.headers(base)[:_MOST_NAMESAKES] if below and first in other.split("/")), None
        )
        if own:
            return own
        templates = (other for suffix in _TEMPLATES for other in tree.headers(base + suffix)[:_MOST_NAMESAKES])
        return "" if any(f"/{other.rpartition('.')[0]}".endswith(ends) for other in templates) else None
    if "/" in plain and plain.partition("/")[0] in tree.noted("bundled", lambda: _bundled(tree)):
        return ""
    libraries = {library_of(plain), library_of(base)}
    had = tree.fetched | tree.noted("packed", lambda: _packed(tree))
    if not had.isdisjoint(libraries | {library.partition("_")[0] for library in libraries}):
        return ""
    made = any(base + suffix in tree.basenames for suffix in _TEMPLATES)
    stem = base.rsplit(".", 1)[0]
    dispatched = stem.endswith(".dispatch") and any(stem + suffix in tree.basenames for suffix in C_SUFFIXES)
    return "" if made or dispatched or _is_made_of_cython(tree, stem) else None


def library_of(name: str) -> str:
    """Return what is alike in the names of a project, its library and its headers: "sharp" of "libsharp/sharp.h"."""
    return re.split(r"[/.]", name, maxsplit=1)[0].lower().removeprefix("lib")


def _packed(tree: SourceTree) -> frozenset[str]:
    """Return the libraries that the archive brings as archives, as `tree.fetched` names them."""
    found = (PACKED.search(path) for path in tree.used())
    return frozenset(match[1].lower() for match in found if match)


def _bundled(tree: SourceTree) -> frozenset[str]:
    """Return the folders of headers of libraries that the archive brings ("mbedtls" of mbedtls/include/mbedtls/)."""
    parts = (path.split("/") for path in tree.sizes if path.endswith((".h", ".hpp")))
    return frozenset(part[-2] for part in parts if len(part) > 3 and part[-3] == "include" and part[-2] == part[-4])


def _is_made_of_cython(tree: SourceTree, stem: str) -> bool:
    """Say whether Cython writes a header beside a module, as it does for what is declared `public` or `api`."""
    return any(
        _MAKES_HEADER.search(tree.text(path))
        for module in {f"{stem}.pyx", f"{stem.removesuffix('_api')}.pyx"}
        for path in tree.headers(module)[:_MOST_NAMESAKES]
    )


def made_by_scripts(tree: SourceTree) -> frozenset[str]:
    """Return the names of headers that the build writes: what Meson and CMake put out, what generators name."""
    return tree.noted("made headers", lambda: _named_by_scripts(tree))


def _named_by_scripts(tree: SourceTree) -> frozenset[str]:
    made: set[str] = set()
    for path in tree.used():
        name = path.rsplit("/", 1)[-1]
        generator = name.endswith(".py") and _GENERATOR.search(name) is not None
        if (generator or name in _PUT_OUT_BY) and tree.sizes[path] <= _LARGE_SCRIPT:
            text = tree.text(path)
            for match in _HEADER_WORD.finditer(text):
                before = text[max(0, match.start() - _SAME_CALL) : match.start()].rpartition(")\n")[2]
                if generator or _PUTS_OUT.search(before):
                    made.add(match[1])
    return frozenset(made)

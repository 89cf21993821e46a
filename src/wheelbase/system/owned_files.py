"""Which of a distribution's files a build looks for, and by what name. Pure.

Kept are headers, pkg-config modules, libraries to link with, CMake's packages, and programs; not what is for another
architecture, for another C library, or for cross compilers.
"""

import re
from typing import Literal, NamedTuple

Kind = Literal["header", "pkg-config", "library", "shared", "cmake", "program"]

TRIPLET = "x86_64-linux-gnu"

WANTED = re.compile(
    rb"usr/(?:include/|bin/|lib/jvm/[^/]+/bin/|share/(?:pkgconfig/|\S*\.cmake\s))"
    rb"|(?:usr/)?lib/\S*(?:\.pc|\.a|\.so|\.so\.\d+|\.cmake|/include/\S*)\s"
)
"""Lines of a Contents index that may be of use: few, so that most lines cost one match."""

_FOREIGN_FOLDER = re.compile(
    r"/(?:[a-z0-9_]+-(?:linux|w64|unknown|none|kfreebsd|gnu)(?:-[a-z0-9_]+)*|diet|klibc|musl|wine|gcc-cross|emscripten|android"
    r"|clang|tcc|bcc|wasm32\S*|ocaml|haskell-packages|ghc|rustlib|debug|python3|perl5?|ruby|R|node_modules|lib32|libx32)/"
)
_FOREIGN_PACKAGE = re.compile(
    r"-cross(?:-|$)|cross-|mingw|dietlibc|klibc|emscripten|^(?:lib)?wine|newlib|picolibc|avr-libc|^musl"
    r"|arm-none|riscv64-unknown|^lib(?:x32|32|n32)|offload-|^wasi-|^elks-|^librust-|^golang-|^libghc-|-ocaml-dev$"
)
_DETAIL = re.compile(r"/(?:detail|details|impl|_impl|aux_|preprocessed|internal|__[a-z]\w*|bits)/")
_CMAKE = re.compile(r"(?:Find(?P<module>.+)|(?P<package>.+?)-?config)\.cmake$", re.IGNORECASE)
_LIBRARY = re.compile(r"lib(.+)\.(?:so|a|so\.\d+)$")
_DEVELOPMENT = re.compile(r"-dev(?:$|-)|-headers$|-devel$|-jdk-headless$")
# Java's are alternatives: /usr/bin has links to them that no package owns.
_PROGRAMS = re.compile(r"usr/(?:bin|lib/jvm/[^/]+/bin)")
_LINKED = re.compile(rf"usr/lib(?:/{TRIPLET}|/gcc/{TRIPLET}/\d+)?$")


class OwnedFile(NamedTuple):
    """A file that a build may ask for by name; `folder` is where it matters to what it is."""

    kind: Kind
    folder: str
    name: str


def classified(path: str) -> OwnedFile | None:
    """Return what a path (`usr/include/zlib.h`) is to a build, None where it is nothing."""
    folder, _, name = path.rpartition("/")
    if folder.startswith("lib/"):  # the same place since /lib is a link to /usr/lib
        folder = f"usr/{folder}"
    if _FOREIGN_FOLDER.search(f"/{folder}/".replace(f"/{TRIPLET}/", "/.../")) or not name:
        return None
    if _PROGRAMS.fullmatch(folder):
        return OwnedFile("program", "", name)
    if folder.startswith("usr/include") or "/include" in folder:
        return None if _DETAIL.search(f"{folder}/") else OwnedFile("header", folder, name)
    if name.endswith(".pc"):
        return OwnedFile("pkg-config", "", name[:-3]) if folder.endswith("/pkgconfig") else None
    return _cmake(name) if name.endswith(".cmake") else _library(folder, name)


def _library(folder: str, name: str) -> OwnedFile | None:
    """`folder` is kept only where a linker does not look by itself."""
    found = _LIBRARY.match(name)
    linked = _LINKED.match(folder) is not None
    if not found or not (linked or folder.startswith(f"usr/lib/{TRIPLET}/")):
        return None
    if name.endswith((".so", ".a")):
        return OwnedFile("library", "" if linked else folder, found[1])
    return OwnedFile("shared", "", name)


def _cmake(name: str) -> OwnedFile | None:
    """`folder` tells a module that finds a package from the package's own configuration."""
    found = _CMAKE.match(name)
    if not found:
        return None
    module = found["module"]
    return OwnedFile("cmake", "Modules" if module else "", (module or found["package"]).lower())


def is_foreign(package: str) -> bool:
    """Say whether a package is of use only for another system than the one that it is installed on."""
    return bool(_FOREIGN_PACKAGE.search(package))


def is_development(package: str, section: str) -> bool:
    """Say whether programs are built with a package: what others have of headers and libraries is their own."""
    return section.rpartition("/")[2] in ("libdevel", "devel") or bool(_DEVELOPMENT.search(package))

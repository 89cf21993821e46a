"""The files of a source archive, or of a folder, in memory: names, sizes, and the text of what is worth reading."""

import lzma
import os
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, TypeVar

from wheelbase.source.members import MAX_MEMBERS, members

_Found = TypeVar("_Found")

_MAX_TEXT = 1 << 20  # of one file: build scripts are smaller, and what a larger C file includes stands at its start
_MAX_TEXTS = 128 << 20  # of all
_MAX_PATH = 4096  # Linux's own bound: what is longer cannot be unpacked
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_TEXTS = frozenset(
    ".py .pyx .pxd .pxi .in .tp .src .toml .cfg .lock .build .options .txt .cmake .wrap .c .cc .cpp .cxx .h .hh .hpp"
    " .hxx .inc .m4 .ac .mk .i .sip .go .rs .f .f77 .f90 .f95 .f03 .f08 .for .gyp .pc .sh".split()
)
_TEXT_NAMES = frozenset("configure Makefile makefile GNUmakefile SConstruct BUILD PKG-INFO .gitmodules go.mod".split())
_MAX_PATTERN = 200  # characters
_MAX_STARS = 8
_MAX_MATCHES = 1_000_000  # files that patterns are held against
_IGNORED_FOLDERS = frozenset(
    (".git", ".hg", ".tox", ".nox", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache")
)

# What a build on Linux does not compile: tests, documentation, other systems. A word anywhere among the folders.
_UNUSED = re.compile(
    r"(^|/)((unit|[cf])?tests?|test(ing|suite|data|lib)|docs?|examples?|samples?|demos?|bench(marks?)?|tutorials?|galleries"
    r"|notebooks?|fuzz(ing|ers?)?|\.github|\.circleci|ci|man|win(32|64|dows)?|msvc|msw|vs\d*|darwin|macos|macosx|osx|mac|ios"
    r"|android|(free|open|net|dragonfly)?bsd|sunos|solaris|aix|hpux|os2|vms|beos|haiku|amiga|cygwin|mingw\w*|emscripten"
    r"|wasm|dos|java|jni|test cases|manual tests|cmake-tests|node_modules|site-packages)/",
    re.IGNORECASE,
)
_UNUSED_FILE = re.compile(
    r"(^|/)(tests?_[^/]*|[^/]*[_-](tests?|unittest|benchmark|win|win32|windows|darwin|macos|mac|osx|bsd|aix|sunos))\.\w+$",
    re.IGNORECASE,
)
_VENDORED = re.compile(
    r"(^|/)(extern(al|als)?|third[_-]?party|3rd[_-]?party|_?vendor(ed)?|deps|dependencies|contrib|bundled?|subprojects"
    r"|[a-z][\w+.-]*-v?\d+(\.\d+)+)/",  # as archives unpack: libjpeg-turbo-3.1.2
    re.IGNORECASE,
)


class SourceTree:
    """Files by their path within the archive's one folder ("src/_ext.c")."""

    def __init__(self, sizes: dict[str, int], contents: dict[str, bytes], *, whole: bool = True) -> None:
        """`contents` holds what was kept of some files' bytes; `whole` is False where the end of it was not read."""
        self.sizes = sizes
        self.whole = whole
        self._contents = contents
        self.basenames = frozenset(path.rsplit("/", 1)[-1] for path in sizes)
        self.notes: dict[str, Any] = {}
        self._matched: dict[tuple[tuple[str, ...], bool], list[str]] = {}
        self.conditional: dict[str, str] = {}  # sources that are compiled on a condition only, by what reads scripts
        self.unfollowed = False  # whether sources are compiled by a way that is not known, so that any may be
        self.built_nothing = False  # whether nothing is compiled, whatever sources there are
        self.built: set[str] = set()  # sources that are seen to be compiled, on whatever condition
        self.fetched: set[str] = set()  # projects that the build fetches anyway: lower case, without "lib"
        self.built_otherwise = False  # whether more may be compiled than those
        self.followed: set[str] = set()  # folders of projects of CMake or Meson whose files were followed to the end
        self.compiled: dict[str, set[str]] = {}  # extensions by the files that scripts make them of, as they name them

    def __contains__(self, path: str) -> bool:
        """Say whether there is a file at this path."""
        return path in self.sizes

    def noted(self, key: str, find: Callable[[], _Found]) -> _Found:
        """Return what was found under a key before, else what `find` gives, which is called once."""
        if key not in self.notes:
            self.notes[key] = find()
        known: _Found = self.notes[key]
        return known

    def text(self, path: str) -> str:
        """Return a file's text, its first MiB at most; empty where there is none, or it is of no kind that is kept."""
        return self._contents.get(path, b"").decode("utf-8", "replace")

    def raw(self, path: str) -> bytes:
        """Return the same as bytes."""
        return self._contents.get(path, b"")

    def named(self, *names: str) -> Iterator[str]:
        """Yield the paths of files of these names that a build on Linux may use, in order."""
        return (path for path in self.used() if path.rsplit("/", 1)[-1] in names)

    def ending(self, *suffixes: str) -> Iterator[str]:
        """Yield the paths that end so (".pyx") and that a build on Linux may use, in order."""
        return (path for path, lower in self._lowered if lower.endswith(suffixes))

    def used(self) -> Sequence[str]:
        """Return the paths of what a build on Linux may use, in order."""
        return self._used

    def headers(self, name: str) -> Sequence[str]:
        """Return the paths of the files of a name, the shortest first."""
        return self._by_name.get(name, ())

    def matching(self, pattern: str, *, recursive: bool = False) -> Sequence[str] | None:
        """Return the paths that a shell's pattern means, None where it is not within the archive.

        "**" stands for any folders where it is `recursive`. Of too many patterns no more are looked up.
        """
        parts = tuple(part for part in pattern.split("/") if part not in ("", "."))
        if pattern.startswith("/") or ".." in parts or len(pattern) > _MAX_PATTERN or pattern.count("*") > _MAX_STARS:
            return None
        key = parts, recursive
        if key not in self._matched and len(self._matched) * len(self.sizes) >= _MAX_MATCHES:
            return None
        if key not in self._matched:
            self._matched[key] = [path for path, split in self._split if _matches(split, parts, recursive)]
        return self._matched[key]

    @cached_property
    def _used(self) -> Sequence[str]:
        return [path for path in sorted(self.sizes) if not is_unused(path)]

    @cached_property
    def _split(self) -> Sequence[tuple[str, list[str]]]:
        return [(path, path.split("/")) for path in sorted(self.sizes)]

    @cached_property
    def _lowered(self) -> Sequence[tuple[str, str]]:
        return [(path, path.lower()) for path in self._used]

    @cached_property
    def _by_name(self) -> Mapping[str, Sequence[str]]:
        found: dict[str, list[str]] = {}
        for path in sorted(self.sizes, key=lambda path: (len(path), path)):
            found.setdefault(path.rsplit("/", 1)[-1], []).append(path)
        return found


def _matches(path: Sequence[str], parts: Sequence[str], recursive: bool) -> bool:
    if recursive and "**" in parts:
        start, end = parts[: parts.index("**")], parts[parts.index("**") + 1 :]
        if len(path) < len(start) + len(end) or "**" in end:
            return False
        path, parts = [*path[: len(start)], *path[len(path) - len(end) :]], (*start, *end)
    return len(path) == len(parts) and all(map(fnmatchcase, reversed(path), reversed(parts)))


def is_unused(path: str) -> bool:
    """Say whether a build on Linux leaves a file alone, as far as its path tells: tests, documents, other systems."""
    return bool(_UNUSED.search(path) or _UNUSED_FILE.search(path))


def is_vendored(path: str) -> bool:
    """Say whether a file is a copy of another project's, as far as its path tells."""
    return bool(_VENDORED.search(path))


def tree_of_archive(data: bytes, filename: str, *, whole: bool = True) -> SourceTree:
    """Return the tree of an archive. Raises what `members` raises; of one that is not `whole`, all up to its end."""
    sizes: dict[str, int] = {}
    contents: dict[str, bytes] = {}
    kept = 0

    def wanted(path: PurePosixPath, size: int) -> int:
        return min(_MAX_TEXT, max(0, _MAX_TEXTS - kept)) if _is_text(path) else 0

    try:
        for path, size, content in members(data, filename, wanted):
            kept += len(content or b"")
            inner = shown("/".join(path.parts[1:]))
            if not inner or ".." in path.parts or path.is_absolute() or len(inner) > _MAX_PATH:
                continue  # beside the archive's one folder, where nothing belongs
            sizes[inner] = size
            contents.pop(inner, None)  # of several files of a name, the last is what is unpacked
            if content is not None:
                contents[inner] = content
    except (EOFError, tarfile.ReadError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
        if whole:
            raise
    return SourceTree(sizes, contents, whole=whole)


def tree_of_folder(folder: Path) -> SourceTree:
    """Return the tree of a folder on disk, without what cannot be read of it. Links are not followed.

    Raises OSError where the folder itself cannot be read, ValueError where it holds more than an archive may.
    """
    sizes: dict[str, int] = {}
    contents: dict[str, bytes] = {}
    kept = 0
    for path, size in _files(folder):
        if len(sizes) >= MAX_MEMBERS:
            raise ValueError(f"it holds more than {MAX_MEMBERS} files")
        inner = shown(path.relative_to(folder).as_posix())
        sizes[inner] = size
        if _is_text(path) and kept < _MAX_TEXTS:
            with suppress(OSError), path.open("rb") as file:
                contents[inner] = file.read(_MAX_TEXT)
                kept += len(contents[inner])
    return SourceTree(sizes, contents)


def _files(folder: Path) -> Iterator[tuple[Path, int]]:
    """Yield the regular files below a folder with their sizes: neither links, devices nor pipes."""
    with os.scandir(folder):  # `walk` passes over what cannot be read
        pass
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _IGNORED_FOLDERS)
        for name in sorted(names):
            path = Path(parent, name)
            with suppress(OSError):
                status = path.lstat()
                if stat.S_ISREG(status.st_mode):
                    yield path, status.st_size


def shown(name: str) -> str:
    """Return a name as it may be printed: what controls a terminal, or is no character, becomes U+FFFD."""
    return _UNSHOWN.sub("\ufffd", name)


def _is_text(path: PurePath) -> bool:
    return path.suffix.lower() in _TEXTS or path.name in _TEXT_NAMES

"""What a source archive says of itself: dependencies, and whether it has anything to compile. Talks to the network.

Nothing in an archive is run. Where it does not state its dependencies they are not known: None, never a guess.
Sources: PEP 643 (static metadata of source archives), PEP 621, setuptools' egg-info.
"""

import ast
import lzma
import re
import struct
import tarfile
import threading
import tomllib
import warnings
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from email.parser import HeaderParser
from pathlib import PurePosixPath

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client, check_status
from wheelbase.index.simple import Candidate
from wheelbase.index.urls import hide_credentials
from wheelbase.source.members import members

MAX_ARCHIVE = 64 << 20
_HEAD = 4 << 20
_MAX_METADATA = 4 << 20
_MAX_SETUP_PY = 256 << 10  # a syntax tree takes a thousand times the memory of its text
_QUIET = threading.Lock()  # the filters of warnings are the whole process's
_COMPILED = frozenset((".c .cc .cpp .cxx .cu .f .f90 .for .go .m .pyx .rs .s .swg .i").split())
_ELSEWHERE = frozenset("test tests testing doc docs example examples benchmark benchmarks demo demos contrib".split())


class SourceFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive says. `requires_dist` is None where only a build would tell; `stated` is False where it is what
    setuptools found when the archive was made. `pure` is whether there is nothing to compile, None where only the
    start of a large archive was read. `files` are those that an installation of a pure package has: (path, size,
    estimated size as deflated), in bytes."""

    requires_dist: tuple[str, ...] | None
    requires_python: str | None
    stated: bool
    pure: bool | None
    files: tuple[tuple[str, int, int], ...]


def read_source(client: Client, archive: Candidate) -> SourceFacts:
    """Return the facts of a source archive on an index; a broken one is an error.

    Of an archive larger than `MAX_ARCHIVE` only the start is read, where the metadata usually stands.
    """
    store = Cache("source-2")
    key = archive.sha256 or archive.url
    if kept := store.get(key):
        return msgspec.msgpack.decode(kept, type=SourceFacts)
    whole = archive.size is None or archive.size <= MAX_ARCHIVE
    # Cut, as some servers label a .tar.gz as a compressed .tar: it is to be kept as it is.
    headers, limit = ({}, MAX_ARCHIVE + 1) if whole else ({"Range": f"bytes=0-{_HEAD - 1}"}, _HEAD)
    answer = client.get(archive.url, headers, limit=limit, cut="start")
    check_status(archive.url, answer.status)
    where = f"{archive.filename} at {hide_credentials(archive.url)}"
    if len(answer.body) > MAX_ARCHIVE:
        raise PackageIndexError(f"{where} is larger than {MAX_ARCHIVE} bytes", hint="its index does not say its size")
    if whole and archive.size not in (None, len(answer.body)):
        raise PackageIndexError(
            f"{where} has {len(answer.body)} bytes; the index says {archive.size}",
            hint="the index or a proxy before it serves a damaged file: ask its owner",
        )
    try:
        facts = _facts(answer.body, archive.filename, whole=whole)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error) as error:
        raise _broken(where, error) from error
    except (EOFError, OSError, ValueError, NotImplementedError, RuntimeError, struct.error) as error:
        raise _broken(where, error) from error
    store.put(key, msgspec.msgpack.encode(facts))
    return facts


def _broken(where: str, error: Exception) -> PackageIndexError:
    return PackageIndexError(
        f"{where} is not a whole source archive: {error or type(error).__name__}",
        hint="the index may serve a truncated file: try again",
    )


def _facts(data: bytes, filename: str, *, whole: bool) -> SourceFacts:
    sizes: dict[PurePosixPath, int] = {}
    texts: dict[PurePosixPath, str] = {}
    try:
        for path, size, content in members(data, filename, _wanted):
            inner = PurePosixPath(*path.parts[1:])
            if not inner.parts:
                continue  # beside the archive's one folder, where nothing belongs
            sizes[inner] = size
            if content is not None:
                texts[inner] = content.decode("utf-8", "replace")
    except (EOFError, tarfile.ReadError, zipfile.BadZipFile, zlib.error, lzma.LZMAError):
        if whole:
            raise
    requires, python, stated = _dependencies(texts)
    compiled = any(path.suffix.lower() in _COMPILED and not _ELSEWHERE & set(path.parts[:-1]) for path in sizes)
    pure = False if compiled else True if whole else None
    files = tuple(_installed(sizes, texts)) if whole else ()
    return SourceFacts(requires_dist=requires, requires_python=python, stated=stated, pure=pure, files=files)


def _wanted(path: PurePosixPath, size: int) -> int:
    """Return how much of a file is read: all of what states metadata."""
    return _MAX_METADATA if _is_metadata(path) and size <= _MAX_METADATA else 0


def _is_metadata(path: PurePosixPath) -> bool:
    in_egg_info = path.parent.name.endswith(".egg-info") and path.name in ("requires.txt", "top_level.txt")
    return in_egg_info or (len(path.parts) == 2 and path.name in ("PKG-INFO", "pyproject.toml", "setup.py"))


def _dependencies(texts: dict[PurePosixPath, str]) -> tuple[tuple[str, ...] | None, str | None, bool]:
    """Return (Requires-Dist, Requires-Python, whether the archive states them), the most binding statement first."""
    metadata = HeaderParser().parsestr(texts.get(PurePosixPath("PKG-INFO"), ""))
    python = metadata.get("Requires-Python")
    listed = tuple(metadata.get_all("Requires-Dist", ()))
    version = tuple(int(part) for part in re.findall(r"\d{1,9}", metadata.get("Metadata-Version", "0")))
    dynamic = {name.lower() for name in metadata.get_all("Dynamic", ())}
    if version >= (2, 2) and "requires-dist" not in dynamic:
        return _valid(listed), python, True
    project = _project_table(texts.get(PurePosixPath("pyproject.toml"), ""))
    if project is not None:
        return project, python, True
    egg_info = [path for path in texts if path.name == "requires.txt"]
    if egg_info:
        return _valid(_requires_txt(texts[min(egg_info, key=lambda path: len(path.parts))])), python, False
    if listed or any(path.name == "top_level.txt" for path in texts):
        return _valid(listed), python, False
    return _setup_py(texts.get(PurePosixPath("setup.py"), "")), python, False


def _setup_py(text: str) -> tuple[str, ...] | None:
    """Return the `install_requires` of a setup.py that gives a plain list or none at all; it is parsed, never run."""
    try:
        with _QUIET, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its escapes and the like, which are not ours to mend
            tree = ast.parse(text[:_MAX_SETUP_PY])
        calls = [
            node
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "setup"
        ]
        if len(calls) != 1 or any(keyword.arg is None for keyword in calls[0].keywords):
            return None
        given = {keyword.arg: keyword.value for keyword in calls[0].keywords}
        if not {"install_requires", "extras_require", "setup_requires"} & given.keys():
            return ()
        listed = ast.literal_eval(given["install_requires"]) if "install_requires" in given else []
        return _valid([listed] if isinstance(listed, str) else listed)
    except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
        return None


def _valid(lines: Iterable[str]) -> tuple[str, ...] | None:
    """Return the requirements, or None where one of them is none: a part of a list would be a wrong answer."""
    try:
        return tuple(str(Requirement(line)) for line in lines)
    except (InvalidRequirement, TypeError, AttributeError):
        return None


def _project_table(text: str) -> tuple[str, ...] | None:
    """Return the dependencies in a pyproject.toml that states them (PEP 621), optional ones included."""
    try:
        project = tomllib.loads(text).get("project")
        if not isinstance(project, dict) or {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
            return None
        if not isinstance(project.get("dependencies", []), list):
            return None
        lines = list(project.get("dependencies", ()))
        for extra, optional in project.get("optional-dependencies", {}).items():
            lines += [_with_marker(line, f"extra == '{extra}'") for line in optional]
    except (tomllib.TOMLDecodeError, RecursionError, TypeError, AttributeError):
        return None  # not valid TOML, or values of other types than PEP 621 has
    return _valid(lines)


def _requires_txt(text: str) -> Iterator[str]:
    """Yield PEP 508 lines from setuptools' requires.txt, whose sections are `[extra:marker]`."""
    marker = ""
    for raw in text.splitlines():
        line = raw.strip()
        if line.startswith("["):
            extra, _, condition = line.strip("[]").partition(":")
            marker = " and ".join(
                part for part in (f"extra == '{extra}'" if extra else "", condition and f"({condition})") if part
            )
        elif line:
            yield _with_marker(line, marker)


def _with_marker(line: str, marker: str) -> str:
    if not marker:
        return line
    requirement, separator, own = line.partition(";")
    return f"{requirement}; ({own.strip()}) and {marker}" if separator else f"{requirement}; {marker}"


def _installed(sizes: dict[PurePosixPath, int], texts: dict[PurePosixPath, str]) -> Iterator[tuple[str, int, int]]:
    """Yield the files of the packages and modules that the archive installs, as far as they can be told."""
    named = {
        line.strip()
        for path, text in texts.items()
        if path.name == "top_level.txt"
        for line in text.splitlines()
        if line.strip()
    }
    if not named:
        named = {
            path.parts[-2] for path in sizes if path.name == "__init__.py" and len(path.parts) in (2, 3)
        } - _ELSEWHERE
    for path, size in sizes.items():
        parts = path.parts[1:] if path.parts[0] in ("src", "lib") else path.parts
        if parts and (parts[0] in named or parts[0].removesuffix(".py") in named) and path.name != "setup.py":
            yield "/".join(parts), size, round(size * 0.3)

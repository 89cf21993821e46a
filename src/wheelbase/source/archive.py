"""What a source archive says of itself: dependencies, and whether it has anything to compile. Talks to the network.

Nothing in an archive is run. Where it does not state its dependencies they are not known: None, never a guess.
Sources: PEP 643 (static metadata of source archives), PEP 621, setuptools' egg-info.
"""

import ast
import io
import re
import tarfile
import tomllib
import zipfile
import zlib
from collections.abc import Iterator
from email.parser import HeaderParser
from pathlib import PurePosixPath

import msgspec
from packaging.requirements import InvalidRequirement, Requirement

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client
from wheelbase.index.simple import Candidate

MAX_ARCHIVE = 64 << 20
_HEAD = 4 << 20
_MAX_UNPACKED = 512 << 20
_MAX_MEMBERS = 50_000
_MAX_METADATA = 4 << 20
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
    store = Cache("source-1")
    key = archive.sha256 or archive.url
    if kept := store.get(key):
        return msgspec.msgpack.decode(kept, type=SourceFacts)
    whole = archive.size is None or archive.size <= MAX_ARCHIVE
    data = (
        client.stream(archive.url, MAX_ARCHIVE)
        if whole
        else client.get(archive.url, {"Range": f"bytes=0-{_HEAD - 1}"}).body[:_HEAD]
    )
    try:
        facts = _facts(data, archive.filename, whole=whole)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError, ValueError, zlib.error) as error:
        raise PackageIndexError(
            f"{archive.filename} at {archive.url} is not a whole source archive: {error}",
            hint="the index may serve a truncated file: try again",
        ) from error
    store.put(key, msgspec.msgpack.encode(facts))
    return facts


def _facts(data: bytes, filename: str, *, whole: bool) -> SourceFacts:
    sizes: dict[PurePosixPath, int] = {}
    texts: dict[PurePosixPath, str] = {}
    total = 0
    try:
        for path, size, content in _members(data, filename):
            total += size
            if total > _MAX_UNPACKED or len(sizes) > _MAX_MEMBERS:
                raise ValueError(f"it unpacks to more than {_MAX_UNPACKED} bytes or {_MAX_MEMBERS} files")
            inner = PurePosixPath(*path.parts[1:])
            sizes[inner] = size
            if content is not None:
                texts[inner] = content.decode("utf-8", "replace")
    except (EOFError, tarfile.ReadError, zipfile.BadZipFile):
        if whole:
            raise
    requires, python, stated = _dependencies(texts)
    compiled = any(path.suffix.lower() in _COMPILED and not _ELSEWHERE & set(path.parts[:-1]) for path in sizes)
    pure = False if compiled else True if whole else None
    files = tuple(_installed(sizes, texts)) if whole else ()
    return SourceFacts(requires_dist=requires, requires_python=python, stated=stated, pure=pure, files=files)


def _members(data: bytes, filename: str) -> Iterator[tuple[PurePosixPath, int, bytes | None]]:
    """Yield (path, size, content of metadata files) of an archive's regular files."""
    if filename.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for entry in archive.infolist():
                if not entry.is_dir():
                    path = PurePosixPath(entry.filename)
                    wanted = _is_metadata(path) and entry.file_size <= _MAX_METADATA
                    yield path, entry.file_size, archive.read(entry) if wanted else None
        return
    with tarfile.open(fileobj=io.BytesIO(data), mode="r|*") as tar:
        for member in tar:
            if member.isfile():
                path = PurePosixPath(member.name)
                file = tar.extractfile(member) if _is_metadata(path) and member.size <= _MAX_METADATA else None
                yield path, member.size, file.read() if file else None


def _is_metadata(path: PurePosixPath) -> bool:
    in_egg_info = path.parent.name.endswith(".egg-info") and path.name in ("requires.txt", "top_level.txt")
    return in_egg_info or (len(path.parts) == 2 and path.name in ("PKG-INFO", "pyproject.toml", "setup.py"))


def _dependencies(texts: dict[PurePosixPath, str]) -> tuple[tuple[str, ...] | None, str | None, bool]:
    """Return (Requires-Dist, Requires-Python, whether the archive states them), the most binding statement first."""
    metadata = HeaderParser().parsestr(texts.get(PurePosixPath("PKG-INFO"), ""))
    python = metadata.get("Requires-Python")
    listed = tuple(metadata.get_all("Requires-Dist", ()))
    version = tuple(int(part) for part in re.findall(r"\d+", metadata.get("Metadata-Version", "0")))
    dynamic = {name.lower() for name in metadata.get_all("Dynamic", ())}
    if version >= (2, 2) and "requires-dist" not in dynamic:
        return listed, python, True
    project = _project_table(texts.get(PurePosixPath("pyproject.toml"), ""))
    if project is not None:
        return project, python, True
    egg_info = [path for path in texts if path.name == "requires.txt"]
    if egg_info:
        return tuple(_requires_txt(texts[min(egg_info, key=lambda path: len(path.parts))])), python, False
    if listed or any(path.name == "top_level.txt" for path in texts):
        return listed, python, False
    return _setup_py(texts.get(PurePosixPath("setup.py"), "")), python, False


def _setup_py(text: str) -> tuple[str, ...] | None:
    """Return the `install_requires` of a setup.py that gives a plain list or none at all; it is parsed, never run."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
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
    try:
        listed = ast.literal_eval(given["install_requires"]) if "install_requires" in given else []
        return tuple(str(Requirement(line)) for line in ([listed] if isinstance(listed, str) else listed))
    except (ValueError, TypeError, InvalidRequirement):
        return None


def _project_table(text: str) -> tuple[str, ...] | None:
    """Return the dependencies in a pyproject.toml that states them (PEP 621), optional ones included."""
    try:
        project = tomllib.loads(text).get("project")
    except tomllib.TOMLDecodeError:
        return None
    if not isinstance(project, dict) or {"dependencies", "optional-dependencies"} & set(project.get("dynamic", ())):
        return None
    lines = [str(line) for line in project.get("dependencies", ())]
    for extra, optional in project.get("optional-dependencies", {}).items():
        lines += [_with_marker(str(line), f"extra == '{extra}'") for line in optional]
    return tuple(lines)


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
            try:
                Requirement(line)
            except InvalidRequirement:
                continue
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

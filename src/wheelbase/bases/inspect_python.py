"""The interpreters in an image's file tree. Pure.

An interpreter is an ELF file that is called one, in a folder `bin`. Its version is what its code states, else what its
headers do, else what its name says.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from packaging.version import VERSION_PATTERN

from wheelbase.bases.inspect_elf import is_elf
from wheelbase.bases.inspected import FoundPython
from wheelbase.oci.layers import Entry
from wheelbase.oci.tree import Tree

_PROGRAM = re.compile(r"(?:python|pypy)(?:(?P<major>[23])(?:\.(?P<minor>\d{1,2})(?P<threads>t?))?)?")
_LIBRARY = re.compile(r"libpython3\.\d+t?\.so\.1\.0")
_BUILD = re.compile(r"_sysconfigdata_\w*\.py|_sysconfigdata_\S+\.py")
_BROUGHT = re.compile(r"(pip|setuptools|wheel)-([^-]+)(?:-py[\d.]+)?\.(?:dist|egg)-info")
# It begins with the number, so that the search is one for a literal; what must not be before that is said after it.
_IN_CODE = rb"%(number)s(?<![\d.]%(number)s)\.\d{1,3}(?:(?:a|b|rc)\d{1,3})?(?=\+?\0)"
_IN_HEADER = re.compile(r'^#define[ \t]+PY_VERSION[ \t]+"(3\.\d{1,2}\.\d{1,3}(?:(?:a|b|rc)\d{1,3})?)\+?"', re.MULTILINE)
_VERSION = re.compile(VERSION_PATTERN, re.VERBOSE | re.IGNORECASE)
_LIBRARY_FOLDERS = ("lib", "lib64")
_DEBIAN_PACKAGES = "lib/python3/dist-packages"


def is_of_python(path: str) -> bool:
    """Say whether the content of a file tells something of a Python."""
    folder, name = posixpath.split(path)
    return (
        name == "patchlevel.h"
        or bool(_LIBRARY.fullmatch(name) or _BUILD.fullmatch(name))
        or bool(folder.endswith("bin") and _PROGRAM.fullmatch(name))
    )


def pythons_in(tree: Tree, path: Sequence[str]) -> tuple[FoundPython, ...]:
    """Return every Python 3, first the one that `python3` means, then those on PATH, then the rest by their paths."""
    programs: dict[str, Entry] = {}
    for entry in tree.walk():
        folder, name = posixpath.split(entry.path)
        if folder.endswith("bin") and entry.kind in ("file", "hardlink") and _PROGRAM.fullmatch(name):
            programs[entry.path] = entry
    found = [python for entry in _once(programs) if (python := _python(tree, entry))]
    usual = [tree.resolve(f"{folder}/{name}") for folder in path for name in ("python3", "python")]
    order = [_shown(program.path) for program in usual if program]
    folders = [_shown(there.path) for folder in path if (there := tree.resolve(folder))]

    def rank(python: FoundPython) -> tuple[int, int, str]:
        return _place(python.path, order), _place(posixpath.dirname(python.path), folders), python.path

    return tuple(sorted(found, key=rank))


def _place(path: str, order: Sequence[str]) -> int:
    return order.index(path) if path in order else len(order)


def _once(programs: dict[str, Entry]) -> list[Entry]:
    """Return the interpreters, of hard links of one the name that tells most."""
    found: dict[tuple[str, int, bytes | None], Entry] = {}
    for entry in programs.values():
        key = posixpath.dirname(entry.path), entry.size, entry.content
        if key not in found or len(entry.path) > len(found[key].path):
            found[key] = entry
    return list(found.values())


def _python(tree: Tree, entry: Entry) -> FoundPython | None:
    folder, name = posixpath.split(entry.path)
    if not entry.size or (entry.content is not None and not is_elf(entry.content)):
        return None  # a script that looks for one, as pyenv's
    prefix = posixpath.dirname(folder)
    pypy = name.startswith("pypy")
    minor = _minor(tree, prefix, name)
    if minor is None:
        return None
    stdlib = _stdlib(tree, prefix, f"{'pypy' if pypy else 'python'}{minor}")
    site_packages = _site_packages(tree, prefix, minor, stdlib)
    brought = _brought(tree, [site_packages, f"{prefix}/{_DEBIAN_PACKAGES}", f"{stdlib}/site-packages"])
    build = _build(tree, stdlib)
    headers = _headers(tree, prefix, minor, pypy)
    return FoundPython(
        path=_shown(entry.path),
        version=_version(tree, entry, prefix, minor, headers),
        implementation="pypy" if pypy else "cpython",
        free_threaded=minor.endswith("t"),
        site_packages=_shown(site_packages),
        pip=brought.get("pip"),
        setuptools=brought.get("setuptools"),
        wheel=brought.get("wheel"),
        headers=headers is not None,
        stdlib_bytecode=_has_bytecode(tree, stdlib),
        optimised=_optimised(build, site_packages),
    )


def _shown(path: str) -> str:
    """Return a path as it may be printed and stored: one of an archive may have bytes that are no UTF-8."""
    return "/" + path.encode("utf-8", "replace").decode()


def _minor(tree: Tree, prefix: str, name: str) -> str | None:
    """Return `3.13`, or `3.13t` of one without a lock, by the name or by the only standard library beside it."""
    found = _PROGRAM.fullmatch(name)
    assert found is not None
    if found["minor"]:
        return f"3.{found['minor']}{found['threads']}" if found["major"] == "3" else None
    kind = "pypy" if name.startswith("pypy") else "python"
    folders = {
        folder for where in _LIBRARY_FOLDERS for folder in tree.names(f"{prefix}/{where}") if folder.startswith(kind)
    }
    minors = {folder.removeprefix(kind) for folder in folders if re.fullmatch(rf"{kind}3\.\d{{1,2}}t?", folder)}
    return minors.pop() if len(minors) == 1 else None


def _stdlib(tree: Tree, prefix: str, name: str) -> str:
    folders = [f"{prefix}/{where}/{name}" for where in _LIBRARY_FOLDERS]
    there = (folder for folder in folders if {"os.py", "os.pyc"} & set(tree.names(folder)))
    return next(there, folders[0])


def _site_packages(tree: Tree, prefix: str, minor: str, stdlib: str) -> str:
    """Return where pip installs to. Debian's own Python has it in another place than what Debian installs."""
    if tree.resolve(f"{prefix}/{_DEBIAN_PACKAGES}"):
        return f"{prefix}/local/lib/python{minor}/dist-packages"
    if posixpath.dirname(stdlib) == f"{prefix}/lib64":  # modules of C alone go there
        return f"{prefix}/lib/python{minor}/site-packages"
    return f"{stdlib}/site-packages"


def _brought(tree: Tree, folders: Sequence[str]) -> dict[str, str]:
    """Return the versions of pip, setuptools and wheel, of several the one that is found first."""
    found: dict[str, str] = {}
    for folder in folders:
        for name in tree.names(folder):
            stated = _BROUGHT.fullmatch(name)
            if stated and _VERSION.fullmatch(stated[2]):
                found.setdefault(stated[1], stated[2])
    return found


def _headers(tree: Tree, prefix: str, minor: str, pypy: bool) -> Entry | None:
    kind = "pypy" if pypy else "python"
    return tree.resolve(f"{prefix}/include/{kind}{minor}/patchlevel.h") or tree.resolve(
        f"{prefix}/include/patchlevel.h"
    )


def _version(tree: Tree, program: Entry, prefix: str, minor: str, header: Entry | None) -> str:
    number = minor.removesuffix("t")
    stated = re.compile(_IN_CODE % {b"number": re.escape(number.encode())})
    libraries = [f"{prefix}/{where}" for where in _LIBRARY_FOLDERS]
    libraries += [f"{prefix}/lib/{name}" for name in tree.names(f"{prefix}/lib") if "-linux-" in name]
    code = [program, *(tree.resolve(f"{folder}/libpython{minor}.so.1.0") for folder in libraries)]
    for entry in code:
        if entry and entry.content and (found := stated.search(entry.content)):
            return found[0].decode()
    text = (header.content or b"").decode("utf-8", "replace") if header else ""
    found_there = _IN_HEADER.search(text)
    return found_there[1] if found_there else number


def _has_bytecode(tree: Tree, stdlib: str) -> bool | None:
    names = set(tree.names(stdlib))
    if not {"os.py", "os.pyc"} & names:
        return None
    return "os.pyc" in names or any(name.startswith("os.") for name in tree.names(f"{stdlib}/__pycache__"))


def _build(tree: Tree, stdlib: str) -> bytes:
    """Return how an interpreter was built, as its standard library keeps it; nothing where it does not."""
    names = [name for name in tree.names(stdlib) if _BUILD.fullmatch(name)]
    found = [tree.resolve(f"{stdlib}/{name}") for name in names]
    return b"".join(entry.content for entry in found if entry and entry.content)


def _optimised(build: bytes, site_packages: str) -> bool | None:
    """Tell by how it was built. Debian's builds are silent of it."""
    if b"--enable-optimizations" in build or b"-fprofile-use" in build:
        return True
    return None if site_packages.endswith("dist-packages") or b"CONFIG_ARGS" not in build else False

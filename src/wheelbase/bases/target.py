"""From the facts of a base to what selects wheels for it: tags in order of preference, and marker variables. Pure.

Sources: PEP 425 (tags), PEP 600 and 656 (glibc and musl versions), PEP 508 (markers), pip's changelog (which pip
knows which tags).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from packaging.tags import Tag, compatible_tags, cpython_tags, generic_tags
from packaging.version import Version

from wheelbase.bases.facts import BaseFacts

MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
# The other names of glibc versions (PEP 513, 571, 599).
LEGACY = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}
# The first pip that knows each kind of platform tag.
PIP_FOR_TAG = {
    "manylinux1": Version("8.1.0"),
    "manylinux2010": Version("19.0"),
    "manylinux2014": Version("19.3"),
    "manylinux": Version("20.3"),
    "musllinux": Version("21.2"),
}
# From this pip on a wheel that was built on the machine, or for just its like (linux_x86_64), goes before the portable.
_LINUX_FIRST = Version("26.3")


@dataclass(frozen=True, kw_only=True)
class Target:
    """What decides which wheels install: interpreter, C library, machine and pip (None: the newest there is)."""

    python: str
    libc: Literal["glibc", "musl"]
    libc_version: tuple[int, ...]
    machine: str
    pip: Version | None = None
    implementation: Literal["cpython", "pypy"] = "cpython"
    implementation_version: str | None = None
    free_threaded: bool = False

    @property
    def libc_name(self) -> str:
        """Return the C library as `musl 1.2.5`."""
        return f"{self.libc} {'.'.join(map(str, self.libc_version))}"

    @property
    def python_minor(self) -> tuple[int, int]:
        """Return the Python version as (3, 13)."""
        release = Version(self.python).release
        return release[0], release[1]

    @property
    def full_python(self) -> str:
        """Return the Python version with its patch release: a late one where it is not known, as distributions have."""
        return self.python if len(Version(self.python).release) > 2 else f"{self.python}.99"

    @cached_property
    def tags(self) -> dict[Tag, int]:
        """All tags of wheels that install, with their rank: 0 is what pip likes best."""
        platforms = [p for p in self.platforms() if pip_knows(p, self.pip)]
        minor = self.python_minor
        number = f"{minor[0]}{minor[1]}"
        if self.implementation == "pypy":
            abi = (self.implementation_version or "7.3").split(".")[:2]
            specific = generic_tags(f"pp{number}", [f"pypy{number}_pp{''.join(abi)}"], platforms)
            interpreter = f"pp{number}"
        else:
            abi_name = f"cp{number}" + ("t" if self.free_threaded else "m" if minor < (3, 8) else "")
            specific = cpython_tags(minor, [abi_name], platforms)
            interpreter = f"cp{number}"
        ordered = dict.fromkeys([*specific, *compatible_tags(minor, interpreter, platforms)])
        return {tag: rank for rank, tag in enumerate(ordered)}

    @cached_property
    def interpreters(self) -> frozenset[tuple[str, str]]:
        """All (interpreter, ABI) pairs in the tags, whatever the platform."""
        return frozenset((tag.interpreter, tag.abi) for tag in self.tags)

    def platforms(self) -> Iterator[str]:
        """Yield the platform tags of this C library and machine in pip's order, whether pip knows them or not."""
        major, minor = self.libc_version[:2]
        linux_first = self.pip is None or self.pip >= _LINUX_FIRST
        if linux_first:
            yield f"linux_{self.machine}"
        if self.libc == "musl":
            for version in range(minor, -1, -1):
                yield f"musllinux_{major}_{version}_{self.machine}"
        else:
            # manylinux1 and 2010 were for Intel machines alone, whose glibc goes back to 2.5; the others' to 2.17.
            oldest = 5 if self.machine in ("x86_64", "i686") else 17
            for version in range(minor, oldest - 1, -1):
                yield f"manylinux_{major}_{version}_{self.machine}"
                if legacy := LEGACY.get((major, version)):
                    yield f"{legacy}_{self.machine}"
        if not linux_first:
            yield f"linux_{self.machine}"

    def marker_variables(self) -> dict[str, str]:
        """Return the environment that markers are evaluated in (PEP 508)."""
        full = self.full_python
        name = "CPython" if self.implementation == "cpython" else "PyPy"
        return {
            "implementation_name": self.implementation,
            "implementation_version": self.implementation_version or full,
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": name,
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": full,
            "python_version": "{}.{}".format(*self.python_minor),
            "sys_platform": "linux",
        }


@cache
def target_of(facts: BaseFacts) -> Target | None:
    """Return the target that a base makes, or None where it has no Python and none is known to install."""
    version = facts.python_version
    if version is None:
        return None
    own = facts.userland if facts.python else None
    return Target(
        python=version,
        libc=facts.libc,
        libc_version=tuple(map(int, facts.libc_version.split("."))),
        machine=MACHINES[facts.arch],
        pip=Version(facts.pip) if facts.pip else None,
        implementation=own.implementation if own else "cpython",
        free_threaded=own.free_threaded if own else False,
    )


def pip_knows(platform_tag: str, pip: Version | None) -> bool:
    """Say whether a pip knows a platform tag at all."""
    needed = pip_needed(platform_tag)
    return pip is None or needed is None or pip >= needed


def pip_needed(platform_tag: str) -> Version | None:
    """Return the first pip that knows a platform tag, or None where all do."""
    return PIP_FOR_TAG.get(platform_tag.split("_", 1)[0])

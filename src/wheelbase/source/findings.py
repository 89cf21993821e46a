"""What reading a source archive finds: evidence of needs, the size of the work, what no package fixes. Pure values.

Findings are the same on every base: they name pkg-config modules, headers and libraries, never packages of a
distribution.
"""

from typing import Literal

import msgspec

from wheelbase.system.names import Kind

LINKED_ANYWAY = frozenset(
    "m c dl pthread pthreads rt stdc++ stdc++fs supc++ util crypt nsl resolv gcc gcc_s atomic gomp quadmath"
    " intl anl thread_db mvec npymath npyrandom".split()
)
"""Libraries that are there wherever a compiler is, or that NumPy brings: naming one asks for nothing."""
OTHERWISE = "else of "
"""How the condition of an #else begins, before the one that it is the opposite of."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One place that asks for something of the system.

    `where` is "path:line" within the archive. `need` is "required" where a build on Linux always looks for it,
    "optional" where it does without, or does so on a condition that is not known here (`condition`, as written).
    `weight` is how surely such a place tells the truth, in 0 to 1. `bundled` says that the archive has a copy of its
    own, or fetches one, that is used where the system has none. `instead_of` names what is needed rather
    ("cmake ZLIB"): this is looked for where a system lacks that. `made` is False of a header that has to be there as
    it is: neither the build nor a Python package that it requires could bring one.
    """

    kind: Kind
    name: str
    where: str
    need: Literal["required", "optional"] = "required"
    weight: float = 0.9
    bundled: bool = False
    condition: str = ""
    instead_of: str = ""
    made: bool = True


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """Something that no system package fixes, or that could not be read.

    `kind` is "download" (sources are fetched during the build), "unreadable" (a file that cannot be parsed; what it
    says is not known), "dynamic" (a name that only running the build would tell) or "version" (a tool or library must
    be of a version that is named). `condition`, as written, is one that is not known here, where there is one.
    """

    kind: Literal["download", "unreadable", "dynamic", "version"]
    text: str
    where: str
    condition: str = ""

    def __str__(self) -> str:
        """Return what it says, with the condition."""
        word = ", " if self.condition.startswith(("on ", "unless ")) else " if "  # as handlers and tries are told
        return f"{self.text}{word}{self.condition}" if self.condition else self.text


class Findings(msgspec.Struct, frozen=True, kw_only=True):
    """All that was found in one archive. `counts` are the features of the time model, by name: none of a pure archive.

    `name` and `version` are as the archive states them, empty where it does not.
    """

    name: str = ""
    version: str = ""
    backend: str
    build_requires: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    flags: tuple[Flag, ...] = ()
    counts: dict[str, float] = {}

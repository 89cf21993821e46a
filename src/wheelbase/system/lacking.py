"""Headers and modules of Debian's packages that ask for packages which these do not depend on. Reads the shipped data.

`snapshots/make` makes it by reading the packages themselves: see `wheelbase.source.header_survey`.
"""

import json
import lzma
from collections import defaultdict
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files
from typing import NamedTuple

Table = Mapping[tuple[str, str], tuple["Lack", ...]]


class Lack(NamedTuple):
    """A header of a package (`usr/include/ucto/tokenize.h`) that includes one of another, be it by way of others.

    `include` is as the other package's header is included: `unicode/unistr.h`. A module of pkg-config (`libalpm.pc`)
    asks for another one (`libcurl.pc`), or for a library (`-llapack`).
    """

    package: str
    header: str
    other: str
    include: str


@cache
def load_lacking(release: str) -> Table:
    """Return what a release lacks, by (package, path or module); of one that was not read, that of the newest."""
    raw = lzma.decompress((files("wheelbase.system") / "data" / "lacking.xz").read_bytes())
    tables: dict[str, list[list[str]]] = json.loads(raw)
    found: dict[tuple[str, str], tuple[Lack, ...]] = defaultdict(tuple)
    for package, other, include, headers in tables.get(release) or tables[max(tables)]:
        for header in headers.split("\n"):
            found[package, header] += (Lack(package, header, other, include),)
    return dict(found)


def written(releases: Mapping[str, Iterable[Lack]]) -> bytes:
    """Return the data to ship: the same bytes for the same headers."""
    tables = {}
    for release, lacking in sorted(releases.items()):
        groups: dict[tuple[str, str, str], list[str]] = defaultdict(list)
        for one in lacking:
            groups[one.package, one.other, one.include].append(one.header)
        tables[release] = [[*group, "\n".join(sorted(headers))] for group, headers in sorted(groups.items())]
    return lzma.compress(json.dumps(tables, separators=(",", ":")).encode(), preset=9 | lzma.PRESET_EXTREME)

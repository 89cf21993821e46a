"""Where the user's machine gets its packages from: `sources.list` and `sources.list.d`. Reads files.

Entries of a distribution itself only: other publishers' archives are not asked for what Debian has.
"""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from wheelbase.errors import MirrorError
from wheelbase.system.debian import stanzas

VARIABLE = "WHEELBASE_DEBIAN_MIRROR"
CODENAMES = {
    "debian-11": "bullseye",
    "debian-12": "bookworm",
    "debian-13": "trixie",
    "debian-14": "forky",
    "debian-15": "duke",
    "ubuntu-20.04": "focal",
    "ubuntu-22.04": "jammy",
    "ubuntu-24.04": "noble",
    "ubuntu-26.04": "resolute",
}
_MOVING = frozenset("stable oldstable oldoldstable testing unstable sid buster".split())
_FIELDS = frozenset(("Types", "URIs", "Suites", "Components", "Enabled"))
_READABLE = re.compile(r"(?:https?|file)://?[^\s]+")
_ONE_LINE = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s*(.*)")


class Source(NamedTuple):
    """One archive, as apt is told of it."""

    uri: str
    suites: tuple[str, ...]
    components: tuple[str, ...]


def mirrors(folder: Path = Path("/etc/apt")) -> tuple[str, ...]:
    """Return the URLs of archives to ask, the first one first: the environment's alone where it names one."""
    named = os.environ.get(VARIABLE)
    if named:
        return (named.rstrip("/"),)
    known = {*CODENAMES.values(), *_MOVING}
    found = dict.fromkeys(
        source.uri.rstrip("/")
        for source in _sources(folder)
        if _READABLE.fullmatch(source.uri) and "main" in source.components and not known.isdisjoint(source.suites)
    )
    if not found:
        raise MirrorError(
            f"no archive of Debian or Ubuntu is set up in {folder}",
            hint=f"set {VARIABLE} to the URL of a mirror: that of the folder that has dists/ in it",
        )
    return tuple(found)


def _sources(folder: Path) -> Iterator[Source]:
    parts = folder / "sources.list.d"
    for path in (folder / "sources.list", *sorted(parts.glob("*.list"))):
        yield from one_line_sources(_text(path).splitlines())
    for path in sorted(parts.glob("*.sources")):
        yield from deb822_sources(_text(path).splitlines())


def _text(path: Path) -> str:
    """Return what a file says; a file that this user may not read says nothing."""
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def one_line_sources(lines: Iterable[str]) -> Iterator[Source]:
    """Yield the archives of binary packages in a `sources.list`."""
    for line in lines:
        found = _ONE_LINE.match(line.partition("#")[0].strip())
        if found:
            yield Source(found[1].removeprefix("copy:"), (found[2],), tuple(found[3].split()))


def deb822_sources(lines: Iterable[str]) -> Iterator[Source]:
    """Yield the archives of binary packages in a file of deb822 stanzas."""
    plain = (line for line in lines if not line.startswith("#"))
    for stanza in stanzas(plain, _FIELDS):
        enabled = stanza.get("Enabled", "yes").lower() not in ("no", "false", "0")
        if enabled and "deb" in stanza.get("Types", "").split():
            suites, components = (tuple(stanza.get(name, "").split()) for name in ("Suites", "Components"))
            for uri in stanza.get("URIs", "").split():
                yield Source(uri, suites, components)

"""Where Debian's packages come from: what the user names, else the host's apt settings. Reads files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from wheelbase.deb.errors import DebError
from wheelbase.system.apt_sources import CODENAMES, VARIABLE, Source, deb822_sources, one_line_sources

_READABLE = ("http://", "https://", "file:")
# The host may be of another distribution, whose packages are none of Debian's.
_SUITES = {
    *(codename for release, codename in CODENAMES.items() if release.startswith("debian-")),
    *("stable", "oldstable", "testing", "unstable", "sid"),
}


class Mirror(NamedTuple):
    """URLs of the folders that have dists/ in them: of the archive, and of its security updates."""

    main: str
    security: str


def find_mirror(named: str | None, folder: Path = Path("/etc/apt")) -> Mirror:
    """Return the mirror that the user names, else that of the environment, else the host's own.

    A name is one URL, or two with a space between them, the second one that of the security updates; these are beside
    the archive where they are not named: MIRROR-security. DebError where there is no mirror.
    """
    named = named or os.environ.get(VARIABLE)
    if named:
        urls = [url.rstrip("/") for url in named.split()]
        if len(urls) in (1, 2) and all(url.startswith(_READABLE) for url in urls):
            return Mirror(urls[0], urls[1] if len(urls) == 2 else f"{urls[0]}-security")
        raise DebError(f"{named!r} is no mirror", hint="name a URL of http, https or file, or two for security updates")
    main = _first_of(folder, lambda suite: suite in _SUITES)
    if main is None:
        raise DebError(
            "no mirror of Debian is known: the host has no apt settings that name one",
            hint=f"name one with --mirror or {VARIABLE}: the URL of the folder that has dists/ in it",
        )
    security = _first_of(folder, lambda suite: suite.endswith("-security") and suite.split("-")[0] in _SUITES)
    return Mirror(main, security or f"{main}-security")


def knows_mirror() -> bool:
    """Say whether there is a mirror without the user naming one."""
    try:
        find_mirror(None)
    except DebError:
        return False
    return True


def _first_of(folder: Path, wanted: Callable[[str], bool]) -> str | None:
    """Return the URL of the first archive in the apt settings that has a wanted suite."""
    found = (
        source.uri.rstrip("/")
        for source in _sources(folder)
        if source.uri.startswith(_READABLE) and "main" in source.components and any(map(wanted, source.suites))
    )
    return next(found, None)


def _sources(folder: Path) -> Iterator[Source]:
    parts = folder / "sources.list.d"
    for path in (folder / "sources.list", *sorted(parts.glob("*.list")), *sorted(parts.glob("*.sources"))):
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError:
            continue
        yield from deb822_sources(lines) if path.suffix == ".sources" else one_line_sources(lines)

"""The formats of a Debian archive's indices: stanzas, relations, Contents. Pure.

All parsers take lines as they come, so that an index of hundreds of megabytes is never held whole.
"""

import re
from collections.abc import Iterable, Iterator, Mapping

Relations = tuple[tuple[str, ...], ...]
"""What must be there: of each group one package, the earlier the better. Versions and architectures are dropped."""

_RELEASE = frozenset(("Origin", "Codename", "Date", "Components", "SHA256"))
_NAME = re.compile(r"[a-z0-9][a-z0-9+.-]*")


def stanzas(lines: Iterable[str], fields: frozenset[str]) -> Iterator[dict[str, str]]:
    """Yield the wanted fields of each stanza of a deb822 file; continued lines are joined by a space."""
    stanza: dict[str, str] = {}
    name = ""
    for line in lines:
        if line[0:1] in (" ", "\t"):
            if name:
                stanza[name] += f" {line.strip()}"
            continue
        if not line.strip():
            if stanza:
                yield stanza
            stanza, name = {}, ""
            continue
        key, _, value = line.partition(":")
        name = key if key in fields else ""
        if name:
            stanza[name] = value.strip()
    if stanza:
        yield stanza


def relations(text: str) -> Relations:
    """Return what a Depends, Provides or Build-Depends field names, in its order."""
    groups = (tuple(filter(None, map(_package, group.split("|")))) for group in text.split(","))
    return tuple(dict.fromkeys(group for group in groups if group))


def _package(relation: str) -> str:
    """Return the name in `name:any (>= 1.0) [amd64] <!nocheck>`."""
    found = _NAME.match(relation.strip())
    return found.group() if found else ""


def contents(lines: Iterable[bytes], wanted: re.Pattern[bytes]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield (path, packages) of the lines of a Contents index whose path begins as `wanted` does.

    Files that more than one package has are listed once; sections and components (`universe/libdevel/`) are dropped.
    """
    for line in lines:
        if wanted.match(line):
            path, _, owners = line.decode("utf-8", "replace").strip().rpartition(" ")
            yield path.rstrip(), tuple(owner.rpartition("/")[2] for owner in owners.split(","))


def release_fields(text: str) -> Mapping[str, str]:
    """Return the fields of a Release file, or of one within a signature (InRelease); none of a page that is no such."""
    body = text.partition("\n\n")[2] if text.startswith("-----BEGIN PGP SIGNED MESSAGE") else text
    return next(stanzas(body.splitlines(), _RELEASE), {})


def file_digests(release: Mapping[str, str]) -> dict[str, str]:
    """Return the SHA-256 in hexadecimal digits of each file that a Release file lists."""
    words = release.get("SHA256", "").split()
    return dict(zip(words[2::3], words[0::3], strict=False))

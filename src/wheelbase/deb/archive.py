"""A release of Debian on a mirror: signed Release files and the indices that they vouch for. Talks to the network.

The release, its updates and its security updates count as one; of each package the newest version is taken. An index
whose Release file is out of date is refused: somebody may be holding back security updates.
"""

from __future__ import annotations

import lzma
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from pysequoia import Cert

from wheelbase.deb.chosen import Archive
from wheelbase.deb.downloads import fetch, fetch_small
from wheelbase.deb.errors import DebError
from wheelbase.deb.mirrors import Mirror
from wheelbase.deb.packages import DebPackage, packages_in
from wheelbase.deb.signing import archive_keys, signed_text
from wheelbase.index.client import Client
from wheelbase.oci.digest import Digest
from wheelbase.oci.store import Store
from wheelbase.system.debian import stanzas

_FIELDS = frozenset("Origin Codename Date Valid-Until Acquire-By-Hash SHA256".split())
_MOST_RELEASE = 16 << 20
_MOST_INDEX = 256 << 20
_CLOCKS_DIFFER = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """The index of the packages of one suite and architecture; `date` is the Release file's. Its size is in bytes."""

    suite: str
    archive: Archive
    date: datetime
    url: str
    sha256: str
    size: int


def indices(
    client: Client,
    mirror: Mirror,
    codename: str,
    arch: str,
    *,
    now: datetime,
    keys: Sequence[Cert] | None = None,
) -> tuple[Index, ...]:
    """Return the indices of a release (`trixie`) for an architecture (`amd64`), as its signed Release files name them.

    DebError where one is missing, not signed by the keys (Debian's), of another release, or out of date.
    """
    places: list[tuple[Archive, str]] = [
        ("main", codename),
        ("main", f"{codename}-updates"),
        ("security", f"{codename}-security"),
    ]
    trusted = archive_keys() if keys is None else keys
    with ThreadPoolExecutor(len(places)) as pool:
        found = [pool.submit(_index, client, mirror, *place, arch, now, trusted) for place in places]
        return tuple(one.result() for one in found)


def read_packages(client: Client, found: Sequence[Index], store: Store) -> Iterator[DebPackage]:
    """Yield the packages of all indices."""
    for index in found:
        what = f"the index of {index.suite}"
        path = fetch(client, index.url, sha256=index.sha256, size=index.size, what=what, store=store)
        try:
            with lzma.open(path, "rt", encoding="utf-8", errors="replace") as lines:
                yield from packages_in(lines, index.archive)
        except (lzma.LZMAError, EOFError) as error:
            store.remove(Digest("sha256", index.sha256))
            raise DebError(f"{what} is damaged: {error}", hint="try again, or name another mirror") from error


def _index(
    client: Client, mirror: Mirror, archive: Archive, suite: str, arch: str, now: datetime, keys: Sequence[Cert]
) -> Index:
    folder = f"{getattr(mirror, archive)}/dists/{suite}"
    where = f"{folder}/InRelease"
    text = signed_text(fetch_small(client, where, _MOST_RELEASE, f"the Release file of {suite}"), where, keys)
    fields = next(stanzas(text.splitlines(), _FIELDS), {})
    if fields.get("Origin") != "Debian" or fields.get("Codename") != suite:
        raise DebError(f"{where} is of another release than Debian's {suite}", hint="name another mirror")
    date = _checked_date(fields, where, now)
    name = f"main/binary-{arch}/Packages.xz"
    words = fields.get("SHA256", "").split()
    listed = {words[at + 2]: (words[at], words[at + 1]) for at in range(0, len(words) - 2, 3)}
    sha256, size = listed.get(name, ("", ""))
    if not size.isdecimal() or int(size) > _MOST_INDEX:
        raise DebError(f"{where} lists no {name}", hint=f"the mirror may not have the architecture {arch}")
    by_hash = fields.get("Acquire-By-Hash") == "yes"
    place = f"{name.rpartition('/')[0]}/by-hash/SHA256/{sha256}" if by_hash else name
    return Index(suite=suite, archive=archive, date=date, url=f"{folder}/{place}", sha256=sha256, size=int(size))


def _checked_date(fields: Mapping[str, str], where: str, now: datetime) -> datetime:
    date, until = (_time(fields, name, where) for name in ("Date", "Valid-Until"))
    if date is None:
        raise DebError(f"{where} has no date", hint="name another mirror")
    if until and until < now:
        raise DebError(
            f"{where} is out of date: it was valid until {until:%Y-%m-%d}",
            hint="the mirror is no longer updated, or somebody holds updates back: name another mirror",
        )
    if date > now + _CLOCKS_DIFFER:
        raise DebError(f"{where} is of {date:%Y-%m-%d}, which is yet to come", hint="set this machine's clock right")
    return date


def _time(fields: Mapping[str, str], name: str, where: str) -> datetime | None:
    if name not in fields:
        return None
    try:
        return parsedate_to_datetime(fields[name]).replace(tzinfo=UTC)
    except ValueError as error:
        raise DebError(f"{where} has {fields[name]!r} for {name}", hint="name another mirror") from error

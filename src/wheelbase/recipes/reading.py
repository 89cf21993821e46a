"""What files hold that were picked for any base, each read once. Talks to package indexes."""

import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from wheelbase.errors import PackageIndexError
from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate
from wheelbase.recipes.fit import Fit, Picked
from wheelbase.recipes.reporting import Report
from wheelbase.source.archive import SourceFacts
from wheelbase.source.findings import Findings, Flag
from wheelbase.source.read import read_findings, read_source
from wheelbase.wheels.contents import Listing, read_listing
from wheelbase.wheels.style import read_style

_MUSL = re.compile(r"(?P<tags>.+)-musllinux_\d+_\d+_(?P<machine>\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What was read of files: listings of wheels, facts of source archives and what was found in them, by URL; styles
    of projects by name."""

    listings: dict[str, Listing]
    sources: dict[str, SourceFacts]
    findings: dict[str, Findings]
    styles: tuple[tuple[str, float], ...]

    @classmethod
    def read(cls, fits: Iterable[Fit | None], index: Index, report: Report) -> "Contents":
        """Read each file once, all at the same time."""
        wheels: dict[str, Candidate] = {}
        archives: dict[str, Candidate] = {}
        for picked in (one for each in fits if each for one in each.picked):
            if picked.taken and not picked.taken.is_wheel:
                archives[picked.taken.url] = picked.taken
            if like := picked.taken if picked.taken and picked.taken.is_wheel else nearest_wheel(picked):
                wheels[like.url] = like
        listings: dict[str, Listing] = {}
        with ThreadPoolExecutor(CONCURRENCY) as pool:
            # Archives are the larger, and what is found in them takes the processor: they begin first.
            read = pool.map(lambda archive: _read_archive(index.client, archive), archives.values())
            for done, (url, listing) in enumerate(
                pool.map(lambda wheel: (wheel.url, read_listing(index.client, wheel)), wheels.values()), 1
            ):
                listings[url] = listing
                report("reading wheels", done, len(wheels))
            styles = pool.map(lambda wheel: read_style(index.client, wheel, listings[wheel.url]), wheels.values())
            merged = {project: style for each in styles for project, style in each.items()}
            sources: dict[str, SourceFacts] = {}
            findings: dict[str, Findings] = {}
            for done, (url, (facts, findings[url])) in enumerate(zip(archives, read, strict=True), 1):
                report("reading source archives", done, len(archives))
                if facts:
                    sources[url] = facts
        return cls(
            listings=listings,
            sources=sources,
            findings=findings,
            styles=tuple(sorted(merged.items())),
        )


def nearest_wheel(picked: Picked) -> Candidate | None:
    """Return the wheel of the same version that came nearest to being taken: its contents are most like a build's.

    One for musl has its like for glibc in its place, which tells by how it deflates whether debug information is in it.
    """
    if picked.taken is None:
        return None
    wheels = [judged.candidate for judged in picked.choice.judged if judged.candidate.is_wheel]
    first = next(iter(wheels), None)
    if first and (musl := _MUSL.match(first.filename)):
        starts, ends = f"{musl['tags']}-manylinux", f"_{musl['machine']}.whl"
        return next((one for one in wheels if one.filename.startswith(starts) and one.filename.endswith(ends)), first)
    return first


def _read_archive(client: Client, archive: Candidate) -> tuple[SourceFacts | None, Findings]:
    """A source archive that cannot be read is one of which nothing is known: it costs an estimate, not the answer."""
    try:
        return read_source(client, archive), read_findings(client, archive)
    except PackageIndexError:
        unread = Flag(kind="unreadable", text="the source archive cannot be read", where=archive.filename)
        return None, Findings(backend="", flags=(unread,))

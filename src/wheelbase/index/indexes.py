"""All the indexes that a user has set up, as one. Talks to the network."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from packaging.version import Version

from wheelbase.index.client import CONCURRENCY, Client
from wheelbase.index.simple import Candidate, LinkedFile, candidates_among, read_links, read_page
from wheelbase.index.values import IndexSettings


class Index:
    """What the user's indexes have, each package asked for once a run.

    With `refresh` nothing that an earlier run found out is believed; `resolved` are keys of what this one did.
    """

    def __init__(self, client: Client, settings: IndexSettings, *, refresh: bool = False) -> None:
        """Ask nothing yet."""
        self.client = client
        self.settings = settings
        self.refresh = refresh
        self.resolved: set[str] = set()
        self._releases: dict[str, dict[Version, list[Candidate]]] = {}
        self._known: dict[str, tuple[Candidate, ...]] = {}
        self._links: tuple[LinkedFile, ...] | None = None
        self._lock = threading.Lock()

    def files(self, name: str) -> tuple[Candidate, ...]:
        """Return all files of a package. Of files with one name the one that says more of itself is kept."""
        if name not in self._known:
            self._known[name] = tuple(self._ask(name))
        return self._known[name]

    def release(self, name: str, version: Version) -> tuple[Candidate, ...]:
        """Return the files of one version of a package."""
        if name not in self._releases:
            releases: dict[Version, list[Candidate]] = {}
            for file in self.files(name):
                releases.setdefault(file.version, []).append(file)
            self._releases[name] = releases
        return tuple(self._releases[name].get(version, ()))

    def fetch(self, names: Iterable[str]) -> None:
        """Ask for many packages at once."""
        unknown = [name for name in names if name not in self._known]
        if unknown:
            with ThreadPoolExecutor(CONCURRENCY) as pool:
                list(pool.map(self.files, unknown))

    def _ask(self, name: str) -> Iterable[Candidate]:
        found: dict[str, Candidate] = {}
        for url in self.settings.index_urls:
            page = read_page(self.client, url, name, refresh=self.refresh)
            for file in page or ():
                if file.filename not in found or (found[file.filename].size is None and file.size is not None):
                    found[file.filename] = file
            if page and not self.settings.best_match:
                break
        for file in candidates_among(self._linked(), name):
            found.setdefault(file.filename, file)
        return found.values()

    def _linked(self) -> tuple[LinkedFile, ...]:
        """Read the find-links locations once: each lists the files of all packages."""
        with self._lock:
            if self._links is None:
                self._links = tuple(
                    file
                    for location in self.settings.find_links
                    for file in read_links(self.client, location, refresh=self.refresh)
                )
            return self._links


def ask_indexes(settings: IndexSettings, name: str) -> None:
    """Ask for a package that uv calls missing: an index that refuses to answer is an error, and uv hides it."""
    client = Client(settings)
    for url in settings.index_urls:
        read_page(client, url, name, refresh=True)

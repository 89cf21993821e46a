"""What installing packages brings along, as apt resolves it without Recommends. Reads the shipped snapshots."""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property

from wheelbase.system.releases import load_snapshot
from wheelbase.system.snapshot_file import Snapshot
from wheelbase.system.tables import OPTIONAL, PackageTable, read_relations

# What any program has, and no list of needs has to name.
_C_LIBRARY = frozenset(("libc6", "libgcc-s1"))
_DEVELOPMENT = ("-dev", "-dev-compat")


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemPackage:
    """A package of a distribution; sizes in bytes, to download and as installed."""

    name: str
    version: str
    download_bytes: int
    installed_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Closure:
    """What an installation adds, by name. `missing` are the names that the release does not have."""

    packages: tuple[SystemPackage, ...]
    download_bytes: int
    installed_bytes: int
    missing: tuple[str, ...]


class PackageIndex:
    """The packages of one release."""

    def __init__(self, table: PackageTable) -> None:
        """Split the columns; relations are parsed one by one, when they are asked for."""
        self._names = table.names.split("\n")
        self._row = {name: row for row, name in enumerate(self._names)}
        self._versions = table.versions.split("\n")
        self._depends = table.depends.split("\n")
        self._recommends = table.recommends.split("\n")
        self._provides = table.provides.split("\n")
        self._table = table

    def get(self, name: str) -> SystemPackage | None:
        """Return a package, None where there is none of that name; virtual packages are none."""
        row = self._row.get(name)
        if row is None:
            return None
        return SystemPackage(
            name=name,
            version=self._versions[row],
            download_bytes=self._table.download_bytes[row],
            installed_bytes=1024 * self._table.installed_kib[row],
        )

    def providers(self, name: str) -> tuple[str, ...]:
        """Return the packages that provide a virtual one, in the order in which apt would take them."""
        return self._providers.get(name, ())

    def depends(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return what a package depends on: of each group one, the earlier the better."""
        row = self._row.get(name)
        return () if row is None else read_relations(self._depends[row])

    def recommends(self, name: str) -> tuple[tuple[str, ...], ...]:
        """Return what apt installs along with a package unless told not to, as `depends` does."""
        row = self._row.get(name)
        return () if row is None else read_relations(self._recommends[row])

    def closure(
        self, names: Iterable[str], *, installed: frozenset[str] = frozenset(), recommends: bool = False
    ) -> Closure:
        """Return what `apt-get install --no-install-recommends NAMES` adds to a system that has `installed`."""
        wanted = list(dict.fromkeys(names))
        resolution = _Resolution(self, installed, recommends)
        missing = [name for name in wanted if not resolution.require((name,))]
        resolution.settle()
        packages = tuple(found for name in sorted(resolution.added) if (found := self.get(name)))
        return Closure(
            packages=packages,
            download_bytes=sum(package.download_bytes for package in packages),
            installed_bytes=sum(package.installed_bytes for package in packages),
            missing=tuple(missing),
        )

    def essential(self) -> frozenset[str]:
        """Return what the smallest image that has apt holds: essential and required packages, apt, their closure."""
        required = [name for name, priority in self._table.priorities.items() if priority == 0]
        found = self.closure(sorted({*self._table.essential, *required, "apt"} & self._row.keys()))
        return frozenset(package.name for package in found.packages)

    def runtime_of(self, dev_package: str) -> tuple[str, ...]:
        """Return the packages of shared libraries that a -dev package links with, as its dependencies tell.

        Without the C library. One that only stands for other -dev packages has what those have.
        """
        found: set[str] = set()
        seen: set[str] = set()
        left = [dev_package]
        while left:
            name = left.pop()
            seen.add(name)
            direct = [group[0] for group in self.depends(name)]
            own = self._libraries.intersection(direct) - _C_LIBRARY
            found |= own
            if not own:
                left += [other for other in direct if other.endswith(_DEVELOPMENT) and other not in seen]
        return tuple(sorted(found))

    @cached_property
    def _libraries(self) -> frozenset[str]:
        return frozenset(name for name in self._table.libraries if not name.endswith(_DEVELOPMENT))

    @cached_property
    def _providers(self) -> Mapping[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        # Of equals apt takes one that it has read late.
        for row in reversed(range(len(self._names))):
            for virtual in self._provides[row].split(",") if self._provides[row] else ():
                found.setdefault(virtual, []).append(self._names[row])
        essential = frozenset(self._table.essential)
        order = self._table.priorities
        return {
            virtual: tuple(sorted(names, key=lambda name: (name not in essential, order.get(name, OPTIONAL))))
            for virtual, names in found.items()
        }


class _Resolution:
    """A set of packages that grows until all that it depends on is in it."""

    def __init__(self, index: PackageIndex, installed: frozenset[str], recommends: bool) -> None:
        self.added: set[str] = set()
        self._index = index
        self._present = set(installed)
        self._recommends = recommends
        self._new: deque[str] = deque()
        self._choices: deque[Sequence[str]] = deque()

    def require(self, group: Sequence[str]) -> bool:
        """Take the first of a group that there is, unless one is there; say whether there is one."""
        if any(self._has(name) for name in group):
            return True
        for name in group:
            taken = name if self._index.get(name) else next(iter(self._index.providers(name)), None)
            if taken:
                self._present.add(taken)
                self.added.add(taken)
                self._new.append(taken)
                return True
        return False

    def settle(self) -> None:
        """Follow all dependencies. What leaves no choice goes first, since it may answer what does, as in apt."""
        while self._new or self._choices:
            if not self._new:
                self.require(self._choices.popleft())
                continue
            name = self._new.popleft()
            groups = self._index.depends(name) + (self._index.recommends(name) if self._recommends else ())
            for group in groups:
                if len(group) > 1 or not self._index.get(group[0]):
                    self._choices.append(group)
                else:
                    self.require(group)

    def _has(self, name: str) -> bool:
        return name in self._present or not self._present.isdisjoint(self._index.providers(name))


def load_packages(release: str) -> PackageIndex:
    """Return the packages of a release (`debian-12`); one that is not known is an error that lists those that are."""
    return _index(load_snapshot(release))


@cache
def _index(snapshot: Snapshot) -> PackageIndex:
    return PackageIndex(snapshot.section("packages", PackageTable))

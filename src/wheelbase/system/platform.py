"""The system of a base image, as far as packages go: which release's names hold, what it has, what packages pull in.

Where a release's own index is not known, that of the Debian release nearest to it says which package has what, and the
names are translated by the pkg-config module: `system.exact` tells.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from wheelbase.bases.facts import BaseFacts
from wheelbase.system.alpine import load_alpine
from wheelbase.system.apk import closure_on_alpine
from wheelbase.system.contents import Contents, load_contents
from wheelbase.system.installed import installed_packages, knows_installed
from wheelbase.system.lacking import Lack, load_lacking
from wheelbase.system.names import Manager, Names, Row, load_names, provided
from wheelbase.system.packages import Closure, PackageIndex, load_packages
from wheelbase.system.recipes import load_recipes
from wheelbase.system.releases import nearest_release, refreshed_date

_NEWEST = "debian-13"
_MANAGERS: dict[str, Manager] = {"apt": "apt", "apk": "apk", "dnf": "dnf", "microdnf": "dnf", "yum": "dnf"}
# Debian's releases by their C library: what an image that does not name its release is built on.
_BY_GLIBC = {"2.28": "10", "2.31": "11", "2.36": "12", "2.41": "13"}
# Of several releases the newest: images that do not name theirs follow it.
_ALPINE_BY_MUSL = {
    "1.1.22": "3.10",
    "1.1.24": "3.12",
    "1.2.2": "3.14",
    "1.2.3": "3.17",
    "1.2.4": "3.19",
    "1.2.5": "3.23",
    "1.2.6": "3.24",
}
_DEVELOPMENT = re.compile(r"(-dev|-devel)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class System:
    """A base's packages. `release` is whose contents are asked ("debian-12"), `own` the base's own ("alpine-3.22").

    `python` is the version of the Python that is there or would be installed, empty where that is not known.
    """

    manager: Manager
    release: str
    own: str
    exact: bool
    contents: Contents
    packages: PackageIndex
    names: Names
    python: str
    installed: frozenset[str]
    knows_installed: bool
    python_headers: bool
    compiler: bool

    @property
    def title(self) -> str:
        """Return what the packages are, for a heading."""
        return f"{self.manager}, {self.own.replace('-', ' ').title()}" if self.own else self.manager

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what has to be said of the names and sizes."""
        notes = []
        if self.manager == "apt" and not self.exact:
            notes.append(f"package names are those of {self.release}: this base's own index is not known")
        elif self.manager == "dnf":
            notes.append("package names are translated from Debian's: no index of this base is read")
        elif not self.knows_installed:
            notes.append("what this base has installed is not known: sizes count everything")
        release = {"apt": self.release, "apk": self.own}.get(self.manager)
        if release and (day := refreshed_date(release)):
            notes.append(f"packages are those of {release} as of {day}")
        return tuple(notes)

    def recipe_of(self, project: str) -> frozenset[str]:
        """Return what Debian builds its own package of a project with, and what these bring along; none: no such."""
        found: set[str] = set()
        left = list(load_recipes().get(project, ()))
        while left:
            name = left.pop()
            if name not in found:
                found.add(name)
                left += [group[0] for group in self.packages.depends(name) if group[0].endswith("-dev")]
        return frozenset(found)

    def of_row(self, row: Row) -> str | None:
        """Return the package of the consulted release that a row of the table means, None where it has none."""
        listed = (*row.on("apt", self.release), *row.deb)
        return next((package for package in listed if self.packages.get(package)), None)

    def name_of(self, package: str, row: Row | None, module: str | None) -> str:
        """Return what a package of the consulted release is called on the base."""
        if self.manager == "apt":
            return self.contents.commonly(package) if package.endswith("-dev") else package
        if row and (listed := row.on(self.manager, self.own)):
            return listed[0]
        if module:
            return provided("pkg-config", module, self.manager)
        return package if self.manager == "apk" else _DEVELOPMENT.sub("-devel", package).removeprefix("lib")

    def named(self, entry: str) -> str:
        """Return the package of `pc:MODULE` on the base."""
        module = entry.removeprefix("pc:")
        if self.manager == "apt":
            found = sorted(self.contents.pkg_config(module), key=self.contents.popularity)
            return self.contents.commonly(found[-1]) if found else module
        return self.names.package_on(module, self.manager, self.own) or module

    def toolchain(self, language: str) -> tuple[str, ...]:
        """Return the packages that compile a language, with Python's headers, less what the base has."""
        wanted = self.names.toolchain(self.manager, language, self.own)
        headers = () if self.python_headers else self.names.toolchain(self.manager, "python", self.own)
        if self.compiler and language in ("c", "c++", "cython"):
            wanted = ()
        return tuple(name for name in (*wanted, *headers) if name not in self.installed)

    def lacks(self, package: str, asked: str) -> tuple[Lack, ...]:
        """Return what a header of a package, or a module (`zlib.pc`), asks for that it does not depend on.

        That is known of Debian's packages only.
        """
        table = load_lacking(self.release) if self.manager == "apt" else {}
        if asked.endswith(".pc"):
            places = [(owner, asked) for owner in sorted(self.contents.pkg_config(asked.removesuffix(".pc")))]
        else:
            places = [(hit.package, hit.path.lstrip("/")) for hit in self.contents.header(asked)]
        hits = [place for place in places if place in table]
        if not hits:
            return ()
        own = {package, *(one.name for one in self.packages.closure([package]).packages)}
        hit = next((place for place in places if place[0] in own), hits[0])
        lacking = table.get(hit, ()) if hit[0] in own else ()
        return tuple(one for one in lacking if one.other not in own and self.packages.get(one.other))

    def runtime_of(self, package: str, row: Row | None) -> tuple[str, ...]:
        """Return what a built module loads of a package that it is built with, by the names of the base."""
        if self.manager == "apt":
            return tuple(name for name in self.packages.runtime_of(package) if name not in self.installed)
        return row.runtime_on(self.manager) if row else ()

    def closure(self, names: Iterable[str]) -> Closure:
        """Return what installing packages adds to the base."""
        wanted = list(dict.fromkeys(names))
        if self.manager == "apt":
            present = self.installed if self.knows_installed else self.packages.essential()
            return self.packages.closure(wanted, installed=present)
        if self.manager == "apk":
            index = load_alpine(self.own)
            return closure_on_alpine(wanted, self.own.removeprefix("alpine-"), installed=self.installed, index=index)
        return Closure(packages=(), download_bytes=0, installed_bytes=0, missing=tuple(wanted))


def system_of(facts: BaseFacts) -> System | None:
    """Return the system of a base, None where no package manager of it is known."""
    manager = _MANAGERS.get(facts.package_manager or "")
    if manager is None:
        return None
    own, release, exact = _release(facts, manager)
    packages = load_packages(release)
    packaged = packages.get("python3") if exact else None
    return System(
        manager=manager,
        release=release,
        own=own,
        exact=exact,
        contents=load_contents(release),
        packages=packages,
        names=load_names(),
        python=facts.python or (packaged.version.partition("-")[0] if packaged else ""),
        installed=installed_packages(facts),
        knows_installed=knows_installed(facts),
        python_headers=not facts.added_packages and (facts.userland is None or facts.userland.python_headers),
        compiler=facts.compiler is True,
    )


def _release(facts: BaseFacts, manager: Manager) -> tuple[str, str, bool]:
    """Return (the base's own release, the one whose contents are asked, whether that is the same)."""
    name = facts.userland.release if facts.userland else facts.exact or facts.image
    if manager == "apk":
        found = re.search(r"alpine:?(\d+\.\d+)", name)
        version = found[1] if found else _ALPINE_BY_MUSL.get(facts.libc_version, "edge")
        return f"alpine-{version}", _NEWEST, False
    if manager == "dnf":
        return "", _NEWEST, False
    if ubuntu := re.search(r"ubuntu:(\d\d\.\d\d)", name):
        release, exact = nearest_release("ubuntu", ubuntu[1]) or (_NEWEST, False)
        return f"ubuntu-{ubuntu[1]}", release, exact
    version = _BY_GLIBC.get(facts.libc_version, "")
    release, exact = nearest_release("debian", version) or (_NEWEST, False)
    return (f"debian-{version}" if version else ""), release, exact

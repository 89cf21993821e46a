"""What a Meson build asks of the system: its files, as Meson's own parser reads them, followed as Meson would on Linux.

Only what decides is evaluated: constants, options with their defaults and the settings of pyproject.toml, the machine,
and whether something was found. A branch that Linux never takes yields nothing; what stands in one that may be taken is
optional. Something looked for optionally is required after all where its absence ends in `error()` or in another
required dependency; of such alternatives the first is the required one.
"""

from collections.abc import Iterator

import msgspec

from wheelbase.source.backend import backend_of
from wheelbase.source.findings import Evidence, Flag
from wheelbase.source.lookups import Lookups
from wheelbase.source.meson_project import Project
from wheelbase.source.meson_reader import Reader
from wheelbase.source.meson_search import Build
from wheelbase.source.tree import SourceTree


def find_in_meson(tree: SourceTree) -> Iterator[Evidence | Flag]:
    """Yield what the Meson build in the archive's folder looks for."""
    if "meson.build" not in tree:
        return
    backend = backend_of(tree)
    runs = backend.requires_any("meson-python", "meson") or "mesonpy" in backend.name
    lookups = Lookups()
    build = Build(
        tree=tree,
        lookups=lookups,
        reader=Reader(tree, lookups),
        wheels=backend.required_names,
        provided=set(),
        secondary=not runs and "meson" not in tree.text("setup.py"),
    )
    Project(build, settings=backend.meson_options).configure()
    unread = any(flag.kind == "unreadable" for flag in lookups.flags)
    if not build.secondary:
        told = build.reader.told
        tree.conditional.update({path: condition for path, condition in told.items() if condition})
        tree.built.update(told)
        tree.built_otherwise |= unread
    if not build.secondary and not unread:
        tree.conditional.update(dict.fromkeys(build.reader.left_out(), "in no branch that Linux takes"))
        tree.followed.add("")
    yield from dict.fromkeys(lookups.evidence)
    yield from _asks_pkg_config(lookups.evidence)
    yield from dict.fromkeys(lookups.flags)


def _asks_pkg_config(evidence: list[Evidence]) -> Iterator[Evidence]:
    """Yield the program itself, at the place that most needs it."""
    places = [one for one in evidence if one.kind in ("pkg-config", "virtual") and not one.bundled]
    if places:
        best = max(places, key=lambda one: (one.need == "required", one.weight))
        yield msgspec.structs.replace(best, kind="program", name="pkg-config")

"""What a user's own file says of an archive, put in the place of what was found. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from wheelbase.project.settings import Override, PerManager, names_for
from wheelbase.source.compiletime import Estimate
from wheelbase.source.needs import Need, Needs
from wheelbase.system.platform import System


def overruled(
    needs: Needs, seconds: Estimate, override: Override, system: System, source: str
) -> tuple[Needs, Estimate]:
    """Return the needs and the time with each group that the user gives in place of the one that was found."""
    given: dict[str, Any] = {
        group: _needs(entries, system, source)
        for group in ("build", "optional", "tools", "run")
        if (entries := getattr(override, group)) is not None
    }
    if "build" in given:  # what the user names is all that there is to it
        given.setdefault("run", _run(given["build"], system))
        needs = replace(needs, status="likely complete", missing=(), flags=())
    own = override.cpu_seconds
    return replace(needs, **given), Estimate(low=own, value=own, high=own) if own is not None else seconds


def system_names(entries: Sequence[PerManager], system: System) -> tuple[str, ...]:
    """Return the package names of entries on a system."""
    return tuple(
        system.named(name) if name.startswith("pc:") else name
        for entry in entries
        for name in names_for(entry, system.manager)
    )


def _needs(entries: Sequence[PerManager], system: System, source: str) -> tuple[Need, ...]:
    return tuple(Need(package=name, confidence=1.0, evidence=(source,)) for name in system_names(entries, system))


def _run(build: Sequence[Need], system: System) -> tuple[Need, ...]:
    """Return what is loaded of the libraries in the packages that are built with."""
    rows = {name: row for row in reversed(system.names.rows) for name in row.on(system.manager, system.own)}
    found = {
        name: replace(need, package=name)
        for need in build
        for name in system.runtime_of(need.package, rows.get(need.package))
    }
    return tuple(found.values())

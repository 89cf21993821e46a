"""What a build does to an image against hazards: variables, files, packages. Fetches wheels, writes layers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from wheelbase.bases.target import Target
from wheelbase.errors import BaseError, RequirementsError
from wheelbase.oci.layerwriter import LayerWriter, WrittenLayer
from wheelbase.oci.store import Store
from wheelbase.probes.table import ImageCure, cure_bytes, known_hazards
from wheelbase.project.values import Requirements, parse_requirement
from wheelbase.recipes.base import DEB
from wheelbase.recipes.plan import Plan
from wheelbase.wheels.fetch import fetch_wheel
from wheelbase.wheels.install import VENV, VenvPython

LABEL = "wheelbase.cures"
Cures = Mapping[str, ImageCure]


def cures_of(names: Sequence[str]) -> Cures:
    """Return the cures of hazards, in the table's order; RequirementsError where a build has none for one."""
    known = {hazard.id: hazard.image for hazard in known_hazards().values() if hazard.image}
    for name in names:
        if name not in known:
            hazard = known_hazards().get(name)
            raise RequirementsError(
                f"no build cures {name}" if hazard else f"there is no hazard {name}",
                hint=hazard.cure if hazard else f"a build cures {', '.join(known)}",
            )
    return {name: cure for name, cure in known.items() if name in names}


def with_cures(wanted: Requirements, cures: Cures) -> Requirements:
    """Return requirements with the packages of cures; RequirementsError where nothing may be added to them."""
    added = [parse_requirement(one, f"--cure {name}") for name, cure in cures.items() for one in cure.requirements]
    have = {canonicalize_name(one.name) for one in wanted.locked or wanted.requirements}
    added = [one for one in added if canonicalize_name(one.name) not in have]
    if added and (wanted.complete or wanted.locked is not None):
        raise RequirementsError(
            f"{wanted.source} has everything pinned, and not {', '.join(one.name for one in added)}",
            hint="add it to the project, and lock that again",
        )
    return replace(wanted, requirements=(*wanted.requirements, *added))


def check_cures(cures: Cures, target: Target) -> None:
    """Raise BaseError where a cure is not for the base's Python."""
    for name, cure in cures.items():
        if not SpecifierSet(cure.python).contains(target.full_python, prereleases=True):
            raise BaseError(
                f"--cure {name} is for Python {cure.python}; the base has {target.python}",
                hint="choose a base with that Python, or leave the cure out",
            )


def debs_of(cures: Cures, base: str) -> tuple[str, ...]:
    """Return the system's packages that cures add to a base; BaseError where none can be added to it."""
    needing = [name for name, cure in cures.items() if cure.debs or cure.libraries]
    if needing and not base.startswith(DEB):
        raise BaseError(
            f"--cure {needing[0]} adds packages of the system, and a build adds none to {base}",
            hint="choose --base deb:trixie, or a base that has them",
        )
    return tuple(dict.fromkeys(package for cure in cures.values() for package in cure.debs))


def lacking_debs(plan: Plan, store: Store) -> tuple[str, ...]:
    """Return the packages that have the libraries which the wheels of an image lack on its base."""
    from wheelbase.recipes.hazards import hazards_of

    for _, wheel in plan.wheels:
        fetch_wheel(plan.index.client, wheel, store)
    found = [one for one in hazards_of(plan.facts, plan.wheels) if one.kind == "library"]
    return tuple(sorted({one.install for one in found if one.install}))


def cure_env(cures: Cures, python: VenvPython) -> dict[str, str]:
    """Return the environment variables of cures."""
    return {name: _filled(value, python) for cure in cures.values() for name, value in cure.env.items()}


def cure_layer(cures: Cures, python: VenvPython, store: Store) -> WrittenLayer | None:
    """Write the files of cures, None where they have none."""
    site = f"{VENV}/{python.site_packages}"
    files: dict[str, bytes] = {}
    links: dict[str, str] = {}
    for cure in cures.values():
        files |= {path: cure_bytes(name) for path, name in cure.files.items()}
        links |= {path: _filled(target, python) for path, target in cure.links.items()}
        if cure.module:
            module = f"wheelbase_cure_{cure.module}"
            files[f"{site}/{module}.py"] = cure_bytes(f"{cure.module}.py")
            # The interpreter imports what such a file names before the program begins.
            files[f"{site}/{module}.pth"] = f"import {module}\n".encode()
    if not files and not links:
        return None
    with store.new() as new:
        layer = LayerWriter(new.file)
        for path in sorted({*files, *links}):
            layer.symlink(path, links[path]) if path in links else layer.file(path, files[path])
        written = layer.finish()
        new.keep(written.digest)
    return written


def _filled(text: str, python: VenvPython) -> str:
    return text.replace("{site}", f"/{VENV}/{python.site_packages}")

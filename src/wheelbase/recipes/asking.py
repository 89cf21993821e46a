"""What the recipes begin with: the base, the question with the indexes that answer it, the project's own settings.

Reads settings files, and images that the catalogue does not know; runs uv to learn its settings.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts, SystemPython
from wheelbase.bases.inspect_facts import facts_of
from wheelbase.errors import BaseError
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings, with_requirements_options
from wheelbase.index.values import IndexSettings
from wheelbase.oci.errors import ImageError
from wheelbase.oci.places import Source
from wheelbase.oci.platform import Platform
from wheelbase.oci.reference import DEFAULT_DOMAIN, RegistryReference, parse_reference
from wheelbase.pins import Asked
from wheelbase.project.read import is_folder
from wheelbase.project.settings import Settings, read_settings
from wheelbase.project.values import Requirements
from wheelbase.recipes.inspect import inspect, inspect_source
from wheelbase.recipes.reporting import Report, silent

_TRANSPORTS = ("oci:", "oci-archive:", "docker-archive:", "docker-daemon:", "deb:")


def base_facts(
    name: str, *, arch: Arch, as_of: date | None, source: Source | None = None, report: Report = silent
) -> BaseFacts:
    """Return what is known of a base image as of a date, None for today: by the catalogue, else by its own bytes.

    These are read from `source` where it is open already.
    """
    catalogue, today = load_catalogue(), datetime.now(UTC).date()
    on = as_of or today
    if catalogue.knows(name, on=on):
        return catalogue.find(name, arch=arch, on=on)
    if is_folder(name):
        raise BaseError(f"{name} is a folder, and no name of an image", hint=f"an OCI layout is named oci:{name}")
    platform = Platform(os="linux", architecture=arch)
    try:
        if source:
            inspection = inspect_source(source, platform)
        else:
            inspection = inspect(name, platform=str(platform), report=report).inspection
    except ImageError as error:
        if "@" in name or name.startswith(_TRANSPORTS) or _has_registry(name):
            raise
        # Most names that neither the catalogue nor a registry knows are misspelt.
        raise catalogue.unknown(name, f", and cannot be inspected: {error}") from error
    facts = facts_of(name, inspection, arch=arch, as_of=as_of, today=today)
    return facts if facts.python else replace(facts, system_python=_system_python(facts, on))


def _has_registry(name: str) -> bool:
    """Say whether a name says which registry it is in: no misspelt name of Docker's does."""
    reference = parse_reference(name)
    return isinstance(reference, RegistryReference) and reference.domain != DEFAULT_DOMAIN


def _system_python(facts: BaseFacts, on: date) -> SystemPython | None:
    """Return what a package manager would install: what it does on the catalogue's image of the same release."""
    like = load_catalogue().of_release(facts.userland.release if facts.userland else "", arch=facts.arch, on=on)
    return like.system_python if like and like.package_manager == facts.package_manager else None


def ask(
    wanted: Requirements,
    *,
    python: tuple[int, int],
    as_of: date | None,
    allow_build: Iterable[str] = (),
    refresh: bool = False,
    settings: IndexSettings | None = None,
) -> tuple[Asked, Index]:
    """Return the question that requirements are, and the indexes that the user has set up for it: those of `settings`
    where they have been read already."""
    settings = settings or settings_for(wanted)
    asked = Asked(
        requirements=wanted, settings=settings, python=python, as_of=as_of, allow_build=frozenset(allow_build)
    )
    return asked, Index(Client(settings), settings, refresh=refresh)


def settings_for(wanted: Requirements) -> IndexSettings:
    """Return the user's settings of indexes, with those of the requirements' files. Runs uv."""
    return with_requirements_options(user_settings(wanted.tool_uv), wanted.options)


def project_settings(arguments: Sequence[str] = ()) -> Settings:
    """Return the settings of the first folder among the arguments, or of this one."""
    return read_settings(next((Path(one) for one in arguments if is_folder(one)), Path()))

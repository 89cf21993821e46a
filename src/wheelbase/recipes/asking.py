"""What the recipes begin with: the base, the question with the indexes that answer it, the project's own settings.

Reads settings files; runs uv to learn its settings.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings, with_requirements_options
from wheelbase.pins import Asked
from wheelbase.project.read import is_folder
from wheelbase.project.settings import Settings, read_settings
from wheelbase.project.values import Requirements


def base_facts(name: str, *, arch: Arch, as_of: date | None) -> BaseFacts:
    """Return what is known of a base image as of a date, None for today."""
    return load_catalogue().find(name, arch=arch, on=as_of or datetime.now(UTC).date())


def ask(
    wanted: Requirements,
    *,
    python: tuple[int, int],
    as_of: date | None,
    allow_build: Iterable[str] = (),
    refresh: bool = False,
) -> tuple[Asked, Index]:
    """Return the question that requirements are, and the indexes that the user has set up for it."""
    settings = with_requirements_options(user_settings(wanted.tool_uv), wanted.options)
    asked = Asked(
        requirements=wanted, settings=settings, python=python, as_of=as_of, allow_build=frozenset(allow_build)
    )
    return asked, Index(Client(settings), settings, refresh=refresh)


def project_settings(arguments: Sequence[str] = ()) -> Settings:
    """Return the settings of the first folder among the arguments, or of this one."""
    return read_settings(next((Path(one) for one in arguments if is_folder(one)), Path()))

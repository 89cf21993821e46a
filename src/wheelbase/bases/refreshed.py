"""The user's own catalogue: rows that were read from registries, newer than the bundled ones. Reads and writes a file.

It is TOML as the bundled one is, in the cache directory, and has the latest row of each image and architecture alone.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
from packaging.version import InvalidVersion, Version

from wheelbase.bases.facts import BaseFacts
from wheelbase.cache import cache_directory
from wheelbase.oci.blobfolder import written

_HEADER = "# Base images as they were in their registries, by `wheelbase bases --refresh`. It may be removed.\n\n"
_LIBC_VERSION = re.compile(r"\d{1,3}\.\d{1,4}(\.\d{1,4})?")


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    base: tuple[BaseFacts, ...] = ()


def refreshed_path() -> Path:
    """Return where the user's own catalogue is, if there is one."""
    return cache_directory() / "bases.toml"


def refreshed_bytes() -> bytes:
    """Return what the file has, nothing where there is none."""
    try:
        return refreshed_path().read_bytes()
    except OSError:
        return b""


def parse_rows(raw: bytes) -> tuple[BaseFacts, ...]:
    """Return the rows; ValueError where they are not sound."""
    rows = msgspec.convert(tomllib.loads(raw.decode()), _File).base
    for row in rows:
        if not _LIBC_VERSION.fullmatch(row.libc_version):
            raise ValueError(f"{row.image} has no C library of version {row.libc_version!r}")
        try:
            for stated in filter(None, (row.python_version, row.pip)):
                Version(stated)
        except InvalidVersion as error:
            raise ValueError(f"{row.image}: {error}") from error
    return rows


def keep_rows(rows: Iterable[BaseFacts]) -> None:
    """Put rows in the place of older ones of the same images, all or none; an error where they cannot be written."""
    try:
        known = parse_rows(refreshed_bytes())
    except ValueError:
        known = ()  # a broken one has no use
    latest = {(row.image, row.arch): row for row in (*known, *rows)}
    content = _HEADER + _toml([latest[key] for key in sorted(latest)])
    path = refreshed_path()
    with written(path, path.parent) as file:
        file.write(content.encode())


def _toml(rows: Iterable[BaseFacts]) -> str:
    import tomli_w

    return tomli_w.dumps({"base": [_stated(msgspec.to_builtins(row, builtin_types=(date,))) for row in rows]})


def _stated(content: dict[str, Any]) -> dict[str, Any]:
    """Return what a table says: a key that is absent is not known."""
    return {
        key: _stated(value) if isinstance(value, dict) else value
        for key, value in content.items()
        if value is not None and value != () and value != [] and key not in ("later", "userland")
    }

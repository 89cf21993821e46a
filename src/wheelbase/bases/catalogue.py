"""The catalogue of base images: what comes with wheelbase, and rows that the user has refreshed.

Reads `catalogue.toml` and `python_pip_timeline.json`, and a file in the user's cache.

A name and a date lead to one row: aliases are followed as they stood on that date (`python:3.13-slim` is
slim-trixie today and was slim-bookworm once), then the newest row that is not later is taken.
"""

import hashlib
import re
import tomllib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from packaging.version import Version

from wheelbase.bases.facts import Arch, BaseFacts
from wheelbase.bases.refreshed import parse_rows, refreshed_bytes, refreshed_path
from wheelbase.cache import Cache
from wheelbase.errors import BaseError

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    """From `since` on (always, where it has none) `name` meant `target`; `*` stands for a Python minor version."""

    name: str
    target: str
    source: str
    since: date = date.min


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """All rows and aliases, and the images that a comparison shows when the user names none."""

    base: tuple[BaseFacts, ...]
    alias: tuple[Alias, ...]
    default_images: tuple[str, ...]

    def find(self, reference: str, *, arch: Arch, on: date) -> BaseFacts:
        """Return the facts of an image as of a date; an unknown one is an error that names its nearest neighbours."""
        name = _normalized(reference)
        images, rows = self._rows(name, on)
        if not rows:
            raise self.unknown(reference)
        of_arch = [row for row in rows if row.arch == arch]
        if not of_arch:
            known = " and ".join(sorted({row.arch for row in rows}))
            raise BaseError(
                f"{reference} is known for {known} only, not for {arch}",
                hint=f"use --arch {rows[0].arch}, or another base",
            )
        for image in images:
            held = [row for row in of_arch if image in (row.image, row.exact) and row.date <= on]
            if held:
                return max(held, key=lambda row: row.date)
        return _earliest([row for row in of_arch if images[0] in (row.image, row.exact)] or of_arch, on)

    def knows(self, reference: str, *, on: date) -> bool:
        """Say whether an image is in the catalogue, for whatever architecture; one named by digest is not."""
        return "@" not in reference and bool(self._rows(_normalized(reference), on)[1])

    def of_release(self, release: str, *, arch: Arch, on: date) -> BaseFacts | None:
        """Return the image of a system's release (`debian:13`), or its slim one where that alone is known."""
        for name in (release, f"{release}-slim"):
            if self.knows(name, on=on) and any(row.arch == arch for row in self._rows(_normalized(name), on)[1]):
                return self.find(name, arch=arch, on=on)
        return None

    def image(self, reference: str, *, on: date) -> str:
        """Return the image that a name meant on a date, as the catalogue calls it; an unknown one is an error."""
        images, rows = self._rows(_normalized(reference), on)
        if not rows:
            raise self.unknown(reference)
        return next(row.image for image in images for row in rows if image in (row.image, row.exact))

    def _rows(self, name: str, on: date) -> tuple[tuple[str, ...], list[BaseFacts]]:
        """Return the images that a name meant, and all their rows."""
        # The names of images that have one tag only are written without it.
        names = dict.fromkeys((name, name.removesuffix(":latest")))
        images = tuple(image for known in names for image in self.meanings(known, on=on))
        return images, [row for row in self.base if row.image in images or row.exact in images]

    def meanings(self, name: str, *, on: date) -> tuple[str, ...]:
        """Return the images that a name meant until a date, the latest first: itself alone where it is no alias.

        Where nothing is known of the image that a name meant on the date, the one before it is the nearest answer.
        """
        held = sorted((alias for alias in self.alias if alias.since <= on), key=lambda alias: alias.since, reverse=True)
        later = sorted((alias for alias in self.alias if alias.since > on), key=lambda alias: alias.since)
        images = {row.image for row in self.base} | {row.exact for row in self.base if row.exact}
        for known in (held, later):
            for wildcard in (False, True):
                targets = [self._target(alias, name) for alias in known if ("*" in alias.name) == wildcard]
                if found := [target for target in targets if target]:
                    # An alias may lead to another one: python:slim is python:3.14-slim, which is slim-trixie.
                    return tuple(
                        dict.fromkeys(m for t in found for m in ([t] if t in images else self.meanings(t, on=on)))
                    )
        return (name,)

    @staticmethod
    def _target(alias: Alias, name: str) -> str | None:
        found = _pattern(alias.name).fullmatch(name)
        return alias.target.replace("*", found[1] if found.groups() else "*") if found else None

    def defaults(self, python: tuple[int, int], *, arch: Arch, on: date) -> tuple[BaseFacts, ...]:
        """Return the images that a user of this Python would consider on that date, the most usual first."""
        minor = f"{python[0]}.{python[1]}"
        chosen: dict[str, BaseFacts] = {}
        for pattern in self.default_images:
            name = pattern.replace("*", minor)
            if not any(row.arch == arch for row in self._rows(name, on)[1]):
                continue
            facts = self.find(name, arch=arch, on=on)
            existed = not (facts.later and facts.image == name)
            if facts.python_minor == python and existed:
                chosen.setdefault(facts.image, facts)
        return tuple(chosen.values())[:8]

    def stable_python(self, on: date) -> tuple[int, int]:
        """Return the newest minor version of Python that had a final release in an official image on a date."""
        versions = [Version(row["python"]) for row in _timeline() if date.fromisoformat(row["date"]) <= on]
        versions += [
            Version(row.python)
            for row in self.base
            if row.python and row.image.startswith("python:") and row.date <= on
        ]
        final = [version for version in versions if not version.is_prerelease]
        return max(final).release[:2] if final else (3, 8)  # type: ignore[return-value]

    def pythons(self) -> tuple[tuple[int, int], ...]:
        """Return the minor versions for which an official Python image is known, rising."""
        return tuple(
            sorted({row.python_minor for row in self.base if row.python_minor and row.image.startswith("python:")})
        )

    def unknown(self, reference: str, also: str = "") -> BaseError:
        """Return the error for an image that is not in the catalogue, which names those that are called alike."""
        import difflib

        name = _normalized(reference)
        minors = [f"{major}.{minor}" for major, minor in self.pythons()]
        images = {row.image for row in self.base}
        aliases = {
            a.name.replace("*", minor) for a in self.alias for minor in minors if a.target.replace("*", minor) in images
        }
        names = sorted(images | aliases)
        near = (
            difflib.get_close_matches(name, names, n=3, cutoff=0.6) or [n for n in names if n.split(":")[0] in name][:3]
        )
        return BaseError(
            f"the base image {reference} is not in the catalogue{also}",
            hint=(f"did you mean {', '.join(near)}? " if near else "") + "`wheelbase bases` lists what is known",
        )


@cache
def load_catalogue() -> Catalogue:
    """Return the bundled catalogue with the rows that the user has refreshed; if those are broken it says so."""
    bundled, raw = bundled_catalogue(), refreshed_bytes()
    try:
        rows = _parsed(raw, parse_rows, tuple[BaseFacts, ...]) if raw else ()
    except ValueError as error:
        import logging

        logging.getLogger("wheelbase").warning(
            "warning: %s is ignored, since it is broken: %s", refreshed_path(), " ".join(str(error).split())
        )
        return bundled
    newer = {(row.image, row.arch, row.date) for row in rows}
    kept = (row for row in bundled.base if (row.image, row.arch, row.date) not in newer)
    return replace(bundled, base=(*kept, *rows))


@cache
def bundled_catalogue() -> Catalogue:
    """Return the catalogue that comes with wheelbase."""
    return _parsed(Path(__file__).with_name("catalogue.toml").read_bytes(), _parse_bundled, Catalogue)


def _parse_bundled(raw: bytes) -> Catalogue:
    return msgspec.convert(tomllib.loads(raw.decode()), Catalogue)


def _parsed(raw: bytes, parse: Callable[[bytes], T], kind: type[T]) -> T:
    """Parse a file; its parsed form is kept, since TOML of this size takes a tenth of a second."""
    store, key = Cache("catalogue-1"), hashlib.sha256(raw).hexdigest()
    if kept := store.get(key):
        return msgspec.msgpack.decode(kept, type=kind)
    parsed = parse(raw)
    store.put(key, msgspec.msgpack.encode(parsed))
    return parsed


@cache
def _timeline() -> list[dict[str, Any]]:
    raw = Path(__file__).with_name("python_pip_timeline.json").read_bytes()
    rows: list[dict[str, Any]] = msgspec.json.decode(raw)["rows"]
    return rows


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(re.escape(name).replace(r"\*", r"(\d+\.\d+)", 1))


def _earliest(rows: Iterable[BaseFacts], on: date) -> BaseFacts:
    """Return the earliest row, with the Python and pip that the official images had on an earlier date."""
    earliest = replace(min(rows, key=lambda row: row.date), later=True)
    if not (earliest.python and earliest.image.startswith("python:")):
        return earliest
    minor = "{}.{}".format(*Version(earliest.python).release[:2])
    pins = [pin for pin in _timeline() if pin["series"] == minor and date.fromisoformat(pin["date"]) <= on]
    return replace(earliest, python=pins[-1]["python"], pip=pins[-1]["pip"]) if pins else earliest


def _normalized(reference: str) -> str:
    """Return a reference as the catalogue spells it: short names for Docker's own images, a tag always."""
    name = reference.removeprefix("docker://")
    for prefix in ("docker.io/library/", "index.docker.io/library/", "docker.io/", "library/"):
        name = name.removeprefix(prefix)
    if "@" in name:
        raise BaseError(
            f"{reference} names an image by digest, which the catalogue does not know", hint="name it by its tag"
        )
    return name if ":" in name.rpartition("/")[2] else f"{name}:latest"

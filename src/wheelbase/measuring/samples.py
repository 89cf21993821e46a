"""Samples, kept as lines of JSON in the user's cache, so that a run that was stopped goes on. Reads, writes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

import msgspec

from wheelbase.cache import cache_directory
from wheelbase.measuring.values import BuiltImage, Combination, Research, Sample

_FOLDER = "measured-1"


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sample, or what was found of a combination's image."""

    combination: Combination
    sample: Sample | None = None
    image: BuiltImage | None = None
    research: Research | None = None
    dockerfile: str | None = None


class Samples:
    """All that was recorded of one experiment; `key` is all that makes it another one."""

    def __init__(self, key: Iterable[str], *, fresh: bool = False) -> None:
        """Open the file of an experiment; with `fresh` what it has is left out."""
        name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
        self.path = cache_directory() / _FOLDER / f"{name}.jsonl"
        if fresh:
            self.path.unlink(missing_ok=True)
        self._lines = list(_read(self.path))

    def add(
        self,
        combination: Combination,
        *,
        samples: Iterable[Sample] = (),
        image: BuiltImage | None = None,
        research: Research | None = None,
        dockerfile: str | None = None,
    ) -> None:
        """Keep what was measured, at once."""
        lines = [_Line(combination=combination, sample=one) for one in samples]
        if image or research or dockerfile:
            lines.append(_Line(combination=combination, image=image, research=research, dockerfile=dockerfile))
        self._lines += lines
        with contextlib.suppress(OSError):  # a cache that cannot be written costs a repetition, never an answer
            self.path.parent.mkdir(parents=True, exist_ok=True)
            data = b"".join(msgspec.json.encode(line) + b"\n" for line in lines)
            with self.path.open("ab") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())

    def of(self, combination: Combination) -> tuple[Sample, ...]:
        """Return the samples of a combination, in their order."""
        return tuple(line.sample for line in self._lines if line.sample and line.combination == combination)

    def image(self, combination: Combination) -> BuiltImage | None:
        """Return the image of a combination."""
        return next((line.image for line in self._lines if line.image and line.combination == combination), None)

    def research(self, base: str) -> Research | None:
        """Return what had to be tried on a base, as it was known at last."""
        found = [line.research for line in self._lines if line.research and line.combination.base == base]
        return found[-1] if found else None

    def dockerfile(self, combination: Combination) -> str | None:
        """Return the Dockerfile of a combination."""
        found = [line.dockerfile for line in self._lines if line.dockerfile and line.combination == combination]
        return found[-1] if found else None


def _read(path: Path) -> Iterable[_Line]:
    """Yield the lines that are whole: the last one may have been cut off."""
    with contextlib.suppress(OSError):
        for raw in path.read_bytes().splitlines():
            with contextlib.suppress(msgspec.MsgspecError):
                yield msgspec.json.decode(raw, type=_Line)

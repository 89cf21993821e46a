"""Samples, kept as lines of JSON in the user's cache, so that a run that was stopped goes on. Reads, writes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import msgspec

from wheelbase.measuring.lines import append_lines, kept, read_lines
from wheelbase.measuring.values import BuiltImage, Combination, Research, Sample


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
        self.path = kept(f"{name}.jsonl")
        if fresh:
            self.path.unlink(missing_ok=True)
        self._lines = list(read_lines(self.path, _Line))

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
        append_lines(self.path, lines)

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

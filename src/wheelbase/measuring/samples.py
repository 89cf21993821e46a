"""Samples, kept as lines of JSON in the user's cache, so that a run that was stopped goes on. Reads, writes."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

import msgspec

from wheelbase.measuring.lines import append_lines, kept, read_lines
from wheelbase.measuring.values import BuilderName, BuiltImage, Combination, Research, Sample


class _Line(msgspec.Struct, frozen=True, omit_defaults=True):
    """A sample, or what was found of a combination's image, or that all before it is to be measured again.

    `at` is when it was measured, `by` are the versions of its builder's programs.
    """

    combination: Combination
    at: str
    by: str
    sample: Sample | None = None
    image: BuiltImage | None = None
    research: Research | None = None
    dockerfile: str | None = None
    forgotten: bool = False


class Samples:
    """All that was recorded of one experiment; `key` is all that makes it another one.

    What failed in an earlier run is tried again: a network or a time limit may have been the cause. So is what other
    versions of a builder have built.
    """

    def __init__(
        self,
        key: Iterable[str],
        *,
        versions: Mapping[BuilderName, str] | None = None,
        fresh: Collection[Combination] = (),
    ) -> None:
        """Open the file of an experiment; of the combinations that are `fresh`, what it has is left out from now on."""
        self._versions = versions or {}
        name = hashlib.sha256("\0".join(key).encode()).hexdigest()[:32]
        self.path = kept(f"{name}.jsonl")
        append_lines(self.path, [msgspec.structs.replace(self._line(one), forgotten=True) for one in fresh])
        self._lines = _that_hold(read_lines(self.path, _Line), self._versions)

    def add(
        self,
        combination: Combination,
        *,
        sample: Sample | None = None,
        image: BuiltImage | None = None,
        research: Research | None = None,
        dockerfile: str | None = None,
    ) -> None:
        """Keep what was measured, at once."""
        line = msgspec.structs.replace(
            self._line(combination), sample=sample, image=image, research=research, dockerfile=dockerfile
        )
        self._lines.append(line)
        append_lines(self.path, [line])

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

    def newest(self, combinations: Collection[Combination]) -> str | None:
        """Return when the last of these combinations' samples was measured."""
        return max((line.at for line in self._lines if line.sample and line.combination in combinations), default=None)

    def _line(self, combination: Combination) -> _Line:
        at = datetime.now(UTC).isoformat(timespec="seconds")
        return _Line(combination=combination, at=at, by=self._versions.get(combination.builder, ""))


def _that_hold(lines: Iterable[_Line], versions: Mapping[BuilderName, str]) -> list[_Line]:
    """Leave out what other versions have built, what was given up, and each round up to a build of it that failed."""
    found: list[_Line] = []
    for line in lines:
        of, sample = line.combination, line.sample
        if line.by != versions.get(of.builder, ""):
            continue
        if line.forgotten:
            found = [one for one in found if one.combination != of]
        elif sample and sample.failure:
            found = [
                one for one in found if not (one.sample and one.combination == of and one.sample.round == sample.round)
            ]
        elif not (line.research and line.research.outcome != "built"):
            found.append(line)
    return found

"""What a comparison answers. Pure values; sizes in bytes, times in seconds, None is "not known"."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from wheelbase.bases.facts import BaseFacts
from wheelbase.buildtime import Seconds
from wheelbase.recipes.buildneeds import BuildNeeds
from wheelbase.recipes.hazards import Hazard
from wheelbase.system.packages import Closure
from wheelbase.wheels.bytecode import Bytecode

Verdict = Literal["wheels", "compiles", "impossible", "no-python"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedFile:
    """One file that pip takes. `pure` source archives need no compiler; `installed_bytes` leaves bytecode out."""

    name: str
    version: str
    filename: str
    kind: Literal["wheel", "sdist"]
    bytes: int | None
    installed_bytes: int | None
    reason: str
    pure: bool = False
    estimated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseCost:
    """What the application costs on one base image.

    `base` is the reference as the user wrote it. `compiles` are names of packages that are compiled; `missing` those
    that have no file at all for the base, with the reason. `image_bytes` is the base, the system packages that bring
    its Python, the files, the bytecode, and what pip leaves of its own bytecode (`left_by_pip`). Compilers are not in
    it: with anything to compile it is the size of an image built in stages, and `image_with_compilers_bytes` that of
    one in which all that the build needed was left. `building` is what compiling needs, None where nothing is compiled;
    `system` what the user's own system packages bring along; `hazards` what the packages are known to lack there.
    """

    base: str
    facts: BaseFacts
    verdict: Verdict
    python: str | None
    files: tuple[PickedFile, ...] = ()
    compiles: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    download_bytes: int | None = None
    added_files: int | None = None
    added_bytecode: Bytecode | None = None
    left_by_pip: int = 0
    image_bytes: int | None = None
    image_compressed_bytes: int | None = None
    build_seconds: Seconds | None = None
    image_with_compilers_bytes: int | None = None
    building: BuildNeeds | None = None
    system: Closure | None = None
    run_packages: tuple[str, ...] = ()
    hazards: tuple[Hazard, ...] = ()
    notes: tuple[str, ...] = ()
    advice: tuple[str, ...] = ()

    @property
    def build_packages(self) -> tuple[str, ...]:
        """The names of the system packages that compiling needs."""
        return self.building.needs.build_packages if self.building else ()

    @property
    def wheels(self) -> int:
        """How many packages come as wheels."""
        return sum(file.kind == "wheel" for file in self.files)

    @property
    def estimated(self) -> bool:
        """Say whether the image size rests on more estimates than that of bytecode."""
        return any(file.estimated for file in self.files) or bool(self.facts.estimated) or self.facts.later


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The base to take, None where none can be recommended, and why."""

    base: str | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The whole answer. `as_of` is the date that the user asked for, None for today.

    `requests` and `received_bytes` are what was asked of the network, beside what uv asked.
    """

    source: str
    index: str
    python: str
    arch: str
    as_of: date | None
    bases: tuple[BaseCost, ...]
    recommendation: Recommendation
    notes: tuple[str, ...] = ()
    requests: int = 0
    received_bytes: int = 0

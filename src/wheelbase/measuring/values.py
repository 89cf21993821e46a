"""What real builds were measured to cost. Pure values; sizes in bytes, times in seconds, None is "not measured"."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

#: `cold`: nothing is cached; `edited`: after a change of the application's code; `added`: after one more dependency.
Scenario = Literal["cold", "edited", "added"]
SCENARIOS: tuple[Scenario, ...] = ("cold", "edited", "added")
BuilderName = Literal["docker", "buildkit", "podman", "buildah", "wheelbase"]
Installer = Literal["pip", "uv"]
#: In the order in which they come to pass; `other` is what no phase accounts for.
PhaseName = Literal[
    "pull", "system packages", "resolve", "download", "compile", "install", "application", "export", "other"
]
PartName = Literal["base", "system packages", "wheels", "compiled", "bytecode", "application"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """What is built how: a base as the user named it, a builder, and what it installs with (None for our own)."""

    base: str
    builder: BuilderName
    installer: Installer | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a build failed: the cause in a line, and the end of what it wrote."""

    cause: str
    log: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One build. `round` counts from 1; `peak_bytes` is the most memory that the build had at once."""

    combination: Combination
    scenario: Scenario
    round: int
    seconds: float
    phases: Mapping[PhaseName, float] = field(default_factory=dict)
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuiltImage:
    """The image of a combination's first cold build. `files` are the names of the archives that were installed.

    `parts` are bytes as unpacked. `start_seconds` is the median of starts of `python -c "import ..."` in fresh
    containers, `answer_seconds` that of starts of a service until it answers HTTP, and `push_seconds` what it took to
    push the image to a registry that has the base.
    """

    image_bytes: int
    compressed_bytes: int | None
    layers: int
    files: tuple[str, ...] = ()
    compiled: tuple[str, ...] = ()
    parts: Mapping[PartName, int] = field(default_factory=dict)
    start_seconds: float | None = None
    answer_seconds: float | None = None
    push_seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Research:
    """What was tried until it built: the packages that each round added, the last state, and what is lost silently.

    `lost` are optional libraries that what was compiled does not load, with what is missing for want of them.
    """

    rounds: tuple[tuple[str, ...], ...]
    packages: tuple[str, ...]
    outcome: Literal["built", "no package cures it", "not found", "given up"]
    cause: str | None = None
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What `compare` said of a base before anything was built; times are for a cold build."""

    base: str
    files: tuple[str, ...] = ()
    compiles: tuple[str, ...] = ()
    image_bytes: int | None = None
    compressed_bytes: int | None = None
    low_seconds: float | None = None
    high_seconds: float | None = None
    build_packages: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """All that was measured of one combination. `commands` are those that build the same once more."""

    combination: Combination
    samples: tuple[Sample, ...]
    image: BuiltImage | None = None
    research: Research | None = None
    dockerfile: str | None = None
    commands: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """A builder that could not be used, and why."""

    builder: BuilderName
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Measurement:
    """The whole experiment. `machine` and `versions` say on what and with what; `bases` has each base's digest."""

    source: str
    python: str
    arch: str
    measured_at: str
    machine: Mapping[str, str]
    versions: Mapping[str, str]
    bases: Mapping[str, str]
    outcomes: tuple[Outcome, ...]
    predictions: tuple[Predicted, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    notes: tuple[str, ...] = ()

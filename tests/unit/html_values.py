"""A comparison and a measurement like those of two bases in January 2020, and what a browser is shown of them."""

from __future__ import annotations

from wheelbase.measuring.values import (
    BuilderName,
    BuiltImage,
    Combination,
    Failure,
    Installer,
    Measurement,
    Outcome,
    PartName,
    PhaseName,
    Predicted,
    Research,
    Sample,
    Scenario,
    Skipped,
)

PHASES: dict[str, dict[PhaseName, float]] = {
    "slim": {"pull": 6.1, "resolve": 1.4, "download": 6.3, "install": 11.2, "application": 0.3, "export": 3.9},
    "alpine": {
        "pull": 3.2,
        "system packages": 21.4,
        "resolve": 2.2,
        "download": 8.7,
        "compile": 1473.0,
        "install": 9.8,
        "application": 0.4,
        "export": 31.0,
    },
}
PARTS: dict[str, dict[PartName, int]] = {
    "slim": {"base": 193_130_000, "wheels": 143_900_000, "bytecode": 29_400_000, "application": 20_000},
    "alpine": {
        "base": 110_490_000,
        "system packages": 1_400_000,
        "wheels": 3_400_000,
        "compiled": 212_000_000,
        "bytecode": 24_100_000,
        "application": 20_000,
    },
}
FILES = ("numpy-1.18.1-cp38-cp38-manylinux1_x86_64.whl",)
DOCKERFILE = """\
# syntax=docker/dockerfile:1
FROM python:3.8-alpine AS build
RUN apk add --no-cache gcc musl-dev postgresql-dev
COPY requirements.txt .
RUN pip install --prefix=/install -r requirements.txt

FROM python:3.8-alpine
COPY --from=build /install /usr/local
USER 1000
CMD ["python", "-m", "app"]
"""


def samples(which: str, factor: float = 1.0) -> tuple[Sample, ...]:
    """Return three rounds of each scenario; the second round is the median."""
    how = Combination(base=f"python:3.8-{which}", builder="docker", installer="pip")
    cold = {name: seconds * factor for name, seconds in PHASES[which].items()}
    edited: dict[PhaseName, float] = {"application": 0.4 * factor, "export": 0.8 * factor}
    scenarios: dict[Scenario, dict[PhaseName, float]] = {
        "cold": cold,
        "edited": edited,
        "added": {name: seconds for name, seconds in cold.items() if name != "pull"},
    }
    return tuple(
        Sample(
            combination=how,
            scenario=scenario,
            round=number,
            seconds=round((sum(phases.values()) + 0.6) * spread, 3),
            phases={name: round(seconds * spread, 3) for name, seconds in phases.items()},
            cpu_seconds=20.0,
            peak_bytes=412_000_000,
        )
        for scenario, phases in scenarios.items()
        for number, spread in ((1, 0.94), (2, 1.0), (3, 1.11))
    )


def outcome(
    which: str, builder: BuilderName, installer: Installer | None, factor: float, research: Research | None = None
) -> Outcome:
    """Return what one combination took."""
    return Outcome(
        combination=Combination(base=f"python:3.8-{which}", builder=builder, installer=installer),
        samples=samples(which, factor),
        image=BuiltImage(
            image_bytes=sum(PARTS[which].values()),
            compressed_bytes=round(sum(PARTS[which].values()) * 0.34),
            layers=7,
            files=FILES,
            compiled=("numpy",) if which == "alpine" else (),
            parts=PARTS[which],
            start_seconds=0.84,
        ),
        research=research,
        dockerfile=DOCKERFILE,
        commands=("docker build --no-cache -t app .", "docker run --rm app"),
    )


RESEARCHED = Research(
    rounds=(("gcc", "musl-dev"), ("postgresql-dev",)),
    packages=("gcc", "musl-dev", "postgresql-dev"),
    outcome="built",
    lost=("numpy does not load libopenblas: fast linear algebra",),
)
FAILED = Outcome(
    combination=Combination(base="registry.example/team/ubuntu-with-a-long-name:18.04", builder="docker"),
    samples=(
        Sample(
            combination=Combination(base="registry.example/team/ubuntu-with-a-long-name:18.04", builder="docker"),
            scenario="cold",
            round=1,
            seconds=12.5,
            failure=Failure(cause="numpy has no wheel for Python 3.6", log="ERROR: No matching distribution\n"),
        ),
    ),
    research=Research(rounds=(), packages=(), outcome="no package cures it", cause="numpy needs Python 3.7"),
)
MEASUREMENT = Measurement(
    source="arguments",
    python="3.8",
    arch="amd64",
    measured_at="2020-01-29T12:00:00Z",
    machine={"cpu": "4 cores", "memory": "16 GB"},
    versions={"wheelbase": "0.1.0", "docker": "19.03.5", "pip": "19.3.1"},
    bases={"python:3.8-slim": "sha256:" + "5" * 64, "python:3.8-alpine": "sha256:" + "a" * 64},
    outcomes=(
        outcome("alpine", "docker", "pip", 1.0, RESEARCHED),
        outcome("slim", "docker", "pip", 1.0),
        outcome("slim", "docker", "uv", 0.71),
        outcome("slim", "wheelbase", None, 0.18),
        FAILED,
    ),
    predictions=(
        Predicted(
            base="python:3.8-slim",
            files=FILES,
            image_bytes=366_000_000,
            compressed_bytes=121_000_000,
            low_seconds=9,
            high_seconds=22,
        ),
        Predicted(
            base="python:3.8-alpine",
            files=("numpy-1.18.1.zip",),
            compiles=("numpy",),
            image_bytes=347_000_000,
            low_seconds=720,
            high_seconds=2520,
            build_packages=("gcc", "musl-dev", "postgresql-dev"),
        ),
    ),
    skipped=(Skipped(builder="buildah", reason="it is not installed"),),
    notes=("the machine did nothing else",),
)

"""`wheelbase measure`: what really building an application costs, by base, builder and installer. Builds images.

Talks to package indexes and registries, runs builders, writes a scratch that is gone at the end, and keeps samples and
times in the user's cache.
"""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from wheelbase.bases.facts import Arch
from wheelbase.errors import BaseError
from wheelbase.measuring.calibration import Timed, remember
from wheelbase.measuring.machine import machine_facts
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.values import (
    SCENARIOS,
    BuilderName,
    Combination,
    Installer,
    Measurement,
    Outcome,
    Predicted,
    Sample,
    Scenario,
    Skipped,
)
from wheelbase.oci.platform import Platform
from wheelbase.recipes.compare import DEFAULT_MEGABITS, compare
from wheelbase.recipes.experiment import prepare
from wheelbase.recipes.fitting import factor_of
from wheelbase.recipes.measurebuilds import Bench, measure_round
from wheelbase.recipes.measureplaces import base_layouts, check_room, usable_builders
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.wheels.pip_bytecode import left_by_pip

BUILDERS: tuple[BuilderName, ...] = ("docker", "buildkit", "podman", "buildah", "wheelbase")
INSTALLERS: tuple[Installer, ...] = ("pip", "uv")
DEFAULT_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How to measure: `repeat` rounds of the scenarios, each build within `seconds`.

    `environment` are variables of the build stage, `tools` packages of Python that it has at hand, and `files` what its
    installing steps see, by the path in the container. With `fresh`, what was measured before is measured again.
    """

    builders: tuple[BuilderName, ...] = BUILDERS
    installers: tuple[Installer, ...] = INSTALLERS
    scenarios: tuple[Scenario, ...] = SCENARIOS
    repeat: int = 3
    seconds: float = DEFAULT_SECONDS
    no_binary: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    tools: tuple[str, ...] = ()
    files: Mapping[str, Path] = field(default_factory=dict)
    fresh: bool = False

    def options(self) -> list[str]:
        """Return the options of the command line that change how things are built."""
        words = [word for name in self.no_binary for word in ("--no-binary", name)]
        words += [word for name in self.tools for word in ("--build-tool", name)]
        words += [word for name, value in self.environment.items() for word in ("--build-env", f"{name}={value}")]
        return words + [word for path, file in self.files.items() for word in ("--build-file", f"{file}:{path}")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What was predicted, and what was measured."""

    comparison: Comparison
    measurement: Measurement


def measure(
    requirements: Sequence[str] = (),
    *,
    files: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    bases: Sequence[str] = (),
    python: str | None = None,
    plan: Plan = Plan(),
    megabits: float = DEFAULT_MEGABITS,
    report: Report = silent,
) -> Measured:
    """Build an application in every way that was asked for, and return what that took beside what was predicted.

    What is named is read as `compare` does. A build that fails is a result; EngineError where nothing can build here,
    or there is no room. Whatever ends it, nothing of what it made is left but samples in the user's cache.
    """
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="wheelbase-measure-")))
        report("reading requirements", 0, 0)
        experiment = prepare(
            requirements,
            files=files,
            extras=extras,
            groups=groups,
            no_binary=plan.no_binary,
            scenarios=plan.scenarios,
            scratch=scratch / "application",
        )
        arch: Arch = "arm64" if Platform.of_this_machine().architecture == "arm64" else "amd64"
        comparison = compare(
            experiment.subjects["cold"].requirements,
            bases=bases,
            python=python,
            arch=arch,
            system=experiment.subjects["cold"].settings.system,
            megabits=megabits,
            report=report,
        )
        if not bases:
            comparison = _recommended(comparison)
        check_room(scratch, comparison)
        run = secrets.token_hex(4)
        builders, skipped = usable_builders(stack, plan.builders, scratch, run)
        layouts = base_layouts(comparison, scratch / "bases", report)
        key = (experiment.key, *layouts, *(str(one.digest) for one in layouts.values()), *_of_plan(plan))
        bench = Bench(
            experiment=experiment,
            builders=builders,
            layouts=layouts,
            scratch=scratch,
            run=run,
            samples=Samples(key, fresh=plan.fresh),
            seconds=plan.seconds,
            environment=plan.environment,
            tools=plan.tools,
            files=plan.files,
            options=plan.options(),
        )
        combinations = [
            combination
            for cost in comparison.bases
            if cost.base in layouts
            for combination in _combinations(cost, plan, builders)
        ]
        costs = {cost.base: cost for cost in comparison.bases}
        # What is measured now changes the factors, but not the times that were predicted.
        factors = {base: factor_of(cost) for base, cost in costs.items()}
        total = plan.repeat * len(combinations)
        for number in range(plan.repeat):
            for place, combination in enumerate(combinations):
                what = f"{combination.builder} {combination.installer or ''}".strip()
                report(f"{what} on {combination.base}", number * len(combinations) + place, total)
                cost = costs[combination.base]
                _learn(cost, factors[cost.base], measure_round(bench, combination, cost, number + 1))
        return Measured(comparison=comparison, measurement=_measurement(bench, comparison, combinations, skipped, plan))


def _learn(cost: BaseCost, factor: float, samples: Iterable[Sample]) -> None:
    """Keep how long cold builds took, beside what is predicted where nothing was measured."""
    predicted = cost.build_seconds
    if predicted:
        remember(
            [
                Timed(
                    at=datetime.now(UTC).isoformat(timespec="seconds"),
                    builder=sample.combination.builder,
                    installer=sample.combination.installer,
                    compiled=bool(cost.compiles),
                    seconds=sample.seconds,
                    low=predicted.low / factor,
                    high=predicted.high / factor,
                )
                for sample in samples
                if sample.scenario == "cold" and sample.failure is None
            ]
        )


def _recommended(comparison: Comparison) -> Comparison:
    """Keep the recommended one of the default bases: to build on all of them would take too long."""
    base = comparison.recommendation.base
    if base is None:
        raise BaseError(f"no base can be recommended: {comparison.recommendation.reason}", hint="name one with --base")
    return replace(comparison, bases=tuple(cost for cost in comparison.bases if cost.base == base))


def _combinations(cost: BaseCost, plan: Plan, builders: Iterable[BuilderName]) -> Iterable[Combination]:
    for builder in builders:
        if builder == "wheelbase":
            yield Combination(base=cost.base, builder=builder)
        elif cost.facts.has_pip is not False:
            for installer in plan.installers:
                yield Combination(base=cost.base, builder=builder, installer=installer)


def _of_plan(plan: Plan) -> list[str]:
    """Return what makes samples of one plan others than those of another: not how many, nor by what they are built."""
    return [*plan.scenarios, *plan.no_binary, *plan.tools, *(f"{k}={v}" for k, v in sorted(plan.environment.items()))]


def _measurement(
    bench: Bench, comparison: Comparison, combinations: Sequence[Combination], skipped: Sequence[Skipped], plan: Plan
) -> Measurement:
    versions = {name: text for builder in bench.builders.values() for name, text in builder.versions().items()}
    outcomes = tuple(
        Outcome(
            combination=one,
            samples=tuple(sample for sample in bench.samples.of(one) if sample.round <= plan.repeat),
            image=bench.samples.image(one),
            research=bench.samples.research(one.base) if one.installer else None,
            dockerfile=bench.samples.dockerfile(one),
            commands=bench.commands(one),
        )
        for one in combinations
    )
    return Measurement(
        source=bench.experiment.source,
        python=comparison.python,
        arch=comparison.arch,
        measured_at=datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine_facts(bench.scratch),
        versions=versions,
        bases={name: str(layout.digest) for name, layout in bench.layouts.items()},
        outcomes=outcomes,
        predictions=tuple(map(_predicted, comparison.bases)),
        skipped=tuple(skipped),
        notes=(*bench.experiment.notes, *bench.notes),
    )


def _predicted(cost: BaseCost) -> Predicted:
    """Return what was predicted of a base: of an image that has no pip which was run in it."""
    left = left_by_pip(cost.facts.python_minor or (3, 13)) if cost.left_by_pip else (0, 0)
    size, compressed = cost.image_bytes, cost.image_compressed_bytes
    return Predicted(
        base=cost.base,
        files=tuple(file.filename for file in cost.files),
        compiles=cost.compiles,
        image_bytes=size - left[0] if size is not None else None,
        compressed_bytes=compressed - left[1] if compressed is not None else None,
        low_seconds=cost.build_seconds.low if cost.build_seconds else None,
        high_seconds=cost.build_seconds.high if cost.build_seconds else None,
        build_packages=cost.build_packages,
    )

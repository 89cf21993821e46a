"""`wheelbase measure`: what really building an application costs, by base, builder and installer. Builds images.

Talks to package indexes and registries, runs builders, writes a scratch that is gone at the end, and keeps samples and
times in the user's cache.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import product
from pathlib import Path

from wheelbase import __version__
from wheelbase.engines.errors import EngineError
from wheelbase.engines.scratch import held_scratch
from wheelbase.errors import BaseError
from wheelbase.measuring.calibration import Timed, remember
from wheelbase.measuring.machine import machine_facts
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.values import (
    BuilderName,
    Combination,
    Measurement,
    Outcome,
    Predicted,
    Sample,
)
from wheelbase.oci.digest import Digest
from wheelbase.oci.platform import Platform
from wheelbase.project.read import folder_of
from wheelbase.recipes.compare import DEFAULT_MEGABITS, compare
from wheelbase.recipes.experiment import Experiment, prepare
from wheelbase.recipes.fitting import factor_of
from wheelbase.recipes.measurebuilds import BaseLayout, Bench, measure_round
from wheelbase.recipes.measureplaces import base_layouts, check_room, left_out, takes_dockerfiles, usable_builders
from wheelbase.recipes.measureplan import Plan
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.subject import index_settings
from wheelbase.recipes.values import BaseCost, Comparison
from wheelbase.wheels.pip_bytecode import left_by_pip

_USUAL = Plan()


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
    plan: Plan = _USUAL,
    megabits: float = DEFAULT_MEGABITS,
    report: Report = silent,
) -> Measured:
    """Build an application in every way that was asked for, and return what that took beside what was predicted.

    What is named is read as `compare` does. A build that fails is a result; EngineError where nothing can build here,
    or there is no room. Whatever ends it, nothing of what it made is left but samples in the user's cache, and what it
    was asked to push.
    """
    with ExitStack() as stack:
        run = secrets.token_hex(4)
        scratch = stack.enter_context(held_scratch(run))
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
        comparison = _compared(experiment, bases, python, megabits, report)
        place = "." if files else str(folder_of(requirements) or ".")
        bench = _bench(stack, run, scratch, plan, experiment, place, comparison, report)
        # What is measured now changes the factors, but not the times that were predicted.
        factors = {cost.base: factor_of(cost) for cost in comparison.bases}
        _build_all(bench, comparison, factors, report)
        return Measured(comparison=comparison, measurement=_measurement(bench, comparison, factors))


def _bench(
    stack: ExitStack,
    run: str,
    scratch: Path,
    plan: Plan,
    experiment: Experiment,
    place: str,
    comparison: Comparison,
    report: Report,
) -> Bench:
    """Return all that builds take place with, the bases fetched; EngineError where nothing can be built."""
    check_room(scratch, comparison, plan.builders)
    builders, skipped = usable_builders(stack, plan.builders, scratch, run)
    layouts = base_layouts(comparison, scratch / "bases", report)
    combinations = [one for cost in comparison.bases if cost.base in layouts for one in _all(cost, plan, builders)]
    notes = [*experiment.notes, *(why for cost in comparison.bases if (why := left_out(cost, list(builders))))]
    if not combinations:
        raise EngineError(f"nothing can be built: {'; '.join(notes)}", hint="take --builder wheelbase")
    versions = {name: dict(builder.versions()) for name, builder in builders.items()}
    return Bench(
        plan=plan,
        experiment=experiment,
        place=place,
        combinations=combinations,
        builders=builders,
        versions={name: text for own in versions.values() for name, text in own.items()},
        skipped=skipped,
        layouts=layouts,
        scratch=scratch,
        run=run,
        samples=Samples(
            _key(experiment, comparison, layouts, plan),
            versions={name: repr(sorted(own.items())) for name, own in versions.items()},
            fresh=combinations if plan.fresh else (),
        ),
        notes=notes,
    )


def _compared(
    experiment: Experiment, bases: Sequence[str], python: str | None, megabits: float, report: Report
) -> Comparison:
    """Return what is predicted of the bases, of the one that is recommended where none is named."""
    subject = experiment.subjects["cold"]
    comparison = compare(
        subject.requirements,
        bases=bases,
        python=python,
        arch="arm64" if Platform.of_this_machine().architecture == "arm64" else "amd64",
        system=subject.settings.system,
        megabits=megabits,
        report=report,
    )
    return comparison if bases else _recommended(comparison)


def _build_all(bench: Bench, comparison: Comparison, factors: Mapping[str, float], report: Report) -> None:
    """Build all combinations in turn, as often as it is planned."""
    costs = {cost.base: cost for cost in comparison.bases}
    turns = list(product(range(1, bench.plan.repeat + 1), bench.combinations))
    for done, (number, combination) in enumerate(turns):
        what = f"{combination.builder} {combination.installer or ''}".strip()
        report(f"{what} on {combination.base}", done, len(turns))
        cost = costs[combination.base]
        _learn(cost, factors[cost.base], measure_round(bench, combination, cost, number))


def _measurement(bench: Bench, comparison: Comparison, factors: Mapping[str, float]) -> Measurement:
    if any(factor != 1 for factor in factors.values()):
        bench.note("predicted times are the model's own; those of compare are fitted to builds of this machine")
    return Measurement(
        source=bench.experiment.source,
        python=comparison.python,
        arch=comparison.arch,
        measured_at=bench.samples.newest(bench.combinations) or datetime.now(UTC).isoformat(timespec="seconds"),
        machine=machine_facts(bench.scratch),
        versions=bench.versions,
        bases={name: str(layout.digest) for name, layout in bench.layouts.items()},
        outcomes=tuple(_outcome(bench, one) for one in bench.combinations),
        predictions=tuple(_predicted(cost, factors[cost.base]) for cost in comparison.bases),
        skipped=tuple(bench.skipped),
        notes=tuple(bench.notes),
    )


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


def _all(cost: BaseCost, plan: Plan, builders: Iterable[BuilderName]) -> Iterable[Combination]:
    for builder in builders:
        if builder == "wheelbase":
            yield Combination(base=cost.base, builder=builder)
        elif takes_dockerfiles(cost):
            for installer in plan.installers:
                yield Combination(base=cost.base, builder=builder, installer=installer)


def _key(
    experiment: Experiment, comparison: Comparison, layouts: Mapping[str, BaseLayout], plan: Plan
) -> Iterable[str]:
    """Return what makes samples others than those before: not how many, nor by what they are built."""
    subject = experiment.subjects["cold"]
    parts = {
        "wheelbase": __version__,
        "application": experiment.key,
        "bases": [(name, str(layout.digest)) for name, layout in layouts.items()],
        "files": [file.filename for cost in comparison.bases for file in cost.files],
        "indexes": index_settings(subject).index_urls,
        "chosen": (subject.extras, subject.groups, plan.scenarios, plan.no_binary, plan.tools),
        "environment": sorted(plan.environment.items()),
        "shown": [(path, str(Digest.of(file.read_bytes()))) for path, file in sorted(plan.files.items())],
    }
    # What is not asked for makes no other experiment of those that were measured when it could not be.
    looked_at = {"port": plan.port, "push": plan.push}
    return [repr(part) for part in (*parts.items(), *looked_at.items()) if part[1] is not None]


def _outcome(bench: Bench, combination: Combination) -> Outcome:
    return Outcome(
        combination=combination,
        samples=tuple(sample for sample in bench.samples.of(combination) if sample.round <= bench.plan.repeat),
        image=bench.samples.image(combination),
        research=bench.samples.research(combination.base) if combination.installer else None,
        dockerfile=bench.samples.dockerfile(combination),
        commands=bench.commands(combination),
    )


def _predicted(cost: BaseCost, factor: float) -> Predicted:
    """Return what was predicted of a base: of an image that has no pip which was run in it.

    Times are the model's own, which `factor` has changed: what it learns of these builds is no prediction of them.
    """
    left = left_by_pip(cost.facts.python_minor or (3, 13)) if cost.left_by_pip else (0, 0)
    size, compressed = cost.image_bytes, cost.image_compressed_bytes
    return Predicted(
        base=cost.base,
        files=tuple(file.filename for file in cost.files),
        compiles=cost.compiles,
        image_bytes=size - left[0] if size is not None else None,
        compressed_bytes=compressed - left[1] if compressed is not None else None,
        low_seconds=round(cost.build_seconds.low / factor, 1) if cost.build_seconds else None,
        high_seconds=round(cost.build_seconds.high / factor, 1) if cost.build_seconds else None,
        build_packages=cost.build_packages,
    )

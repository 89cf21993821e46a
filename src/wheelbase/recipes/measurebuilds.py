"""One round of `measure`: the builds of a combination, one scenario after the other. Runs builders."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from wheelbase.engines.builders import PREFIX, Builder, Job
from wheelbase.engines.timed import Watched
from wheelbase.errors import hide_secrets
from wheelbase.measuring.phases import phases_of
from wheelbase.measuring.samples import Samples
from wheelbase.measuring.values import BuilderName, Combination, Failure, Research, Sample, Scenario, Skipped
from wheelbase.oci.digest import Digest
from wheelbase.recipes.buildaccess import given, with_tools
from wheelbase.recipes.dockerfile import Dockerfile, dockerfile_of
from wheelbase.recipes.experiment import Experiment
from wheelbase.recipes.measureimage import built_image, lost_of, push_seconds
from wheelbase.recipes.measureplan import Plan
from wheelbase.recipes.reproduce import chosen, commands, knows
from wheelbase.recipes.values import BaseCost
from wheelbase.research.logs import cause_of
from wheelbase.research.loop import Tried, research
from wheelbase.system.platform import system_of

_SAID = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class BaseLayout:
    """A base, copied to this machine: an OCI layout, the name that builders give it, the sizes of its layers."""

    path: Path
    name: str
    digest: Digest
    layers: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """A build that was done, well or not, and the text of its Dockerfile: what it has left is there until forgotten."""

    job: Job
    dockerfile: str | None
    watched: Watched


@dataclass(slots=True, kw_only=True)
class Bench:
    """What is measured, with what, and what was measured so far.

    `place` is the application's folder as it was named, `versions` are those of the builders' programs, by name.
    """

    plan: Plan
    experiment: Experiment
    place: str = "."
    combinations: Sequence[Combination] = ()
    builders: Mapping[BuilderName, Builder]
    versions: Mapping[str, str] = field(default_factory=dict)
    skipped: Sequence[Skipped] = ()
    layouts: Mapping[str, BaseLayout]
    scratch: Path
    run: str
    samples: Samples
    notes: list[str] = field(default_factory=list)
    _bases: dict[tuple[str, str], str] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Add a note, once."""
        if text not in self.notes:
            self.notes.append(text)

    def base(self, combination: Combination) -> str:
        """Return what FROM says, once the builder has taken the base."""
        key = combination.builder, combination.base
        if key not in self._bases:
            layout = self.layouts[combination.base]
            self._bases[key] = self.builders[combination.builder].take_base(layout.path, layout.name)
        return self._bases[key]

    def research(self, combination: Combination, cost: BaseCost) -> tuple[Research | None, Done | None]:
        """Return what a base needs to compile the application, found by building, and the last of the builds.

        None where nothing is compiled; and no build where it was known before.
        """
        system = system_of(cost.facts)
        if not cost.compiles or combination.installer is None or system is None:
            return None, None
        known = self.samples.research(combination.base)
        if known:
            return known, None
        builder = self.builders[combination.builder]
        last: list[Done] = []
        rounds = itertools.count()

        def attempt(packages: tuple[str, ...]) -> Tried:
            if last:
                builder.forget(last.pop().job)
            # Nothing that another has left is used, so that the last one is a cold build, and may be measured.
            marker = _marker(self, combination, f"research{next(rounds)}")
            last.append(_build(self, combination, cost, "cold", marker, packages))
            return Tried(ok=last[0].watched.ok, log=last[0].watched.log)

        try:
            found = research(attempt, system)
        except BaseException:
            if last:
                builder.forget(last[0].job)
            raise
        self.samples.add(combination, research=found)
        return found, last[0]

    def commands(self, combination: Combination) -> tuple[str, ...]:
        """Return the commands that build the same once more."""
        researched = self.samples.research(combination.base) if combination.installer else None
        return commands(
            self.experiment,
            combination,
            place=self.place,
            digest=self.layouts[combination.base].digest,
            # What was researched is found by building alone.
            options=[*self.plan.options(), *(("--time-limit", f"{self.plan.seconds:g}") if researched else ())],
        )


def measure_round(bench: Bench, combination: Combination, cost: BaseCost, number: int) -> Sequence[Sample]:
    """Build a combination in all scenarios, unless that was done before, and return what was measured now.

    After a build that fails no other follows. Where some of the scenarios were done before, the first of them are built
    once more, as the others need what they leave.
    """
    known = bench.samples.of(combination)
    scenarios = list(bench.experiment.folders)
    done = {sample.scenario for sample in known if sample.round == number}
    if done >= set(scenarios) or any(sample.failure for sample in known):
        return ()
    builder = bench.builders[combination.builder]
    found, first = bench.research(combination, cost)
    marker = first.job.marker if first else _marker(bench, combination, number)
    packages = found.packages if found else None
    samples: list[Sample] = []
    built = first
    try:
        for scenario in scenarios:
            if built is None or scenario != "cold":
                built = _build(bench, combination, cost, scenario, marker, packages)
            sample = _sample(combination, scenario, number, built.watched, builder, bench.plan.seconds)
            if combination.builder in ("docker", "buildkit"):
                # The daemon does the work, for others as well: what it used for this build alone is not known.
                sample = replace(sample, cpu_seconds=None, peak_bytes=None)
                bench.note(f"CPU and memory of {combination.builder} are not measured: its daemon does the work")
            if scenario == "cold" and built.dockerfile != bench.samples.dockerfile(combination):
                bench.samples.add(combination, dockerfile=built.dockerfile)
            if scenario == "cold" and not sample.failure and bench.samples.image(combination) is None:
                _look_at(bench, combination, cost, built.job, found)
            if sample.failure or scenario not in done:
                bench.samples.add(combination, sample=sample)
                samples.append(sample)
            if sample.failure:
                break
        return samples
    finally:
        if built:
            builder.forget(built.job)


def _look_at(bench: Bench, combination: Combination, cost: BaseCost, job: Job, found: Research | None) -> None:
    """Keep what is to be known of the image that a job has made; `found` is the research that it took."""
    builder = bench.builders[combination.builder]
    image, loaded = built_image(
        builder,
        job.image,
        scratch=bench.scratch,
        base=bench.layouts[combination.base].layers,
        wanted=[one.name for one in bench.experiment.subjects["cold"].requirements.requirements],
        port=bench.plan.port,
        note=bench.note,
    )
    if bench.plan.push:
        target = f"{bench.plan.push}:{job.marker}-{combination.builder}"
        took = push_seconds(builder, job.image, target, base=bench.base(combination), note=bench.note)
        image = replace(image, push_seconds=took)
    if found:
        found = replace(found, lost=lost_of(cost, loaded))
    bench.samples.add(combination, image=image, research=found)


def _marker(bench: Bench, combination: Combination, turn: int | str) -> str:
    """Return what builds have in common that may use what the one before has left."""
    place = list(bench.layouts).index(combination.base)
    return f"{PREFIX}-{bench.run}-{turn}-{place}-{combination.installer or 'own'}"


def _build(
    bench: Bench,
    combination: Combination,
    cost: BaseCost,
    scenario: Scenario,
    marker: str,
    packages: Sequence[str] | None,
) -> Done:
    """Build one scenario; `packages` are those of the build stage, None for those that the analysis says."""
    bench.experiment.lay(scenario)
    job, text = _job(bench, combination, cost, scenario, marker, packages)
    builder = bench.builders[combination.builder]
    try:
        return Done(job=job, dockerfile=text, watched=builder.build(job))
    except BaseException:
        builder.forget(job)
        raise


def _job(
    bench: Bench,
    combination: Combination,
    cost: BaseCost,
    scenario: Scenario,
    marker: str,
    packages: Sequence[str] | None,
) -> tuple[Job, str | None]:
    """Return a build in the context, and the text of its Dockerfile as others can build it."""
    base = bench.base(combination)
    experiment = bench.experiment
    job = Job(
        marker=marker,
        image=f"{marker}/app:{scenario}",
        context=experiment.context,
        dockerfile="",
        own=_own_arguments(experiment, base),
        seconds=bench.plan.seconds,
    )
    if combination.installer is None:
        return job, None
    subject = experiment.subjects[scenario]
    plan, folder = bench.plan, bench.scratch / "secrets"
    way = given(subject, combination.builder, environment=plan.environment, files=plan.files, folder=folder)
    write = partial(
        dockerfile_of,
        cost,
        subject,
        installer=combination.installer,
        builder=combination.builder,
        build_packages=packages,
        access=way.access,
    )
    made = write(image=base)
    digest = bench.layouts[combination.base].digest
    shown = write(digest=str(digest)) if knows(combination, digest) else made
    _lay_files(experiment.context, made)
    built, text = (with_tools(one.dockerfile, plan.tools) for one in (made, shown))
    return replace(job, dockerfile=built, secrets=way.secrets, arguments=way.arguments), text


def _own_arguments(experiment: Experiment, base: str) -> tuple[str, ...]:
    return (".", "--base", base, *chosen(experiment.subjects["cold"]))


def _lay_files(context: Path, made: Dockerfile) -> None:
    for name, text in made.files.items():
        (context / name).write_text(text, encoding="utf-8")
    ignore = context / ".dockerignore"
    if not ignore.exists():
        ignore.write_text(made.dockerignore, encoding="utf-8")


def _sample(
    combination: Combination, scenario: Scenario, number: int, watched: Watched, builder: Builder, seconds: float
) -> Sample:
    failure = None
    if not watched.ok:
        said = [line.text for line in watched.lines][-_SAID:]
        cause = f"it took more than {seconds:.0f} s" if not watched.ended else _cause(watched)
        failure = Failure(cause=hide_secrets(cause), log=hide_secrets("\n".join(said)))
    return Sample(
        combination=combination,
        scenario=scenario,
        round=number,
        seconds=round(watched.seconds, 3),
        phases=phases_of(watched.lines, watched.seconds, builder.dialect),
        cpu_seconds=round(watched.cpu_seconds, 2),
        peak_bytes=watched.peak_bytes or None,
        failure=failure,
    )


def _cause(watched: Watched) -> str:
    """Return why a build failed, in a line."""
    said = [line.text.strip() for line in watched.lines if line.text.strip()]
    errors = [line for line in said if line.lower().startswith(("error", "wheelbase: error", "e: "))]
    return cause_of(watched.log) or (errors or said or [f"it ended with {watched.status}"])[-1][:300]

"""What a report says beside a comparison. Reads the project, asks registries, runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from wheelbase.errors import WheelbaseError
from wheelbase.recipes.dockerfile import build_cost, dockerfile_of, user_access
from wheelbase.recipes.reporting import Report, silent
from wheelbase.recipes.subject import subject_of
from wheelbase.recipes.values import Comparison


def recommended_files(
    comparison: Comparison,
    requirements: Sequence[str],
    *,
    files: Sequence[Path] = (),
    constraints: Sequence[Path] = (),
    extras: Sequence[str] = (),
    groups: Sequence[str] = (),
    report: Report = silent,
) -> Mapping[str, Mapping[str, str]]:
    """Return the Dockerfile of the recommended base and what goes with it, by base and name.

    Empty where there is no such base, or none that a Dockerfile can start from.
    """
    cost = next((one for one in comparison.bases if one.base == comparison.recommendation.base), None)
    if cost is None:
        return {}
    try:
        subject = subject_of(requirements, files=files, constraints=constraints, extras=extras, groups=groups)
        made = dockerfile_of(
            cost,
            subject,
            installer=subject.installer,
            build_cost=build_cost(cost, subject, report=report),
            access=user_access(subject, "buildkit"),
        )
    except WheelbaseError:
        return {}
    return {cost.base: {"Dockerfile": made.dockerfile, ".dockerignore": made.dockerignore, **made.files}}

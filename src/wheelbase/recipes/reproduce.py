"""The commands that build once more what was measured. Pure, but for the user's settings."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from wheelbase.errors import BaseError, hide_secrets
from wheelbase.measuring.values import Combination
from wheelbase.oci.digest import Digest
from wheelbase.recipes.dockerfile import build_command, user_access
from wheelbase.recipes.experiment import Experiment
from wheelbase.recipes.stages import stage_image
from wheelbase.recipes.subject import Subject


def commands(
    experiment: Experiment, combination: Combination, *, place: str, digest: Digest, options: Sequence[str]
) -> tuple[str, ...]:
    """Return the commands that build a combination once more.

    `place` is the application's folder as the user named it. With `options`, those of `measure`, no Dockerfile that
    `wheelbase dockerfile` writes is the one that was built.
    """
    subject = experiment.subjects["cold"]
    named = ["--base", combination.base, *chosen(subject)]
    if combination.builder == "wheelbase":
        return (_command("build", experiment, [*named, "-o", "app.tar"]),)
    named += ["--builder", combination.builder, "--installer", combination.installer or "pip"]
    if options or not knows(combination, digest):
        return (_command("measure", experiment, [*named, *options, "--scenario", "cold", "--repeat", "1"]),)
    return (
        _command("dockerfile", experiment, [*named, "-o", str(Path(place, "Dockerfile"))]),
        build_command(subject, combination.builder, user_access(subject, combination.builder), place),
    )


def knows(combination: Combination, digest: Digest) -> bool:
    """Say whether a builder knows a base by the name that the user gave it."""
    try:
        stage_image(combination.base, combination.builder, str(digest))
    except BaseError:
        return False
    return True


def chosen(subject: Subject) -> list[str]:
    """Return the options that choose extras and groups."""
    options = [word for name in subject.extras for word in ("--extra", name)]
    return options + [word for name in subject.groups for word in ("--group", name)]


def _command(name: str, experiment: Experiment, options: Sequence[str]) -> str:
    return hide_secrets(f"wheelbase {name} {experiment.arguments} {shlex.join(options)}")

"""Let research find the packages of source archives: `python -m benchmarks.research CACHE [ARCHIVES [PREDICTED]]`.

The truth is `sysdeps/tuned.toml`, what was found there by leaving out one package after another. Each archive is built
in a Debian 12 that has Python and nothing else, by reading logs alone; with any word for PREDICTED, it begins with what
`wheelbase sysdeps` names. CACHE keeps roots, downloads, logs and finished builds. Runs as root, on Debian, amd64. See
sysdeps/README.md.
"""

import random
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from benchmarks.sysdeps.build import Plan, fetch
from benchmarks.sysdeps.chroot import Cache
from benchmarks.sysdeps.score import _brought as brought
from benchmarks.sysdeps.score import _stands_for as stands_for
from benchmarks.sysdeps.trial import Subject, build
from packaging.utils import canonicalize_name

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.measuring.values import Research
from wheelbase.research.loop import Tried, research
from wheelbase.source.needs import needs_on
from wheelbase.source.read import findings_of_path
from wheelbase.system.platform import System, system_of

_BASE, _RELEASE = "debian:bookworm-slim", "bookworm"
_LONGEST = 60.0  # CPU seconds of one build
_TOOLCHAIN = frozenset("gcc g++ make libc6-dev pkg-config pkgconf python3-dev build-essential".split())
"""What the roots of the truth have, so that it names none of it."""


class BareCache(Cache):
    """Roots with Python alone."""

    def root(self, release: str) -> Path:
        """Return the root, made where it is not there."""
        root = self.folder / f"{release}-bare"
        if not root.exists():
            making = self.folder / f"{release}-bare.making"
            include = "--include=ca-certificates,python3-venv"
            options = ["--quiet", "--variant=apt", include, "--skip=cleanup/apt"]
            subprocess.run(["mmdebstrap", *options, release, str(making)], check=True)
            making.rename(root)
        return root


def chosen(archives: Sequence[dict[str, Any]], count: int) -> list[dict[str, Any]]:
    """Return archives by lot: those that build and need something, a third of them more than one package."""
    fitting = [one for one in archives if one["release"] == _RELEASE and one.get("cpu_seconds", 0) < _LONGEST]
    fitting = [one for one in fitting if one["status"] == "builds" and one["required"] and not one.get("pins")]
    lot = random.Random(7)
    several = [one for one in fitting if len(one["required"]) > 1]
    first = lot.sample(several, min(count // 3, len(several)))
    rest = [one for one in fitting if one not in first]
    return sorted([*first, *lot.sample(rest, count - len(first))], key=lambda one: str(one["name"]).lower())


def one(truth: dict[str, Any], cache: Cache, system: System, predicted: bool) -> Research:
    """Run the loop on one archive."""
    plan = Plan(**{key: truth[key] for key in ("name", "version", "filename", "sha256")})
    archive = fetch(plan, cache.made("archives"))
    subject = Subject(archive=archive, release=_RELEASE)

    def attempt(packages: tuple[str, ...]) -> Tried:
        trial = build(cache, subject, frozenset(packages))
        return Tried(ok=trial.stage == "done", log=Path(trial.log).read_text(errors="replace"))

    start: tuple[str, ...] = ()
    if predicted:
        findings = findings_of_path(archive)
        start = needs_on(findings, system, project=canonicalize_name(truth["name"])).build_packages
    return research(attempt, system, start=start)


def compared(truth: dict[str, Any], found: Research, system: System) -> tuple[list[str], list[str]]:
    """Return (packages too many, required packages left out)."""
    named = [name for name in found.packages if name not in _TOOLCHAIN]
    required = {name: {name, *truth.get("alternatives", {}).get(name, ())} for name in truth["required"]}
    there = brought(named, system)
    allowed = {*brought([*_TOOLCHAIN, *(name for group in required.values() for name in group)], system)}
    extra = [name for name in named if not stands_for(name, system) & (allowed | set(truth["optional"]))]
    return extra, [name for name, group in required.items() if not group & there]


def main(folder: str, count: str = "25", predicted: str = "") -> None:
    """Print a row for each archive, and what they come to."""
    system = system_of(load_catalogue().find(_BASE, arch="amd64", on=date(2026, 11, 25)))
    assert system is not None
    truths = tomllib.loads((Path(__file__).parent / "sysdeps/tuned.toml").read_text())["archive"]
    outcomes: Counter[str] = Counter()
    for truth in chosen(truths, int(count)):
        found = one(truth, BareCache(folder=Path(folder).resolve()), system, bool(predicted))
        extra, left_out = compared(truth, found, system)
        outcomes[found.outcome] += 1
        outcomes["in rounds: " + str(len(found.rounds))] += found.outcome == "built"
        outcomes["all of the truth"] += found.outcome == "built" and not left_out
        outcomes["nothing but the truth"] += found.outcome == "built" and not left_out and not extra
        told = f"{truth['name']} {truth['version']}: {found.outcome}, {len(found.rounds)} rounds"
        told += f", {' '.join(found.packages)}"
        told += f"; too many: {' '.join(extra)}" if extra else ""
        told += f"; left out: {' '.join(left_out)}" if left_out else ""
        print(told + (f"; {found.cause}" if found.cause else ""), flush=True)
    for word, number in sorted(outcomes.items()):
        print(f"{word}: {number}")


if __name__ == "__main__":
    main(*sys.argv[1:])

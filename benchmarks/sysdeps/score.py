"""Score the analysis against real builds: `python -m benchmarks.sysdeps.score CACHE [tuned|held_out]...`.

CACHE is the folder that `build` used: archives are read from it, or fetched into it. For each set it prints precision
and recall of the packages named as needed, the share of compile times within a factor 2 and 3, the time that the
analysis takes, and every miss. Without a set all are scored that there are. README.md says how truth is defined.
"""

import statistics
import sys
import time
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from benchmarks.sysdeps.build import Plan, fetch
from packaging.utils import canonicalize_name

from wheelbase.bases.catalogue import load_catalogue
from wheelbase.source.compiletime import cpu_seconds
from wheelbase.source.members import members
from wheelbase.source.needs import Need, Needs, needs_on
from wheelbase.source.read import findings_of_path
from wheelbase.system.platform import System, system_of

_SETS = ("tuned", "held_out")
_BASES = {"bookworm": "debian:bookworm-slim", "trixie": "debian:trixie-slim"}
# What every root of the benchmark has before a build.
_THERE = frozenset(
    "build-essential gcc g++ make libc6-dev pkg-config pkgconf python3-dev python3-venv libc-dev".split()
)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One archive: names right, wrong and left out; the ratio of the predicted time to the measured one."""

    name: str
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    left_out: tuple[str, ...]
    flagged: bool
    cannot: bool
    predicted: float
    measured: float | None
    analysis: float
    needs: Needs


def score(truth: dict[str, Any], archive: Path, system: System) -> Score:
    """Compare what is predicted of one archive with what its builds showed."""
    start = time.perf_counter()
    findings = findings_of_path(archive)
    needs = needs_on(findings, system, project=canonicalize_name(truth["name"]))
    spent = time.perf_counter() - start
    named = [package for package in needs.build_packages if package not in _THERE]
    required = {name: {name, *truth.get("alternatives", {}).get(name, ())} for name in truth.get("required", ())}
    brought = _brought(named, system)
    listed = [*_THERE, *(name for group in required.values() for name in group)]
    allowed = {*_brought(listed, system), *truth.get("optional", ())}
    wrong = [name for name in named if not _stands_for(name, system) & allowed]
    estimate = cpu_seconds(findings.counts)  # of the model alone: what was measured of popular packages is left out
    return Score(
        name=f"{truth['name']} {truth['version']}",
        right=tuple(name for name, group in required.items() if group & brought),
        wrong=tuple(wrong),
        left_out=tuple(name for name, group in required.items() if not group & brought),
        flagged=needs.status != "likely complete",
        cannot=truth["status"] == "cannot",
        predicted=estimate.value,
        measured=truth.get("cpu_seconds") if _compiles(truth, archive) else None,
        analysis=spent,
        needs=needs,
    )


def _compiles(truth: dict[str, Any], archive: Path) -> bool:
    """Say whether a build made a module: some build as Python alone, and some archives have theirs made."""
    made = {PurePosixPath(path).name for path in truth.get("extensions", ())}
    if made:
        made -= {path.name for path, _, _ in members(archive.read_bytes(), archive.name, lambda *_: 0)}
    return bool(made)


def _brought(names: Iterable[str], system: System) -> set[str]:
    """Return the packages, and what they bring along: naming the one that brings another names both."""
    wanted = list(names)
    found = {package.name for package in system.packages.closure(wanted).packages} | set(wanted)
    return found | {target for name in found for target in _stands_for(name, system)}


def _stands_for(name: str, system: System) -> set[str]:
    """Return a package with those that it only stands for (libjpeg-dev: libjpeg62-turbo-dev)."""
    return {name, *system.contents.stands_for(name)}


def _print(title: str, scores: list[Score]) -> None:
    built = [one for one in scores if not one.cannot]
    right = sum(len(one.right) for one in built)
    wrong = sum(len(one.wrong) for one in built)
    left_out = sum(len(one.left_out) for one in built)
    print(f"## {title}: {len(scores)} archives, {len(built)} of which build\n")
    print(f"precision {right / max(1, right + wrong):.3f} ({right} right, {wrong} wrong)")
    print(f"recall {right / max(1, right + left_out):.3f} ({left_out} left out)")
    print(f"exact sets {sum(not one.wrong and not one.left_out for one in built)} of {len(built)}")
    print(f"cannot be built: {sum(one.flagged for one in scores if one.cannot)} flagged of {len(scores) - len(built)}")
    timed = [(one, one.predicted / one.measured) for one in built if one.measured]
    for factor in (2, 3):
        within = sum(1 / factor <= ratio <= factor for _, ratio in timed)
        print(f"time within a factor {factor}: {within} of {len(timed)} ({within / max(1, len(timed)):.0%})")
    spent = [one.analysis for one in scores]
    print(f"analysis: median {statistics.median(spent):.2f} s, longest {max(spent):.2f} s\n")
    for one in scores:
        if one.wrong or one.left_out or (one.cannot and not one.flagged):
            print(f"- {one.name}: wrong {list(one.wrong)}, left out {list(one.left_out)}{_places(one)}")
    for one, ratio in timed:
        if not 0.5 <= ratio <= 2:
            print(f"- {one.name}: predicted {one.predicted:.1f} s, measured {one.measured:.1f} s")
    print()


def _places(one: Score) -> str:
    needs: list[Need] = [need for need in (*one.needs.build, *one.needs.tools) if need.package in one.wrong]
    optional = [need for need in one.needs.optional if need.package in one.left_out]
    told = [f"{need.package} at {', '.join(need.evidence[:3])} ({need.confidence})" for need in needs]
    told += [f"{need.package} taken as optional ({need.confidence})" for need in optional]
    return f"; {'; '.join(told)}" if told else ""


def main(cache: Path, sets: list[str]) -> None:
    folder = Path(__file__).parent
    systems = {
        release: system_of(load_catalogue().find(base, arch="amd64", on=date(2026, 11, 25)))
        for release, base in _BASES.items()
    }
    for name in sets:
        truths = tomllib.loads((folder / f"{name}.toml").read_text(encoding="utf-8"))["archive"]
        plans = {
            (plan["name"], plan["version"]): plan
            for plan in tomllib.loads((folder / f"{name}.plan.toml").read_text(encoding="utf-8"))["archive"]
        }
        scores = []
        for truth in truths:
            if truth["status"] not in ("builds", "cannot"):
                continue
            plan = plans[truth["name"], truth["version"]]
            path = fetch(Plan(**{key: plan[key] for key in ("name", "version", "filename", "sha256")}), cache)
            system = systems[truth["release"]]
            assert system is not None
            scores.append(score(truth, path, system))
        _print(name.replace("_", " "), scores)


if __name__ == "__main__":
    there = [name for name in _SETS if Path(__file__).with_name(f"{name}.toml").exists()]
    main(Path(sys.argv[1]), sys.argv[2:] or there)

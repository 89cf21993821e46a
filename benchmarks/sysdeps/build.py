"""Establish by real builds what source archives need: `python -m benchmarks.sysdeps.build PLAN RESULTS CACHE`.

PLAN is a TOML list of archives with the Debian packages to try; RESULTS is rewritten after each archive; CACHE keeps
roots, downloads, logs and trials, so that a second run only does what is new. With names behind them only those
archives are done. See README.md for what the words of the results mean. Runs as root, on Debian, amd64.
"""

import hashlib
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import tomli_w
from benchmarks.sysdeps.chroot import Cache
from benchmarks.sysdeps.trial import Subject, Trial, build
from benchmarks.sysdeps.wheel_facts import WheelFacts, difference

from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.settings import user_settings

_LARGEST = 200_000_000
CORES = 2

Packages = frozenset[str]
Try = Callable[[frozenset[str]], Trial]


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try for one archive.

    `required` is a set with which it builds, which leaving out makes minimal; a name in it may be any package.
    `alternatives` are other packages to try in the place of one. `optional` may change what is built. `cannot` is the
    reason why no package makes it build, which trying verifies. Where `leave_out` is false, `required` is believed.
    """

    name: str
    version: str
    filename: str
    sha256: str
    release: str = "bookworm"
    required: tuple[str, ...] = ()
    alternatives: dict[str, tuple[str, ...]] = {}
    optional: tuple[str, ...] = ()
    pins: tuple[str, ...] = ()
    leave_out: bool = True
    cannot: str = ""
    note: str = ""


def fetch(plan: Plan, folder: Path) -> Path:
    """Return the archive, fetched where it is not in the folder yet: from the user's package index or from Debian."""
    path = folder / plan.filename
    if not path.exists() and ".orig.tar." in plan.filename:
        source = ["apt-get", "source", "--download-only", "--tar-only", f"{plan.name}={plan.version}"]
        subprocess.run(source, cwd=folder, check=True)
    elif not path.exists():
        settings = user_settings()
        client = Client(settings)
        url = next(file.url for file in Index(client, settings).files(plan.name) if file.filename == plan.filename)
        path.write_bytes(client.get(url, limit=_LARGEST).body)
    if hashlib.sha256(path.read_bytes()).hexdigest() != plan.sha256:
        raise ValueError(f"{path} has another SHA-256 than the plan")
    return path


def minimal(packages: tuple[str, ...], attempt: Try) -> Packages:
    """Leave out one package after another, for good where the build succeeds without it."""
    kept = frozenset(packages)
    for package in packages:
        if attempt(kept - {package}).stage == "done":
            kept -= {package}
    return kept


def effects(base: Trial, required: Packages, optional: tuple[str, ...], attempt: Try, repeat: Try) -> dict[str, str]:
    """Return what each optional package changes. All are tried at once first, since most change nothing."""
    extra = tuple(package for package in optional if package not in required)
    if not extra:
        return {}
    found: dict[str, str] = {}
    for group in (extra, *((package,) for package in extra if len(extra) > 1)):
        change = _change(base, attempt(required | set(group)))
        if change == "code" and _change(base, repeat(required)):
            change = ""
        if not change and group == extra:
            break
        if len(group) == 1:
            found |= {group[0]: change} if change else {}
    return found


def _change(base: Trial, other: Trial) -> str:
    if other.stage == "packages":
        raise ValueError(f"apt cannot install: {other.log}")
    if base.facts is None or other.facts is None:
        return "the build fails"
    return difference(base.facts, other.facts)


def establish(plan: Plan, cache: Cache) -> dict[str, Any]:
    """Try one archive; return its table of results."""
    archive = fetch(plan, cache.made("archives"))
    subject = Subject(archive=archive, release=plan.release, pins=plan.pins)

    def attempt(packages: Packages) -> Trial:
        return _told(plan, packages, build(cache, subject, packages))

    def repeat(packages: Packages) -> Trial:
        return build(cache, subject, packages, again=1)

    result: dict[str, Any] = {key: getattr(plan, key) for key in ("name", "version", "filename", "sha256", "release")}
    result |= {"pins": plan.pins} if plan.pins else {}
    first = attempt(frozenset(plan.required) | (frozenset(plan.optional) if plan.cannot else frozenset()))
    if plan.cannot or first.stage != "done":
        status = "unknown" if first.stage == "packages" or not plan.cannot else "cannot"
        status = "wrong" if first.stage == "done" else status
        return result | {"status": status, "reason": plan.cannot, "believed": sorted(plan.required), "note": plan.note}
    required = minimal(plan.required, attempt) if plan.leave_out else frozenset(plan.required)
    base = attempt(required)
    changes = effects(base, required, plan.optional, attempt, repeat)
    alternatives = {
        package: [name for name in names if attempt(required - {package} | {name}).stage == "done"]
        for package, names in plan.alternatives.items()
        if package in required
    }
    result |= {"status": "builds", "required": sorted(required), "left_out": plan.leave_out}
    result |= {"alternatives": {package: names for package, names in alternatives.items() if names}}
    result |= {"optional": sorted(changes), "effects": changes, "tried": sorted(set(plan.optional) - set(changes))}
    return result | measured(base) | {"note": plan.note}


def measured(base: Trial) -> dict[str, Any]:
    """Return what the build with the required packages alone took and gave."""
    facts = base.facts or WheelFacts(modules={}, wheel_bytes=0)
    return {
        "run": list(base.run),
        "cpu_seconds": base.cpu_seconds,
        "wall_seconds": base.wall_seconds,
        "cores": CORES,
        "extension_bytes": sum(module.size for module in facts.modules.values()),
        "extension_bytes_stripped": sum(module.stripped for module in facts.modules.values()),
        "wheel_bytes": facts.wheel_bytes,
        "extensions": {path: module.stripped for path, module in sorted(facts.modules.items())},
    }


def _told(plan: Plan, packages: Packages, trial: Trial) -> Trial:
    print(f"{plan.name} {trial.stage} {trial.cpu_seconds:.0f}s [{' '.join(sorted(packages))}]", flush=True)
    return trial


def write(results: Path, table: dict[str, Any]) -> None:
    """Put one archive's table into the results, by rename, so that a reader never sees half of it."""
    known = tomllib.loads(results.read_text())["archive"] if results.exists() else []
    kept = [old for old in known if (old["name"], old["version"]) != (table["name"], table["version"])]
    ordered = sorted([*kept, table], key=lambda entry: (entry["name"].lower(), entry["version"]))
    making = results.with_suffix(".making")
    making.write_text(tomli_w.dumps({"archive": ordered}))
    making.rename(results)


def main(plan_file: str, results: str, cache: str, *names: str) -> None:
    """Do the plan's archives one after another."""
    plans = msgspec.toml.decode(Path(plan_file).read_bytes(), type=dict[str, list[Plan]])["archive"]
    for plan in plans:
        if not names or plan.name in names:
            write(Path(results), establish(plan, Cache(folder=Path(cache).resolve())))


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Fit the model of compile time on measured builds: `python -m benchmarks.compile_time CACHE [--write]`.

The builds are those of sysdeps/tuned.toml and sysdeps/points.toml; their archives are counted anew, taken from the
folder CACHE or fetched into it. Prints the constants, and how far off the model is of projects that it was not fitted
on: each project is left out in turn, those of sysdeps/held_out.toml always. With --write, `compiletime.toml` is written
beside the module that reads it.

Needs numpy beside wheelbase itself.
"""

import math
import statistics
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.sysdeps.build import Plan, fetch
from numpy.typing import NDArray
from packaging.utils import canonicalize_name
from packaging.version import Version

from wheelbase.source import compiletime
from wheelbase.source.read import findings_of_path

Array = NDArray[np.float64]
Counts = dict[str, float]
SETS = Path(__file__).parent / "sysdeps"

#: CPU seconds that one of each is expected to take. Few builds have many kinds of sources, so the fit starts here, and
#: leaves it only as far as the measurements call for. One with Rust was measured: its constants are from wall times of
#: public CI on four cores, which are below CPU seconds.
EXPECTED: dict[str, float] = {
    "base": 1.0,
    "meson": 1.0,
    "numpy_distutils": 6.0,
    "cmake": 1.5,
    "cmake_checks": 6.0,
    "c_files": 0.05,
    "c_code": 0.4,
    "c_headers": 0.02,
    "optimized_code": 0.2,
    "intrinsics_files": 0.4,
    "packed_libraries": 5.0,
    "packed_mb": 2.0,
    "inlined": 3.0,
    "cpp_files": 0.3,
    "cpp_code": 0.4,
    "cpp_headers": 0.1,
    "cpp_alone": 0.5,
    "std_headers": 0.1,
    "std_in_cpp20": 0.1,
    "templates": 4.0,
    "heavy_cpp": 6.0,
    "heavy_cpp_files": 5.0,
    "bindings": 12.0,
    "eigen": 8.0,
    "cgal": 30.0,
    "cython_made_mb": 3.5,
    "cython_modules": 1.5,
    "cython_mb": 180.0,
    "cython_functions": 0.05,
    "cython_fused_mb": 40.0,
    "cython_view_modules": 4.0,
    "cython_numpy_modules": 0.7,
    "cython_cpp_modules": 1.0,
    "configure_checks": 4.0,
    "cffi_modules": 0.5,
    "cffi_code": 4.0,
    "swig_modules": 1.0,
    "swig_code": 2.0,
    "swig_templates": 3.0,
    "fortran_files": 0.08,
    "fortran_mb": 35.0,
    "sip_classes": 2.5,
    "mypyc": 6.0,
    "mypyc_mb": 250.0,
    "crates": 0.9,
    "rust_mb": 45.0,
}
#: How strongly the expected holds: this many measurements that are off by a factor of e count as one.
HOLD = 0.4
#: Residuals (logarithms) beyond this count linearly, no longer by their square: some builds do what nothing tells.
FAR = 0.7
#: Of this share of residuals the range given to users holds the truth.
HELD = 0.9
WORST = 12
#: CPU seconds from which on a build is judged apart, too: those are the builds that people wait for.
LARGE = 10
#: A build takes other times on other machines, with another compiler or at -O3 (a fifth more) instead of -O2.
MEASURED_SPREAD = 1.5

TEMPLATE = """\
# The model of compile time: CPU seconds on one core, a sum of constants times counts (see counts.py). Written by
# benchmarks/compile_time.py from measured builds by gcc 12 and 14 on x86-64, most at -O2. Each project left out:
# {all};
# of {least} s and more: {large}.
base = {base}

# Code and headers in thousands of semicolons; a megabyte is a million bytes.
[seconds]
{seconds}

# The factors, up and down, that the truth is within in nine of ten cases.
[spread]
{spread}

# How many times larger shared objects are with the debug information that setuptools' builds leave in, by language: the
# medians of its builds in benchmarks/sysdeps, where builds by Meson and CMake have 1.0 to 1.2.
[debug]
{debug}

# What was measured, by normalized name: time and counts of a version, from which others are scaled.
[measured]
{measured}
"""


@dataclass(frozen=True, kw_only=True)
class Build:
    """A build that was measured, and what was counted in its archive.

    `debug` is how many times larger its shared objects are than stripped ones, None where that is not known.
    """

    name: str
    version: str
    seconds: float
    counts: Counts
    debug: float | None = None


@dataclass(frozen=True, kw_only=True)
class Guess:
    """What the model gives of a build that it was not fitted on."""

    build: Build
    seconds: float

    @property
    def error(self) -> float:
        """Return the logarithm of the factor that it is off by, above zero where too much is predicted."""
        return math.log(self.seconds / self.build.seconds)


def main(cache: str, *options: str) -> None:
    """Fit, print, and write where that is asked for."""
    builds = load(Path(cache))
    held = held_out()
    fitted = [build for build in builds if build.name not in held]
    constants = fit(fitted)
    guesses = left_out(fitted)
    print("\n".join(f"{name:20} {value:8.3f}" for name, value in constants.items()))
    for title, least in (("all", 0.0), (f"{LARGE} s and more", LARGE)):
        print(f"{title}: {summary([guess for guess in guesses if guess.build.seconds >= least])}")
    for guess in sorted(guesses, key=lambda guess: -abs(guess.error))[:WORST]:
        print(f"  {guess.build.name} {guess.build.version}: {guess.build.seconds} s, predicted {guess.seconds:.1f} s")
    if "--write" in options:
        Path(compiletime.__file__).with_suffix(".toml").write_text(_toml(builds, constants, guesses))


def held_out() -> set[str]:
    """Return the projects that the model is judged by: their times are known to it, and it is not fitted to them."""
    file = SETS / "held_out.toml"
    listed = tomllib.loads(file.read_text())["archive"] if file.exists() else []
    return {canonicalize_name(one["name"]) for one in listed}


def load(cache: Path) -> list[Build]:
    """Return the builds of both lists. Where both have one, its time is between the two."""
    listed: list[dict[str, Any]] = tomllib.loads((SETS / "points.toml").read_text())["point"]
    # Without a library that is optional some compile nothing.
    tuned = tomllib.loads((SETS / "tuned.toml").read_text())["archive"]
    listed += [archive for archive in tuned if archive.get("extension_bytes")]
    times: dict[tuple[str, str], list[float]] = {}
    counts: dict[tuple[str, str], Counts] = {}
    debug: dict[tuple[str, str], float] = {}
    for entry in listed:
        plan = Plan(**{key: entry[key] for key in ("name", "version", "filename", "sha256")})
        key = (canonicalize_name(plan.name), str(Version(plan.version)))
        times.setdefault(key, []).append(entry["cpu_seconds"])
        if stripped := entry.get("extension_bytes_stripped"):
            debug[key] = entry["extension_bytes"] / stripped
        if key not in counts:
            counts[key] = dict(findings_of_path(fetch(plan, cache)).counts)
    # Where nothing is seen to compile the model has nothing to say.
    means = {key: round(statistics.geometric_mean(seen), 1) for key, seen in sorted(times.items()) if counts[key]}
    return [
        Build(name=key[0], version=key[1], seconds=mean, counts=counts[key], debug=debug.get(key))
        for key, mean in means.items()
    ]


def debug_factors(builds: list[Build]) -> dict[str, float]:
    """Return how many times larger debug information makes what setuptools builds, by language."""
    found: dict[str, list[float]] = {"c": [], "cpp": [], "cython": []}
    for build in builds:
        if build.debug and not build.counts.keys() & {"meson", "cmake"}:
            languages = {feature.partition("_")[0] for feature in build.counts}
            found[next((name for name in ("cython", "cpp") if name in languages), "c")].append(build.debug)
    return {language: statistics.median(factors) for language, factors in found.items()}


def fit(builds: list[Build]) -> Counts:
    """Return the constants, all positive, that make the logarithms of sums and measurements differ least.

    By damped Gauss-Newton steps on the constants' logarithms.
    """
    counted = np.array([[{"base": 1.0, **build.counts}.get(name, 0.0) for name in EXPECTED] for build in builds])
    measured = np.log([build.seconds for build in builds])
    expected = np.log(list(EXPECTED.values()))

    def residuals(point: Array) -> Array:
        return np.asarray(np.log(counted @ np.exp(point)) - measured)

    def cost(point: Array) -> float:
        far = np.sqrt(1 + (residuals(point) / FAR) ** 2) - 1
        return float(FAR**2 * far.sum() + HOLD * ((point - expected) ** 2).sum() / 2)

    point, damping = expected.copy(), 1.0
    while damping < 1e8:
        slopes = counted * np.exp(point) / (counted @ np.exp(point))[:, None]
        weights = 1 / np.sqrt(1 + (residuals(point) / FAR) ** 2)
        gradient = slopes.T @ (residuals(point) * weights) + HOLD * (point - expected)
        curvature = slopes.T @ (slopes * weights[:, None]) + HOLD * np.eye(len(point))
        step = np.linalg.solve(curvature + damping * np.diag(np.diag(curvature)), -gradient)
        gain = cost(point) - cost(point + step)
        if gain > 0:
            point, damping = point + step, damping / 3
        else:
            damping *= 4
        if 0 < gain < 1e-12:
            break
    return dict(zip(EXPECTED, (float(f"{value:.3g}") for value in np.exp(point)), strict=True))


def predicted(constants: Counts, counts: Counts) -> float:
    """Return the seconds that the model gives."""
    return constants["base"] + sum(constants[name] * count for name, count in counts.items())


def left_out(builds: list[Build]) -> list[Guess]:
    """Return what the model gives of each build that was fitted on the other projects."""
    found: list[Guess] = []
    for name in sorted({build.name for build in builds}):
        constants = fit([build for build in builds if build.name != name])
        own = (build for build in builds if build.name == name)
        found += [Guess(build=build, seconds=predicted(constants, build.counts)) for build in own]
    return found


def summary(guesses: list[Guess]) -> str:
    """Return how far guesses are off, in words."""
    errors = [abs(guess.error) for guess in guesses]
    near = {factor: sum(error <= math.log(factor) for error in errors) / len(errors) for factor in (2, 3)}
    shares = (f"{share:.0%} within {factor}" for factor, share in near.items())
    held = f"{HELD:.0%} within {spread(errors):.2f}"
    return f"{len(errors)} builds, {', '.join(shares)}, {held}, median factor {math.exp(statistics.median(errors)):.2f}"


def spread(errors: list[float]) -> float:
    """Return the factor that most errors (logarithms) are within."""
    return math.exp(float(np.quantile(np.abs(errors), HELD)))


def scaled_errors(builds: list[Build], constants: Counts) -> list[float]:
    """Return how far off one version's time is that is scaled from another's."""
    paces = [(build.name, math.log(build.seconds / predicted(constants, build.counts))) for build in builds]
    return [other - pace for name, pace in paces for same, other in paces if name == same and pace != other]


def _toml(builds: list[Build], constants: Counts, guesses: list[Guess]) -> str:
    """Return the file that the module reads."""
    debug = debug_factors(builds)
    large = [guess for guess in guesses if guess.build.seconds >= LARGE]
    versions = spread(scaled_errors(builds, constants))
    spreads = {
        "modelled": max(spread([guess.error for guess in part]) for part in (guesses, large)),
        "scaled": math.exp(math.hypot(math.log(versions), math.log(MEASURED_SPREAD))),
        "measured": MEASURED_SPREAD,
    }
    return TEMPLATE.format(
        all=summary(guesses),
        large=summary(large),
        least=LARGE,
        base=constants["base"],
        seconds="\n".join(f"{name} = {value}" for name, value in constants.items() if name != "base"),
        spread="\n".join(f"{name} = {value:.1f}" for name, value in spreads.items()),
        debug="\n".join(f"{language} = {factor:.1f}" for language, factor in debug.items()),
        measured="\n".join(_measured(builds)),
    )


def _measured(builds: list[Build]) -> Iterator[str]:
    for name in sorted({build.name for build in builds}):
        yield f"{name} = ["
        for build in builds:
            if build.name == name:
                counts = ", ".join(f"{feature} = {count:.4g}" for feature, count in build.counts.items())
                yield f'  {{ version = "{build.version}", cpu_seconds = {build.seconds}, counts = {{ {counts} }} }},'
        yield "]"


if __name__ == "__main__":
    main(*sys.argv[1:])

"""How near `compare` comes to real builds: `python -m benchmarks.accuracy FOLDER BASE... [--only NAME,...]`.

Run it from the top of the repository, on a quiet machine with BuildKit, or one of the others: --builder podman. BASE
are images as `wheelbase measure` takes them: see tests/testbed/make-bases. FOLDER keeps what was measured: a run that
was stopped goes on, and one that is complete prints the table of docs/explanation/accuracy.md, and builds nothing.

Each application is built once by pip in a Dockerfile of good practice, cold; --build-tool, --build-env and --build-file
are those of `wheelbase measure`. Nothing is fitted to this machine: what was measured before is forgotten by the model.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wheelbase.cache import cache_directory
from wheelbase.errors import WheelbaseError
from wheelbase.measuring.values import Outcome, Predicted
from wheelbase.recipes.measure import Measured, measure
from wheelbase.recipes.measureplan import Plan
from wheelbase.report.measure import different


@dataclass(frozen=True, slots=True)
class Application:
    """An application of one kind; `source` are the packages of it that are built from source."""

    kind: str
    requirements: tuple[str, ...]
    source: tuple[str, ...] = ()


APPLICATIONS = {
    "plots": Application("data and plots", ("matplotlib", "pandas")),
    "web": Application("a web service", ("fastapi", "uvicorn[standard]", "pydantic-settings")),
    "model": Application("machine learning", ("scikit-learn",)),
    "cloud": Application("a cloud's client, pure Python", ("boto3",)),
    "scraper": Application("HTML and XML", ("lxml", "requests", "beautifulsoup4")),
    "tool": Application("a command-line tool", ("rich", "typer", "httpx")),
    "database": Application("a database's client", ("sqlalchemy", "asyncpg", "alembic")),
    "source-small": Application("small extensions from source", ("markupsafe", "psutil"), ("markupsafe", "psutil")),
    "source-cython": Application("Cython's C from source", ("pyyaml", "msgpack"), ("pyyaml", "msgpack")),
}
_HEAD = (
    "| Application | Base | Image | Pulled | Files | Predicted | Measured | Factor |\n"
    "| --- | --- | ---: | ---: | --- | ---: | ---: | ---: |"
)


def rows(name: str, application: Application, measured: Measured) -> Iterator[str]:
    """Yield a row for each base: sizes by how far the prediction is off, time by the factor from its range's middle."""
    predictions = {one.base: one for one in measured.measurement.predictions}
    for outcome in measured.measurement.outcomes:
        predicted = predictions[outcome.combination.base]
        base = outcome.combination.base.rpartition("/")[2]
        cells = [f"{name}: {application.kind}", base, *_sizes(outcome, predicted), *_time(outcome, predicted)]
        yield f"| {' | '.join(cells)} |"


def _sizes(outcome: Outcome, predicted: Predicted) -> tuple[str, str, str]:
    image = outcome.image
    if image is None:
        return "-", "-", "-"
    wrong = different(predicted, outcome)
    return (
        _off(predicted.image_bytes, image.image_bytes),
        _off(predicted.compressed_bytes, image.compressed_bytes),
        f"{len(wrong)} others" if wrong else f"all {len(image.files)}",
    )


def _off(predicted: int | None, measured: int | None) -> str:
    return f"{predicted / measured - 1:+.1%}" if predicted and measured else "?"


def _time(outcome: Outcome, predicted: Predicted) -> tuple[str, str, str]:
    sample = next((one for one in outcome.samples if one.scenario == "cold"), None)
    if sample is None or sample.failure:
        return "-", "failed" if sample else "-", "-"
    if not predicted.low_seconds or not predicted.high_seconds:
        return "?", f"{sample.seconds:.0f} s", "?"
    middle = math.sqrt(predicted.low_seconds * predicted.high_seconds)
    factor = max(sample.seconds / middle, middle / sample.seconds)
    span = f"{predicted.low_seconds:.0f}-{predicted.high_seconds:.0f} s"
    return span, f"{sample.seconds:.0f} s", f"{factor:.1f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("bases", nargs="+")
    parser.add_argument("--only", default=",".join(APPLICATIONS))
    parser.add_argument("--builder", default="buildkit")
    parser.add_argument("--build-tool", action="append", default=[])
    parser.add_argument("--build-env", action="append", default=[], metavar="NAME=VALUE")
    parser.add_argument("--build-file", action="append", default=[], metavar="FILE:PATH")
    arguments = parser.parse_args()
    os.environ["WHEELBASE_CACHE_DIR"] = str(arguments.folder.absolute())
    print(_HEAD)
    for name in arguments.only.split(","):
        application = APPLICATIONS[name]
        for base in arguments.bases:
            (cache_directory() / "measured-1" / "times.jsonl").unlink(missing_ok=True)
            plan = Plan(
                builders=(arguments.builder,),
                installers=("pip",),
                scenarios=("cold",),
                repeat=1,
                no_binary=application.source,
                tools=tuple(arguments.build_tool),
                environment=dict(one.split("=", 1) for one in arguments.build_env),
                files={path: Path(file) for file, path in (one.rsplit(":", 1) for one in arguments.build_file)},
            )
            try:
                measured = measure(application.requirements, bases=(base,), plan=plan)
            except WheelbaseError as error:
                print(f"{name} on {base}: {error}", file=sys.stderr)
                continue
            for row in rows(name, application, measured):
                print(row, flush=True)


if __name__ == "__main__":
    main()

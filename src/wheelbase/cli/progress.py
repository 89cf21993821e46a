"""One line on standard error that says what goes on, where that is a terminal. Prints.

WHEELBASE_PROGRESS=lines prints a line for each step instead, wherever it goes: for programs that read it.
"""

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from wheelbase.recipes.reporting import Report

_PATIENCE = 0.3


@contextmanager
def progress() -> Iterator[Report]:
    """Yield a report function; what takes less than a moment shows nothing."""
    if os.environ.get("WHEELBASE_PROGRESS") == "lines":
        yield _lines()
        return
    if not sys.stderr.isatty():
        yield lambda step, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn

    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=None)
    began = time.monotonic()

    def report(step: str, done: int, total: int) -> None:
        bar.update(task, description=step, completed=done, total=total or None)
        if time.monotonic() - began > _PATIENCE or not total:
            bar.start()

    try:
        yield report
    finally:
        bar.stop()


def _lines() -> Report:
    """Return a report function that prints each step once, when it begins."""
    told: list[str] = []

    def report(step: str, done: int, total: int) -> None:
        if told[-1:] != [step]:
            told.append(step)
            print(f"wheelbase: {step}", file=sys.stderr, flush=True)

    return report

"""How a recipe tells of its progress. Apart from the rest, since what shows it needs nothing else."""

from collections.abc import Callable

Report = Callable[[str, int, int], None]
"""Hears of progress: the step, how many are done, of how many (0: not known)."""


def silent(step: str, done: int, total: int) -> None:
    """Report nothing."""

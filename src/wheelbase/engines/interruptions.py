"""Signals that end a program, as the exception of Ctrl-C, and work that they do not disturb. Sets handlers."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

# Not every system has the last.
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


def interrupt_on_signals() -> None:
    """Make a request to end, or a terminal that is closed, go the way of Ctrl-C, on which everything is put in order.

    A signal that is ignored, as by nohup, stays so.
    """
    for number in _ENDING[1:]:
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ignore what would interrupt: for what is short and has to be done as a whole, by programs that it runs too."""
    before = {}
    with suppress(ValueError):  # in another thread than the main one, which is the one that is interrupted
        for number in _ENDING:
            before[number] = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler if handler is not None else signal.SIG_DFL)

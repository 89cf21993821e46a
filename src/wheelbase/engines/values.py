"""What every engine is to the rest: a Container that runs a program, within limits, and says how it ended. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

End = Literal["exited", "killed", "too slow", "too much output"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a program may use: `memory` are bytes for each process, `output` those of what it writes in all."""

    seconds: float = 60.0
    memory: int = 2 << 30
    processes: int = 64
    output: int = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """How a program ended, and what it wrote; `status` is an exit code, or a signal's number where it was killed."""

    end: End
    status: int
    stdout: bytes
    stderr: bytes


class Container(Protocol):
    """An image whose programs can be run: without a network, each time as if it were the first."""

    @property
    def engine(self) -> str:
        """The name of the engine."""

    def run(self, arguments: Sequence[str], limits: Limits) -> Ran:
        """Run a program, a name on the image's PATH or an absolute path, and wait for its end; EngineError where it
        cannot be begun. Whatever it is, it ends within the limits, and all that it has begun with it.
        """

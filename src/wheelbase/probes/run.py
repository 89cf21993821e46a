"""Probes, run in a container; whatever one does, the others have their say. Runs programs, by an engine."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Container, Limits, Ran
from wheelbase.probes.table import KnownHazard, script_text

Verdict = Literal["bites", "fine", "unknown"]
_LIMITS = Limits()
_MOST_SHOWN = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a probe has found: the verdict, the reason in a line, and what was observed, as JSON has it."""

    id: str
    verdict: Verdict
    evidence: str
    observed: Mapping[str, Any] = field(default_factory=dict, hash=False)


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What answers in an image: versions of Python and of the C library, the system; "" where that is not known."""

    python: str
    libc: str
    system: str
    machine: str


class _Said(msgspec.Struct, frozen=True):
    verdict: Verdict
    evidence: str
    observed: dict[str, Any]


def identify(container: Container, python: str) -> Identity:
    """Return what answers; EngineError where it is no Python."""
    ran = container.run([python, "-c", script_text("identity")], _LIMITS)
    try:
        said = msgspec.json.decode(_last_line(ran), type=Identity)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise EngineError(
            f"{python} of the image does not answer as Python does: {_how_it_ended(ran)}",
            hint="name another one: --python /path/in/the/image",
        ) from error
    return Identity(
        python=shown(said.python), libc=shown(said.libc), system=shown(said.system), machine=shown(said.machine)
    )


def run_probes(
    container: Container, python: str, hazards: Sequence[KnownHazard], limits: Limits = _LIMITS
) -> Iterator[Result]:
    """Yield what the probes of some hazards find, each run by itself."""
    for hazard in hazards:
        arguments = [hazard.argument] if hazard.argument else []
        try:
            ran = container.run([python, "-c", hazard.program(), *arguments], limits)
        except EngineError as error:
            yield Result(id=hazard.id, verdict="unknown", evidence=shown(str(error)))
            continue
        yield result_of(hazard.id, ran)


def result_of(name: str, ran: Ran) -> Result:
    """Return what a probe said; that it did not, where it ended in another way or said something else."""
    try:
        if ran.end != "exited" or ran.status:
            raise ValueError
        said = msgspec.json.decode(_last_line(ran), type=_Said)
    except (ValueError, msgspec.MsgspecError):
        return Result(id=name, verdict="unknown", evidence=f"the probe did not answer: {_how_it_ended(ran)}")
    return Result(id=name, verdict=said.verdict, evidence=shown(said.evidence), observed=said.observed)


def shown(text: str) -> str:
    """Return what an image says, of a sane length and without what a terminal would take for commands."""
    kept = "".join(character if character.isprintable() else "?" for character in text[: _MOST_SHOWN + 1])
    return kept if len(kept) <= _MOST_SHOWN else f"{kept[:_MOST_SHOWN]}..."


def _last_line(ran: Ran) -> bytes:
    lines = ran.stdout.strip().rsplit(b"\n", 1)
    return lines[-1]


def _how_it_ended(ran: Ran) -> str:
    if ran.end == "too slow":
        return "it did not end in time"
    if ran.end == "too much output":
        return "it wrote without end"
    if ran.end == "killed":
        return f"signal {ran.status} ended it"
    last = ran.stderr.strip().rsplit(b"\n", 1)[-1].decode(errors="replace")
    return shown(f"it ended with {ran.status}{f': {last}' if last else ''}")

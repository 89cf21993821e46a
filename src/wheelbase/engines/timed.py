"""A program that is watched while it runs: its lines with the time of each, CPU and memory. Runs programs, reads /proc.

It runs in a session of its own, so that it, and whatever it began, ends with the time limit or with an interruption.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from resource import struct_rusage
from typing import NamedTuple

from wheelbase.engines.interruptions import undisturbed

_CHUNK = 64 << 10
_LONGEST = 2000
_MOST_LINES = 400_000
_EVERY = 0.2
# What a program may take to put things in order when it is told to end.
_GRACE = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """What a program wrote, and how many seconds after its beginning."""

    at: float
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """How a program ended. `cpu_seconds` and `peak_bytes` are of it and of all that it has begun itself.

    Where there is no /proc, `peak_bytes` is 0.
    """

    ended: bool
    status: int
    seconds: float
    lines: tuple[Line, ...]
    cpu_seconds: float
    peak_bytes: int

    @property
    def ok(self) -> bool:
        """Say whether it ended by itself, and well."""
        return self.ended and self.status == 0

    @property
    def log(self) -> str:
        """What it wrote."""
        return "\n".join(line.text for line in self.lines)


def watch_lines(
    command: Sequence[str], *, seconds: float, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Watched:
    """Run a program for as long as `seconds`; both of what it writes are read as one."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=cwd,
        env=dict(env) if env is not None else None,
        start_new_session=True,
    )
    family = _Family(process.pid)
    usage = None
    try:
        with family:
            lines, ended = _read(process, began, began + seconds)
            if ended:
                usage = _wait(process, began + seconds)
        took = time.monotonic() - began
    finally:
        with undisturbed():  # a second Ctrl-C, of one who waits for this
            if process.returncode is None:
                _stop(process)
            family.end()
        if process.stdout:
            process.stdout.close()
    cpu = usage.ru_utime + usage.ru_stime if usage else 0.0
    return Watched(
        ended=usage is not None,
        status=process.returncode,
        seconds=took,
        lines=tuple(lines),
        cpu_seconds=max(cpu, family.cpu_seconds),
        peak_bytes=family.peak_bytes,
    )


def _read(process: subprocess.Popen[bytes], began: float, deadline: float) -> tuple[list[Line], bool]:
    """Return the lines, and whether the program closed what it writes to within the time."""
    assert process.stdout
    lines: list[Line] = []
    rest = b""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while time.monotonic() < deadline:
            if not selector.select(max(0.0, deadline - time.monotonic())):
                continue
            chunk = process.stdout.read1(_CHUNK)  # type: ignore[attr-defined]  # it is a buffered pipe
            at = time.monotonic() - began
            *whole, rest = (rest + chunk.replace(b"\r", b"\n")).split(b"\n")
            if not chunk and rest:
                whole.append(rest)
            lines += [Line(at=at, text=one.decode(errors="replace")[:_LONGEST]) for one in whole if one]
            del lines[:-_MOST_LINES]
            if not chunk:
                return lines, True
    return lines, False


def _wait(process: subprocess.Popen[bytes], deadline: float) -> struct_rusage | None:
    """Return what a program has used, None where it does not end in time."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            return None
        time.sleep(0.005)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """End a program and its session: first in words, so that it takes away what it made, then by force."""
    for number, patience in ((signal.SIGTERM, _GRACE), (signal.SIGKILL, 5.0)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience)
            return


@dataclass(slots=True)
class _Family:
    """A process and all that it begins, looked at again and again by a thread of its own."""

    pid: int
    cpu_seconds: float = 0.0
    peak_bytes: int = 0
    _seen: dict[int, tuple[str, float]] = field(default_factory=dict)
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> None:
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread:
            self._thread.join()

    def end(self) -> None:
        """End those that have outlived it, if they are still the same, and wait until they are gone."""
        deadline = time.monotonic() + _GRACE
        while left := self._left():
            for pid in left:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            if time.monotonic() > deadline:
                return
            time.sleep(0.02)

    def _left(self) -> list[int]:
        now = _processes()
        seen = [(pid, started) for pid, (started, _) in self._seen.items() if pid != self.pid]
        return [pid for pid, started in seen if pid in now and now[pid].started == started and now[pid].state != "Z"]

    def _watch(self) -> None:
        while not self._done.wait(_EVERY):
            now = _processes()
            ours = {pid for pid, (started, _) in self._seen.items() if pid in now and now[pid].started == started}
            ours.add(self.pid)
            while more := {pid for pid, one in now.items() if one.parent in ours} - ours:
                ours |= more
            there = {pid: now[pid] for pid in ours if pid in now}
            self._seen |= {pid: (one.started, one.cpu_seconds) for pid, one in there.items()}
            self.peak_bytes = max(self.peak_bytes, sum(one.resident_bytes for one in there.values()))
        self.cpu_seconds = sum(cpu for _, cpu in self._seen.values())


class _Process(NamedTuple):
    state: str
    parent: int
    started: str
    cpu_seconds: float
    resident_bytes: int


def _processes() -> dict[int, _Process]:
    """Return every process by its number."""
    if not Path("/proc/self/stat").exists():
        return {}
    ticks, page = os.sysconf("SC_CLK_TCK"), os.sysconf("SC_PAGE_SIZE")
    found = {}
    for place in Path("/proc").iterdir():
        if place.name.isdecimal():
            with contextlib.suppress(OSError, ValueError, IndexError):
                # The name, in brackets, may have anything in it.
                parts = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()
                cpu = (int(parts[11]) + int(parts[12])) / ticks
                found[int(place.name)] = _Process(parts[0], int(parts[1]), parts[19], cpu, int(parts[21]) * page)
    return found

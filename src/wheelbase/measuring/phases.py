"""What a build spent its time on, out of the lines that it wrote. Pure.

A line says when something begins or ends; what lies between is an interval of a phase. Where several run at once, the
time is that of the one which counts the most: all phases together are never more than the time in all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from wheelbase.engines.timed import Line
from wheelbase.measuring.values import PhaseName

#: The first goes before all others that run at the same time.
_WEIGHT: tuple[PhaseName, ...] = (
    "compile",
    "install",
    "download",
    "resolve",
    "system packages",
    "application",
    "export",
    "pull",
)
_SYSTEM = re.compile(r"\b(apt-get|apk add|dnf install|microdnf install|yum install)\b")
_PYTHON = re.compile(r"\b(pip|uv)\b.*\b(install|sync)\b|-m venv\b")
# pip says what it begins with.
_PIP: tuple[tuple[re.Pattern[str], PhaseName], ...] = (
    (re.compile(r"\s*(Collecting|Looking in|Processing|Obtaining|Requirement already) "), "resolve"),
    (re.compile(r"\s*(Downloading|Using cached) \S+\.metadata\b"), "resolve"),
    (re.compile(r"\s*Downloading "), "download"),
    (
        re.compile(
            r"\s*(Installing (build|backend) dependencies|Getting requirements to build|Preparing metadata"
            r"|Building wheel|Running setup\.py)"
        ),
        "compile",
    ),
    (re.compile(r"\s*Installing collected packages"), "install"),
    # What follows is the engine's: it writes the layer.
    (re.compile(r"Successfully installed "), "export"),
)
# uv says what it has ended, but for what it builds.
_UV: tuple[tuple[re.Pattern[str], PhaseName], ...] = (
    (re.compile(r"\s*Building "), "compile"),
    (re.compile(r"\s*Built "), "download"),
    (re.compile(r"Resolved \d+ packages? in "), "download"),
    (re.compile(r"(Prepared|Installed|Uninstalled) \d+ packages? in |Bytecode compiled "), "install"),
    (re.compile(r" [+~-] \S+==\S+"), "export"),
)
_OWN: tuple[tuple[str, PhaseName], ...] = (
    ("reading the project", "application"),
    ("resolving", "resolve"),
    ("reading", "resolve"),
    ("fetching", "download"),
    ("making layers", "install"),
)
_VERTEX = re.compile(r"#(\d+) (.*)")
_OFFSET = re.compile(r"(\d+\.\d+)\s?(.*)")
_DONE = re.compile(r"(?:DONE (\d+\.\d+)s|CACHED|CANCELED|ERROR.*)")
_STEP = re.compile(r"(?:\[\d+/\d+\] )?STEP \d+/\d+ ?: (.*)|Step \d+/\d+ : (.*)", re.DOTALL)
_WRITTEN = re.compile(r"(?:\[\d+/\d+\] )?COMMIT\b|--> [0-9a-f]{8,}| ---> [0-9a-f]{8,}|Removing intermediate")


@dataclass(frozen=True, slots=True)
class _Interval:
    start: float
    end: float
    phase: PhaseName


def phases_of(lines: Sequence[Line], seconds: float, dialect: str) -> dict[PhaseName, float]:
    """Return the seconds of each phase that there was; their sum is `seconds`, by `other`.

    `dialect` is that of the builder: "buildkit" (plain progress), "steps" (docker's old builder, podman, buildah) or
    "wheelbase".
    """
    if dialect == "buildkit":
        found = list(_of_vertices(lines))
    elif dialect == "steps":
        found = list(_of_steps(lines, seconds))
    else:
        found = list(_of_own(lines, seconds))
    spent = _spent(found, seconds)
    spent["other"] = max(0.0, seconds - sum(spent.values()))
    return {phase: round(value, 3) for phase, value in spent.items() if value >= 0.0005}


def _spent(intervals: Sequence[_Interval], seconds: float) -> dict[PhaseName, float]:
    """Return the time of each phase: each moment is of the phase at work that weighs most."""
    times = {0.0, seconds}
    times |= {min(max(one, 0.0), seconds) for interval in intervals for one in (interval.start, interval.end)}
    spent: dict[PhaseName, float] = {}
    moments = sorted(times)
    for start, end in pairwise(moments):
        at_work = {one.phase for one in intervals if one.start <= start and end <= one.end}
        if phase := next((one for one in _WEIGHT if one in at_work), None):
            spent[phase] = spent.get(phase, 0.0) + end - start
    return spent


@dataclass(slots=True)
class _Vertex:
    title: str
    start: float
    end: float
    lines: list[Line]


def _of_vertices(lines: Sequence[Line]) -> Iterator[_Interval]:
    vertices: dict[str, _Vertex] = {}
    for line in lines:
        if not (found := _VERTEX.match(line.text)):
            continue
        number, text = found.groups()
        vertex = vertices.setdefault(number, _Vertex(text, line.at, line.at, []))
        vertex.end = line.at
        if done := _DONE.fullmatch(text):
            # Lines of steps that run at once are shown one step after the other: the length is what is stated.
            if done[1]:
                vertex.start = min(vertex.start, line.at - float(done[1]))
        elif said := _OFFSET.match(text):
            vertex.lines.append(Line(at=float(said[1]), text=said[2]))
    instructions = _stages(vertex.title for vertex in vertices.values())
    for vertex in vertices.values():
        shifted = [replace(line, at=line.at + vertex.start) for line in vertex.lines]
        yield from _of_step(instructions.get(vertex.title, vertex.title), vertex.start, vertex.end, shifted)


def _stages(titles: Iterable[str]) -> dict[str, str]:
    """Return instructions by the titles of their steps; those after the application's copy are of the application."""
    found: dict[str, str] = {}
    copied = None
    for title in titles:
        stage = re.match(r"\[(\S+) +(\d+)/\d+\] (.*)", title)
        if not stage:
            continue
        copied = stage[1] if stage[3] == "COPY . ." else copied
        found[title] = f"APPLICATION {stage[3]}" if copied == stage[1] else stage[3]
    return found


def _of_steps(lines: Sequence[Line], seconds: float) -> Iterator[_Interval]:
    current: tuple[str, float] | None = None
    said: list[Line] = []
    copied = False

    def ended(at: float) -> Iterator[_Interval]:
        if current:
            yield from _of_step(current[0], current[1], at, said)

    for line in lines:
        if step := _STEP.match(line.text):
            yield from ended(line.at)
            instruction = step[1] or step[2]
            copied = not instruction.startswith("FROM") and (copied or instruction == "COPY . .")
            current, said = (f"APPLICATION {instruction}" if copied else instruction, line.at), []
        elif _WRITTEN.match(line.text):
            yield from ended(line.at)
            current, said = ("exporting", line.at), []
        else:
            said.append(line)
    yield from ended(seconds)


def _of_step(instruction: str, start: float, end: float, said: Sequence[Line]) -> Iterator[_Interval]:
    """Yield the intervals of one step of a Dockerfile."""
    if instruction.startswith("APPLICATION"):
        yield _Interval(start, end, "application")
    elif instruction.startswith("RUN") and _SYSTEM.search(instruction):
        yield _Interval(start, end, "system packages")
    elif instruction.startswith("RUN") and _PYTHON.search(instruction):
        yield from _of_installer(instruction, start, end, said)
    elif instruction.startswith(("exporting", "COPY --from", "RUN")):
        yield _Interval(start, end, "export" if not instruction.startswith("RUN") else "install")
    elif instruction.startswith(("FROM", "[internal] load metadata")):
        yield _Interval(start, end, "pull")


def _of_installer(instruction: str, start: float, end: float, said: Sequence[Line]) -> Iterator[_Interval]:
    """Yield what pip or uv did in a step, by what it said when."""
    making = "-m venv" in instruction
    phase: PhaseName = "install" if making or "uninstall" in instruction else "resolve"
    for line in said:
        patterns = (*_PIP, *_UV)
        following = next((name for pattern, name in patterns if pattern.match(line.text)), phase)
        if following != phase:
            yield _Interval(start, line.at, phase)
            start, phase = line.at, following
    yield _Interval(start, end, phase)


def _of_own(lines: Sequence[Line], seconds: float) -> Iterator[_Interval]:
    steps: list[tuple[float, PhaseName]] = []
    for line in lines:
        text = line.text.removeprefix("wheelbase: ")
        if phase := next((name for word, name in _OWN if text != line.text and text.startswith(word)), None):
            steps.append((line.at, phase))
    for (start, phase), (end, _) in pairwise([*steps, (seconds, "other")]):
        yield _Interval(start, end, phase)

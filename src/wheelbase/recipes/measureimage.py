"""What a measured build has made: its figures, how fast its Python and its service start, how long a push takes.

Reads images, runs their programs in sandboxes, writes to registries.
"""

from __future__ import annotations

import re
import shutil
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from packaging.utils import canonicalize_name

from wheelbase.engines import bubblewrap
from wheelbase.engines.builders import Builder
from wheelbase.engines.errors import EngineError
from wheelbase.engines.values import Container, Limits
from wheelbase.errors import WheelbaseError
from wheelbase.measuring.images import Contents, contents_of
from wheelbase.measuring.values import BuiltImage
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.image import read_image
from wheelbase.oci.opening import open_source
from wheelbase.oci.places import Source
from wheelbase.oci.reference import parse_reference
from wheelbase.recipes.values import BaseCost
from wheelbase.research.lost import lost_without
from wheelbase.system.platform import system_of

_STARTS = 3
# What a start may take: an interpreter with large libraries maps far more than it uses.
_LIMITS = Limits(seconds=120.0, memory=64 << 30, processes=4096)
_PYTHON = "/opt/venv/bin/python"
_TCP = re.compile(r"(\d+)(?:/tcp)?")
# The client is in the sandbox with the service, as that has no network. Any answer of HTTP counts.
_ANSWER = """\
import socket, subprocess, sys, time

port, folder, *command = sys.argv[1:]

def answers(host):
    try:
        with socket.create_connection((host, int(port)), 5) as client:
            client.sendall(b"GET / HTTP/1.0\\r\\nHost: localhost\\r\\n\\r\\n")
            return client.recv(5) == b"HTTP/"
    except OSError:
        return False

began = time.monotonic()
service = subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sys.stderr)
while not any(map(answers, ("127.0.0.1", "::1"))):
    if service.poll() is not None:
        sys.exit(f"{command[0]} has ended with {service.returncode}")
    time.sleep(0.005)
print(time.monotonic() - began)
service.kill()
"""
Note = Callable[[str], None]


def built_image(
    builder: Builder,
    name: str,
    *,
    scratch: Path,
    base: Sequence[int],
    wanted: Iterable[str],
    port: int | None = None,
    note: Note,
) -> tuple[BuiltImage, Mapping[str, frozenset[str]]]:
    """Read an image that a builder has, and start it a few times: what is `wanted` is imported, and the image's own
    command run until it answers HTTP on the `port`, or on one that the image exposes.

    `base` are the sizes of the layers of its base. Beside it are the libraries that compiled projects load, by name.
    """
    target = scratch / "saved"
    try:
        with open_source(parse_reference(builder.save(name, target))) as source:
            contents = contents_of(source, base)
            start, answer = _started(source, _modules(contents, wanted), port, note)
    finally:
        shutil.rmtree(target, ignore_errors=True)
        target.with_suffix(".tar").unlink(missing_ok=True)
    loaded: dict[str, frozenset[str]] = {
        canonicalize_name(one.name): one.libraries for one in contents.installed if one.compiled
    }
    image = BuiltImage(
        image_bytes=contents.image_bytes,
        compressed_bytes=contents.compressed_bytes,
        layers=contents.layers,
        files=tuple(sorted(one.filename for one in contents.installed)),
        compiled=tuple(sorted(canonicalize_name(one.name) for one in contents.installed if one.compiled)),
        parts=contents.parts,
        start_seconds=start,
        answer_seconds=answer,
    )
    return image, loaded


def push_seconds(builder: Builder, image: str, target: str, *, base: str, note: Note) -> float | None:
    """Return what it takes to push an image under a name to a registry, where its base is by then; None where it fails.

    The base is pushed before, as the registry of an application has it from the first push on.
    """
    try:
        builder.push(base, target)
        began = time.monotonic()
        builder.push(image, target)
        return round(time.monotonic() - began, 3)
    except WheelbaseError as error:
        note(f"the push by {builder.name} is not measured: {error}")
        return None


def lost_of(cost: BaseCost, loaded: Mapping[str, frozenset[str]]) -> tuple[str, ...]:
    """Return what was built without a library that it can use, or without a compiler that its project can do without.

    `loaded` are the libraries that each project's compiled files load.
    """
    system = system_of(cost.facts)
    if system is None or cost.building is None:
        return ()
    lost: list[str] = []
    for one in cost.building.archives:
        name = one.archive.name
        if name in loaded:
            lost += lost_without(name, loaded[name], one.needs, system)
        else:
            lost.append(f"Compiled modules: {name} was built without any")
    return tuple(lost)


def _started(source: Source, modules: Sequence[str], port: int | None, note: Note) -> tuple[float | None, float | None]:
    """Return the median times in which the image's Python imports modules, and its command answers on a port."""
    if why := bubblewrap.lacks():
        note(f"start-up is not measured: {why}")
        return None, None
    image = read_image(source)
    port = port or _exposed(image.config)
    try:
        with bubblewrap.opened(source, image) as container:
            start = _median(lambda: _start_seconds(container, modules), "start-up", note)
            if port is None:
                return start, None
            return start, _median(lambda: _answer_seconds(container, image.config, port), "the first answer", note)
    except EngineError as error:
        note(f"start-up is not measured: {error}")
        return None, None


def _exposed(config: ImageConfig) -> int | None:
    """Return the lowest port of TCP that an image exposes."""
    named = config.other_runtime.get("ExposedPorts")
    found = map(_TCP.fullmatch, named if isinstance(named, dict) else ())
    return min((int(one[1]) for one in found if one), default=None)


def _median(once: Callable[[], float], what: str, note: Note) -> float | None:
    try:
        return round(statistics.median(once() for _ in range(_STARTS)), 3)
    except EngineError as error:
        note(f"{what} is not measured: {error}")
        return None


def _start_seconds(container: Container, modules: Sequence[str]) -> float:
    if not modules:
        raise EngineError("nothing is known that could be imported", hint="name a package that has a module")
    began = time.monotonic()
    _run(container, ["-c", f"import {', '.join(modules)}"], f"import {', '.join(modules)}")
    return time.monotonic() - began


def _answer_seconds(container: Container, config: ImageConfig, port: int) -> float:
    command = [*(config.entrypoint or ()), *(config.cmd or ())]
    if not command:
        raise EngineError("its image has no command", hint="give the project one")
    return float(_run(container, ["-c", _ANSWER, str(port), config.working_dir or "/", *command], " ".join(command)))


def _run(container: Container, arguments: Sequence[str], what: str) -> bytes:
    """Run the image's Python to its end, and return what it wrote; EngineError with its last words where it fails."""
    ran = container.run([_PYTHON, *arguments], _LIMITS)
    if ran.end != "exited" or ran.status:
        said = ran.stderr.decode(errors="replace").strip().splitlines() if ran.end == "exited" else []
        raise EngineError(f"{what} failed: {(said or [ran.end])[-1][:200]}", hint="see what it says")
    return ran.stdout


def _modules(contents: Contents, wanted: Iterable[str]) -> list[str]:
    names = {canonicalize_name(one) for one in wanted}
    return [
        module
        for one in contents.installed
        if canonicalize_name(one.name) in names
        for module in _main(one.name, one.modules)
    ]


def _main(name: str, modules: Sequence[str]) -> list[str]:
    """Return the module that a distribution is for: that of its name, else its first that is not private."""
    same = [one for one in modules if canonicalize_name(one) == canonicalize_name(name)]
    public = [one for one in modules if not one.startswith("_") and one.isidentifier()]
    return (same or public)[:1]

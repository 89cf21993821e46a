"""A program, run within a time and with a bound on what it writes. Runs programs."""

from __future__ import annotations

import selectors
import subprocess
import time
from collections.abc import Callable

from wheelbase.engines.values import End, Limits, Ran

_CHUNK = 64 << 10


def watch(process: subprocess.Popen[bytes], limits: Limits, stop: Callable[[], None]) -> Ran:
    """Read what a program writes, until it ends or passes a limit, when `stop` ends it and all that it has begun."""
    assert process.stdout and process.stderr
    deadline, left = time.monotonic() + limits.seconds, limits.output
    written: dict[str, list[bytes]] = {"stdout": [], "stderr": []}
    end: End = "exited"
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ, "stdout")
        selector.register(process.stderr, selectors.EVENT_READ, "stderr")
        while selector.get_map() and end == "exited":
            for key, _ in selector.select(max(0.0, deadline - time.monotonic())):
                chunk = key.fileobj.read1(_CHUNK)  # type: ignore[union-attr]  # it is one of the two pipes
                if not chunk:
                    selector.unregister(key.fileobj)
                written[key.data].append(chunk[: max(left, 0)])
                left -= len(chunk)
            end = "too much output" if left < 0 else "too slow" if time.monotonic() > deadline else end
    if end == "exited":
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            end = "too slow"
    if end != "exited":
        stop()
        process.wait()
    status = process.returncode
    # Those that run a program for another say by 128 and more that a signal has ended it.
    if end == "exited" and (status < 0 or 128 < status < 128 + 65):
        end, status = "killed", -status if status < 0 else status - 128
    process.stdout.close()
    process.stderr.close()
    return Ran(end=end, status=status, stdout=b"".join(written["stdout"]), stderr=b"".join(written["stderr"]))

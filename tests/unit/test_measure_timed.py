"""Programs that are watched: their lines, their limits, and that nothing of them is left."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from wheelbase.engines.builders import marked
from wheelbase.engines.timed import watch_lines


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_lines_have_times_and_both_streams_are_one() -> None:
    program = "import sys, time; print('a', flush=True); time.sleep(0.3); print('b', file=sys.stderr)"
    watched = watch_lines([sys.executable, "-c", program], seconds=20)
    assert watched.ok
    assert [line.text for line in watched.lines] == ["a", "b"]
    assert watched.lines[1].at - watched.lines[0].at > 0.2
    assert watched.seconds >= watched.lines[1].at


def test_cpu_and_memory_of_what_it_begins_count() -> None:
    work = "x = bytearray(64 << 20); sum(range(6_000_000)); import time; time.sleep(0.5)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {work!r}], check=True)"
    watched = watch_lines([sys.executable, "-c", program], seconds=30)
    assert watched.ok
    assert watched.peak_bytes > 64 << 20
    assert watched.cpu_seconds > 0.05


def test_one_that_fails_says_its_status() -> None:
    watched = watch_lines([sys.executable, "-c", "print('why'); raise SystemExit(3)"], seconds=20)
    assert (watched.ended, watched.ok, watched.status, watched.log) == (True, False, 3, "why")


def test_a_program_ends_with_its_time_and_all_that_it_has_begun(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    # The child has a session of its own: it gets no signal that is sent to the group.
    child = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}], start_new_session=True)"
    began = time.monotonic()
    watched = watch_lines([sys.executable, "-c", program], seconds=2.0)
    assert not watched.ended
    assert time.monotonic() - began < 30
    assert not alive(int(told.read_text()))


def test_an_interruption_leaves_nothing_running(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    program = f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)"

    def interrupt() -> None:
        while not (told.exists() and told.read_text()):
            time.sleep(0.02)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    with pytest.raises(KeyboardInterrupt):
        watch_lines([sys.executable, "-c", program], seconds=60)
    assert not alive(int(told.read_text()))


DOCKERFILE = """\
# syntax of a comment: RUN and FROM stay as they are
FROM base AS build
RUN --mount=type=cache,target=/root/.cache/uv \\
    --mount=type=secret,id=x,target=/x \\
    pip install six
RUN apt-get update && \\
    apt-get install gcc

FROM base AS run
COPY --from=build /opt/venv /opt/venv
"""


def test_a_marked_dockerfile_shares_nothing_with_others() -> None:
    text = marked(DOCKERFILE, "wheelbase-measure-1")
    assert text.count("LABEL wheelbase-measure=wheelbase-measure-1\n") == 2
    assert "--mount=type=cache,id=wheelbase-measure-1-cache,target=/root/.cache/uv" in text
    assert "target=/x \\\n    : wheelbase-measure-1 && pip install six" in text
    assert "RUN : wheelbase-measure-1 && apt-get update" in text
    assert text.splitlines()[0] == DOCKERFILE.splitlines()[0]

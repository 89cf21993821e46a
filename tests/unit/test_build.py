"""`wheelbase build` as a program: made-up wheels on made-up bases, from a private index to a layout."""

from __future__ import annotations

import hashlib
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Cli
from tests.fake_index import Answer, FakeIndex, wheel
from tests.unit.images_with_python import glibc, image, musl, python, with_config
from tests.unit.oci.small_images import AMD64, ARM64, MemorySource, tar

from wheelbase.oci.blobfolder import blob_name
from wheelbase.oci.config import ImageConfig
from wheelbase.oci.copying import copy_image
from wheelbase.oci.image import Image, read_image
from wheelbase.oci.layout import Layout
from wheelbase.oci.platform import Platform

LIBRARY = "opt/venv/lib/python3.13/site-packages"


def layout(folder: Path, source: MemorySource) -> str:
    copy_image(source, Layout(folder), AMD64)
    return f"oci:{folder}"


@pytest.fixture
def base(tmp_path: Path) -> str:
    files = {**glibc("2.41"), **python("3.13.5"), "etc/os-release": b"ID=debian\nVERSION_ID=13\n"}
    return layout(tmp_path / "base", image(files, path="/usr/local/bin:/usr/bin"))


@pytest.fixture
def index(fake_index: FakeIndex) -> FakeIndex:
    fake_index.add("app", {"app-1.0-py3-none-any.whl": wheel("app", requires=("part>=1",))})
    fake_index.add("part", {"part-1.1-py3-none-any.whl": wheel("part", "1.1")})
    return fake_index


def built(cli: Cli, index: FakeIndex, *arguments: str, cwd: Path | None = None) -> dict[str, Any]:
    env = {"PIP_INDEX_URL": index.simple, "NO_COLOR": "1"}
    done = cli("build", *arguments, "--no-bytecode", "--format", "json", env=env, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def forget_blobs(folder: Path) -> None:
    for blob in (folder / "cli-home" / "cache").rglob("blobs/*/*"):
        blob.unlink()


def files_of(path: Path, platform: Platform | None = None) -> tuple[Image, Mapping[str, bytes]]:
    """Return the image in a layout, and the files of all its layers, the base's left out."""
    found = read_image(Layout(path), platform)
    contents: dict[str, bytes] = {}
    for layer in found.layers[1:]:
        with tarfile.open(path / blob_name(layer.descriptor.digest)) as archive:
            for member in archive:
                if member.isreg():
                    contents[member.name] = archive.extractfile(member).read()  # type: ignore[union-attr]
                elif member.issym():
                    contents[member.name] = b"-> " + member.linkname.encode()
    return found, contents


def test_packages_become_layers_of_a_virtual_environment(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    answer = built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")
    found, files = files_of(tmp_path / "made")
    assert answer["schema"] == "wheelbase.build/1"
    assert answer["digest"] == str(found.raw_manifest.digest)
    assert [layer["packages"] for layer in answer["layers"]] == [["app 1.0"], ["part 1.1"], ["virtual environment"]]
    assert [layer["digest"] for layer in answer["layers"]] == [str(one.descriptor.digest) for one in found.layers[1:]]
    assert answer["image_compressed_bytes"] == sum(layer.descriptor.size for layer in found.layers)
    assert files[f"{LIBRARY}/app.py"] == files[f"{LIBRARY}/part.py"] == b"x = 1\n"
    assert files["opt/venv/bin/python"] == b"-> /usr/local/bin/python3.13"
    assert b"home = /usr/local/bin\n" in files["opt/venv/pyvenv.cfg"]


def test_how_it_runs(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")
    config = files_of(tmp_path / "made")[0].config
    assert config.env_var("PATH") == "/opt/venv/bin:/usr/local/bin:/usr/bin"
    assert config.env_var("VIRTUAL_ENV") == "/opt/venv"
    assert (config.user, config.env_var("HOME"), config.working_dir) == ("65532:65532", "/home/nonroot", "/app")
    assert config.created == "1970-01-01T00:00:00Z"
    assert [entry["created_by"] for entry in config.history[1:]] == ["app 1.0", "part 1.1", "virtual environment"]


def test_what_is_said_goes_before_the_project_and_that_before_the_base(
    cli: Cli, index: FakeIndex, base: str, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("part\n")
    (project / "wheelbase.toml").write_text(
        f'base = "{base}"\n[image]\nentrypoint = ["python", "-m", "app"]\nuser = "1000"\nports = ["80/tcp"]\n'
        'env = { A = "1", B = "1" }\n'
    )
    built(cli, index, "-o", f"oci:{tmp_path}/made", "--env", "B=2", "--user", "2000", "--cmd", "a 'b c'", cwd=project)
    config = files_of(tmp_path / "made")[0].config
    assert config.entrypoint == ("python", "-m", "app")
    assert config.cmd == ("a", "b c")
    assert config.user == "2000"
    assert (config.env_var("A"), config.env_var("B")) == ("1", "2")
    assert config.other_runtime["ExposedPorts"] == {"80/tcp": {}}


def test_a_folder_that_is_no_package_is_copied(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    (project / "static").mkdir(parents=True)
    (project / "requirements.txt").write_text("part\n")
    (project / "main.py").write_text("import part\n")
    (project / "static" / "a.css").write_text("a {}\n")
    (project / ".gitignore").write_text("*.log\n")
    (project / "x.log").write_text("secret\n")
    built(cli, index, "--base", base, "-o", f"oci:{tmp_path}/made", cwd=project)
    _, files = files_of(tmp_path / "made")
    assert files["app/main.py"] == b"import part\n"
    assert files["app/static/a.css"] == b"a {}\n"
    assert "app/x.log" not in files


def test_the_same_digest_whoever_builds_it(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    first = built(cli, index, "app", "part", "--base", base, "-o", f"oci:{tmp_path}/1")
    again = built(cli, index, "part", "app", "--base", base, "-o", f"oci:{tmp_path}/2")
    assert first["digest"] == again["digest"]
    assert [layer["reused"] for layer in again["layers"][:2]] == [True, True]


def test_a_wheel_has_one_layer_on_all_bases(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    other = layout(tmp_path / "alpine", image({**musl("1.2.5"), **python("3.13.1", loader="/lib/ld-musl-x86_64.so.1")}))
    one = built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/1")
    two = built(cli, index, "app", "--base", other, "-o", f"oci:{tmp_path}/2")
    assert one["layers"][:2] != two["layers"][:2]  # the second was reused
    assert [layer["digest"] for layer in one["layers"][:2]] == [layer["digest"] for layer in two["layers"][:2]]
    assert one["digest"] != two["digest"]


def test_many_small_wheels_share_layers(cli: Cli, fake_index: FakeIndex, base: str, tmp_path: Path) -> None:
    names = [f"part{number}" for number in range(70)]
    for name in names:
        fake_index.add(name, {f"{name}-1.0-py3-none-any.whl": wheel(name)})
    answer = built(cli, fake_index, *names, "--base", base, "-o", f"oci:{tmp_path}/1")
    found, files = files_of(tmp_path / "1")
    assert len(found.layers) <= 64
    assert all(files[f"{LIBRARY}/{name}.py"] == b"x = 1\n" for name in names)
    fewer = built(cli, fake_index, *names[1:], "--base", base, "-o", f"oci:{tmp_path}/2")
    before, after = ({layer["digest"] for layer in one["layers"]} for one in (answer, fewer))
    assert len(after - before) <= 1


def test_a_package_without_a_wheel_stops_it_before_anything_is_downloaded(
    cli: Cli, index: FakeIndex, base: str, tmp_path: Path
) -> None:
    index.add("native", {"native-1.0-cp313-cp313-win_amd64.whl": wheel("native")})
    done = cli(
        "build", "native", "app", "--base", base, "-o", str(tmp_path / "app.tar"), env={"PIP_INDEX_URL": index.simple}
    )
    assert done.returncode == 1
    assert "native" in done.stderr and "hint:" in done.stderr and "Traceback" not in done.stderr
    assert not index.asked("/files/app-1.0-py3-none-any.whl")
    assert not (tmp_path / "app.tar").exists()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(body=wheel("part", "1.1")[:-30]), "promised"),
        (Answer(status=404), "404"),
        (Answer(body=wheel("part", "1.1"), drop_after=50), "cannot be read"),
    ],
    ids=["other bytes", "gone", "breaks off"],
)
def test_a_damaged_download_changes_nothing(
    cli: Cli, index: FakeIndex, base: str, tmp_path: Path, answer: Answer, said: str
) -> None:
    built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")
    before = (tmp_path / "made" / "index.json").read_bytes()
    forget_blobs(tmp_path)
    index.route("/files/part-1.1-py3-none-any.whl", answer)
    done = cli("build", "app", "--base", base, "-o", f"oci:{tmp_path}/made", env={"PIP_INDEX_URL": index.simple})
    assert done.returncode == 1
    assert said in done.stderr and "part-1.1" in done.stderr and "hint:" in done.stderr
    assert (tmp_path / "made" / "index.json").read_bytes() == before


def test_what_breaks_off_once_is_asked_for_again_from_there(
    cli: Cli, index: FakeIndex, base: str, tmp_path: Path
) -> None:
    built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")  # uv has what it asks for
    forget_blobs(tmp_path)
    whole, path = wheel("part", "1.1"), "/files/part-1.1-py3-none-any.whl"
    index.route(path, Answer(body=whole, ranges=True, drop_after=100), Answer(body=whole, ranges=True))
    built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")
    assert [seen.headers.get("Range") for seen in index.asked(path)][-1] == "bytes=100-"


def test_several_platforms_become_one_index(cli: Cli, index: FakeIndex, tmp_path: Path) -> None:
    source, intel = MemorySource(), {**glibc("2.41"), **python("3.13.5")}
    arm = {path.replace("x86_64", "aarch64"): content for path, content in intel.items()}
    source.add_index({AMD64: source.add_image([tar(intel)]), ARM64: source.add_image([tar(arm)], ARM64)})
    copy_image(source, Layout(tmp_path / "base"))
    platforms = ("--platform", "linux/amd64,linux/arm64")
    answer = built(cli, index, "app", "--base", f"oci:{tmp_path}/base", *platforms, "-o", f"oci:{tmp_path}/made")
    assert [one["platform"] for one in answer["images"]] == ["linux/amd64", "linux/arm64"]
    found = [files_of(tmp_path / "made", Platform.parse(one["platform"]))[0] for one in answer["images"]]
    assert [str(one.raw_manifest.digest) for one in found] == [one["digest"] for one in answer["images"]]
    assert [one.config.platform.architecture for one in found] == ["amd64", "arm64"]
    assert answer["digest"] not in [one["digest"] for one in answer["images"]]


def test_what_is_built_is_no_part_of_the_next_image(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("part\n")
    (project / "main.py").write_text("import part\n")
    out = ("--base", base, "-o", "app.tar", "-o", "oci:image", "--sbom", "bom.json", "--lock")
    digests = [built(cli, index, *out, cwd=project)["digest"] for _ in range(2)]
    assert digests[0] == digests[1]
    assert not {"app/app.tar", "app/bom.json", "app/wheelbase.lock", "app/image"} & set(files_of(project / "image")[1])


def test_an_application_without_dependencies(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "main.py").write_text("print()\n")
    built(cli, index, "--base", base, "-o", f"oci:{tmp_path}/made", cwd=project)
    assert files_of(tmp_path / "made")[1]["app/main.py"] == b"print()\n"


@pytest.mark.parametrize(
    ("project", "said"),
    [
        ('requires-python = ">=3.14"', "requires Python >=3.14"),
        ('dependencies = ["lib"]\n[tool.uv.sources]\nlib = { path = "lib" }', "lib: from path"),
    ],
    ids=["another Python", "a package of no index"],
)
def test_what_could_not_run_is_not_built(
    cli: Cli, index: FakeIndex, base: str, tmp_path: Path, project: str, said: str
) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text(f'[project]\nname = "shop"\nversion = "1"\n{project}\n')
    done = cli("build", "--base", base, "-o", "app.tar", cwd=folder, env={"PIP_INDEX_URL": index.simple})
    assert done.returncode == 1
    assert said in done.stderr and "hint:" in done.stderr
    assert not (folder / "app.tar").exists()


def test_a_file_holds_one_platform(cli: Cli, base: str, tmp_path: Path) -> None:
    both = ("--platform", "linux/amd64, linux/arm64")
    done = cli("build", "app", "--base", base, *both, "-o", str(tmp_path / "app.tar"))
    assert done.returncode == 1 and "-o oci:DIR" in done.stderr


def test_the_python_of_the_base_is_not_what_an_image_runs(cli: Cli, index: FakeIndex, tmp_path: Path) -> None:
    source = image({**glibc("2.41"), **python("3.13.5")})
    entry = ImageConfig(platform=AMD64, diff_ids=(), entrypoint=("/usr/local/bin/python3", "-X", "utf8"))
    base = layout(tmp_path / "base", with_config(source, entry))
    built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made")
    assert files_of(tmp_path / "made")[0].config.entrypoint == ("/opt/venv/bin/python", "-X", "utf8")


def test_a_lock_holds_a_build_to_its_parts(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "requirements.txt").write_text("part\n")
    out = ("--base", base, "-o", f"oci:{tmp_path}/made")
    env = {"PIP_INDEX_URL": index.simple}
    missing = cli("build", *out, "--locked", cwd=project, env=env)
    assert missing.returncode == 1 and "--lock" in missing.stderr
    first = built(cli, index, *out, "--lock", cwd=project)
    assert built(cli, index, *out, "--locked", cwd=project)["layers"][0] == first["layers"][0] | {"reused": True}
    index.add("part", {"part-1.2-py3-none-any.whl": wheel("part", "1.2")})
    changed = cli("build", *out, "--locked", "--refresh", cwd=project, env=env)
    assert changed.returncode == 1
    assert "part-1.1-py3-none-any.whl, part-1.2-py3-none-any.whl" in changed.stderr
    layout(tmp_path / "base", image({**glibc("2.41"), **python("3.13.6")}))
    moved = cli("build", *out, "--locked", cwd=project, env=env)
    assert moved.returncode == 1 and "the base has moved" in moved.stderr


def test_what_the_project_says_of_itself(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "2.0"\ndescription = "Sells."\nlicense = "MIT"\ndependencies = ["part"]\n'
        '[project.urls]\nRepository = "https://code.example/shop"\n'
    )
    built(cli, index, "--base", base, "-o", f"oci:{tmp_path}/made", "--label", "a=b", cwd=project)
    found, _ = files_of(tmp_path / "made")
    said = {
        "title": "shop",
        "version": "2.0",
        "description": "Sells.",
        "licenses": "MIT",
        "source": "https://code.example/shop",
        "base.digest": str(read_image(Layout(tmp_path / "base")).raw_manifest.digest),
    }
    annotations = {f"org.opencontainers.image.{name}": text for name, text in said.items()}
    assert found.manifest.annotations == annotations
    assert found.config.labels == annotations | {"a": "b"}


def test_a_bill_of_materials(cli: Cli, index: FakeIndex, base: str, tmp_path: Path) -> None:
    for name in ("1", "2"):
        built(cli, index, "app", "--base", base, "-o", f"oci:{tmp_path}/made", "--sbom", str(tmp_path / name))
    document = json.loads((tmp_path / "1").read_text())
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert document["bomFormat"] == "CycloneDX"
    assert [one["bom-ref"] for one in document["components"]] == ["base", "pkg:pypi/app@1.0", "pkg:pypi/part@1.1"]
    (part,) = (one for one in document["components"] if one["name"] == "part")
    assert part["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(wheel("part", "1.1")).hexdigest()}]


def test_nowhere_to_go(cli: Cli, base: str) -> None:
    done = cli("build", "app", "--base", base)
    assert done.returncode == 1
    assert "hint: -o app.tar" in done.stderr

"""What of a project goes into an image."""

import hashlib
import os
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.project import building
from wheelbase.project.application import Application, application_of

PACKAGE = """
[build-system]
requires = ["uv_build"]
build-backend = "uv_build"
[project]
name = "Demo.App"
version = "1.0"
"""

KEEP = "A line !PATH in .dockerignore keeps one."


@pytest.fixture
def folder(nobody: Path) -> Path:
    folder = nobody / "project"
    folder.mkdir()
    return folder


def write(folder: Path, *paths: str, text: str = "x") -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def application(folder: Path, **options: object) -> Application:
    scratch = folder.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    return application_of(folder, scratch=scratch, **options)  # type: ignore[arg-type]


def paths(folder: Path, **options: object) -> list[str]:
    return [file.path for file in application(folder, **options).files]


class TestPlainFolder:
    def test_its_files_are_sorted_and_have_one_of_two_modes(self, folder: Path) -> None:
        write(folder, "main.py", "b/x", "b-/x", "run.sh")
        (folder / "run.sh").chmod(0o700)
        (folder / "main.py").chmod(0o600)
        found = application(folder)
        assert [(file.path, file.mode, file.size) for file in found.files] == [
            ("b-/x", 0o644, 1),
            ("b/x", 0o644, 1),
            ("main.py", 0o644, 1),
            ("run.sh", 0o755, 1),
        ]
        assert (found.name, found.wheel, found.scripts, found.entrypoint) == ("project", None, {}, None)
        assert found.notes == ()
        assert found.entrypoint_note == "No entry point is known for a plain folder: name it with --entrypoint."

    def test_what_never_belongs_to_it_is_left_out(self, folder: Path) -> None:
        write(
            folder,
            "main.py",
            ".git/config",
            ".hg/x",
            "web/node_modules/x/y.js",
            ".tox/x",
            ".ruff_cache/x",
            "a/__pycache__/a.cpython-313.pyc",
            "b.pyc",
            ".venv/x",
        )
        write(
            folder, "env/pyvenv.cfg", "env/lib/x.py", "venv/module.py", ".mypy_cache/x", "out.tar", "layout/index.json"
        )
        found = paths(folder, outputs=[folder / "out.tar", folder / "layout"])
        assert found == ["main.py", "venv/module.py"]

    def test_what_a_build_writes_is_left_out(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, "main.py", "image/oci-layout", "image/blobs/x", "wheelbase.lock", "a/wheelbase.lock", ".new-1234")
        write(
            folder, "out/shop.tar", "out/.shop.tar-x1/blobs/y", "out/.new-5", "out/.shop", "a/.new-b", "elsewhere.json"
        )
        (folder / "sbom.json").symlink_to("elsewhere.json")
        monkeypatch.chdir(folder)
        found = paths(folder, outputs=[Path("image"), folder / "out/shop.tar", Path("a/../sbom.json")])
        assert found == ["a/.new-b", "a/wheelbase.lock", "main.py", "out/.shop"]

    def test_an_image_cannot_be_written_into_what_it_is_made_of(self, folder: Path) -> None:
        write(folder, "main.py")
        with pytest.raises(RequirementsError, match="is what the image is made of"):
            application(folder, outputs=[folder / "."])

    def test_secrets_are_left_out_and_named(self, folder: Path) -> None:
        write(folder, "main.py", ".env", "a/.env.local", ".env.example", ".envrc")
        found = application(folder)
        assert [file.path for file in found.files] == [".env.example", ".envrc", "main.py"]
        assert found.notes[0] == f"Left out, as they may hold secrets: .env, a/.env.local. {KEEP}"

    @pytest.mark.parametrize(
        "path",
        [
            *(".netrc", "_netrc", "a/.pypirc", ".git-credentials", ".docker/config.json", "id_rsa", "a/id_ed25519"),
            *("id_rsa.old", "id_ecdsa"),
        ],
    )
    def test_files_of_secrets(self, folder: Path, path: str) -> None:
        write(folder, "main.py", path, "config.json", "id_rsa.pub", "id_rsa_keys.py")
        found = application(folder)
        assert path not in [file.path for file in found.files] and len(found.files) == 4
        assert found.notes == (f"Left out, as they may hold secrets: {path}. {KEEP}",)

    def test_folders_of_secrets_are_named_once(self, folder: Path) -> None:
        write(folder, "main.py", ".ssh/config", ".ssh/a/b", "home/.aws/credentials")
        found = application(folder)
        assert [file.path for file in found.files] == ["main.py"]
        assert found.notes == (f"Left out, as they may hold secrets: .ssh/, home/.aws/. {KEEP}",)

    def test_private_keys_are_left_out_and_certificates_are_not(self, folder: Path) -> None:
        certificate = "-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n"
        write(folder, "a.pem", "b.key", text=f"{certificate}-----BEGIN EC PRIVATE KEY-----\n")
        write(folder, "c.key", text="-----BEGIN PRIVATE KEY-----\n")
        write(folder, "ca.pem", "main.key", text=certificate)
        write(folder, "about.py", text="-----BEGIN PRIVATE KEY-----\n")
        found = application(folder)
        assert [file.path for file in found.files] == ["about.py", "ca.pem", "main.key"]
        assert found.notes == (f"Left out, as they may hold secrets: a.pem, b.key, c.key. {KEEP}",)

    @pytest.mark.parametrize("path", [".env", "conf/id_rsa", ".ssh/known_hosts", "node_modules/x.js", "dist/app.js"])
    @pytest.mark.parametrize("spelled", ["path", "its name anywhere", "with another after it"])
    def test_dockerignore_brings_back_what_it_names(self, folder: Path, path: str, spelled: str) -> None:
        write(folder, "main.py", path)
        write(folder, ".gitignore", text="dist/\n")
        place = path.partition("/")[0] if path.startswith(("node", "dist")) else path
        name = f"**/{path.rpartition('/')[2]}" if place == path and spelled != "path" else place
        write(folder, ".dockerignore", text=f"!{name}\n")
        assert path in paths(folder)
        write(folder, ".dockerignore", text=f"!{name}\n{name}\n")
        assert path not in paths(folder)

    @pytest.mark.parametrize(
        "patterns",
        ["*\n!src\n", "*\n!src/**\n", "**\n!**/*.*\n!**/node*\n!**/main.py\n", "src\n!src/*\n!src/*/*\n", "!**\n", ""],
    )
    def test_dockerignore_of_a_folder_brings_back_nothing_that_it_does_not_name(
        self, folder: Path, patterns: str
    ) -> None:
        write(folder, "src/main.py", "src/.env", "src/node_modules/x", "src/.ssh/x", "src/a.log", "src/.mypy_cache/x")
        write(folder, ".gitignore", text="*.log\n")
        write(folder, ".dockerignore", text=patterns)
        assert [path for path in paths(folder) if path.startswith("src/")] == ["src/main.py"]

    def test_links_that_stay_inside_are_kept(self, folder: Path) -> None:
        write(folder, "a/x", "main.py")
        (folder / "b").symlink_to("a")
        (folder / "a/up").symlink_to("../main.py")
        (folder / "a/whole").symlink_to(folder / "main.py")
        (folder / "round").symlink_to(f"../{folder.name}/a/x")
        (folder / "gone").symlink_to("nothing")
        links = {file.path: file.link for file in application(folder).files if file.link}
        assert links == {"b": "a", "a/up": "../main.py", "a/whole": "../main.py", "round": "a/x", "gone": "nothing"}

    def test_links_that_lead_out_are_refused_by_name(self, folder: Path) -> None:
        write(folder, "main.py")
        (folder / "a").symlink_to("/etc/passwd")
        (folder / "b").symlink_to("..")
        with pytest.raises(RequirementsError, match=r"lead out of it: a -> /etc/passwd, b -> \.\.$"):
            application(folder)
        write(folder, ".dockerignore", text="a\nb\n")
        assert paths(folder) == [".dockerignore", "main.py"]

    def test_a_link_through_a_link_that_leads_out_is_refused(self, folder: Path) -> None:
        write(folder, "main.py", ".gitignore", text="out\n")
        (folder / "out").symlink_to("..")
        (folder / "a").symlink_to("out/other")
        with pytest.raises(RequirementsError, match="a -> out/other"):
            application(folder)

    def test_special_files_are_left_out_and_named(self, folder: Path) -> None:
        write(folder, "main.py")
        os.mkfifo(folder / "pipe")
        found = application(folder)
        assert [file.path for file in found.files] == ["main.py"]
        assert found.notes[0] == "Left out, as they are neither files nor links: pipe."

    def test_names_that_are_not_utf8_are_kept(self, folder: Path) -> None:
        (folder / os.fsdecode(b"\xff.txt")).write_text("")
        write(folder, ".gitignore", text="?.log\n")
        (folder / os.fsdecode(b"\xff.log")).write_text("")
        assert [os.fsencode(path) for path in paths(folder)] == [b".gitignore", b"\xff.txt"]

    @pytest.mark.skipif(os.getuid() == 0, reason="root reads everything")
    def test_a_file_that_cannot_be_read_is_an_error(self, folder: Path) -> None:
        write(folder, "main.py")
        (folder / "main.py").chmod(0)
        with pytest.raises(RequirementsError, match=r"main\.py cannot be read"):
            application(folder)

    def test_a_folder_of_nothing_is_an_error(self, folder: Path) -> None:
        with pytest.raises(RequirementsError, match="has no file that goes into an image"):
            application(folder)
        with pytest.raises(RequirementsError, match="is not a folder"):
            application(folder / "gone")

    def test_a_large_one_is_said(self, folder: Path) -> None:
        with (folder / "data").open("wb") as file:
            file.truncate(600_000_000)
        assert application(folder).notes[0].startswith(f"The files of {folder} are 600 MB: ")

    def test_a_project_without_a_build_system_is_one(self, folder: Path) -> None:
        write(folder, "pyproject.toml", text='[project]\nname = "My_App"\nscripts = {a = "b:c"}\n')
        found = application(folder)
        assert (found.name, [file.path for file in found.files]) == ("my-app", ["pyproject.toml"])
        assert "[project.scripts] is not installed" in found.notes[0]

    @pytest.mark.parametrize("table", ["tool.uv]\npackage", "tool.poetry]\npackage-mode"])
    def test_a_project_that_says_it_is_no_package_is_one(self, folder: Path, table: str) -> None:
        write(folder, "pyproject.toml", text=f"{PACKAGE}[{table} = false\n")
        assert paths(folder) == ["pyproject.toml"]


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Have wheels built by a backend that needs no index: of one script for each line of a file; the folders built."""
    folders: list[Path] = []

    def build(folder: Path, place: Path, interpreter: Path | None) -> Path:
        folders.append(folder)
        wheel = place / "demo_app-1.0-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("demo_app-1.0.dist-info/entry_points.txt", (folder / "points").read_text())
        return wheel

    monkeypatch.setattr(building, "_build", build)
    return folders


class TestPackage:
    @pytest.mark.parametrize(
        ("points", "entrypoint", "note"),
        [
            ("[console_scripts]\nServe = demo:main\n", "Serve", None),
            ("[console_scripts]\na = x:y\ndemo_app = x:z\n[gui_scripts]\ng = x:y\n", "demo_app", None),
            ("[console_scripts]\nb = x:y\na = x:y\n", None, "The project has several scripts (a, b)"),
            ("[other]\na = x:y\n", None, "The project has no [project.scripts]"),
            ("", None, "The project has no [project.scripts]"),
        ],
    )
    def test_a_script_that_stands_out_is_the_application(
        self, folder: Path, built: list[Path], points: str, entrypoint: str | None, note: str | None
    ) -> None:
        write(folder, "pyproject.toml", text=PACKAGE)
        write(folder, "points", text=points)
        found = application(folder)
        assert (found.name, found.entrypoint, found.notes) == ("demo-app", entrypoint, ())
        assert (found.entrypoint_note or "")[: len(note or "")] == (note or "")
        assert (found.entrypoint_note is None) == (note is None)
        assert found.wheel
        assert found.wheel_sha256 == hashlib.sha256(found.wheel.read_bytes()).hexdigest()

    def test_a_wheel_that_cannot_be_read_is_an_error(self, folder: Path, built: list[Path]) -> None:
        write(folder, "pyproject.toml", text=PACKAGE)
        write(folder, "points", text="[console_scripts\n")
        with pytest.raises(WheelbaseError, match="which the project's backend built, cannot be read"):
            application(folder)

    def test_it_is_built_again_when_a_file_changes(self, folder: Path, built: list[Path]) -> None:
        write(folder, "pyproject.toml", text=PACKAGE)
        write(folder, "points", "src/a.py", "ignored.txt", text="")
        write(folder, ".gitignore", text="ignored.txt\n")
        first = application(folder)
        again = application(folder)
        assert (len(built), again.wheel_sha256) == (1, first.wheel_sha256)
        assert again.wheel != first.wheel
        write(folder, "build/lib/a.py", "src/demo.egg-info/PKG-INFO", "src/__pycache__/a.pyc", ".git/index")
        write(folder, "wheelbase.lock", "shop.tar", "image/index.json", ".shop.tar-x/y", ".pdm-build/x")
        application(folder, outputs=[folder / "shop.tar", folder / "image"])
        assert len(built) == 1
        for path in ("shop.tar", "image/index.json", ".shop.tar-x/y"):
            (folder / path).unlink()
        changes: list[Callable[[], object]] = [
            lambda: write(folder, "src/a.py", text="y"),
            lambda: (folder / "src/a.py").chmod(0o755),
            lambda: (folder / "src/a.py").rename(folder / "src/b.py"),
            lambda: write(folder, "ignored.txt", text="yy"),
            lambda: write(folder, ".env"),
        ]
        for count, change in enumerate(changes, 2):
            change()
            application(folder)
            application(folder)
            assert len(built) == count

    @pytest.mark.parametrize("case", ["dynamic", "setup.py", "link", "no project"])
    def test_it_is_built_each_time_where_files_do_not_say_all(self, folder: Path, built: list[Path], case: str) -> None:
        text = PACKAGE.replace("version =", 'dynamic = ["version"]\nother =') if case == "dynamic" else PACKAGE
        write(folder, "pyproject.toml", text=text.partition("[project]")[0] if case == "no project" else text)
        write(folder, "points", text="")
        if case == "setup.py":
            write(folder, "setup.py")
        if case == "link":
            (folder / "data").symlink_to("/etc")
        application(folder)
        application(folder)
        assert len(built) == 2

    def test_one_that_changed_during_the_build_is_not_kept(
        self, folder: Path, built: list[Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        write(folder, "pyproject.toml", text=PACKAGE)
        write(folder, "points", text="")
        build = building._build

        def slow(folder: Path, place: Path, interpreter: Path | None) -> Path:
            wheel = build(folder, place, interpreter)
            write(folder, "edited.py")
            return wheel

        monkeypatch.setattr(building, "_build", slow)
        application(folder)
        (folder / "edited.py").unlink()
        application(folder)
        assert len(built) == 2

    def test_a_project_of_uv_without_a_build_system_may_be_one(self, folder: Path, built: list[Path]) -> None:
        write(folder, "pyproject.toml", text='[project]\nname = "x"\nversion = "1"\n[tool.uv]\npackage = true\n')
        write(folder, "points", text="")
        assert application(folder).wheel


BACKEND = """
import os, sys
def build_wheel(folder, config_settings=None, metadata_directory=None):
    if os.path.exists("broken"):
        print("the sources are broken"); sys.exit(5)
    import zipfile
    name = "demo_app-1.0.dist-info"
    with zipfile.ZipFile(os.path.join(folder, "demo_app-1.0-py3-none-any.whl"), "w") as archive:
        archive.writestr("demo_app.py", os.environ["SOURCE_DATE_EPOCH"])
        archive.writestr(f"{name}/METADATA", "Metadata-Version: 2.1\\nName: demo-app\\nVersion: 1.0\\n")
        archive.writestr(f"{name}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr(f"{name}/RECORD", "")
    return "demo_app-1.0-py3-none-any.whl"
"""
IN_TREE = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "demo-app"
version = "1.0"
"""
SETUPTOOLS = "setuptools.build_meta"


class TestBuild:
    def test_the_backend_of_a_project_builds_its_wheel(self, folder: Path) -> None:
        write(folder, "pyproject.toml", text=IN_TREE)
        write(folder, "backend.py", text=BACKEND)
        found = application(folder)
        assert found.wheel
        with zipfile.ZipFile(found.wheel) as archive:
            assert archive.read("demo_app.py") == b"315532800"
        assert stat.S_ISREG(found.wheel.stat().st_mode)

    def test_what_a_backend_says_of_its_failure_is_shown(self, folder: Path) -> None:
        write(folder, "pyproject.toml", text=IN_TREE)
        write(folder, "backend.py", text=BACKEND)
        write(folder, "broken")
        with pytest.raises(WheelbaseError, match="could not be built") as caught:
            application(folder)
        assert "  the sources are broken" in str(caught.value)
        assert "uv build --wheel" in str(caught.value.hint)

    def test_bytecode_of_a_backend_is_not_left_in_the_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
        write(folder, "pyproject.toml", text=IN_TREE)
        write(folder, "backend.py", text=f"import other\n{BACKEND}")
        write(folder, "other.py", text="")
        application(folder)
        assert sorted(path.name for path in folder.iterdir()) == ["backend.py", "other.py", "pyproject.toml"]

    @pytest.mark.network
    def test_setuptools_leaves_nothing_in_the_folder(self, folder: Path) -> None:
        write(
            folder, "pyproject.toml", text=PACKAGE.replace("uv_build", "setuptools", 1).replace("uv_build", SETUPTOOLS)
        )
        write(folder, "setup.cfg", text="[build]\nbuild_base = out\n")
        write(folder, "src/demo_app/__init__.py", "build/lib/demo_app/stale.py", text="")
        before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
        found = application(folder)
        assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before
        assert found.wheel
        with zipfile.ZipFile(found.wheel) as archive:
            assert [name for name in archive.namelist() if name.endswith(".py")] == ["demo_app/__init__.py"]

    @pytest.mark.network
    def test_uv_build_gives_the_same_wheel_each_time(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, "pyproject.toml", text=f'{PACKAGE}[project.scripts]\nserve = "demo_app:main"\n')
        write(folder, "src/demo_app/__init__.py", text="def main(): ...\n")
        first = application(folder)
        monkeypatch.setenv("WHEELBASE_CACHE_DIR", str(folder.parent / "other"))
        assert application(folder).wheel_sha256 == first.wheel_sha256
        assert (first.scripts, first.entrypoint) == ({"serve": "demo_app:main"}, "serve")

"""Lock files as their tools wrote them (their URLs replaced), and those of older versions by their documentation."""

import shutil
from pathlib import Path
from typing import ClassVar

import pytest
from packaging.pylock import Pylock

from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.project.locks import read_pylock, read_uv_lock
from wheelbase.project.pinned import read_pipfile_lock, read_poetry_lock
from wheelbase.project.read import read_project_file
from wheelbase.project.values import Package, Requirements

DATA = Path(__file__).with_name("data")
LINUX = {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"}


def on_linux(found: Requirements, python: str) -> dict[str, str]:
    """Return what is installed on a Linux with this Python: name and version."""
    environment = {**LINUX, "python_full_version": python, "python_version": python.rpartition(".")[0]}
    locked = [(p.name, str(p.version), p.marker) for p in found.locked or ()]
    pinned = [(r.name, str(r.specifier).removeprefix("=="), r.marker) for r in found.requirements]
    return {name: version for name, version, marker in locked + pinned if not marker or marker.evaluate(environment)}


def package(found: Requirements, name: str) -> Package:
    (one,) = [each for each in found.locked or () if each.name == name]
    return one


class TestUvLock:
    """Requires Python 3.12, which need not be the one that runs the tests; has two versions of idna."""

    PLAIN: ClassVar = {"click": "8.5.1", "idna": "3.7", "six": "1.17.0"}

    def test_the_dependencies_of_the_project_for_each_python(self) -> None:
        found = read_uv_lock(DATA / "uv" / "uv.lock")
        assert on_linux(found, "3.12.4") == self.PLAIN
        assert on_linux(found, "3.13.0") == self.PLAIN | {"idna": "3.20"}
        assert str(found.requires_python) == ">=3.12"
        assert str(package(found, "colorama").marker) == 'sys_platform == "win32"'

    def test_the_git_source_and_the_workspace_member_are_named_but_not_counted(self) -> None:
        assert read_uv_lock(DATA / "uv" / "uv.lock").skipped == (
            "gitdep: from version control, not from an index",
            "lib: from a folder, not from an index",
        )

    def test_extras_and_groups_where_asked_for_even_default_ones(self) -> None:
        found = read_uv_lock(DATA / "uv" / "uv.lock", extras=["web"], groups=["docs"])
        assert on_linux(found, "3.12.4") == self.PLAIN | {"h11": "0.16.0", "tomli-w": "1.2.0"}
        developed = read_uv_lock(DATA / "uv" / "uv.lock", groups=["dev"])
        assert on_linux(developed, "3.12.4") == self.PLAIN | {"iniconfig": "2.3.1"}

    def test_the_files_that_the_lock_allows(self) -> None:
        files = package(read_uv_lock(DATA / "uv" / "uv.lock"), "click").candidates or ()
        assert [(file.filename, file.kind) for file in files] == [
            ("click-8.5.1-py3-none-any.whl", "wheel"),
            ("click-8.5.1.tar.gz", "sdist"),
        ]
        assert all(file.sha256 and file.size and file.url.startswith("https://files.example/") for file in files)

    def test_what_was_exported_once_is_kept_until_either_file_changes(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        folder = tmp_path / "project"
        shutil.copytree(DATA / "uv", folder)
        first = read_uv_lock(folder / "uv.lock")

        def run_uv(*_: str, **__: object) -> None:
            raise AssertionError("uv was run")

        monkeypatch.setattr("wheelbase.project.locks.run_uv", run_uv)
        assert read_uv_lock(folder / "uv.lock") == first
        for name in ("uv.lock", "pyproject.toml"):
            with (folder / name).open("a") as file:
                file.write("# changed\n")
            with pytest.raises(AssertionError):
                read_uv_lock(folder / "uv.lock")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "uv.lock: .*missing field `version`"),
            ("version = [", "is not valid TOML"),
            ("version = 9\n", "unsupported schema version"),
            ("version = 1\n[[package]]\nname = 3\n", "invalid type"),
        ],
    )
    def test_what_uv_refuses(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "pyproject.toml").write_text('[project]\nname="x"\nversion="1"\nrequires-python=">=3.11"\n')
        (tmp_path / "uv.lock").write_text(content)
        with pytest.raises(RequirementsError, match=message) as caught:
            read_uv_lock(tmp_path / "uv.lock")
        assert caught.value.hint
        assert "\n" not in str(caught.value)

    def test_what_it_has_not(self, tmp_path: Path) -> None:
        with pytest.raises(RequirementsError, match="Extra `nope` is not defined"):
            read_uv_lock(DATA / "uv" / "uv.lock", extras=["nope"])
        with pytest.raises(RequirementsError, match="Group `nope` is not defined"):
            read_uv_lock(DATA / "uv" / "uv.lock", groups=["nope"])
        shutil.copy(DATA / "uv" / "uv.lock", tmp_path)
        with pytest.raises(RequirementsError, match=r"no pyproject\.toml beside it"):
            read_uv_lock(tmp_path / "uv.lock")


class TestPylock:
    def test_of_uv(self) -> None:
        found = read_pylock(DATA / "uv-pylock" / "pylock.toml")
        assert on_linux(found, "3.12.0").keys() == {"click", "h11", "iniconfig", "tqdm"}
        assert str(found.requires_python) == ">=3.11"

    def test_of_pip_has_files_of_one_platform(self) -> None:
        found = read_pylock(DATA / "pip" / "pylock.toml")
        names = {"certifi", "charset-normalizer", "click", "idna", "requests", "urllib3"}
        assert {each.name for each in found.locked or ()} == names
        assert [file.filename for file in package(found, "charset-normalizer").candidates or ()] == [
            "charset_normalizer-3.5.2-cp311-cp311-manylinux2014_x86_64.manylinux_2_17_x86_64.manylinux_2_28_x86_64.whl"
        ]

    GROUPS = """
lock-version = "1.0"
created-by = "pdm"
extras = ["web"]
dependency-groups = ["default", "dev"]
default-groups = ["default"]
requires-python = ">=3.11"
"""
    ENTRY = """
[[packages]]
name = "{0}"
version = "1.0"
marker = "{1}"
wheels = [{{ path = "wheels/{0}-1.0-py3-none-any.whl", hashes = {{ sha256 = "ab" }} }}]
"""

    def write(self, folder: Path, **markers: str) -> Path:
        path = folder / "pylock.toml"
        path.write_text(self.GROUPS + "".join(self.ENTRY.format(n, m) for n, m in markers.items()))
        return path

    def test_extras_and_groups(self, tmp_path: Path) -> None:
        path = self.write(
            tmp_path,
            app="'default' in dependency_groups",
            web="'web' in extras and python_version >= '3.13'",
            dev="'dev' in dependency_groups or 'nothing' in extras",
            lean="'dev' not in dependency_groups",
            win="sys_platform == 'win32' and 'default' in dependency_groups",
        )
        assert on_linux(read_pylock(path), "3.13.0").keys() == {"app", "lean"}
        assert on_linux(read_pylock(path, extras=["Web"]), "3.13.0").keys() == {"app", "lean", "web"}
        # The answer holds for every target, not only for the Python that runs this.
        assert on_linux(read_pylock(path, extras=["web"]), "3.12.0").keys() == {"app", "lean"}
        assert on_linux(read_pylock(path, groups=["dev"]), "3.13.0").keys() == {"app", "dev"}

    def test_a_path_starts_from_the_file_s_folder(self, tmp_path: Path) -> None:
        (file,) = package(read_pylock(self.write(tmp_path, app="os_name == 'posix'")), "app").candidates or ()
        assert file.url == (tmp_path / "wheels" / "app-1.0-py3-none-any.whl").as_uri()

    def test_what_is_not_from_an_index(self, tmp_path: Path) -> None:
        path = tmp_path / "pylock.toml"
        path.write_text(
            self.GROUPS + '[[packages]]\nname="a"\nvcs={type="git", url="https://git.example/a", commit-id="c0"}\n'
            '[[packages]]\nname="b"\ndirectory={path="."}\n'
            '[[packages]]\nname="c"\narchive={url="https://files.example/c-1.tar.gz", hashes={sha256="ab"}}\n'
        )
        found = read_pylock(path)
        assert found.locked == ()
        assert [reason.split(": ")[1].split(",")[0] for reason in found.skipped] == [
            "from version control",
            "from a folder",
            "from a URL or a file",
        ]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is not a lock file of PEP 751: .*lock-version"),
            ("lock-version = '9.0'\ncreated-by = 'x'\npackages = []\n", "is not a lock file of PEP 751: .*9.0"),
            ("lock-version = '1.0'\ncreated-by = 'x'\npackages = 3\n", "packages"),
            (GROUPS + ENTRY.format("app", "os_name =="), "marker"),
            (GROUPS + ENTRY.format("app", "python_version >= 'x' and os_name ~= 'p'"), "cannot be answered"),
            ("lock-version = ", "is not valid TOML"),
        ],
    )
    def test_what_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "pylock.toml").write_text(content)
        with pytest.raises(RequirementsError, match=message) as caught:
            read_pylock(tmp_path / "pylock.toml")
        assert caught.value.hint

    def test_an_extra_that_was_not_locked(self) -> None:
        with pytest.raises(RequirementsError, match="has no extra 'web'") as caught:
            read_pylock(DATA / "pip" / "pylock.toml", extras=["web"])
        assert caught.value.hint == "it has none; lock again with what is to be counted"


class TestPoetryLock:
    PLAIN: ClassVar = {"click": "8.5.1", "idna": "3.7"}

    def test_version_2_1_says_itself_for_whom_each_package_is(self, tmp_path: Path) -> None:
        shutil.copy(DATA / "poetry" / "poetry.lock", tmp_path)
        found = read_poetry_lock(tmp_path / "poetry.lock")
        assert on_linux(found, "3.12.1") == self.PLAIN
        assert on_linux(found, "3.13.1") == self.PLAIN | {"idna": "3.20"}
        assert found.complete
        assert str(found.requires_python) == "<4.0,>=3.10"
        assert len(found.hashes["idna"]) == 4

    def test_extras_and_groups(self) -> None:
        path = DATA / "poetry" / "poetry.lock"
        web = read_poetry_lock(path, extras=["web"])
        assert on_linux(web, "3.12.1") == self.PLAIN | {"anyio": "4.16.0", "typing-extensions": "4.16.0"}
        assert "exceptiongroup" in on_linux(web, "3.10.1")
        dev = on_linux(read_poetry_lock(path, groups=["dev"]), "3.12.1")
        assert dev.keys() == {*self.PLAIN, "iniconfig", "packaging", "pluggy", "pygments", "pytest"}
        assert on_linux(read_poetry_lock(path, groups=["docs"]), "3.10.1")["tomli"] == "2.0.2"
        for wrong in ({"extras": ["nope"]}, {"groups": ["nope"]}):
            with pytest.raises(RequirementsError, match=r"has no package of .* 'nope'") as caught:
                read_poetry_lock(path, **wrong)
            assert caught.value.hint

    OLD = """
[[package]]
name = "click"
version = "8.1.7"
category = "main"
optional = false
python-versions = ">=3.7"
[[package]]
name = "numpy"
version = "1.24.4"
optional = false
python-versions = ">=3.8"
[[package]]
name = "NumPy"
version = "1.26.4"
optional = false
python-versions = ">=3.9"
[[package]]
name = "lib"
version = "0.1"
python-versions = "*"
[package.source]
type = "git"
url = "https://git.example/lib"
"""
    METADATA = '[metadata]\nlock-version = "{}"\npython-versions = "^3.8"\n'
    FILES_1_1 = (
        '[metadata.files]\nclick = [{file = "click-8.1.7.tar.gz", hash = "sha256:ab"}, {file="x", hash="md5:c"}]'
    )

    def write(self, folder: Path, version: str, files: str = "", project: str = "") -> Path:
        (folder / "poetry.lock").write_text(self.OLD + self.METADATA.format(version) + files)
        text = "[tool.poetry.dependencies]\npython='^3.8'\nclick='^8'\nnumpy='*'\n"
        (folder / "pyproject.toml").write_text(project or text)
        return folder / "poetry.lock"

    @pytest.mark.parametrize("version", ["1.1", "2.0"])
    def test_older_versions_constrain_the_project_beside_them(self, tmp_path: Path, version: str) -> None:
        found = read_poetry_lock(self.write(tmp_path, version, self.FILES_1_1 if version == "1.1" else ""))
        assert [str(each) for each in found.requirements] == ["click<9,>=8", "numpy"]
        assert [each.name for each in found.constraints] == ["click", "numpy", "numpy"]
        assert not found.complete
        assert found.hashes == ({"click": frozenset({"ab"})} if version == "1.1" else {})
        assert str(found.requires_python) == "<4,>=3.8"
        # Of two versions the newer one goes first where its Python allows it.
        for python, expected in (("3.8.1", "1.24.4"), ("3.9.1", "1.26.4"), ("3.12.1", "1.26.4")):
            environment = {"python_full_version": python, "python_version": python.rpartition(".")[0]}
            pins = [c for c in found.constraints[1:] if c.marker and c.marker.evaluate(environment)]
            assert [str(pin.specifier) for pin in pins] == [f"=={expected}"], python

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "has lock-version none"),
            (METADATA.format("3.0"), "has lock-version 3.0"),
            ("[[package]]\nname = 'x'\n" + METADATA.format("2.1"), "missing required field `version`"),
            ("package = 1\n" + METADATA.format("2.1"), "at `package`"),
            ("[[package]]\nname='x'\nversion='1 2'\ngroups=['main']\n" + METADATA.format("2.1"), "not a requirement"),
            (
                "[[package]]\nname='x'\nversion='1'\ngroups=['main']\nmarkers='os_name =='\n" + METADATA.format("2.1"),
                "not a requirement",
            ),
            ("[[package]]\nname='x'\nversion='one'\n" + METADATA.format("2.0"), "has version 'one'"),
            (METADATA.format("2.1").replace("^3.8", "three"), "'three' is not a version constraint"),
            ("[[package]]\nname = ", "is not valid TOML"),
        ],
    )
    def test_what_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "pyproject.toml").write_text("[project]\nname='x'\n")
        (tmp_path / "poetry.lock").write_text(content)
        with pytest.raises(RequirementsError, match=message) as caught:
            read_poetry_lock(tmp_path / "poetry.lock")
        assert caught.value.hint

    def test_versions_that_an_old_one_does_not_tell_apart_are_left_to_the_project(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "2.0", '[metadata.files]\nnumpy = [{hash = "sha256:ab"}]\n')
        path.write_text(path.read_text().replace('">=3.9"', '">=3.8"'))
        found = read_poetry_lock(path)
        assert [each.name for each in found.constraints] == ["click"]
        assert found.hashes == {}

    def test_an_old_one_needs_its_project(self, tmp_path: Path) -> None:
        path = self.write(tmp_path, "2.0")
        (tmp_path / "pyproject.toml").unlink()
        with pytest.raises(RequirementsError, match=r"no pyproject\.toml beside it"):
            read_poetry_lock(path)


class TestPipfileLock:
    PATH = DATA / "pipenv" / "Pipfile.lock"

    def test_the_default_section(self) -> None:
        found = read_pipfile_lock(self.PATH)
        names = {"certifi", "chardet", "click", "idna", "pysocks", "requests", "urllib3"}
        assert on_linux(found, "3.11.1").keys() == names
        assert found.complete
        assert str(found.requires_python) == "==3.11.*"
        assert "requests[socks]==2.24.0" in {str(each).partition(";")[0] for each in found.requirements}
        assert {len(digest) for digests in found.hashes.values() for digest in digests} == {64}
        assert found.skipped == ("pywin32: without a version in Pipfile.lock",)

    def test_groups(self) -> None:
        for group, name in (("dev", "iniconfig"), ("develop", "iniconfig"), ("docs", "tomli-w")):
            assert name in {each.name for each in read_pipfile_lock(self.PATH, groups=[group]).requirements}
        with pytest.raises(RequirementsError, match="has no group 'nope'") as caught:
            read_pipfile_lock(self.PATH, groups=["nope"])
        assert caught.value.hint == "it has default, develop, docs"

    META = '{"_meta": {"pipfile-spec": 6}, "default": %s}'

    def test_markers_and_sources(self, tmp_path: Path) -> None:
        path = tmp_path / "Pipfile.lock"
        path.write_text(
            self.META % '{"a": {"version": "*", "markers": "os_name == \'nt\'"}, "b": {"git": "https://g", "ref": "1"}}'
        )
        found = read_pipfile_lock(path)
        assert [str(each) for each in found.requirements] == ['a; os_name == "nt"']
        assert found.skipped == ("b: from version control, a URL or a folder in Pipfile.lock",)

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            ("", "is not valid JSON"),
            ("[" * 100_000, "is not valid JSON"),
            ("[]", "Expected `object`, got `array`"),
            ("{}", "is not a Pipfile.lock"),
            (META % "3", "Expected `object`, got `int`"),
            (META % '{"a": {"version": 1}}', "at `...`.version|version"),
            (META % '{"a": {"version": "==x y"}}', "is not a requirement"),
            (META.replace("6", "7") % "{}", "has pipfile-spec 7"),
            (META.replace("6", '6, "requires": {"python_version": "x"}') % "{}", "not a version specifier"),
        ],
    )
    def test_what_is_refused(self, tmp_path: Path, content: str, message: str) -> None:
        (tmp_path / "Pipfile.lock").write_text(content)
        with pytest.raises(RequirementsError, match=message) as caught:
            read_pipfile_lock(tmp_path / "Pipfile.lock")
        assert caught.value.hint


@pytest.mark.parametrize("name", ["uv/pyproject.toml", "poetry/poetry.lock", "pipenv/Pipfile.lock", "pip/pylock.toml"])
def test_a_truncated_file_is_refused_or_read_but_never_a_crash(tmp_path: Path, name: str) -> None:
    content = (DATA / name).read_bytes()
    path = tmp_path / Path(name).name
    for size in range(0, len(content), 61):
        path.write_bytes(content[:size])
        try:
            read_project_file(path)
        except WheelbaseError as error:
            assert error.hint


def test_the_stored_lock_files_are_valid_to_others() -> None:
    import tomllib

    for name in ("pip", "uv-pylock"):
        Pylock.from_dict(tomllib.loads((DATA / name / "pylock.toml").read_text()))

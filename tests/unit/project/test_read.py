"""What is read, of the many things that may be there; and that no input whatever ends in a traceback."""

import json
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.project.files import read_text
from wheelbase.project.pyproject import read_pyproject
from wheelbase.project.read import ORDER, read_project_file, read_requirements
from wheelbase.project.requirements_txt import read_requirements_files
from wheelbase.project.values import Requirements, parse_requirement

PYLOCK = 'lock-version = "1.0"\ncreated-by = "x"\npackages = []\n'
POETRY = '[metadata]\nlock-version = "2.1"\n'
PIPFILE = '{"_meta": {"pipfile-spec": 6}, "default": {}}'


def lines(requirements: Requirements) -> list[str]:
    return [str(requirement) for requirement in requirements.requirements]


def test_arguments_files_and_constraints_together(tmp_path: Path) -> None:
    (tmp_path / "r.txt").write_text("idna")
    (tmp_path / "c.txt").write_text("six==1.16")
    found = read_requirements(["click>=8"], files=[tmp_path / "r.txt"], constraints=[tmp_path / "c.txt"])
    assert lines(found) == ["click>=8", "idna"]
    assert [str(each) for each in found.constraints] == ["six==1.16"]
    assert found.source == f"arguments, {tmp_path / 'r.txt'}"


def test_a_folder_is_read_by_the_first_file_of_the_order(tmp_path: Path) -> None:
    contents = [None, PYLOCK, POETRY, PIPFILE, "[project]\nname='x'\n", "six\n"]
    for name, content in reversed(list(zip(ORDER, contents, strict=True))):
        if content is not None:
            (tmp_path / name).write_text(content)
            assert read_requirements([f"{tmp_path}"]).source.endswith(name)
            assert read_requirements(folder=tmp_path).source.endswith(name)


def test_a_pyproject_of_tool_settings_yields_to_requirements(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.ruff]\n")
    (tmp_path / "requirements.txt").write_text("six\n")
    assert lines(read_requirements(folder=tmp_path)) == ["six"]
    (tmp_path / "requirements.txt").unlink()
    with pytest.raises(RequirementsError, match="does not say what the project needs"):
        read_requirements(folder=tmp_path)


def test_a_bare_word_is_a_package_even_where_a_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "click").mkdir()
    (tmp_path / "click" / "requirements.txt").write_text("six\n")
    monkeypatch.chdir(tmp_path)
    assert lines(read_requirements(["click"])) == ["click"]
    assert lines(read_requirements(["./click"])) == ["six"]


def test_constraints_go_with_a_project_but_not_with_a_lock(tmp_path: Path) -> None:
    (tmp_path / "c.txt").write_text("six==1.16")
    (tmp_path / "pyproject.toml").write_text("[project]\nname='x'\ndependencies=['six']\n")
    assert read_requirements(folder=tmp_path, constraints=[tmp_path / "c.txt"]).constraints
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    with pytest.raises(RequirementsError, match=r"cannot constrain pylock\.toml"):
        read_requirements(folder=tmp_path, constraints=[tmp_path / "c.txt"])


@pytest.mark.parametrize(
    ("arguments", "names", "choices", "message"),
    [
        (["./a", "six"], [], {}, "cannot be mixed"),
        (["./a", "./b"], [], {}, "cannot be mixed"),
        (["./a"], ["r.txt"], {}, "cannot be mixed"),
        (["six"], ["pylock.toml"], {}, "pylock.toml cannot be mixed"),
        (["r.txt"], [], {}, "looks like a file"),
        (["pylock.toml"], [], {}, "looks like a file"),
        (["six"], [], {"extras": ["x"]}, "have no extra 'x'"),
        ([], ["r.txt"], {"groups": ["x"]}, "have no group 'x'"),
        ([], ["Pipfile.lock"], {"extras": ["x"]}, "have no extra 'x'"),
        ([], ["empty.txt"], {}, "asks for no package"),
        ([], ["missing.txt"], {}, "does not exist"),
        ([], ["missing/uv.lock"], {}, "does not exist"),
        ([], ["a"], {}, "Is a directory"),
        (["./b"], [], {}, "there is nothing to install in"),
        (["./gone"], [], {}, r"^\./gone does not exist"),
        (["../gone"], [], {}, "does not exist"),
        (["./r"], [], {}, "is a URL or a path; only packages of an index are known here"),
        (["x" * 5000], [], {}, None),
        (["./" + "x" * 5000], [], {}, "does not exist"),
        (["./\x00"], [], {}, "does not exist"),
        ([], ["\x00"], {}, "cannot be read"),
        ([], ["x" * 5000], {}, "cannot be read"),
    ],
)
def test_what_does_not_go_together(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    names: list[str],
    choices: dict[str, Any],
    message: str | None,
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (tmp_path / "a" / "requirements.txt").write_text("six")
    (tmp_path / "r.txt").write_text("six")
    (tmp_path / "r").write_text("six")
    (tmp_path / "empty.txt").write_text("# nothing yet\n")
    (tmp_path / "pylock.toml").write_text(PYLOCK)
    (tmp_path / "Pipfile.lock").write_text(PIPFILE)
    monkeypatch.chdir(tmp_path)
    if message is None:
        read_requirements(arguments, files=list(map(Path, names)), **choices)
        return
    with pytest.raises(RequirementsError, match=message) as caught:
        read_requirements(arguments, files=list(map(Path, names)), **choices)
    assert caught.value.hint


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"main.py": "", "wheelbase.toml": ""},
        {"requirements.txt": "# nothing yet\n"},
        {"requirements.txt": "", "requirements.in": ""},
        {"pyproject.toml": "[tool.ruff]\n"},
        {"pyproject.toml": "[tool.ruff]\n", "requirements.txt": ""},
        {"pyproject.toml": "[project]\nname = 'x'\n"},
        {"pyproject.toml": "[tool.poetry]\nname = 'x'\n"},
    ],
)
def test_an_application_may_need_no_package(tmp_path: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    found = read_requirements([str(tmp_path)], allow_none=True)
    assert (found.requirements, found.locked, found.source != "") == ((), None, True)
    if "[project]" not in files.get("pyproject.toml", ""):
        assert read_requirements(folder=tmp_path, allow_none=True) == found


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"setup.py": ""}, "nothing to install"),
        ({"Pipfile": "", "pyproject.toml": "[tool.ruff]\n"}, "does not say what the project needs"),
        ({"requirements.in": "six"}, "nothing to install"),
        ({"requirements/base.txt": "six"}, "nothing to install"),
        ({"pyproject.toml": "[build-system]\nrequires = []\n"}, "does not say what the project needs"),
    ],
)
def test_an_application_whose_needs_are_not_known_may_not(tmp_path: Path, files: dict[str, str], message: str) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(RequirementsError, match=message):
        read_requirements(folder=tmp_path, allow_none=True)


def test_what_needs_no_package_has_no_extras(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError, match="have no extra 'x'"):
        read_requirements(folder=tmp_path, extras=["x"], allow_none=True)
    with pytest.raises(RequirementsError, match="does not exist"):
        read_requirements(files=[tmp_path / "gone.txt"], allow_none=True)


def test_files_that_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    monkeypatch.setattr("wheelbase.project.files._MAX_BYTES", 1000)
    for path, message in ((loop, "cannot be read"), (Path("/dev/zero"), "is larger than"), (tmp_path, "directory")):
        with pytest.raises(RequirementsError, match=message) as caught:
            read_text(path)
        assert caught.value.hint


@pytest.mark.parametrize("text", ["a[b", "a b", "", "==1", "a>=1;", "a;b", "a @", "[x]", "-", "ä"])
def test_a_requirement_with_a_typing_error(text: str) -> None:
    with pytest.raises(RequirementsError, match=r"argument: .* is not a requirement"):
        parse_requirement(text, "argument")


# Words of which something nearly right may come to be; and any other text.
WORDS = st.one_of(
    st.sampled_from(
        "click idna==3.7 ^1.2 ~1 * >=3.11 || -r -c -e -i --hash sha256: ; python_version extra == 'x' ( ) [ ] @ "
        "git+https://x "
        './x .whl # \\ ${HOME} " default dev main 2.1 1.1 1.0 . .. / 6 \x00 \ufeff é'.split(" ")
    ),
    st.text(max_size=8),
)
TEXTS = st.lists(WORDS, max_size=12).flatmap(
    lambda words: st.sampled_from([" ", "\n", ""]).map(lambda s: s.join(words))
)
KEYS = st.one_of(
    st.sampled_from(
        "project dependencies optional-dependencies name version requires-python dynamic tool poetry uv sources index "
        "find-links group dependency-groups include-group extras package packages metadata lock-version markers marker "
        "files hash source type python-versions groups wheels sdist hashes url path created-by _meta default develop "
        "pipfile-spec requires python_version setuptools file git optional python".split()
    ),
    st.text(max_size=4),
)
LEAVES = st.one_of(TEXTS, st.integers(-(2**62), 2**62), st.booleans(), st.floats(allow_nan=False))
TREES: st.SearchStrategy[Any] = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=5), max_leaves=25
)
TABLES = st.dictionaries(KEYS, TREES, max_size=6)
MANY = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def refused_or_read(folder: Path, name: str, content: bytes, names: list[str]) -> None:
    """Read a file; an error of ours is an answer too, with its hint, and anything else fails the test."""
    (folder / name).write_bytes(content)
    for chosen in ([], names):
        try:
            read_project_file(folder / name, extras=chosen, groups=chosen)
        except WheelbaseError as error:
            assert str(error)
            assert error.hint


@MANY
@given(text=TEXTS | st.binary(max_size=60))
def test_any_text_as_any_file(tmp_path_factory: pytest.TempPathFactory, text: str | bytes) -> None:
    folder = tmp_path_factory.mktemp("any")
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    for name in ("requirements.txt", "pylock.toml", "poetry.lock", "Pipfile.lock", "pyproject.toml"):
        refused_or_read(folder, name, content, ["x"])


@MANY
@given(table=TABLES, base=st.sampled_from([PYLOCK.replace("packages = []\n", ""), POETRY, ""]))
def test_any_tables_as_any_file(tmp_path_factory: pytest.TempPathFactory, table: dict[str, Any], base: str) -> None:
    import tomllib

    folder = tmp_path_factory.mktemp("any")
    tables = tomllib.loads(base) | table
    for name in ("pylock.toml", "poetry.lock", "pyproject.toml"):
        refused_or_read(folder, name, tomli_w.dumps(tables).encode(), [key for key in table if key] or ["x"])
    pipfile = json.loads(PIPFILE) | table
    refused_or_read(folder, "Pipfile.lock", json.dumps(pipfile).encode(), list(table) or ["x"])


@MANY
@given(
    packages=st.lists(
        st.fixed_dictionaries(
            {"name": TEXTS, "version": TEXTS},
            optional={
                "marker": TEXTS,
                "markers": TEXTS,
                "python-versions": TEXTS,
                "groups": st.just(["main"]),
                "wheels": TREES,
            },
        ),
        max_size=3,
    ),
    version=st.sampled_from(["1.1", "2.1"]),
)
def test_any_packages_in_a_lock(
    tmp_path_factory: pytest.TempPathFactory, packages: list[dict[str, Any]], version: str
) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "pyproject.toml").write_text("[project]\nname='x'\ndependencies=['six']\n")
    poetry = {"package": packages, "metadata": {"lock-version": version}}
    refused_or_read(folder, "poetry.lock", tomli_w.dumps(poetry).encode(), ["x"])
    pylock = {"lock-version": "1.0", "created-by": "x", "packages": packages}
    refused_or_read(folder, "pylock.toml", tomli_w.dumps(pylock).encode(), ["x"])


@MANY
@given(dependencies=st.lists(TEXTS, max_size=3), table=st.dictionaries(st.sampled_from(["a", "b", "python"]), TREES))
def test_any_dependencies(
    tmp_path_factory: pytest.TempPathFactory, dependencies: list[str], table: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("any") / "pyproject.toml"
    for data in (
        {"project": {"name": "a", "dependencies": dependencies, "optional-dependencies": {"x": dependencies}}},
        {"dependency-groups": {"x": table.get("a", dependencies)}},
        {"tool": {"poetry": {"dependencies": table, "extras": {"x": ["a"]}}}},
    ):
        path.write_text(tomli_w.dumps(data), encoding="utf-8")
        for chosen in ([], ["x"]):
            try:
                read_pyproject(path, extras=chosen, groups=chosen)
            except WheelbaseError as error:
                assert error.hint


@MANY
@given(words=st.lists(TEXTS, max_size=3))
def test_any_arguments(tmp_path_factory: pytest.TempPathFactory, words: list[str]) -> None:
    folder = tmp_path_factory.mktemp("any")
    try:
        read_requirements(words, folder=folder)
    except WheelbaseError as error:
        assert error.hint
    path = folder / "constraints.txt"
    path.write_text("\n".join(words), encoding="utf-8", errors="surrogatepass")
    try:
        read_requirements_files((), (path,))
    except WheelbaseError as error:
        assert error.hint

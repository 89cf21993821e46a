"""A project's own settings: where they are read, and what is refused in them."""

from pathlib import Path

import pytest

from wheelbase.errors import RequirementsError
from wheelbase.project.settings import Override, PerManager, Settings, names_for, read_settings
from wheelbase.recipes.asking import project_settings
from wheelbase.recipes.compare import _settings


def test_a_bare_word_is_a_package_even_where_a_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pandas").mkdir()
    Path("pandas/wheelbase.toml").write_text('system = ["inner"]')
    Path("wheelbase.toml").write_text('system = ["outer"]')
    assert _settings(["pandas"], ["gcc"]).system == ["outer", "gcc"]
    assert _settings(["./pandas"], ()).system == ["inner"]
    assert project_settings(["lxml", "./pandas"]).system == ["inner"]


def test_own_file_goes_before_pyproject(tmp_path: Path) -> None:
    assert read_settings(tmp_path) == Settings()
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.wheelbase]\nsystem = ["git"]\n')
    assert read_settings(tmp_path) == Settings(system=["git"], source="pyproject.toml")
    (tmp_path / "wheelbase.toml").write_text('[sysdeps.Psycopg_2]\nbuild = ["pc:libpq"]\ncpu_seconds = 5\n')
    found = read_settings(tmp_path)
    assert (found.system, found.source) == ([], "wheelbase.toml")
    assert found.override_of("psycopg-2") == Override(build=["pc:libpq"], cpu_seconds=5.0)
    assert found.override_of("psycopg") is None


def test_names_are_those_of_the_package_manager() -> None:
    entry: PerManager = {"apt": "libpq5", "apk": ["libpq", "libcrypto3"]}
    assert names_for("git", "apt") == ("git",)
    assert names_for(entry, "apt") == ("libpq5",)
    assert names_for(entry, "apk") == ("libpq", "libcrypto3")
    assert names_for(entry, "dnf") == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ('source = "mine"', "source"),
        ('systems = ["git"]', "systems"),
        ('system = "git"', "system"),
        ('system = [{ yum = "git" }]', "yum"),
        ('system = ["-o=Debug"]', "'-o=Debug' is no name"),
        ('system = ["git curl"]', "'git curl' is no name"),
        ('system = [{ apt = [""] }]', "'' is no name"),
        ("[sysdeps.lxml]\nbuilds = []", "builds"),
        ("[sysdeps.lxml]\ncpu_seconds = -1", "cpu_seconds"),
        ("[sysdeps.lxml]\ncpu_seconds = nan", "cpu_seconds"),
        ("[sysdeps.lxml]\ncpu_seconds = inf", "cpu_seconds"),
        ("[sysdeps]\nlxml = 1", "sysdeps[...]"),
    ],
)
@pytest.mark.parametrize("name", ["wheelbase.toml", "pyproject.toml"])
def test_what_is_refused(tmp_path: Path, name: str, text: str, word: str) -> None:
    if name == "pyproject.toml":
        text = f"[tool.wheelbase]\n{text}".replace("[sysdeps", "[tool.wheelbase.sysdeps")
    (tmp_path / name).write_text(text)
    with pytest.raises(RequirementsError, match=name) as refused:
        read_settings(tmp_path)
    assert word in str(refused.value) and refused.value.hint

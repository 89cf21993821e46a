"""Which folder's own settings a comparison reads."""

from pathlib import Path

import pytest

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

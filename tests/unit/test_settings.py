"""Whose settings hold, as pip and uv document it: files, variables, options of requirements files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.index.settings import (
    IndexSettings,
    pip_options,
    user_settings,
    uv_environment,
    uv_project,
    with_requirements_options,
)
from wheelbase.index.uv_settings import default_of_uv

pytestmark = pytest.mark.usefixtures("nobody")
A, B, C = "https://a.invalid/simple", "https://b.invalid/simple", "https://c.invalid/simple"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def pip_conf(nobody: Path) -> Path:
    return nobody / ".config" / "pip" / "pip.conf"


def test_without_settings_uv_names_its_default() -> None:
    settings = user_settings()
    assert settings.index_url == default_of_uv() and settings.index_url.startswith("https://")
    assert (settings.source, settings.index_urls) == ("default", (settings.index_url,))


def test_pip_settings_hold_where_uv_has_none(pip_conf: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        pip_conf,
        f"[global]\nindex-url = {A}\nextra_index_url =\n    {B}\n    {C}\nfind-links = wheels https://l.invalid/\n"
        "no-binary = Foo_Bar,baz\nonly-binary = :all:\nprefer-binary = yes\npre = 1\ntrusted-host = h1 h2:8\n"
        "constraint = ~/c.txt d.txt\ncert = ~/ca.pem\nproxy = proxy.invalid:3128\nkeyring-provider = subprocess\n",
    )
    settings = user_settings()
    assert (settings.source, settings.index_urls, settings.best_match) == ("pip settings", (A, B, C), True)
    assert settings.find_links == (str(Path("wheels").absolute()), "https://l.invalid/")
    assert settings.format_control.no_binary == {"foo-bar", "baz"} and settings.format_control.only_binary == {":all:"}
    assert settings.prefer_binary and settings.prereleases and settings.keyring
    assert settings.insecure_hosts == ("h1", "h2:8")
    assert settings.constraints == (Path.home() / "c.txt", Path("d.txt"))
    assert settings.certificates == str(Path.home() / "ca.pem")
    assert settings.proxies == {"http": "proxy.invalid:3128", "https": "proxy.invalid:3128"}
    monkeypatch.setenv("UV_DEFAULT_INDEX", C)
    assert (user_settings().source, user_settings().index_urls) == ("uv settings", (C,))


def test_pip_no_index_leaves_find_links_alone(pip_conf: Path) -> None:
    write(pip_conf, f"[global]\nindex-url={A}\nextra-index-url={B}\nno-index=true\nfind-links=/wheels\n")
    settings = user_settings()
    assert (settings.index_url, settings.index_urls, settings.find_links) == (None, (), ("/wheels",))
    assert uv_project(settings) == {
        "index": [],
        "no-index": True,
        "find-links": ["/wheels"],
        "index-strategy": "unsafe-best-match",
    }


USER, USERS = ".config/pip/pip.conf", f"[global]\nindex-url={A}\n"
LAYOUTS: list[tuple[dict[str, str], dict[str, str]]] = [
    ({USER: USERS}, {}),
    ({USER: f"[global]\nindex-url={A}\n[install]\nindex-url={B}\n"}, {}),
    ({USER: USERS, "xdg/pip/pip.conf": f"[install]\nindex-url={B}\n"}, {}),
    ({USER: USERS, ".pip/pip.conf": f"[global]\nindex-url={B}\n"}, {}),
    ({USER: USERS, "own.conf": f"[global]\nextra-index-url={B}\n"}, {"PIP_CONFIG_FILE": "own.conf"}),
    ({USER: USERS}, {"PIP_CONFIG_FILE": "absent.conf"}),
    ({USER: USERS}, {"PIP_CONFIG_FILE": os.devnull}),
    ({USER: f"[install]\nindex-url={A}\n"}, {"PIP_INDEX_URL": B}),
    ({USER: USERS}, {"PIP_INDEX_URL": "", "PIP_EXTRA_INDEX_URL": C}),
    ({USER: USERS, "own.conf": "[global]\nindex-url =\n"}, {"PIP_CONFIG_FILE": "own.conf"}),
    ({"xdg/pip/pip.conf": USERS, "xdg2/pip/pip.conf": f"[global]\nindex-url={B}\n"}, {"XDG_CONFIG_DIRS": "xdg:xdg2"}),
    ({USER: f"[global]\n--Index_URL={A}\n[download]\nindex-url={B}\n"}, {}),
]  # fmt: skip


@pytest.mark.parametrize(("layout", "variables"), LAYOUTS)
def test_pip_itself_finds_the_same(
    nobody: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, str], variables: dict[str, str]
) -> None:
    for name, text in layout.items():
        write(nobody / name, text)
    for name, value in variables.items():
        places = ":".join(str(nobody / part) for part in value.split(":"))
        monkeypatch.setenv(
            name, places if name in ("PIP_CONFIG_FILE", "XDG_CONFIG_DIRS") and value[0] != "/" else value
        )
    # What pip's own option parser makes of its settings is asked of pip, of the options that are compared here.
    program = (
        "from pip._internal.commands import create_command; import json;"
        "o, _ = create_command('install').parse_args([]);"
        "print(json.dumps([o.index_url, o.extra_index_urls]))"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    if said.returncode:
        pytest.skip("needs pip beside wheelbase")
    found = pip_options()
    assert [found.get("index-url", default_of_uv()), found.get("extra-index-url", "").split()] == json.loads(
        said.stdout
    )


@pytest.mark.parametrize("text", ["index-url = x\n", "[global\n", "[global]\n[global]\n", "[global]\nindex-url\n"])
def test_a_broken_pip_conf_is_an_error_that_names_it(pip_conf: Path, text: str) -> None:
    write(pip_conf, text + "index-url = https://bob:secret@h/simple\n")
    with pytest.raises(RequirementsError, match=r"pip\.conf cannot be read") as caught:
        user_settings()
    assert "secret" not in f"{caught.value} {caught.value.hint}" and "\n" not in str(caught.value)


def test_bytes_in_pip_conf(pip_conf: Path) -> None:
    write(pip_conf, "")
    pip_conf.write_bytes(b"[global]\nindex-url = \xff\xfe\n")
    with pytest.raises(RequirementsError, match=r"pip\.conf cannot be read"):
        user_settings()


def test_uv_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_INDEX", f"one=https://u:p@a.invalid/simple {B}")
    monkeypatch.setenv("UV_DEFAULT_INDEX", f"corp={C}")
    Path("wheels").mkdir(exist_ok=True)
    monkeypatch.setenv("UV_FIND_LINKS", "wheels")
    monkeypatch.setenv("UV_INDEX_CORP_USERNAME", "bob")
    monkeypatch.setenv("UV_INDEX_CORP_PASSWORD", "se/cret")
    monkeypatch.setenv("UV_INDEX_STRATEGY", "unsafe-best-match")
    monkeypatch.setenv("UV_PRERELEASE", "allow")
    monkeypatch.setenv("UV_NO_BINARY", "1")
    settings = user_settings()
    assert settings.index_urls == (C, "https://u:p@a.invalid/simple", B)
    assert settings.find_links == (str(Path("wheels").absolute()),)
    assert settings.credentials == ((C, "bob", "se/cret"),)
    assert settings.prereleases and settings.format_control.no_binary == {":all:"}
    assert "se/cret" not in repr(settings)
    table = uv_project(settings)
    assert table["index"][-1] == {"url": "https://bob:se%2Fcret@c.invalid/simple", "default": True}
    assert uv_environment(settings)["UV_DEFAULT_INDEX"] == ""
    Path("wheels").rmdir()


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")


def test_uv_files_and_the_project(nobody: Path) -> None:
    write(nobody / ".config/uv/uv.toml", f'index-url = "{A}"\nno-proxy = ["x", "y"]\nhttp-proxy = "http://p"\n')
    tool: dict[str, Any] = {
        "index": [
            {"name": "mine", "url": B},
            {"name": "links", "url": "https://l.invalid/", "format": "flat"},
            {"name": "only-named", "url": C, "explicit": True},
        ],
        "allow-insecure-host": ["h:8"],
        "no-build": True,
        "keyring-provider": "subprocess",
        "package": False,
    }
    settings = user_settings(tool)
    assert settings.index_urls == (B, A) and settings.find_links == ("https://l.invalid/",)
    assert settings.insecure_hosts == ("h:8",) and settings.keyring
    assert settings.format_control.only_binary == {":all:"}
    assert settings.proxies == {"http": "http://p", "no": "x,y"}
    assert uv_project(settings)["no-proxy"] == ["x", "y"] and "package" not in uv_project(settings)


def test_uv_no_index(nobody: Path) -> None:
    write(nobody / ".config/uv/uv.toml", "no-index = true\nfind-links = ['https://l.invalid/']\n")
    assert (user_settings().index_urls, user_settings().find_links) == ((), ("https://l.invalid/",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("UV_DEFAULT_INDEX", "https://bob:sec#ret@h/simple"), ("UV_INDEX", "https://bob:secret@h:port/simple")],
)
def test_what_uv_refuses_is_said_without_passwords(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(WheelbaseError, match="uv does not accept") as caught:
        user_settings()
    assert "sec" not in f"{caught.value} {caught.value.hint}" and "\n" not in str(caught.value)


def test_a_broken_uv_toml(nobody: Path) -> None:
    write(nobody / ".config/uv/uv.toml", 'index-url = "https://bob:secret@h:port/"\n')
    with pytest.raises(WheelbaseError, match="uv does not accept") as caught:
        user_settings()
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def settings(**more: object) -> IndexSettings:
    return IndexSettings(source="x", index_url=A, extra_index_urls=(B,), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "urls"),
    [
        ({"index-url": (C,)}, (C,)),
        ({"extra-index-url": (C,)}, (A, B, C)),
        ({"index-url": (A, C), "extra-index-url": (B,)}, (C, B)),
        ({"no-index": ("",)}, ()),
        ({"no-index": ("",), "index-url": (C,), "extra-index-url": (C,)}, ()),
        ({}, (A, B)),
    ],
)
def test_options_of_requirements_files(options: dict[str, tuple[str, ...]], urls: tuple[str, ...]) -> None:
    assert with_requirements_options(settings(best_match=True), options).index_urls == urls


def test_further_options_of_requirements_files() -> None:
    options = {
        "find-links": ("wheels",),
        "no-binary": ("a", ":none:", "b"),
        "only-binary": ("C_d",),
        "pre": ("",),
        "prefer-binary": ("",),
        "trusted-host": ("h",),
    }
    changed = with_requirements_options(settings(), options)
    assert changed.find_links == (str(Path("wheels").absolute()),)
    assert (changed.format_control.no_binary, changed.format_control.only_binary) == (
        frozenset("b"),
        frozenset({"c-d"}),
    )
    assert changed.prereleases and changed.prefer_binary and changed.insecure_hosts == ("h",)
    assert uv_project(changed)["prerelease"] == "allow" and uv_project(changed)["allow-insecure-host"] == ["h"]


def test_a_name_says_more_than_all() -> None:
    control = with_requirements_options(settings(), {"no-binary": (":all:",), "only-binary": ("x",)}).format_control
    assert not control.allows("y", wheel=True) and control.allows("x", wheel=True)
    assert not control.allows("x", wheel=False) and control.allows("y", wheel=False)


def test_a_damaged_default_in_the_cache_is_asked_for_again(nobody: Path) -> None:
    first = default_of_uv()
    (entry,) = [path for path in (nobody / "cache").rglob("*") if path.is_file()]
    entry.write_bytes(b"https://elsewhere.invalid/")
    assert default_of_uv() == first

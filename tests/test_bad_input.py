"""What users get wrong, and what goes wrong around them: one error, one hint, exit code 1, through the real program."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.conftest import Cli
from tests.fake_index import Answer, FakeIndex, wheel

BASE = ("--base", "python:3.13-slim")
WHEEL = "app-1.0-py3-none-any.whl"
TOMORROW = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
# Name of the case -> arguments, files of the folder, a word of the message. {index} is the fake index.
LOCAL: dict[str, tuple[list[str], dict[str, str], str]] = {
    "a misspelt base": (["app", "--base", "pyton:3.13-slim"], {}, "python:3.13-slim"),
    "an unknown Python": (["app", "--python", "3.99"], {}, "3.99"),
    "a Python that is no version": (["app", "--python", "three"], {}, "three"),
    "a Python of odd digits": (["app", "--python", "3.²"], {}, "3.² is not a minor version"),
    "a bandwidth that is none": (["app", "--bandwidth", "nan"], {}, "nan Mbit/s"),
    "a typo in a requirement": (["app>==1"], {}, "app>==1"),
    "no requirements file": (["-r", "absent.txt"], {}, "absent.txt does not exist"),
    "a lock file of no version": (["-r", "uv.lock"], {"uv.lock": "version = 99\n"}, "uv.lock"),
    "a pylock of no version": (["-r", "pylock.toml"], {"pylock.toml": 'lock-version = "9.0"\n'}, "pylock.toml"),
    "a lock file cut off": (["-r", "uv.lock"], {"uv.lock": "version = 1\n[[package"}, "not valid TOML"),
    "a broken pyproject.toml": ([], {"pyproject.toml": "[project\n"}, "pyproject.toml is not valid TOML"),
    "a broken Pipfile.lock": (["-r", "Pipfile.lock"], {"Pipfile.lock": "{"}, "Pipfile.lock"),
    "a broken poetry.lock": (["-r", "poetry.lock"], {"poetry.lock": "[[package]]\n"}, "poetry.lock"),
    "a URL": (["app @ https://bob:secret@h.invalid/app.whl"], {}, "comes from https://h.invalid/app.whl"),
    "a URL alone": (["https://bob:secret@h.invalid/app.whl"], {}, "is a URL or a path"),
    "a date to come": (["app", "--as-of", TOMORROW], {}, "is in the future"),
    "a date that is none": (["app", "--as-of", "2024-13-01"], {}, "2024-13-01 is not a date"),
    "an empty folder": ([], {}, "nothing to install"),
    "a file that includes itself": (["-r", "a.txt"], {"a.txt": "-r a.txt\n"}, "includes itself"),
    "a key that is none of ours": (["app"], {"wheelbase.toml": 'source = "x"\n'}, "wheelbase.toml"),
    "a broken wheelbase.toml": (["app"], {"wheelbase.toml": "system = ["}, "wheelbase.toml is not valid TOML"),
    "an option that is none": (["-r", "a.txt"], {"a.txt": "--no-such\n"}, "--no-such"),
}


@pytest.fixture
def index(fake_index: FakeIndex) -> FakeIndex:
    fake_index.add("app", {WHEEL: wheel("app")})
    fake_index.add("two", {"two-1.0-py3-none-any.whl": wheel("two", requires=("app>1",))})
    return fake_index


def assert_refused(cli: Cli, arguments: list[str], word: str, env: dict[str, str], folder: Path | None = None) -> None:
    named = arguments if {"--base", "--python"} & set(arguments) else [*arguments, *BASE]
    done = cli("compare", *named, env=env, cwd=folder)
    assert (done.returncode, done.stdout) == (1, ""), (done.stdout, done.stderr)
    assert done.stderr.startswith("error: ") and done.stderr.count("error: ") == 1, done.stderr
    assert sum(line.startswith("hint: ") for line in done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr and "fault of wheelbase" not in done.stderr, done.stderr
    assert word in done.stderr and "secret" not in done.stderr, done.stderr


@pytest.mark.parametrize("case", LOCAL)
def test_what_is_wrong_before_any_request(index: FakeIndex, cli: Cli, tmp_path: Path, case: str) -> None:
    arguments, files, word = LOCAL[case]
    folder = tmp_path / "project"
    folder.mkdir()
    for name, text in files.items():
        (folder / name).write_text(text)
    assert_refused(cli, arguments, word, {"UV_DEFAULT_INDEX": index.simple}, folder)
    assert index.seen == []


@pytest.mark.parametrize("form", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["absent"], "absent is not on the package index"),
        (["app==9"], "there is no app==9"),
        (["two"], "app>1"),
        (["app==1.0", "two"], "app"),
    ],
)
def test_what_the_index_does_not_have(index: FakeIndex, cli: Cli, arguments: list[str], word: str, form: str) -> None:
    assert_refused(cli, arguments, word, {form: index.simple_as("bob:secret")})


def refuses(index: FakeIndex) -> str:
    index.require("bob:other")
    return "answers 401"


def forbids(index: FakeIndex) -> str:
    index.route("/simple/app/", Answer(status=403))
    return "answers 403"


def is_down(index: FakeIndex) -> str:
    index.route("/simple/app/", Answer(status=503, body=b"<h1>down</h1>"))
    return "503"


def serves_html_as_json(index: FakeIndex) -> str:
    kind = {"Content-Type": "application/vnd.pypi.simple.v1+json"}
    index.route("/simple/app/", Answer(body=b"<html>Sign in</html>", headers=kind))
    return "app"


def serves_half_a_wheel(index: FakeIndex) -> str:
    body = wheel("app")
    index.route(f"/files/{WHEEL}", Answer(body=body[: len(body) // 2], ranges=True))
    return "app"


def serves_junk(index: FakeIndex) -> str:
    index.route(f"/files/{WHEEL}", Answer(body=b"<html>Sign in</html>" * 9, ranges=True))
    return "app"


def breaks_off(index: FakeIndex) -> str:
    index.route(f"/files/{WHEEL}", Answer(body=wheel("app"), drop_after=100))
    return "app"


def has_lost_a_file(index: FakeIndex) -> str:
    index.route(f"/files/{WHEEL}", Answer(status=404))
    return "404"


FAULTS = [
    refuses,
    forbids,
    is_down,
    serves_html_as_json,
    serves_half_a_wheel,
    serves_junk,
    breaks_off,
    has_lost_a_file,
]


@pytest.mark.parametrize("form", ["UV_DEFAULT_INDEX", "PIP_INDEX_URL"])
@pytest.mark.parametrize("fault", FAULTS)
def test_an_index_at_fault(index: FakeIndex, cli: Cli, fault: Callable[[FakeIndex], str], form: str) -> None:
    word = fault(index)
    assert_refused(cli, ["app"], word, {form: index.simple_as("bob:secret")})


def test_an_unreachable_index(cli: Cli) -> None:
    assert_refused(cli, ["app"], "127.0.0.1:9", {"PIP_INDEX_URL": "http://bob:secret@127.0.0.1:9/simple"})


def test_a_dead_proxy(cli: Cli) -> None:
    env = {"http_proxy": "http://bob:secret@127.0.0.1:9", "PIP_INDEX_URL": "http://h.invalid/simple"}
    assert_refused(cli, ["app"], "cannot be reached", env)


def test_certificates_that_are_not_there(index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    for variable in ("SSL_CERT_FILE", "PIP_CERT"):
        env = {"PIP_INDEX_URL": index.simple, variable: str(tmp_path / "absent.pem")}
        assert_refused(cli, ["app"], "absent.pem cannot be read", env)


@pytest.mark.parametrize("text", ["index-url = x\n", "[global\n"])
def test_a_broken_pip_conf(cli: Cli, tmp_path: Path, text: str) -> None:
    (tmp_path / "pip.conf").write_text(text)
    assert_refused(cli, ["app"], "pip.conf cannot be read", {"PIP_CONFIG_FILE": str(tmp_path / "pip.conf")})


def test_a_broken_uv_toml(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "uv.toml").write_text('index-url = "http://bob:secret@h:port/"\n')
    assert_refused(cli, ["app"], "uv does not accept", {"UV_CONFIG_FILE": str(tmp_path / "uv.toml")})


def test_a_password_that_breaks_its_url(cli: Cli) -> None:
    for variable in ("UV_DEFAULT_INDEX", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL"):
        for url in ("http://bob:#secret@h.invalid/simple", "http://bob:12#secret@h.invalid/simple"):
            assert_refused(cli, ["app"], "valid", {variable: url})


def test_find_links_that_are_not_there(index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    env = {"PIP_INDEX_URL": index.simple, "PIP_FIND_LINKS": str(tmp_path / "absent")}
    assert_refused(cli, ["app"], "absent", env)


def test_caches_that_cannot_be_used_cost_speed_alone(index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    env = {"WHEELBASE_CACHE_DIR": str(in_the_way), "UV_CACHE_DIR": str(in_the_way), "PIP_INDEX_URL": index.simple}
    done = cli("compare", "app", *BASE, env=env)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_cache_full_of_junk_costs_speed_alone(index: FakeIndex, cli: Cli, tmp_path: Path) -> None:
    cache = tmp_path / "c"
    env = {"WHEELBASE_CACHE_DIR": str(cache), "PIP_INDEX_URL": index.simple}
    first = cli("compare", "app", *BASE, env=env)
    assert first.returncode == 0, first.stderr
    entries = [path for path in cache.rglob("*") if path.is_file()]
    assert {path.relative_to(cache).parts[0].rstrip("-0123456789") for path in entries} >= {"simple", "listing"}
    for damage in (b"", b"\xc1\xff junk", None):
        for path in entries:
            path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
        again = cli("compare", "app", *BASE, env=env)
        assert (again.returncode, again.stdout, again.stderr) == (0, first.stdout, "")

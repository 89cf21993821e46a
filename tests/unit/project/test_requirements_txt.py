"""Requirements files, as pip's documentation describes them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wheelbase.errors import RequirementsError
from wheelbase.project.read import read_requirements
from wheelbase.project.requirements_txt import read_requirements_files
from wheelbase.project.values import Requirements

HEX = "0123456789abcdef" * 4


def read(folder: Path, text: str | bytes, **others: str) -> Requirements:
    (folder / "requirements.txt").write_bytes(text if isinstance(text, bytes) else text.encode())
    for name, content in others.items():
        (folder / f"{name}.txt").write_text(content)
    return read_requirements_files((folder / "requirements.txt",))[0]


def lines(requirements: Requirements) -> list[str]:
    return [str(requirement) for requirement in requirements.requirements]


def test_names_extras_markers_and_comments(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "# all of it\n\nclick>=8  # a comment\nhttpx [http2, socks] ~= 0.27\n\n"
        "colorama==0.4.6 ; sys_platform == 'win32'\nurl-like==1.0#egg\n  # indented\n".replace(
            "url-like==1.0#egg\n", ""
        ),
    )
    assert lines(found) == ["click>=8", "httpx[http2,socks]~=0.27", 'colorama==0.4.6; sys_platform == "win32"']
    assert found.options == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("click \\\n  >=8 \\\n  # why\nidna", ["click>=8", "idna"]),
        ("click>=8 \\\n", ["click>=8"]),
        ("click>=8 \\", ["click>=8"]),
        ("# comment \\\nclick", ["click"]),
        ("click\r\nidna\r\n", ["click", "idna"]),
        ("\ufeffclick\n", ["click"]),
        ("click;python_version>'3'", ['click; python_version > "3"']),
    ],
)
def test_logical_lines(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert lines(read(tmp_path, text)) == expected


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_a_byte_order_mark_says_the_encoding_as_for_pip(tmp_path: Path, encoding: str) -> None:
    assert lines(read(tmp_path, "click>=8\r\nidna\r\n".encode(encoding))) == ["click>=8", "idna"]


def test_environment_variables_are_put_in_where_they_are_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WB_TOKEN", "secret")
    monkeypatch.delenv("WB_NONE", raising=False)
    found = read(tmp_path, "-i https://${WB_TOKEN}@index.example/${WB_NONE}/$WB_TOKEN\n")
    assert found.options == {"index-url": ("https://secret@index.example/${WB_NONE}/$WB_TOKEN",)}


def test_options_in_all_their_spellings(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "--index-url=https://a.example/simple --trusted-host a.example\n"
        "--pypi-url https://b.example\n-ihttps://c.example\n-i https://d.example\n"
        '--extra-index-url "https://e.example"\n--no-binary :all:\n--only-binary=numpy,scipy\n--pre\n--prefer-binary\n'
        "-f https://links.example\n--use-feature=fast-deps\n",
    )
    assert found.options == {
        "index-url": ("https://a.example/simple", "https://b.example", "https://c.example", "https://d.example"),
        "trusted-host": ("a.example",),
        "extra-index-url": ("https://e.example",),
        "no-binary": (":all:",),
        "only-binary": ("numpy,scipy",),
        "pre": ("",),
        "prefer-binary": ("",),
        "find-links": ("https://links.example",),
        "use-feature": ("fast-deps",),
    }


def test_a_find_links_folder_beside_the_file_is_found_from_anywhere(tmp_path: Path) -> None:
    (tmp_path / "wheels").mkdir()
    assert read(tmp_path, "-f wheels").options["find-links"] == (str(tmp_path / "wheels"),)
    assert read(tmp_path, "-f elsewhere").options["find-links"] == ("elsewhere",)


def test_nested_files_start_from_their_own_folder(tmp_path: Path) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "base.txt").write_text("-r more.txt\n--constraint ../pins.txt\nidna\n")
    (tmp_path / "deeper" / "more.txt").write_text("h11")
    found = read(tmp_path, "click\n-r deeper/base.txt\n", pins="idna==3.7\nsix==1.16\n")
    assert lines(found) == ["click", "h11", "idna"]
    assert [str(each) for each in found.constraints] == ["idna==3.7", "six==1.16"]


def test_a_file_included_twice_is_no_loop(tmp_path: Path) -> None:
    found = read(tmp_path, "-r a.txt\n-r b.txt\n", a="-r c.txt", b="-r c.txt", c="six")
    assert lines(found) == ["six", "six"]


def test_a_file_url_is_a_local_file(tmp_path: Path) -> None:
    found = read(tmp_path, f"-r {(tmp_path / 'other one.txt').as_uri()}", **{"other one": "six"})
    assert lines(found) == ["six"]


def test_hashes(tmp_path: Path) -> None:
    other = HEX[::-1]
    found = read(
        tmp_path,
        f"click==8.1 \\\n    --hash=sha256:{HEX} \\\n    --hash sha256:{other.upper()}\n"
        f"idna==3.7 --hash=sha512:{HEX}{HEX}\nsix==1.16 --config-settings a=b --global-option='--x'\n",
    )
    # A SHA-512 alone says nothing of the SHA-256 that indexes publish, so no file is ruled out.
    assert found.hashes == {"click": frozenset({HEX, other})}


def test_require_hashes(tmp_path: Path) -> None:
    assert read(tmp_path, f"--require-hashes\nidna==3.7 --hash=sha512:{HEX}{HEX}\n").requirements
    with pytest.raises(RequirementsError, match="six has no --hash") as caught:
        read(tmp_path, f"--require-hashes\nClick==8 --hash=sha256:{HEX}\nsix==1\n")
    assert caught.value.hint


def test_local_projects_are_read_with_their_extras(tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "pyproject.toml").write_text(
        '[project]\nname="lib"\nrequires-python=">=3.11"\ndependencies=["idna"]\n'
        '[project.optional-dependencies]\nweb=["h11"]\n'
    )
    for spelled in (
        "-e ./lib[web]",
        "./lib[web]",
        f"lib[web] @ {(tmp_path / 'lib').as_uri()}",
        "--editable=./lib[web]",
    ):
        (tmp_path / "requirements.txt").write_text(f"click\n{spelled}\n")
        found = read_requirements(files=[tmp_path / "requirements.txt"])
        assert lines(found) == ["click", "idna", "h11"], spelled
        assert str(found.requires_python) == ">=3.11"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("click\nclick==", r"requirements.txt:2: 'click==' is not a requirement"),
        ("click; python_version >", "is not a requirement"),
        ("click; " + "(" * 5000, "is not a requirement"),
        ("click==" + "9" * 5000 + ".x.y", "is not a requirement"),
        ("\n\n\\\n--nope x", r"requirements.txt:3: --nope x is not an option"),
        ("--index-url", "is not an option that requirements files have: .*argument"),
        ("-r", "is not an option"),
        ("-r a.txt b.txt", "'b.txt' belongs to no option"),
        ("-i 'https://unclosed", "No closing quotation"),
        ("-e git+https://git.example/x#egg=x", "is a URL or a path"),
        ("git+ssh://git@git.example/x", "is a URL or a path"),
        ("https://files.example/x-1.0.tar.gz", "is a URL or a path"),
        ("x @ https://files.example/x-1.0.tar.gz", "x comes from https://files.example/x-1.0.tar.gz"),
        ("./dist/x-1.0-py3-none-any.whl", "is a URL or a path"),
        ("dist/x.whl; python_version > '3'", "is a URL or a path"),
        ("x-1.0-py3-none-any.whl", "is a URL or a path"),
        ("./no-such-folder", "is a URL or a path"),
        ("-e .", "is a URL or a path"),
        ("~/src/x", "is a URL or a path"),
        ("-r https://example.com/r.txt", "is on the network"),
        ("-r missing.txt", "missing.txt does not exist"),
        ("-r .", "cannot be read: Is a directory"),
        ("-r requirements.txt", "includes itself"),
        ("-c requirements.txt", "includes itself"),
        ("-r a\x00b.txt", "holds NUL bytes"),
        ("click --hash=md5:abc", "is not a hash that pip takes"),
        ("click --hash=sha256:abc", "is not a hash that pip takes"),
        ("click --hash=sha256:", "is not a hash that pip takes"),
        (f"click --hash={HEX}", "is not a hash that pip takes"),
        (b"caf\xe9==1\n", "is not UTF-8 text"),
        (b"\x00\x01\x02", "is not text: it holds NUL bytes"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
    ],
)
def test_what_is_refused_names_its_place_and_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str | bytes, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RequirementsError, match=message) as caught:
        read(tmp_path, text)
    assert "requirements.txt" in str(caught.value) or "missing.txt" in str(caught.value) or text == "-r ."
    assert caught.value.hint
    assert len(str(caught.value)) < 700


def test_files_that_include_each_other(tmp_path: Path) -> None:
    with pytest.raises(RequirementsError, match=r"requirements.txt includes itself, by way of .*a.txt"):
        read(tmp_path, "-r a.txt", a="-r requirements.txt")


NAMES = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,8}[A-Za-z0-9])?", fullmatch=True).filter(
    lambda name: not name.lower().endswith((".whl", ".zip", ".tar.gz"))
)
VERSIONS = st.from_regex(r"[0-9]{1,3}(\.[0-9]{1,3}){0,2}(rc[0-9])?", fullmatch=True)


@st.composite
def requirement_lines(draw: st.DrawFn) -> str:
    extras = draw(st.lists(NAMES, max_size=2, unique=True))
    specifiers = draw(st.lists(st.tuples(st.sampled_from(["==", ">=", "<", "!="]), VERSIONS), max_size=2, unique=True))
    marker = draw(st.sampled_from(["", '; sys_platform == "linux"', '; python_version < "3.9" and os_name != "nt"']))
    return (
        draw(NAMES)
        + (f"[{','.join(extras)}]" if extras else "")
        + ",".join(operator + version for operator, version in specifiers)
        + marker
    )


@settings(max_examples=50, deadline=None)
@given(written=st.lists(requirement_lines(), min_size=1, max_size=5))
def test_what_is_read_and_printed_reads_the_same(tmp_path_factory: pytest.TempPathFactory, written: list[str]) -> None:
    folder = tmp_path_factory.mktemp("round")
    once = read(folder, "\n".join(written))
    assert len(once.requirements) == len(written)
    assert read(folder, " \\\n\n".join(lines(once)) + "  # the end").requirements == once.requirements

"""Pages of the Simple API: JSON and HTML, links, attributes, what broken ones amount to, how long they are kept."""

import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_index import Answer, FakeIndex, html_page

from wheelbase.errors import PackageIndexError
from wheelbase.index.client import Client
from wheelbase.index.indexes import Index
from wheelbase.index.simple import Candidate, candidates_among, read_links, read_page, split_filename
from wheelbase.index.values import IndexSettings

pytestmark = pytest.mark.usefixtures("nobody")
WHEEL = "pkg-1.0-py3-none-any.whl"


def client() -> Client:
    return Client(IndexSettings(source="test", index_url=None))


def page(fake_index: FakeIndex, body: bytes, kind: str = "text/html", **headers: str) -> tuple[Candidate, ...]:
    fake_index.route("/simple/pkg/", Answer(body=body, headers={"Content-Type": kind, **headers}))
    found = read_page(client(), fake_index.simple, "Pkg", refresh=True)
    assert found is not None
    return found


def json_page(*files: dict[str, Any]) -> bytes:
    return json.dumps({"meta": {"api-version": "1.1"}, "name": "pkg", "files": files}).encode()


def test_html_links_and_attributes(fake_index: FakeIndex) -> None:
    digest = "AB" * 32
    links = {
        f"../../files/{WHEEL}#sha256={digest}&egg=pkg": {"data-requires-python": ">=3.8,<4"},
        "http://elsewhere.invalid/pkg-0.9.tar.gz": {"data-yanked": "broken & bad"},
        "/files/pkg-0.8%2Blocal-py3-none-any.whl": {"data-yanked": ""},
        "not-a-file.txt": {},
        "http://[bad/pkg-0.1.tar.gz": {},
    }
    new, old, local = page(fake_index, html_page(links))
    assert new.url == f"{fake_index.url}/files/{WHEEL}" and new.sha256 == digest.lower()
    assert (new.requires_python, new.yanked, new.kind, str(new.version)) == (">=3.8,<4", False, "wheel", "1.0")
    assert (old.url, old.yanked, old.kind) == ("http://elsewhere.invalid/pkg-0.9.tar.gz", True, "sdist")
    assert (local.filename, str(local.version), local.yanked) == (
        "pkg-0.8+local-py3-none-any.whl",
        "0.8+local",
        True,
    )


def test_a_base_element_moves_the_links(fake_index: FakeIndex) -> None:
    (file,) = page(fake_index, f'<base href="/mirror/"><a href="{WHEEL}">x</a>'.encode())
    assert file.url == f"{fake_index.url}/mirror/{WHEEL}"


def test_links_are_relative_to_where_a_redirect_ends(fake_index: FakeIndex, other_index: FakeIndex) -> None:
    fake_index.route("/simple/pkg/", Answer(status=307, headers={"Location": f"{other_index.url}/deep/er/pkg/"}))
    other_index.route(
        "/deep/er/pkg/", Answer(body=html_page({f"../{WHEEL}": {}}), headers={"Content-Type": "text/html"})
    )
    found = read_page(client(), fake_index.simple, "pkg")
    assert found and found[0].url == f"{other_index.url}/deep/er/{WHEEL}"


def test_json_files(fake_index: FakeIndex) -> None:
    digest = "ab" * 32
    files: list[dict[str, Any]] = [
        {
            "filename": WHEEL,
            "url": WHEEL,
            "hashes": {"sha256": digest},
            "size": 7,
            "upload-time": "2024-05-01T00:00:00",
        },
        {"filename": "pkg-2.tar.gz", "url": f"pkg-2.tar.gz#sha256={digest}", "yanked": "why", "requires-python": None},
        {"filename": "pkg-3.tar.gz", "url": "pkg-3.tar.gz", "yanked": None, "core-metadata": {"sha256": "x"}},
    ]
    one, two, three = page(fake_index, json_page(*files), "application/vnd.pypi.simple.v1+json")
    assert (one.size, one.sha256, one.upload_time) == (7, digest, datetime(2024, 5, 1, tzinfo=UTC))
    assert (two.url, two.sha256, two.yanked) == (f"{fake_index.simple}/pkg/pkg-2.tar.gz", digest, True)
    assert not three.yanked


def test_a_page_of_the_web_names_no_files_of_this_machine(fake_index: FakeIndex) -> None:
    files = [{"filename": WHEEL, "url": url} for url in (f"file:///tmp/{WHEEL}", f"ftp://h/{WHEEL}", "http://[x")]
    assert page(fake_index, json_page(*files), "application/json") == ()


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"", b"[1, 2]", b'{"files": [{"url": 3}]}', b"\xff\xfe"])
def test_what_is_not_json_after_all_is_an_error(fake_index: FakeIndex, body: bytes) -> None:
    with pytest.raises(PackageIndexError, match="is not a page of the Simple API"):
        page(fake_index, body, "Application/JSON; charset=utf-8")


def test_a_page_without_links_has_no_files(fake_index: FakeIndex) -> None:
    assert page(fake_index, b"<html><form>Sign in</form></html>") == ()


def test_an_absent_package_and_other_answers(fake_index: FakeIndex) -> None:
    assert read_page(client(), fake_index.simple, "pkg") is None
    for status in (401, 403, 410, 304):
        fake_index.route("/simple/pkg/", Answer(status=status))
        with pytest.raises(PackageIndexError, match=str(status)):
            read_page(client(), fake_index.simple, "pkg")


def test_pages_are_kept_as_long_as_the_index_says(fake_index: FakeIndex, nobody: Path) -> None:
    body = html_page({WHEEL: {}})
    kind = {"Content-Type": "text/html"}
    for control, asked in (
        ("max-age=600", 1),
        ("no-store", 2),
        ("max-age=0", 2),
        ("", 1),
        ("max-age=9" + "9" * 400, 1),
    ):
        path = f"/simple/p{len(fake_index.routes)}/"
        fake_index.route(path, Answer(body=body, headers={**kind, "Cache-Control": control}))
        for _ in range(2):
            read_page(client(), fake_index.simple, path.split("/")[2])
        assert len(fake_index.asked(path)) == asked, control


def test_an_old_page_is_asked_for_again_by_its_etag(fake_index: FakeIndex) -> None:
    headers = {"Content-Type": "text/html", "ETag": '"1"', "Cache-Control": "max-age=0"}
    fake_index.route("/simple/pkg/", Answer(body=html_page({WHEEL: {}}), headers=headers), Answer(status=304))
    first = read_page(client(), fake_index.simple, "pkg")
    assert read_page(client(), fake_index.simple, "pkg") == first
    assert fake_index.seen[1].headers["If-None-Match"] == '"1"'


def test_damaged_pages_in_the_cache_are_replaced(fake_index: FakeIndex, nobody: Path) -> None:
    fake_index.route("/simple/pkg/", Answer(body=html_page({WHEEL: {}}), headers={"Content-Type": "text/html"}))
    first = read_page(client(), fake_index.simple, "pkg")
    (entry,) = [path for path in (nobody / "cache").rglob("*") if path.is_file()]
    whole = entry.read_bytes()
    for damaged in (b"", b"\xff", whole[:-3], whole[:20] + b"\x00" + whole[21:]):
        entry.write_bytes(damaged)
        assert read_page(client(), fake_index.simple, "pkg") == first
        assert entry.read_bytes() != damaged


@pytest.mark.parametrize("form", ["json", "html"])
def test_a_page_of_50_megabytes(fake_index: FakeIndex, form: str) -> None:
    names = [f"pkg-{number}.0-py3-none-any.whl" for number in range(50_000)]
    pad = "x" * 950
    if form == "json":
        body = json_page(*({"filename": name, "url": f"{pad}/{name}"} for name in names))
        kind = "application/json"
    else:
        body, kind = html_page({f"{pad}/{name}": {} for name in names}), "text/html"
    began = time.monotonic()
    assert len(page(fake_index, body, kind)) == 50_000
    assert len(body) > 48e6 and time.monotonic() - began < 30


def test_find_links_of_all_kinds(fake_index: FakeIndex, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "wheels & more"
    (folder / "pkg-9.0-py3-none-any.whl").mkdir(parents=True)
    (folder / WHEEL).write_bytes(b"x" * 5)
    listing = tmp_path / "links.html"
    listing.write_bytes(html_page({f"wheels%20%26%20more/{WHEEL}": {}}))
    fake_index.route("/links", Answer(body=html_page({WHEEL: {}}), headers={"Content-Type": "text/html"}))
    monkeypatch.chdir(tmp_path)
    for location in (str(folder), "wheels & more", folder.as_uri(), str(listing), listing.as_uri()):
        (file,) = candidates_among(read_links(client(), location), "pkg")
        assert file.url == (folder / WHEEL).as_uri(), location
    assert next(candidates_among(read_links(client(), f"{fake_index.url}/links"), "pkg")).filename == WHEEL
    for missing in (str(tmp_path / "none"), f"{fake_index.url}/none"):
        with pytest.raises(PackageIndexError, match="named by find-links, is not there"):
            read_links(client(), missing)


def test_an_index_that_is_a_folder(tmp_path: Path) -> None:
    (tmp_path / "pkg").mkdir()
    (tmp_path / "pkg" / "index.html").write_bytes(html_page({WHEEL: {}}))
    (tmp_path / "pkg" / WHEEL).write_bytes(b"x")
    for index in (str(tmp_path), tmp_path.as_uri()):
        found = read_page(client(), index, "pkg")
        assert found and found[0].url == (tmp_path / "pkg" / WHEEL).as_uri()
        assert read_page(client(), index, "other") is None


@pytest.mark.parametrize(("best_match", "versions"), [(True, {"1.0", "2.0"}), (False, {"1.0"})])
def test_indexes_compete_or_the_first_wins(
    fake_index: FakeIndex, other_index: FakeIndex, best_match: bool, versions: set[str]
) -> None:
    for server, version in ((fake_index, "1.0"), (other_index, "2.0")):
        server.add("pkg", {f"pkg-{version}-py3-none-any.whl": b"x"})
    settings = IndexSettings(
        source="test", index_url=other_index.simple, extra_index_urls=(fake_index.simple,), best_match=best_match
    )
    index = Index(Client(settings), settings)
    index.fetch(["pkg", "none"])
    assert {str(file.version) for file in index.files("pkg")} == versions
    assert index.files("none") == ()


def test_of_one_file_the_entry_that_knows_its_size_is_kept(fake_index: FakeIndex, other_index: FakeIndex) -> None:
    fake_index.add("pkg", {WHEEL: b"x"}, form="html", sizes=False)
    other_index.add("pkg", {WHEEL: b"x"})
    settings = IndexSettings(
        source="test", index_url=fake_index.simple, extra_index_urls=(other_index.simple,), best_match=True
    )
    (file,) = Index(Client(settings), settings).files("pkg")
    assert file.size == 1


@given(st.text(max_size=30), st.sampled_from([".whl", ".tar.gz", ".zip", ""]))
def test_any_file_name_is_judged(stem: str, ending: str) -> None:
    split_filename(f"pkg-{stem}{ending}", "pkg")
    split_filename(f"{stem}{ending}", "pkg")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read all folders")
def test_a_folder_that_may_not_be_read(tmp_path: Path) -> None:
    tmp_path.chmod(0)
    with pytest.raises(PackageIndexError, match="cannot be read"):
        read_links(client(), str(tmp_path))

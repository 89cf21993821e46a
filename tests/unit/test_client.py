"""The client against a fake index: redirects, credentials, retries, limits, proxies, connections."""

import base64
import shutil
import ssl
import stat
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import pytest
from tests.fake_index import Answer, FakeIndex

from wheelbase.errors import PackageIndexError, hide_credentials
from wheelbase.index.client import CONCURRENCY, Client, check_status
from wheelbase.index.values import IndexSettings

pytestmark = pytest.mark.usefixtures("nobody")


def client(index_url: str | None = None, **more: object) -> Client:
    return Client(IndexSettings(source="test", index_url=index_url, **more))  # type: ignore[arg-type]


def sleep_by(monkeypatch: pytest.MonkeyPatch, sleep: Callable[[float], None]) -> None:
    """Let urllib3's retries, and nothing else, sleep in another way."""
    monkeypatch.setattr("urllib3.util.retry.time", SimpleNamespace(sleep=sleep, time=time.time))


def basic(login: str) -> str:
    return "Basic " + base64.b64encode(login.encode()).decode()


def test_credentials_in_the_index_url_go_to_its_files_too(fake_index: FakeIndex) -> None:
    fake_index.require("bob:p w")
    fake_index.route("/files/x", Answer(body=b"x"))
    answer = client(fake_index.simple_as("bob:p%20w")).get(f"{fake_index.url}/files/x")
    assert (answer.status, answer.body, answer.url) == (200, b"x", f"{fake_index.url}/files/x")


def test_credentials_stay_with_their_server_after_a_redirect(fake_index: FakeIndex, other_index: FakeIndex) -> None:
    fake_index.route("/simple/x/", Answer(status=302, headers={"Location": f"{other_index.url}/there"}))
    other_index.route("/there", Answer(body=b"there"))
    answer = client(fake_index.simple_as("bob:secret")).get(f"{fake_index.simple}/x/")
    assert (answer.body, answer.url) == (b"there", f"{other_index.url}/there")
    assert fake_index.seen[0].headers["Authorization"] == basic("bob:secret")
    assert "Authorization" not in other_index.seen[0].headers


def test_a_redirect_on_one_server_keeps_credentials_and_the_connection(fake_index: FakeIndex) -> None:
    fake_index.require("bob:secret")
    fake_index.route("/simple/x", Answer(status=301, body=b"moved", headers={"Location": "/simple/x/"}))
    fake_index.route("/simple/x/", Answer(body=b"page"))
    assert client(fake_index.simple_as("bob:secret")).get(f"{fake_index.simple}/x").body == b"page"
    assert fake_index.connections == 1


def test_of_two_indexes_on_one_server_the_nearest_one_lends_its_credentials(fake_index: FakeIndex) -> None:
    settings = client(
        f"http://a:1@{fake_index.host}/team-a/simple", extra_index_urls=(f"http://b:2@{fake_index.host}/team-b/simple",)
    )
    settings.get(f"{fake_index.url}/team-b/files/x")
    settings.get(f"{fake_index.url}/team-a/files/x")
    assert [seen.headers["Authorization"] for seen in fake_index.seen] == [basic("b:2"), basic("a:1")]


def test_credentials_for_https_are_not_sent_in_the_clear(fake_index: FakeIndex) -> None:
    client(f"https://bob:secret@{fake_index.host}/simple").get(f"{fake_index.url}/files/x")
    assert "Authorization" not in fake_index.seen[0].headers


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirect_leads_nowhere_but_to_the_web(fake_index: FakeIndex, location: str) -> None:
    fake_index.route("/x", Answer(status=302, headers={"Location": location}))
    with pytest.raises(PackageIndexError, match="redirects to"):
        client().get(f"{fake_index.url}/x")


def test_redirects_in_a_circle_end(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(status=302, headers={"Location": "/x"}))
    with pytest.raises(PackageIndexError, match="redirects"):
        client().get(f"{fake_index.url}/x")


def test_netrc(fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (nobody / ".netrc").write_text("machine 127.0.0.1 login bob password secret\n")
    client().get(f"{fake_index.url}/x")
    other = nobody / "other"
    other.write_text("machine 127.0.0.1 login eve password else\n")
    monkeypatch.setenv("NETRC", str(other))
    client().get(f"{fake_index.url}/x")
    other.write_bytes(b"\xff\xfe machine")
    client().get(f"{fake_index.url}/x")
    assert [seen.headers.get("Authorization") for seen in fake_index.seen] == [
        basic("bob:secret"),
        basic("eve:else"),
        None,
    ]


def keyring(home: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = home / "bin" / "keyring"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho asked >>{home}/asked\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")


@pytest.mark.parametrize("user", ["", "bob@"])
def test_keyring_is_asked_once_for_many_requests(
    fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch, user: str
) -> None:
    name = user.rstrip("@") or "oauth2accesstoken"
    keyring(nobody, monkeypatch, f'[ "$1 $2 $3" = "get {fake_index.simple} {name}" ] && echo secret')
    fake_index.require(f"{name}:secret")
    fake_index.route("/simple/x/", Answer(body=b"page"))
    one = client(f"http://{user}{fake_index.host}/simple", keyring=True)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one.get, [f"{fake_index.simple}/x/"] * 8))
    assert {answer.status for answer in answers} == {200}
    assert (nobody / "asked").read_text().count("asked") == 1


def test_keyring_without_an_answer_is_a_refusal(
    fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring(nobody, monkeypatch, "exit 1")
    fake_index.require("bob:secret")
    one = client(fake_index.simple, keyring=True)
    assert [one.get(f"{fake_index.simple}/x/").status for _ in range(2)] == [401, 401]
    assert (nobody / "asked").read_text().count("asked") == 2  # the index, then its server: once


def test_keyring_is_not_asked_where_the_user_did_not_say_so(
    fake_index: FakeIndex, nobody: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyring(nobody, monkeypatch, "echo secret")
    fake_index.require("bob:secret")
    assert client(fake_index.simple).get(f"{fake_index.simple}/x/").status == 401
    assert not (nobody / "asked").exists()


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_busy_server_is_asked_again(fake_index: FakeIndex, status: int) -> None:
    fake_index.route("/x", Answer(status=status, headers={"Retry-After": "0"}, body=b"busy"), Answer(body=b"well"))
    assert client().get(f"{fake_index.url}/x").body == b"well"


def test_retry_after_is_kept_but_not_for_hours(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    sleep_by(monkeypatch, slept.append)
    for stated in ("2", "86400", "soon"):
        fake_index.route("/x", Answer(status=429, headers={"Retry-After": stated}), Answer(body=b"well"))
        assert client().get(f"{fake_index.url}/x").body == b"well"
    assert slept[:2] == [2, 30] and sum(slept) < 40


def test_a_server_that_stays_down_is_named(fake_index: FakeIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    sleep_by(monkeypatch, lambda seconds: None)
    fake_index.route("/x", Answer(status=503))
    with pytest.raises(PackageIndexError, match=f"{fake_index.url}/x answers 503") as caught:
        client(fake_index.simple_as("bob:secret")).get(f"http://bob:secret@{fake_index.host}/x")
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_a_connection_that_drops_within_the_body_is_made_again(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(body=b"0123456789" * 9999, drop_after=5000), Answer(body=b"whole"))
    assert client().get(f"{fake_index.url}/x").body == b"whole"


def test_a_connection_that_always_drops_is_an_error(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(body=b"0123456789", drop_after=5))
    with pytest.raises(PackageIndexError, match="cannot be read"):
        client().get(f"{fake_index.url}/x")


def test_a_slow_server_is_waited_for(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(body=b"x", delay=1.0))
    assert client().get(f"{fake_index.url}/x").body == b"x"


def test_a_body_over_the_limit_is_refused_or_cut(fake_index: FakeIndex) -> None:
    fake_index.route("/x", Answer(body=bytes(range(256)) * 4096))
    one, url = client(), f"{fake_index.url}/x"
    with pytest.raises(PackageIndexError, match="larger than 1000 bytes"):
        one.get(url, limit=1000)
    start = one.get(url, limit=1000, cut="start")
    end = one.get(url, limit=1000, cut="end")
    assert (start.body, len(end.body), end.body[-1], end.skipped) == (
        (bytes(range(256)) * 4)[:1000],
        1000,
        255,
        1047576,
    )
    assert one.get(url).body == bytes(range(256)) * 4096  # no connection is left with a rest of the body in it


def test_a_compressed_page_that_swells_is_cut_off(fake_index: FakeIndex) -> None:
    import gzip

    bomb = gzip.compress(bytes(200 << 20), 6)
    fake_index.route("/x", Answer(body=bomb, headers={"Content-Encoding": "gzip"}))
    with pytest.raises(PackageIndexError, match="larger than"):
        client().get(f"{fake_index.url}/x", {"Accept-Encoding": "gzip"}, limit=10 << 20)


def test_requests_share_connections_and_run_at_once(fake_index: FakeIndex) -> None:
    for number in range(64):
        fake_index.route(f"/{number}", Answer(body=b"x", delay=0.05))
    one = client()
    began = time.monotonic()
    with ThreadPoolExecutor(CONCURRENCY) as pool:
        list(pool.map(one.get, [f"{fake_index.url}/{number}" for number in range(64)]))
    assert time.monotonic() - began < 2.0
    assert fake_index.connections <= CONCURRENCY
    assert fake_index.most_at_once > CONCURRENCY // 2
    assert one.traffic.requests == 64


def test_proxies_are_asked_and_passed_over(
    fake_index: FakeIndex, other_index: FakeIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = other_index
    proxy.route("http://packages.invalid/x", Answer(body=b"by proxy"))
    fake_index.route("/x", Answer(body=b"direct"))
    monkeypatch.setenv("http_proxy", f"http://me:pass%40word@{proxy.host}")
    assert client().get("http://packages.invalid/x").body == b"by proxy"
    assert proxy.seen[0].headers["Proxy-Authorization"] == basic("me:pass@word")
    for hosts in ("127.0.0.1", fake_index.host, "*"):
        monkeypatch.setenv("NO_PROXY", hosts)
        assert client().get(f"{fake_index.url}/x").body == b"direct"
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("http_proxy")
    assert client(proxies={"http": proxy.host}).get("http://packages.invalid/x").body == b"by proxy"
    assert client(proxies={"http": proxy.host, "no": "127.0.0.1"}).get(f"{fake_index.url}/x").body == b"direct"


def test_a_dead_proxy_is_an_error_without_its_password(monkeypatch: pytest.MonkeyPatch) -> None:
    for proxy in ("http://me:secret@127.0.0.1:9", "socks5://me:secret@127.0.0.1:9"):
        monkeypatch.setenv("http_proxy", proxy)
        sleep_by(monkeypatch, lambda seconds: None)
        with pytest.raises(PackageIndexError) as caught:
            client().get("http://packages.invalid/x")
        assert "secret" not in f"{caught.value} {caught.value.hint}"


@pytest.mark.parametrize("url", ["http://bob:sec#ret@h/simple", "http://bob:sec/ret@h/x", "http://[bob:secret@h/x"])
def test_a_malformed_url_is_an_error_without_its_password(url: str) -> None:
    with pytest.raises(PackageIndexError) as caught:
        client(url).get(url)
    assert "sec" not in f"{caught.value} {caught.value.hint}"


def test_certificates_that_are_not_there(fake_index: FakeIndex, tmp_path: Path) -> None:
    for name in (tmp_path / "none.pem", Path(__file__)):
        with pytest.raises(PackageIndexError, match="certificates"):
            client(certificates=str(name)).get(f"{fake_index.url}/x")


@pytest.fixture
def own_certificate(tmp_path: Path) -> Path:
    """A certificate that nobody has signed, with its key, for 127.0.0.1."""
    path = tmp_path / "own.pem"
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=own"
    extra = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(tmp_path / "key.pem"), "-out", str(path)]
    if not shutil.which("openssl") or subprocess.run([*command.split(), *extra], capture_output=True).returncode:
        pytest.skip("needs the program openssl")
    path.write_text(path.read_text() + (tmp_path / "key.pem").read_text())
    return path


def test_certificates_are_verified_unless_the_host_is_trusted(own_certificate: Path, fake_index: FakeIndex) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own_certificate)
    with FakeIndex(context) as index:
        index.route("/x", Answer(body=b"x"))
        url = f"{index.url}/x"
        with pytest.raises(PackageIndexError, match="cannot be read") as caught:
            client().get(url)
        assert caught.value.hint and "SSL_CERT_FILE" in caught.value.hint
        assert client(certificates=str(own_certificate)).get(url).body == b"x"
        for trusted in ("127.0.0.1", index.host, index.url):
            assert client(insecure_hosts=(trusted,)).get(url).body == b"x"
        # Trust in one server is none in the one that it redirects to.
        fake_index.route("/x", Answer(status=302, headers={"Location": url}))
        with pytest.raises(PackageIndexError, match="cannot be read"):
            client(insecure_hosts=(fake_index.host,)).get(f"{fake_index.url}/x")


def test_files_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "x y").write_bytes(b"0123456789")
    url = (tmp_path / "x y").as_uri()
    assert client().get(url).body == b"0123456789"
    assert client().get(url, limit=4, cut="start").body == b"0123"
    assert client().get(url, limit=4, cut="end").body == b"6789"
    assert client().get(url + "z").status == 404
    with pytest.raises(PackageIndexError, match="larger than 4 bytes"):
        client().get(url, limit=4)


def test_statuses_that_are_no_success() -> None:
    check_status("http://h/x", 206)
    for status, word in ((401, "credentials"), (403, "credentials"), (404, "not there"), (304, "304"), (500, "500")):
        with pytest.raises(PackageIndexError, match=word):
            check_status("http://bob:secret@h/x", status)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://u:p@h/x", "http://h/x"),
        ("error: 'https://tok3n@h/' and http://u:p#w/?d@h/y.", "error: 'https://h/' and http://h/y."),
        ("http://h:8080/x@1 and name @ https://h/@scope/x", "http://h:8080/x@1 and name @ https://h/@scope/x"),
    ],
)
def test_credentials_are_hidden(text: str, shown: str) -> None:
    assert hide_credentials(text) == shown


def test_traffic_counts_from_many_threads() -> None:
    one = client()

    def add() -> None:
        for _ in range(1000):
            one.traffic.add(1)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (one.traffic.requests, one.traffic.received) == (4000, 4000)

"""A private package index for faults and credentials, and wheels and source archives made from dicts.

It speaks HTTP/1.1 with kept connections and can break off in mid-body, which pytest-httpserver cannot. What is true
of a real index is tested against a real one, elsewhere.
"""

import base64
import gzip
import hashlib
import html
import io
import json
import re
import socket
import ssl
import tarfile
import threading
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the index answers. With `drop_after` the connection breaks after so many bytes of the body."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    drop_after: int | None = None
    delay: float = 0.0
    ranges: bool = False


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    path: str
    headers: Mapping[str, str]

    @property
    def by_wheelbase(self) -> bool:
        return self.headers.get("User-Agent", "").startswith("wheelbase/")


class FakeIndex(ThreadingHTTPServer):
    """Answers by path; of several answers for one path each is given once, the last for ever."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.routes: dict[str, list[Answer]] = {}
        self.seen: list[Seen] = []
        self.connections = 0
        self.at_once = 0
        self.most_at_once = 0
        self.login: str | None = None
        self.lock = threading.Lock()

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: clients that hang up are part of the tests."""

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_address[1]}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def simple(self) -> str:
        return f"{self.url}/simple"

    def simple_as(self, login: str) -> str:
        """Return the index URL with `user:password` in it."""
        return f"http://{login}@{self.host}/simple"

    def route(self, path: str, *answers: Answer) -> None:
        self.routes[path] = list(answers)

    def require(self, login: str) -> None:
        """Answer 401 to all who do not send `user:password`."""
        self.login = "Basic " + base64.b64encode(login.encode()).decode()

    def add(self, name: str, files: Mapping[str, bytes], *, form: str = "json", sizes: bool = True) -> None:
        """Offer a package's files, with their hashes, under `/files/`."""
        entries: list[dict[str, Any]] = []
        for filename, body in files.items():
            self.route(f"/files/{filename}", Answer(body=body, ranges=True))
            entry = {
                "filename": filename,
                "url": f"../../files/{filename}",
                "hashes": {"sha256": hashlib.sha256(body).hexdigest()},
                "upload-time": "2024-01-01T00:00:00Z",
            }
            entries.append(entry | ({"size": len(body)} if sizes else {}))
        if form == "json":
            page = json.dumps({"meta": {"api-version": "1.1"}, "name": name, "files": entries}).encode()
            kind = "application/vnd.pypi.simple.v1+json"
        else:
            page = html_page({f"{e['url']}#sha256={e['hashes']['sha256']}": {} for e in entries})
            kind = "text/html"
        self.route(f"/simple/{name}/", Answer(body=page, headers={"Content-Type": kind}))

    def asked(self, path: str) -> list[Seen]:
        """Return wheelbase's own requests for a path, uv's left out."""
        return [seen for seen in self.seen if seen.path == path and seen.by_wheelbase]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        with self.index.lock:
            self.index.connections += 1

    @property
    def index(self) -> FakeIndex:
        return cast(FakeIndex, self.server)

    def do_GET(self) -> None:
        index = self.index
        with index.lock:
            index.seen.append(Seen(self.path, {name.title(): value for name, value in self.headers.items()}))
            index.at_once += 1
            index.most_at_once = max(index.most_at_once, index.at_once)
            answers = index.routes.get(self.path) or [Answer(status=404, body=b"nothing here")]
            answer = answers.pop(0) if len(answers) > 1 else answers[0]
        try:
            if index.login and self.headers.get("Authorization") != index.login:
                answer = Answer(status=401, body=b"who are you", headers={"WWW-Authenticate": 'Basic realm="x"'})
            time.sleep(answer.delay)
            self._give(answer)
        finally:
            with index.lock:
                index.at_once -= 1

    def do_HEAD(self) -> None:
        self.do_GET()

    def _give(self, answer: Answer) -> None:
        status, body, headers = answer.status, answer.body, dict(answer.headers)
        found = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
        if answer.ranges and found and status == 200 and not body:
            status = 416
        elif answer.ranges and found and status == 200:
            size = len(body)
            first = int(found[1]) if found[1] else max(size - int(found[2]), 0)
            last = min(int(found[2]), size - 1) if found[1] and found[2] else size - 1
            status, body = 206, body[first : last + 1]
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        if answer.ranges:
            headers["Accept-Ranges"] = "bytes"
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[: answer.drop_after])
        if answer.drop_after is not None:
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def html_page(links: Mapping[str, Mapping[str, str]]) -> bytes:
    """Return a page of the HTML API: URL -> further attributes."""
    anchors = [
        f'<a href="{html.escape(url)}"{"".join(f" {k}={chr(34)}{html.escape(v)}{chr(34)}" for k, v in more.items())}>'
        f"{html.escape(url.partition('#')[0].rpartition('/')[2])}</a><br>"
        for url, more in links.items()
    ]
    return f"<!DOCTYPE html><html><body>{''.join(anchors)}</body></html>".encode()


def wheel(
    name: str, version: str = "1.0", *, requires: tuple[str, ...] = (), files: Mapping[str, str] | None = None
) -> bytes:
    """Return a pure wheel with these files, by default one module."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}", *(f"Requires-Dist: {r}" for r in requires)]
    contents = {
        **(files if files is not None else {f"{name}.py": "x = 1\n"}),
        f"{info}/METADATA": "\n".join(metadata) + "\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    lines = [f"{path},{_hash(text.encode())},{len(text.encode())}\n" for path, text in contents.items()]
    contents[f"{info}/RECORD"] = "".join([*lines, f"{info}/RECORD,,\n"])
    return zipped(contents)


def _hash(data: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")


def zipped(contents: Mapping[str, str | bytes]) -> bytes:
    """Return a zip archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, text in contents.items():
            archive.writestr(zipfile.ZipInfo(path), text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def sdist(contents: Mapping[str, str | bytes], *, folder: str = "pkg-1.0/") -> bytes:
    """Return a .tar.gz with these files in one folder."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path, text in contents.items():
            data = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(folder + path)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), 1)

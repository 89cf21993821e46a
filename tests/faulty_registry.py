"""An HTTP server that fails on demand, before any app: one of `memory_registry`, or a real registry behind.

It speaks HTTP/1.1 with kept connections, and can break off in the middle of what it sends or receives.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import re
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self, cast
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """A request that came; `path` has the query."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class Fault:
    """What goes wrong with requests of a method whose path a pattern is found in, so many times."""

    method: str
    path: str
    times: int = 1
    reply: Reply | None = None
    alter: Callable[[Reply], Reply] | None = None
    delay: float = 0.0
    drop_after: int | None = None
    """The connection breaks after so many bytes of the answer's body."""
    drop_request_after: int | None = None
    """The connection breaks after so many bytes of the request's body, which the app is then given."""


App = Callable[[Asked], Reply]


class FaultServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self, app: App, *, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.app = app
        self.faults: list[Fault] = []
        self.seen: list[Asked] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.scheme = "https" if tls else "http"
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_side=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server_port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    def asked(self, method: str = "", path: str = "") -> list[Asked]:
        """What came to a path, but for the question whether HTTP is spoken."""
        found = [one for one in self.seen if method in ("", one.method) and re.search(path, one.path)]
        return [one for one in found if one.path != "/v2/"]

    def fault_for(self, method: str, path: str) -> Fault | None:
        with self.lock:
            for fault in self.faults:
                if fault.method == method and re.search(fault.path, path):
                    fault.times -= 1
                    if not fault.times:
                        self.faults.remove(fault)
                    return fault
        return None

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away, or refuses a certificate, is part of the tests."""

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        server = cast("FaultServer", self.server)
        with server.lock:
            server.connections += 1

    def _do(self) -> None:
        server = cast("FaultServer", self.server)
        fault = server.fault_for(self.command, self.path)
        length = int(self.headers.get("Content-Length", 0))
        cut = None if fault is None else fault.drop_request_after
        body = self.rfile.read(length if cut is None else min(cut, length))
        if cut is None and len(body) < length:
            self.close_connection = True  # the client has broken off
            return
        asked = Asked(self.command, self.path, dict(self.headers), body)
        with server.lock:
            server.seen.append(asked)
        if fault and fault.delay:
            time.sleep(fault.delay)
        if fault and fault.reply and cut is None:
            self._send(fault.reply, fault.drop_after)
            return
        reply = server.app(asked)
        if cut is not None:
            self.close_connection = True
            return
        if fault and fault.alter:
            reply = fault.alter(reply)
        self._send(reply, fault.drop_after if fault else None)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _do

    def _send(self, reply: Reply, drop_after: int | None) -> None:
        self.send_response(reply.status)
        for name, value in ({"Content-Length": str(len(reply.body))} | dict(reply.headers)).items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body if drop_after is None else reply.body[:drop_after])
        if drop_after is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


def sha256(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def refusal(status: int, code: str, message: str = "no", **headers: str) -> Reply:
    body = json.dumps({"errors": [{"code": code, "message": message}]}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, body, {"Content-Type": "application/json", **named})


def forward(host: str) -> App:
    """Return an app that asks the registry at `host`, over plain HTTP."""

    def app(asked: Asked) -> Reply:
        connection = http.client.HTTPConnection(host, timeout=30)
        try:
            # The Host header stays that of the proxy, so that the registry writes its URLs in Location headers.
            headers = {name: value for name, value in asked.headers.items() if name != "Content-Length"}
            connection.request(asked.method, asked.path, body=asked.body, headers=headers)
            response = connection.getresponse()
            kept = {name: value for name, value in response.getheaders() if name.lower() != "transfer-encoding"}
            return Reply(response.status, response.read(), kept)
        finally:
            connection.close()

    return app

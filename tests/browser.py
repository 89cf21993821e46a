"""Headless Chromium, driven over a pipe by its DevTools protocol: no port, and nothing beside the browser."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

CHROMIUM = shutil.which("chromium")
_MOST_SECONDS = 300
_ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")
_QUIET = ("--disable-background-networking", "--no-first-run", "--disable-component-update", "--hide-scrollbars")


class Page:
    """A page. `events` is all that the browser has told of it so far."""

    def __init__(self, commands: IO[bytes], answers: IO[bytes]) -> None:
        """Open a page in a browser that reads and answers commands."""
        self._commands, self._answers = commands, answers
        self._number, self._session = 0, ""
        self.events: list[dict[str, Any]] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Accessibility", "DOM"):
            self(f"{domain}.enable")

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """Call a method of the protocol."""
        self._number += 1
        session = {"sessionId": self._session} if self._session else {}
        message = {"id": self._number, "method": method, "params": params, **session}
        self._commands.write(json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self.events.append(answer)
        assert "error" not in answer, (method, answer["error"])
        result: dict[str, Any] = answer["result"]
        return result

    def _read(self) -> dict[str, Any]:
        text = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser is gone"
            text += byte
        answer: dict[str, Any] = json.loads(text)
        return answer

    def open(self, path: Path, *, width: int = 1100, dark: bool = False) -> None:
        """Show a file in a window of a width, on a telephone below 500."""
        self("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 500)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self("Emulation.setEmulatedMedia", features=[scheme])
        self.events.clear()
        self("Page.navigate", url=path.resolve().as_uri())
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self._read())

    def evaluate(self, expression: str) -> Any:
        """Return what an expression is in the page, as JSON has it."""
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def screenshot(self) -> bytes:
        """Return the whole page as PNG."""
        return base64.b64decode(self("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def pdf(self) -> bytes:
        """Return the page as it is printed on A4."""
        size = {"paperWidth": 8.27, "paperHeight": 11.69}
        return base64.b64decode(self("Page.printToPDF", preferCSSPageSize=True, **size)["data"])


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser with a profile in a folder, and end it."""
    assert CHROMIUM
    to_browser, commands = os.pipe()
    answers, from_browser = os.pipe()

    def descriptors() -> None:
        # The protocol is spoken over 3 and 4; what is in their place may be one of the four.
        read, write = os.dup(to_browser), os.dup(from_browser)
        os.dup2(read, 3)
        os.dup2(write, 4)

    process = subprocess.Popen(
        [CHROMIUM, *_ARGUMENTS, *_QUIET, f"--user-data-dir={folder}"],
        preexec_fn=descriptors,
        close_fds=False,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(to_browser)
    os.close(from_browser)
    # What waits for a browser that hangs then reads its end.
    limit = threading.Timer(_MOST_SECONDS, process.kill)
    limit.start()
    try:
        with os.fdopen(commands, "wb", 0) as written, os.fdopen(answers, "rb") as read:
            yield Page(written, read)
    finally:
        limit.cancel()
        process.kill()
        process.wait()

"""What pip really takes and really adds to an image: the truth that `wheelbase compare` is held to.

`install` runs pip in a container of the base and commits it; `files_taken` only asks pip what it would take. Both run
programs and read the package index.

Kept out of the sum, for it is not the application's:

- pip's temporary files and its report, which go to mounts;
- the bytecode of the standard library and of pip itself, which a base without any (the official images, and our
  Alpine) gets from running pip at all: about 8 MB, once, whatever is installed. PYTHONDONTWRITEBYTECODE stops just
  that; the bytecode of what is installed is pip's own explicit step.
"""

from __future__ import annotations

import json
import os
import shutil
import ssl
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.real.engine import Engine

MOUNT = "/wheelbase-truth"
"""Where the container sees the folder it shares with the test. It is in no image: a mount is not committed."""

PASSED_ON = (
    *("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT"),
    *("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"),
)
"""The host's settings that a container may need to reach the same index. Not its folders of wheels: the container has
none of them, and `compare` is about the index."""

LIST_SIZES = """
import json, os, stat, sys
found = {path: os.lstat(path) for path in json.load(sys.stdin)}
print(json.dumps({path: s.st_size for path, s in found.items() if not stat.S_ISDIR(s.st_mode)}))
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenFile:
    """One file that pip took from the index, as its report tells."""

    filename: str
    sha256: str
    url: str

    @property
    def is_sdist(self) -> bool:
        return not self.filename.endswith(".whl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What one real installation took and wrote; all sizes in bytes."""

    taken: tuple[TakenFile, ...]
    image_growth: int
    """The engine's size of the image with the application, less that of the base."""
    written: Mapping[str, int] = field(repr=False)
    """Every path of the new layer but folders, with its size. One that replaces a file of the base counts in full."""
    seconds: float
    """pip's run in the container, as the wall clock saw it: download, unpack and bytecode."""

    @property
    def bytecode_bytes(self) -> int:
        return sum(size for path, size in self.written.items() if path.endswith(".pyc"))

    @property
    def other_bytes(self) -> int:
        return sum(self.written.values()) - self.bytecode_bytes


def files_taken(
    engine: Engine, image: str, requirements: Sequence[str] | Path, pip_arguments: Sequence[str] = ()
) -> tuple[TakenFile, ...]:
    """What pip in `image` would take for the requirements (or the requirements file), without installing them.

    Raise CommandFailed where pip does: no such version, or a source archive whose metadata needs a compiler.
    """
    with _pip_run(engine, image, requirements, ["--dry-run", *pip_arguments]) as (_, report, _):
        return report


def install(engine: Engine, image: str, requirements: Sequence[str] | Path, pip_arguments: Sequence[str] = ()) -> Truth:
    """Install the requirements (or the requirements file) on `image`, commit that, and measure it."""
    committed = f"wheelbase-test/committed:{uuid.uuid4().hex}"
    with _pip_run(engine, image, requirements, pip_arguments) as (container, taken, seconds):
        changes = [line.split(" ", 1) for line in engine.run("diff", container).splitlines()]
        assert not [path for kind, path in changes if kind == "D"], "pip removed files of the base"
        engine.run("commit", container, committed)
    try:
        list_sizes = ("run", "--rm", "--interactive", "--network", "none", committed, "python3", "-c", LIST_SIZES)
        sizes = engine.run(*list_sizes, stdin=json.dumps([path for _, path in changes]))
        growth = engine.image_bytes(committed) - engine.image_bytes(image)
    finally:
        engine.run("image", "rm", committed)
    return Truth(taken=taken, image_growth=growth, written=json.loads(sizes), seconds=seconds)


@contextmanager
def _pip_run(
    engine: Engine, image: str, requirements: Sequence[str] | Path, arguments: Sequence[str]
) -> Iterator[tuple[str, tuple[TakenFile, ...], float]]:
    """Run pip in a container: its name while it still exists, what pip took, and the seconds it ran.

    --ignore-installed makes either base stand for an official image, which holds pip and nothing else: Debian's
    python3-pip brings `packaging` and `wheel`, and a requirement they satisfy would be missing from the truth. pip
    installs beside them in /usr/local, in a folder whose name is as long as the official image's (dist-packages,
    site-packages), so that paths in RECORD and in bytecode have the official length. A virtual environment would be
    less like it: a second pip, other paths, and on Debian one more package.
    """
    container = f"wheelbase-truth-{uuid.uuid4().hex}"
    with tempfile.TemporaryDirectory(prefix="wheelbase-truth-") as shared:
        folder = Path(shared)
        if isinstance(requirements, Path):
            shutil.copy(requirements, folder / "requirements.txt")
        else:
            (folder / "requirements.txt").write_text("".join(f"{line}\n" for line in requirements))
        # In a file, for an index's address may hold a password, and a failed command is printed.
        (folder / "environment").write_text("".join(f"{key}={value}\n" for key, value in _settings(folder).items()))
        started = time.monotonic()
        try:
            engine.run(
                *("run", "--name", container, "--network", "host", "--env-file", f"{folder}/environment"),
                *("--volume", f"{folder}:{MOUNT}", "--volume", "/tmp"),  # pip unpacks and builds in /tmp
                *(image, "python3", "-m", "pip", "install", "--quiet", "--no-cache-dir", "--ignore-installed"),
                *("--report", f"{MOUNT}/report.json", "--requirement", f"{MOUNT}/requirements.txt", *arguments),
            )
            seconds = time.monotonic() - started
            yield container, _read_report((folder / "report.json").read_text()), seconds
        finally:
            engine.run("rm", "--force", "--volumes", container)


def _settings(folder: Path) -> dict[str, str]:
    """Environment variables for pip in the container; the host's certificates are copied to the shared folder."""
    settings = {
        name: " ".join(word for word in os.environ[name].split() if not word.startswith("file:"))
        for name in PASSED_ON
        if name in os.environ
    }
    settings |= {
        "PYTHONDONTWRITEBYTECODE": "1",
        "PIP_BREAK_SYSTEM_PACKAGES": "1",  # Debian's pip refuses the system's Python otherwise; nobody else minds
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_ROOT_USER_ACTION": "ignore",
    }
    defaults = ssl.get_default_verify_paths()
    candidates = (os.environ.get("PIP_CERT"), os.environ.get("SSL_CERT_FILE"), defaults.cafile, defaults.openssl_cafile)
    bundle = next((path for path in candidates if path and Path(path).is_file()), None)
    if bundle:  # the machine may trust an authority that the base does not know
        shutil.copy(bundle, folder / "certificates.pem")
        settings |= dict.fromkeys(("PIP_CERT", "SSL_CERT_FILE"), f"{MOUNT}/certificates.pem")
    return settings


def _read_report(text: str) -> tuple[TakenFile, ...]:
    """pip's installation report, version 1, to the files it took."""
    infos = [item["download_info"] for item in json.loads(text)["install"]]
    return tuple(
        TakenFile(
            filename=unquote(urlsplit(info["url"]).path.rsplit("/", 1)[1]),
            sha256=info["archive_info"]["hashes"]["sha256"],
            url=info["url"],
        )
        for info in infos
    )

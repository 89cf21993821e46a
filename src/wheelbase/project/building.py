"""Build a project's wheel with its own backend, by `uv build`. Reads files; runs uv and the backend.

A wheel is kept under a hash of the project's files, and is not built again while they stay as they are. What setuptools
would leave in the folder, and bytecode, goes to the scratch.
"""

import hashlib
import os
import re
import stat
import sys
import tempfile
from collections.abc import Collection
from importlib.metadata import version
from pathlib import Path

import msgspec

from wheelbase.cache import Cache
from wheelbase.errors import RequirementsError, WheelbaseError, hide_credentials
from wheelbase.project.folder import entries_of
from wheelbase.uv import run_uv

# The earliest time that a zip file can state.
_EPOCH = "315532800"
_SAID = 15
_MOST_KEPT = 64_000_000
# setuptools reads this after the project's own settings, and so puts elsewhere what it would leave in the folder.
_ELSEWHERE = "[build]\nbuild_base = {0}/build\n[egg_info]\negg_base = {0}\n"
# What backends leave in the folder when others run them.
_OUTPUT = re.compile(r"build/(lib|bdist|temp)|\.pdm-build/|dist/.*\.(whl|tar\.gz)$|(.*/)?[^/]*\.egg-info/")


def build_wheel(
    folder: Path, *, scratch: Path, interpreter: Path | None, keep: bool, outputs: Collection[Path] = ()
) -> tuple[Path, str]:
    """Return the wheel of a project, in a new folder in `scratch`, and its SHA-256.

    With `keep`, one that was built of the same files before will do; `outputs` are none of them.
    """
    place = Path(tempfile.mkdtemp(prefix="wheel-", dir=scratch))
    key = _key(folder, interpreter, outputs) if keep else None
    store = Cache("built-1")
    if key and (kept := store.get(key)):
        name, data = msgspec.msgpack.decode(kept, type=tuple[str, bytes])
        wheel = place / name
        wheel.write_bytes(data)
        return wheel, hashlib.sha256(data).hexdigest()
    wheel = _build(folder, place, interpreter)
    # A file that was changed during the build may or may not be in the wheel.
    if key and wheel.stat().st_size <= _MOST_KEPT and key == _key(folder, interpreter, outputs):
        store.put(key, msgspec.msgpack.encode((wheel.name, wheel.read_bytes())))
    with wheel.open("rb") as file:
        return wheel, hashlib.file_digest(file, "sha256").hexdigest()


def _build(folder: Path, place: Path, interpreter: Path | None) -> Path:
    work = Path(tempfile.mkdtemp(prefix="work-", dir=place.parent)).absolute()
    (work / "setup.cfg").write_text(_ELSEWHERE.format(str(work).replace("%", "%%")), encoding="utf-8")
    result = run_uv(
        "build",
        "--wheel",
        "--no-create-gitignore",
        *(("--python", str(interpreter)) if interpreter else ()),
        "--out-dir",
        str(place.absolute()),
        directory=folder,
        environment={
            "DIST_EXTRA_CONFIG": str(work / "setup.cfg"),
            "PYTHONPYCACHEPREFIX": str(work / "bytecode"),
            "SOURCE_DATE_EPOCH": os.environ.get("SOURCE_DATE_EPOCH") or _EPOCH,
        },
    )
    wheels = list(place.glob("*.whl"))
    if result.returncode or len(wheels) != 1:
        said = [line for line in hide_credentials(f"{result.stdout}\n{result.stderr}").splitlines() if line.strip()]
        raise WheelbaseError(
            f"the wheel of {folder} could not be built:\n" + "\n".join(f"  {line}" for line in said[-_SAID:]),
            hint=f"mend what is said there; `uv build --wheel {folder}` says it all",
        )
    return wheels[0]


def _key(folder: Path, interpreter: Path | None, outputs: Collection[Path]) -> str | None:
    """Return a hash of what a build reads; None where a link leads it out of the folder.

    Of what Git ignores, the time and the size stand for the contents: a build may read that, but it may be large.
    """
    hashed = hashlib.sha256()
    tools = (version("uv"), str(interpreter or sys.executable), os.environ.get("SOURCE_DATE_EPOCH"))
    hashed.update(repr(tools).encode())
    for entry in entries_of(folder, outputs=outputs):
        status = entry.status
        if _OUTPUT.match(entry.path):
            continue
        if stat.S_ISLNK(status.st_mode):
            if not Path(os.path.realpath(entry.source)).is_relative_to(folder.resolve()):
                return None
            contents = os.readlink(entry.source)  # noqa: PTH115 (the text as it is)
        elif entry.ignored or not stat.S_ISREG(status.st_mode):
            contents = f"{status.st_mtime_ns} {status.st_size}"
        else:
            contents = _digest(entry.source)
        hashed.update(repr((entry.path, status.st_mode, contents)).encode("utf-8", "surrogateescape"))
    return hashed.hexdigest()


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise RequirementsError(
            f"{path} cannot be read: {error.strerror}", hint="make it readable for the user who builds, or ignore it"
        ) from error

"""`wheelbase.lock`: what an image was built of, so that another build can be held to it. Reads and writes the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from wheelbase.errors import LockError
from wheelbase.oci.blobfolder import written
from wheelbase.oci.image import Image
from wheelbase.project.files import load_toml
from wheelbase.recipes.plan import Plan

FILE = "wheelbase.lock"
_VERSION = 1
_HINT = f"build with --lock to take what is new, and look at the difference of {FILE}"


class LockedWheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel; `sha256` is empty where the index does not state it."""

    filename: str
    sha256: str = ""


class LockedImage(msgspec.Struct, frozen=True, kw_only=True):
    """What is in the image of one platform: the digest of the base's manifest, and the wheels."""

    platform: str
    base: str
    digest: str
    wheel: list[LockedWheel]


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """All that a lock file says."""

    version: int
    image: list[LockedImage]


def lock_of(plans: Sequence[Plan], bases: Sequence[Image]) -> Lock:
    """Return the lock of what is about to be built."""
    return Lock(
        version=_VERSION,
        image=[
            LockedImage(
                platform=plan.platform,
                base=plan.base,
                digest=str(base.raw_manifest.digest),
                wheel=[LockedWheel(filename=one.filename, sha256=one.sha256 or "") for _, one in plan.wheels],
            )
            for plan, base in zip(plans, bases, strict=True)
        ],
    )


def write_lock(folder: Path, lock: Lock) -> None:
    """Write the lock file of a folder, whole or not at all; ImageError where it cannot be."""
    document: dict[str, Any] = msgspec.to_builtins(lock)
    with written(folder / FILE, folder) as file:
        file.write(f"# Written by `wheelbase build --lock`.\n{tomli_w.dumps(document)}".encode())


def check_lock(folder: Path, lock: Lock) -> None:
    """Raise LockError where a build would be of other parts than the lock file of a folder says."""
    path = folder / FILE
    if not path.is_file():
        raise LockError(f"there is no {path} to hold the build to", hint="build once with --lock")
    written = load_toml(path, Lock)
    if written.version != _VERSION:
        raise LockError(f"{path} is of version {written.version}, which this wheelbase does not know", hint=_HINT)
    known = {one.platform: one for one in written.image}
    for now in lock.image:
        then = known.get(now.platform)
        if then is None:
            raise LockError(f"{path} does not have {now.platform}", hint=_HINT)
        if (then.base, then.digest) != (now.base, now.digest):
            raise LockError(
                f"the base has moved: {path} has {then.base} at {then.digest}, now {now.base} is at {now.digest}",
                hint=f"{_HINT}; a registry may still have the old one, by its digest",
            )
        if then.wheel != now.wheel:
            changed = sorted({one.filename for one in set(then.wheel) ^ set(now.wheel)})
            raise LockError(
                f"the wheels have changed since {path} was written: {', '.join(changed[:10])}"
                + (f" and {len(changed) - 10} more" if len(changed) > 10 else ""),
                hint=_HINT,
            )

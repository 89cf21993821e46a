"""`wheelbase.lock`: what an image was built of, so that another build can be held to it. Reads and writes the file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import tomli_w

from wheelbase.deb.chosen import Chosen
from wheelbase.errors import LockError
from wheelbase.oci.blobfolder import written
from wheelbase.project.files import load_toml
from wheelbase.recipes.plan import Plan

FILE = "wheelbase.lock"
_VERSION = 1
_SHOWN = 10
_HINT = f"build with --lock to take what is new, and look at the difference of {FILE}"


class LockedWheel(msgspec.Struct, frozen=True, kw_only=True):
    """A wheel; `sha256` is empty where the index does not state it."""

    filename: str
    sha256: str = ""


class LockedImage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is in the image of one platform: the digest of the base's manifest, and the wheels.

    `bytecode` is what compiled modules, empty for none; `debian` are the parts of a base of Debian's packages.
    """

    platform: str
    base: str
    digest: str
    wheel: list[LockedWheel]
    bytecode: str = ""
    debian: Chosen | None = None


class Lock(msgspec.Struct, frozen=True, kw_only=True):
    """All that a lock file says."""

    version: int
    image: list[LockedImage]

    @property
    def debs(self) -> dict[str, Chosen]:
        """The parts of bases of Debian's packages, by architecture."""
        return {one.debian.arch: one.debian for one in self.image if one.debian}

    def check_added(self, packages: Sequence[str]) -> None:
        """Raise LockError where other packages are wished for on a base of Debian's than it was locked with."""
        for chosen in self.debs.values():
            if set(chosen.asked) != set(packages):
                raise LockError(
                    f"{FILE} adds {', '.join(chosen.asked) or 'no package'} to the base, and now it is to have "
                    f"{', '.join(packages) or 'none'}",
                    hint=_HINT,
                )

    def check(self, now: Lock) -> None:
        """Raise LockError where a build would be of other parts."""
        known = {one.platform: one for one in self.image}
        for image in now.image:
            if image.platform not in known:
                raise LockError(f"{FILE} does not have {image.platform}", hint=_HINT)
            _check(known[image.platform], image)


def lock_of(plans: Sequence[Plan]) -> Lock:
    """Return the lock of what is about to be built."""
    return Lock(version=_VERSION, image=[_locked(plan) for plan in plans])


def write_lock(folder: Path, lock: Lock) -> None:
    """Write the lock file of a folder, whole or not at all; ImageError where it cannot be."""
    document: dict[str, Any] = msgspec.to_builtins(lock)
    with written(folder / FILE, folder) as file:
        file.write(f"# Written by `wheelbase build --lock`.\n{tomli_w.dumps(document)}".encode())


def read_lock(folder: Path) -> Lock:
    """Return the lock file of a folder; LockError where there is none that can be used."""
    path = folder / FILE
    if not path.is_file():
        raise LockError(f"there is no {path} to hold the build to", hint="build once with --lock")
    lock = load_toml(path, Lock)
    if lock.version != _VERSION:
        raise LockError(f"{path} is of version {lock.version}, which this wheelbase does not know", hint=_HINT)
    return lock


def _locked(plan: Plan) -> LockedImage:
    return LockedImage(
        platform=plan.platform,
        base=plan.base,
        digest=str(plan.image.raw_manifest.digest),
        wheel=[LockedWheel(filename=one.filename, sha256=one.sha256 or "") for _, one in plan.wheels],
        bytecode=plan.compiler.key if plan.compiler else "",
        debian=plan.debian,
    )


def _check(then: LockedImage, now: LockedImage) -> None:
    if then.bytecode != now.bytecode:
        raise LockError(
            f"modules were compiled by {then.bytecode or 'nothing'} when {FILE} was written, now by "
            f"{now.bytecode or 'nothing'}: bytecode may be another",
            hint=f"have that Python at hand, or {_HINT}",
        )
    if (then.base, then.digest) != (now.base, now.digest):
        raise LockError(
            f"the base has moved: {FILE} has {then.base} at {then.digest}, now {now.base} is at {now.digest}",
            hint=f"{_HINT}; a registry may still have the old one, by its digest",
        )
    if then.wheel != now.wheel:
        changed = sorted({one.filename for one in set(then.wheel) ^ set(now.wheel)})
        more = f" and {len(changed) - _SHOWN} more" if len(changed) > _SHOWN else ""
        raise LockError(
            f"the wheels have changed since {FILE} was written: {', '.join(changed[:_SHOWN])}{more}", hint=_HINT
        )

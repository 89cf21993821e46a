"""Which releases are known, and the snapshot of each: the user's own where it is newer, else the shipped one."""

import re
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from wheelbase.cache import Cache
from wheelbase.errors import WheelbaseError
from wheelbase.system.snapshot_file import Snapshot

_SHIPPED = re.compile(r"([a-z]+-[0-9.]+)\.xz")
_REFRESHED = "system-1"
# Ubuntu's releases are made from what Debian is at that time.
_UBUNTU = {"20.04": "debian-11", "22.04": "debian-12", "24.04": "debian-13", "26.04": "debian-13"}
_DERIVED = {"raspbian": "debian"}


def releases() -> tuple[str, ...]:
    """Return the releases that are shipped, the oldest first: `debian-12`."""
    return tuple(sorted(_shipped(), key=_version))


@cache
def load_snapshot(release: str) -> Snapshot:
    """Return the newest snapshot of a release that there is."""
    shipped = _shipped().get(release)
    known = Snapshot(shipped.read_bytes(), shipped.name) if shipped else None
    own = refreshed_snapshot(release)
    if own and (known is None or own.header.date > known.header.date):
        return own
    if known is None:
        raise WheelbaseError(
            f"nothing is known of the packages of {release}", hint=f"releases that are: {', '.join(releases())}"
        )
    return known


def refreshed_snapshot(release: str) -> Snapshot | None:
    """Return the snapshot that was made from the user's own mirror, None where there is none."""
    raw = Cache(_REFRESHED).get(release)
    return Snapshot(raw, f"the snapshot of {release} in the cache") if raw else None


def keep(release: str, raw: bytes) -> None:
    """Keep a snapshot for later runs, and use it from now on in this one."""
    Cache(_REFRESHED).put(release, raw)
    load_snapshot.cache_clear()


def nearest_release(os_id: str, version: str) -> tuple[str, bool] | None:
    """Return the release whose packages are most like those of an os-release's ID and VERSION_ID, and if it is that.

    None: the system has another family's packages.
    """
    family = _DERIVED.get(os_id, os_id)
    if family == "debian":
        version = version.partition(".")[0]  # of a point release
    wanted = f"{family}-{version}"
    if wanted in _shipped() or (family in ("debian", "ubuntu") and version and refreshed_snapshot(wanted)):
        return wanted, family == os_id
    if family == "debian":
        return _nearest(wanted), False
    if family == "ubuntu":
        return _UBUNTU.get(version) or _nearest(f"debian-{_debian_of(_number(version))}"), False
    return None


def _nearest(wanted: str) -> str:
    """Return the newest release of Debian that is not newer, or the oldest; unstable, with no number, is the newest."""
    known = [release for release in releases() if release.startswith("debian-")]
    if not _version(wanted)[1]:
        return known[-1]
    return max((release for release in known if _version(release) <= _version(wanted)), key=_version, default=known[0])


def _debian_of(ubuntu: float) -> float:
    """Return the release of Debian that was in the making, as those of both have come every two years."""
    return ubuntu / 2 + 1 if ubuntu else 0


def _shipped() -> dict[str, Traversable]:
    found = ((_SHIPPED.fullmatch(file.name), file) for file in (files("wheelbase.system") / "data").iterdir())
    return {match[1]: file for match, file in found if match}


def _version(release: str) -> tuple[str, float]:
    family, _, version = release.partition("-")
    return family, _number(version)


def _number(version: str) -> float:
    found = re.match(r"\d{1,6}(?:\.\d{1,6})?", version)
    return float(found.group()) if found else 0.0

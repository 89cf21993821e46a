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
_DERIVED = {"raspbian": "debian"}


def releases(*families: str) -> tuple[str, ...]:
    """Return the releases that are shipped, of some families or of all, the oldest first: `debian-12`."""
    found = (release for release in _shipped() if not families or _version(release)[0] in families)
    return tuple(sorted(found, key=_version))


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


def refreshed_date(release: str) -> str | None:
    """Return of which day the packages of a release are, None where the user has not asked for newer ones."""
    return load_snapshot(release).header.date if refreshed_snapshot(release) else None


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
    if family not in ("debian", "ubuntu"):
        return None
    nearest = nearest_known(wanted) or releases("debian")[0]
    return nearest, nearest == wanted and family == os_id


def nearest_known(release: str) -> str | None:
    """Return a release where something is known of it, else the newest that is shipped and not newer, if any."""
    return release if release in _shipped() or refreshed_snapshot(release) else _not_newer(release)


def _not_newer(wanted: str) -> str | None:
    """Return the newest shipped release of the same family that is not newer; what has no number is the newest."""
    family, number = _version(wanted)
    known = reversed(releases(family))
    return next((release for release in known if not number or _version(release)[1] <= number), None)


def _shipped() -> dict[str, Traversable]:
    found = ((_SHIPPED.fullmatch(file.name), file) for file in (files("wheelbase.system") / "data").iterdir())
    return {match[1]: file for match, file in found if match}


def _version(release: str) -> tuple[str, tuple[int, ...]]:
    """Return ("debian", (12,)), and no number for what has none: "alpine-edge"."""
    family, _, version = release.partition("-")
    found = re.match(r"\d{1,6}(?:\.\d{1,6})?", version)
    return family, tuple(int(part) for part in found.group().split(".")) if found else ()

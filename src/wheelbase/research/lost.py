"""What a wheel was built without: the optional libraries that none of its files loads. Reads the wheel.

A library that was linked statically, or that is opened only when it is used, is loaded by no file: both are rare where
a system's own library is built with.
"""

import zipfile
import zlib
from collections.abc import Set
from pathlib import Path

from packaging.utils import parse_wheel_filename

from wheelbase.errors import WheelError
from wheelbase.source.needs import Need, Needs
from wheelbase.system.libraries import debian_names
from wheelbase.system.platform import System
from wheelbase.wheels.elf import read_dynamic

_LIKELY = 0.5  # of an optional need: below it, that a build uses the library where it is there is not sure enough
_LARGEST = 128 << 20  # of a file, which is in memory as a whole


def lost_features(wheel: Path, needs: Needs, system: System) -> tuple[str, ...]:
    """Return what a wheel that was built on a base goes without, by what the analysis of its archive found optional.

    `needs` are those of its own archive. Raises `WheelError` where the wheel cannot be read.
    """
    return lost_without(parse_wheel_filename(wheel.name)[0], libraries_needed(wheel), needs, system)


def lost_without(project: str, loaded: Set[str], needs: Needs, system: System) -> tuple[str, ...]:
    """Return the same of a project whose files load these libraries ("libz.so.1"), wherever they were read."""
    return tuple(
        f"{need.lost[0].upper()}{need.lost[1:]} ({need.package}): {project} was built without it"
        for need in needs.optional
        if need.lost and need.confidence >= _LIKELY and _is_lost(need, loaded, system)
    )


def libraries_needed(wheel: Path) -> frozenset[str]:
    """Return the names of the libraries that the compiled files of a wheel load (DT_NEEDED)."""
    found: set[str] = set()
    try:
        with zipfile.ZipFile(wheel) as archive:
            for entry in archive.infolist():
                if ".so" in entry.filename and entry.file_size <= _LARGEST:
                    dynamic = read_dynamic(archive.read(entry))
                    found |= set(dynamic.needed) if dynamic else set()
    except (OSError, zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
        raise WheelError(f"{wheel} cannot be read: {error}", hint="build it again") from error
    return frozenset(found)


def _is_lost(need: Need, loaded: Set[str], system: System) -> bool:
    """Say whether none of a need's libraries is loaded; where they are not known, nothing is said."""
    row = system.names.row_for("pkg-config", need.pkg_config) if need.pkg_config else None
    stems = tuple(f"lib{name}{after}" for name in (row.libraries if row else ()) for after in (".so", "-"))
    packages = set(system.packages.runtime_of(need.package)) if system.manager == "apt" else set()
    if any(one.startswith(stems) or packages.intersection(debian_names(one)) for one in loaded):
        return False
    return bool(stems or packages)

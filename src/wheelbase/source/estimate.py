"""What building from source takes, guessed from no more than the size of the archive. Pure.

These are placeholders and shown as such: an analysis of the archive is to replace them.
"""

from wheelbase.bases.facts import BaseFacts

# A C compiler by package manager, and what a system Python needs beside it for its headers.
_COMPILER = {"apt": "build-essential", "apk": "build-base", "dnf": "gcc-c++", "microdnf": "gcc-c++", "yum": "gcc-c++"}
_HEADERS = {
    "apt": "python3-dev",
    "apk": "python3-dev",
    "dnf": "python3-devel",
    "microdnf": "python3-devel",
    "yum": "python3-devel",
}


def compile_seconds(archive_bytes: int | None) -> tuple[float, float]:
    """Return a rough range of seconds for building an archive of this size.

    The edges hold 30 of 33 builds that were timed on one core, from mysqlclient (0.1 MB, 1 s) by way of h5py (0.5 MB,
    82 s) and pandas (6 MB, 360 s) to Pillow (47 MB, 12 s): the size says little, so the range is wide.
    """
    megabytes = (archive_bytes or 1_000_000) / 1e6
    return 1 + 0.2 * megabytes, min(90 + 50 * megabytes, 1800)


def build_packages(facts: BaseFacts) -> tuple[str, ...]:
    """Return the least that any compile needs on a base: a compiler, unless it is there, and Python's headers."""
    manager = facts.package_manager or "none"
    compiler = (_COMPILER[manager],) if manager in _COMPILER and not facts.compiler else ()
    headers = (_HEADERS[manager],) if manager in _HEADERS and facts.added_packages else ()
    return compiler + headers

"""Which shared libraries that wheels often want are there, and whether glibc's loader is."""

from __future__ import annotations

import ctypes
import json
import platform
from pathlib import Path

SONAMES = (
    "libstdc++.so.6",
    "libgcc_s.so.1",
    "libgomp.so.1",
    "libGL.so.1",
    "libglib-2.0.so.0",
    "libpq.so.5",
    "libodbc.so.2",
    "libmagic.so.1",
    "libcairo.so.2",
    "libsndfile.so.1",
)
LOADERS = {"x86_64": "/lib64/ld-linux-x86-64.so.2", "aarch64": "/lib/ld-linux-aarch64.so.1"}


def loads(name: str) -> bool:
    """Say whether a library is loaded by its name."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def main() -> None:
    """Load them all."""
    absent = [name for name in SONAMES if not loads(name)]
    loader = LOADERS.get(platform.machine())
    no_loader = loader is not None and not Path(loader).exists()
    evidence = "absent: " + ", ".join(absent) if absent else f"all of {len(SONAMES)} are there"
    evidence += "; programs for glibc do not start" if no_loader else ""
    observed = {"absent": absent, "glibc_programs": not no_loader}
    verdict = "bites" if absent or no_loader else "fine"
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

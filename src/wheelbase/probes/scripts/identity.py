"""Say which Python, C library and system a probe runs on: not what an image is called, but what answers."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path


def musl(loader: str) -> str:
    """Return the name and the version that the loader itself states."""
    said = subprocess.run([loader], stderr=subprocess.PIPE).stderr.decode(errors="replace").split()
    return "musl " + said[said.index("Version") + 1] if "Version" in said else "musl"


def main() -> None:
    """Print the answer."""
    try:
        libc = "glibc " + os.confstr("CS_GNU_LIBC_VERSION").split()[1]  # type: ignore[union-attr]
    except (ValueError, OSError, AttributeError, IndexError):
        maps = Path("/proc/self/maps").read_text().splitlines()
        loaders = [line.split()[-1] for line in maps if "/ld-musl-" in line]
        libc = musl(loaders[0]) if loaders else ""
    system = ""
    for path in (Path("/etc/os-release"), Path("/usr/lib/os-release")):
        if not system and path.exists():
            fields = dict(line.partition("=")[::2] for line in path.read_text().splitlines())
            system = fields.get("PRETTY_NAME", "").strip('"')
    print(json.dumps({"python": sys.version.split()[0], "libc": libc, "system": system, "machine": platform.machine()}))


if __name__ == "__main__":
    main()

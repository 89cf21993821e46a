"""On what was measured: processors, memory, kernel. Reads /proc."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
from pathlib import Path


def machine_facts(scratch: Path) -> dict[str, str]:
    """Return the facts of this machine that times depend on; what is not known is left out."""
    facts = {"kernel": platform.release(), "cores": str(os.cpu_count() or "?"), "python": platform.python_version()}
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
        facts["processor"] = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    with contextlib.suppress(OSError, ValueError):
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        facts["memory"] = f"{memory / 1e9:.0f} GB"
    with contextlib.suppress(OSError):
        facts["free disk"] = f"{shutil.disk_usage(scratch).free / 1e9:.0f} GB"
    return facts

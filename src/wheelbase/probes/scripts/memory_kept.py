"""How much memory stays with the process after small and middling blocks are freed."""

from __future__ import annotations

import gc
import json
import os
from pathlib import Path


def resident() -> int:
    """Return the bytes in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def main() -> None:
    """Take some 200 MB in blocks of up to 3.6 kB, and free all but the last: the end of the heap is in use then."""
    before = resident()
    blocks = [bytes(600 + number % 3000) for number in range(100000)]
    peak = resident() - before
    last = blocks.pop()
    del blocks
    gc.collect()
    kept = resident() - before
    evidence = f"of {peak >> 20} MB, {kept >> 20} MB are kept after they are freed"
    verdict = "bites" if kept > peak // 2 else "fine"
    observed = {"peak": peak, "kept": kept, "in_use": len(last)}
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

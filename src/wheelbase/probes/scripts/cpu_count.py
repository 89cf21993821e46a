"""Whether os.cpu_count heeds the processors that a process may use; other programs count on either."""

from __future__ import annotations

import json
import os


def main() -> None:
    """Count before and after the process is bound to one processor."""
    before = os.cpu_count()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    after = os.cpu_count()
    evidence = f"os.cpu_count() is {before}, and {after} where the process may use one processor"
    if before == 1:
        verdict, evidence = "unknown", "there is one processor only"
    else:
        verdict = "fine" if before == after else "bites"
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": {"all": before, "one": after}}))


if __name__ == "__main__":
    main()

"""Whether the scheduler can be asked and set."""

from __future__ import annotations

import json
import os


def main() -> None:
    """Set what is set already."""
    try:
        os.sched_getparam(0)
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
        said = ""
    except (OSError, AttributeError) as error:
        said = str(error)
    evidence = "os.sched_setscheduler: " + (said or "works")
    print(json.dumps({"verdict": "bites" if said else "fine", "evidence": evidence, "observed": {"error": said}}))


if __name__ == "__main__":
    main()

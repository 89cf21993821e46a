"""Whether names of time zones mean their time, or are UTC without a word."""

from __future__ import annotations

import json
import os
import time


def main() -> None:
    """Ask the C library by TZ, and Python's own module where it is there."""
    os.environ["TZ"] = "Asia/Kolkata"
    time.tzset()
    offset = time.localtime(0).tm_gmtoff
    try:
        import zoneinfo

        zoneinfo.ZoneInfo("Asia/Kolkata")
        known = "known to zoneinfo"
    except ImportError:
        known = "no zoneinfo before Python 3.9"
    except Exception as error:
        known = "zoneinfo: " + type(error).__name__
    wrong = offset != 19800
    evidence = f"TZ=Asia/Kolkata is {offset / 3600:+.1f} h from UTC; {known}"
    observed = {"offset": offset, "zoneinfo": known}
    print(json.dumps({"verdict": "bites" if wrong else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

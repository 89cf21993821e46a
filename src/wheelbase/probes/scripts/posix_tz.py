"""Whether TZ=EST5EDT, a rule without dates, has summer time in summer only."""

from __future__ import annotations

import json
import os
import time

JANUARY, JULY = 1704110400, 1720000000


def main() -> None:
    """Ask for the time in winter and in summer; a name that no table has is sure to be read as a rule."""
    os.environ["TZ"] = "XST5XDT"
    time.tzset()
    winter, summer = (time.localtime(moment).tm_gmtoff // 3600 for moment in (JANUARY, JULY))
    evidence = f"XST5XDT is {winter:+d} h in January, {summer:+d} h in July"
    verdict = "fine" if (winter, summer) == (-5, -4) else "bites"
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": {"winter": winter, "summer": summer}}))


if __name__ == "__main__":
    main()

"""Whether setlocale takes a locale that is not there, and formats as in C without a word."""

from __future__ import annotations

import json
import locale


def main() -> None:
    """Ask for one that is nowhere, and one that may be there."""
    seen = {}
    for name in ("xx_NOPE.UTF-8", "de_DE.UTF-8"):
        try:
            locale.setlocale(locale.LC_ALL, name)
            seen[name] = "decimal point " + locale.localeconv()["decimal_point"]
        except locale.Error:
            seen[name] = "locale.Error"
    silent = "Error" not in seen["xx_NOPE.UTF-8"]
    german = seen["de_DE.UTF-8"]
    evidence = f"a locale that is nowhere is {'accepted' if silent else 'refused'}; de_DE.UTF-8: {german}"
    print(json.dumps({"verdict": "bites" if silent else "fine", "evidence": evidence, "observed": seen}))


if __name__ == "__main__":
    main()

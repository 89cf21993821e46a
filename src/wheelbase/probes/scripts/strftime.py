"""Whether directives of strftime that the C library does not know cost the whole text."""

from __future__ import annotations

import json
import time

DIRECTIVES = ("%P", "%k", "%l", "%N", "%^a", "%#B", "%-d", "%e", "%s")


def main() -> None:
    """Format a text with each directive in it."""
    moment = time.struct_time((2024, 7, 4, 9, 5, 3, 3, 186, 0))
    seen = {}
    for directive in DIRECTIVES:
        try:
            seen[directive] = time.strftime("at " + directive, moment)
        except ValueError as error:
            seen[directive] = "ValueError: " + str(error)
    lost = [directive for directive, text in seen.items() if not text]
    evidence = "the whole text is lost with " + " ".join(lost) if lost else "no text is lost"
    print(json.dumps({"verdict": "bites" if lost else "fine", "evidence": evidence, "observed": seen}))


if __name__ == "__main__":
    main()

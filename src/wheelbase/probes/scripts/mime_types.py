"""Which endings of files Python knows no type of."""

from __future__ import annotations

import json
import mimetypes

ENDINGS = (
    "html js mjs css json svg webp avif woff2 md yaml wasm docx xlsx csv pdf mp4 webm ogg ttf epub toml gz 7z png"
).split()


def main() -> None:
    """Guess the type of each; .gz has an encoding instead."""
    unknown = [ending for ending in ENDINGS if mimetypes.guess_type("f." + ending) == (None, None)]
    evidence = f"{len(unknown)} of {len(ENDINGS)} endings have no type"
    evidence += ": " + " ".join(unknown) if unknown else ""
    observed = {"unknown": unknown}
    print(json.dumps({"verdict": "bites" if len(unknown) > 3 else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

"""Whether the last bits of mathematical functions are those of glibc, which most results were computed with."""

from __future__ import annotations

import hashlib
import json
import math
import platform
import random
import struct

# SHA-256 over the results of glibc 2.41 on x86-64; those of 2.36 have the same bits.
EXPECTED = {
    "sin": "20409e0b15630714",
    "cos": "5dee62f4eea208e0",
    "tan": "ae46b04d5e0a564a",
    "atan2": "363be385179d60d5",
    "log10": "00c47da6ea029d19",
    "exp": "048095ecfe800969",
    "tanh": "084e8f2fd3ca9fae",
    "erf": "2051f55820868c9f",
    "random.gauss": "7cd8d69bafed6f0d",
}


def main() -> None:
    """Hash the results of each function for inputs that need no function."""
    source = random.Random(1)
    inputs = [source.getrandbits(53) / 2.0**53 * 100 - 50 for _ in range(20000)]
    unit = [value / 50 for value in inputs]
    results = {
        "sin": [math.sin(value) for value in inputs],
        "cos": [math.cos(value) for value in inputs],
        "tan": [math.tan(value) for value in inputs],
        "atan2": [math.atan2(value, 3.0) for value in inputs],
        "log10": [math.log10(abs(value) + 0.5) for value in inputs],
        "exp": [math.exp(value) for value in inputs],
        "tanh": [math.tanh(value) for value in unit],
        "erf": [math.erf(value) for value in unit],
        "random.gauss": [source.gauss(0, 1) for _ in inputs],
    }
    hashes = {
        name: hashlib.sha256(struct.pack(f"<{len(values)}d", *values)).hexdigest()[:16]
        for name, values in results.items()
    }
    other = [name for name in hashes if hashes[name] != EXPECTED[name]]
    if platform.machine() != "x86_64":
        print(
            json.dumps(
                {"verdict": "unknown", "evidence": "what glibc computes is known of x86-64 alone", "observed": hashes}
            )
        )
        return
    evidence = "other last bits than glibc's: " + ", ".join(other) if other else "the same bits as glibc's"
    print(json.dumps({"verdict": "bites" if other else "fine", "evidence": evidence, "observed": hashes}))


if __name__ == "__main__":
    main()

"""How many page faults it takes to use and free a block of 32 KiB again and again: exact on any machine."""

from __future__ import annotations

import json
import resource

ROUNDS = 500


def faults(size: int) -> float:
    """Return the minor faults of each round."""
    halves = (b"x" * (size // 2), b"y" * (size // 2))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(ROUNDS):
        b"".join(halves)
    return round((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) / ROUNDS, 1)


def main() -> None:
    """Count them for some sizes."""
    seen = {size: faults(size) for size in (4096, 32768, 131072)}
    evidence = f"{seen[32768]:g} page faults for each block of 32 KiB, {seen[131072]:g} for 128 KiB"
    observed = {"faults": seen}
    print(json.dumps({"verdict": "bites" if seen[32768] >= 1 else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

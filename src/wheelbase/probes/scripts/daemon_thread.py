"""Whether a program ends in peace while a daemon thread of it still runs."""

from __future__ import annotations

import json
import subprocess
import sys

# The threads wake while the interpreter ends, which is slow here. The C library ends them, and loads libgcc_s for it.
PROGRAM = """
import threading, time
def work():
    while True: time.sleep(0.001)
for _ in range(4): threading.Thread(target=work, daemon=True).start()
time.sleep(0.05)
class Slow:
    def __del__(self, sleep=time.sleep): sleep(0.2)
slow = Slow()
"""


def main() -> None:
    """Run such a program."""
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True)
    said = done.stderr.decode(errors="replace").strip()[-200:]
    evidence = f"it ends with {done.returncode}" + (": " + said if said else "")
    observed = {"status": done.returncode, "stderr": said}
    print(json.dumps({"verdict": "bites" if done.returncode else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

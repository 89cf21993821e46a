"""Whether there is a shell, and whether common programs know the options that scripts give them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

CHECKS = {
    "bash": ("bash -c 'a=(1 2); echo ${a[1]}'", "2"),
    "ps -p": ("ps -p 1 -o pid=", "1"),
    "grep -P": ("echo ab1 | grep -oP '\\d'", "1"),
    "date -d": ("date -u -d '1970-01-01 +1 day' +%F", "1970-01-02"),
    "date +%N": ("date -u +%N | grep -c '^[0-9]'", "1"),
    "find -printf": ("find /proc/self/comm -printf %f", "comm"),
    "stat --printf": ("stat --printf %F /", "directory"),
    "sed -z": ("printf 'a\\n' | sed -z 's/\\n/,/'", "a,"),
    "sort -V": ("printf 'v10\\nv9\\n' | sort -V | head -1", "v9"),
    "df --output": ("df --output=target /proc | tail -1", "/proc"),
    "cp --parents": ("cd / && cp --parents proc/self/comm /tmp && echo y", "y"),
    "tar --sort": ("cd /proc/self && tar cf /dev/null --sort=name comm && echo y", "y"),
    "readlink -e": ("readlink -e /", "/"),
    "awk gensub": ('awk \'BEGIN{print gensub(/a/,"b","g","aa")}\'', "bb"),
    "timeout": ("timeout -k 1 2 echo y", "y"),
    "xargs -d": ("printf a,b | xargs -d , echo", "a b"),
}


def passes(command: str, wanted: str) -> bool:
    """Say whether a command prints what it does with GNU's programs."""
    done = subprocess.run(
        ["/bin/sh", "-c", command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    return done.stdout.decode(errors="replace").strip() == wanted


def main() -> None:
    """Try each, unless there is no shell."""
    if not Path("/bin/sh").exists():
        print(json.dumps({"verdict": "bites", "evidence": "there is no /bin/sh", "observed": {"shell": False}}))
        return
    failed = [name for name, (command, wanted) in CHECKS.items() if not passes(command, wanted)]
    evidence = f"{len(CHECKS) - len(failed)} of {len(CHECKS)} programs and options work"
    evidence += "; not: " + ", ".join(failed) if failed else ""
    observed = {"shell": str(Path("/bin/sh").resolve()), "failed": failed}
    print(json.dumps({"verdict": "bites" if failed else "fine", "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

"""Whether names of services and of protocols are known."""

from __future__ import annotations

import json
import socket


def main() -> None:
    """Ask for some."""
    unknown = []
    for name in ("http", "https", "ssh", "postgresql"):
        try:
            socket.getservbyname(name)
        except OSError:
            unknown.append(name)
    for name in ("tcp", "udp", "icmp"):
        try:
            socket.getprotobyname(name)
        except OSError:
            unknown.append(name)
    evidence = "unknown: " + ", ".join(unknown) if unknown else "services and protocols have their names"
    verdict = "bites" if unknown else "fine"
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": {"unknown": unknown}}))


if __name__ == "__main__":
    main()

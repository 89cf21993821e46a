"""How names are resolved where name servers are less than perfect; argument: aaaa, search or dead.

Asks a name server of its own, which needs the right to listen on port 53 and to write /etc/resolv.conf.
"""

from __future__ import annotations

import json
import socket
import struct
import sys
import threading
import time
from pathlib import Path

A = 1
NO_ERROR, SERVER_FAILURE, NO_SUCH_NAME, REFUSED = 0, 2, 3, 5
KNOWN = ("v4only.test", "nx6.test", "sf6.test", "ref6.test", "app.team.corp.test", "slow.test")
NO_IPV6 = {"nx6.test": NO_SUCH_NAME, "sf6.test": SERVER_FAILURE, "ref6.test": REFUSED}
FIRST, SECOND, SILENT = "127.0.0.1", "127.0.0.2", "127.0.0.3"
SERVER = "nameserver " + FIRST + "\n"
SHORT = "options timeout:1 attempts:1\n"
CASES = {
    "aaaa": [
        ("no such name for IPv6", SERVER, "nx6.test"),
        ("failure for IPv6", SERVER + SHORT, "sf6.test"),
        ("refusal for IPv6", SERVER + SHORT, "ref6.test"),
    ],
    "search": [
        ("a short name with a dot", SERVER + "search corp.test\n", "app.team"),
        ("the first server knows it", SERVER + "nameserver " + SECOND + "\n", "slow.test"),
    ],
    "dead": [("the first server is silent", "nameserver " + SILENT + "\n" + SERVER + SHORT, "v4only.test")],
}
# A control, without which nothing above says anything.
CONTROL = "v4only.test"


def answer(query: bytes, address: str) -> bytes:
    """Return the answer of the server at an address; the second one knows nothing, at once."""
    at, labels = 12, []
    while query[at]:
        labels.append(query[at + 1 : at + 1 + query[at]].decode().lower())
        at += query[at] + 1
    name, kind = ".".join(labels), struct.unpack("!H", query[at + 1 : at + 3])[0]
    code = NO_ERROR if name in KNOWN else NO_SUCH_NAME
    if kind != A:
        code = NO_IPV6.get(name, code)
    if address == SECOND:
        code = NO_SUCH_NAME
    elif name == "slow.test":
        time.sleep(0.2)
    count = 1 if kind == A and code == NO_ERROR else 0
    header = query[:2] + struct.pack("!5H", 0x8180 | code, 1, count, 0, 0)
    record = b"\xc0\x0c" + struct.pack("!HHIH", A, 1, 60, 4) + bytes((10, 0, 0, 1))
    return header + query[12 : at + 5] + record * count


def serve(listening: socket.socket, address: str) -> None:
    """Answer for ever, each in its own thread so that a slow answer holds none up."""
    while True:
        query, peer = listening.recvfrom(2048)
        if address != SILENT:
            threading.Thread(
                target=lambda q, p: listening.sendto(answer(q, address), p), args=(query, peer), daemon=True
            ).start()


def resolved(settings: str, name: str) -> tuple[str, float]:
    """Return "" and the seconds where the name is found, or else what is said."""
    Path("/etc/resolv.conf").write_text(settings)
    start = time.monotonic()
    try:
        socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM)
        said = ""
    except OSError as error:
        said = str(error)
    return said, time.monotonic() - start


def main() -> None:
    """Set up the servers and ask."""
    for address in (FIRST, SECOND, SILENT):
        listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        listening.bind((address, 53))
        threading.Thread(target=serve, args=(listening, address), daemon=True).start()
    said, _ = resolved(SERVER, CONTROL)
    if said:
        print(json.dumps({"verdict": "unknown", "evidence": "the server is not asked: " + said, "observed": {}}))
        return
    seen = {}
    for case, settings, name in CASES[sys.argv[1]]:
        said, seconds = resolved(settings, name)
        if not said and seconds > 0.9:
            said = f"it took {seconds:.0f} s"
        seen[case] = said
    wrong = [f"{case}: {said}" for case, said in seen.items() if said]
    evidence = "; ".join(wrong) or "all are found: " + ", ".join(seen)
    print(json.dumps({"verdict": "bites" if wrong else "fine", "evidence": evidence, "observed": seen}))


if __name__ == "__main__":
    main()

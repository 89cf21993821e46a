"""Addresses of a name are asked for IPv4 alone, and for IPv6 where there are none."""

from __future__ import annotations

import _socket
from typing import Any

_together = _socket.getaddrinfo


def _in_turn(
    host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
) -> list[tuple[Any, ...]]:
    if host is None or family != _socket.AF_UNSPEC:
        return _together(host, port, family, type, proto, flags)
    try:
        return _together(host, port, _socket.AF_INET, type, proto, flags)
    except _socket.gaierror:
        return _together(host, port, _socket.AF_INET6, type, proto, flags)


# The module socket, which takes a while to import, calls this one.
_socket.getaddrinfo = _in_turn

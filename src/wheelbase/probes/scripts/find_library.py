"""Whether ctypes.util.find_library finds what can be loaded, and which functions of glibc are absent."""

from __future__ import annotations

import ctypes
import ctypes.util
import json

LIBRARIES = {
    "c": ("libc.so.6", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"),
    "m": ("libm.so.6",),
    "z": ("libz.so.1",),
    "ssl": ("libssl.so.3",),
    "crypto": ("libcrypto.so.3",),
    "ffi": ("libffi.so.8",),
    "lzma": ("liblzma.so.5",),
}
SYMBOLS = (
    "malloc_trim",
    "mallinfo2",
    "backtrace",
    "gnu_get_libc_version",
    "fts_open",
    "obstack_free",
    "argp_parse",
    "dlmopen",
    "glob64",
    "stat64",
    "error",
    "getaddrinfo_a",
    "register_printf_function",
    "__printf_chk",
    "__isoc99_sscanf",
)


def loads(name: str) -> bool:
    """Say whether a library is loaded by its name."""
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def main() -> None:
    """Look for what loads."""
    there = [name for name, sonames in LIBRARIES.items() if any(map(loads, sonames))]
    lost = [name for name in there if ctypes.util.find_library(name) is None]
    program = ctypes.CDLL(None)
    absent = [name for name in SYMBOLS if not hasattr(program, name)]
    evidence = f"{len(there) - len(lost)} of {len(there)} libraries that load are found"
    evidence += "; absent functions: " + ", ".join(absent[:3]) if absent else ""
    evidence += f" and {len(absent) - 3} more" if len(absent) > 3 else ""
    observed = {"there": there, "not_found": lost, "absent_symbols": absent}
    verdict = "bites" if lost or absent else "fine"
    print(json.dumps({"verdict": verdict, "evidence": evidence, "observed": observed}))


if __name__ == "__main__":
    main()

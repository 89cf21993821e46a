"""CMake's generator expressions (`$<...>`), as far as Linux and its usual compiler decide them. Pure."""

import re

from wheelbase.source.cmake_values import KNOWN, is_off

_INNERMOST = re.compile(r"\$<([^<>$:]*)(?::([^<>$]*))?>")
_MAX_EXPRESSIONS = 50  # of one argument
_OURS = {
    "PLATFORM_ID": KNOWN["CMAKE_SYSTEM_NAME"],
    "CONFIG": KNOWN["CMAKE_BUILD_TYPE"],
    "C_COMPILER_ID": KNOWN["CMAKE_C_COMPILER_ID"],
    "CXX_COMPILER_ID": KNOWN["CMAKE_CXX_COMPILER_ID"],
    "LINK_LANGUAGE": "CXX",
    "COMPILE_LANGUAGE": "CXX",
}


def generated(text: str) -> list[str]:
    """Return the parts that an argument with generator expressions becomes; none where one is not known."""
    for _ in range(_MAX_EXPRESSIONS):
        found = _INNERMOST.search(text)
        if found is None:
            break
        value = _value(found[1], found[2] or "")
        if value is None:
            return []
        text = text[: found.start()] + value + text[found.end() :]
    return text.split(";") if text and "$<" not in text else []


def _value(name: str, of: str) -> str | None:
    """Return what one comes to that holds no other."""
    if name in ("0", "1"):
        return of if name == "1" else ""
    if name in _OURS:
        return str(int(_OURS[name].upper() in of.upper().split(",")))
    if name == "BOOL":
        return str(int(not is_off(of)))
    if name == "NOT" and of in ("0", "1"):
        return str(1 - int(of))
    if name in ("AND", "OR") and set(of) <= set("01,"):
        return str(int("0" not in of if name == "AND" else "1" in of))
    return of if name in ("BUILD_INTERFACE", "BUILD_LOCAL_INTERFACE", "LINK_ONLY") else None

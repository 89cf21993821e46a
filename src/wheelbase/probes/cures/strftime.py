"""strftime knows what glibc's knows, and a directive that nobody knows stays as it is written.

datetime and logging call the function of the module time.
"""

from __future__ import annotations

import time
from typing import Any

_format = time.strftime
_KNOWN = "aAbBcCdDeFgGhHIjmMnprRsStTuUVwWxXyYzZ+%"
_FLAGS = "-_0+^#0123456789EO"


def _strftime(format: str, *when: Any) -> str:
    if "%" not in format or len(when) > 1:
        return _format(format, *when)
    moment = when[0] if when else time.localtime()
    first, *parts = format.split("%")
    written = [first]
    while parts:
        part = parts.pop(0)
        letter = part.lstrip(_FLAGS)[:1]
        if not part and parts:  # two in a row
            written.append("%%" + parts.pop(0))
            continue
        flags = part[: len(part) - len(part.lstrip(_FLAGS))]
        written.append(_directive(flags, letter, moment) + part[len(flags) + 1 :])
    return _format("".join(written), moment)


def _directive(flags: str, letter: str, moment: Any) -> str:
    """Return a directive that every C library knows, or what the directive means, fit for a format."""
    if letter == "P":
        text = _format("%p", moment).lower()
    elif letter and letter in "kl":
        hour = moment[3] if letter == "k" else moment[3] % 12 or 12
        text = str(hour) if "-" in flags else f"{hour:02}" if "0" in flags else f"{hour:2}"
    elif letter and letter in _KNOWN:
        plain = flags.replace("^", "").replace("#", "")
        if plain == flags:
            return "%" + flags + letter
        text = _format("%" + plain + letter, moment)
        text = text.lower() if "#" in flags and letter in "pZ" else text.upper()
    else:
        text = "%" + flags + letter
    return text.replace("%", "%%")


if not time.strftime("%P"):
    time.strftime = _strftime

"""Signs, in the syntax of a Python module, that a hazard concerns it. Pure.

A place is sure where what is written there is what the probe has found to go wrong; others are where it may.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

from wheelbase.probes.scope import Scope, text_of

# An unknown letter, an unknown flag, or a % at the end; those that Python's documentation lists are left alone.
_LOST = re.compile(r"(?:%%|%[-_0]?[A-MOQ-Za-jm-z])|(%[PklN]|%[-_0]*[\^#][-_0^#]*[A-Za-z]|%$)")
_RULE = re.compile(r":?[A-Za-z]{3,}[+-]?\d+[A-Za-z]{3,}$")
_GNU = re.compile(r"\b(bash\b|ps -p|grep -\w*P|date (-u )?-d|date \+\S*%N|find .*-printf|stat --printf|sed -z|sort -V)")
PLAIN_LOCALES = {"", "C", "POSIX", "C.UTF-8", "C.utf8", "en_US.UTF-8"}
_CALLS = {
    "ctypes.util.find_library": ("find-library", True),
    "os.sched_setscheduler": ("scheduler", True),
    "os.sched_getscheduler": ("scheduler", True),
    "os.sched_setparam": ("scheduler", True),
    "os.sched_getparam": ("scheduler", True),
    "socket.getservbyname": ("services", True),
    "socket.getprotobyname": ("services", True),
    "ssl.create_default_context": ("ca-store", True),
    "os.system": ("shell", False),
    "os.popen": ("shell", False),
    "os.cpu_count": ("cpu-count", False),
    "multiprocessing.cpu_count": ("cpu-count", False),
    "mimetypes.guess_type": ("mime-types", False),
    "fastapi.staticfiles.StaticFiles": ("mime-types", False),
    "starlette.staticfiles.StaticFiles": ("mime-types", False),
    "getpass.getuser": ("user-and-tmp", False),
    "multiprocessing.Pool": ("user-and-tmp", False),
    "multiprocessing.Lock": ("user-and-tmp", False),
    "multiprocessing.Queue": ("user-and-tmp", False),
    "time.tzset": ("tzdata", False),
}
_IMPORTS = {
    **dict.fromkeys(("numpy", "pandas", "PIL"), ("allocation",)),
    **dict.fromkeys(("cv2", "lightgbm", "xgboost", "pyodbc", "magic", "soundfile", "cairocffi"), ("shared-libraries",)),
    **dict.fromkeys(
        ("requests", "httpx", "aiohttp", "urllib3", "psycopg", "psycopg2", "asyncpg", "redis", "pymongo"),
        ("dns-aaaa", "dns-search"),
    ),
}
_GLIBC_FUNCTIONS = ("malloc_trim", "mallinfo2", "backtrace", "gnu_get_libc_version")
LOOKED_FOR = frozenset(
    {name for name, _ in _CALLS.values()}
    | {name for names in _IMPORTS.values() for name in names}
    | {"thread-stack", "strftime", "setlocale", "posix-tz", "daemon-thread"}
)
"""The hazards that have signs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sign:
    """A line that tells of a hazard."""

    hazard: str
    line: int
    what: str
    sure: bool


def signs_of(module: ast.Module) -> Iterator[Sign]:
    """Yield what is found in a module, but for what only the whole application tells: see `threads`."""
    scope = Scope.of(module)
    seen = set()
    for name, line in scope.imported:
        for hazard in _IMPORTS.get(name, ()):
            if (hazard, name) not in seen:
                seen.add((hazard, name))
                yield Sign(hazard=hazard, line=line, what=f"import {name}", sure=False)
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            yield from _of_call(node, scope)
        elif isinstance(node, ast.FormattedValue) and isinstance(node.format_spec, ast.JoinedStr):
            for part in node.format_spec.values:
                # A % at the end is a number's there.
                yield from _of_format((text_of(part) or "").rstrip("%"), node.lineno)
        elif isinstance(node, ast.Assign) and any(_is_tz(target, scope) for target in node.targets):
            yield from signs_of_zone(text_of(node.value), node.lineno)


def _of_call(call: ast.Call, scope: Scope) -> Iterator[Sign]:
    name, line = scope.name_of(call.func), call.lineno
    first = text_of(call.args[0]) if call.args else None
    keywords = {keyword.arg: keyword.value for keyword in call.keywords}
    if name in _CALLS:
        hazard, sure = _CALLS[name]
        # With a file or a folder of its own, and as a server, it needs none of the system's certificates; the C library
        # is loaded by None, too.
        of_server = bool(call.args) and scope.name_of(call.args[0]) == "ssl.Purpose.CLIENT_AUTH"
        if not (hazard == "ca-store" and (call.keywords or of_server)):
            harmless = (hazard == "find-library" and first == "c") or (hazard == "ca-store" and scope.trusts_all)
            yield Sign(hazard=hazard, line=line, what=f"{name}()", sure=sure and not harmless)
    if (isinstance(call.func, ast.Attribute) and call.func.attr == "strftime") or name == "time.strftime":
        yield from _of_format(first, line)
    if name in ("logging.basicConfig", "logging.Formatter"):
        yield from _of_format(text_of(keywords.get("datefmt")), line)
    if name == "locale.setlocale" and len(call.args) > 1:
        wanted = text_of(call.args[1])
        if wanted is not None and wanted not in PLAIN_LOCALES:
            yield Sign(hazard="setlocale", line=line, what=f"locale.setlocale to {wanted}", sure=True)
    if name == "zoneinfo.ZoneInfo" and first not in (None, "UTC"):
        yield Sign(hazard="tzdata", line=line, what=f"ZoneInfo({first!r})", sure=True)
    if name == "threading.Thread" and _is_true(keywords.get("daemon")):
        yield Sign(hazard="daemon-thread", line=line, what="Thread(daemon=True)", sure=True)
    if (name and name.startswith("subprocess.")) or name in ("os.system", "os.popen"):
        yield from _of_command(call, _is_true(keywords.get("shell")), line)
    if isinstance(call.func, ast.Attribute) and call.func.attr in _GLIBC_FUNCTIONS and "ctypes" in scope.modules:
        yield Sign(hazard="find-library", line=line, what=f"{call.func.attr}()", sure=True)


def _of_command(call: ast.Call, by_shell: bool, line: int) -> Iterator[Sign]:
    words = call.args[:1]
    if words and isinstance(words[0], ast.List | ast.Tuple):
        words = words[0].elts
    command = " ".join(text_of(word) or "?" for word in words)
    if found := _GNU.search(command):
        yield Sign(hazard="shell", line=line, what=found[0], sure=True)
    elif by_shell:
        yield Sign(hazard="shell", line=line, what="shell=True", sure=False)


def _of_format(text: str | None, line: int) -> Iterator[Sign]:
    lost = [found[1] for found in _LOST.finditer(text or "") if found[1]]
    if lost:
        yield Sign(hazard="strftime", line=line, what=f"strftime with {' '.join(dict.fromkeys(lost))}", sure=True)


def signs_of_zone(zone: str | None, line: int) -> Iterator[Sign]:
    """Yield what a value of TZ tells."""
    if zone and _RULE.match(zone):
        yield Sign(hazard="posix-tz", line=line, what=f"TZ={zone}", sure=True)
    elif zone and "/" in zone:
        yield Sign(hazard="tzdata", line=line, what=f"TZ={zone}", sure=True)


def _is_tz(target: ast.expr, scope: Scope) -> bool:
    return (
        isinstance(target, ast.Subscript)
        and scope.name_of(target.value) == "os.environ"
        and text_of(target.slice) == "TZ"
    )


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True

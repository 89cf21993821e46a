"""What a Makefile that the build runs asks for: what it calls pkg-config with, and links by its variables. Pure."""

import re
from collections.abc import Iterator

from wheelbase.source.findings import LINKED_ANYWAY, Evidence
from wheelbase.source.python_commands import is_config_program
from wheelbase.system.names import Kind

_CONDITION = re.compile(r"(?:ifeq|ifneq|ifdef|ifndef)\b")
_PKG_CONFIG = re.compile(r"\b(?:pkg-config|pkgconf|\$[({]PKG_?CONFIG[)}])((?:[ \t]+-{0,2}[\w.+=-]+)+)")
_MODULE = re.compile(r"[A-Za-z][\w.+-]+")
_PROGRAM = re.compile(r"[\w-]+[-_]config(?=[ \t]+--)")
_LINKS = re.compile(r"(?:LD|LOAD)?(?:LIBS?|FLAGS|LDADD)[ \t]*[+:?]?=(.*)")
_LIBRARY = re.compile(r"(?<!\S)-l([A-Za-z][\w.+-]*)")
_PKG_CONFIG_WEIGHT, _LINK_WEIGHT = 0.85, 0.6


def find_in_makefile(text: str, path: str) -> Iterator[Evidence]:
    """Yield what a Makefile asks for: optional what stands within a condition, or in a recipe."""
    depth = 0
    for number, line in enumerate(text.split("\n"), 1):
        plain, where = line.partition("#")[0], f"{path}:{number}"
        stripped = plain.strip()
        depth += bool(_CONDITION.match(stripped)) - (depth > 0 and stripped.startswith("endif"))
        optional = depth > 0 or line.startswith("\t")
        for kind, name, weight in _asked(stripped):
            yield Evidence(
                kind=kind,
                name=name,
                where=where,
                need="optional" if optional else "required",
                weight=weight,
                condition="a condition of make" if optional else "",
            )


def _asked(line: str) -> Iterator[tuple[Kind, str, float]]:
    for match in _PKG_CONFIG.finditer(line):
        words = match[1].split()
        if any(word.startswith(("--cflags", "--libs", "--static")) for word in words):
            yield from (("pkg-config", word, _PKG_CONFIG_WEIGHT) for word in words if _MODULE.fullmatch(word))
    yield from (("program", name, _PKG_CONFIG_WEIGHT) for name in _PROGRAM.findall(line) if is_config_program(name))
    if linked := _LINKS.search(line):
        names = (name for name in _LIBRARY.findall(linked[1]) if name not in LINKED_ANYWAY)
        yield from (("library", name, _LINK_WEIGHT) for name in names)

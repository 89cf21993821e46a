"""Signs in what describes an application's containers: Dockerfiles and compose files, read line by line. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from wheelbase.probes.signs import PLAIN_LOCALES, Sign, signs_of_zone

_DOCKERFILE = re.compile(r"(?i)(.+\.)?(?:dockerfile|containerfile)(\..+)?")
_COMPOSE = re.compile(r"(?i)(?:docker-)?compose[\w.-]*\.ya?ml")
_VARIABLE = re.compile(r"""(?:^|[\s"'-])(TZ|LANG|LC_ALL)["']?\s*[=:\s]\s*["']?([\w:+,./@-]+)""")
_INSTALLS_ZONES = re.compile(r"\btzdata\b")
_NUMBER = re.compile(r"(?i)USER\s+(\d+)")
_NAME_SERVERS = re.compile(r"\s+dns_(search|opt):")


def describes_containers(name: str) -> bool:
    """Say whether a file of this name is read."""
    return bool(_DOCKERFILE.fullmatch(name) or _COMPOSE.fullmatch(name))


def signs_in_containerfile(name: str, text: str) -> Iterator[Sign]:
    """Yield what a file says; one that installs tables of time zones may name them."""
    compose = bool(_COMPOSE.fullmatch(name))
    has_zones = bool(_INSTALLS_ZONES.search(text))
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#"):
            continue
        if compose and (found := _NAME_SERVERS.match(line)):
            yield Sign(hazard="dns-search", line=number, what=f"dns_{found[1]}", sure=False)
        if not compose and (found := _NUMBER.match(line)):
            yield Sign(hazard="user-and-tmp", line=number, what=f"USER {found[1]}", sure=False)
        if not compose and not line.lstrip().upper().startswith("ENV "):
            continue
        for variable, value in _VARIABLE.findall(line):
            if variable == "TZ":
                yield from (
                    sign for sign in signs_of_zone(value, number) if not (has_zones and sign.hazard == "tzdata")
                )
            elif value not in PLAIN_LOCALES:
                yield Sign(hazard="setlocale", line=number, what=f"{variable}={value}", sure=False)

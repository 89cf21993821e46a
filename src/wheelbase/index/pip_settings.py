"""What pip's settings say of indexes. Reads pip's settings files and PIP_ variables.

Source: pip's documentation, "Configuration".
"""

import configparser
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from packaging.utils import canonicalize_name
from platformdirs import user_config_path

from wheelbase.errors import RequirementsError
from wheelbase.index.values import FormatControl, IndexSettings

_NAME = "pip.ini" if os.name == "nt" else "pip.conf"
_INDEX_OPTIONS = frozenset(("index-url", "extra-index-url", "find-links", "no-index"))


def pip_options() -> dict[str, str]:
    """Return pip's settings by their long option names: files from the machine's to the user's, then PIP_ variables.

    What any file says for `install` goes before what all say for `global`; an empty value says nothing.
    """
    sections: dict[str, dict[str, str]] = {"global": {}, "install": {}}
    for path in _pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            line = f", line {error.lineno}" if isinstance(error, configparser.MissingSectionHeaderError) else ""
            raise RequirementsError(
                f"pip's settings file {path} cannot be read ({type(error).__name__}{line})",
                hint="mend it: [global], then lines like index-url = URL; `pip config debug` shows what pip reads",
            ) from error
        for section in sections.keys() & set(parser.sections()):
            sections[section] |= {_option_name(key): value for key, value in parser.items(section) if value}
    options = sections["global"] | sections["install"]
    for variable, value in os.environ.items():
        if variable.startswith("PIP_") and variable != "PIP_CONFIG_FILE" and value:
            options[_option_name(variable.removeprefix("PIP_"))] = value
    return options


def _option_name(key: str) -> str:
    return key.lower().replace("_", "-").removeprefix("--")


def _pip_files() -> list[Path]:
    """Return the files that pip reads, in rising precedence; one that PIP_CONFIG_FILE names replaces the user's."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    machine = [
        Path(folder, "pip", _NAME) for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder
    ]
    files = [*machine, Path("/etc", _NAME)]
    if not (named and Path(named).exists()):
        files += [_home() / ".pip" / _NAME, user_config_path("pip", appauthor=False, roaming=True) / _NAME]
    # The environment that the user has activated is where their pip looks, wherever wheelbase is installed.
    files.append(Path(os.environ.get("VIRTUAL_ENV") or sys.prefix, _NAME))
    return [*files, Path(named)] if named else files


def _home() -> Path:
    return Path(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() raises where there is none


def settings_of_pip(pip: Mapping[str, str], default: str, base: IndexSettings) -> IndexSettings:
    """Return the settings that pip's options make of uv's, whose default index is `default`."""
    no_index = truth(pip.get("no-index"))
    cert = pip.get("cert")
    return replace(
        base,
        source="pip settings" if _INDEX_OPTIONS & pip.keys() else "default",
        index_url=None if no_index else pip.get("index-url", default),
        extra_index_urls=() if no_index else tuple(pip.get("extra-index-url", "").split()),
        find_links=tuple(located(link) for link in pip.get("find-links", "").split()),
        best_match=True,
        format_control=FormatControl(
            no_binary=format_names(pip.get("no-binary", "").split()),
            only_binary=format_names(pip.get("only-binary", "").split()),
        ),
        prefer_binary=truth(pip.get("prefer-binary")),
        prereleases=truth(pip.get("pre")),
        constraints=tuple(Path(name).expanduser() for name in pip.get("constraint", "").split()),
        certificates=located(cert) if cert else base.certificates,
        insecure_hosts=(*base.insecure_hosts, *pip.get("trusted-host", "").split()),
        keyring=base.keyring or pip.get("keyring-provider") in ("subprocess", "import"),
        proxies={**base.proxies, **dict.fromkeys(("http", "https") if "proxy" in pip else (), pip.get("proxy", ""))},
    )


def located(link: str) -> str:
    """Return a link, or a path that holds from anywhere."""
    return link if "://" in link or link.startswith("file:") else str(Path(link).expanduser().absolute())


def truth(value: str | None) -> bool:
    """Read a switch as pip does."""
    return (value or "").lower() in ("1", "true", "yes", "on", "y", "t")


def format_names(values: Iterable[str], before: frozenset[str] = frozenset()) -> frozenset[str]:
    """Read pip's comma-separated lists; `:none:` empties what was set before."""
    names = set(before)
    for name in ",".join(values).split(","):
        if name == ":none:":
            names.clear()
        elif name:
            names.add(name if name == ":all:" else canonicalize_name(name))
    return frozenset(names)

"""Which package indexes the user has set up. Reads pip's settings files; runs uv to learn its settings.

uv's settings win where the user has any; else pip's hold (its files and PIP_ variables); else uv's own default index,
which uv itself names. The name of no index stands in this code.
"""

import configparser
import os
import re
import shlex
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name
from platformdirs import site_config_path, user_config_path

from wheelbase.cache import Cache
from wheelbase.errors import RequirementsError, WheelbaseError
from wheelbase.uv import refusal, run_uv, uv_binary


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatControl:
    """pip's `--no-binary` and `--only-binary`: names of packages, or `:all:`."""

    no_binary: frozenset[str] = frozenset()
    only_binary: frozenset[str] = frozenset()

    def allows(self, name: str, *, wheel: bool) -> bool:
        """Say whether a file of this kind may be taken for the package; a name says more than `:all:`."""
        refused, other = (self.no_binary, self.only_binary) if wheel else (self.only_binary, self.no_binary)
        return name not in refused and (":all:" not in refused or name in other)


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """Where packages come from, and which of their files are allowed.

    `index_url` is None for `--no-index`. With `best_match` the versions of all indexes compete, as in pip; without
    it the first index that has a name is the only one asked for it, as in uv. `tool_uv` is the project's `[tool.uv]`,
    handed on to uv. `credentials` are (URL prefix, user, password).
    """

    source: str
    index_url: str | None
    extra_index_urls: tuple[str, ...] = ()
    find_links: tuple[str, ...] = ()
    best_match: bool = False
    format_control: FormatControl = FormatControl()
    prefer_binary: bool = False
    prereleases: bool = False
    constraints: tuple[Path, ...] = ()
    certificates: str | None = None
    insecure_hosts: tuple[str, ...] = ()
    keyring: bool = False
    credentials: tuple[tuple[str, str, str], ...] = ()
    tool_uv: Mapping[str, Any] | None = None

    @property
    def index_urls(self) -> tuple[str, ...]:
        """All indexes, in the order in which they are asked."""
        default = (self.index_url,) if self.index_url else ()
        return (*default, *self.extra_index_urls) if self.best_match else (*self.extra_index_urls, *default)


def user_settings(tool_uv: Mapping[str, Any] | None = None) -> IndexSettings:
    """Return the settings in force for this user, in the directory of a project with this `[tool.uv]`."""
    default = _default_of_uv()
    theirs = _settings_of_uv(tool_uv)
    if (theirs.index_url, theirs.extra_index_urls, theirs.find_links) != (default, (), ()):
        return theirs
    pip = pip_options()
    return _settings_of_pip(pip, default, theirs) if pip else theirs


def with_requirements_options(settings: IndexSettings, options: Mapping[str, tuple[str, ...]]) -> IndexSettings:
    """Return the settings as changed by the options in a requirements file (by their long names, without dashes)."""
    if not options:
        return settings
    control = settings.format_control
    return replace(
        settings,
        source=f"{settings.source}, requirements file",
        index_url=None if "no-index" in options else (options.get("index-url") or (settings.index_url,))[-1],
        extra_index_urls=()
        if "no-index" in options
        else settings.extra_index_urls + options.get("extra-index-url", ()),
        find_links=settings.find_links + options.get("find-links", ()),
        best_match=settings.best_match or "extra-index-url" in options,
        format_control=FormatControl(
            no_binary=_format_names(options.get("no-binary", ()), control.no_binary),
            only_binary=_format_names(options.get("only-binary", ()), control.only_binary),
        ),
        prefer_binary=settings.prefer_binary or "prefer-binary" in options,
        prereleases=settings.prereleases or "pre" in options,
        insecure_hosts=settings.insecure_hosts + options.get("trusted-host", ()),
    )


def uv_project(settings: IndexSettings) -> dict[str, Any]:
    """Return the `[tool.uv]` that makes uv ask these indexes."""
    table = {
        key: value
        for key, value in (settings.tool_uv or {}).items()
        if key in _RESOLVER_KEYS and key not in ("index", "index-url", "extra-index-url", "find-links", "no-index")
    }
    # uv asks its list in order and the default last; `--index-url` of pip is that default.
    table["index"] = [{"url": url} for url in settings.extra_index_urls]
    if settings.index_url:
        table["index"].append({"url": settings.index_url, "default": True})
    else:
        table["no-index"] = True
    if settings.find_links:
        table["find-links"] = list(settings.find_links)
    if settings.best_match:
        table["index-strategy"] = "unsafe-best-match"
    if settings.prereleases:
        table["prerelease"] = "allow"
    if settings.keyring:
        table["keyring-provider"] = "subprocess"
    if settings.insecure_hosts:
        table["allow-insecure-host"] = list(settings.insecure_hosts)
    return table


# The settings of [tool.uv] that bear on which versions and files are chosen. The rest is about installing, building
# and the project itself.
_RESOLVER_KEYS = frozenset(
    [
        "index",
        "index-url",
        "extra-index-url",
        "find-links",
        "no-index",
        "index-strategy",
        "keyring-provider",
        "allow-insecure-host",
        "constraint-dependencies",
        "override-dependencies",
        "exclude-dependencies",
        "exclude-newer",
        "exclude-newer-package",
        "prerelease",
        "resolution",
        "dependency-metadata",
        "system-certs",
        "native-tls",
    ]
)


def _default_of_uv() -> str:
    """Return the index that uv asks when nobody has set one."""
    store = Cache("uv-default-index-1")
    key = f"{uv_binary()} {Path(uv_binary()).stat().st_mtime_ns}"
    known = store.get(key)
    if known is None:
        clean = {
            name: "" for name in os.environ if (name.startswith("UV_") and "INDEX" in name) or name == "UV_FIND_LINKS"
        }
        known = _emitted(["--no-config"], {}, clean)["index-url"][0].encode()
        store.put(key, known)
    return known.decode()


def _settings_of_uv(tool_uv: Mapping[str, Any] | None) -> IndexSettings:
    said = _emitted([], {k: v for k, v in (tool_uv or {}).items() if k in _RESOLVER_KEYS}, {})
    configured = [*_uv_files(), *([tool_uv] if tool_uv else [])]
    strategy = os.environ.get("UV_INDEX_STRATEGY") or _last(configured, "index-strategy")
    keyring = os.environ.get("UV_KEYRING_PROVIDER") or _last(configured, "keyring-provider")
    return IndexSettings(
        source="uv settings" if said.get("extra-index-url") or said.get("find-links") else "default",
        index_url=next(iter(said.get("index-url", ())), None),
        extra_index_urls=tuple(said.get("extra-index-url", ())),
        find_links=tuple(said.get("find-links", ())),
        best_match=strategy in ("unsafe-best-match", "unsafe-first-match"),
        certificates=os.environ.get("SSL_CERT_FILE"),
        insecure_hosts=tuple(os.environ.get("UV_INSECURE_HOST", "").split()),
        keyring=keyring == "subprocess",
        credentials=_named_credentials(configured),
        tool_uv=tool_uv,
    )


def _emitted(arguments: list[str], tool_uv: Mapping[str, Any], environment: dict[str, str]) -> dict[str, list[str]]:
    """Return the index options that uv writes into a requirements file, by their long names: its own view of them."""
    import tomli_w

    with tempfile.TemporaryDirectory(prefix="wheelbase-") as name:
        project = {"project": {"name": "probe", "version": "0"}, "tool": {"uv": dict(tool_uv)}}
        Path(name, "pyproject.toml").write_text(tomli_w.dumps(project), encoding="utf-8")
        emit = ["--offline", "--no-header", "--emit-index-url", "--emit-find-links", "-"]
        result = run_uv(*arguments, "pip", "compile", *emit, directory=Path(name), environment=environment)
    if result.returncode:
        message, hint = refusal(result)
        raise WheelbaseError(
            f"uv does not accept its settings: {message}", hint=hint or "see `uv help` on its settings"
        )
    said: dict[str, list[str]] = {}
    for line in result.stdout.splitlines():
        option, _, value = line.partition(" ")
        if option.startswith("--"):
            said.setdefault(option.removeprefix("--"), []).append(value.strip())
    return said


def _uv_files() -> list[Mapping[str, Any]]:
    """Return uv's settings files of the machine and the user, in rising precedence."""
    if os.environ.get("UV_NO_CONFIG"):
        return []
    named = os.environ.get("UV_CONFIG_FILE")
    paths = (
        [Path(named)]
        if named
        else [site_config_path("uv") / "uv.toml", Path("/etc/uv/uv.toml"), user_config_path("uv") / "uv.toml"]
    )
    tables: list[Mapping[str, Any]] = []
    for path in paths:
        try:
            tables.append(tomllib.loads(path.read_text(encoding="utf-8")))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            continue  # uv itself complains of a broken one
    return tables


def _last(tables: list[Mapping[str, Any]], key: str) -> str | None:
    return next((str(table[key]) for table in reversed(tables) if key in table), None)


def _named_credentials(tables: list[Mapping[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    """Return the credentials that UV_INDEX_NAME_USERNAME and _PASSWORD hold for named indexes."""
    named = {
        str(index["name"]): str(index["url"]) for table in tables for index in table.get("index", ()) if "name" in index
    }
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        named |= dict(
            item.split("=", 1) for item in os.environ.get(variable, "").split() if re.match(r"[\w.-]+=", item)
        )
    found = []
    for name, url in named.items():
        stem = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        if user := os.environ.get(f"{stem}_USERNAME"):
            found.append((url, user, os.environ.get(f"{stem}_PASSWORD", "")))
    return tuple(found)


def pip_options() -> dict[str, str]:
    """Return pip's settings by their long option names: files from the machine's to the user's, then PIP_ variables."""
    options: dict[str, str] = {}
    for path in _pip_files():
        parser = configparser.RawConfigParser()
        try:
            parser.read(path, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise RequirementsError(
                f"pip's settings file {path} cannot be read: {error}",
                hint="`pip config debug` shows which files pip reads",
            ) from error
        for section in ("global", "install"):
            if parser.has_section(section):
                options |= {key.lower().replace("_", "-"): value for key, value in parser.items(section)}
    for variable, value in os.environ.items():
        if variable.startswith("PIP_") and variable != "PIP_CONFIG_FILE" and value:
            options[variable.removeprefix("PIP_").lower().replace("_", "-")] = value
    return options


def _pip_files() -> list[Path]:
    """Return the files that pip reads, in rising precedence (pip's user guide, "Configuration")."""
    named = os.environ.get("PIP_CONFIG_FILE")
    if named == os.devnull:
        return []
    machine = [
        Path(folder, "pip", "pip.conf") for folder in os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(":") if folder
    ]
    files = [*machine, Path("/etc/pip.conf"), Path.home() / ".pip" / "pip.conf", user_config_path("pip") / "pip.conf"]
    files.append(Path(sys.prefix, "pip.conf"))
    return [*files, Path(named)] if named else files


def _settings_of_pip(pip: Mapping[str, str], default: str, base: IndexSettings) -> IndexSettings:
    constraints = tuple(Path(name) for name in shlex.split(pip.get("constraint", "")))
    return replace(
        base,
        source="pip settings" if {"index-url", "extra-index-url", "find-links", "no-index"} & pip.keys() else "default",
        index_url=None if _truth(pip.get("no-index")) else pip.get("index-url", default),
        extra_index_urls=tuple(pip.get("extra-index-url", "").split()),
        find_links=tuple(pip.get("find-links", "").split()),
        best_match=True,
        format_control=FormatControl(
            no_binary=_format_names(pip.get("no-binary", "").split()),
            only_binary=_format_names(pip.get("only-binary", "").split()),
        ),
        prefer_binary=_truth(pip.get("prefer-binary")),
        prereleases=_truth(pip.get("pre")),
        constraints=constraints,
        certificates=base.certificates or pip.get("cert"),
        insecure_hosts=(*base.insecure_hosts, *pip.get("trusted-host", "").split()),
        keyring=base.keyring or pip.get("keyring-provider") == "subprocess",
    )


def _truth(value: str | None) -> bool:
    return (value or "").lower() in ("1", "true", "yes", "on", "y", "t")


def _format_names(values: tuple[str, ...] | list[str], before: frozenset[str] = frozenset()) -> frozenset[str]:
    """Read pip's comma-separated lists; `:none:` empties what was set before."""
    names = set(before)
    for name in ",".join(values).split(","):
        if name == ":none:":
            names.clear()
        elif name:
            names.add(name if name == ":all:" else canonicalize_name(name))
    return frozenset(names)

"""What uv's settings say of indexes. Reads uv's settings files and UV_ variables; runs uv to learn its own view.

Sources: uv's documentation, "Settings", "Environment variables" and "Package indexes".
"""

import os
import re
import tempfile
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from platformdirs import site_config_path, user_config_path

from wheelbase.cache import Cache
from wheelbase.errors import PackageIndexError, WheelbaseError
from wheelbase.index.pip_settings import located
from wheelbase.index.values import FormatControl, IndexSettings
from wheelbase.uv import refusal, run_uv, uv_binary

# The settings of [tool.uv] that say where packages are; the rest that is handed on bears on which versions are chosen.
INDEX_KEYS = frozenset(("index", "index-url", "extra-index-url", "find-links", "no-index"))
RESOLVER_KEYS = INDEX_KEYS | frozenset(
    "index-strategy keyring-provider allow-insecure-host constraint-dependencies override-dependencies "
    "exclude-dependencies exclude-newer exclude-newer-package prerelease resolution dependency-metadata system-certs "
    "native-tls http-proxy https-proxy no-proxy".split()
)
INDEX_VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")


def default_of_uv() -> str:
    """Return the index that uv asks when nobody has set one."""
    store = Cache("uv-default-index-1")
    key = f"{uv_binary()} {Path(uv_binary()).stat().st_mtime_ns}"
    known = store.get(key)
    if known is None:
        said = _emitted(["--no-config"], {}, dict.fromkeys(INDEX_VARIABLES, ""))
        if not said.get("index-url"):
            raise PackageIndexError("uv names no default index", hint="set one: UV_DEFAULT_INDEX, or pip's index-url")
        known = said["index-url"][0].encode()
        store.put(key, known)
    return known.decode()


def settings_of_uv(tool_uv: Mapping[str, Any] | None) -> IndexSettings:
    """Return uv's settings in the directory of a project with this `[tool.uv]`."""
    said = _emitted([], {k: v for k, v in (tool_uv or {}).items() if k in RESOLVER_KEYS}, {})
    tables = [*_uv_files(), *([tool_uv] if tool_uv else [])]
    no_index = bool(_last(tables, "no-index"))
    # uv emits an index of `format = "flat"` like any other; it is a page of links.
    flat = {str(index.get("url")) for index in _indexes(tables) if index.get("format") == "flat"}
    others = said.get("extra-index-url", [])
    return IndexSettings(
        source="uv settings" if others or said.get("find-links") or no_index else "default",
        index_url=None if no_index else next(iter(said.get("index-url", ())), None),
        extra_index_urls=() if no_index else tuple(url for url in others if url not in flat),
        find_links=tuple(map(located, (*said.get("find-links", ()), *(url for url in others if url in flat)))),
        best_match=(os.environ.get("UV_INDEX_STRATEGY") or _last(tables, "index-strategy"))
        in ("unsafe-best-match", "unsafe-first-match"),
        format_control=_formats(tables),
        prereleases=(os.environ.get("UV_PRERELEASE") or _last(tables, "prerelease")) == "allow",
        certificates=os.environ.get("SSL_CERT_FILE"),
        insecure_hosts=(*os.environ.get("UV_INSECURE_HOST", "").split(), *_listed(tables, "allow-insecure-host")),
        keyring=(os.environ.get("UV_KEYRING_PROVIDER") or _last(tables, "keyring-provider")) == "subprocess",
        credentials=_named_credentials(tables),
        proxies={
            scheme: ",".join(value) if isinstance(value, list) else str(value)
            for scheme in ("http", "https", "no")
            if (value := _last(tables, f"{scheme}-proxy")) is not None
        },
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
            f"uv does not accept its settings: {' '.join(message.split())}",
            hint=hint or "mend uv.toml, [tool.uv] or the UV_ variable named; `uv help` lists the settings",
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


def _last(tables: list[Mapping[str, Any]], key: str) -> Any:
    return next((table[key] for table in reversed(tables) if key in table), None)


def _listed(tables: list[Mapping[str, Any]], key: str) -> list[str]:
    return [str(one) for table in tables for one in table.get(key, ())]


def _indexes(tables: list[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [index for table in tables for index in table.get("index", ()) if isinstance(index, Mapping)]


def _formats(tables: list[Mapping[str, Any]]) -> FormatControl:
    """Return what uv's no-build and no-binary settings come to in pip's words."""

    def names(key: str, variable: str) -> Iterable[str]:
        if _last(tables, key) is True or os.environ.get(variable, "").lower() in ("1", "true", "yes", "on"):
            yield ":all:"
        yield from _listed(tables, f"{key}-package")

    return FormatControl(
        no_binary=frozenset(names("no-binary", "UV_NO_BINARY")), only_binary=frozenset(names("no-build", "UV_NO_BUILD"))
    )


def _named_credentials(tables: list[Mapping[str, Any]]) -> tuple[tuple[str, str, str], ...]:
    """Return the credentials that UV_INDEX_NAME_USERNAME and _PASSWORD hold for named indexes."""
    named = {str(index["name"]): str(index.get("url")) for index in _indexes(tables) if "name" in index}
    for variable in ("UV_INDEX", "UV_DEFAULT_INDEX"):
        for item in os.environ.get(variable, "").split():
            if re.match(r"[\w.-]+=", item):
                name, _, url = item.partition("=")
                named[name] = url
    found = []
    for name, url in named.items():
        stem = "UV_INDEX_" + re.sub(r"[^A-Z0-9]", "_", name.upper())
        user, password = (os.environ.get(f"{stem}_{part}") for part in ("USERNAME", "PASSWORD"))
        if user is not None or password is not None:
            found.append((url, user or "", password or ""))
    return tuple(found)

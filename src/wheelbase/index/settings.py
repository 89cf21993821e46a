"""Which package indexes the user has set up. Reads settings files; runs uv to learn its settings.

uv's settings win where the user has any; else pip's hold (its files and PIP_ variables); else uv's own default index,
which uv itself names. The name of no index stands in this code.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from wheelbase.index.credentials import Credentials
from wheelbase.index.pip_settings import format_names, located, pip_options, settings_of_pip
from wheelbase.index.urls import split
from wheelbase.index.uv_settings import INDEX_KEYS, INDEX_VARIABLES, RESOLVER_KEYS, default_of_uv, settings_of_uv
from wheelbase.index.values import FormatControl, IndexSettings

__all__ = [
    "FormatControl",
    "IndexSettings",
    "pip_options",
    "user_settings",
    "uv_environment",
    "uv_project",
    "with_requirements_options",
]


def user_settings(tool_uv: Mapping[str, Any] | None = None) -> IndexSettings:
    """Return the settings in force for this user, in the directory of a project with this `[tool.uv]`."""
    default = default_of_uv()
    theirs = settings_of_uv(tool_uv)
    if (theirs.index_url, theirs.extra_index_urls, theirs.find_links) != (default, (), ()):
        return _checked(replace(theirs, source="uv settings"))
    pip = pip_options()
    return _checked(settings_of_pip(pip, default, theirs)) if pip else theirs


def _checked(settings: IndexSettings) -> IndexSettings:
    """Refuse malformed URLs before uv sees them, whose messages might show a part of a password."""
    for url in (*settings.index_urls, *settings.find_links, *settings.proxies.values()):
        if "://" in url:
            split(url)
    return settings


def with_requirements_options(settings: IndexSettings, options: Mapping[str, tuple[str, ...]]) -> IndexSettings:
    """Return the settings as changed by the options in a requirements file (by their long names, without dashes).

    As in pip, `--index-url` puts itself in the place of all indexes set elsewhere, and `--no-index` of all there are.
    """
    if not options:
        return settings
    control = settings.format_control
    no_index = "no-index" in options or settings.index_url is None
    index_url = (options.get("index-url") or (settings.index_url,))[-1]
    inherited = () if "index-url" in options else settings.extra_index_urls
    changed = replace(
        settings,
        source=f"{settings.source}, requirements file",
        index_url=None if no_index else index_url,
        extra_index_urls=() if no_index else inherited + options.get("extra-index-url", ()),
        find_links=settings.find_links + tuple(map(located, options.get("find-links", ()))),
        best_match=settings.best_match or "extra-index-url" in options,
        format_control=FormatControl(
            no_binary=format_names(options.get("no-binary", ()), control.no_binary),
            only_binary=format_names(options.get("only-binary", ()), control.only_binary),
        ),
        prefer_binary=settings.prefer_binary or "prefer-binary" in options,
        prereleases=settings.prereleases or "pre" in options,
        insecure_hosts=settings.insecure_hosts + options.get("trusted-host", ()),
    )
    return _checked(changed)


def uv_project(settings: IndexSettings) -> dict[str, Any]:
    """Return the `[tool.uv]` that makes uv ask these indexes."""
    keys = RESOLVER_KEYS - INDEX_KEYS
    table = {key: value for key, value in (settings.tool_uv or {}).items() if key in keys}
    # uv asks its list in order and the default last; `--index-url` of pip is that default.
    table["index"] = [{"url": _with_login(settings, url)} for url in settings.extra_index_urls]
    if settings.index_url:
        table["index"].append({"url": _with_login(settings, settings.index_url), "default": True})
    else:
        table["no-index"] = True
    if settings.find_links:
        table["find-links"] = [_with_login(settings, link) for link in settings.find_links]
    if settings.best_match:
        table["index-strategy"] = "unsafe-best-match"
    if settings.prereleases:
        table["prerelease"] = "allow"
    if settings.keyring:
        table["keyring-provider"] = "subprocess"
    if settings.insecure_hosts:
        table["allow-insecure-host"] = list(settings.insecure_hosts)
    return table | {f"{scheme}-proxy": _proxy_value(scheme, value) for scheme, value in settings.proxies.items()}


def uv_environment(settings: IndexSettings) -> dict[str, str]:
    """Return the variables that go with `uv_project`: those of indexes are empty, so that its list is the whole."""
    certificates = {"SSL_CERT_FILE": settings.certificates} if settings.certificates else {}
    return dict.fromkeys(INDEX_VARIABLES, "") | certificates


def _with_login(settings: IndexSettings, url: str) -> str:
    """Return an index URL with the credentials of its name (UV_INDEX_NAME_USERNAME), as uv is not told that name."""
    if "://" not in url or not settings.credentials:
        return url
    parts = split(url)
    login = None if parts.username else Credentials(replace(settings, keyring=False)).login(url)
    if login is None:
        return url
    user = f"{quote(login.user, safe='')}:{quote(login.password or '', safe='')}"
    return parts._replace(netloc=f"{user}@{parts.netloc}").geturl()


def _proxy_value(scheme: str, value: str) -> Any:
    return value.split(",") if scheme == "no" else value

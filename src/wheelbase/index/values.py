"""The settings of a package index as values. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


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
    handed on to uv. `credentials` are (URL prefix, user, password). `proxies` are those of settings files, by scheme
    (`http`, `https`, and `no` for the hosts that are asked directly); the environment's go before them.
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
    credentials: tuple[tuple[str, str, str], ...] = field(default=(), repr=False)
    proxies: Mapping[str, str] = field(default_factory=dict, repr=False)
    tool_uv: Mapping[str, Any] | None = None

    @property
    def index_urls(self) -> tuple[str, ...]:
        """All indexes, in the order in which they are asked."""
        default = (self.index_url,) if self.index_url else ()
        return (*default, *self.extra_index_urls) if self.best_match else (*self.extra_index_urls, *default)
